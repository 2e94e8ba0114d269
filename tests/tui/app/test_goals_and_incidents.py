"""The tabs of goals and incidents: what is late or wrong, told in full, acknowledged with a key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from upriver.tui.app.screens.goals import GoalList, GoalsScreen
from upriver.tui.app.screens.incidents import IncidentList, IncidentsScreen
from upriver.tui.app.screens.why import WhyScreen

Desk = Callable[..., Any]


async def test_the_late_goals_stand_first(desk: Desk) -> None:
    """With what stands in the way; from a goal to why, and copied."""
    async with desk(size=(120, 36)) as at:
        await at.press("6")
        await at.until(lambda: isinstance(at.app.screen, GoalsScreen), "the tab")
        await at.shows("1 overdue", "every 1h")
        goals = at.app.screen.query_one(GoalList).goals
        assert [one.state.value for one in goals] == ["overdue", "due", "on_time"]
        await at.press("dollar_sign")
        assert at.app.clipboard == "upriver goals"
        await at.press("J")
        assert len(json.loads(at.app.clipboard)["goals"]) == 3
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, WhyScreen), "why")


async def test_an_incident_is_told_in_full_and_acknowledged(desk: Desk) -> None:
    """What suffers, what has changed, whether it heals; once a person knows of it, that is shown."""
    async with desk(size=(120, 36)) as at:
        await at.press("7")
        await at.until(lambda: isinstance(at.app.screen, IncidentsScreen), "the tab")
        await at.shows(
            "2 open",
            "marts.churn",
            "opened",
            "customer_id, score",
            "Changed since the last good",
            "+12,411 rows",
        )
        assert at.app.screen.subject == "marts.churn"
        await at.press("a")
        await at.until(
            lambda: at.app.screen.query_one(IncidentList).incidents[0].acknowledged is not None, "noted"
        )
        assert at.app.screen.why_not("acknowledge") == "it is acknowledged already"
        await at.press("down")
        await at.shows("the vendor knows")
        await at.press("dollar_sign")
        assert at.app.clipboard == "upriver incidents"
        await at.press("t", "dollar_sign")
        assert at.app.clipboard == "upriver incidents --all"
