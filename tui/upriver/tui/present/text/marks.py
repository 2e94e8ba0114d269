"""States, outcomes and actions as styled signs."""

from __future__ import annotations

from upriver.tui.present.glyphs import HOW, Mark, how_sign
from upriver.tui.present.spans import Page, Span

_HOW_COLOURS = {"copy": "green", "opaque": "magenta"}


def sign(mark: Mark, page: Page) -> Span:
    """The one cell for a mark, in its colour."""
    return Span(mark.sign(page.ascii), mark.colour)


def word(mark: Mark) -> Span:
    """The word for a mark, in its colour."""
    return Span(mark.word, mark.colour)


def edge_sign(how: str, page: Page) -> Span:
    """The one cell for the way in which a column edge comes about."""
    return Span(how_sign(how, page.ascii), _HOW_COLOURS.get(how, "cyan") if how in HOW else "")
