"""What the scripted session answers unless a test says otherwise: a small shop at a fixed moment."""

from __future__ import annotations

from tests.fakes.answers import one_by_one

from upriver.assets.model import Column, Key, Place, Severity
from upriver.lineage.model import EdgeKind
from upriver.lineage.partitions.slices import SliceRange, SlicesStatus, SliceStatus
from upriver.lineage.refactoring.fix import Fix
from upriver.lineage.refactoring.rename.values import ByHand, ColumnRenaming, FileChange, LineChange, Renaming
from upriver.materializer.answers import (
    Accepted,
    AssetResult,
    AssetStatus,
    AssetTrust,
    CodeDiff,
    ColumnNode,
    ColumnProfile,
    Explanation,
    Impact,
    LineageView,
    Link,
    OpaqueNote,
    Profile,
    RunEntry,
    Step,
    Table,
    ViewEdge,
)
from upriver.materializer.automation.backfill import BackfillStatus
from upriver.materializer.model import (
    Action,
    Cause,
    CheckOutcome,
    CheckResult,
    Outcome,
    Reason,
    RunStatus,
    State,
    Trust,
    TrustedEdge,
)
from upriver.materializer.ports import Backfill
from upriver.materializer.runs.cost_answers import AssetCost, Costs
from upriver.materializer.upkeep.fsck import Problem, Report, Trouble

NOW = 1_760_000_000.0
HOUR = 3600.0

NEW_ROWS = Reason(Cause.DATA, "raw.orders", ("amount", "status"), "+12,411 rows")
OWN_CODE = Reason(Cause.RECIPE, "staging.orders", detail="its code changed")
WAITS = Reason(Cause.UPSTREAM, "staging.orders", detail="stale")
BROKEN = 'Binder Error: column "plan" not found\n  3 | select plan\n    |        ^^^^'

ACCEPTED = (
    Accepted(
        "raw.orders",
        (Column("id", "BIGINT"), Column("amount", "DOUBLE")),
        (Column("id", "BIGINT"), Column("amount", "VARCHAR")),
        ("amount was DOUBLE, now VARCHAR",),
    ),
)

STATUSES: tuple[AssetStatus, ...] = (
    AssetStatus(
        "raw.orders",
        "source",
        State.FRESH,
        (),
        NOW - 240,
        1_204_331,
        31_000_000,
        downstreams=("staging.orders",),
    ),
    AssetStatus(
        "staging.orders",
        "table",
        State.STALE,
        (NEW_ROWS, OWN_CODE),
        NOW - 2 * HOUR,
        1_191_920,
        30_500_000,
        2.0,
        upstreams=("raw.orders",),
        downstreams=("marts.revenue", "marts.churn"),
        tags=("staging",),
    ),
    AssetStatus(
        "marts.revenue", "table", State.PENDING, (WAITS,), NOW - 2 * HOUR, 365, 9_500, 0.9, tags=("marts",)
    ),
    AssetStatus("marts.churn", "table", State.FAILED, (), None, error=BROKEN, tags=("marts",), owner="eng"),
    AssetStatus("reports.weekly", "file", State.FRESH, (), NOW - 9 * 24 * HOUR, None, 120_400),
)

STEPS: tuple[Step, ...] = (
    Step("staging.orders", Action.BUILD, (NEW_ROWS, OWN_CODE), 2.0),
    Step("marts.revenue", Action.MAYBE, (WAITS,), 0.9),
    Step("marts.churn", Action.BUILD, (Reason(Cause.FAILED, "marts.churn", detail=BROKEN),)),
    Step("reports.weekly", Action.FRESH),
)

RESULTS: tuple[AssetResult, ...] = (
    AssetResult("staging.orders", Outcome.BUILT, True, (NEW_ROWS,), 1_204_331, 31_000_000, 2.1),
    AssetResult("marts.revenue", Outcome.REUSED, False, (WAITS,), 365, 9_500, 0.0),
    AssetResult("marts.churn", Outcome.FAILED, False, (), None, None, 0.4, BROKEN),
    AssetResult(
        "marts.alerts", Outcome.BLOCKED, False, (Reason(Cause.UPSTREAM, "marts.churn", detail="failed"),)
    ),
    AssetResult("reports.weekly", Outcome.FRESH),
)

