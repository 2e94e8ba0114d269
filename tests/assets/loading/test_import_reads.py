"""What modules read while they are loaded, so that a remembered declaration can be dropped when that changes."""

from __future__ import annotations

import ast
import builtins
import os
from pathlib import Path

import pytest
from tests.assets.conftest import Project

from upriver.assets.loading.import_reads import EVERY_NAME, Observed, Recorder, native_reads


def observed(project: Project, text: str) -> Observed:
    """What is seen when a module with *text* is loaded."""
    project.module("assets/m.py", text)
    return project.sound_python().observed


def changed(project: Project, seen: Observed) -> tuple[str, ...]:
    return seen.changed(str(project.root), os.environ)


READS = {
    "open('data/names.txt').close()": "data/names.txt",
    "import pathlib; pathlib.Path(__file__).parent.parent.joinpath('data/names.txt').read_text()": "data/names.txt",
    "import os; os.close(os.open('data/names.txt', os.O_RDONLY))": "data/names.txt",
    "import json; json.load(open(b'data/names.txt'))": "data/names.txt",
    "import pkgutil; pkgutil.get_data('assets.m', '../data/names.txt')": "assets/../data/names.txt",
}


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("read", READS)
def test_a_file_that_was_read_is_seen_and_its_change_is_noticed(project: Project, read: str) -> None:
    project.write("data/names.txt", "1")
    seen = observed(project, read)
    assert [path for path, _ in seen.files] == [os.path.normpath(READS[read])]
    assert changed(project, seen) == ()
    project.write("data/names.txt", "[2]")
    assert changed(project, seen) == ("data/names.txt",)


