"""Materializing: the plan first, live progress, cancel, retry, runs of other processes, past runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tests.fakes.session import FakeSession

from upriver.materializer.model import Outcome, RunStatus, State
from upriver.tui.app.routes import RunLog
from upriver.tui.app.screens.build import BuildDialog
from upriver.tui.app.screens.leave import LeaveScreen
from upriver.tui.app.screens.run import RunScreen
from upriver.tui.app.widgets.loglines import LogLines
from upriver.tui.app.widgets.runrows import RunRows
from upriver.tui.present.views.recent import Recent

Desk = Callable[..., Any]


async def test_the_plan_is_shown_before_anything_happens(desk: Desk) -> None:
    """What would be built, why, how long it takes, the longest chain."""
    async with desk() as at:
        await at.go_to("marts.customers")
        await at.press("m")
        await at.shows("Build marts.customers", "core/order_pay.sql:5 changed", "≈ 24.2s")
        await at.shows(
            "longest chain 24.2s: staging.payments → core.order_pay → marts.orders → marts.customers"
        )
        await at.press("escape")
        assert at.app.screen is at.app.main
        assert at.session.live_run() is None
        assert at.session.statuses["staging.payments"].state is State.STALE


async def test_the_scope_of_a_build_is_chosen_in_the_dialog(desk: Desk) -> None:
    """This, with downstream, with upstream, both, all stale, failed and blocked again."""
    async with desk() as at:
        await at.go_to("core.order_pay")
        await at.press("m")
        await at.until(lambda: isinstance(at.app.screen, BuildDialog))
        dialog = at.app.screen
        seen = []
        for _ in range(6):
            seen.append((dialog.scope.name, dialog.scope.select))
            await at.press("tab")
        assert seen == [
            ("this", ("core.order_pay",)),
            ("with downstream", ("core.order_pay+",)),
            ("with upstream", ("+core.order_pay",)),
            ("both ways", ("+core.order_pay+",)),
            ("all stale", ()),
            ("failed + blocked", ("state:failed", "state:blocked")),
        ]
        await at.press("tab")
        await at.shows("marts.churn", "with downstream")
        await at.press("f")
        await at.shows("forced")


async def test_building_from_the_dialog_shows_the_run_and_its_result(desk: Desk) -> None:
    """M, enter: the run goes on before one's eyes; what failed is told first; states are right afterwards."""
    async with desk() as at:
        await at.press("M")
        await at.until(lambda: not at.app.screen.why_not("start"), "making the plan")
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, RunScreen))
        await at.until(lambda: at.app.model.run.status is RunStatus.FAILED, "ending")
        await at.shows(
            "✗ RUN 0009", "marts.churn failed", 'column "plan" not found', "did you mean 'plan_tier'?"
        )
        await at.shows("Done", "core.order_pay", "Fresh 4", "reuse saved")
        picture = at.app.model.run
        assert picture.counts[Outcome.BUILT] == 6
        assert picture.counts[Outcome.REUSED] == 1
        await at.press("escape")
        assert at.app.screen is at.app.main
        await at.until(lambda: at.app.model.statuses["marts.orders"].state is State.FRESH)
        assert at.app.model.statuses["marts.churn"].state is State.FAILED
        assert "run 0009 failed" in at.said[-1]


async def test_the_list_shows_a_build_while_it_goes_on(desk: Desk) -> None:
    """Running and waiting signs, the count in the header; the order of rows stays."""
    session = FakeSession(pace=0.05)
    async with desk(session) as at:
        order = list(at.app.main.assets.keys)
        at.app.build(())
        await at.until(lambda: "⏵ " in at.lines()[0] and "/1" in at.lines()[0], "counting in the header")
        await at.until(lambda: any("⏵ ⏵" in line for line in at.lines()), "showing what runs")
        assert any(" ⏸ " in line for line in at.lines())
        await at.until(lambda: at.app.model.run.counts[Outcome.BUILT], "building the first")
        built = next(p.asset for p in at.app.model.run.parts.values() if p.outcome is Outcome.BUILT)
        at.app.model.recent = Recent()  # nothing is known of earlier runs: the sign is that of this one
        at.app.main.assets.rows_changed()
        row = at.app.main.assets.place_of(built)
        await at.until(lambda: at.app.main.assets.write_row(row, 80, at.app.text_styles).text[3] == "✓")
        assert list(at.app.main.assets.keys) == order
        await at.until(lambda: not at.app.model.live, "ending")


