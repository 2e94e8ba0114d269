"""The list: what it shows, how it is ordered and filtered, how it follows the project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from tests.fakes.generated import generated
from tests.fakes.session import FakeSession
from tests.fakes.shop import AssetSpec, shop

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Place
from upriver.materializer.model import State
from upriver.tui.app.widgets.detail import Detail
from upriver.tui.app.widgets.problems import Problems

Desk = Callable[..., Any]


async def test_what_needs_attention_stands_first(desk: Desk) -> None:
    """Failed, then what it blocks under it, then stale with what waits for it, then missing, then fresh."""
    async with desk() as at:
        keys = list(at.app.main.assets.keys)
        assert keys[:3] == ["marts.churn", "marts.churn_alerts", "staging.refunds"]
        states = [at.app.model.statuses[key].state for key in keys]
        assert states.index(State.STALE) > max(i for i, s in enumerate(states) if s is State.BLOCKED)
        assert states.index(State.FRESH) > states.index(State.MISSING) > states.index(State.STALE)
        await at.shows("✗ ✗ ✗ ●         marts.churn", "⊘ ⊘ · ╰─●       marts.churn_alerts", "12.8s", "last 8")


async def test_the_header_counts_every_state(desk: Desk) -> None:
    """Zero is not worth a place."""
    async with desk() as at:
        assert "✓ 8  ◔ 2  ◦ 4  ◌ 2  ✗ 1  ⊘ 3" in at.lines()[0]


async def test_the_panes_follow_the_cursor(desk: Desk) -> None:
    """State and reasons at once, columns and rows when they are fetched, the neighbourhood below."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.shows("STALE", "2 causes", "Columns 5", "ƒ amount_usd", "Lineage of core.order_pay")
        await at.shows("✓ staging.orders ───┬──▸ ◔ core.order_pay")


async def test_a_filter_narrows_with_every_key(desk: Desk) -> None:
    """Any part of a key; escape shows everything again."""
    async with desk() as at:
        await at.press("slash")
        await at.type("churn")
        assert set(at.app.main.assets.keys) == {"marts.churn", "marts.churn_alerts"}
        await at.shows("2 of 20")
        await at.press("escape")
        assert len(at.app.main.assets.keys) == 20


async def test_the_filter_speaks_the_select_grammar(desk: Desk) -> None:
    """Space adds, comma narrows, ! takes away, + spreads along lineage."""
    expected = {
        "state:failed state:blocked": {
            "marts.churn",
            "marts.churn_alerts",
            "staging.refunds",
            "core.refund_rate",
        },
        "tag:marts,state:pending": {"marts.orders", "marts.customers", "marts.revenue"},
        "tag:marts,state:pending !customers": {"marts.orders", "marts.revenue"},
        "+staging.fx": {"raw.fx", "staging.fx"},
        "marts.churn+": {"marts.churn", "marts.churn_alerts"},
        "raw.*": {f"raw.{name}" for name in ("orders", "payments", "refunds", "fx", "products")},
        "owner:fin": {"marts.revenue", "reports.weekly"},
        "kind:python,tag:ml": {"marts.forecast"},
    }
    async with desk() as at:
        for text, keys in expected.items():
            at.app.main.set_filter(text)
            await at.pilot.pause()
            assert set(at.app.main.assets.keys) == keys, text


async def test_a_filter_that_cannot_be_read_says_so_and_changes_nothing(desk: Desk) -> None:
    """While one types, the list stays as it was."""
    async with desk() as at:
        at.app.main.set_filter("churn")
        await at.pilot.pause()
        at.app.main.set_filter("nonsense:x")
        await at.pilot.pause()
        assert "selected by" in (at.app.main.filter_bar.problem or "")
        assert len(at.app.main.assets.keys) == 2
        at.app.main.set_filter("nothing_like_it")
        await at.shows("Nothing matches 'nothing_like_it'.")


async def test_the_cursor_stays_on_its_asset_and_its_line_when_the_order_changes(desk: Desk) -> None:
    """An edit moves other rows, not what one is looking at."""
    session = FakeSession(generated(400))
    async with desk(session) as at:
        assets = at.app.main.assets
        await at.press("end")
        await at.press(*["up"] * 5)
        here, line = at.here, assets.cursor - assets.scroll_offset.y
        session.edit(next(k for k in assets.keys[-40:] if session.statuses[k].engine == "sql" and k != here))
        before = at.app.model.counts[State.FRESH]
        await at.until(lambda: at.app.model.counts[State.FRESH] < before, "noticing the edit", timeout=3.0)
        await at.pilot.pause(0.1)
        assert (at.here, assets.cursor - assets.scroll_offset.y) == (here, line)
        assert "above need attention" in str(assets.border_subtitle)


