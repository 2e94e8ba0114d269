"""Log widget: any number of lines of captured output, with following and search."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType

from upriver.materializer.answers import LogLine
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.present.styles import Line, Styles, clean


class LogLines(RowList):
    """Shows the lines of :meth:`show`; at its end it follows what is added."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "follow", show=False, tooltip="Stay at the newest line"),
    ]

    def __init__(self, *, id: str | None = None, with_asset: bool = False) -> None:
        super().__init__(id=id, classes="panel")
        self.lines: Sequence[LogLine] = ()
        self.following = True
        self.needle = ""
        self.with_asset = with_asset
        self._known = 0
        self.nothing = "nothing was printed"

    @property
    def count(self) -> int:
        """Number of lines."""
        return self._known

    def show(self, lines: Sequence[LogLine]) -> None:
        """Show *lines* (the same list may have grown since)."""
        grown = lines is self.lines or (len(lines) >= self._known and lines[: self._known] == self.lines)
        before = self._known
        self.lines, self._known = lines, len(lines)
        if grown and before == self._known and before:
            return
        if not grown:
            self._strips.clear()
            self.cursor = 0
        self._fit()
        if self.following and self._known:
            self.move_to(self._known - 1, quiet=True)
            self.following = True
        self.refresh()

    def search(self, needle: str) -> int:
        """Mark *needle*, go to its next place; the number of lines with it."""
        self.needle = needle.lower()
        self._strips.clear()
        self.refresh()
        found = sum(self.needle in line.text.lower() for line in self.lines) if needle else 0
        if found and self.needle not in self.lines[self.cursor].text.lower():
            self.find(1)
        return found

    def find(self, step: int) -> None:
        """Go to the next line (previous for -1) with the searched text."""
        if not self.needle or not self._known:
            return
        for distance in range(1, self._known + 1):
            index = (self.cursor + step * distance) % self._known
            if self.needle in self.lines[index].text.lower():
                self.following = False
                self.move_to(index)
                return

    def action_move(self, step: int) -> None:
        """Move by lines. Following the newest line ends."""
        super().action_move(step)
        self.following = self.cursor >= self._known - 1

    def action_page(self, step: int) -> None:
        """Move by pages."""
        super().action_page(step)
        self.following = self.cursor >= self._known - 1

    def action_edge(self, step: int) -> None:
        """Move to an end; at the last line following begins again."""
        super().action_edge(step)
        self.following = step > 0

    def action_follow(self) -> None:
        """Stay at the newest line."""
        self.following = True
        if self._known:
            self.move_to(self._known - 1)

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """Time, asset if several, text."""
        line = self.lines[index]
        row = styles.line().gap()
        if line.at is not None:
            row.add(datetime.fromtimestamp(line.at).strftime("%H:%M:%S"), styles.faint).gap()
        if self.with_asset:
            row.add(line.asset.rpartition(".")[2], styles.primary, 16).gap()
        if line.attempt > 1:
            row.add(f"#{line.attempt} ", styles.stale)
        style = styles.stale if line.stream == "stderr" else styles.text
        text = clean(line.text.expandtabs(8).rstrip("\r\n"))
        return self._add_marked(row, text, style, styles)

    def _add_marked(self, row: Line, text: str, style: Style, styles: Styles) -> Line:
        low = text.lower()
        at = 0
        while self.needle and (found := low.find(self.needle, at)) >= 0:
            row.add(text[at:found], style).add(text[found : found + len(self.needle)], styles.match)
            at = found + len(self.needle)
        return row.add(text[at:], style)

    def write_empty(self, y: int, width: int, styles: Styles) -> Line:
        """Nothing was printed."""
        return styles.line().gap().add(self.nothing, styles.faint) if y == 0 else styles.line()