async def test_cancelling_stops_the_run(desk: Desk) -> None:
    """What runs is cancelled, what is done stays, the run is told as interrupted."""
    session = FakeSession(pace=0.2)
    async with desk(session) as at:
        at.app.build(())
        at.app.open(RunLog())
        await at.until(lambda: at.app.model.run.running, "starting")
        await at.press("ctrl+x")
        await at.until(lambda: at.app.model.run.status is RunStatus.INTERRUPTED, "stopping")
        await at.shows("interrupted")
        assert at.app.model.run.counts[Outcome.CANCELLED] > 0
        await at.press("ctrl+x")
        assert at.said[-1] == "the run is over"


async def test_one_asset_is_cancelled_and_the_rest_goes_on(desk: Desk) -> None:
    """X on a waiting asset leaves it out: what needs it is blocked, everything else is built."""
    session = FakeSession(pace=0.05)
    async with desk(session) as at:
        at.app.build(())
        at.app.open(RunLog())
        await at.until(lambda: at.app.model.run.running, "starting")
        rows = at.app.screen.query_one(RunRows)
        await at.until(
            lambda: any(not isinstance(e, str) and e.asset == "marts.orders" for e in rows._entries)
        )
        rows.move_to(
            next(
                i for i, e in enumerate(rows._entries) if not isinstance(e, str) and e.asset == "marts.orders"
            )
        )
        await at.press("X")
        assert "cancelling marts.orders: what needs it is blocked, the rest goes on" in at.said
        await at.until(lambda: not at.app.model.live, "ending")
        ends = {key: part.outcome for key, part in at.app.model.run.parts.items()}
        assert ends["marts.orders"] is Outcome.CANCELLED
        assert ends["marts.customers"] is Outcome.BLOCKED
        assert ends["core.order_pay"] is Outcome.BUILT
        assert at.app.model.statuses["marts.orders"].state is not State.FAILED
        await at.press("X")
        assert at.said[-1] == "the run is over"


async def test_r_builds_failed_and_blocked_again_with_one_key(desk: Desk) -> None:
    """No dialog: the plan is known, it was shown before it failed."""
    async with desk() as at:
        at.session.failing.clear()
        await at.press("r")
        await at.until(lambda: at.app.model.run is not None and not at.app.model.live, "building")
        assert at.app.model.run.select == ("state:failed", "state:blocked")
        await at.until(lambda: at.app.model.statuses["marts.churn"].state is State.FRESH)


async def test_only_one_build_at_a_time(desk: Desk) -> None:
    """While one goes on, others are refused with the reason."""
    session = FakeSession(pace=0.2)
    async with desk(session) as at:
        at.app.build(())
        await at.until(lambda: at.app.model.live)
        for key in ("m", "M", "r"):
            await at.press(key)
            assert at.said[-1] == "a build is going on; 4 shows it"


async def test_a_build_of_another_process_is_shown_live(desk: Desk) -> None:
    """Found by looking, followed to its end; stopped from here only after a question."""
    session = FakeSession(pace=0.15)
    async with desk(session) as at:
        thread = session.build_elsewhere(("+marts.revenue",))
        await at.until(lambda: at.app.model.live, "finding the run", timeout=3)
        assert "in another process" in at.said[-1]
        at.app.open(RunLog())
        await at.shows("RUN 0009")
        await at.press("X")
        assert at.said[-1] == "another process builds: only the whole run can be stopped from here"
        await at.press("ctrl+x")
        await at.shows("Another process builds", "Run 0009 was started in another shell")
        await at.press("escape")
        assert session.stopped == []
        await at.press("ctrl+x", "enter")
        assert session.stopped == ["0009"]
        assert at.said[-1] == "run 0009 was asked to stop: what is finished is kept"
        await at.until(lambda: not at.app.model.live, "following to the end", timeout=30)
        thread.join(10)
        assert at.app.model.run.status is RunStatus.SUCCESS


async def test_opening_while_another_process_builds(desk: Desk) -> None:
    """The run that goes on is found and shown from its beginning."""
    session = FakeSession(pace=0.1)
    session.build_elsewhere()
    while not session.live_run():
        threading.Event().wait(0.01)
    async with desk(session) as at:
        await at.until(lambda: at.app.model.run is not None and at.app.model.run.parts, "following")
        assert len(at.app.model.run.parts) == 15


