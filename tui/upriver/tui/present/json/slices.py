"""Slices as JSON: how many there are in each state, ranges of them, what a build has done with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from upriver.lineage.partitions.slices import SliceCounts, SlicesStatus

if TYPE_CHECKING:
    from upriver.materializer.automation.backfill import BackfillStatus


def slices(value: SlicesStatus | None) -> dict[str, Any] | None:
    """The slices of an asset in ranges."""
    if value is None:
        return None
    return {
        "by": list(value.by),
        "count": value.count,
        "fresh": value.fresh,
        "stale": value.stale,
        "missing": value.missing,
        "failed": value.failed,
        "pending": value.pending,
        "whole": value.whole,
        "ranges": [
            {
                "state": one.state,
                "first": one.first,
                "last": one.last,
                "count": one.count,
                "reason": _reason(one.reason),
            }
            for one in value.ranges
        ],
    }


def partitions(values: Iterable[SlicesStatus]) -> dict[str, Any]:
    """``status --partitions``."""
    return {
        "partitions": [
            {
                "asset": value.asset,
                "partition": one.key,
                "state": one.state,
                "rows": one.rows,
                "reason": _reason(one.reason),
            }
            for value in values
            for one in value.slices
        ]
    }


def counts(value: SliceCounts | None) -> dict[str, Any] | None:
    """What a build has done with the slices of an asset."""
    if value is None:
        return None
    return {
        "made": value.made,
        "unchanged": value.unchanged,
        "left": value.left,
        "count": value.count,
        "ranges": [{"first": first, "last": last} for first, last in value.ranges],
        "failed": list(value.failed),
        "whole": value.whole,
    }


def _reason(value: tuple[str, str, str] | None) -> dict[str, Any] | None:
    return None if value is None else {"kind": value[0], "asset": value[1], "columns": [], "detail": value[2]}


def backfill(value: BackfillStatus) -> dict[str, Any]:
    """``backfill SELECT``: one goal."""
    goal = value.goal
    return {
        "id": goal.id,
        "select": list(goal.select),
        "range": list(goal.partition),
        "left": value.left,
        "built": goal.built,
        "reused": goal.reused,
        "unchanged": goal.unchanged,
        "failed": goal.failed,
        "eta": None if value.eta is None else list(value.eta),
    }


def backfills(values: Iterable[BackfillStatus]) -> dict[str, Any]:
    """``backfill``: those that are not done."""
    return {"backfills": [backfill(one) for one in values]}
