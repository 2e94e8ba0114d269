"""Goals evaluated over years of a simulated clock: in three zones, through clock changes, leap days and sleep."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.model import By, Every, FreshWithin, Goal
from upriver.materializer.automation.evaluate import evaluate
from upriver.materializer.automation.model import GoalCause, GoalState, Known
from upriver.materializer.automation.ticks import Ticks, local_day, moment, windows, works_on

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
"""Lord Howe Island changes its clock by half an hour."""

CRONS = (
    "30 2 * * *",
    "0 6 * * 1-5",
    "*/15 * * * *",
    "0 * * * *",
    "15 */2 * * *",
    "*/30 2 * * *",
    "0 0 29 2 *",
)
EVERYDAY = lambda country, day: day.weekday() < 5  # noqa: E731 -- a calendar

zones = st.sampled_from(ZONES)
days = st.dates(date(2019, 1, 1), date(2031, 1, 1))
moments = st.floats(
    datetime(2019, 1, 1, tzinfo=UTC).timestamp(), datetime(2031, 1, 1, tzinfo=UTC).timestamp()
).map(lambda at: math.floor(at * 10) / 10)
intervals = st.sampled_from((60.0, 900.0, 3600.0, 7 * 3600.0, 86_400.0))
everies = st.one_of(
    st.builds(
        lambda i, z, w: Every(interval=i, zone=z, within=w),
        intervals,
        zones,
        st.sampled_from((None, 60.0, 7200.0)),
    ),
    st.builds(
        lambda c, z, w: Every(cron=c, zone=z, within=w),
        st.sampled_from(CRONS),
        zones,
        st.sampled_from((None, 60.0)),
    ),
)
bys = st.builds(
    lambda minute, zone, on, since: By(minute, zone, on, min(since, minute - 1)),
    st.integers(1, 1439),
    zones,
    st.sampled_from(((), ("mon", "fri"), ("workdays XX",), ("2024-02-29", "2028-02-29"))),
    st.integers(0, 1438),
)
goals = st.one_of(st.builds(FreshWithin, st.floats(1, 1e6)), everies, bys)


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def says(goal: Goal, known: Known, now: float) -> GoalState:
    return evaluate(goal, known, now, Ticks(), EVERYDAY).state


# -- times ---------------------------------------------------------------------------------------------


@given(days, st.integers(0, 1439), zones)
def test_a_time_of_day_comes_once_a_day(day: date, minute: int, zone: str) -> None:
    """At its own wall time where there is one, at the end of the gap where the clock jumps over it."""
    found = datetime.fromtimestamp(moment(day, minute, zone), ZoneInfo(zone))
    assert found.date() == day
    wall = found.hour * 60 + found.minute
    if wall != minute:
        before = datetime.fromtimestamp(found.timestamp() - 1, ZoneInfo(zone))
        assert before.utcoffset() != found.utcoffset()
        assert wall > minute
    else:
        assert found.fold == 0


@given(everies, moments)
def test_ticks_surround_every_moment(goal: Every, now: float) -> None:
    """The latest is not after it, the next is, and asking at a tick finds the tick itself."""
    latest, following = Ticks().around(goal, now)
    assert following > now
    assert latest is not None
    assert latest <= now
    assert Ticks().around(goal, latest)[0] == latest
    if following < math.inf:
        assert Ticks().around(goal, following)[0] == following


@given(everies, moments, st.lists(st.floats(-1e6, 1e6), max_size=5))
def test_what_was_asked_before_changes_no_tick(goal: Every, now: float, steps: list[float]) -> None:
    """Also when the clock is set back: kept ticks are those that would be found anew."""
    kept = Ticks()
    for step in (0.0, *steps):
        now += step
        assert kept.around(goal, now) == Ticks().around(goal, now)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", ["30 2 * * *", "0 6 * * *", "30 1 * * *"])
def test_a_fixed_time_ticks_once_on_each_day_of_years(zone: str, cron: str) -> None:
    """Also on the days on which its hour comes twice or not at all."""
    goal, ticks = Every(cron=cron, zone=zone), Ticks()
    now, seen = at("2023-12-31T12:00", zone), []
    for _ in range(4 * 366):
        _, now = ticks.around(goal, now)
        seen.append(local_day(now, zone))
    assert seen == [date(2024, 1, 1) + timedelta(days=n) for n in range(len(seen))]


@pytest.mark.parametrize(("day", "hours"), [("2024-03-31", 23), ("2024-10-27", 25), ("2024-02-29", 24)])
def test_an_interval_follows_elapsed_time_and_begins_again_at_midnight(day: str, hours: int) -> None:
    """A day of 23 or 25 hours has as many ticks of an hour."""
    goal = Every(interval=3600, zone="Europe/Berlin")
    first = at(day, "Europe/Berlin")
    following = moment(date.fromisoformat(day) + timedelta(days=1), 0, "Europe/Berlin")
    assert 1 + Ticks().between(goal, first, following) == hours
    seven = Every(interval=7 * 3600, zone="Europe/Berlin")
    assert Ticks().around(seven, following)[0] == following


def test_the_days_of_a_country_are_its_workdays() -> None:
    """A holiday of the country is none, one of another part of it is, and a weekend never is."""
    assert not works_on("DE", date(2024, 10, 3))
    assert works_on("DE", date(2023, 1, 6))
    assert not works_on("DE-BY", date(2023, 1, 6))
    assert works_on("", date(2024, 10, 3))
    assert not works_on("", date(2024, 10, 5))
    with pytest.raises(ValueError, match="are not known"):
        works_on("XX", date(2024, 10, 3))


# -- verdicts ------------------------------------------------------------------------------------------


@given(goals, moments, st.floats(0, 1e7))
def test_a_goal_that_was_just_observed_holds(goal: Goal, now: float, ago: float) -> None:
    """Whatever the clock says: what verifies now is never late, and there is nothing to build."""
    verdict = evaluate(goal, Known(now, fresh=True), now, Ticks(), EVERYDAY)
    assert verdict.state is GoalState.ON_TIME
    assert not verdict.wanted
    assert verdict.lag == 0
    assert verdict.wakes is None or verdict.wakes > now


@given(goals, moments, st.floats(0, 1e7), st.floats(0, 1e7))
def test_older_content_never_stands_better(goal: Goal, now: float, ago: float, more: float) -> None:
    """The state is monotone in the age of what was taken in."""
    order = tuple(GoalState)
    younger = says(goal, Known(now - ago), now)
    older = says(goal, Known(now - ago - more), now)
    assert order.index(older) >= order.index(younger)


@given(goals, moments, st.floats(0, 1e7), st.floats(0, 1))
def test_a_verdict_stands_until_it_wakes(goal: Goal, now: float, ago: float, share: float) -> None:
    """By time alone a goal becomes late at no other moment than it has told."""
    known = Known(now - ago, remaining=(1.0, 60.0))
    verdict = evaluate(goal, known, now, Ticks(), EVERYDAY)
    if verdict.wakes is None or verdict.wakes <= now:
        return
    later = now + (verdict.wakes - now) * share * 0.99
    again = evaluate(goal, known, later, Ticks(), EVERYDAY)
    assert (again.state, again.wanted) == (verdict.state, verdict.wanted)


@given(everies, moments, st.floats(1, 1e6))
def test_sleep_asks_for_one_evaluation(goal: Every, now: float, slept: float) -> None:
    """However many ticks passed, the latest alone counts; the others are counted."""
    verdict = evaluate(goal, Known(now - slept), now, Ticks(), EVERYDAY)
    latest, _ = Ticks().around(goal, now)
    assert latest is not None
    if verdict.wanted:
        assert verdict.missed == Ticks().between(goal, now - slept, latest)
        assert says(goal, Known(latest, fresh=True), now) is GoalState.ON_TIME


@given(goals, moments, st.floats(2, 1e6))
def test_a_clock_set_back_makes_nothing_fresh_for_long(goal: Goal, now: float, ahead: float) -> None:
    """An observation from the future counts as none: the next look sets it right."""
    assert says(goal, Known(now + ahead), now) == says(goal, Known(None), now)
    assert says(goal, Known(now, fresh=True), now) is GoalState.ON_TIME


def test_a_week_of_sleep() -> None:
    """Seven daily ticks: six are missed, one is due, and it is late."""
    goal = Every(cron="0 6 * * *", zone="Europe/Berlin")
    known = Known(at("2024-03-28T06:05", "Europe/Berlin"))
    verdict = evaluate(goal, known, at("2024-04-04T07:00", "Europe/Berlin"), Ticks())
    assert (verdict.state, verdict.missed, verdict.wanted) == (GoalState.OVERDUE, 6, True)


def test_within_says_how_late_a_tick_may_be() -> None:
    """Due at the tick, at risk when it can't be done any more, overdue after it."""
    goal = Every(cron="0 6 * * *", zone="UTC", within=3600)
    known = Known(at("2024-05-01T06:01"), remaining=(60.0, 600.0))
    assert says(goal, known, at("2024-05-02T05:59")) is GoalState.ON_TIME
    assert says(goal, known, at("2024-05-02T06:00")) is GoalState.DUE
    assert says(goal, known, at("2024-05-02T06:51")) is GoalState.AT_RISK
    assert says(goal, known, at("2024-05-02T07:01")) is GoalState.OVERDUE


