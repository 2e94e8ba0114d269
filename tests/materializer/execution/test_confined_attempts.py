"""Attempts are confined to what they were given; what else they read is found by denying it, granted, and counts."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from upriver.assets.errors import UsageError
from upriver.assets.identity import Node
from upriver.materializer.answers import BuildResult
from upriver.materializer.execution.local import isolation
from upriver.materializer.execution.local.confinement.apply import Offer, offer
from upriver.materializer.execution.local.grants import MOST_REPETITIONS
from upriver.materializer.freshness.external_inputs import UNSTEADY
from upriver.materializer.model import Outcome, State, Trust
from upriver.materializer.session import Session

pytestmark = pytest.mark.skipif(not offer().enforced, reason="this kernel can't enforce reads")

HEAD = """\
import os
import subprocess
import time
from pathlib import Path

import polars as pl

from upriver.assets import asset


def frame(value):
    print("running")
    return pl.DataFrame({"value": [str(value)]})

"""

Built = Callable[..., BuildResult]


class Shop:
    """A project with one module of Python assets."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("upriver.toml", "")
        self.session = Session(root)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def recipe(self, body: str, options: str = "", before: str = "") -> None:
        """Have the asset ``a``, whose recipe ends with the statement *body*."""
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        self.write("assets/m.py", f"{HEAD}{before}\n@asset({options})\ndef a():\n{lines}\n")

    def build(self, *select: str) -> BuildResult:
        """Build."""
        return self.session.build(select)

    def error(self) -> str:
        """What the build of ``a`` says went wrong."""
        result = self.build()
        found = next(one for one in result.assets if one.asset == "a")
        assert found.action is Outcome.FAILED
        assert found.error is not None
        return found.error

    def made(self) -> str:
        """Build; what ``a`` holds."""
        result = self.build()
        assert not [one.error for one in result.assets if one.error]
        return str(self.session.preview("a", limit=1).rows[0][0])

    def said(self, result: BuildResult, stream: str) -> list[str]:
        """What was said in a build."""
        return [line.text for line in self.session.log(result.run_id) if line.stream == stream]

    def trace(self) -> dict[str, str]:
        """What ``a`` took from outside when it was built."""
        return dict(self.session.context.state.current("dev")[Node("a")].trace.environment)

    def reasons(self) -> list[str]:
        """Why ``a`` is stale."""
        [status] = [one for one in self.session.status() if one.asset == "a"]
        return [reason.detail for reason in status.reasons]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    (tmp_path / "shop").mkdir()
    made = Shop(tmp_path / "shop")
    yield made
    made.session.close()


# -- grants --------------------------------------------------------------------------------------------------
def test_an_undeclared_read_is_found_told_and_counted_at_once(shop: Shop) -> None:
    shop.write("rate.txt", "1")
    shop.recipe('return frame(Path("rate.txt").read_text())')
    result = shop.build()
    assert [one.action for one in result.assets] == [Outcome.BUILT]
    assert [line for line in shop.said(result, "warning") if "reads rate.txt, which is not declared" in line]
    shop.write("rate.txt", "2")
    assert shop.reasons() == ["rate.txt, which it reads without declaring it, changed"]
    again = shop.build()
    # What it is known to read it is given from the start.
    assert shop.said(again, "stdout") == ["running"]


def test_what_was_found_is_forgotten_with_the_code_that_read_it(shop: Shop) -> None:
    shop.write("rate.txt", "1")
    shop.recipe('return frame(Path("rate.txt").read_text())')
    shop.made()
    shop.recipe("return frame(3)")
    shop.made()
    assert not [name for name in shop.trace() if name.startswith("file:")]


def test_a_second_file_of_a_folder_is_taken_for_all_of_its_kind(shop: Shop) -> None:
    for name in ("a", "b", "c", "d"):
        shop.write(f"parts/{name}.txt", name)
    shop.write("parts/other.md", "x")
    shop.recipe(
        'return frame([subprocess.getoutput(f"cat parts/{one}.txt") for one in "abcd"] and "".join(Path(f"parts/{one}.txt").read_text() for one in "abcd"))'
    )
    assert shop.made() == "abcd"
    assert "files:parts/*.txt" in shop.trace()
    shop.write("parts/other.md", "y")
    assert shop.reasons() == []
    shop.write("parts/d.txt", "D")
    assert shop.reasons() == ["one of the files parts/*.txt, which it reads, changed"]
    assert shop.made() == "abcD"
    shop.write("parts/e.txt", "e")
    assert shop.reasons() == ["one of the files parts/*.txt, which it reads, changed"]


