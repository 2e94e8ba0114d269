"""The graph, the column explorer, the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fakes.generated import generated
from tests.fakes.session import FakeSession

from upriver.tui.app.widgets.diagram import DiagramView
from upriver.tui.app.widgets.neighbourhood import Neighbourhood
from upriver.tui.app.widgets.table import TableView

Desk = Callable[..., Any]


async def test_the_graph_is_walked_along_its_lines(desk: Desk) -> None:
    """Left and right follow lines, up and down stay in the layer."""
    async with desk() as at:
        await at.go_to("marts.orders")
        await at.press("g")
        await at.shows("Graph of marts.orders", "11 nodes, 2 hops each way")
        view = at.app.screen.query_one(DiagramView)
        assert view.cursor == "marts.orders"
        await at.press("right")
        assert view.cursor in ("marts.customers", "marts.revenue")
        await at.press("left", "left")
        assert view.cursor in ("core.order_pay", "staging.fx")
        before = view.cursor
        await at.press("down" if view.cursor == "core.order_pay" else "up")
        assert view.cursor != before


async def test_the_graph_grows_shrinks_recentres_and_folds(desk: Desk) -> None:
    """+ and - change the hops, enter centres, z folds groups of one layer."""
    async with desk() as at:
        await at.go_to("marts.orders")
        await at.press("g")
        await at.shows("2 hops each way")
        await at.press("minus")
        await at.shows("5 nodes, 1 hop each way")
        await at.press("plus", "plus")
        await at.shows("14 nodes, 3 hops each way")
        await at.press("z")
        await at.shows("marts.* (")
        await at.press("z")
        await at.press("left", "enter")
        await at.shows("Graph of core.order_pay")


async def test_builds_start_from_the_graph(desk: Desk) -> None:
    """m is about the node under the cursor; states change where they are drawn."""
    async with desk() as at:
        await at.go_to("marts.orders")
        await at.press("g")
        await at.shows("Graph of")
        await at.press("left", "m")
        await at.shows("Build core.order_pay")
        await at.until(lambda: not at.app.screen.why_not("start"))
        await at.press("enter")
        await at.until(lambda: at.app.model.run is not None and not at.app.model.live, "building")
        await at.press("escape")
        await at.shows("✓ core.order_pay")


async def test_a_graph_of_a_big_project_shows_the_neighbourhood(desk: Desk) -> None:
    """Of very many neighbours the rest is one node."""
    async with desk(FakeSession(generated(2_000))) as at:
        await at.press("g")
        await at.shows("Graph of")
        assert at.app.screen.query_one(DiagramView).diagram.height < 200


async def test_the_neighbourhood_panel_is_walked_after_tab(desk: Desk) -> None:
    """Actions are about the node under its cursor then."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.settled()
        await at.press("tab", "right")
        assert isinstance(at.app.focused, Neighbourhood)
        assert at.app.main.subject == "marts.orders"
        await at.press("w")
        await at.shows("Why is marts.orders pending?")


