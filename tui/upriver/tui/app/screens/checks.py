"""Checks screen: how every check stands, when it ran last, what it has found before, and the rows that offend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import Table
from upriver.materializer.model import CheckOutcome, CheckReport
from upriver.materializer.quality.check_standing import CheckStanding
from upriver.tui.app import routes
from upriver.tui.app.host import host_of
from upriver.tui.app.screen_bases.asset_actions import ASSET_BINDINGS, AssetActions
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.app.widgets.table import TableView
from upriver.tui.present import figures
from upriver.tui.present.styles import Line, Styles, fit, fit_key
from upriver.tui.present.views.checks import CHECK, past_signs, worst_first
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.words import plural

PAST = 8


class ChecksScreen(AssetActions, TabScreen):
    """Tab 5."""

    TAB = "Checks"
    AUTO_FOCUS = "CheckList"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "offenders", "offenders", tooltip="The rows that offend, to look through"),
        Binding("d", "run_due", "run due", tooltip="Run the checks that are due on what is served"),
        Binding("y", "copy_markdown", "copy"),
        *ASSET_BINDINGS,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: Sequence[CheckStanding] | None = None

    @property
    def subject(self) -> Key | None:
        """The asset of the check under the cursor."""
        here = self.query_one(CheckList).here if self.is_mounted else None
        return None if here is None else here.result.asset

    def body(self) -> Iterable[Widget]:
        """The checks, and below them what offends against the one under the cursor."""
        yield CheckList()
        yield OffenderTable()

    def on_mount(self) -> None:
        """Ask."""
        self._title()
        self._ask()

    def _ask(self) -> None:
        session = self.host.session
        self.ask(session.checks, self._take)

    def _take(self, found: Sequence[CheckStanding]) -> None:
        self._found = found
        self.query_one(CheckList).show(worst_first(found))
        self._title()
        self._ask_offenders()
        self.keys_changed()

    def _title(self) -> None:
        rows, found = self.query_one(CheckList), self._found
        detail = "reading …"
        if found is not None:
            bad = sum(one.result.stops for one in found)
            due = sum(one.result.outcome is CheckOutcome.DUE for one in found)
            detail = plural(len(found), "check")
            detail += f" · {bad} failing" if bad else ""
            detail += f" · {due} not run" if due else ""
        rows.border_title = self.host.title_text("Checks", detail)

    def _ask_offenders(self) -> None:
        here, rows = self.query_one(CheckList).here, self.query_one(OffenderTable)
        rows.clear()
        rows.nothing = ""
        if here is None:
            rows.border_title = None
            return
        one, session = here.result, self.host.session
        detail = one.detail or CHECK[one.outcome].word
        rows.border_title = self.host.title_text(f"{one.asset} · {one.check}", detail)
        if not one.offenders:
            rows.nothing = "no row offends" if one.outcome is CheckOutcome.PASSED else detail
            rows.refresh()
            return
        self.ask(lambda: session.offenders(one.asset, one.check), self._take_offenders, self._no_offenders)

    def _take_offenders(self, found: Table) -> None:
        rows = self.query_one(OffenderTable)
        rows.clear()
        kept = Table(found.columns, found.types, found.rows, len(found.rows))
        rows.take(kept, 0)
        rows.rows_changed()

    def _no_offenders(self, error: Exception) -> None:
        rows = self.query_one(OffenderTable)
        rows.nothing = str(error).split("\n")[0]
        rows.refresh()

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """A run may have audited something."""
        super().project_changed(changed, order=order)
        if not self.model.live:
            self._ask()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Show what offends against the other check."""
        if isinstance(message.rows, CheckList):
            self._ask_offenders()
            self.keys_changed()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """Go into the rows."""
        self.action_offenders()

    def action_offenders(self) -> None:
        """Let the cursor go through the offenders, or back to the checks."""
        rows = self.query_one(OffenderTable)
        target: Widget = self.query_one(CheckList) if rows.has_focus or not rows.count else rows
        self.set_focus(target)

    def action_run_due(self) -> None:
        """Run what is due."""
        session = self.host.session
        self.ask(session.check, self._ran)

    def _ran(self, report: CheckReport) -> None:
        ran = sum(one.ran for one in report.checks)
        self.host.say(f"{plural(ran, 'check')} ran" if ran else "no check was due")
        self._ask()

    def copy(self) -> Copy | None:
        """The list."""
        if self._found is None:
            return None
        rows = [
            (one.result.asset, one.result.check, CHECK[one.result.outcome].word, one.result.detail,
             one.result.offenders, one.result.rows)
            for one in worst_first(self._found)
        ]  # fmt: skip
        head = ("asset", "check", "stands", "found", "offenders", "rows")
        return Copy(table(head, rows), as_json(list(self._found)), command(*routes.Checks().words))


