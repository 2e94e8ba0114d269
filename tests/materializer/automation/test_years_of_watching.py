"""The real loop driven through months and years of a simulated clock: clock changes, leap days, sleep, clocks set back, kills."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.ports import ManualClock

from upriver.assets.model import By, Every, FreshWithin, Goal, Key
from upriver.materializer.answers import AssetResult, BuildResult
from upriver.materializer.automation import watch as loop
from upriver.materializer.automation.assess import Assessment
from upriver.materializer.automation.evaluate import evaluate, observe_every
from upriver.materializer.automation.model import GoalCause, GoalState, GoalStatus, Known
from upriver.materializer.automation.ticks import Ticks
from upriver.materializer.automation.watch import Watch
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.model import Outcome, RunStatus
from upriver.materializer.ports import Transition

HOUR, DAY = 3600.0, 86_400.0
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")


class Killed(BaseException):
    """The process of the loop ends."""


class World:
    """A project in which each asset reads a source of its own; what happens to it is *script*, moments and words."""

    def __init__(self, goals: Mapping[Key, Goal], start: float, script: list[tuple[float, str, Key]]) -> None:
        self.goals = goals
        self.clock = ManualClock(start)
        self.script = sorted(script)
        self.source = dict.fromkeys(goals, 1)
        self.taken: dict[Key, int | None] = dict.fromkeys(goals)
        self.equal: dict[Key, float] = {}
        self.failing: set[Key] = set()
        self.tried: set[Key] = set()
        self.changes = self.builds = self.quiet = 0
        self.kill_at: set[int] = set()
        self.writes = 0

    # -- what the loop asks ------------------------------------------------------------------------------
    def assess(self, ticks: Ticks) -> Assessment:
        now = self.clock.now()
        statuses, wanted, wakes = [], {}, []
        for key, goal in self.goals.items():
            fresh = self.taken[key] == self.source[key]
            if fresh:
                self._write()
                self.equal[key] = now
            cause = GoalCause.FAILED if key in self.tried and not fresh else None
            verdict = evaluate(goal, Known(self.equal.get(key), fresh, cause=cause), now, ticks)
            statuses.append(
                GoalStatus(
                    key,
                    key,
                    "goal",
                    "goal",
                    verdict.state,
                    verdict.due,
                    None,
                    verdict.lag,
                    cause,
                    (),
                    verdict.missed,
                )
            )
            if verdict.wanted:
                wanted[key] = verdict.due or now
            wakes += [at for at in (verdict.wakes,) if at is not None and at > now]
            if (every := observe_every(goal)) is not None:
                wakes.append(now + every)
        if not wanted:
            self.quiet += 1
            assert all(one.state is GoalState.ON_TIME for one in statuses), (now, statuses)
        identities = {key: str(self.source[key]) for key in wanted}
        return Assessment(
            now, tuple(statuses), wanted, frozenset(), min(wakes, default=None), (), {}, identities
        )

    def revision(self) -> str:
        return str(self.changes)

    def notice(
        self, seen: Assessment | None, problem: str, retries: Mapping[Key, float]
    ) -> tuple[Transition, ...]:
        return ()

    def build(self, keys: tuple[Key, ...], cancel: Cancel) -> BuildResult:
        ends = []
        for key in keys:
            self._write()
            if key in self.failing:
                self.tried.add(key)
                ends.append(AssetResult(key, Outcome.FAILED))
                continue
            assert self.taken[key] != self.source[key], f"{key} was built although nothing had changed"
            self.taken[key] = self.source[key]
            self.tried.discard(key)
            self.builds += 1
            self._write()
            ends.append(AssetResult(key, Outcome.BUILT))
        bad = any(one.action is Outcome.FAILED for one in ends)
        return BuildResult("run", RunStatus.FAILED if bad else RunStatus.SUCCESS, tuple(ends))

    def _write(self) -> None:
        self.writes += 1
        if self.writes in self.kill_at:
            raise Killed

    # -- what happens ------------------------------------------------------------------------------------
    def happen(self, what: str, key: Key) -> None:
        match what:
            case "change":
                self.source[key] += 1
                self.changes += 1
            case "fail":
                self.failing.add(key)
            case "mend":
                self.failing.discard(key)
            case "sleep":
                self.clock.advance(60 * HOUR)
            case "back":
                self.clock.set(self.clock.now() - HOUR)


class Outlook:
    """A lookout that lets the time of a world pass until something happens in it."""

    def __init__(self, world: World, end: float, stop: Cancel) -> None:
        self.world, self.end, self.stop = world, end, stop
        self.watch: Watch | None = None

    def wait(self, seconds: float) -> bool:
        assert self.watch is not None
        if self.watch._going:
            time.sleep(0.0002)  # a build runs in its thread, in no time of the world
            return False
        clock, script = self.world.clock, self.world.script
        until = clock.now() + seconds
        if script and script[0][0] <= until:
            at, what, key = script.pop(0)
            clock.advance(max(0.0, at - clock.now()))
            self.world.happen(what, key)
        else:
            clock.advance(seconds)
        if clock.now() >= self.end:
            self.stop.request()
        return True

    def wake(self) -> None:
        """A build has ended: the next wait is short."""

    def close(self) -> None:
        """Nothing is held."""


def live(world: World, end: float) -> None:
    """Keep the goals until *end*; a loop that is killed is followed by another."""
    with patch.object(loop, "LONGEST", DAY):
        while world.clock.now() < end:
            stop = Cancel()
            outlook = Outlook(world, end, stop)
            outlook.watch = Watch(world, world.clock, outlook, lambda event: None, stop)
            try:
                outlook.watch.run()
            except Killed:
                continue


def moment(year: int, month: int = 1, day: int = 1) -> float:
    return datetime(year, month, day, tzinfo=UTC).timestamp()


def goals_in(zone: str) -> dict[Key, Goal]:
    """A goal of each kind in a zone; one of them at an hour that its clock change leaves out."""
    return {
        "daily": Every(cron="30 2 * * *", zone=zone),
        "hours": Every(interval=7 * HOUR, zone=zone, within=HOUR),
        "morning": By(8 * 60, zone, ("workdays",)),
        "leap": Every(cron="0 0 29 2 *", zone=zone),
        "fresh": FreshWithin(12 * HOUR),
    }


def every_so_often(
    goals: Mapping[Key, Goal], start: float, end: float, step: float
) -> Iterator[tuple[float, str, Key]]:
    keys = list(goals)
    number, at = 0, start
    while at < end:
        yield at, "change", keys[number % len(keys)]
        number, at = number + 1, at + step


@pytest.mark.parametrize("zone", ZONES)
def test_a_leap_year_is_kept(zone: str) -> None:
    """Both clock changes and 29 February; sources change every 11 hours, a machine sleeps, a clock is set back."""
    start, end = moment(2023, 12, 20), moment(2025, 1, 10)
    goals = goals_in(zone)
    script = list(every_so_often(goals, start + HOUR, end, 11 * HOUR))
    script += [
        (start + 40 * DAY, "sleep", ""),
        (start + 101 * DAY, "back", ""),
        (start + 300 * DAY, "sleep", ""),
    ]
    world = World(goals, start, script)
    live(world, end)
    assert world.quiet > 300
    assert world.builds > 300


happenings = st.lists(
    st.tuples(
        st.floats(0, 20 * DAY),
        st.sampled_from(("change", "change", "change", "fail", "mend", "sleep", "back")),
        st.sampled_from(("daily", "hours", "morning", "fresh")),
    ),
    max_size=40,
)


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from((moment(2024, 3, 1), moment(2024, 10, 20), moment(2023, 3, 20), moment(2024, 2, 20))),
    happenings,
    st.sets(st.integers(1, 200), max_size=6),
)
def test_whatever_happens_goals_hold_in_quiet_moments(
    zone: str, start: float, events: list[tuple[float, str, Key]], kills: set[int]
) -> None:
    """And nothing is built that has not changed, with kills between any two writes."""
    goals = goals_in(zone)
    end = start + 25 * DAY
    script = [(start + at, what, key) for at, what, key in events]
    script += [(start + 20.5 * DAY, "mend", key) for key in goals]
    world = World(goals, start, script)
    world.kill_at = kills
    live(world, end)
    assert world.quiet > 0
    assert {key: world.taken[key] for key in ("fresh", "hours", "daily")} == {
        key: world.source[key] for key in ("fresh", "hours", "daily")
    }
