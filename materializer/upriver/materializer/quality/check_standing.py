"""Standing of checks with their past, as values to be looked at."""

from __future__ import annotations

from upriver.assets.model import Value
from upriver.materializer.model import CheckResult


class CheckRun(Value, frozen=True):
    """One run of a check: when, what it found, and whether that passes by what is declared today."""

    at: float
    passed: bool
    offenders: int
    rows: int
    run: str = ""


class CheckStanding(Value, frozen=True):
    """How a check stands on what is served or, where that was *refused*, on what was made last; and its *past* runs,
    oldest first.
    """

    result: CheckResult
    past: tuple[CheckRun, ...] = ()
    refused: bool = False
