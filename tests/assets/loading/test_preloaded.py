"""What was imported before a fork is known as a whole, and what came later one by one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from upriver.assets.loading.preloaded import Preloaded, imported_since, preloaded

KNOWN = Preloaded(frozenset({"polars"}), ("/usr/lib/python", "/home/me/p/.venv/lib"), frozenset(), "polars")


def _nobodys(folder: str) -> bool:
    return False


def test_a_name_that_was_imported_may_hide_one_of_the_project() -> None:
    assert KNOWN.has({"polars", "mine"}, "/home/me/p", _nobodys)
    assert not KNOWN.has({"mine"}, "/home/me/p", _nobodys)


def test_a_folder_of_the_project_or_around_it_may_hold_modules_of_the_project() -> None:
    assert KNOWN.has((), "/home/me/p", lambda folder: folder.startswith("/home/me/p/"))
    assert KNOWN.has((), "/usr/lib/python/site-packages/mine", _nobodys)
    assert not KNOWN.has((), "/usr/lib/python3/mine", _nobodys)


def test_without_a_fork_nothing_is_known_and_all_is_later() -> None:
    assert preloaded() == Preloaded()
    assert dict(imported_since()) == sys.modules


def test_what_is_imported_after_the_note_is_later(tmp_path: Path) -> None:
    """Also what was imported before and is imported anew."""
    (tmp_path / "one.py").write_text("")
    (tmp_path / "two.py").write_text("")
    told = """
import sys
from upriver.assets.loading import preloaded
import one
preloaded.note_preloaded()
known = preloaded.preloaded()
assert list(preloaded.imported_since()) == []
import two
del sys.modules["one"]
import one
print([name for name, _ in preloaded.imported_since()])
print({"one", "two"} & known.names, one.__file__ in known.files, two.__file__ in known.files)
"""
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    # The module that came last before the note is another one now: then all are looked at.
    assert done.returncode == 0, done.stderr
    later, known = done.stdout.splitlines()
    assert later.startswith("['one', 'two'")
    assert known == "{'one'} True False"
