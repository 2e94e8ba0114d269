"""Incidents of the fake shop: one of a failure that others suffer from, one of a source, one that is late."""

from __future__ import annotations

from tests.fakes.shop import NOW

from upriver.assets.model import Place
from upriver.materializer.ports import (
    Affected,
    Change,
    Healing,
    Incident,
    IncidentKind,
    IncidentState,
    LastGood,
    RootCause,
)

INCIDENTS = (
    Incident(
        "3fa9c02b11",
        "dev",
        RootCause(
            "marts.churn",
            IncidentKind.FAILED,
            'column "plan" not found in core.customers',
            NOW - 3600,
            Affected(
                ("marts.churn", "marts.churn_alerts"),
                (("marts.churn_alerts", "customer_id"), ("marts.churn_alerts", "score")),
                ("eng",),
                ("marts",),
                ("marts.churn/every",),
            ),
            Healing(by_itself=True, how="`upriver watch` tries it again", at=NOW + 240),
            (
                Change(
                    "marts.churn",
                    "code",
                    "marts.churn",
                    (),
                    Place("assets/marts/churn.sql", 7),
                    ("-  a", "+  b"),
                ),
                Change("core.customers", "data", "+12,411 rows", ("plan",)),
            ),
            LastGood("m1", "r407", NOW - 90_000, 84_000),
        ),
        IncidentState.OPENED,
        NOW - 3500,
        occurrence=2,
    ),
    Incident(
        "77d0aa10ce",
        "dev",
        RootCause(
            "raw.refunds",
            IncidentKind.SOURCE,
            "no file fits data/refunds/*.csv",
            NOW - 7200,
            Affected(("raw.refunds", "staging.refunds"), (), (), (), ()),
            Healing(by_itself=True, how="when it can be read"),
        ),
        IncidentState.ACKNOWLEDGED,
        NOW - 7100,
        acknowledged=NOW - 600,
        note="the vendor knows",
    ),
)
