"""Styled text whose width on a terminal is known and that never carries a control character.

A :class:`Span` escapes what it is given, so that a name or a value holding an escape sequence is shown, not
obeyed (rule 7). A line is a tuple of spans; :func:`paint` is the only place that writes ANSI sequences.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

# C0, DEL and C1 controls; marks that reorder or hide text; line separators; lone surrogates; tag characters.
# ZWJ and ZWNJ (U+200C, U+200D) stay: scripts need them and they move nothing.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

ELLIPSIS = "…"


def shown(text: str) -> str:
    r"""*text* with all that a terminal would act on written out: ``\x1b[2J``, ``\n``, ``\u202e``."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")


def without_colours(text: str) -> str:
    """Text that another program printed without its colour codes; whatever else it holds is escaped later."""
    return _COLOURS.sub("", text)


class Span:
    """A piece of text in one style; *style* is words such as ``bold red`` or ``dim`` (see :data:`SGR`)."""

    __slots__ = ("style", "text")

    def __init__(self, text: str, style: str = "") -> None:
        self.text = shown(text)
        self.style = style

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and (self.text, self.style) == (other.text, other.style)

    def __hash__(self) -> int:
        return hash((self.text, self.style))

    def __repr__(self) -> str:
        return f"Span({self.text!r}, {self.style!r})"


class Page(NamedTuple):
    """What lines are written on: *width* in columns (None: no limit), and whether it takes ASCII only."""

    width: int | None = None
    ascii: bool = False

    def room(self, indent: int, least: int = 20) -> int | None:
        """Columns that are left beside *indent*, but never so few that nothing can be said."""
        return None if self.width is None else max(least, self.width - indent)


Line: TypeAlias = tuple[Span, ...]

EMPTY: Line = ()

SGR = {
    "bold": "1",
    "dim": "2",
    "italic": "3",
    "underline": "4",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "bright_black": "90",
}
"""The styles there are. Only the sixteen colours of the user's own theme: they are legible on it."""


def line(*parts: Span | str | Line) -> Line:
    """One line from spans, plain strings and other lines."""
    spans: list[Span] = []
    for part in parts:
        if isinstance(part, str):
            spans.append(Span(part))
        elif isinstance(part, Span):
            spans.append(part)
        else:
            spans += part
    return tuple(spans)


def plain(text: Line) -> str:
    """The characters of a line, without its styles."""
    return "".join(span.text for span in text)


@lru_cache(maxsize=4096)
def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf") or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def text_width(text: str) -> int:
    """Terminal columns that escaped text takes."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def width(text: Line) -> int:
    """Terminal columns that a line takes."""
    return sum(text_width(span.text) for span in text)


def _head(text: str, limit: int) -> str:
    """The longest beginning of *text* of at most *limit* columns; marks stay with their letter."""
    if text.isascii():
        return text[:limit]
    used = 0
    for index, character in enumerate(text):
        used += _character_width(character)
        if used > limit:
            return text[:index]
    return text


def clip(text: Line, limit: int) -> Line:
    """*text* in at most *limit* columns, with an ellipsis where something was cut off."""
    if width(text) <= limit:
        return text
    if limit <= 0:
        return EMPTY
    kept: list[Span] = []
    room = limit - 1
    for span in text:
        here = text_width(span.text)
        if here > room:
            kept.append(Span(_head(span.text, room).rstrip() + ELLIPSIS, span.style))
            break
        kept.append(span)
        room -= here
    return tuple(kept)


def pad(text: Line, columns: int, align: str = "left") -> Line:
    """*text* filled with blanks to *columns*; *align* is ``left`` or ``right``."""
    missing = columns - width(text)
    if missing <= 0:
        return text
    blank = Span(" " * missing)
    return (blank, *text) if align == "right" else (*text, blank)


def wrap(text: str, limit: int | None, style: str = "") -> list[Line]:
    """*text* broken at blanks into lines of at most *limit* columns (None: no limit); no word is cut."""
    text = shown(text)
    if limit is None or text_width(text) <= limit:
        return [(Span(text, style),)]
    lines: list[str] = []
    for word in text.split(" "):
        if lines and text_width(lines[-1]) + 1 + text_width(word) <= max(limit, 1):
            lines[-1] += " " + word
        else:
            lines.append(word)
    return [(Span(part, style),) for part in lines]


def paint(text: Line, colour: bool) -> str:
    """The line as characters to write, with ANSI styles when *colour* is on."""
    if not colour:
        return plain(text)
    out: list[str] = []
    for span in text:
        codes = ";".join(SGR[word] for word in span.style.split())
        out.append(f"\x1b[{codes}m{span.text}\x1b[0m" if codes and span.text else span.text)
    return "".join(out)


def joined(parts: Iterable[Line], separator: str = ", ") -> Line:
    """Lines put together into one, *separator* between them."""
    spans: list[Span] = []
    for part in parts:
        if spans:
            spans.append(Span(separator))
        spans += part
    return tuple(spans)


def flowed(parts: Iterable[Line], limit: int | None, separator: str = "   ") -> list[Line]:
    """Lines put together as by :func:`joined`, a new line begun where *limit* columns would be passed."""
    lines: list[Line] = []
    for part in parts:
        together = (*lines[-1], Span(separator), *part) if lines else part
        if lines and (limit is None or width(together) <= limit):
            lines[-1] = together
        else:
            lines.append(part)
    return lines
