"""View of checks: the order in which they are looked at, the worst of an asset, and their past in a few cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from upriver.assets.model import Key
from upriver.materializer.model import CheckOutcome
from upriver.materializer.quality.check_standing import CheckRun, CheckStanding
from upriver.tui.present.glyphs import Mark

CHECK: dict[CheckOutcome, Mark] = {
    CheckOutcome.PASSED: Mark("✓", "p", "green", "passed"),
    CheckOutcome.FAILED: Mark("✗", "X", "red", "failed"),
    CheckOutcome.ERROR: Mark("✗", "E", "red", "could not be run"),
    CheckOutcome.WARNED: Mark("!", "!", "yellow", "warned"),
    CheckOutcome.ACCEPTED: Mark("≈", "a", "yellow", "accepted"),
    CheckOutcome.DUE: Mark("◇", "d", "yellow", "not run"),
}
_WORST = (
    CheckOutcome.FAILED,
    CheckOutcome.ERROR,
    CheckOutcome.WARNED,
    CheckOutcome.ACCEPTED,
    CheckOutcome.DUE,
    CheckOutcome.PASSED,
)


def worst_first(standings: Iterable[CheckStanding]) -> list[CheckStanding]:
    """What fails first; what stands alike in the order of the project."""
    return sorted(standings, key=lambda one: _WORST.index(one.result.outcome))


def worst(standings: Iterable[CheckStanding]) -> Mapping[Key, CheckOutcome]:
    """The worst outcome among the checks of each asset that has any."""
    found: dict[Key, CheckOutcome] = {}
    for one in worst_first(standings):
        found.setdefault(one.result.asset, one.result.outcome)
    return found


def past_signs(past: Sequence[CheckRun], room: int, *, ascii: bool) -> list[tuple[str, bool]]:
    """The newest runs, each as one cell, and whether it passed."""
    passed, failed = (CHECK[one].sign(ascii) for one in (CheckOutcome.PASSED, CheckOutcome.FAILED))
    return [(passed if one.passed else failed, one.passed) for one in past[-room:]]
