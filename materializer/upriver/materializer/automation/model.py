"""Goals as they stand: what is known of an asset, what a goal says of it, and the answer that faces render."""

from __future__ import annotations

from enum import StrEnum

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Goal, Key, Value
from upriver.materializer.ports import Approval, Incident


class GoalState(StrEnum):
    """How a goal stands, the best first."""

    ON_TIME = "on_time"
    DUE = "due"
    AT_RISK = "at_risk"
    OVERDUE = "overdue"


class GoalCause(StrEnum):
    """Why a goal does not hold yet."""

    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    BROKEN = "broken"
    UNOBSERVED = "unobserved"
    HELD = "held"
    """One edit made more assets stale than ``[watch] at_most`` lets be built without being asked."""
    PAUSED = "paused"
    APPROVAL = "approval"
    """A person has to approve what it, or what it waits for, is made from."""
    TRIPPED = "tripped"
    """It has failed so often for one cause that only another code or input lets it be tried again."""


class DeclaredGoal(Value, frozen=True):
    """A goal of an asset, with its zone and calendar filled in."""

    asset: Key
    goal: Goal
    id: str
    kind: str
    spec: str


class Known(Value, frozen=True):
    """What is known of an asset at one moment.

    *current* is the latest observation at which what it read equalled what it has taken in; None: never. *fresh*
    tells that it verifies now. *restless* is an asset that only passing time makes stale (``now()``). *remaining* are
    the least and the most seconds that its build takes, with all upstream that is not fresh. *cause* and
    *waiting_for* say what stands in the way.
    """

    current: float | None = None
    fresh: bool = False
    restless: bool = False
    remaining: tuple[float, float] | None = None
    cause: GoalCause | None = None
    waiting_for: tuple[Key, ...] = ()


class Verdict(Value, frozen=True):
    """What a goal says at one moment. Moments are seconds since the epoch.

    *due* is when it has to hold next. *wanted* tells that there is something to build for it, *missed* how many of its
    ticks passed unmet before the latest, *wakes* when its verdict may become another by time alone.
    """

    state: GoalState
    due: float | None
    lag: float | None
    wanted: bool = False
    missed: int = 0
    wakes: float | None = None


class GoalStatus(Value, frozen=True):
    """A goal as it is shown. *eta* is when it will be done, the earliest and the latest by what its builds took."""

    id: str
    asset: Key
    kind: str
    spec: str
    state: GoalState
    due: float | None
    eta: tuple[float, float] | None
    lag: float | None
    cause: GoalCause | None
    waiting_for: tuple[Key, ...]
    missed: int = 0
    paused_until: float | None = None


_ORDER = tuple(GoalState)


def worst(states: list[GoalState]) -> GoalState:
    """The state that stands for several."""
    return max(states, key=_ORDER.index, default=GoalState.ON_TIME)


class ApprovalStatus(Value, frozen=True):
    """What an asset with ``approval`` is made from: approved *at* a moment *by* a person, or *waiting*.

    *of* are what it reads. *approved* is the latest approval, of whatever inputs.
    """

    asset: Key
    waiting: bool
    of: tuple[Key, ...]
    approved: Approval | None = None


class GoalReport(Value, frozen=True):
    """All goals that were asked for, and what is wrong with their declarations."""

    goals: tuple[GoalStatus, ...]
    diagnoses: tuple[Diagnosis, ...] = ()


class Happening(StrEnum):
    """What the loop that keeps goals tells of."""

    STARTED = "started"
    GOAL = "goal"
    """A goal stands otherwise than before."""
    MISSED = "missed"
    """Ticks passed while nothing watched; the latest alone counts."""
    BUILDING = "building"
    BUILT = "built"
    HELD = "held"
    """One edit made so much stale that it waits for a person."""
    WAITING = "waiting"
    """What failed waits before it is tried again."""
    INCIDENT = "incident"
    """An incident opened or recovered."""
    ALERT = "alert"
    """Messages about incidents were delivered, or were not."""
    PROBLEM = "problem"
    """The project can't be looked at, or a declaration is wrong; what was declared before stays."""
    STOPPING = "stopping"
    STOPPED = "stopped"


class WatchEvent(Value, frozen=True):
    """One thing that happened in the loop. *until* is when it goes on, *goal* and *incident* what it is about."""

    at: float
    event: Happening
    assets: tuple[Key, ...] = ()
    detail: str = ""
    run: str | None = None
    until: float | None = None
    goal: GoalStatus | None = None
    incident: Incident | None = None


class WatchFigures(Value, frozen=True):
    """The loop in numbers, since it began: for a health check and for metrics."""

    looked: float | None = None
    goals: dict[GoalState, int] = {}
    builds: int = 0
    failed: int = 0
    running: int = 0
    held: int = 0
