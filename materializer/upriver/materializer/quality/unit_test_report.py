"""Results of unit tests, as values."""

from __future__ import annotations

from enum import StrEnum

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Key, Place, Value
from upriver.materializer.quality.row_diff import RowDifference


class UnitTestOutcome(StrEnum):
    """How a unit test ended."""

    PASSED = "passed"
    FAILED = "failed"
    BROKEN = "broken"
    """It could not be run: its declaration, or that of its asset, can't be used."""


class UnitTestResult(Value, frozen=True):
    """How one unit test ended. *identity* is equal for a later run that can't end otherwise, empty when that can't be
    told. *output* is what the recipe printed.
    """

    asset: Key
    name: str
    place: Place
    outcome: UnitTestOutcome
    message: str = ""
    difference: RowDifference | None = None
    seconds: float = 0.0
    output: tuple[str, ...] = ()
    identity: str = ""


class UnitTestReport(Value, frozen=True):
    """The unit tests of a selection. *diagnoses* are what is wrong with files of tests, which then did not run."""

    tests: tuple[UnitTestResult, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether one has failed."""
        return any(one.outcome is UnitTestOutcome.FAILED for one in self.tests)

    @property
    def broken(self) -> bool:
        """Whether one could not be run."""
        return bool(self.diagnoses) or any(one.outcome is UnitTestOutcome.BROKEN for one in self.tests)