async def test_what_becomes_stale_moves_to_the_top_at_once(desk: Desk) -> None:
    """The order is that of the states now, not that of the reading before."""
    async with desk(FakeSession(generated(60))) as at:
        key = next(k for k in at.app.main.assets.keys[::-1] if at.session.statuses[k].engine == "sql")
        at.session.edit(key)
        await at.until(lambda: at.app.model.statuses[key].state is State.STALE, timeout=3)
        await at.pilot.pause()
        states = [at.app.model.statuses[k].state for k in at.app.main.assets.keys]
        assert states.index(State.FRESH) > at.app.main.assets.keys.index(key)


async def test_an_edited_file_shows_within_a_second(desk: Desk) -> None:
    """The asset becomes stale and what is below it pending, while the UI runs."""
    async with desk() as at:
        at.session.edit("staging.fx")
        await at.until(lambda: at.app.model.statuses["staging.fx"].state is State.STALE, timeout=1.5)
        await at.shows("◔ 3")


async def test_sorting_goes_through_the_criteria(desk: Desk) -> None:
    """Attention, lineage, name, age, duration, rows."""
    async with desk() as at:
        seen = []
        for _ in range(6):
            seen.append(at.app.model.order.sort.value)
            await at.press("o")
            await at.until(lambda: at.app.model.order.sort.value != seen[-1], "sorting")
        assert seen == ["attention", "lineage", "name", "age", "duration", "rows"]
        at.app.main.set_filter("marts")
        await at.press("o", "o")
        await at.until(lambda: at.app.model.order.sort.value == "name")
        await at.pilot.pause()
        assert list(at.app.main.assets.keys) == sorted(at.app.main.assets.keys)


async def test_n_goes_to_the_next_problem_and_round_again(desk: Desk) -> None:
    """Blocked and pending assets are skipped: their cause is elsewhere."""
    async with desk() as at:
        visited = []
        for _ in range(6):
            await at.press("n")
            visited.append(at.here)
        assert visited[:4] == ["staging.payments", "core.order_pay", "raw.refunds", "marts.forecast"]
        assert visited[4] == "marts.churn"
        await at.press("N")
        assert at.here == "marts.churn"


async def test_jump_mode_goes_to_a_row_by_its_label(desk: Desk) -> None:
    """Two keys to any row in view; another key leaves."""
    async with desk() as at:
        await at.press("ctrl+o")
        await at.shows("d staging.refunds")
        await at.press("d")
        assert at.here == "staging.refunds"
        await at.press("ctrl+o", "0")
        assert at.app.screen is at.app.main
        assert "d staging" not in at.text()


async def test_views_are_chosen_saved_and_deleted(desk: Desk, tmp_path: Path) -> None:
    """They survive in the project's state folder."""
    session = FakeSession(root=tmp_path)
    async with desk(session) as at:
        await at.press("v")
        await at.shows("needs attention", "state:failed state:blocked")
        await at.press("down", "down", "enter")
        await at.until(lambda: at.app.main.filter_bar.input.value == "state:failed state:blocked")
        at.app.main.set_filter("tag:board")
        await at.press("v", "s")
        await at.type("my view")
        await at.press("enter")
        await at.shows("my view")
        assert msgspec.json.decode((tmp_path / ".upriver" / "ui-views.json").read_bytes()) == {
            "my view": "tag:board"
        }
        await at.press("end", "d")
        await at.until(lambda: "my view" not in at.text())
        await at.press("d")
        assert at.said[-1] == "this view is built in"
        await at.press("escape")
        at.app.main.set_filter(",!tag:board")
        await at.press("v", "s")
        assert at.said[-1].startswith("this is no filter: ")


async def test_marks_are_built_together(desk: Desk) -> None:
    """Space marks and goes on; escape takes the marks away."""
    async with desk() as at:
        await at.go_to("staging.payments")
        await at.press("space", "space")
        assert at.app.main.marked == ("core.order_pay", "staging.payments")
        await at.press("m")
        await at.shows("Build 2 marked assets", "2 marked")
        await at.press("escape", "escape")
        assert at.app.main.marked == ()


async def test_a_project_that_was_never_built_says_how_to_begin(desk: Desk) -> None:
    """Every asset is missing; M is named."""
    specs = [
        msgspec.structs.replace(s, state=State.MISSING, age=None, rows=None, reasons=())
        if s.engine != "source"
        else s
        for s in shop()
    ]
    session = FakeSession(specs)
    session._entries.clear()
    async with desk(session) as at:
        await at.shows("◌ 16", "nothing is built yet: M builds everything")


