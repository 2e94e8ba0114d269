"""The two lines at the top of every screen: the project with its counts, and the tabs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from rich.style import Style
from textual import events

from upriver.materializer.model import State
from upriver.tui.app.widgets.line import Lines
from upriver.tui.present import figures
from upriver.tui.present.glyphs import OUTCOME, STATE
from upriver.tui.present.styles import Ink, Line, fit

if TYPE_CHECKING:
    from upriver.tui.app.app import UpriverApp

HINTS = (("^p", "palette", "ctrl+p"), ("^o", "jump", "ctrl+o"), ("?", "keys", "question_mark"))
"""What else there is, with the key that a click presses; the last stays longest where there is little room."""

TABS = (("1", "Assets"), ("2", "Graph"), ("3", "Columns"), ("4", "Runs"), ("5", "Changes"), ("6", "Cost"))
_COUNTED = (State.FRESH, State.STALE, State.PENDING, State.MISSING, State.FAILED, State.BLOCKED)


class Header(Lines):
    """Which project, how it is, what runs; and where one can go."""

    DEFAULT_CSS = """
    Header { height: 2; background: $panel; color: $foreground; }
    """

    def __init__(self, tab: str) -> None:
        super().__init__(id="header")
        self._tab = tab
        self._tab_ends: list[tuple[int, str]] = []
        self._hints: list[tuple[int, int, str]] = []

    @property
    def upriver(self) -> UpriverApp:
        """The app."""
        return cast("UpriverApp", self.app)

    def write(self, width: int, height: int, ink: Ink) -> list[Line]:
        """Project line and tab line."""
        return [self._project_line(width, ink), self._tab_line(width, ink)]

    def _project_line(self, width: int, ink: Ink) -> Line:
        app, board = self.upriver, self.upriver.board
        line = ink.line().gap().add("UPRIVER", ink.key).gap(2)
        line.add(fit(board.name or app.session.root.name, 28), ink.bold)
        if width >= 70:
            line.add(f" {ink.glyph('·', '-')} {app.session.environment}", ink.muted)
        line.gap(3)
        if board.diagnoses:
            number = len(board.diagnoses)
            text = f"{ink.glyph('✗', '!')} {number} declaration error{'s' if number > 1 else ''}"
            line.add(text, ink.failed + Style(bold=True)).gap(2)
        elif board.error is not None:
            line.add(f"{ink.glyph('✗', '!')} the project can't be read", ink.failed).gap(2)
        for state in _COUNTED:
            number = board.counts[state]
            if number or state is State.FRESH:
                style = ink.state(state) if number else ink.faint
                line.add(f"{STATE[state].sign(ink.ascii)} {number:,}", style).gap(2)
        right = ink.line()
        if board.run is not None and board.run.live:
            right.add(self._run_text(ink), ink.running)
        elif not board.checked:
            right.add("reading the project …", ink.muted)
        right.gap(2).add(datetime.fromtimestamp(app.clock()).strftime("%H:%M:%S"), ink.muted).gap()
        return line.right(right, width)

    def _run_text(self, ink: Ink) -> str:
        app = self.upriver
        run = app.board.run
        assert run is not None
        text = f"{STATE[State.RUNNING].sign(ink.ascii)} {run.done}/{len(run.parts)}"
        left = run.left(app.clock(), app.board.statuses)
        if run.cancelling:
            return f"{text} stopping"
        if left is not None:
            text += f" {ink.glyph('≈', '~')}{figures.duration(left)}"
        failed = len(run.failed)
        return (
            f"{text} {OUTCOME[run.failed[0].outcome].sign(ink.ascii)}{failed}"
            if failed and run.failed[0].outcome
            else text
        )

    def _tab_line(self, width: int, ink: Ink) -> Line:
        line = ink.line()
        self._tab_ends = []
        for key, name in TABS:
            here = name == self._tab
            under = ink.cursor if here else Style.null()
            line.add(f" {key}", ink.key + under).add(f" {name} ", (ink.bold if here else ink.muted) + under)
            self._tab_ends.append((line.width, key))
        right = ink.line()
        self._hints = []
        hints = list(HINTS)
        while hints and line.width + sum(len(key) + len(what) + 3 for key, what, _ in hints) > width:
            hints.pop(0)
        start = width - sum(len(key) + len(what) + 3 for key, what, _ in hints)
        for key, what, press in hints:
            right.add(key, ink.key).add(f" {what}  ", ink.muted)
            self._hints.append((start, start + right.width, press))
        return line.right(right, width)

    def on_click(self, event: events.Click) -> None:
        """Go to the tab under the mouse, or press the key of the hint there."""
        if event.y != 1:
            return
        for end, key in self._tab_ends:
            if event.x < end:
                self.upriver.action_tab(int(key))
                return
        for start, end, press in self._hints:
            if start <= event.x < end:
                self.app.simulate_key(press)
                return
