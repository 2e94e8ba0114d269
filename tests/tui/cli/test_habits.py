"""Habits of other tools on the command line are answered with what the same thing is called here."""

from __future__ import annotations

import re

import pytest
from tests.tui.cli.scripted import ScriptedSession, run_line

from upriver.tui.cli.arguments import COMMANDS
from upriver.tui.cli.habits import COMMAND_WORDS, option_hint
from upriver.tui.cli.registry import load_command, parser_of

QUOTED = re.compile(r"`upriver ([^`]+)`")


@pytest.mark.parametrize("word", [word for word in COMMAND_WORDS if word not in COMMANDS])
def test_a_word_of_another_tool_is_answered_with_commands_that_are_there(
    session: ScriptedSession, word: str
) -> None:
    """Each command that the hint names is one, and has the options that it is shown with."""
    done = run_line([word], session)
    assert (done.code, done.out, session.calls) == (2, "", [])
    assert done.err.startswith(f"error: there is no command '{word}'\nhint: ")
    for named in QUOTED.findall(done.err.replace("\n", " ")):
        name, *rest = named.split()
        known = parser_of(name, load_command(name)).options()
        assert [word for word in rest if word.startswith("-") and word not in known] == []


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["build", "-s", "marts.x"], "`upriver build marts.x`"),
        (["build", "--select", "marts.x"], "`upriver build marts.x`"),
        (["plan", "--select=marts.x"], "`upriver plan marts.x`"),
        (["build", "--exclude", "marts.x"], "`upriver build '!marts.x'`"),
        (["build", "--target", "prod"], "`upriver build --env prod`"),
        (["build", "-t"], "`upriver build --env NAME`"),
        (["--target", "prod", "build"], "`upriver build --env prod`"),
        (["--target=prod", "build"], "`upriver build --env prod`"),
        (["build", "--full-refresh"], "--force"),
        (["status", "--profiles-dir", "x"], "upriver.toml"),
        (["build", "--threads", "4"], "--jobs"),
    ],
)
def test_an_option_of_another_tool_is_answered_with_the_line_to_type(
    session: ScriptedSession, words: list[str], hint: str
) -> None:
    """With the value that was typed, where it is known."""
    done = run_line(words, session)
    assert (done.code, done.out, session.calls) == (2, "", [])
    assert hint in done.err.replace("\n", " ")


def test_an_option_that_is_unknown_everywhere_is_compared_with_what_there_is(
    session: ScriptedSession,
) -> None:
    """Habits come first, then the nearest name."""
    assert option_hint("--froce", "build", None) is None
    assert "did you mean --force?" in run_line(["build", "--froce"], session).err
