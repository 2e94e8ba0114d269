"""Log screen: the output of an asset in the last run that computed it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import LogLine
from upriver.materializer.model import Outcome
from upriver.materializer.operations import ProjectApi
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.output import OUTPUT_BINDINGS, OutputScreen
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.loglines import LogLines
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.app.widgets.searchbar import SearchBar
from upriver.tui.present.views.copying import Copy, as_json, command
from upriver.tui.present.words import plural

_RUNS_BACK = 20
_NOTHING_RAN = (Outcome.BROKEN, Outcome.FRESH, Outcome.REUSED, Outcome.BLOCKED)


def last_output(session: ProjectApi, key: Key) -> tuple[str | None, tuple[LogLine, ...]]:
    """The last run in which *key* was computed, and what it printed there."""
    for entry in session.runs(_RUNS_BACK):
        results = entry.assets or session.run(entry.id).assets
        if any(result.asset == key and result.action not in _NOTHING_RAN for result in results):
            return entry.id, session.log(entry.id, key)
    history = session.history(key, 1)
    if history:
        return history[0].run, session.log(history[0].run, key)
    return None, ()


class LogScreen(OutputScreen, TabScreen):
    """*key*'s output."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *OUTPUT_BINDINGS,
        Binding("enter", "open_run", "the run", tooltip="Replay the run"),
        Binding("y", "copy_markdown", "copy"),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._run: str | None = None
        self._lines: tuple[LogLine, ...] = ()
        self._init_output()

    def body(self) -> Iterable[Widget]:
        """Lines and the search line."""
        log = LogLines(id="log")
        log.following = False
        log.nothing = "reading …"
        log.styles.height = "1fr"
        yield log
        yield SearchBar()

    def on_mount(self) -> None:
        """Ask for the output."""
        key, session = self.key, self.host.session
        self.query_one(LogLines).border_title = self.host.title_text(f"Output of {key}")
        self.ask(lambda: last_output(session, key), self._take_output)

    def _take_output(self, found: tuple[str | None, tuple[LogLine, ...]]) -> None:
        self._run, self._lines = found
        log = self.query_one(LogLines)
        log.nothing = "it has not run yet" if self._run is None else "it printed nothing"
        self.show_output()
        log.refresh()
        self.keys_changed()

    def show_output(self) -> None:
        """Show the lines that are wanted now."""
        log = self.query_one(LogLines)
        log.show(self._chosen.of(self._lines, None, self.level))
        detail = f"run {self._run}, {plural(log.count, 'line')}" if self._run else ""
        log.border_subtitle = self.host.title_text("", self.level_text)
        log.border_title = self.host.title_text(f"Output of {self.key}", detail)

    def output_name(self) -> str:
        """A name for a file of it."""
        return f"{self._run or 'no-run'}-{self.key}.log"

    def why_not(self, action: str) -> str | None:
        """Why *action* can't be done."""
        return "it has not run yet" if action == "open_run" and self._run is None else None

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """Replay the run."""
        self.action_open_run()

    def action_open_run(self) -> None:
        """Replay the run."""
        if not self.refuse("open_run"):
            self.host.open(routes.RunLog(self._run))

    def copy(self) -> Copy:
        """The lines."""
        lines = self.query_one(LogLines).lines
        text = "\n".join(line.text for line in lines)
        words = ("log", self._run or "last", self.key)
        return Copy(f"```\n{text}\n```" if text else "", as_json(list(lines)), command(*words))
