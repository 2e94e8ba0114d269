"""Copy of what a panel shows: as Markdown, as JSON, and as the command that gives the same."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True)
class Copy:
    """The three forms of what is shown; an empty one does not exist."""

    markdown: str = ""
    json: str = ""
    command: str = ""


def as_json(value: object) -> str:
    """*value* (any of the session's answers) as indented JSON."""
    encoded = msgspec.json.encode(value, enc_hook=str)
    return msgspec.json.format(encoded, indent=2).decode()


def command(*words: str) -> str:
    """A command line that a shell takes as it is meant."""
    return shlex.join(["upriver", *words])


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
