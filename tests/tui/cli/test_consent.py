"""A stranger's project: its Python does not run before it is allowed to."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from upriver.tui.cli.main import HIDDEN

COMMAND = [sys.executable, "-m", "upriver"]
READING = (["status"], ["plan"], ["why", "a"], ["lineage", "a"], ["show", "a"], ["status", "--json"],
           ["build", "--dry-run"], ["history"], ["impact"], ["export", "site"])  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a person who has allowed nothing."""
    known = {key: value for key, value in os.environ.items() if key != "UPRIVER_ALLOW"}
    return {**known, "HOME": str(tmp_path / "home"), "XDG_STATE_HOME": str(tmp_path / "home/state")}


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A project whose module leaves a trace beside it when it is imported, as far as it can, and says so."""
    root = tmp_path / "stranger"
    (root / "assets").mkdir(parents=True)
    (root / "upriver.toml").write_text("")
    (root / "assets/a.py").write_text(
        "import sys\nprint('the module ran', file=sys.stderr)\n"
        "from upriver.assets import asset\nimport polars as pl\n"
        "@asset\ndef a() -> pl.DataFrame:\n    return pl.DataFrame({'x': [1]})\n"
    )
    return root


def run(root: Path, home: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "-C", str(root), *words],
        env=home,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def ran(root: Path) -> bool:
    """Whether anything was derived: what modules declare is kept there."""
    return (root / ".upriver").exists()


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_that_reads_runs_nothing_of_a_stranger_without_a_terminal(
    stranger: Path, home: dict[str, str], words: list[str]
) -> None:
    done = run(stranger, home, *words)
    assert done.returncode == 2
    assert "has Python modules (assets/a.py)" in done.stderr
    assert "`upriver allow`" in done.stderr
    assert "the module ran" not in done.stderr
    assert not ran(stranger)


def test_what_was_allowed_is_looked_at_and_stays_allowed(stranger: Path, home: dict[str, str]) -> None:
    assert run(stranger, {**home, "UPRIVER_ALLOW": "1"}, "status").returncode == 0
    assert run(stranger, home, "status").returncode == 2
    assert run(stranger, home, "allow").returncode == 0
    assert run(stranger, home, "status").returncode == 0
    other = stranger.parent / "other"
    stranger.rename(other)
    assert run(other, home, "status").returncode == 2


def test_a_project_that_was_built_or_made_here_needs_no_word(stranger: Path, home: dict[str, str]) -> None:
    assert run(stranger, home, "build").returncode == 0
    assert run(stranger, home, "status").returncode == 0
    made = stranger.parent / "made"
    assert run(stranger.parent, home, "init", str(made)).returncode == 0
    assert run(made, home, "status").returncode == 0


def test_a_project_can_not_consent_for_itself(stranger: Path, home: dict[str, str], tmp_path: Path) -> None:
    """What it brings along below .upriver counts for nothing."""
    assert (
        run(
            stranger, {**home, "HOME": str(tmp_path / "b"), "XDG_STATE_HOME": str(tmp_path / "b")}, "build"
        ).returncode
        == 0
    )
    assert run(stranger, home, "status").returncode == 2


def test_a_project_of_queries_alone_needs_none(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "p/assets").mkdir(parents=True)
    (tmp_path / "p/upriver.toml").write_text("")
    (tmp_path / "p/assets/a.sql").write_text("select 1 as x")
    assert run(tmp_path / "p", home, "status").returncode == 0


def test_completion_runs_nothing_and_says_nothing(stranger: Path, home: dict[str, str]) -> None:
    done = subprocess.run(
        [*COMMAND, HIDDEN, "show", ""], env=home, cwd=stranger, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert not ran(stranger)


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
def test_at_a_terminal_it_asks(stranger: Path, home: dict[str, str], answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "-C", str(stranger), "status"], env=home, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    answered = False
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end was closed
                break
            said += piece
        if not answered and b"[y/N]" in said:
            os.write(ours, answer.encode() + b"\n")
            answered = True
    assert process.wait(10) == code, said.decode()
    assert b"Run them?" in said
    os.close(ours)
