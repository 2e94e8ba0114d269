"""List widget, base of all lists: any number of rows, of which only the visible ones are drawn."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from upriver.tui.app.host import host_of
from upriver.tui.present.styles import Line, Styles

SCROLL_SHARE = 2
"""At an edge the view moves by this part of its height. To scroll is to write all its rows, 3 kB over ssh: in
quarters that was a third of all bytes that moves take.
"""


class RowList(ScrollView, can_focus=True):
    """Rows 0..count-1 with a cursor. A subclass says how many there are and writes one on request.

    The first *HEADINGS* lines stay in place while the rows scroll under them.
    """

    HEADINGS: ClassVar[int] = 0
    SHOW_CURSOR: ClassVar[bool] = True

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, tooltip="The row above"),
        Binding("down,j", "move(1)", "Down", show=False, tooltip="The row below"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, tooltip="A page up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, tooltip="A page down"),
        Binding("home", "edge(-1)", "First", show=False, tooltip="The first row"),
        Binding("end,G", "edge(1)", "Last", show=False, tooltip="The last row"),
        Binding("enter", "choose", "Open", show=False, tooltip="Open the row under the cursor"),
    ]

    DEFAULT_CSS = """
    RowList {
        background: $surface;
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
    }
    """

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, rows: RowList, index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> RowList:
            """The list that sent it."""
            return self.rows

    class Chosen(Moved):
        """Enter or a double click on a row."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.cursor = 0
        self._strips: dict[int, Strip] = {}
        self._strips_for: tuple[object, ...] = ()
        self._base: Style | None = None

    # -- what a subclass gives ---------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Number of rows."""
        raise NotImplementedError

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """Row *index*, at most *width* cells wide."""
        raise NotImplementedError

    def write_heading(self, index: int, width: int, styles: Styles) -> Line:
        """Heading line *index* (below *HEADINGS*)."""
        return Line()

    def write_empty(self, y: int, width: int, styles: Styles) -> Line:
        """Line *y* of the picture shown when there are no rows."""
        return Line()

    def selectable(self, index: int) -> bool:
        """Whether the cursor may rest on the row (headings between rows say no)."""
        return True

    # -- changes -----------------------------------------------------------------------------------

    def rows_changed(self) -> None:
        """All rows may be different now, and their number as well."""
        self._strips.clear()
        self._fit()
        self.cursor = max(0, min(self.cursor, self.count - 1))
        if self.count and not self.selectable(self.cursor):
            self.cursor = self._next_selectable(self.cursor, 1, wrap=True)
        self.refresh()

    def row_changed(self, *indexes: int) -> None:
        """Only these rows are different now."""
        top = self.scroll_offset.y
        for index in indexes:
            self._strips.pop(index, None)
            if top <= index < top + self.page:
                self._refresh_row(index)

    def move_to(self, index: int, *, offset: int | None = None, quiet: bool = False) -> None:
        """Put the cursor on row *index*, at line *offset* of the view if that is given, else just in view."""
        if not self.count:
            return
        index = max(0, min(index, self.count - 1))
        before, self.cursor = self.cursor, index
        if offset is not None:
            self.scroll_to(y=max(0, index - offset), animate=False)
        else:
            self._bring_into_view()
        if before != index:
            self._refresh_row(before)
            self._refresh_row(index)
            if not quiet:
                self.post_message(self.Moved(self, index))

    @property
    def page(self) -> int:
        """Number of rows in view."""
        return max(1, self.size.height - self.HEADINGS)

    @property
    def text_styles(self) -> Styles:
        """Styles of the current theme."""
        return host_of(self).text_styles

    @property
    def base(self) -> Style:
        """The widget's own background, asked for once: Textual walks up the tree for it."""
        if self._base is None:
            self._base = Style(bgcolor=self.rich_style.bgcolor)
        return self._base

    def notify_style_update(self) -> None:
        """Another theme, or the focus came or went."""
        super().notify_style_update()
        self._base = None

    # -- drawing -----------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Line *y* of the view."""
        width, styles = self.size.width, self.text_styles
        if y < self.HEADINGS:
            heading = self.write_heading(y, width, styles).strip(width, self.base)
            return self._finish(heading.apply_offsets(0, y), y)
        index = self.scroll_offset.y + y - self.HEADINGS
        if index >= self.count:
            line = Line() if self.count else self.write_empty(y - self.HEADINGS, width, styles)
            return self._finish(line.strip(width, self.base), y)
        return self._finish(self._row_strip(index, width, styles), y)

    def _row_strip(self, index: int, width: int, styles: Styles) -> Strip:
        frame = (width, id(styles))
        if frame != self._strips_for or len(self._strips) > 4096:
            self._strips.clear()
            self._strips_for = frame
        strip = self._strips.get(index)
        if strip is None:
            # Where the text is goes into the kept strip: the mouse selects by it, and adding it is not cheap.
            strip = self.write_row(index, width, styles).strip(width).apply_offsets(0, index + self.HEADINGS)
            self._strips[index] = strip
        if self.SHOW_CURSOR and index == self.cursor:
            return self._with_cursor(strip, styles)
        return strip.apply_style(self.base)

    def _with_cursor(self, strip: Strip, styles: Styles) -> Strip:
        """The row under the cursor: a bar at its left (which needs no colour) and a background."""
        style = styles.cursor if self.has_focus else styles.cursor_blurred
        bar = styles.glyph("▌", ">") if self.has_focus else strip.text[:1]
        cut = strip.crop(1, strip.cell_length)
        return Strip([Segment(bar, styles.accent + style), *cut.apply_style(style)], strip.cell_length)

    def _finish(self, strip: Strip, y: int) -> Strip:
        """Mark what the mouse has selected."""
        selection = self.text_selection
        line = y if y < self.HEADINGS else y + self.scroll_offset.y
        if selection is not None and (span := selection.get_span(line)) is not None:
            start, end = span
            end = strip.cell_length if end == -1 else end
            style = self.screen.get_component_rich_style("screen--selection")
            marked = Strip.join([strip.crop(start, end)]).apply_style(style)
            strip = Strip.join([strip.crop(0, start), _over(marked, style), strip.crop(end)])
        return strip

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text under a mouse selection."""
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.page
        width, styles = max(1, self.size.width), self.text_styles
        headings = [self.write_heading(y, width, styles).text for y in range(self.HEADINGS)]
        above = [""] * top
        shown = [self.write_row(i, width, styles).text.rstrip() for i in range(top, min(bottom, self.count))]
        return selection.extract("\n".join(headings + above + shown)), "\n"

    # -- events and actions ------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in view."""
        self._fit()
        self._bring_into_view()

    def on_focus(self) -> None:
        """The cursor is drawn differently with the focus."""
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        """The cursor is drawn differently without the focus."""
        self._refresh_row(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor under the mouse; a double click opens."""
        row = self.row_at(event)
        if row is None:
            return
        self.move_to(row)
        if event.chain == 2:
            self.action_choose()

    def row_at(self, event: events.MouseEvent) -> int | None:
        """The row under the mouse, or None."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self.HEADINGS:
            return None
        row = self.scroll_offset.y + offset.y - self.HEADINGS
        return row if row < self.count and self.selectable(row) else None

    def action_move(self, step: int) -> None:
        """Move the cursor by *step* rows."""
        self.move_to(self._next_selectable(self.cursor + step, step))

    def action_page(self, step: int) -> None:
        """Move the cursor by whole pages."""
        target = max(0, min(self.count - 1, self.cursor + step * max(1, self.page - 1)))
        self.move_to(self._next_selectable(target, step))

    def action_edge(self, step: int) -> None:
        """Move the cursor to the first or the last row."""
        self.move_to(self._next_selectable(0 if step < 0 else self.count - 1, -step))

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        if self.count:
            self.post_message(self.Chosen(self, self.cursor))

    # -- inside ------------------------------------------------------------------------------------

    def _next_selectable(self, index: int, step: int, *, wrap: bool = False) -> int:
        direction = 1 if step > 0 else -1
        while 0 <= index < self.count and not self.selectable(index):
            index += direction
        if 0 <= index < self.count:
            return index
        return self._next_selectable(self.count - 1, -1) if wrap and direction > 0 else self.cursor

    def _fit(self) -> None:
        size = Size(self.size.width, self.count + self.HEADINGS)
        if size != self.virtual_size:
            self.virtual_size = size

    def _bring_into_view(self) -> None:
        top, page = self.scroll_offset.y, self.page
        if self.cursor < top:
            stride = page // SCROLL_SHARE if self.cursor == top - 1 else 0
            self.scroll_to(y=max(0, self.cursor - stride), animate=False)
        elif self.cursor >= top + page:
            stride = page // SCROLL_SHARE if self.cursor == top + page else 0
            self.scroll_to(y=max(0, min(self.cursor - page + 1 + stride, self.count - page)), animate=False)

    def _refresh_row(self, index: int) -> None:
        y = index - self.scroll_offset.y + self.HEADINGS
        if self.HEADINGS <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))


def _over(strip: Strip, style: object) -> Strip:
    """*strip* in exactly *style* (``apply_style`` would keep the segments' own colours on top)."""
    return Strip([Segment(segment.text, style) for segment in strip], strip.cell_length)  # type: ignore[arg-type]
