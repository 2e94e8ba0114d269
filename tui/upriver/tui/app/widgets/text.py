"""Text list widget: headings, links, diff lines, facts. Only some rows can hold the cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style

from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.present.styles import Line, Styles, fit
from upriver.tui.present.views.highlight import Token


@dataclass(frozen=True)
class Row:
    """One row: how it is written, and *key*, by which the cursor finds it again (None: it can't be there)."""

    write: Callable[[int, Styles], Line]
    key: str | None = None


class TextRows(RowList):
    """Shows the rows of :meth:`show`."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.rows: Sequence[Row] = ()
        self.free_scroll = False

    def show(self, rows: Iterable[Row]) -> None:
        """Show *rows*; the cursor stays on the row of the same key."""
        here = self.here
        self.rows = tuple(rows)
        if here is not None:
            self.cursor = next((i for i, row in enumerate(self.rows) if row.key == here), self.cursor)
        self.free_scroll = not any(row.key is not None for row in self.rows)
        self.rows_changed()

    @property
    def here(self) -> str | None:
        """The key of the row under the cursor."""
        return self.rows[self.cursor].key if 0 <= self.cursor < len(self.rows) else None

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def selectable(self, index: int) -> bool:
        """Rows with a key; every row where none has one (then the cursor is the place of reading)."""
        return self.free_scroll or self.rows[index].key is not None

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """The row's own writing."""
        return self.rows[index].write(width, styles)

    def action_move(self, step: int) -> None:
        """Move to the next row that can be chosen; where there is none, scroll."""
        before = self.cursor
        super().action_move(step)
        if self.cursor == before:
            self.scroll_relative(y=step, animate=False)


class ReadOnly(TextRows):
    """Rows to read: the view moves, no cursor is shown."""

    SHOW_CURSOR: ClassVar[bool] = False

    def action_move(self, step: int) -> None:
        """Scroll by a line."""
        self.scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        """Scroll by a page."""
        self.scroll_relative(y=step * max(1, self.page - 1), animate=False)

    def action_edge(self, step: int) -> None:
        """Scroll to an end."""
        self.scroll_to(y=0 if step < 0 else self.virtual_size.height, animate=False)


# -- rows that several screens use -------------------------------------------------------------------


def blank() -> Row:
    """An empty row."""
    return Row(lambda width, styles: styles.line())


def heading(text: str, detail: str = "") -> Row:
    """A heading with a remark."""

    def write(width: int, styles: Styles) -> Line:
        return (
            styles.line()
            .gap()
            .add(text, styles.bold)
            .gap(2)
            .add(fit(detail, width - len(text) - 4), styles.muted)
        )

    return Row(write)


def plain(text: str, role: str = "text", indent: int = 1) -> Row:
    """A line of text in the style *role* of the styles."""

    def write(width: int, styles: Styles) -> Line:
        style = getattr(styles, role)
        assert isinstance(style, Style)
        return styles.line().gap(indent).add(fit(text, width - indent), style)

    return Row(write)


def wrapped(text: str, role: str = "text", indent: int = 1, width: int = 100) -> list[Row]:
    """A text of several lines, none longer than *width*."""
    rows: list[Row] = []
    for line in text.split("\n"):
        line = line.expandtabs(4)
        rows.append(plain(line[:width], role, indent))
        while len(line) > width:
            line = line[width:]
            rows.append(plain(line[:width], role, indent + 2))
    return rows


def code(tokens: Sequence[Token], number: int | None, mark: str = " ") -> Row:
    """A line of code with its number and its mark of a diff."""

    def write(width: int, styles: Styles) -> Line:
        side = {"+": styles.fresh, "-": styles.failed}.get(mark)
        line = styles.line().gap().add(mark, side or styles.faint)
        line.add("" if number is None else str(number), side or styles.faint, 5, ">")
        line.add(f" {styles.glyph('│', '|')} ", styles.faint)
        for text, role in tokens:
            line.add(
                text.expandtabs(4), side if side is not None and role == "text" else getattr(styles, role)
            )
        return line

    return Row(write)