def test_an_idle_source_that_is_observed_is_never_late_and_one_that_is_not_is() -> None:
    """Lag is the time since the last look, not since the last change."""
    goal = FreshWithin(900)
    assert says(goal, Known(1000.0, fresh=True), 1000.0) is GoalState.ON_TIME
    lost = Known(1000.0, cause=GoalCause.UNOBSERVED, waiting_for=("raw.x",))
    assert [says(goal, lost, 1000.0 + lag) for lag in (10, 700, 901)] == [
        GoalState.ON_TIME,
        GoalState.AT_RISK,
        GoalState.OVERDUE,
    ]


def test_what_only_time_makes_stale_is_built_before_it_is_late_and_not_all_the_time() -> None:
    """``now()`` is never fresh: it is made again after two thirds of the time."""
    goal = FreshWithin(900)
    wanted = [
        evaluate(goal, Known(1000.0, restless=True), 1000.0 + lag, Ticks()).wanted
        for lag in (0, 599, 601, 901)
    ]
    assert wanted == [False, False, True, True]


def test_by_looks_at_its_own_day() -> None:
    """From midnight on it is due, at its time late; the next day begins anew; a holiday asks for nothing."""
    goal = By(480, "Europe/Berlin", ("workdays DE",))
    known = Known(at("2024-10-02T23:00", "Europe/Berlin"))
    states = {
        text: evaluate(goal, known, at(text, "Europe/Berlin"), Ticks()).state
        for text in (
            "2024-10-03T09:00",
            "2024-10-04T00:00",
            "2024-10-04T08:00",
            "2024-10-05T09:00",
            "2024-10-07T01:00",
        )
    }
    assert list(states.values()) == [
        GoalState.ON_TIME,
        GoalState.DUE,
        GoalState.OVERDUE,
        GoalState.OVERDUE,
        GoalState.DUE,
    ]


@given(bys, moments)
def test_windows_of_by_surround_every_moment(goal: By, now: float) -> None:
    """The one that has opened, and the next, with nothing between."""
    opened, following = windows(goal, now, EVERYDAY)
    if opened is not None:
        assert opened[0] <= now
        assert opened[0] <= opened[1]
    if following is not None:
        assert following[0] > now
