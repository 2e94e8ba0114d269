"""The run screen: what failed is fixed, output is read and narrowed, the run is printed where it can be scrolled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.session import FakeSession

from upriver.assets.errors import UsageError
from upriver.assets.model import Place
from upriver.materializer.answers import AssetStatus, LogLine
from upriver.materializer.events import AssetOutput
from upriver.materializer.model import Outcome, State
from upriver.tui.app.routes import RunLog
from upriver.tui.app.screens.fix import FixScreen
from upriver.tui.app.screens.run import RunScreen
from upriver.tui.app.widgets.loglines import LogLines
from upriver.tui.app.widgets.runrows import RunRows
from upriver.tui.present.views.levels import Chosen, Level, level_of

Desk = Callable[..., Any]


async def after_a_failed_run(at: Any) -> None:
    """Everything stale was built, one asset failed, its run is on the screen."""
    at.app.build(())
    at.app.open(RunLog())
    await at.until(lambda: at.app.model.run.run and not at.app.model.live, "the end of the run")
    await at.shows("marts.churn failed")


async def test_f_shows_the_line_before_it_is_written_and_then_builds(desk: Desk) -> None:
    """Also from a row that did not fail: what failed first is meant."""
    async with desk() as at:
        await after_a_failed_run(at)
        await at.press("end", "F")
        await at.shows(
            "Fix marts.churn", "assets/marts/churn.sql:3:9", "sum(c.plan = 'pro')", "sum(c.plan_tier"
        )
        assert at.session.statuses["marts.churn"].state is State.FAILED
        await at.press("dollar_sign")
        assert at.app.clipboard == "upriver fix marts.churn"
        await at.press("J")
        assert json.loads(at.app.clipboard)["meant"] == "plan_tier"
        await at.press("enter")
        await at.until(lambda: not isinstance(at.app.screen, FixScreen), "writing")
        assert "plan is plan_tier now; m builds marts.churn" in at.said[-1]
        await at.until(lambda: at.app.model.statuses["marts.churn"].state is State.STALE, "reading again")
        await at.press("r")  # it has not failed any more, and has to be built all the same
        await at.until(lambda: at.app.model.run.run == "0010" and not at.app.model.live, "building again")
        assert at.app.model.run.select == (
            "staging.refunds",
            "core.refund_rate",
            "marts.churn",
            "marts.churn_alerts",
        )
        assert at.app.model.run.parts["marts.churn"].outcome is Outcome.BUILT


async def test_what_is_not_certain_is_not_fixed_and_said_why(desk: Desk) -> None:
    """The session's reason, in its words; nothing failed, nothing to fix; a file that was edited meanwhile."""
    async with desk(FakeSession(failing=("marts.orders",))) as at:
        await at.press("4", "enter")
        await at.shows("RUN 0008")
        await at.press("F")
        await at.shows("Fix marts.churn")
        at.session.broken = UsageError("churn.sql was edited meanwhile; nothing was changed")
        await at.press("enter")
        await at.until(lambda: at.said and "edited meanwhile" in at.said[-1], "the refusal")
        at.session.broken = None
        at.app.build(())
        at.app.go(1)
        at.app.open(RunLog())
        await at.until(lambda: at.app.model.run.run and not at.app.model.live, "the end of the run")
        await at.shows("marts.orders failed")
        await at.press("F")
        await at.until(lambda: "only you can tell what is meant" in at.said[-1], "the reason")
        assert isinstance(at.app.screen, RunScreen)


async def test_f_works_on_the_list_as_well(desk: Desk) -> None:
    """Where what is under the cursor is fresh, that is said instead."""
    async with desk() as at:
        await at.go_to("marts.churn")
        await at.press("F")
        await at.shows("Fix marts.churn")
        await at.press("escape")
        await at.go_to("raw.orders")
        await at.press("F")
        assert at.said[-1] == "nothing is known to be wrong with raw.orders"


async def test_l_leaves_out_what_is_harmless(desk: Desk) -> None:
    """Everything, stderr, warnings, errors, everything; the title says so, new lines are narrowed as well."""
    async with desk() as at:
        await at.press("4", "enter")
        await at.shows("RUN 0008")
        picture = at.app.screen.picture
        asset = at.app.screen.subject
        texts = [
            ("stdout", "plain"),
            ("stderr", "on stderr"),
            ("stderr", "WARNING:root:12 rows"),
            ("stdout", "10:18 ERROR no"),
        ]
        for stream, text in texts:
            picture.take(AssetOutput(1.0, asset, 1, stream, text))
        log = at.app.screen.query_one(LogLines)

        def shown() -> list[str]:
            return [line.text for line in log.lines if line.text in [text for _, text in texts]]

        await at.until(lambda: len(shown()) == 4, "all lines")
        for least, told in ((1, "stderr and graver"), (2, "warnings and errors"), (3, "only errors")):
            await at.press("L")
            assert shown() == [text for _, text in texts][least:]
            assert told in at.text()
        picture.take(AssetOutput(2.0, asset, 1, "stdout", "harmless"))
        picture.take(AssetOutput(2.0, asset, 1, "stderr", "ValueError: no"))
        await at.until(lambda: [line.text for line in log.lines][-1] == "ValueError: no", "following")
        assert "harmless" not in [line.text for line in log.lines]
        await at.press("L")
        assert len(shown()) == 4


