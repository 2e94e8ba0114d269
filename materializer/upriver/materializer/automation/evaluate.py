"""Evaluation of goals: whether one holds at a moment, from when on it is late, and whether there is work for it.

Pure: time, ticks and calendar are arguments. A goal looks at what is so and not at what has happened: a tick that was
lost, doubled or late makes no difference.
"""

from __future__ import annotations

from typing import assert_never

from upriver.assets.model import By, Every, FreshWithin, Goal
from upriver.materializer.automation.model import GoalCause, GoalState, Known, Verdict
from upriver.materializer.automation.ticks import Ticks, Workday, windows, works_on

_AHEAD = 1.0
"""Seconds that an observation may lie in the future: clocks of two machines are never quite equal."""

_SHARE = 2 / 3
"""The share of a length of time after which what only time changes is made again; before it nothing is at risk."""


def evaluate(goal: Goal, known: Known, now: float, ticks: Ticks, works: Workday = works_on) -> Verdict:
    """What *goal*, whose zone is filled in, says of an asset of which *known* is known."""
    current = known.current
    if current is not None and current > now + _AHEAD:
        current = None  # the clock was set back: when that was can't be told any more, and a new look will
    match goal:
        case FreshWithin():
            return _fresh_within(goal, known, current, now)
        case Every():
            return _every(goal, known, current, now, ticks)
        case By():
            return _by(goal, known, current, now, works)
        case _:
            assert_never(goal)


def _fresh_within(goal: FreshWithin, known: Known, current: float | None, now: float) -> Verdict:
    if current is None:
        return Verdict(GoalState.OVERDUE, now, None, not known.fresh)
    lag = max(0.0, now - current)
    deadline, soon = current + goal.seconds, current + goal.seconds * _SHARE
    if known.fresh:
        return Verdict(GoalState.ON_TIME, deadline, lag, wakes=deadline)
    wanted = not known.restless or now >= soon
    if lag > goal.seconds:
        return Verdict(GoalState.OVERDUE, deadline, lag, wanted)
    quiet = known.restless or known.cause is GoalCause.UNOBSERVED
    if quiet and now < soon:
        return Verdict(GoalState.ON_TIME, deadline, lag, wanted, wakes=soon)
    state = _by_deadline(known, now, deadline)
    if known.cause is GoalCause.UNOBSERVED:
        state = GoalState.AT_RISK
    return Verdict(state, deadline, lag, wanted, wakes=_risk(known, now, deadline))


def _every(goal: Every, known: Known, current: float | None, now: float, ticks: Ticks) -> Verdict:
    latest, following = ticks.around(goal, now)
    lag = None if current is None else max(0.0, now - current)
    after = None if following == float("inf") else following
    if latest is None or (current is not None and current >= latest):
        return Verdict(GoalState.ON_TIME, after, lag, wakes=after)
    missed = 0 if current is None else ticks.between(goal, current, latest)
    deadline = following if goal.within is None else latest + goal.within
    # The ticks before the latest count no more as work, but what is older than theirs is late.
    if goal.within is None:
        late = current is None or missed > 0
    else:
        allowed, _ = ticks.around(goal, now - goal.within) if now < deadline else (latest, following)
        late = current is None or (allowed is not None and current < allowed)
    state = GoalState.OVERDUE if late else _by_deadline(known, now, deadline)
    wakes = min((at for at in (_risk(known, now, deadline), after) if at is not None), default=None)
    return Verdict(state, deadline if deadline != float("inf") else None, lag, not known.fresh, missed, wakes)


def _by(goal: By, known: Known, current: float | None, now: float, works: Workday) -> Verdict:
    opened, following = windows(goal, now, works)
    lag = None if current is None else max(0.0, now - current)
    wakes = None if following is None else following[0]
    if opened is None or (current is not None and current >= opened[0]):
        return Verdict(GoalState.ON_TIME, None if following is None else following[1], lag, wakes=wakes)
    deadline = opened[1]
    state = GoalState.OVERDUE if now >= deadline else _by_deadline(known, now, deadline)
    nearest = min((at for at in (_risk(known, now, deadline), wakes) if at is not None), default=None)
    return Verdict(state, deadline, lag, not known.fresh, wakes=nearest)


def _by_deadline(known: Known, now: float, deadline: float) -> GoalState:
    """What does not hold yet is at risk when it won't be done by what its builds took at most."""
    if known.remaining is not None and now + known.remaining[1] > deadline:
        return GoalState.AT_RISK
    return GoalState.DUE


def _risk(known: Known, now: float, deadline: float) -> float:
    """The moment at which a goal that is not met becomes at risk, or else overdue."""
    start = deadline - known.remaining[1] if known.remaining is not None else deadline
    return start if start >= now else deadline


def observe_every(goal: Goal) -> float | None:
    """Seconds between two looks at the sources of an asset under *goal*; None: with its ticks."""
    if goal.observe_every is not None:
        return goal.observe_every
    match goal:
        case FreshWithin(seconds):
            return seconds / 3
        case Every() | By():
            return None
        case _:
            assert_never(goal)