async def test_a_column_is_followed_hop_by_hop(desk: Desk) -> None:
    """Where it comes from and how, what reads it, what dropping it would break."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("c")
        await at.shows("core.order_pay.order_id")
        await at.press("down", "down", "down")
        await at.shows("core.order_pay.amount_usd", "p.amount / 100.0", "X drop it: breaks 1: orders:8")
        await at.shows("raw.payments", " amount_cents ", "ƒ")
        await at.press("right", "enter")
        await at.shows("marts.orders.amount_usd")


async def test_influence_is_told_apart_and_can_be_hidden(desk: Desk) -> None:
    """i leaves only the edges that carry values."""
    async with desk() as at:
        await at.go_to("marts.churn_alerts")
        await at.press("c")
        await at.shows("marts.churn_alerts.customer_id", "churn_score", "▽")
        await at.press("i")
        await at.until(lambda: "churn_score" not in at.text(), "hiding influence")
        await at.shows("values only")


async def test_opaque_assets_say_so(desk: Desk) -> None:
    """An edge whose columns are not understood has its own sign."""
    async with desk() as at:
        await at.go_to("core.sessions")
        await at.press("c")
        await at.shows("?──▸", "opaque")


async def test_an_asset_without_known_columns_says_so(desk: Desk) -> None:
    """Instead of an empty drawing."""
    async with desk() as at:
        await at.go_to("marts.forecast")
        await at.press("c")
        await at.shows("its columns are not known")


async def test_rows_are_fetched_page_by_page(desk: Desk) -> None:
    """A million rows open at once; the last one is one key away."""
    async with desk() as at:
        await at.go_to("staging.orders")
        await at.press("p")
        await at.shows("staging.orders  1,204,331 rows", "order_id", "bigint", "1000000")
        await at.press("end")
        await at.shows("1,204,331  ", str(1_000_000 + 1_204_330))
        table = at.app.screen.query_one(TableView)
        assert len(table._pages) <= 4


async def test_rows_are_sorted_and_filtered_by_the_engine(desk: Desk) -> None:
    """s: up, down, not at all. /: any condition; a wrong one is told."""
    async with desk() as at:
        await at.go_to("staging.orders")
        await at.press("p")
        await at.shows("1000000")
        await at.press("s")
        await at.shows("order_id ↑")
        await at.press("s")
        await at.shows("order_id ↓", str(1_000_000 + 1_204_330))
        await at.press("s", "slash")
        await at.type("status = paid")
        await at.press("enter")
        await at.shows("120,433 rows", "where status = paid")
        await at.press("slash")
        await at.press("ctrl+u")
        await at.type("boom")
        await at.press("enter")
        await at.until(lambda: any("boom" in text for text in at.said), "telling the error")


async def test_a_column_is_profiled_beside_the_rows(desk: Desk) -> None:
    """Nulls, distinct, lowest, middle, highest, distribution of the column under the cursor."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("p")
        await at.shows("distinct 1,190,004 (unique)", "▁▂▄█▆▄▂▁", "nulls    none")
        await at.press("right")
        await at.shows("nulls    4,760")
        await at.press("c")
        await at.shows("core.order_pay.customer_id")


async def test_rows_of_before_and_what_differs(desk: Desk) -> None:
    """b: what it held before, the rows that came and went, now; the column's numbers then beside those of now."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("p", "right")
        await at.shows("core.order_pay  1,190,004 rows")
        await at.press("b")
        await at.shows("1,189,992 rows  run 0007, 6h ago", "+15 −3 rows", "now", "before")
        await at.press("b")
        await at.shows("6 rows  changed since run 0007, 6h ago", "±")
        assert at.app.screen.query_one(TableView).here == "customer_id"
        await at.press("dollar_sign")
        assert at.app.clipboard == "upriver show core.order_pay --changes 0007"
        await at.press("b")
        await at.shows("core.order_pay  1,190,004 rows")
        assert at.app.screen.query_one(TableView).here == "customer_id"


async def test_any_materialization_of_the_history_is_seen_and_compared(desk: Desk) -> None:
    """H, p: its rows then; b: what differs since."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("H")
        await at.shows("History of core.order_pay", "0008")
        await at.press("b")
        assert at.said[-1] == "this is what it holds now"
        await at.press("down", "down", "p")
        await at.shows("run 0006, 9h ago")
        await at.press("escape", "b")
        await at.shows("changed since run 0006")


async def test_an_asset_without_earlier_content_says_so(desk: Desk) -> None:
    """The rows of now stay."""
    session = FakeSession()
    session.history = lambda key=None, limit=50: ()  # type: ignore[method-assign]
    async with desk(session) as at:
        await at.go_to("core.order_pay")
        await at.press("p", "b")
        await at.until(lambda: "has held nothing else before" in at.said[-1])
        await at.shows("core.order_pay  1,190,004 rows")


async def test_what_has_no_rows_says_why(desk: Desk) -> None:
    """A file, and an asset that was never built."""
    async with desk() as at:
        await at.go_to("reports.weekly")
        await at.press("p")
        assert at.said[-1] == "reports.weekly is a file, not a table"
        await at.go_to("marts.forecast")
        await at.press("p")
        assert at.said[-1] == "marts.forecast was never built: there is nothing to show"
        await at.go_to("marts.churn")
        await at.press("p")
        await at.shows("marts.churn was never built")
