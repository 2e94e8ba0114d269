"""Tokenizer: where the words, strings and comments of a DuckDB text are.

Not a parser: it only has to agree with DuckDB on where a token starts and ends, so that names can be replaced in
place and a text can be compared without its comments. What it does not know becomes a one-character token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>--[^\n\r]*)
    | (?P<block>/\*)
    | (?P<string>[eE]'(?:[^'\\]|\\.|'')*' | [xXbBnN]?'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$)
    | (?P<number>(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


class Token(NamedTuple):
    """One token: *kind* is ``word``, ``quoted``, ``string``, ``number`` or ``other``; *end* is exclusive."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """The identifier that a word or quoted token spells."""
        return self.text[1:-1].replace('""', '"') if self.kind == "quoted" else self.text


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """The tokens of *text* from offset *start* on, without white space and comments."""
    position, size = start, len(text)
    match_at = _TOKEN.match
    while position < size:
        found = match_at(text, position)
        assert found is not None, "the last alternative takes any character"
        kind = found.lastgroup or "other"
        end = found.end()
        match kind:
            case "space" | "comment":
                position = end
                continue
            case "block":
                position = _block_end(text, end)
                continue
            case "dollar" | "tag":
                closing = text.find(found.group("dollar"), end)
                end = size if closing < 0 else closing + len(found.group("dollar"))
                kind = "string"
        yield Token(kind, text[position:end], position, end)
        position = end


def _block_end(text: str, position: int) -> int:
    """The end of a block comment whose opening ends at *position*; block comments nest."""
    depth = 1
    while depth:
        edge = _BLOCK_EDGE.search(text, position)
        if edge is None:
            return len(text)
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position


def name_end(text: str, start: int, parts: int) -> int | None:
    """The end of the dotted name of *parts* parts that starts at *start*; None when there is no such name."""
    end, expect_part, left = start, True, parts
    for token in tokens(text, start):
        if expect_part:
            # A string can stand for a table name: from 'data/x.csv'.
            if token.kind not in ("word", "quoted", "string"):
                return None
            end, left = token.end, left - 1
            if not left:
                return end
        elif token.text != ".":
            return None
        expect_part = not expect_part
    return None


def call_end(text: str, start: int) -> int | None:
    """The end of the call ``name(...)`` that starts at *start*; None when there is no call."""
    depth = 0
    for token in tokens(text, start):
        if token.kind != "other":
            continue
        if token.text in "([{":
            depth += 1
        elif token.text in ")]}":
            depth -= 1
            if depth <= 0:
                return token.end
        elif depth == 0 and token.text != ".":
            return None
    return None


def significant_end(text: str) -> int:
    """The end of *text*'s last token that is no semicolon: what follows is comments and space."""
    end = 0
    for token in tokens(text):
        if token.text != ";":
            end = token.end
    return end
