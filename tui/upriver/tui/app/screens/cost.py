"""Cost screen: time in the last runs, memory, size, number of builds and savings by reuse of each asset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.runs.cost_answers import AssetCost, Costs
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.asset_actions import ASSET_BINDINGS, AssetActions
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.app.widgets.runrows import bar
from upriver.tui.present import figures
from upriver.tui.present.styles import Line, Styles, fit_key
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.views.costs import COST_ORDERS, sorted_costs
from upriver.tui.present.words import plural

RUNS = (20, 100, 1)
"""Over how many runs, in the order in which a key goes through them."""


class CostScreen(AssetActions, TabScreen):
    """Tab 7."""

    TAB = "Cost"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "history", "history", tooltip="Its earlier materializations"),
        Binding("o,right", "order(1)", "sort", tooltip="Order by the next column"),
        Binding("left", "order(-1)", "sort", show=False, tooltip="Order by the column before"),
        Binding("t", "runs", "runs", tooltip="Over the last 20, 100 or 1 runs"),
        Binding("y", "copy_markdown", "copy"),
        *ASSET_BINDINGS,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._runs = RUNS[0]
        self._order = next(iter(COST_ORDERS))
        self._found: Costs | None = None

    @property
    def subject(self) -> Key | None:
        """The asset under the cursor."""
        cost = self.query_one(CostList).here if self.is_mounted else None
        return None if cost is None else cost.asset

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield CostList()

    def on_mount(self) -> None:
        """Ask."""
        self._title()
        self._ask()

    def _ask(self) -> None:
        session, runs = self.host.session, self._runs
        self.ask(lambda: session.cost(runs=runs), self._take_costs)

    def _take_costs(self, found: Costs) -> None:
        self._found = found
        self._show()

    def _show(self) -> None:
        if self._found is not None:
            self.query_one(CostList).show(self._found, self._order)
        self._title()
        self.keys_changed()

    def _title(self) -> None:
        rows, found = self.query_one(CostList), self._found
        detail = "reading …"
        if found is not None:
            detail = f"{figures.duration(found.seconds)} in {plural(found.runs, 'run')}"
            detail += f" · reuse saved {figures.duration(found.saved)}" if found.saved else ""
            detail += f" · by {self._order} {self.text_styles.glyph('↓', 'v')}"
        rows.border_title = self.host.title_text("Cost", detail)

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """A run may have ended."""
        super().project_changed(changed, order=order)
        if not self.model.live:
            self._ask()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Other things may be possible with another asset."""
        self.keys_changed()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """Show its materializations."""
        self.action_history()

    def action_order(self, step: int) -> None:
        """Order by another column."""
        orders = list(COST_ORDERS)
        self._order = orders[(orders.index(self._order) + step) % len(orders)]
        self._show()
        rows = self.query_one(CostList)
        if rows.count:
            rows.move_to(0)

    def action_runs(self) -> None:
        """Look at more or fewer runs."""
        self._runs = RUNS[(RUNS.index(self._runs) + 1) % len(RUNS)]
        self._ask()

    def copy(self) -> Copy | None:
        """The list."""
        found = self._found
        if found is None:
            return None
        rows = [
            (one.asset, round(one.total, 2), one.seconds, one.built, one.failed, one.reused, round(one.saved, 2),
             one.rows, one.bytes, one.peak_memory)
            for one in sorted_costs(found.assets, self._order)
        ]  # fmt: skip
        head = ("asset", "total seconds", "usual seconds", "built", "failed", "reused", "saved seconds", "rows",
                "bytes", "peak memory")  # fmt: skip
        words = (*routes.Cost().words, "--runs", str(self._runs), "--sort", self._order)
        return Copy(table(head, rows), as_json(found), command(*words))


class CostList(RowList):
    """An asset a row. The column by which they are ordered is the bright one."""

    HEADINGS = 1

    def __init__(self) -> None:
        super().__init__(id="costs", classes="panel")
        self.costs: list[AssetCost] = []
        self.total = 0.0
        self.runs = -1
        self.order = "total"
        self.styles.height = "1fr"

    @property
    def count(self) -> int:
        """Number of assets."""
        return len(self.costs)

    @property
    def here(self) -> AssetCost | None:
        """What is under the cursor."""
        return self.costs[self.cursor] if 0 <= self.cursor < len(self.costs) else None

    def show(self, found: Costs, order: str) -> None:
        """Show *found*; the cursor stays on its asset."""
        here = self.here
        self.costs, self.order = sorted_costs(found.assets, order), order
        self.total, self.runs = found.seconds, found.runs
        if here is not None:
            self.cursor = next((i for i, one in enumerate(self.costs) if one.asset == here.asset), 0)
        self.rows_changed()

    def _columns(self, width: int) -> list[tuple[str, int]]:
        """Names and widths of the figures: those that there is room for, the one ordered by always among them."""
        widths = dict.fromkeys(COST_ORDERS, 8) | {"size": 9, "memory": 9}
        room = width - 2 - min(30, width // 3) - 14
        keep = {"total", self.order}
        for name in ("usual", "built", "saved", "memory", "size", "rows", "reused", "failed"):
            if sum(widths[one] for one in keep | {name}) <= room:
                keep.add(name)
        return [(name, cells) for name, cells in widths.items() if name in keep]

    def write_heading(self, index: int, width: int, styles: Styles) -> Line:
        """Names of the columns."""
        columns = self._columns(width)
        line = styles.line().gap().add("asset", styles.faint, self._room(width, columns))
        for name, cells in columns:
            line.add(name, styles.accent if name == self.order else styles.faint, cells, ">")
        return line.gap(2).add("share", styles.faint)

    def _room(self, width: int, columns: list[tuple[str, int]]) -> int:
        return max(12, width - 1 - sum(cells for _, cells in columns) - 14)

    def write_row(self, index: int, width: int, styles: Styles) -> Line:
        """One asset."""
        cost = self.costs[index]
        columns = self._columns(width)
        room = self._room(width, columns)
        line = (
            styles.line()
            .gap()
            .add(fit_key(cost.asset, room - 1), styles.text if cost.total else styles.muted, room)
        )
        for name, cells in columns:
            style = styles.failed if name == "failed" else styles.fresh if name == "saved" else styles.muted
            line.add(_figure(cost, name), styles.text if name == self.order else style, cells, ">")
        share = cost.total / self.total if self.total else 0.0
        filled, rest = bar(share, 8, styles.ascii)
        line.gap(2).add(filled, styles.accent).add(rest if cost.total else "", styles.faint)
        return line.add(f"{share:4.0%}" if cost.total else "", styles.muted)

    def write_empty(self, y: int, width: int, styles: Styles) -> Line:
        """No asset, or not known yet."""
        text = "there are no assets" if self.runs >= 0 else "reading …"
        return styles.line().gap().add(text, styles.muted) if y == 1 else styles.line()


def _figure(cost: AssetCost, name: str) -> str:
    match name:
        case "total":
            return figures.duration(cost.total) if cost.total else figures.NOTHING
        case "usual":
            return figures.duration(cost.seconds)
        case "saved":
            return figures.duration(cost.saved) if cost.saved else ""
        case "rows":
            return figures.count(cost.rows)
        case "size":
            return figures.NOTHING if cost.bytes is None else figures.size(cost.bytes)
        case "memory":
            return figures.NOTHING if cost.peak_memory is None else figures.size(cost.peak_memory)
        case "built":
            return str(cost.built) if cost.built else figures.NOTHING
        case _:
            number = cost.failed if name == "failed" else cost.reused
            return str(number) if number else ""
