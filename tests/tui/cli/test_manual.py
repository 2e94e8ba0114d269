"""The manual says what the parsers say, on its page and in `man`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from upriver.tui.cli.arguments import COMMANDS
from upriver.tui.cli.manual import man, markdown
from upriver.tui.cli.registry import load_command, parser_of

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(("name", "made"), [("commands.md", markdown), ("upriver.1", man)])
def test_what_is_kept_is_what_the_parsers_say(name: str, made: object) -> None:
    """A command or an option that has changed is in the manual, too."""
    assert callable(made)
    kept = (DOCS / name).read_text(encoding="utf-8")
    assert kept == made(), f"docs/{name} is not what the parsers say: `make reference` makes it anew"


def test_every_option_of_every_command_is_in_it() -> None:
    """But for those that every command takes, which are told once."""
    page = markdown()
    for name in COMMANDS:
        assert f"### {name}\n" in page
        for option in parser_of(name, load_command(name)).options():
            assert f"{option}" in page, f"{name} {option}"


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man here")
def test_man_shows_it_without_a_complaint() -> None:
    """All of it: each command has its heading, and no macro is unknown."""
    done = subprocess.run(
        ["man", "--warnings", "-l", str(DOCS / "upriver.1")],
        capture_output=True,
        encoding="utf-8",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MANPAGER": "cat"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    for name in COMMANDS:
        assert f"upriver {name}" in done.stdout
