"""Goals screen: how each goal stands, the late ones first, when it will be done, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.automation.model import GoalReport, GoalState, GoalStatus
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.asset_actions import ASSET_BINDINGS, AssetActions
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.present import figures
from upriver.tui.present.styles import Line, Styles, fit, fit_key
from upriver.tui.present.text.goals import WORDS, moment, why
from upriver.tui.present.views.copying import Copy, as_json, command, table

_ORDER = (GoalState.OVERDUE, GoalState.AT_RISK, GoalState.DUE, GoalState.ON_TIME)


class GoalsScreen(AssetActions, TabScreen):
    """Tab 7."""

    TAB = "Goals"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "why", "why", tooltip="The chain of causes behind its asset's state"),
        Binding("y", "copy_markdown", "copy"),
        *(one for one in ASSET_BINDINGS if not (isinstance(one, Binding) and one.key == "w")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: GoalReport | None = None

    @property
    def subject(self) -> Key | None:
        """The asset under the cursor."""
        goal = self.query_one(GoalList).here if self.is_mounted else None
        return None if goal is None else goal.asset

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield GoalList()

    def on_mount(self) -> None:
        """Ask."""
        self._show()
        self._ask()

    def _ask(self) -> None:
        session = self.host.session
        self.ask(lambda: session.goals(), self._take_goals)  # noqa: PLW0108 -- its default

    def _take_goals(self, found: GoalReport) -> None:
        self._found = found
        self._show()

    def _show(self) -> None:
        rows, found = self.query_one(GoalList), self._found
        detail = "looking …"
        if found is not None:
            rows.show(found, self.host.clock())
            counts = {state: sum(one.state is state for one in found.goals) for state in _ORDER}
            told = [f"{number} {WORDS[state]}" for state, number in counts.items() if number]
            detail = " · ".join(told) or "none is declared"
        rows.border_title = self.host.title_text("Goals", detail)
        self.keys_changed()

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """Another content may hold them."""
        super().project_changed(changed, order=order)
        if not self.model.live:
            self._ask()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Other things may be possible with another asset."""
        self.keys_changed()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """Explain its asset."""
        self.action_why()

    def copy(self) -> Copy | None:
        """The list."""
        if self._found is None:
            return None
        now = self.host.clock()
        rows = [
            (WORDS[one.state], one.asset, one.spec, moment(one.due, now), why(one, now))
            for one in self._found.goals
        ]
        head = ("state", "asset", "goal", "due", "why")
        return Copy(table(head, rows), as_json(self._found), command(*routes.Goals().words))


class GoalList(RowList):
    """A goal a row, the late ones first."""

    HEADINGS = 1

    def __init__(self) -> None:
        super().__init__(id="goals", classes="panel")
        self.goals: tuple[GoalStatus, ...] = ()
        self.known = False
        self.now = 0.0
        self.styles.height = "1fr"

    @property
    def count(self) -> int:
        """Number of goals."""
        return len(self.goals)

    @property
    def here(self) -> GoalStatus | None:
        """What is under the cursor."""
        return self.goals[self.cursor] if 0 <= self.cursor < len(self.goals) else None

    def show(self, found: GoalReport, now: float) -> None:
        """Show *found*; the cursor stays on its goal."""
        here = self.here
        order = sorted(found.goals, key=lambda one: (_ORDER.index(one.state), one.due or now))
        self.goals, self.now, self.known = tuple(order), now, True
        if here is not None:
            self.cursor = next((i for i, one in enumerate(order) if one.id == here.id), 0)
        self.rows_changed()

    def _rooms(self, width: int) -> tuple[int, int]:
        """Cells of the asset and of the goal."""
        return max(16, min(36, width // 4)), max(14, min(32, width // 5))

    def write_heading(self, index: int, width: int, styles: Styles) -> Line:
        """Names of the columns."""
        asset, goal = self._rooms(width)
        line = styles.line().gap().add("state", styles.faint, 9).add("asset", styles.faint, asset)
        line.add("goal", styles.faint, goal).add("due", styles.faint, 17)
        if width >= 100:
            line.add("done", styles.faint, 20)
        return line.add("lag", styles.faint, 5, ">").gap(2).add("why", styles.faint)

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """One goal."""
        one = self.goals[index]
        asset, goal = self._rooms(width)
        role = {
            GoalState.OVERDUE: styles.failed,
            GoalState.AT_RISK: styles.stale,
            GoalState.DUE: styles.pending,
            GoalState.ON_TIME: styles.fresh,
        }[one.state]
        line = styles.line().gap().add(WORDS[one.state], role, 9)
        line.add(fit_key(one.asset, asset - 1), styles.text, asset)
        line.add(fit(one.spec, goal - 1), styles.muted, goal).add(moment(one.due, self.now), styles.text, 17)
        if width >= 100:
            eta = "" if one.eta is None else f"{moment(one.eta[0], self.now)}–{moment(one.eta[1], self.now)}"
            line.add(fit(eta, 19), styles.muted, 20)
        lag = "" if one.lag is None else figures.age(one.lag)
        line.add(lag, styles.muted, 5, ">").gap(2)
        return line.add(fit(why(one, self.now), width - line.width - 1), styles.muted)

    def write_empty(self, y: int, width: int, styles: Styles) -> Line:
        """How to begin, or that it is not known yet."""
        text = "no goal is declared: `fresh_within: 1h` in a header, or [goals] in upriver.toml"
        return (
            styles.line().gap().add(text if self.known else "looking …", styles.muted)
            if y == 1
            else styles.line()
        )