async def test_an_empty_project_says_how_to_begin(desk: Desk) -> None:
    """No table headings over nothing, no empty panes."""
    session = FakeSession(())
    session._entries.clear()
    async with desk(session) as at:
        await at.shows("This project has no assets yet.", "select 42 as answer")
        assert not at.app.main.query_one(Detail).display
        session.replace(shop())
        await at.shows("marts.churn")
        assert at.app.main.query_one(Detail).display


async def test_what_makes_all_unusable_is_shown_with_its_place_and_goes_when_mended(desk: Desk) -> None:
    """Opening on a broken project, and breaking it while it is open."""
    session = FakeSession()
    problem = Diagnosis(
        "unknown-upstream",
        "marts.churn reads marts.custmers, which does not exist",
        Place("assets/marts/churn.sql", 4, 6),
        hint="did you mean 'marts.customers'?",
        excerpt="4 | from marts.custmers as c\n  |      ^^^^^^^^^^^^^^",
    )
    session.declare_wrongly(problem)
    async with desk(session) as at:
        await at.shows(
            "1 declaration error", "assets/marts/churn.sql:4:6", "^^^^^^", "did you mean 'marts.customers'?"
        )
        await at.shows("No asset can be shown until the declarations above are mended.")
        assert isinstance(at.app.focused, Problems)
        await at.press("M")
        assert at.said[-1] == "nothing can be built while the project as a whole can't be used"
        session.declare_wrongly()
        await at.until(lambda: at.here == "marts.churn", "showing the mended project", timeout=3)
        await at.until(lambda: "declaration error" not in at.text(), "taking the errors away")
        session.declare_wrongly(problem)
        await at.shows("1 declaration error")
        assert at.here == "marts.churn", "the last known assets stay"


async def test_a_project_that_cannot_be_read_is_tried_again(desk: Desk) -> None:
    """Whatever the session raises, the screen stays and says it."""
    session = FakeSession()
    session.broken = OSError("the disk is gone")
    async with desk(session) as at:
        await at.shows("the project can't be read", "the disk is gone")
        session.broken = None
        await at.shows("marts.churn")


async def test_names_are_data(desk: Desk) -> None:
    """Markup and control characters in what comes from the project are shown, not obeyed."""
    spec = msgspec.structs.replace(
        shop()[5], description="[red]not red[/red] \x1b[31mnor this", owner="[bold]", upstreams=(), error=()
    )
    async with desk(FakeSession([spec])) as at:
        await at.shows("[red]not red[/red]", "␛[31mnor", "[bold]")


async def test_a_mouse_click_moves_the_cursor_and_a_tab_is_clicked(desk: Desk) -> None:
    """Mouse and keys do the same."""
    async with desk() as at:
        await at.pilot.click("#assets", offset=(20, 4))
        assert at.here == at.app.main.assets.keys[2]
        await at.pilot.click("#header", offset=(35, 1))
        await at.shows("+marts.revenue")
        await at.pilot.click("#header", offset=(114, 1))
        await at.shows("All keys that work here")


async def test_ten_thousand_assets_move_and_filter(desk: Desk) -> None:
    """The list draws what is in view only."""
    async with desk(FakeSession(generated(10_000))) as at:
        assets = at.app.main.assets
        await at.press("end")
        assert at.here == assets.keys[-1]
        at.app.main.set_filter("orders_0")
        await at.pilot.pause()
        assert 0 < assets.count < 2_000
        assert len(assets._strips) < 200


async def test_long_names_take_the_room_of_columns_that_hold_nothing(desk: Desk) -> None:
    """Never built, nothing hangs under anything: neither gutter nor figures are needed, until there are some."""
    name = "finance.daily_revenue_by_country_of_residence"
    specs = [AssetSpec(f"{name}_{number}", "sql", State.MISSING) for number in range(3)]
    session = FakeSession(specs)
    async with desk(session) as at:
        await at.shows(f"{name}_0", f"{name}_2")
        session.replace(
            msgspec.structs.replace(spec, state=State.FRESH, seconds=1.0, rows=5, age=60.0) for spec in specs
        )
        await at.shows("usual", "rows", "1.0s")
        assert f"{name}_0" not in "\n".join(line[:76] for line in at.lines()[4:9])


async def test_short_names_leave_the_columns_as_they_are(desk: Desk) -> None:
    """Headings do not come and go without need."""
    async with desk(FakeSession([AssetSpec("a", "sql", State.MISSING)])) as at:
        await at.shows("lineage", "usual", "rows", "last 8")


async def test_the_detail_shows_an_error_with_its_code(desk: Desk) -> None:
    """Not its first line alone."""
    async with desk() as at:
        await at.go_to("marts.churn")
        await at.shows("assets/marts/churn.sql:3:9", "3 |     sum(c.plan", "did you mean 'plan_tier'?")