def test_a_recipe_that_finds_ever_more_is_told_what_to_declare(shop: Shop) -> None:
    for number in range(MOST_REPETITIONS + 3):
        shop.write(f"f{number}/x.txt", "1")
    shop.recipe(f'return frame([Path(f"f{{n}}/x.txt").read_text() for n in range({MOST_REPETITIONS + 3})])')
    error = shop.error()
    [listed] = re.findall(r"reads=(\[.*\])", error)
    shop.recipe(
        f'return frame([Path(f"f{{n}}/x.txt").read_text() for n in range({MOST_REPETITIONS + 3})])',
        f"reads={listed}",
    )
    assert "1" in shop.made()


def test_a_denial_counts_whatever_the_recipe_makes_of_it(shop: Shop) -> None:
    shop.write("rate.txt", "1")
    body = 'try:\n    found = Path("rate.txt").read_text()\nexcept OSError:\n    found = "none"\nreturn frame(found)'
    shop.recipe(body)
    assert shop.made() == "1"


def test_an_empty_listing_of_a_folder_that_was_not_granted_is_a_denial(shop: Shop) -> None:
    shop.write("parts/a.csv", "x\n1\n")
    shop.recipe('return frame(sorted(map(str, Path("parts").glob("*.csv"))))')
    assert shop.made() == "['parts/a.csv']"
    shop.write("parts/b.csv", "x\n1\n")
    assert shop.reasons() == ["what there is in parts, which it lists, changed"]


def test_repetitions_are_no_retries_and_teach_no_duration(shop: Shop) -> None:
    for name in ("a", "b", "c"):
        shop.write(f"{name}/x.txt", "1")
    shop.recipe('time.sleep(0.4)\nreturn frame([Path(f"{one}/x.txt").read_text() for one in "abc"])')
    result = shop.build()
    assert [one.action for one in result.assets] == [Outcome.BUILT]
    record = shop.session.context.state.current("dev")[Node("a")]
    assert 0.4 <= record.finished - record.started < 1.2


def test_a_timeout_is_for_each_repetition(shop: Shop) -> None:
    for name in ("a", "b", "c"):
        shop.write(f"{name}/x.txt", "1")
    body = 'time.sleep(1.5)\nreturn frame([Path(f"{one}/x.txt").read_text() for one in "abc"])'
    shop.recipe(body, "timeout='4s'")
    assert "1" in shop.made()
    shop.recipe(body.replace("1.5", "1.6"), "timeout='1s'")
    assert "it ran longer than its timeout of 1 s" in shop.error()


def test_everything_granted_is_in_the_trace_seen_or_not(shop: Shop) -> None:
    """Native code reads it; nobody saw that."""
    shop.write("rate.txt", "1")
    shop.recipe(
        'import ctypes\nlibc = ctypes.CDLL(None)\nopened = libc.open(b"rate.txt", 0)\nreturn frame(os.read(opened, 9))',
        "reads=['rate.txt']",
    )
    assert shop.made() == "b'1'"
    shop.write("rate.txt", "2")
    assert shop.reasons() == ["one of the files rate.txt, which it reads, changed"]
    assert shop.made() == "b'2'"


def test_what_changes_while_it_is_read_is_never_known(shop: Shop) -> None:
    shop.write("rate.txt", "1")
    shop.recipe('found = Path("rate.txt").read_text()\ntime.sleep(1)\nreturn frame(found)')
    stop = threading.Event()

    def keep_changing() -> None:
        number = 0
        while not stop.wait(0.05):
            number += 1
            (shop.root / "rate.txt").write_text(str(number))

    thread = threading.Thread(target=keep_changing)
    thread.start()
    try:
        shop.build()
    finally:
        stop.set()
        thread.join()
    assert shop.trace()["file:rate.txt"] == UNSTEADY
    assert shop.reasons() != []


# -- what can't be granted -----------------------------------------------------------------------------------
def test_what_lies_outside_is_denied_and_can_be_allowed(shop: Shop) -> None:
    models = shop.root.parent / "models"
    models.mkdir()
    (models / "m.bin").write_text("1")
    shop.recipe(f'return frame(Path("{models}/m.bin").read_text())')
    assert f"reads {models}/m.bin: that is outside of the project" in shop.error()
    shop.write("upriver.toml", f'[build]\nallow_read = ["{models}"]\n')
    assert shop.made() == "1"
    (models / "m.bin").write_text("2")
    assert shop.reasons() == [f"{models}, which it may read, changed"]
    assert shop.made() == "2"
    os.utime(models / "m.bin", (1, 1))
    assert shop.reasons() == []


