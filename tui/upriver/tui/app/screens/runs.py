"""Runs screen: all runs, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import RunEntry
from upriver.materializer.model import RunStatus
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.present import figures
from upriver.tui.present.glyphs import OUTCOME, RUN
from upriver.tui.present.styles import Line, Styles
from upriver.tui.present.views.copying import Copy, as_json, command, table

MOST = 200


class RunsScreen(TabScreen):
    """Tab 4."""

    TAB = "Runs"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", tooltip="Replay the run"),
        Binding("y", "copy_markdown", "copy"),
    ]

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield RunList()

    def on_mount(self) -> None:
        """Ask for the runs."""
        self._ask()

    def _ask(self) -> None:
        session = self.host.session
        self.ask(lambda: session.runs(MOST), self._take_entries)

    def _take_entries(self, entries: tuple[RunEntry, ...]) -> None:
        self.query_one(RunList).show(entries)

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """There may be another run."""
        super().project_changed(changed, order=order)
        self._ask()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """Replay."""
        self.action_open()

    def action_open(self) -> None:
        """Replay the run under the cursor."""
        entry = self.query_one(RunList).here
        if entry is None:
            self.host.say("there is no run yet")
        else:
            self.host.open(routes.RunLog(entry.id))

    def copy(self) -> Copy:
        """The list."""
        entries = self.query_one(RunList).entries
        rows = [(e.id, e.status.value, _when(e.started), " ".join(e.select)) for e in entries]
        return Copy(
            table(("run", "status", "started", "select"), rows),
            as_json(entries),
            command(*routes.Runs().words),
        )


class RunList(RowList):
    """A run a row."""

    HEADINGS = 1

    def __init__(self) -> None:
        super().__init__(id="runs", classes="panel")
        self.entries: tuple[RunEntry, ...] = ()
        self.known = False
        self.styles.height = "1fr"
        self.border_title = "Runs"

    @property
    def count(self) -> int:
        """Number of runs."""
        return len(self.entries)

    @property
    def here(self) -> RunEntry | None:
        """The run under the cursor."""
        return self.entries[self.cursor] if 0 <= self.cursor < len(self.entries) else None

    def show(self, entries: tuple[RunEntry, ...]) -> None:
        """Show *entries*; the cursor stays on its run."""
        here = self.here
        self.entries, self.known = entries, True
        if here is not None:
            self.cursor = next((i for i, e in enumerate(entries) if e.id == here.id), 0)
        self.rows_changed()

    def write_heading(self, index: int, width: int, styles: Styles) -> Line:
        """Names of the columns."""
        line = styles.line().gap().add("run", styles.faint, 26).add("started", styles.faint, 14)
        return (
            line.add("took", styles.faint, 8, ">")
            .gap(2)
            .add("assets", styles.faint, 26)
            .add("built", styles.faint)
        )

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """One run."""
        entry = self.entries[index]
        mark = RUN[entry.status]
        line = (
            styles.line()
            .gap()
            .add(f"{mark.sign(styles.ascii)} ", styles.mark(mark))
            .add(entry.id, styles.text, 23)
            .gap()
        )
        line.add(_when(entry.started), styles.muted, 14)
        took = None if entry.finished is None else entry.finished - entry.started
        if entry.status is RunStatus.RUNNING:
            line.add("live", styles.running, 8, ">").gap(2)
        else:
            line.add(figures.duration(took), styles.muted, 8, ">").gap(2)
        start = line.width
        for outcome, number in entry.tally().items():
            sign = OUTCOME[outcome]
            line.add(f"{sign.sign(styles.ascii)}{number}", styles.mark(sign)).gap()
        line.to(start + 26)
        return line.add(" ".join(entry.select) or "everything", styles.muted)

    def write_empty(self, y: int, width: int, styles: Styles) -> Line:
        """No run yet."""
        text = "nothing was built yet: M on the list builds everything" if self.known else "reading …"
        return styles.line().gap().add(text, styles.muted) if y == 1 else styles.line()


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%d %b %H:%M")
