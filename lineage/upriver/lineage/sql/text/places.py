"""Places in the user's file for positions in a query's executable text, also when that is a translation."""

from __future__ import annotations

from typing import Protocol

from upriver.assets.model import Place
from upriver.lineage.sql.text.tokens import Token, tokens


class Source(Protocol):
    """A text as the user wrote it."""

    @property
    def text(self) -> str:
        """All of it."""

    @property
    def dialect(self) -> str:
        """The dialect it is written in."""

    @property
    def path(self) -> str | None:
        """Its file."""

    @property
    def first_line(self) -> int:
        """The line of the file on which it starts."""


def offset_in_source(source: Source, executable: str, offset: int) -> int | None:
    """The offset in the user's text of what stands at *offset* of *executable*.

    A translation keeps no positions, but names stay what they are: the third ``amount`` of a translation is the third
    one of the text, when there are as many. None when it can't be told.
    """
    if source.dialect == "duckdb":
        return offset
    translated = [token for token in tokens(executable) if _is_name(token)]
    wanted = next((token for token in translated if token.start <= offset < token.end), None)
    if wanted is None:
        return None
    before = [token.start for token in translated if _same(token, wanted)]
    written = [token.start for token in tokens(source.text) if _is_name(token) and _same(token, wanted)]
    if len(before) == len(written):
        return written[before.index(wanted.start)]
    return written[0] if len(written) == 1 else None


def place_in_source(source: Source, executable: str, offset: int) -> Place:
    """The place in the user's file; of a translation that can't be followed only where the query starts."""
    at = offset_in_source(source, executable, offset)
    path = source.path or "<query>"
    if at is None:
        return Place(path, source.first_line)
    line_start = source.text.rfind("\n", 0, at) + 1
    return Place(path, source.first_line + source.text.count("\n", 0, at), at - line_start + 1)


def _is_name(token: Token) -> bool:
    return token.kind in ("word", "quoted")


def _same(one: Token, other: Token) -> bool:
    return one.name.lower() == other.name.lower()
