"""What starting costs: the commands that are run most often load no engine, and help loads nothing at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "textual",
    "rich",
    "polars",
    "duckdb",
    "pyarrow",
    "sqlglot",
    "pygments",
    "asyncio",
    "numpy",
    "watchfiles",
)
LISTED = "\nimport sys; sys.stderr.write('LOADED ' + ' '.join(sys.modules))"


def loaded_by(words: list[str], session: bool, project: Path) -> set[str]:
    """Top-level names of the modules that a command line loads."""
    call = (
        "from tests.tui.cli.scripted import run_line, ScriptedSession\n"
        "from tests.tui.cli.answers import RESULTS\n"
        "from upriver.materializer.model import RunStatus\n"
        "session = ScriptedSession.open()\n"
        "session.results, session.run_status = RESULTS[-1:], RunStatus.SUCCESS\n"
        f"run_line({['-C', str(project), *words]!r}, session)"
        if session
        else f"from upriver.tui.cli.main import main\ntry: main({words!r})\nexcept SystemExit: pass"
    )
    done = subprocess.run(
        [sys.executable, "-c", call + LISTED],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    return set(done.stderr.rpartition("LOADED ")[2].split())


@pytest.mark.parametrize(
    "words", [["--help"], [], ["build", "--help"], ["stauts"], ["version"]], ids=" ".join
)
def test_help_loads_nothing_of_the_product(words: list[str], project: Path) -> None:
    """Not even the values: Python's own start is all it costs."""
    loaded = loaded_by(words, False, project)
    assert not loaded & set(HEAVY)
    if words and words[-1] == "--help":
        assert not {
            name for name in loaded if name.startswith(("msgspec", "upriver.assets", "upriver.materializer"))
        }


@pytest.mark.parametrize(
    "words",
    [["status"], ["build"], ["plan"], ["log"]],
    ids=" ".join,
)
def test_looking_loads_no_engine_and_no_screen_library(words: list[str], project: Path) -> None:
    """The command line itself brings none of them in, whatever the session does."""
    assert not loaded_by(words, True, project) & set(HEAVY)


def test_python_m_upriver_is_the_same_program(project: Path) -> None:
    """`python -m upriver` works where no script is on PATH."""
    done = subprocess.run(
        [sys.executable, "-m", "upriver", "-C", "/no/such/folder", "status"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 2
    assert "does not exist" in done.stderr


def test_the_browser_s_server_is_asked_for_when_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the command that brings it, and who could reach what it serves."""
    from upriver.tui.app.launch import run_ui

    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    assert run_ui(tmp_path, web_port=8765) == 2
    said = capsys.readouterr().err
    assert "pip install textual-serve" in said
    assert "localhost only" in said