def test_what_is_allowed_by_stamp_is_trusted_by_time(shop: Shop) -> None:
    models = shop.root.parent / "models"
    models.mkdir()
    (models / "m.bin").write_text("1")
    shop.write("upriver.toml", f'[build]\nallow_read = [{{ path = "{models}", stat = true }}]\n')
    shop.recipe(f'return frame(Path("{models}/m.bin").read_text())')
    shop.made()
    [trust] = shop.session.trust()
    assert trust.trust is Trust.TIME
    os.utime(models / "m.bin", (1, 1))
    assert len(shop.reasons()) == 1


def test_a_write_names_the_file_and_the_option(shop: Shop) -> None:
    shop.recipe('Path("report.txt").write_text("x")\nreturn frame(1)')
    error = shop.error()
    assert "assets/m.py:18 writes report.txt, which is not declared" in error
    assert "writes=['out/report.txt']" in error
    shop.recipe('Path("out/report.txt").write_text("x")\nreturn frame(1)', "writes=['out/*.txt']")
    shop.made()
    assert (shop.root / "out" / "report.txt").read_text() == "x"
    shop.recipe('Path("out/report.csv").write_text("x")\nreturn frame(1)', "writes=['out/*.txt']")
    assert "writes out/report.csv, which is not declared" in shop.error()


def test_what_may_be_written_may_not_be_read(shop: Shop) -> None:
    """It would be the result of an earlier attempt."""
    body = 'p = Path("out/n.txt")\nn = int(p.read_text()) + 1 if p.exists() else 0\np.write_text(str(n))\nreturn frame(n)'
    shop.recipe(body, "writes=['out/*']")
    assert shop.made() == "0"
    shop.build()
    assert shop.reasons() != [] or shop.made()  # what it has read of itself changed while it ran


def test_nothing_is_written_through_a_link_to_what_is_uprivers(shop: Shop) -> None:
    shop.recipe("return frame(1)")
    shop.made()
    (shop.root / "out").symlink_to(".upriver")
    shop.recipe('Path("out/state.db").write_text("x")\nreturn frame(2)', "writes=['out/*']")
    assert "Permission denied" in shop.error()
    assert shop.session.status()


def test_a_temporary_file_is_its_own_and_gone_afterwards(shop: Shop) -> None:
    shop.recipe(
        "import tempfile\n"
        "with tempfile.NamedTemporaryFile('w+') as file:\n"
        "    file.write('x'); file.seek(0)\n"
        "    Path.home().joinpath('kept').write_text('x')\n"
        "    os.mkdir(Path.home() / 'shut'); os.chmod(Path.home() / 'shut', 0)\n"
        "    return frame(file.read() + str(Path(file.name).parent == Path.home()))"
    )
    assert shop.made() == "xTrue"
    assert [path for path in (shop.root / ".upriver" / "tmp").glob("*/*") if path.name != "lock"] == []


def test_the_network_is_denied_unless_declared_and_then_only_declared(shop: Shop) -> None:
    body = 'import socket\nserver = socket.create_server(("127.0.0.1", 0))\nreturn frame(server.getsockname()[0])'
    shop.recipe(body)
    assert "uses the network, which is not declared\n  hint: write network=True" in shop.error()
    shop.recipe(body, "network=True")
    assert shop.made() == "127.0.0.1"
    [trust] = shop.session.trust()
    assert trust.trust is Trust.DECLARED


def test_what_smells_of_missing_credentials_is_told_so(shop: Shop) -> None:
    shop.recipe('raise RuntimeError("NoCredentialsError: Unable to locate credentials")', "network=True")
    assert "environment=['AWS_*']" in shop.error()


def test_uprivers_own_files_are_nobodys(shop: Shop) -> None:
    shop.recipe('return frame(len(Path(".upriver/state.db").read_bytes()))', "reads=['*.db']")
    assert "which is Upriver's own" in shop.error()


