"""The checks tab: what fails first, what it found before, the rows that offend; and the state of checks in the list."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.fakes.session import FakeSession

from upriver.materializer.model import CheckOutcome, CheckReport
from upriver.tui.app.screens.checks import CheckList, ChecksScreen, OffenderTable
from upriver.tui.app.screens.why import WhyScreen

Desk = Callable[..., Any]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
async def test_what_fails_stands_first_with_what_offends(desk: Desk, size: tuple[int, int]) -> None:
    """And that it was not published; the cursor goes through the checks, Enter into the rows and back."""
    async with desk(size=size) as at:
        await at.press("5")
        await at.until(lambda: isinstance(at.app.screen, ChecksScreen), "the tab")
        await at.shows("6 checks", "1 failing", "1 not run", "✓✓✓✓✓✓✓✗", "2 of 84,120 rows offend")
        rows = at.app.screen.query_one(CheckList)
        outcomes = [one.result.outcome for one in rows.checks]
        assert outcomes[:2] == [CheckOutcome.FAILED, CheckOutcome.WARNED]
        assert outcomes[-1] is CheckOutcome.PASSED
        await at.shows("marts.churn · unique(customer)", "ada")
        await at.press("enter")
        assert isinstance(at.app.focused, OffenderTable)
        await at.press("enter")
        assert at.app.focused is rows
        await at.press("end")
        await at.shows("not_null(amount_usd)", "no row offends")


async def test_from_a_check_to_its_asset_and_what_is_copied(desk: Desk) -> None:
    async with desk() as at:
        await at.press("5")
        await at.shows("6 checks")
        await at.press("dollar_sign")
        assert at.app.clipboard == "upriver check"
        await at.press("J")
        assert json.loads(at.app.clipboard)[0]["result"]["asset"] == "staging.orders"
        await at.press("y")
        assert at.app.clipboard.split("\n")[2].startswith("| marts.churn | unique(customer) | failed |")
        await at.press("w")
        await at.until(lambda: isinstance(at.app.screen, WhyScreen), "why")
        assert at.app.screen.key == "marts.churn"


async def test_what_is_due_is_run_by_a_key(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    def check(self: FakeSession, select: Sequence[str] = (), *, force: bool = False) -> CheckReport:
        asked.append(select)
        return CheckReport(())

    monkeypatch.setattr(FakeSession, "check", check)
    async with desk() as at:
        await at.press("5")
        await at.shows("6 checks")
        await at.press("d")
        await at.until(lambda: asked, "the checks to be asked for")
    assert asked == [()]


async def test_a_project_without_checks_is_told_how_to_begin(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeSession, "checks", lambda self, select=(): ())
    async with desk() as at:
        await at.press("5")
        await at.shows("this project has no checks yet", "checks: [{unique: id}]")


async def test_the_list_has_a_sign_for_the_worst_check_of_each_asset(desk: Desk) -> None:
    """A letter in ASCII; a point where there is no check."""
    async with desk(ascii=True) as at:
        await at.until(lambda: at.app.model.checks, "the checks")
        await at.settled()
        lines = at.lines()
        assert "S R C" in at.text()
        churn = next(line for line in lines if " marts.churn  " in line)
        alerts = next(line for line in lines if " marts.churn_alerts " in line)
        assert churn[1:8].split() == ["X", "X", "X"] or "X X X" in churn
        assert "B B ." in alerts
