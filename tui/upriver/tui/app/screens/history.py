"""The earlier materializations of an asset; each leads to the run that made it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import HistoryEntry
from upriver.tui.app.screens.frame import Frame
from upriver.tui.app.screens.preview import PreviewScreen, Side
from upriver.tui.app.screens.run import RunScreen
from upriver.tui.app.widgets.rows import RowList
from upriver.tui.present import figures
from upriver.tui.present.styles import Ink, Line
from upriver.tui.present.views.copying import Copy, as_json, command, table

MOST = 500


class HistoryScreen(Frame):
    """Newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "the run", tooltip="Replay the run that made it"),
        Binding("p", "preview", "rows then", tooltip="The rows that it held then"),
        Binding("b", "changes", "changes since", tooltip="The rows that differ now from those of then"),
        Binding("y", "copy_markdown", "copy"),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield HistoryList()

    def on_mount(self) -> None:
        """Ask."""
        key, session = self.key, self.upriver.session
        self.query_one(HistoryList).border_title = self.upriver.title_text(f"History of {key}")
        self.ask("history", lambda: session.history(key, MOST))

    def answer_history(self, entries: object) -> None:
        """Show it."""
        assert isinstance(entries, tuple)
        rows = self.query_one(HistoryList)
        rows.entries, rows.known = entries, True
        rows.rows_changed()
        self.keys_changed()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """Replay the run."""
        self.action_open()

    def action_open(self) -> None:
        """Replay the run of the row under the cursor."""
        rows = self.query_one(HistoryList)
        if rows.entries:
            self.upriver.push_screen(RunScreen(rows.entries[rows.cursor].run))

    def action_preview(self) -> None:
        """Show the rows of then."""
        if not self.refuse("preview"):
            self._rows_of(Side.BEFORE)

    def action_changes(self) -> None:
        """Show the rows that differ now."""
        if not self.refuse("changes"):
            self._rows_of(Side.CHANGES)

    def _rows_of(self, side: Side) -> None:
        rows = self.query_one(HistoryList)
        if rows.entries:
            entry = rows.entries[rows.cursor]
            now = entry.current and side is Side.BEFORE
            self.upriver.push_screen(PreviewScreen(self.key, before=entry.id, side=Side.NOW if now else side))

    def why_not(self, action: str) -> str | None:
        """Why *action* can't be done now."""
        rows = self.query_one(HistoryList)
        if not rows.entries:
            return "it was never built" if rows.known else None
        if action in ("preview", "changes") and rows.entries[rows.cursor].rows is None:
            return f"{self.key} is a file, not a table"
        if action == "changes" and rows.entries[rows.cursor].current:
            return "this is what it holds now"
        return None

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Other things may be possible with another one."""
        self.keys_changed()

    def copy(self) -> Copy:
        """The list."""
        entries = self.query_one(HistoryList).entries
        rows = [(e.run, e.materialized_at, e.rows, e.bytes, round(e.seconds, 2), e.version) for e in entries]
        head = ("run", "at", "rows", "bytes", "seconds", "version")
        return Copy(table(head, rows), as_json(entries), command("history", self.key))


class HistoryList(RowList):
    """A materialization a row."""

    HEADINGS = 1

    def __init__(self) -> None:
        super().__init__(id="history", classes="panel")
        self.entries: tuple[HistoryEntry, ...] = ()
        self.known = False
        self.styles.height = "1fr"

    @property
    def count(self) -> int:
        """Number of materializations."""
        return len(self.entries)

    def write_heading(self, index: int, width: int, ink: Ink) -> Line:
        """Names of the columns."""
        line = ink.line().gap(3).add("built", ink.faint, 18).add("took", ink.faint, 8, ">")
        line.add("rows", ink.faint, 12, ">").add("change", ink.faint, 9, ">").add("size", ink.faint, 9, ">")
        return line.gap(2).add("content", ink.faint, 14).add("run", ink.faint)

    def write_row(self, index: int, width: int, ink: Ink) -> Line:
        """One materialization, compared with the one before it."""
        entry = self.entries[index]
        before = self.entries[index + 1] if index + 1 < len(self.entries) else None
        sign = ink.glyph("●", "*") if entry.current else " "
        line = ink.line().gap().add(sign, ink.accent).gap()
        when = datetime.fromtimestamp(entry.materialized_at).strftime("%d %b %Y %H:%M")
        line.add(when, ink.text, 18).add(figures.duration(entry.seconds), ink.muted, 8, ">")
        line.add("–" if entry.rows is None else f"{entry.rows:,}", ink.text, 12, ">")
        changed = "" if before is None else figures.change(before.rows, entry.rows)
        line.add(changed, ink.muted, 9, ">").add(figures.size(entry.bytes), ink.muted, 9, ">").gap(2)
        same = before is not None and before.version == entry.version
        line.add("same" if same else entry.version[:12], ink.faint if same else ink.muted, 14)
        return line.add(entry.run, ink.muted)

    def write_empty(self, y: int, width: int, ink: Ink) -> Line:
        """Never built."""
        text = "it was never built" if self.known else "reading …"
        return ink.line().gap().add(text, ink.muted) if y == 1 else ink.line()