# -- variables -------------------------------------------------------------------------------------------------
def test_programs_are_given_the_base_and_what_is_declared(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_ONE", "1")
    monkeypatch.setenv("SHOP_TWO", "2")
    monkeypatch.setenv("OTHER", "3")
    shop.recipe('return frame(sorted(subprocess.getoutput("env").split()))', "environment=['SHOP_*']")
    given = shop.made()
    assert "SHOP_ONE=1" in given
    assert "SHOP_TWO=2" in given
    assert "OTHER" not in given
    assert f"PATH={os.environ['PATH']}" in given
    monkeypatch.setenv("OTHER", "4")
    assert shop.reasons() == []
    monkeypatch.setenv("SHOP_TWO", "3")
    assert shop.reasons() == ["environment variable SHOP_* changed"]
    monkeypatch.setenv("SHOP_TWO", "2")
    monkeypatch.setenv("SHOP_THREE", "3")
    assert shop.reasons() == ["environment variable SHOP_* changed"]


def test_variables_of_the_terminal_are_there_for_nobody(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "71")
    shop.recipe(
        'import shutil\nreturn frame((os.environ.get("COLUMNS"), shutil.get_terminal_size().columns))'
    )
    assert shop.made() == "(None, 80)"
    monkeypatch.setenv("COLUMNS", "72")
    assert shop.reasons() == []


# -- the import system -----------------------------------------------------------------------------------------
def test_the_import_systems_own_questions_are_nobodys(shop: Shop) -> None:
    """It looks at the folders that modules and installed packages are looked for in, the project's among them."""
    shop.write("lib/one.py", "X = 1")
    shop.recipe(
        'import importlib.metadata\nimport lib.one\nimportlib.metadata.version("polars")\n'
        "list(importlib.metadata.distributions())\nreturn frame(lib.one.X)"
    )
    assert shop.made() == "1"
    shop.write("assets/notes.txt", "x")
    shop.write("lib/notes.txt", "x")
    (shop.root / "new").mkdir()
    assert shop.reasons() == []


def test_a_module_named_like_one_that_every_process_has_imported_is_the_projects(shop: Shop) -> None:
    shop.write("typing_extensions.py", "X = 'mine'\n")
    shop.recipe("import typing_extensions\nreturn frame(typing_extensions.X)")
    assert shop.made() == "mine"
    shop.write("typing_extensions.py", "X = 'other'\n")
    assert shop.made() == "other"


def test_modules_are_found_without_listing_their_folders(shop: Shop) -> None:
    shop.write("lib/__init__.py", "")
    shop.write("lib/deep/one.py", "X = 1")
    shop.write("spaces/inner/two.py", "from lib.deep.one import X as Y")
    shop.recipe("import spaces.inner.two as two\nreturn frame(two.Y)")
    assert shop.made() == "1"
    assert not [name for name in shop.trace() if name.startswith(("names:", "listing:", "file:"))]


def test_a_module_that_can_be_listed_is_found_by_its_plugins(shop: Shop) -> None:
    shop.write("plugins/__init__.py", "")
    shop.write("plugins/one.py", "")
    shop.recipe(
        "import pkgutil, plugins\nreturn frame([one.name for one in pkgutil.iter_modules(plugins.__path__)])"
    )
    assert shop.made() == "['one']"
    shop.write("plugins/two.py", "")
    assert "what there is in plugins, which it lists, changed" in shop.reasons()
    assert shop.made() == "['one', 'two']"


# -- where it is only watched ----------------------------------------------------------------------------------
def test_where_reads_are_only_watched_trust_says_so(shop: Shop) -> None:
    shop.write("upriver.toml", '[build]\nisolation = "observed"\n')
    shop.write("rate.txt", "1")
    shop.recipe('Path("out.txt").write_text("x")\nreturn frame(Path("rate.txt").read_text())')
    assert shop.made() == "1"
    [trust] = shop.session.trust()
    assert trust.trust is Trust.OBSERVED
    [edge] = shop.session.why("a").edges
    assert edge.trust is Trust.OBSERVED
    shop.write("upriver.toml", "")
    assert [one.state for one in shop.session.status() if one.asset == "a"] == [State.FRESH]


def test_where_the_kernel_can_not_they_are_watched_unless_that_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "offer", lambda: Offer(False, "this kernel has no Landlock"))
    shop.recipe("return frame(1)")
    shop.made()
    [trust] = shop.session.trust()
    assert trust.trust is Trust.OBSERVED
    shop.write("upriver.toml", '[build]\nisolation = "enforced"\n')
    shop.recipe("return frame(2)")
    with pytest.raises(UsageError, match="can't be enforced here: this kernel has no Landlock"):
        shop.build()