def test_a_file_outside_of_the_project_is_seen_with_its_whole_path(project: Project, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("a")
    seen = observed(project, f"from pathlib import Path; Path({str(tmp_path / 'x.txt')!r}).read_text()")
    assert [path for path, _ in seen.files] == [str(tmp_path / "x.txt")]
    (tmp_path / "x.txt").unlink()
    assert changed(project, seen) == (str(tmp_path / "x.txt"),)


def test_a_file_that_was_missing_is_seen_when_it_appears(project: Project) -> None:
    seen = observed(project, "try: open('optional.txt')\nexcept OSError: pass\n")
    assert seen.files == (("optional.txt", None),)
    assert changed(project, seen) == ()
    project.write("optional.txt", "")
    assert changed(project, seen) == ("optional.txt",)


@pytest.mark.parametrize(
    "listing",
    [
        "import os; os.listdir('data')",
        "import os; list(os.walk('data'))",
        "import glob; glob.glob('data/*.csv')",
        "import pathlib; list(pathlib.Path('data').glob('*.csv'))",
        "import pathlib; list(pathlib.Path('data').iterdir())",
    ],
)
def test_a_folder_that_was_listed_is_seen_and_a_new_file_in_it_is_noticed(
    project: Project, listing: str
) -> None:
    project.write("data/a.csv", "")
    seen = observed(project, listing)
    assert [path for path, _ in seen.folders] == ["data"]
    assert changed(project, seen) == ()
    project.write("data/b.csv", "")
    assert changed(project, seen) == ("data",)


QUESTIONS = (
    "import os; X = os.path.exists('data/flag')",
    "import pathlib; X = (pathlib.Path(__file__).parent.parent / 'data' / 'flag').is_file()",
    "import os; X = os.access('data/flag', os.R_OK)",
    "from os import stat\ntry: stat('data/flag')\nexcept OSError: pass",
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_whether_a_file_is_there_is_seen_and_its_coming_is_noticed(project: Project, question: str) -> None:
    (project.root / "data").mkdir(exist_ok=True)
    seen = observed(project, question)
    assert changed(project, seen) == ()
    (project.root / "data" / "other").write_text("not asked for")
    assert changed(project, seen) == ()
    (project.root / "data" / "flag").write_text("here")
    assert changed(project, seen) == ("data/flag",)


def test_the_size_that_was_asked_for_is_noticed_when_it_changes(project: Project) -> None:
    (project.root / "data").mkdir(exist_ok=True)
    (project.root / "data" / "names.txt").write_text("one")
    seen = observed(project, "import os; X = os.path.getsize('data/names.txt')")
    (project.root / "data" / "names.txt").write_text("one more")
    assert changed(project, seen) == ("data/names.txt",)


def test_resolving_a_path_depends_on_no_folders_content(project: Project) -> None:
    seen = observed(project, "import pathlib; ROOT = pathlib.Path(__file__).resolve().parent.parent")
    (project.root / "another.txt").write_text("x")
    (project.root / "more").mkdir()
    assert changed(project, seen) == ()


@pytest.mark.parametrize(
    "read",
    [
        "import os; os.environ.get('SOME_NAME')",
        "import os; os.getenv('SOME_NAME', 'x')",
        "import os; 'SOME_NAME' in os.environ",
        "from os import environ\ntry: environ['SOME_NAME']\nexcept KeyError: pass",
        "import helper; helper.read()",
    ],
)
def test_an_environment_variable_that_was_read_is_seen(
    project: Project, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    monkeypatch.setenv("SOME_NAME", "s3cret")
    project.write("helper.py", "import os\ndef read(): return os.environ.get('SOME_NAME')\n")
    seen = observed(project, read)
    assert [name for name, _ in seen.environment] == ["SOME_NAME"]
    assert "s3cret" not in repr(seen)
    assert changed(project, seen) == ()
    monkeypatch.setenv("SOME_NAME", "other")
    assert changed(project, seen) == ("$SOME_NAME",)
    monkeypatch.delenv("SOME_NAME")
    assert changed(project, seen) == ("$SOME_NAME",)
    assert changed(project, observed(project, read)) == ()


def test_who_reads_the_whole_environment_depends_on_its_names(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = observed(project, "import os; NAMES = [name for name in os.environ if name.startswith('X_')]")
    assert EVERY_NAME in dict(seen.environment)
    monkeypatch.setenv("X_NEW", "1")
    assert changed(project, seen) == ("$*",)


def test_code_packages_and_writing_are_not_reading(project: Project) -> None:
    project.write("helper.py", "")
    seen = observed(
        project,
        """
        import helper, polars, tomllib, pathlib
        pathlib.Path("written.txt").write_text("x")
        with open("/dev/null") as file:
            file.read()
        pathlib.Path(__file__).read_text()
        pathlib.Path(polars.__file__).parent.joinpath("py.typed").read_text()
        """,
    )
    assert seen == Observed()


def test_outside_of_a_load_nothing_is_seen(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit hook stays in the process; the functions of a loaded project may be called there."""
    project.write("x.txt", "")
    project.module(
        "assets/m.py",
        "import os\nfrom os import environ\n@asset\ndef f(): open(os.path.dirname(__file__) + '/../x.txt').close(); "
        "return environ.get('SOME_NAME')\n",
    )
    loaded = project.sound_python()
    monkeypatch.setenv("SOME_NAME", "1")
    assert loaded.functions["f"]() == "1"
    assert loaded.observed == Observed()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import subprocess\nsubprocess.run(['true'])\n", "assets/m.py:3 starts a process"),
        ("import os\nos.system('true')\n", "assets/m.py:3 starts a process"),
        ("import sqlite3\nsqlite3.connect(':memory:').close()\n", "assets/m.py:3 opens a SQLite database"),
        ("import polars as pl\nN = pl.DataFrame({'a': [1]}).sql('select 1')\n", "assets/m.py:3 calls "),
        ("import duckdb\nduckdb.sql('select 1')\n", "assets/m.py:3 calls duckdb.sql"),
    ],
)
def test_reads_that_can_not_be_followed_are_named(project: Project, text: str, said: str) -> None:
    unseen = observed(project, text).unseen
    assert any(sentence.startswith(said) for sentence in unseen)


@pytest.mark.parametrize(
    "body",
    [
        "import polars as pl\n    return pl.read_csv('data/names.csv').rows()",
        "import duckdb\n    return duckdb.sql(\"from 'data/names.csv'\").fetchall()",
        "from pyarrow.csv import read_csv\n    return read_csv('data/names.csv').to_pylist()",
    ],
)
def test_what_a_function_has_a_library_read_while_loading_is_named(project: Project, body: str) -> None:
    project.write("data/names.csv", "name\none\n")
    before = builtins.__import__, os.stat
    seen = observed(project, f"def load():\n    {body}\n\n\nNAMES = load()\n")
    assert seen.unseen == ("assets/m.py:4 has a library read files",)
    assert (builtins.__import__, os.stat) == before
    assert observed(project, f"def load():\n    {body}\n").unseen == ()


def test_calls_in_functions_are_not_made_while_loading() -> None:
    module = ast.parse(
        "def f(): pl.read_csv('a')\nx = lambda: read_csv('a')\nclass C:\n    y = pl.scan_csv('b')\nz.read_text()"
    )
    assert list(native_reads(module)) == [(4, "pl.scan_csv")]


def test_what_a_project_reads_of_itself_is_seen_wherever_it_lies() -> None:
    """Among devices and the like only what is not the project's changes all the time."""
    seen = Recorder("/dev/shm/project", lambda file: True)
    for path in ("/dev/shm/project/rates.json", "/dev/null"):
        seen.event("open", (path, "r", 0))
    assert [name for name, _ in seen.observed().files] == ["rates.json"]
