"""Checks as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from upriver.materializer.model import CheckReport, CheckResult
from upriver.tui.present.json.values import instant


def check_results(values: Iterable[CheckResult]) -> list[dict[str, Any]]:
    """How checks stand."""
    return [
        {
            "asset": value.asset,
            "check": value.check,
            "outcome": value.outcome.value,
            "severity": value.severity.value,
            "detail": value.detail,
            "offenders": value.offenders,
            "rows": value.rows,
            "checked_at": instant(value.at),
            "seconds": value.seconds,
            "ran": value.ran,
            "because": value.because,
            "place": None if value.place is None else str(value.place),
        }
        for value in values
    ]


def checks(value: CheckReport) -> dict[str, Any]:
    """``check``."""
    return {"checks": check_results(value.checks)}
