"""Backfill: works on a goal that is recorded, a chunk of slices at a time, until what it is about verifies.

The goal is a selection and a range, never a list of tasks: what is left is asked anew before each chunk. So a kill, a
restart, a second one over the same slices, or slices that another build has made meanwhile need no bookkeeping. A slice
that fails is tried once by each call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from upriver.assets.model import Key, Value
from upriver.lineage.partitions.slices import SliceStatus
from upriver.materializer.answers import BuildResult
from upriver.materializer.model import Outcome, RunStatus, State
from upriver.materializer.ports import Backfill

CHUNK = 50
"""Slices that are made before what is left is asked again; what was made by then is published."""


class BackfillStatus(Value, frozen=True):
    """How a backfill stands: *left* slices do not verify, *eta* are the least and the most seconds that they may take,
    None while nothing is known of it. *ended* says how a call that worked on it ended.
    """

    goal: Backfill
    left: int
    eta: tuple[float, float] | None = None
    ended: RunStatus | None = None


class Left(NamedTuple):
    """The slices of one asset that do not verify, sorted. *whole*: they are made together, whatever is asked for."""

    asset: Key
    slices: Sequence[SliceStatus]
    whole: bool


class Works(Protocol):
    """What a backfill asks of a project."""

    def left(self, goal: Backfill) -> Sequence[Left]:
        """What of *goal* does not verify now, upstream assets first. Raises UsageError."""
        ...

    def build(self, asset: Key, slices: Collection[str]) -> BuildResult:
        """Make these slices of *asset*, and what they need."""
        ...

    def record(self, goal: Backfill) -> None:
        """Keep what was done for *goal*."""
        ...

    def rest(self, seconds: float) -> None:
        """Let others work for a while."""
        ...


def status_of(goal: Backfill, left: Sequence[Left], ended: RunStatus | None = None) -> BackfillStatus:
    """How *goal* stands."""
    count = sum(len(one.slices) for one in left)
    eta = None if goal.seconds is None else (goal.seconds[0] * count, goal.seconds[1] * count)
    return BackfillStatus(goal, count, eta, ended)


def work_on(
    goal: Backfill, works: Works, now: Callable[[], float], *, chunk: int | None = None
) -> BackfillStatus:
    """Make what is left of *goal*. Ends when nothing is, when what is left has failed, or when it is interrupted."""
    tried: set[tuple[Key, str]] = set()
    ended = RunStatus.SUCCESS
    while True:
        left = works.left(goal)
        todo = [
            (one, [slice.key for slice in one.slices if (one.asset, slice.key) not in tried]) for one in left
        ]
        found = next(((one, keys) for one, keys in todo if keys), None)
        if found is None:
            failed = any(one.slices for one in left)
            return status_of(goal, left, RunStatus.FAILED if failed or ended is RunStatus.FAILED else ended)
        one, keys = found
        keys = keys if goal.oldest_first else keys[::-1]
        keys = keys if one.whole else keys[: chunk or CHUNK]
        tried.update((one.asset, key) for key in keys)
        begun = now()
        result = works.build(one.asset, keys)
        took = now() - begun
        goal = _after(goal, result, one.asset, len(keys), took)
        works.record(goal)
        if result.status is RunStatus.INTERRUPTED:
            return status_of(goal, works.left(goal), RunStatus.INTERRUPTED)
        if result.status is RunStatus.FAILED:
            ended = RunStatus.FAILED
        if goal.share < 1:
            works.rest(took * (1 / goal.share - 1))


def _after(goal: Backfill, result: BuildResult, asset: Key, asked: int, took: float) -> Backfill:
    one = next((one for one in result.assets if one.asset == asset and one.partition is None), None)
    if one is None:
        return goal
    if one.slices is None:
        if one.action in (Outcome.FRESH, Outcome.REUSED):
            return msgspec.structs.replace(goal, reused=goal.reused + asked)
        bad = one.action in (Outcome.FAILED, Outcome.BLOCKED, Outcome.BROKEN)
        return msgspec.structs.replace(goal, failed=goal.failed + (asked if bad else 0))
    made = one.slices.made
    each = took / made if made else None
    seconds = goal.seconds
    if each is not None:
        seconds = (min(seconds[0], each), max(seconds[1], each)) if seconds is not None else (each, each)
    return msgspec.structs.replace(
        goal,
        built=goal.built + made - one.slices.unchanged,
        unchanged=goal.unchanged + one.slices.unchanged,
        failed=goal.failed + len(one.slices.failed),
        reused=goal.reused + max(0, asked - made - len(one.slices.failed)) * (not one.slices.failed),
        seconds=seconds,
    )


NOT_FRESH: Mapping[str, bool] = {state.value: state is not State.FRESH for state in State}
