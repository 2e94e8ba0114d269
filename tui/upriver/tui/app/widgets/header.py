"""Header widget: the project with its counts, and the tabs."""

from __future__ import annotations

from datetime import datetime

from rich.style import Style
from textual import events

from upriver.materializer.model import State
from upriver.tui.app.host import Host, host_of
from upriver.tui.app.widgets.text_line import Lines
from upriver.tui.present import figures
from upriver.tui.present.glyphs import OUTCOME, STATE
from upriver.tui.present.styles import Line, Styles, fit

HINTS = (("^p", "palette", "ctrl+p"), ("^o", "jump", "ctrl+o"), ("?", "keys", "question_mark"))
"""What else there is, with the key that a click presses; the last stays longest where there is little room."""

TABS = (
    ("1", "Assets"), ("2", "Graph"), ("3", "Columns"), ("4", "Runs"), ("5", "Checks"), ("6", "Goals"),
    ("7", "Incidents"), ("8", "Changes"), ("9", "Cost"),
)  # fmt: skip
_COUNTED = (State.BROKEN, State.FRESH, State.STALE, State.PENDING, State.MISSING, State.FAILED, State.BLOCKED)


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
    def host(self) -> Host:
        """The app."""
        return host_of(self)

    def write(self, width: int, height: int, styles: Styles) -> list[Line]:
        """Project line and tab line."""
        return [self._project_line(width, styles), self._tab_line(width, styles)]

    def _project_line(self, width: int, styles: Styles) -> Line:
        host, model = self.host, self.host.model
        line = styles.line().gap().add("UPRIVER", styles.key).gap(2)
        line.add(fit(model.name or host.session.root.name, 28), styles.bold)
        if width >= 70:
            line.add(f" {styles.glyph('·', '-')} {host.session.environment}", styles.muted)
        line.gap(3)
        if model.diagnoses:
            number = len(model.diagnoses)
            text = f"{styles.glyph('✗', '!')} {number} declaration error{'s' if number > 1 else ''}"
            line.add(text, styles.failed + Style(bold=True)).gap(2)
        elif model.error is not None:
            line.add(f"{styles.glyph('✗', '!')} the project can't be read", styles.failed).gap(2)
        for state in _COUNTED:
            number = model.counts[state]
            if number or state is State.FRESH:
                style = styles.state(state) if number else styles.faint
                line.add(f"{STATE[state].sign(styles.ascii)} {number:,}", style).gap(2)
        right = styles.line()
        if model.run is not None and model.run.live:
            right.add(self._run_text(styles), styles.running)
        elif not model.checked:
            right.add("reading the project …", styles.muted)
        right.gap(2).add(datetime.fromtimestamp(host.clock()).strftime("%H:%M:%S"), styles.muted).gap()
        return line.right(right, width)

    def _run_text(self, styles: Styles) -> str:
        host = self.host
        run = host.model.run
        assert run is not None
        text = f"{STATE[State.RUNNING].sign(styles.ascii)} {run.done}/{len(run.parts)}"
        left = run.left(host.clock(), host.model.statuses)
        if run.cancelling:
            return f"{text} stopping"
        if left is not None:
            text += f" {styles.glyph('≈', '~')}{figures.duration(left)}"
        failed = len(run.failed)
        return (
            f"{text} {OUTCOME[run.failed[0].outcome].sign(styles.ascii)}{failed}"
            if failed and run.failed[0].outcome
            else text
        )

    def _tab_line(self, width: int, styles: Styles) -> Line:
        line = styles.line()
        self._tab_ends = []
        whole = sum(len(key) + len(name) + 3 for key, name in TABS)
        before = " " if whole + sum(map(len, HINTS[-1][:2])) + 3 <= width else ""  # else they move together
        for key, name in TABS:
            here = name == self._tab
            under = styles.cursor if here else Style.null()
            line.add(f"{before}{key}", styles.key + under).add(
                f" {name} ", (styles.bold if here else styles.muted) + under
            )
            self._tab_ends.append((line.width, key))
        right = styles.line()
        self._hints = []
        hints = list(HINTS)
        while hints and line.width + sum(len(key) + len(what) + 3 for key, what, _ in hints) > width:
            hints.pop(0)
        start = width - sum(len(key) + len(what) + 3 for key, what, _ in hints)
        for key, what, press in hints:
            right.add(key, styles.key).add(f" {what}  ", styles.muted)
            self._hints.append((start, start + right.width, press))
        return line.right(right, width)

    def on_click(self, event: events.Click) -> None:
        """Go to the tab under the mouse, or press the key of the hint there."""
        if event.y != 1:
            return
        for end, key in self._tab_ends:
            if event.x < end:
                self.host.go(int(key))
                return
        for start, end, press in self._hints:
            if start <= event.x < end:
                self.app.simulate_key(press)
                return
