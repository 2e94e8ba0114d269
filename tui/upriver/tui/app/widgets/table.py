"""Table widget: rows of any number, fetched page by page, with a cursor over cells."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from upriver.materializer.answers import SIGN, Table
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.present.styles import Line, Styles, cells, clean

PAGE = 200
WIDEST = 40
_NUMBERS = (int, float, decimal.Decimal)


def cell_text(value: Any) -> str:
    """How a value is shown in one line."""
    if value is None:
        return "∅"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e15 else f"{value:g}"
    if isinstance(value, bytes):
        return value[:32].hex(" ")
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return clean(str(value))


class TableView(RowList):
    """Shows pages given to :meth:`take`; asks for missing ones with :class:`Wanted`."""

    HEADINGS = 2

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "column(-1)", "column left", show=False, tooltip="The column to the left"),
        Binding("right,l", "column(1)", "column right", show=False, tooltip="The column to the right"),
    ]

    class Wanted(Message):
        """Rows from *offset* on are needed."""

        def __init__(self, offset: int, limit: int) -> None:
            super().__init__()
            self.offset = offset
            self.limit = limit

    class ColumnMoved(Message):
        """The cursor is in another column."""

    def __init__(self) -> None:
        super().__init__(id="table", classes="panel")
        self.columns: tuple[str, ...] = ()
        self.types: tuple[str, ...] = ()
        self.total = 0
        self.column = 0
        self.order: tuple[str, bool] | None = None
        self.nothing = "reading …"
        self._pages: dict[int, Sequence[tuple[Any, ...]]] = {}
        self._widths: list[int] = []
        self._first = 0
        self._asked: tuple[int, int] | None = None

    @property
    def count(self) -> int:
        """Number of rows."""
        return self.total

    @property
    def here(self) -> str | None:
        """The column under the cursor."""
        return self.columns[self.column] if self.column < len(self.columns) else None

    def value_here(self) -> Any:
        """The value under the cursor; None when it is not there yet."""
        page = self._pages.get(self.cursor // PAGE)
        if page is None or self.cursor % PAGE >= len(page):
            return None
        return page[self.cursor % PAGE][self.column]

    def rows_in_view(self) -> list[tuple[Any, ...]]:
        """The fetched rows in view."""
        top = self.scroll_offset.y
        indexes = range(top, min(top + self.page, self.total))
        found = ((self._pages.get(i // PAGE), i % PAGE) for i in indexes)
        return [page[at] for page, at in found if page is not None and at < len(page)]

    def clear(self) -> None:
        """Another order or another filter: forget all rows."""
        self._pages = {}
        self._asked = None
        self.total = 0
        self.cursor = 0
        self.nothing = "reading …"
        self.scroll_to(y=0, animate=False)
        self.rows_changed()

    def take(self, table: Table, offset: int) -> None:
        """Take in rows from *offset* on."""
        if table.columns != self.columns:
            self.columns, self.types = table.columns, table.types
            self.column = min(self.column, max(0, len(self.columns) - 1))
            self._widths = []
        for start in range(0, len(table.rows), PAGE):
            self._pages[(offset + start) // PAGE] = table.rows[start : start + PAGE]
        if len(self._pages) > 50:
            for number in list(self._pages)[:20]:
                del self._pages[number]
        known = offset + len(table.rows)
        self.total = table.total if table.total is not None else max(self.total, known)
        self.nothing = "no rows"
        if not self._widths:
            self._measure(table)
        self._asked = None
        self.rows_changed()

    def _measure(self, table: Table) -> None:
        sample = table.rows[:PAGE]
        for at, (name, kind) in enumerate(zip(table.columns, table.types, strict=True)):
            wide = max((cells(cell_text(row[at])) for row in sample), default=0)
            self._widths.append(max(4, min(WIDEST, max(cells(name) + 2, len(kind), wide))))

    def shown_columns(self, width: int) -> list[int]:
        """The columns in view, the cursor's among them."""
        shown: list[int] = []
        room = width - self._margin
        for at in range(self._first, len(self._widths)):
            room -= self._widths[at] + 2
            if room < 0 and shown:
                break
            shown.append(at)
        return shown

    @property
    def _margin(self) -> int:
        return len(f"{self.total:,}") + 2

    def write_heading(self, index: int, width: int, styles: Styles) -> Line:
        """Names, then types."""
        line = styles.line().gap(self._margin)
        for at in self.shown_columns(width):
            name, kind = self.columns[at], self.types[at]
            name, kind = (styles.glyph(SIGN, "+-"), "") if name == SIGN else (name, kind)
            here = at == self.column
            if index == 0:
                sign = ""
                if self.order is not None and self.order[0] == name:
                    sign = styles.glyph("↓", "v") if self.order[1] else styles.glyph("↑", "^")
                style = styles.key if here else styles.bold
                line.add(name + (f" {sign}" if sign else ""), style, self._widths[at], self._align(at)).gap(2)
            else:
                line.add(kind.lower(), styles.faint, self._widths[at], self._align(at)).gap(2)
        return line

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """One row; dots while it is on its way."""
        line = styles.line().add(f"{index + 1:,}", styles.faint, self._margin - 1, ">").gap()
        page = self._pages.get(index // PAGE)
        if page is None or index % PAGE >= len(page):
            self._want(index)
            return line.add("…", styles.faint)
        row = page[index % PAGE]
        differs, sign = self._differing(page, index % PAGE)
        for at in self.shown_columns(width):
            value = row[at]
            style = styles.faint if value is None else styles.text if at != self.column else styles.accent
            if at in differs:
                style = styles.fresh if sign == "+" else styles.failed
            line.add(cell_text(value), style, self._widths[at], self._align(at)).gap(2)
        return line

    def _differing(self, page: Sequence[tuple[Any, ...]], at: int) -> tuple[Collection[int], str]:
        """Of a row that came or went: the cells that differ from the one beside it that went or came, and its sign."""
        row = page[at]
        if self.columns[0] != SIGN:
            return (), ""
        other = at + 1 if row[0] == "-" else at - 1
        every = range(len(row))
        if not 0 <= other < len(page) or page[other][0] == row[0] or page[other][1:2] != row[1:2]:
            return every, row[0]
        return [cell for cell in every if cell == 0 or page[other][cell] != row[cell]], row[0]

    def _row_strip(self, index: int, width: int, styles: Styles) -> Strip:
        strip = super()._row_strip(index, width, styles)
        if self._pages.get(index // PAGE) is None:
            self._strips.pop(index, None)  # not kept: it is written again when its page is there
        return strip

    def _want(self, index: int) -> None:
        first = index // PAGE * PAGE
        if self._asked is not None and self._asked[0] <= first < self._asked[0] + self._asked[1]:
            return
        self._asked = (first, 2 * PAGE)
        self.post_message(self.Wanted(first, 2 * PAGE))

    def _align(self, at: int) -> str:
        kind = self.types[at].upper()
        numeric = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "REAL", "HUGEINT", "BIGINT")
        return ">" if any(name in kind for name in numeric) and "[" not in kind else "<"

    def write_empty(self, y: int, width: int, styles: Styles) -> Line:
        """No rows."""
        return styles.line().gap(2).add(self.nothing, styles.muted) if y == 0 else styles.line()

    def action_column(self, step: int) -> None:
        """Move the cursor to another column."""
        if not self.columns:
            return
        self.column = max(0, min(len(self.columns) - 1, self.column + step))
        if self.column < self._first:
            self._first = self.column
        while self.column not in self.shown_columns(self.size.width) and self._first < self.column:
            self._first += 1
        self._strips.clear()
        self.refresh()
        self.post_message(self.ColumnMoved())

    def on_click(self, event: events.Click) -> None:
        """Put the cursor into the column under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        x = self._margin
        for at in self.shown_columns(self.size.width):
            x += self._widths[at] + 2
            if offset.x < x:
                self.action_column(at - self.column)
                return