_DIFF = CodeDiff(
    "staging.orders",
    Place("assets/staging/orders.sql", 3),
    ("--- a", "+++ b", "@@ -2,2 +2,2 @@", " select id,", "-  amount", "+  amount / 100.0 as amount"),
)

WHY = Explanation(
    "marts.revenue",
    State.PENDING,
    (WAITS,),
    (
        Link("marts.revenue", 0, State.PENDING, (WAITS,)),
        Link("staging.orders", 1, State.STALE, (OWN_CODE, NEW_ROWS), (_DIFF,), root=True),
        Link(
            "raw.orders",
            2,
            State.FRESH,
            (Reason(Cause.DATA, "raw.orders", detail="+12,411 rows"),),
            root=True,
        ),
    ),
    ("raw.fx: same data", "engine versions: same"),
    STEPS[:2],
)


def _column(asset: Key, column: str, kind: str = "DOUBLE") -> ColumnNode:
    return ColumnNode(asset, column, kind)


LINEAGE = LineageView(
    _column("staging.orders", "amount"),
    (
        _column("staging.orders", "amount"),
        _column("raw.orders", "cents", "BIGINT"),
        _column("raw.orders", "status", "VARCHAR"),
        _column("marts.revenue", "total"),
    ),
    one_by_one(
        (
            ViewEdge(
                _column("raw.orders", "cents"),
                _column("staging.orders", "amount"),
                EdgeKind.VALUE,
                "expression",
                "cents / 100.0",
            ),
            ViewEdge(
                _column("raw.orders", "status"),
                _column("staging.orders", "amount"),
                EdgeKind.INFLUENCE,
                "filter",
            ),
            ViewEdge(
                _column("staging.orders", "amount"),
                _column("marts.revenue", "total"),
                EdgeKind.VALUE,
                "aggregate",
                "sum(amount)",
            ),
        ),
    ),
    (OpaqueNote("reports.weekly", "arbitrary Python"),),
)

TABLE = Table(
    ("carrier", "flights", "delay"),
    ("VARCHAR", "BIGINT", "DOUBLE"),
    (("UA", 58_665, 3.5), ("日本航空", 12, None), ("bad\x1b[2Jname", 0, -1.25)),
)

PROFILE = Profile(
    "marts.revenue",
    365,
    9_500,
    (Column("day", "DATE"), Column("total", "DECIMAL(18,2)")),
    (
        ColumnProfile("day", "DATE", 0, 365, "2013-01-01", "2013-12-31", "2013-07-02", (3, 3, 3, 3)),
        ColumnProfile("total", "DECIMAL(18,2)", 4, 361, "-1.50", "9800.00", "39.90", (1, 4, 8, 2)),
    ),
)

RUN = RunEntry("0042", RunStatus.FAILED, NOW - HOUR, NOW - HOUR + 3.2, ("+marts.churn",), RESULTS)

SOUND = Report((), ("2 artifacts that nothing points at",), 124, 31_000_000)

DAMAGED = Report(
    (
        Problem(
            Trouble.DAMAGED,
            "store/ab/ab12.parquet",
            ("its bytes are those of cd34", "it is current for marts.revenue"),
            "`upriver fsck --repair` sets it aside; the next build makes it again",
        ),
    ),
    ("2 artifacts that nothing points at",),
    124,
    31_000_000,
)

COSTS = Costs(
    12,
    NOW - 26 * HOUR,
    (
        AssetCost("staging.orders", 2.0, 24.1, 12, 0, 0, 0.0, 1_204_331, 31_000_000, 410_000_000),
        AssetCost("marts.revenue", 0.9, 1.8, 2, 1, 10, 9.0, 365, 9_400, None),
        AssetCost("marts.churn"),
    ),
)
FIX = Fix(
    "marts.churn",
    "upstream marts.customers has no column 'plan'",
    Place("assets/marts/churn.sql", 7, 11),
    "plan",
    "plan_tier",
    FileChange(
        "assets/marts/churn.sql",
        "assets/marts/churn.sql",
        "ab12",
        b"",
        1,
        (LineChange(7, "sum(c.plan = 'pro')", "sum(c.plan_tier = 'pro')"),),
    ),
    "assets/marts/churn.sql:9:3: no upstream has a column 'spnd'",
)
RENAMING = Renaming(
    "staging.orders",
    "core.sales",
    (
        FileChange(
            "assets/marts/revenue.sql",
            "assets/marts/revenue.sql",
            "ab12",
            b"",
            1,
            (LineChange(11, "join staging.orders o using (id)", "join core.sales o using (id)"),),
        ),
        FileChange("assets/staging/orders.sql", "assets/core/sales.sql", "cd34", b"", 0),
    ),
    ("core.sales", "marts.revenue"),
    (Place("notes.md", 3, 1),),
)

