"""Operations on quality, a part of the table in materializer/operations.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from upriver.assets.model import Key
from upriver.materializer.answers import Table
from upriver.materializer.model import CheckReport, Refused
from upriver.materializer.operation import in_session_server

if TYPE_CHECKING:
    from upriver.materializer.quality.check_standing import CheckStanding
    from upriver.materializer.quality.unit_test_report import UnitTestReport


class QualityOperations(Protocol):
    """What a face can ask about checks and unit tests."""

    @in_session_server
    def check(self, select: Sequence[str] = (), *, force: bool = False) -> CheckReport:
        """Run the checks of SELECT that are due on what is served now; with *force* all of them."""

    @in_session_server
    def checks(self, select: Sequence[str] = ()) -> tuple[CheckStanding, ...]:
        """How the checks of SELECT stand, and what they have found before. Nothing runs, no data is read."""

    @in_session_server
    def refused(self, key: Key) -> Refused:
        """The artifact of *key* that was made last and not published. Raises UsageError when there is none."""

    @in_session_server
    def offenders(self, key: Key, check: str, *, limit: int = 1000) -> Table:
        """The rows that a check of *key* has found when it failed last. Raises UsageError when there are none."""

    @in_session_server
    def test(
        self,
        select: Sequence[str] = (),
        *,
        paths: Sequence[str] | None = None,
        name: str | None = None,
        known: Sequence[str] = (),
    ) -> UnitTestReport:
        """Run the unit tests of the assets of SELECT: those below ``tests/``, or in the files *paths* of the project,
        that are called *name*; but those whose identity is among *known*: they would end as they have.
        """
