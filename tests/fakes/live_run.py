"""A run of the fake shop at three moments, told by fixed events: no thread, no waiting, the same in every picture."""

from __future__ import annotations

from collections.abc import Iterator

from tests.fakes.shop import NOW

from upriver.materializer.answers import AssetResult
from upriver.materializer.events import (
    AssetFinished,
    AssetOutput,
    AssetProgress,
    AssetStarted,
    Event,
    RunFinished,
    RunStarted,
)
from upriver.materializer.model import Cause, Outcome, Reason, RunStatus
from upriver.tui.present.views.live import RunPicture

_ERROR = """assets/core/order_pay.sql:3:5: upstream staging.payments has no column 'amount_ct'
  3 |     p.amount_ct / 100.0 as amount_usd,
    |     ^^^^^^^^^^^
  staging.payments has: payment_id, order_id, amount_cents
  hint: did you mean 'amount_cents'?"""
_KEYS = (
    "staging.orders", "staging.payments", "staging.fx", "staging.products", "core.order_pay", "core.sessions",
    "marts.orders", "marts.customers", "marts.revenue", "reports.weekly",
)  # fmt: skip
_USUAL = (
    ("staging.orders", 2.0), ("staging.payments", 1.3), ("core.order_pay", 4.1), ("core.sessions", 3.3),
    ("marts.orders", 12.8), ("marts.customers", 6.0), ("marts.revenue", 0.9), ("reports.weekly", 0.6),
)  # fmt: skip


def run_at(moment: str) -> RunPicture:
    """The run when it is ``running``, when something has ``failed`` and the rest goes on, and ``finished``."""
    picture = RunPicture("", mine=True)
    picture.take_all({"running": _running, "failed": _failed, "finished": _finished}[moment]())
    if (paid := picture.parts.get("staging.payments")) is not None:
        paid.rows_before = 967_000
    return picture


def _begun(start: float) -> Iterator[Event]:
    changed = (Reason(Cause.DATA, "raw.payments", ("amount_cents",), "+12,411 rows"),)
    yield RunStarted(start, "20251009-085305-a1b2c3", _KEYS, 3, _USUAL, ("+marts.revenue", "reports.weekly"))
    for key in ("staging.fx", "staging.products"):
        yield AssetFinished(start, AssetResult(key, Outcome.FRESH))
    yield AssetStarted(start, "staging.payments", 1, 1, changed)
    yield AssetStarted(
        start, "core.sessions", 1, 2, (Reason(Cause.RECIPE, "core.sessions", (), "its code changed"),)
    )
    yield AssetFinished(start + 0.1, AssetResult("staging.orders", Outcome.REUSED))
    yield AssetOutput(start + 0.4, "core.sessions", 1, "stdout", "4,100,222 events in 12 files")
    yield AssetFinished(
        start + 1.4, AssetResult("staging.payments", Outcome.BUILT, True, changed, 979_411, 25_200_000, 1.4)
    )


def _running() -> Iterator[Event]:
    start = NOW - 4.0
    yield from _begun(start)
    yield AssetStarted(start + 1.5, "core.order_pay", 1, 1, (Reason(Cause.UPSTREAM, "staging.payments"),))
    yield AssetProgress(start + 3.9, "core.order_pay", 0.61)
    yield AssetOutput(start + 2.0, "core.sessions", 1, "stderr", "WARNING:sessions:12 events without a user")
    yield AssetOutput(start + 3.1, "core.sessions", 1, "stdout", "closing sessions after 30 minutes")
    yield AssetProgress(start + 3.9, "core.sessions", None, 312_000_000)


def _failed() -> Iterator[Event]:
    start = NOW - 3.0
    yield from _begun(start)
    yield AssetStarted(start + 1.5, "core.order_pay", 1, 1, ())
    yield AssetFinished(start + 1.5, AssetResult("core.order_pay", Outcome.FAILED, seconds=0.0, error=_ERROR))
    blocked = (Reason(Cause.UPSTREAM, "core.order_pay", (), "failed"),)
    for key in ("marts.orders", "marts.customers", "marts.revenue", "reports.weekly"):
        yield AssetFinished(start + 1.5, AssetResult(key, Outcome.BLOCKED, False, blocked))
    yield AssetProgress(start + 2.9, "core.sessions", None, 312_000_000)


def _finished() -> Iterator[Event]:
    start = NOW - 30.0
    yield from _begun(start)
    slots = (
        ("core.sessions", 2, 0.0, 3.2, True, 4_100_222), ("core.order_pay", 1, 1.5, 4.0, True, 1_204_331),
        ("marts.orders", 1, 5.5, 12.9, True, 1_204_331), ("marts.customers", 2, 18.4, 6.1, False, 84_120),
        ("marts.revenue", 1, 18.4, 0.9, True, 365),
    )  # fmt: skip
    for key, slot, at, took, changed, rows in slots:
        if key != "core.sessions":
            yield AssetStarted(start + at, key, 1, slot, ())
        yield AssetFinished(
            start + at + took, AssetResult(key, Outcome.BUILT, changed, (), rows, rows * 26, took)
        )
    unread = (Reason(Cause.DATA, "marts.customers", (), "changed columns not read"),)
    yield AssetFinished(start + 24.5, AssetResult("reports.weekly", Outcome.REUSED, False, unread))
    yield RunFinished(start + 24.6, "20251009-085305-a1b2c3", RunStatus.SUCCESS)
