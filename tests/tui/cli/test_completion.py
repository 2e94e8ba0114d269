"""Completion: what is offered, and that three real shells take it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tui.cli.scripted import ScriptedSession, run_line

from upriver.assets.errors import StoreError

ROOT = Path(__file__).parents[3]


def offered(session: ScriptedSession, project: Path, *words: str) -> list[str]:
    """Candidates for the last of *words*."""
    done = run_line(["__complete", "-C", str(project), *words], session)
    assert done.code == 0
    assert done.err == ""
    return [text.split("\t")[0] for text in done.out.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["st"], ["status"]),
        (["--co"], ["--color"]),
        (["--color", "a"], ["always", "auto"]),
        (["build", "--f"], ["--fail-fast", "--force"]),
        (["build", "st"], ["staging.orders", "state:"]),
        (["build", "raw.orders", "mar"], ["marts.churn", "marts.revenue"]),
        (["build", "+marts.r"], ["+marts.revenue"]),
        (["build", "tag:"], ["tag:marts", "tag:staging"]),
        (["build", "owner:"], ["owner:eng"]),
        (["status", "state:f"], ["state:failed", "state:fresh"]),
        (["status", "--sort", ""], ["attention", "graph", "name"]),
        (["why", "marts."], ["marts.churn", "marts.revenue"]),
        (["why", "marts.churn", ""], []),
        (["lineage", "staging.orders.a"], ["staging.orders.amount"]),
        (["rename", "staging.orders.a"], ["staging.orders.amount"]),
        (["impact", "--drop", "staging.orders.a"], ["staging.orders.amount"]),
        (["lineage", "--format", "m"], ["mermaid"]),
        (["log", ""], ["0042", "last"]),
        (["log", "last", "mar"], ["marts.churn", "marts.revenue"]),
        (["completion", ""], ["bash", "fish", "zsh"]),
        (["help", "li"], ["lineage"]),
        (["build", "--jobs", ""], []),
        (["nonsense", ""], []),
    ],
)
def test_what_is_offered(
    session: ScriptedSession, project: Path, words: list[str], expected: list[str]
) -> None:
    """Commands, options, their values, keys, tags, states, columns, runs."""
    assert offered(session, project, *words) == expected


def test_thousands_of_keys_are_offered_folder_by_folder(session: ScriptedSession, project: Path) -> None:
    """A shell that asks `display all 10,000 possibilities?` helps nobody."""
    from msgspec.structs import replace

    status = session.statuses[0]
    session.statuses = tuple(replace(status, asset=f"area_{i % 4}.part.asset_{i}") for i in range(4000))
    assert offered(session, project, "why", "") == [f"area_{i}." for i in range(4)]
    assert offered(session, project, "why", "area_1.") == ["area_1.part."]
    assert len(offered(session, project, "why", "area_1.part.asset_99")) < 20


def test_trouble_is_silent(session: ScriptedSession, project: Path) -> None:
    """No message may appear in the middle of a prompt."""
    session.error = StoreError("damaged")
    assert offered(session, project, "why", "") == []
    assert offered(session, Path("/no/such/folder"), "why", "") == []


def test_commands_and_options_are_completed_without_opening_the_project(
    session: ScriptedSession, project: Path
) -> None:
    """They are wanted most often, and in broken projects as well."""
    offered(session, project, "b")
    offered(session, project, "build", "--")
    assert session.calls == []


@pytest.fixture
def on_path(tmp_path: Path) -> dict[str, str]:
    """An environment in which `upriver` is this one."""
    program = tmp_path / "bin" / "upriver"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m upriver "$@"\n')
    program.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
    }


def _shell(name: str, script: str, environ: dict[str, str], cwd: Path) -> str:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"no {name} here")
    flags = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[name]
    done = subprocess.run(
        [program, *flags, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
        cwd=cwd,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout


def test_bash_completes(on_path: dict[str, str], project: Path) -> None:
    """Also after a colon, at which bash splits words."""
    script = """
eval "$(upriver completion bash)"
try() {
    COMP_LINE="$1"; COMP_POINT=${#1}; COMPREPLY=()
    COMP_WORDS=($1); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
    _upriver
    echo "${COMPREPLY[*]}"
}
try "upriver pl"
try "upriver build --fail"
try "upriver build state:fa"
try "upriver status --sort "
"""
    assert _shell("bash", script, on_path, project).splitlines() == [
        "plan",
        "--fail-fast",
        "failed",
        "attention graph name",
    ]


def test_zsh_completes(on_path: dict[str, str], project: Path) -> None:
    """The function collects the same candidates; compadd is zsh's own."""
    script = """
compdef() { :; }
compadd() {
    local seen=
    for word in "$@"; do [[ -n $seen ]] && print -r -- $word; [[ $word == -- ]] && seen=1; done
}
eval "$(upriver completion zsh)"
words=(upriver pl); CURRENT=2; _upriver
words=(upriver build state:fa); CURRENT=3; _upriver
words=(upriver build own); CURRENT=3; _upriver
"""
    assert _shell("zsh", script, on_path, project).split() == ["plan", "state:failed", "owner:"]


def test_fish_completes(on_path: dict[str, str], project: Path) -> None:
    """fish asks for itself."""
    script = """
upriver completion fish | source
complete -C 'upriver pl'
complete -C 'upriver build state:fa'
complete -C 'upriver status --sort '
"""
    lines = _shell("fish", script, on_path, project).splitlines()
    assert [text.split("\t")[0] for text in lines] == ["plan", "state:failed", "attention", "graph", "name"]
    assert lines[0].endswith("what build would do, and why")
