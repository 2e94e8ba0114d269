"""Text line widget: a function writes its lines, and only lines that differ are repainted."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from upriver.tui.app.host import host_of
from upriver.tui.present.styles import Line, Styles


def retitle(widget: Widget, title: Content) -> None:
    """Give *widget* another title in its upper border, and repaint that line only.

    Setting ``border_title`` would repaint all of the widget.
    """
    if widget._border_title != title:
        widget._border_title = title
        widget.refresh(Region(-1, -1, widget.outer_size.width, 1))


class Lines(Widget):
    """Shows the lines that :meth:`write` gives. :meth:`rewrite` repaints those that differ."""

    SELECTABLE: ClassVar[bool] = False
    """Whether the mouse selects text in it."""

    DEFAULT_CSS = """
    Lines { height: 1; width: 100%; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: list[Strip] = []
        self._base: Style | None = None

    @property
    def text_styles(self) -> Styles:
        """Styles of the current theme."""
        return host_of(self).text_styles

    def write(self, width: int, height: int, styles: Styles) -> list[Line]:
        """The lines to show, at most *height* of them."""
        return []

    def rewrite(self) -> None:
        """Write again and repaint what differs."""
        if not self.is_attached:
            return
        strips = self._written()
        before, self._strips = self._strips, strips
        width = self.size.width
        for y, strip in enumerate(strips):
            if y >= len(before) or before[y] != strip:
                self.refresh(Region(0, y, width, 1))

    def _written(self) -> list[Strip]:
        width, height = self.size
        if not width or not height:
            return []
        if self._base is None:
            self._base = Style(bgcolor=self.rich_style.bgcolor)
        base = self._base
        lines = self.write(width, height, self.text_styles)[:height]
        strips = [line.strip(width, base) for line in lines]
        strips += [Strip.blank(width, base)] * (height - len(strips))
        return strips

    def render_line(self, y: int) -> Strip:
        """Line *y* as written last."""
        if y < len(self._strips):
            strip = self._strips[y]
            if strip.cell_length == self.size.width:
                return strip.apply_offsets(0, y) if self.SELECTABLE else strip
        return Strip.blank(self.size.width, self.rich_style)

    def on_resize(self, event: events.Resize) -> None:
        """Write for the new width."""
        self._strips = self._written()
        self.refresh()

    def notify_style_update(self) -> None:
        """Write with the new colours."""
        super().notify_style_update()
        self._base = None
        if self.is_attached and self.size.width:
            self._strips = self._written()
            self.refresh()


class Written(Lines):
    """Lines of a function given from outside."""

    def __init__(
        self,
        writer: Callable[[int, int, Styles], list[Line]],
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._writer = writer

    def write(self, width: int, height: int, styles: Styles) -> list[Line]:
        """The lines of the function."""
        return self._writer(width, height, styles)
