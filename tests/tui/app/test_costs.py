"""The cost tab: what each asset costs, ordered by any column, over as many runs as one likes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.fakes.session import FakeSession

from upriver.tui.app.screens.cost import CostList, CostScreen
from upriver.tui.app.screens.history import HistoryScreen

Desk = Callable[..., Any]


async def test_the_dearest_stands_first_and_every_column_can_order(desk: Desk) -> None:
    """o and the arrows go through the columns; the cursor goes to the top, the column is told."""
    async with desk() as at:
        await at.press("9")
        await at.until(lambda: isinstance(at.app.screen, CostScreen), "the tab")
        await at.shows("Cost", "in 8 runs", "by total", "reuse saved")
        rows = at.app.screen.query_one(CostList)
        totals = [one.total for one in rows.costs]
        assert totals == sorted(totals, reverse=True)
        assert totals[0] > 0
        await at.press("down", "down", "o")
        assert rows.cursor == 0
        await at.shows("by usual")
        usual = [one.seconds or 0.0 for one in rows.costs]
        assert usual == sorted(usual, reverse=True)
        await at.press("left", "left")
        await at.shows("by memory")
        memory = [one.peak_memory or 0 for one in rows.costs]
        assert memory == sorted(memory, reverse=True)
        await at.press("t")
        await at.shows("in 8 runs")
        await at.press("t")
        await at.shows("in 1 run")


async def test_from_a_cost_to_what_it_is_of(desk: Desk) -> None:
    """Its history, why; copied as a table, as JSON, as a command."""
    async with desk() as at:
        await at.press("9")
        await at.shows("by total")
        first = at.app.screen.subject
        await at.press("dollar_sign")
        assert at.app.clipboard == "upriver cost --runs 20 --sort total"
        await at.press("J")
        assert json.loads(at.app.clipboard)["runs"] == 8
        await at.press("y")
        assert at.app.clipboard.split("\n")[2].startswith(f"| {first} |")
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, HistoryScreen), "its history")
        assert at.app.screen.key == first


async def test_costs_are_read_again_after_a_run_and_fit_any_width(desk: Desk) -> None:
    """Narrow ones leave columns out, never the one that orders."""
    session = FakeSession()
    async with desk(session, size=(60, 20)) as at:
        await at.press("9")
        await at.shows("in 8 runs")
        heading = at.lines()[3]
        assert "total" in heading
        assert "memory" not in heading
        await at.press("left")
        await at.until(lambda: "memory" in at.lines()[3], "the column")
        at.app.build(())
        await at.until(lambda: at.app.model.run.run and not at.app.model.live, "the run")
        await at.shows("in 9 runs")