COLUMN_RENAMING = ColumnRenaming(
    "staging.orders",
    "amount",
    "amount_usd",
    (
        FileChange(
            "assets/marts/revenue.sql",
            "assets/marts/revenue.sql",
            "ab12",
            b"",
            1,
            (LineChange(3, "  sum(o.amount) as total", "  sum(o.amount_usd) as total"),),
        ),
        FileChange(
            "assets/staging/orders.sql",
            "assets/staging/orders.sql",
            "cd34",
            b"",
            1,
            (LineChange(2, "  amount", "  amount as amount_usd"),),
        ),
    ),
    ("staging.all_orders",),
    ("staging.orders", "staging.all_orders", "marts.revenue"),
    (ByHand(Place("assets/marts/joined.sql", 1), "it joins by USING (amount)", "marts.joined"),),
    (ByHand(Place("assets/marts/model.py", 7), "nobody can tell what its code calls amount", "marts.model"),),
    (Place("notes.md", 3, 1),),
)

TRUSTS = (
    AssetTrust("staging.orders", Trust.CONTENT, (TrustedEdge("raw.orders", Trust.CONTENT, "hashed"),)),
    AssetTrust(
        "marts.churn",
        Trust.DECLARED,
        (
            TrustedEdge("what its code opens", Trust.CONTENT, "the kernel lets it open nothing else"),
            TrustedEdge("the network", Trust.DECLARED, "network=True"),
        ),
    ),
    AssetTrust("marts.revenue", None),
)

_DROPPED = Reason(Cause.SCHEMA, "staging.orders", ("amount",), "dropped, and needed here")
DROPPING = (
    Impact("marts.revenue", None, "breaks", _DROPPED, Place("assets/marts/revenue.sql", 8, 3)),
    Impact(
        "staging.all_orders",
        "amount",
        "changes",
        Reason(Cause.SCHEMA, "staging.orders", ("amount",), "dropped: this column goes as well"),
        Place("assets/staging/all_orders.sql", 1),
    ),
)

CHECKS = (
    CheckResult("marts.revenue", "row_count", CheckOutcome.PASSED, Severity.ERROR, "", 0, 12, NOW - HOUR),
    CheckResult(
        "marts.revenue", "unique(id)", CheckOutcome.FAILED, Severity.ERROR, "1 of 12 rows offends", 1, 12, NOW, 0.2,
        ran=True, place=Place("assets/marts/revenue.sql", 3, 5),
    ),
)  # fmt: skip
"""How checks stand."""

SLICES = SlicesStatus(
    "marts.revenue",
    ("day",),
    3,
    fresh=1,
    stale=1,
    missing=1,
    ranges=(
        SliceRange("fresh", "2013-01-01", "2013-01-01", 1),
        SliceRange(
            "stale", "2013-01-02", "2013-01-02", 1, ("data", "staging.orders", "what the slice reads changed")
        ),
        SliceRange("missing", "2013-01-03", "2013-01-03", 1, ("missing", "marts.revenue", "never built")),
    ),
    slices=(
        SliceStatus("2013-01-01", "fresh", 10),
        SliceStatus("2013-01-02", "stale", 7, ("data", "staging.orders", "what the slice reads changed")),
        SliceStatus("2013-01-03", "missing", None, ("missing", "marts.revenue", "never built")),
    ),
)

BACKFILL = BackfillStatus(
    Backfill("1f2e3d4c", ("marts.revenue",), ("2013-01..",), NOW, built=7, unchanged=1, seconds=(0.1, 0.4)),
    12,
    (1.2, 4.8),
)
