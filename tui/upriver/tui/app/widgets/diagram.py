"""Diagram widget: draws a :class:`Diagram` with labels of nodes, a cursor and a lit path; scrolls both ways."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from upriver.tui.app.host import host_of
from upriver.tui.present.styles import Line, Styles
from upriver.tui.present.views.diagram import Box, Diagram
from upriver.tui.present.views.layers import Edge

Writer = Callable[[str, int, bool, Styles], Line]
"""Writes a node's label: the node, its width, whether the cursor is on it, the styles."""


HEADING = "#"
"""Nodes whose name starts so are headings: the cursor passes over them."""


class DiagramView(ScrollView, can_focus=True):
    """Shows the diagram of :meth:`show`; the cursor is on one of its nodes."""

    DEFAULT_CSS = """
    DiagramView { background: $surface; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(0, -1)", "up", show=False, tooltip="Walk within the layer"),
        Binding("down,j", "step(0, 1)", "down", show=False, tooltip="Walk within the layer"),
        Binding("left,h", "step(-1, 0)", "left", show=False, tooltip="Walk to what it reads"),
        Binding("right,l", "step(1, 0)", "right", show=False, tooltip="Walk to what reads it"),
        Binding("enter", "choose", "open", show=False),
    ]

    class Moved(Message):
        """The cursor is on another node."""

        def __init__(self, node: str) -> None:
            super().__init__()
            self.node = node

    class Chosen(Moved):
        """A double click on a node."""

    def __init__(
        self, writer: Writer, *, id: str | None = None, floating: bool = False, scrolls: bool = True
    ) -> None:
        super().__init__(id=id)
        self.diagram: Diagram | None = None
        self.cursor: str = ""
        self.lit: Collection[Edge] = ()
        self.signs: dict[tuple[int, int], tuple[str, str]] = {}
        self._writer = writer
        self._floating = floating
        self._scrolls = scrolls
        self._rows: dict[int, list[Box]] = {}
        self._strips: dict[int, Strip] = {}
        self._drawn: list[Strip] = []
        self._base: Style | None = None

    @property
    def text_styles(self) -> Styles:
        """Styles of the current theme."""
        return host_of(self).text_styles

    def show(self, diagram: Diagram, cursor: str, lit: Collection[Edge] = ()) -> None:
        """Show *diagram* with the cursor on a node of it."""
        self.diagram, self.cursor, self.lit = diagram, cursor, lit
        self._rows = {}
        for box in diagram.boxes.values():
            self._rows.setdefault(box.y, []).append(box)
        for boxes in self._rows.values():
            boxes.sort(key=lambda box: box.x)
        self._strips.clear()
        if self._scrolls:  # this lays out the screen again, which takes longer than to draw
            self.virtual_size = Size(diagram.width, diagram.height)
        focus = diagram.boxes.get(cursor)
        if focus is not None and self._floating and self.size.width < diagram.width:
            self.scroll_to(x=max(0, focus.x + focus.width // 2 - self.size.width // 2), animate=False)
        self.centre()
        self._refresh_rows()

    def _refresh_rows(self) -> None:
        """Repaint the lines of the view that differ from what they were."""
        drawn = [self.render_line(y) for y in range(self.size.height)]
        for y, strip in enumerate(drawn):
            if y >= len(self._drawn) or self._drawn[y] != strip:
                self.refresh(Region(0, y, self.size.width, 1))
        self._drawn = drawn

    @property
    def lift(self) -> int:
        """Blank rows above a drawing that is smaller than the view."""
        if self.diagram is None or not self._floating:
            return 0
        return max(0, (self.size.height - self.diagram.height) // 3)

    def redraw(self) -> None:
        """The labels are different now."""
        self._strips.clear()
        self.refresh()

    def centre(self) -> None:
        """Bring the node under the cursor into view, in the middle if it was not."""
        box = self.diagram.boxes.get(self.cursor) if self.diagram else None
        if box is None or not self.size.width:
            return
        x, y = self.scroll_offset
        width, height = self.size
        if not (x <= box.x and box.x + box.width <= x + width):
            x = max(0, box.x + box.width // 2 - width // 2)
        if not y <= box.y < y + height:
            y = max(0, box.y - height // 2)
        self.scroll_to(x, y, animate=False)

    def move_to(self, node: str) -> None:
        """Put the cursor on *node*."""
        if self.diagram is None or node not in self.diagram.boxes or node == self.cursor:
            return
        for changed in (self.cursor, node):
            box = self.diagram.boxes.get(changed)
            if box is not None:
                self._strips.pop(box.y, None)
        self.cursor = node
        self.centre()
        self.refresh()
        self.post_message(self.Moved(node))

    def action_choose(self) -> None:
        """Open the node under the cursor."""
        if self.cursor:
            self.post_message(self.Chosen(self.cursor))

    def action_step(self, dx: int, dy: int) -> None:
        """Move the cursor: up and down in its layer, left and right along lines where there are any."""
        if self.diagram is None or self.cursor not in self.diagram.boxes:
            return
        here = self.diagram.boxes[self.cursor]
        boxes = self.diagram.boxes.values()
        if dy:
            there = [
                b
                for b in boxes
                if b.layer == here.layer and (b.y - here.y) * dy > 0 and self.selectable(b.node)
            ]
            best = min(there, key=lambda box: abs(box.y - here.y), default=None)
        else:
            linked = {
                (target if source == here.node else source)
                for source, target in self.edges()
                if (source if dx > 0 else target) == here.node
            }
            there = [b for b in boxes if (b.layer - here.layer) * dx > 0 and self.selectable(b.node)]
            near = [box for box in there if box.node in linked] or there
            best = min(near, key=lambda box: (abs(box.layer - here.layer), abs(box.y - here.y)), default=None)
        if best is not None:
            self.move_to(best.node)

    def selectable(self, node: str) -> bool:
        """Whether the cursor may rest on the node."""
        return not node.startswith(HEADING)

    def edges(self) -> set[Edge]:
        """The edges shown."""
        assert self.diagram is not None
        return {edge for carried in self.diagram.placement.links.values() for edge in carried}

    def render_line(self, y: int) -> Strip:
        """Line *y* of the view."""
        width, styles = self.size.width, self.text_styles
        row = y + self.scroll_offset.y - self.lift
        if self.diagram is None or not 0 <= row < self.diagram.height:
            return Strip.blank(width, self.base)
        strip = self._strips.get(row)
        if strip is None:
            strip = self._draw_row(self.diagram, row, styles).apply_style(self.base)
            self._strips[row] = strip
        return strip.crop_extend(self.scroll_offset.x, self.scroll_offset.x + width, self.base)

    def _draw_row(self, diagram: Diagram, y: int, styles: Styles) -> Strip:
        line = styles.line()
        wires = diagram.wires(y)
        boxes = self._rows.get(y, [])
        at = 0
        for box in boxes:
            self._wires(line, wires, y, at, box.x, styles)
            label = self._writer(box.node, box.width, box.node == self.cursor, styles)
            line.append(label)
            at = box.x + label.width
        self._wires(line, wires, y, at, diagram.width, styles)
        return Strip(line.segments, line.width)

    def _wires(self, line: Line, wires: object, y: int, start: int, stop: int, styles: Styles) -> None:
        assert isinstance(wires, dict)
        text, style = "", styles.faint
        for x in range(start, stop):
            sign = self.signs.get((y, x))
            wire = wires.get(x)
            if sign is not None:
                character, wanted = sign[0], getattr(styles, sign[1])
            elif wire is None:
                character, wanted = " ", style
            else:
                character = wire.character
                is_lit = any(edge in self.lit for edge in wire.edges)
                wanted = styles.accent if is_lit else styles.faint
            if wanted is not style and text:
                line.segments.append(Segment(text, style))
                line.width += len(text)
                text = ""
            style = wanted
            text += character
        if text:
            line.segments.append(Segment(text, style))
            line.width += len(text)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the node under the mouse; a double click opens it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        x, y = offset + self.scroll_offset
        y -= self.lift
        for box in self._rows.get(y, []):
            if box.x <= x < box.x + box.width and self.selectable(box.node):
                self.move_to(box.node)
                if event.chain == 2:
                    self.post_message(self.Chosen(box.node))
                return

    def notify_style_update(self) -> None:
        """Write with the new colours."""
        super().notify_style_update()
        self._base = None
        self._strips.clear()

    @property
    def base(self) -> Style:
        """The widget's own background."""
        if self._base is None:
            self._base = Style(bgcolor=self.rich_style.bgcolor)
        return self._base
