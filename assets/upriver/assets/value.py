"""The base of all declared and recorded values, and places in files."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, gc=False):
    """Base of the small immutable values: compared by content, written to JSON as objects."""


class Place(Value, frozen=True):
    """A position in a project file. *path* is relative to the root; *line* and *column* count from 1."""

    path: str
    line: int = 1
    column: int | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.column is None else f"{self.path}:{self.line}:{self.column}"