async def test_a_build_that_cannot_begin_says_why(desk: Desk) -> None:
    """Another build took the project in the meantime."""
    session = FakeSession(pace=0.1)
    async with desk(session) as at:
        at.app.watcher.stop()
        session.build_elsewhere()
        while not session.live_run():
            threading.Event().wait(0.01)
        at.app.build(())
        await at.until(lambda: any("is going on in process" in text for text in at.said), "saying so")
        assert at.app.model.run is None


async def test_a_past_run_is_replayed_in_the_same_screen(desk: Desk) -> None:
    """4, enter: its parts, its error, its output, its slots over time."""
    async with desk() as at:
        await at.press("4")
        await at.shows("0008", "✓10 ✗1 ⊘3", "+marts.revenue")
        await at.press("enter")
        await at.shows("✗ RUN 0008", "marts.churn failed")
        await at.press("t")
        await at.shows(" w1 ", " w2 ")
        at.app.screen.query_one(RunRows).focus()
        await at.press("end")
        await at.shows("Output of")
        await at.press("a")
        await at.shows("Output of all")


async def test_output_is_followed_and_searched(desk: Desk) -> None:
    """/ marks and counts, n goes on."""
    async with desk() as at:
        await at.press("4")
        await at.shows("0008")
        await at.press("enter")
        await at.shows("RUN 0008")
        await at.press("a", "slash")
        await at.type("365")
        await at.shows("lines")
        log = at.app.screen.query_one(LogLines)
        assert "365" in log.lines[log.cursor].text
        await at.press("enter")
        first = log.cursor
        await at.press("n")
        assert log.cursor != first
        await at.press("N")
        assert log.cursor == first


async def test_leaving_while_a_build_goes_on_asks(desk: Desk) -> None:
    """Stay, or stop the build and leave."""
    session = FakeSession(pace=0.3)
    async with desk(session) as at:
        at.app.build(())
        await at.until(lambda: at.app.model.run.running)
        await at.press("q")
        await at.until(lambda: isinstance(at.app.screen, LeaveScreen))
        await at.press("escape")
        assert at.app.screen is at.app.main
        await at.press("q", "enter")
        assert not at.app.model.run.cancelling, "what is pressed without reading stops nothing"
        await at.press("s")
        assert at.app.model.run.cancelling, "s has to stop the build, not wait for its end"
        await at.until(lambda: at.app._exit, "leaving")
    assert session.live_run() is None


async def test_a_hundred_thousand_lines_are_listed_at_once(desk: Desk) -> None:
    """Lines are kept as they came and drawn when they are in view."""
    from upriver.materializer.answers import LogLine

    async with desk() as at:
        await at.press("l")
        log = at.app.screen.query_one(LogLines)
        log.show([LogLine("marts.churn", 1, "stdout", f"line {n}") for n in range(100_000)])
        await at.press("end")
        await at.shows("line 99999")
        assert len(log._strips) < 300


async def test_a_build_with_a_process_of_its_own_may_go_on_without_the_window(desk: Desk) -> None:
    """l in the question leaves it running; a build inside this process can't be left."""
    session = FakeSession(pace=0.2)
    async with desk(session) as at:
        at.app.build(())
        await at.until(lambda: at.app.model.live)
        await at.press("q", "l")
        assert at.said[-1] == "It is built by this process, and ends with it."
        await at.press("escape")
        session.builds_detached = True
        await at.press("q")
        await at.shows("Let go on, it is shown by the next window.")
        await at.press("l")
        await at.until(lambda: at.app._exit, "leaving")
        at.app.run_controller.wait()
        assert session.live_run() is not None
        assert at.app.model.run.cancelling == 0


def test_what_has_not_changed_is_not_kept_twice() -> None:
    """Nor is a key, wherever it is named; what differs is the new one."""
    from upriver.materializer.answers import AssetStatus
    from upriver.tui.app.project_model import shared

    def statuses(state: State) -> list[AssetStatus]:
        names = ["".join(("ra", "w.x")) for _ in range(3)]
        return [
            AssetStatus(names[0], "source", State.FRESH),
            AssetStatus("b", "table", state, upstreams=(names[1],)),
            AssetStatus("c", "table", State.FRESH, upstreams=(names[2],)),
        ]

    first = shared(statuses(State.FRESH))
    assert first["b"].upstreams[0] is first["c"].upstreams[0] is first["raw.x"].asset
    second = shared(statuses(State.STALE), first.values())
    assert list(second) == ["raw.x", "b", "c"]
    assert second["c"] is first["c"]
    assert second["b"].state is State.STALE
    assert second["b"].upstreams[0] is first["raw.x"].asset
