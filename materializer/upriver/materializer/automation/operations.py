"""Operations on goals and incidents, a part of the table in materializer/operations.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from upriver.assets.model import Key
from upriver.materializer.operation import in_session_server

if TYPE_CHECKING:
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
