"""Checks of the fake project, and how they stand."""

from __future__ import annotations

from collections.abc import Container

from tests.fakes.shop import NOW

from upriver.assets.model import Key, Place, Severity
from upriver.materializer.model import CheckOutcome, CheckResult
from upriver.materializer.quality.check_standing import CheckRun, CheckStanding

HOUR = 3600.0
_STANDINGS: tuple[tuple[Key, str, CheckOutcome, str, int, int, str], ...] = (
    # asset, check, outcome, detail, offenders, rows, past
    ("staging.orders", "unique(order_id)", CheckOutcome.PASSED, "", 0, 1_204_331, "pppppppp"),
    ("staging.orders", "relationship(customer_id)", CheckOutcome.WARNED, "12 of 1,204,331 rows offend", 12, 1_204_331, "ppppfff"),
    ("core.order_pay", "not_null(amount_usd)", CheckOutcome.PASSED, "", 0, 1_204_331, "ppp"),
    ("core.order_pay", "expression(amount_usd >= 0)", CheckOutcome.DUE, "core.order_pay changed since it ran", 0, 0, ""),
    ("marts.churn", "unique(customer)", CheckOutcome.FAILED, "2 of 84,120 rows offend", 2, 84_120, "pppppppf"),
    ("marts.revenue", "row_count", CheckOutcome.ACCEPTED, "3 rows, at least 10 wanted", 3, 3, "pf"),
)  # fmt: skip


def check_standings(known: Container[Key]) -> tuple[CheckStanding, ...]:
    """How the checks of the assets *known* stand."""
    return tuple(
        CheckStanding(
            CheckResult(
                asset, check, outcome, Severity.WARN if outcome is CheckOutcome.WARNED else Severity.ERROR, detail,
                offenders, rows, None if outcome is CheckOutcome.DUE else NOW - HOUR,
                because="first day" if outcome is CheckOutcome.ACCEPTED else None,
                place=Place(f"assets/{asset.replace('.', '/')}.sql", 3),
            ),
            tuple(
                CheckRun(NOW - HOUR * (len(past) - n), sign == "p", 0 if sign == "p" else offenders, rows)
                for n, sign in enumerate(past)
            ),
            outcome is CheckOutcome.FAILED,
        )
        for asset, check, outcome, detail, offenders, rows, past in _STANDINGS
        if asset in known
    )  # fmt: skip