@pytest.mark.parametrize(
    ("stream", "text", "level"),
    [
        ("stdout", "12 rows", Level.OUTPUT),
        ("stderr", "12 rows", Level.STDERR),
        ("stderr", "INFO:root:ready", Level.OUTPUT),
        ("stderr", "2026-01-01 10:00:00,123 - model - DEBUG - x", Level.ALL),
        ("stderr", "WARNING:root:12 rows", Level.WARNING),
        ("stdout", "[WARN] 12 rows", Level.WARNING),
        ("stdout", "10:18:35 | ERROR | no", Level.ERROR),
        ("stdout", "an error is nothing but a word, and so is ERRORS", Level.OUTPUT),
        ("stderr", "Traceback (most recent call last):", Level.ERROR),
        ("stderr", "polars.exceptions.ColumnNotFoundError: x", Level.ERROR),
        ("traceback", "  File x", Level.ERROR),
        ("warning", "reads a file", Level.WARNING),
    ],
)
def test_levels_are_told_by_words_of_logging_and_by_the_stream(stream: str, text: str, level: Level) -> None:
    """Not by any word of a sentence."""
    assert level_of(LogLine("a", 1, stream, text)) is level


def test_the_lines_of_one_asset_are_the_same_list_while_it_grows() -> None:
    """So that who shows them need not compare a hundred thousand lines ten times a second."""
    chosen, lines = Chosen(), [LogLine("a", 1, "stdout", "x"), LogLine("b", 1, "stdout", "y")]
    first = chosen.of(lines, "a", Level.ALL)
    lines.append(LogLine("a", 1, "stdout", "z"))
    assert chosen.of(lines, "a", Level.ALL) is first
    assert [line.text for line in first] == ["x", "z"]
    assert [line.text for line in chosen.of(lines, None, Level.ALL)] == ["x", "y", "z"]


async def test_o_opens_the_output_and_e_the_failing_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output as a file that is gone afterwards, at the line under the cursor; the line of the error."""
    seen: list[tuple[str, str, int]] = []

    def opened(app: object, place: Place) -> None:
        path = Path(place.path)
        seen.append((path.name, path.read_text() if path.is_absolute() else "", place.line))

    monkeypatch.setattr("upriver.tui.app.editor.open_editor", opened)
    monkeypatch.setattr("upriver.tui.app.app.open_editor", opened)
    async with desk() as at:
        await after_a_failed_run(at)
        rows = at.app.screen.query_one(RunRows)
        rows.move_to(
            next(i for i, e in enumerate(rows._entries) if getattr(e, "asset", "") == "core.order_pay")
        )
        await at.pilot.pause()
        await at.press("o")
        assert seen == [("0009-core.order_pay.log", "reading 2 upstream tables\n", 1)]
        await at.press("a", "o")
        assert seen[-1][0] == "0009-all.log"
        assert seen[-1][1].count("\n") == len(at.app.model.run.log)
        await at.press("e")
        assert seen[-1] == ("churn.sql", "", 3)
        await at.press("escape")
        await at.go_to("marts.churn")
        await at.press("l")
        await at.settled()
        await at.press("o")
        assert seen[-1][0].endswith("-marts.churn.log")


async def test_a_run_that_can_not_be_printed_says_so(desk: Desk) -> None:
    """Without a terminal to go to; before the run has an id."""
    async with desk() as at:
        await at.press("4", "enter")
        await at.shows("RUN 0008")
        await at.press("s")
        assert at.said[-1] == "there is no ordinary terminal to print in"


async def test_what_waits_says_for_what_and_whether_everything_waits_for_it(desk: Desk) -> None:
    """The longest chain left is marked; so is how much a table has grown."""
    session = FakeSession(pace=0.05)
    async with desk(session, size=(150, 36)) as at:
        at.app.build(())
        at.app.open(RunLog())
        await at.until(lambda: at.app.model.run.running, "starting")
        await at.shows("◂ critical path", "on core.order_pay", "◂ ≈")
        picture = at.app.model.run
        statuses: dict[str, AssetStatus] = at.app.model.statuses
        path = picture.critical(at.session.clock(), statuses)
        assert any(picture.parts[key].phase.value == "running" for key in path)
        await at.until(lambda: not at.app.model.live, "ending")
        assert picture.critical(at.session.clock(), statuses) == frozenset()
