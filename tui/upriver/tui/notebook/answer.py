"""Answers in a notebook: the value, and how it looks as text and as HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Generic, TypeVar

from upriver.tui.present.spans import Line, Page

T = TypeVar("T", covariant=True)
WIDTH = 100
"""Columns of an answer as text; a page of HTML scrolls."""
_CSS = {
    "bold": "font-weight:bold",
    "dim": "opacity:.65",
    "italic": "font-style:italic",
    "underline": "text-decoration:underline",
    "red": "color:#c0392b",
    "green": "color:#27864a",
    "yellow": "color:#a66a00",
    "blue": "color:#2f6fb3",
    "magenta": "color:#8e44ad",
    "cyan": "color:#0e7c86",
    "bright_black": "opacity:.65",
}


class Answer(Generic[T]):
    """What was asked for: :attr:`value` is what the operation answers, ``repr`` and HTML are what a person reads."""

    def __init__(
        self, value: T, lines: Callable[[Page], Sequence[Line]], html: Callable[[], str] | None = None
    ) -> None:
        self.value = value
        self._lines = lines
        self._html = html

    def __repr__(self) -> str:
        lines = ("".join(span.text for span in line).rstrip() for line in self._lines(Page(WIDTH)))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return self._html() if self._html is not None else html_of(self._lines(Page(WIDTH)))


def html_of(lines: Iterable[Line]) -> str:
    """Lines as one preformatted block. Nothing is loaded, and no text becomes markup."""
    text = "\n".join("".join(_span(span.text, span.style) for span in line) for line in lines)
    return f'<pre style="line-height:1.35;overflow-x:auto">{text}</pre>'


def _span(text: str, style: str) -> str:
    css = ";".join(_CSS[word] for word in style.split())
    return f'<span style="{css}">{escape(text)}</span>' if css and text else escape(text)