class CheckList(RowList):
    """A check a row, what fails first."""

    HEADINGS = 1

    def __init__(self) -> None:
        super().__init__(id="checks", classes="panel")
        self.checks: list[CheckStanding] | None = None
        self.styles.height = "3fr"

    @property
    def count(self) -> int:
        """Number of checks."""
        return len(self.checks or ())

    @property
    def here(self) -> CheckStanding | None:
        """What is under the cursor."""
        return self.checks[self.cursor] if self.checks and 0 <= self.cursor < len(self.checks) else None

    def show(self, found: list[CheckStanding]) -> None:
        """Show *found*; the cursor stays on its check."""
        here = self.here
        self.checks = found
        if here is not None:
            names = [(one.result.asset, one.result.check) for one in found]
            place = (here.result.asset, here.result.check)
            self.cursor = names.index(place) if place in names else 0
        self.rows_changed()

    def _rooms(self, width: int) -> tuple[int, int, int]:
        """Cells for the asset, the check and its past."""
        past = PAST if width >= 70 else 0
        rest = width - 3 - 8 - (past + 2 if past else 0)
        asset = max(12, min(32, rest * 2 // 7))
        return asset, max(12, min(36, rest * 2 // 7)), past

    def write_heading(self, index: int, width: int, styles: Styles) -> Line:
        """Names of the columns."""
        asset, check, past = self._rooms(width)
        line = styles.line().gap(3).add("asset", styles.faint, asset).add("check", styles.faint, check)
        line.add("ran", styles.faint, 6, ">").gap(2)
        if past:
            line.add(f"last {past}", styles.faint, past).gap(2)
        return line.add("found", styles.faint)

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """One check."""
        assert self.checks is not None
        standing = self.checks[index]
        one, mark = standing.result, CHECK[standing.result.outcome]
        asset, check, past = self._rooms(width)
        line = styles.line().gap().add(mark.sign(styles.ascii), styles.mark(mark)).gap()
        line.add(fit_key(one.asset, asset - 1), styles.text, asset)
        passed = one.outcome is CheckOutcome.PASSED
        line.add(fit(one.check, check - 1), styles.muted if passed else styles.text, check)
        age = None if one.at is None else self.now - one.at
        line.add(figures.age(age), styles.muted, 6, ">").gap(2)
        if past:
            signs = past_signs(standing.past, past, ascii=styles.ascii)
            line.gap(past - len(signs))
            for sign, good in signs:
                line.add(sign, styles.faint if good else styles.failed)
            line.gap(2)
        told = one.detail or (f"{one.rows:,} rows" if one.rows is not None else "")
        if standing.refused and one.stops:
            told += " (not published)"
        if one.because:
            told += f", accepted because {one.because}"
        style = styles.failed if one.stops else styles.muted
        return line.add(fit(told, max(0, width - line.width)), style)

    @property
    def now(self) -> float:
        """The app's time."""
        return host_of(self).clock()

    def write_empty(self, y: int, width: int, styles: Styles) -> Line:
        """No check, or not known yet."""
        if y not in (1, 2):
            return styles.line()
        text = "reading …" if self.checks is None else "this project has no checks yet"
        if y == 2:
            text = "" if self.checks is None else "write `checks: [{unique: id}]` into the header of an asset"
        return styles.line().gap().add(text, styles.muted if y == 1 else styles.faint)


class OffenderTable(TableView):
    """The rows that offend."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = ""
        self.styles.height = "2fr"
