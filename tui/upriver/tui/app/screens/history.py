"""History screen: the earlier materializations of an asset; each leads to the run that made it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import HistoryEntry
from upriver.tui.app import routes
from upriver.tui.app.routes import Side
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.present import figures
from upriver.tui.present.styles import Line, Styles
from upriver.tui.present.views.copying import Copy, as_json, command, table

MOST = 500


class HistoryScreen(TabScreen):
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
        key, session = self.key, self.host.session
        self.query_one(HistoryList).border_title = self.host.title_text(f"History of {key}")
        self.ask(lambda: session.history(key, MOST), self._take_history)

    def _take_history(self, entries: tuple[HistoryEntry, ...]) -> None:
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
            self.host.open(routes.RunLog(rows.entries[rows.cursor].run))

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
            self.host.open(routes.Preview(self.key, entry.id, Side.NOW if now else side))

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
        return Copy(table(head, rows), as_json(entries), command(*routes.History(self.key).words))


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

    def write_heading(self, index: int, width: int, styles: Styles) -> Line:
        """Names of the columns."""
        line = styles.line().gap(3).add("built", styles.faint, 18).add("took", styles.faint, 8, ">")
        line.add("rows", styles.faint, 12, ">").add("change", styles.faint, 9, ">").add(
            "size", styles.faint, 9, ">"
        )
        return line.gap(2).add("content", styles.faint, 14).add("run", styles.faint)

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """One materialization, compared with the one before it."""
        entry = self.entries[index]
        before = self.entries[index + 1] if index + 1 < len(self.entries) else None
        sign = styles.glyph("●", "*") if entry.current else " "
        line = styles.line().gap().add(sign, styles.accent).gap()
        when = datetime.fromtimestamp(entry.materialized_at).strftime("%d %b %Y %H:%M")
        line.add(when, styles.text, 18).add(figures.duration(entry.seconds), styles.muted, 8, ">")
        line.add("–" if entry.rows is None else f"{entry.rows:,}", styles.text, 12, ">")
        changed = "" if before is None else figures.change(before.rows, entry.rows)
        line.add(changed, styles.muted, 9, ">").add(figures.size(entry.bytes), styles.muted, 9, ">").gap(2)
        same = before is not None and before.version == entry.version
        line.add("same" if same else entry.version[:12], styles.faint if same else styles.muted, 14)
        return line.add(entry.run, styles.muted)

    def write_empty(self, y: int, width: int, styles: Styles) -> Line:
        """Never built."""
        text = "it was never built" if self.known else "reading …"
        return styles.line().gap().add(text, styles.muted) if y == 1 else styles.line()
