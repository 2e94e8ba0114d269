"""Main screen: the list of assets, the filter line above it, the detail beside it, the neighbourhood below."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import HistoryEntry
from upriver.materializer.model import State
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.asset_actions import ASSET_BINDINGS, AssetActions
from upriver.tui.app.screen_bases.list_filter import ListFilter
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.assets import AssetList
from upriver.tui.app.widgets.base_body import Body
from upriver.tui.app.widgets.detail import Detail, Extra
from upriver.tui.app.widgets.filterbar import FilterBar
from upriver.tui.app.widgets.neighbourhood import Neighbourhood
from upriver.tui.app.widgets.problems import Problems
from upriver.tui.app.widgets.text_line import retitle
from upriver.tui.app.widgets.ticker import Ticker
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.views.order import Sort
from upriver.tui.present.views.recent import read_histories

REST, HELD = 0.045, 0.08
"""Of moves less than *HELD* seconds apart the panes follow the last, *REST* seconds after it."""

GRACE = 0.04
"""Seconds for which the detail waits for what takes a query, so that it is written once and not twice."""


class MainScreen(ListFilter, AssetActions, TabScreen):
    """Tab 1; always at the bottom of the stack."""

    TAB = "Assets"
    AUTO_FOCUS = "AssetList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-middle"), (32, "-tall")]

    BINDINGS: ClassVar[list[BindingType]] = [
        *ASSET_BINDINGS,
        Binding("slash", "filter", "filter", tooltip="Type to narrow the list: any part of a key, or SELECT terms"),
        Binding("n", "next_problem", "next", tooltip="Go to the next failed, blocked or stale asset"),
        Binding("N", "next_problem(-1)", "previous", show=False, tooltip="The same, backwards"),
        Binding("space", "mark", "mark", tooltip="Mark for building together"),
        Binding("o", "sort", "sort", tooltip="Order by attention, lineage, name, age, duration, rows"),
        Binding("v", "views", "views", tooltip="Saved filters"),
        Binding("ctrl+o", "jump", "jump", show=False, tooltip="Go to any row in view by its label"),
        Binding("exclamation_mark", "problems", "problems", show=False, tooltip="What is wrong with the declarations"),
        Binding("escape", "escape", "clear", show=False, tooltip="Clear marks, then the filter"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._rest: Timer | None = None
        self._grace: Timer | None = None
        self._history_is_slow = False
        self._moved_at = 0.0

    def on_mount(self) -> None:
        """Show what is known already."""
        self.tally()
        if self.model.loaded:
            self.project_changed(set(), order=True)

    # -- what is there -------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Filter line, problems, list and detail, neighbourhood, ticker."""
        yield FilterBar()
        yield Problems()
        yield Body(id="body")
        yield Neighbourhood()
        yield Ticker()

    @property
    def assets(self) -> AssetList:
        """The list."""
        return self.query_one(AssetList)

    @property
    def filter_bar(self) -> FilterBar:
        """The filter line."""
        return self.query_one(FilterBar)

    @property
    def here(self) -> Key | None:
        """The asset under the cursor."""
        return self.assets.here if self.is_mounted else None

    @property
    def subject(self) -> Key | None:
        """What actions are about."""
        focused = self.focused
        if isinstance(focused, Neighbourhood) and focused.cursor in self.model.statuses:
            return focused.cursor
        return self.here

    @property
    def marked(self) -> tuple[Key, ...]:
        """The marked assets."""
        return tuple(sorted(self.assets.marked))

    # -- news ----------------------------------------------------------------------------------------

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """Show what is different, without moving the cursor off its asset."""
        super().project_changed(changed, order=order)
        self.query_one(Detail).forget(changed)
        if changed:
            self.with_column.clear()
        problems = self.query_one(Problems)
        problems.show(self.model.diagnoses)
        nothing = not self.model.statuses
        self.set_class(nothing, "-nothing")
        if nothing and self.model.diagnoses and self.focused is self.assets:
            problems.focus()
        if order or (changed and "state:" in self.filter_bar.input.value):
            self.refilter()
        elif changed:
            self.assets.changed(changed)
        elif not self.model.statuses:
            self.assets.rows_changed()
        here = self.here
        if here is not None and (order or here in changed or not changed):
            self._follow()
        self.query_one(Ticker).rewrite()
        self.keys_changed()
        self._look_up_history()

    def ticked(self) -> None:
        """Durations of what runs go on."""
        super().ticked()
        run = self.model.run
        if run is not None and run.live:
            self.assets.changed(set(run.running))
        self.query_one(Ticker).rewrite()

    @on(AssetList.Moved)
    def _moved(self, message: AssetList.Moved) -> None:
        message.stop()
        now = time.monotonic()
        # One step is followed as soon as its row is painted; a held key only when it rests.
        pause = REST if now - self._moved_at < HELD else 0.001
        self._moved_at = now
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(pause, self._follow)

    def _follow(self) -> None:
        """Let the panes show the asset under the cursor."""
        if self._rest is not None:
            self._rest.stop()
            self._rest = None
        here = self.here
        detail = self.query_one(Detail)
        if here is not None:
            self.query_one(Neighbourhood).about(here)
        self.keys_changed()
        if self._grace is not None:
            self._grace.stop()
            self._grace = None
        if here is None or detail.knows(here) or not detail.display:
            self._show_detail()
        else:
            self._grace = self.set_timer(GRACE, self._show_detail)
            self._fetch_extra(here)

    def _show_detail(self) -> None:
        detail = self.query_one(Detail)
        retitle(detail, self.host.title_text(self.here or ""))
        detail.rewrite()

    def _fetch_extra(self, here: Key) -> None:
        session = self.host.session

        def fetch() -> Extra:
            lineage = preview = None
            # An asset without rows or columns has none to show; whatever else is wrong is told elsewhere.
            with suppress(Exception):
                preview = session.preview(here, limit=8)
            with suppress(Exception):
                lineage = session.lineage(here, columns=True, downstream=False, depth=1)
            return Extra(here, lineage, preview)

        self.ask(fetch, self._take_extra)

    def _take_extra(self, extra: Extra) -> None:
        self.query_one(Detail).learn(extra)
        if extra.key == self.here:
            if self._grace is not None:
                self._grace.stop()
            self._show_detail()

    def _look_up_history(self) -> None:
        """Fill the sparklines of the rows in view."""
        assets, statuses = self.assets, self.model.statuses
        top = assets.scroll_offset.y
        shown = [
            key
            for key in assets.keys[top : top + assets.page]
            if statuses[key].materialized_at is not None and statuses[key].engine != "source"
        ]
        unknown = self.model.recent.unknown(shown)
        session = self.host.session
        if unknown and not self._history_is_slow:
            self.ask(lambda: read_histories(session, unknown), self._take_histories)

    def _take_histories(self, histories: dict[Key, tuple[HistoryEntry, ...]]) -> None:
        self._history_is_slow = len(histories) == 1 and self.assets.page > 1
        for key, entries in histories.items():
            self.model.recent.add_history(key, entries)
        self.assets.changed(set(histories))

    # -- actions -------------------------------------------------------------------------------------

    def action_next_problem(self, step: int = 1) -> None:
        """Go to the next asset that needs attention: broken, failed, stale or missing."""
        wanted = (State.BROKEN, State.FAILED, State.STALE, State.MISSING)
        statuses, assets = self.model.statuses, self.assets
        for distance in range(1, assets.count + 1):
            index = (assets.cursor + step * distance) % assets.count
            status = statuses.get(assets.keys[index])
            if status is not None and status.state in wanted:
                assets.move_to(index)
                self._follow()
                return
        self.host.say("nothing here is broken, failed, stale or missing")

    def action_mark(self) -> None:
        """Mark or unmark the asset, and go on."""
        here, assets = self.here, self.assets
        if here is None:
            return
        assets.marked ^= {here}
        assets.row_changed(assets.cursor)
        assets.action_move(1)

    def action_sort(self) -> None:
        """Order by the next criterion."""
        order = list(Sort)
        self.host.sort_by(order[(order.index(self.model.order.sort) + 1) % len(order)])

    def action_escape(self) -> None:
        """Clear marks, then the filter."""
        assets = self.assets
        if assets.marked:
            assets.marked = set()
            assets.rows_changed()
        elif self.filter_bar.input.value:
            self.filter_bar.input.value = ""
        assets.focus()

    def action_problems(self) -> None:
        """Go to the declaration errors."""
        if self.model.diagnoses:
            self.query_one(Problems).focus()
        else:
            self.host.say("the declarations are in order")

    def action_views(self) -> None:
        """Choose or save a filter."""
        self.host.open(routes.SavedViews(self.filter_bar.input.value), self._view_chosen)

    def _view_chosen(self, text: str | None) -> None:
        if text is not None:
            self.set_filter(text)

    def action_jump(self) -> None:
        """Label the rows in view; the next keys go to one."""
        self.host.open(routes.Jump())

    def copy(self) -> Copy:
        """The list as it is filtered."""
        model, shown = self.model, self.assets.keys
        statuses = [model.statuses[key] for key in shown if key in model.statuses]
        rows = [(s.asset, s.state.value, s.rows, s.engine) for s in statuses]
        words = self.filter_bar.input.value.split()
        return Copy(
            table(("asset", "state", "rows", "engine"), rows),
            as_json({"assets": statuses}),
            command("status", *words),
        )
