"""Operations on goals and incidents, a part of the table in materializer/operations.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from upriver.assets.model import Key
from upriver.materializer.events import Event
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.operation import in_caller, in_session_server

if TYPE_CHECKING:
    from upriver.materializer.automation.backfill import BackfillStatus
    from upriver.materializer.automation.model import ApprovalStatus, GoalReport
    from upriver.materializer.ports import Incident


class AutomationOperations(Protocol):
    """What a face can ask about goals and incidents, and say of them."""

    # -- goals -------------------------------------------------------------------------------------------
    @in_session_server
    def goals(self, select: Sequence[str] = ()) -> GoalReport:
        """How the goals of SELECT stand now. Looks at the sources, and remembers when it did."""

    @in_session_server
    def pause_goals(
        self, select: Sequence[str], *, until: float | None = None, resume: bool = False
    ) -> tuple[Key, ...]:
        """Let the goals of SELECT wait, *until* a moment or a call with *resume*; of which assets."""

    # -- backfills ---------------------------------------------------------------------------------------
    @in_session_server
    def backfills(self) -> tuple[BackfillStatus, ...]:
        """The backfills that are not done, and what is left of each."""

    @in_caller
    def backfill(
        self,
        select: Sequence[str] = (),
        partition: Sequence[str] = (),
        *,
        share: float = 1.0,
        oldest_first: bool = False,
        resume: str | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        cancel: Cancel | None = None,
    ) -> BackfillStatus:
        """Record the goal that the slices *partition* of SELECT verify, or *resume* one, and work on it, at most for
        *share* of the time, newest slices first. Raises UsageError, BusyError.
        """

    @in_session_server
    def forget_backfill(self, id: str) -> BackfillStatus:
        """Give up a backfill; what was made stays. Raises UsageError."""

    # -- incidents ---------------------------------------------------------------------------------------
    @in_session_server
    def approvals(self, select: Sequence[str] = ()) -> tuple[ApprovalStatus, ...]:
        """How the assets of SELECT that want an approval stand."""

    @in_session_server
    def approve(self, key: Key, *, by: str, note: str = "") -> ApprovalStatus:
        """Approve what *key* would be made from now. Raises UsageError where nothing waits for it."""

    @in_session_server
    def incidents(self, *, everything: bool = False) -> tuple[Incident, ...]:
        """What is wrong now, one incident a cause, the newest first; with *everything* also what is over. Looks at all
        assets and goals, and records what opens and recovers.
        """

    @in_session_server
    def acknowledge(self, incident: str, note: str = "") -> Incident:
        """Note that a person knows of an incident, named by the beginning of its id. Raises UsageError."""
