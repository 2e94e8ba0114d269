"""What an asset printed in its last run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from upriver.assets.model import Key
from upriver.materializer.model import Outcome
from upriver.materializer.session import Session
from upriver.materializer.views import LogLine
from upriver.tui.picture.copying import Copy, as_json, command
from upriver.tui.screens.frame import Frame
from upriver.tui.widgets.loglines import LogLines
from upriver.tui.widgets.searchbar import SearchBar
from upriver.tui.words import plural

_RUNS_BACK = 20
_NOTHING_RAN = (Outcome.FRESH, Outcome.REUSED, Outcome.BLOCKED)


def last_output(session: Session, key: Key) -> tuple[str | None, tuple[LogLine, ...]]:
    """The last run in which *key* was computed, and what it printed there."""
    for entry in session.runs(_RUNS_BACK):
        results = entry.assets or session.run(entry.id).assets
        if any(result.asset == key and result.action not in _NOTHING_RAN for result in results):
            return entry.id, session.log(entry.id, key)
    history = session.history(key, 1)
    if history:
        return history[0].run, session.log(history[0].run, key)
    return None, ()


class LogScreen(Frame):
    """*key*'s output; ``/`` searches, ``n`` and ``N`` go on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search"),
        Binding("n", "find(1)", "next", tooltip="The next place of what is searched"),
        Binding("N", "find(-1)", "previous", tooltip="The place before"),
        Binding("o", "open_run", "the run", tooltip="Replay the run"),
        Binding("y", "copy_markdown", "copy"),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._run: str | None = None

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
        key, session = self.key, self.upriver.session
        self.query_one(LogLines).border_title = self.upriver.title_text(f"Output of {key}")
        self.ask("output", lambda: last_output(session, key))

    def answer_output(self, found: object) -> None:
        """Show it."""
        assert isinstance(found, tuple)
        self._run, lines = found
        log = self.query_one(LogLines)
        log.nothing = "it has not run yet" if self._run is None else "it printed nothing"
        log.show(lines)
        log.refresh()
        detail = f"run {self._run}, {plural(len(lines), 'line')}" if self._run else ""
        log.border_title = self.upriver.title_text(f"Output of {self.key}", detail)

    def action_search(self) -> None:
        """Search."""
        self.query_one(SearchBar).open()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Search while typing."""
        self.query_one(SearchBar).tell(self.query_one(LogLines).search(message.value))

    def on_search_bar_left(self, message: SearchBar.Left) -> None:
        """Back to the lines."""
        self.query_one(LogLines).focus()

    def action_find(self, step: int) -> None:
        """Go to the next place."""
        self.query_one(LogLines).find(step)

    def why_not(self, action: str) -> str | None:
        """Why *action* can't be done."""
        return "it has not run yet" if action == "open_run" and self._run is None else None

    def action_open_run(self) -> None:
        """Replay the run."""
        if not self.refuse("open_run"):
            from upriver.tui.screens.run import RunScreen

            self.upriver.push_screen(RunScreen(self._run))

    def copy(self) -> Copy:
        """The lines."""
        lines = self.query_one(LogLines).lines
        text = "\n".join(line.text for line in lines)
        words = ("log", self._run or "last", self.key)
        return Copy(f"```\n{text}\n```" if text else "", as_json(list(lines)), command(*words))
