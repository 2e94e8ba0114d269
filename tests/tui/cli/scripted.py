"""A session that answers what it was told to, and a way to run a command line on it."""

from __future__ import annotations

import inspect
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.fakes.incidents import INCIDENTS
from tests.tui.cli.answers import (
    ACCEPTED,
    BACKFILL,
    CHECKS,
    COLUMN_RENAMING,
    COSTS,
    DAMAGED,
    DROPPING,
    FIX,
    HOUR,
    LINEAGE,
    NOW,
    OWN_CODE,
    PROFILE,
    RENAMING,
    RESULTS,
    RUN,
    SLICES,
    SOUND,
    STATUSES,
    STEPS,
    TABLE,
    TRUSTS,
    WHY,
)

from upriver.assets.errors import Diagnosis
from upriver.assets.identity import Node
from upriver.assets.model import Column, Place
from upriver.lineage.refactoring.freeze import Freezing
from upriver.materializer.answers import (
    BuildResult,
    Comparison,
    EnvironmentEntry,
    HistoryEntry,
    Impact,
    Impacts,
    LogLine,
    Plan,
)
from upriver.materializer.automation.model import ApprovalStatus, GoalCause, GoalReport, GoalState, GoalStatus
from upriver.materializer.events import AssetFinished, AssetStarted, Event, RunFinished, RunStarted
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.inspection.catalogue import CatalogueEntry
from upriver.materializer.model import Cause, CheckReport, Outcome, Reason, Refused, RunStatus
from upriver.materializer.operation import RunsIn
from upriver.materializer.operations import ProjectApi, implement
from upriver.materializer.ports import Approval
from upriver.materializer.ports.system import ConnectionEntry, SystemObject
from upriver.materializer.quality.row_diff import difference
from upriver.materializer.quality.unit_test_report import UnitTestOutcome, UnitTestReport, UnitTestResult
from upriver.materializer.upkeep.fsck import Report
from upriver.materializer.upkeep.gc import Collected
from upriver.materializer.upkeep.repair import Repaired
from upriver.tui.cli.main import execute


class ScriptedSession(ProjectApi):
    """A session that answers from its attributes, which a test may replace, and notes its calls in *calls*.

    Its operations are generated: each notes its name and its arguments in the order of the signature, raises *error*
    if there is one, and gives the answer of :data:`ANSWERS`.
    """

    def __init__(self) -> None:
        self.root, self.environment, self.builds_detached = Path("/projects/shop"), "dev", False
        self.error: Exception | None = None
        self.statuses = STATUSES
        self.the_plan = Plan(STEPS, ("staging.orders", "marts.revenue"), 2.9)
        self.results = RESULTS
        self.run_status = RunStatus.FAILED
        self.explanation = WHY
        self.view = LINEAGE
        self.report = DAMAGED
        self.table = TABLE
        self.impacts: Impacts = (
            Impact(
                "marts.churn",
                "pro_users",
                "breaks",
                Reason(Cause.SCHEMA, "raw.plans", ("plan",), "no longer there"),
            ),
            Impact("marts.revenue", "total", "changes", OWN_CODE),
        )
        self.on_build: Callable[[Cancel, Callable[[Event], None]], None] | None = None
        self.calls: list[Any] = []
        self.closed = 0

    @classmethod
    def open(cls, *arguments: Any) -> Self:
        """One session. Type checkers, which know no generated methods, take the class itself for abstract."""
        return cls(*arguments)

    @property
    def name(self) -> str:
        return "shop"

    def called(self, name: str, given: Mapping[str, Any]) -> object:
        """Note the call of an operation, and answer it."""
        self.calls.append((name, *(tuple(one) if isinstance(one, list) else one for one in given.values())))
        if self.error is not None:
            raise self.error
        assert name in ANSWERS, f"the script has no answer to {name}"
        return ANSWERS[name](self, given)

    def build(
        self,
        select: Sequence[str] = (),
        *,
        on_event: Callable[[Event], None] = lambda event: None,
        cancel: Cancel | None = None,
        **options: Any,
    ) -> BuildResult:
        self.called(
            "build",
            {
                "select": tuple(select),
                "force": False,
                "jobs": None,
                "fail_fast": False,
                "wait": 0.0,
                **options,
            },
        )
        on_event(RunStarted(NOW, "0042", tuple(r.asset for r in self.results), 2, (("marts.revenue", 0.9),)))
        if self.on_build is not None:
            assert cancel is not None
            self.on_build(cancel, on_event)
        for result in self.results:
            if result.action is Outcome.BUILT:
                on_event(AssetStarted(NOW, result.asset, 1, 1, result.reasons))
            on_event(AssetFinished(NOW, result))
        on_event(RunFinished(NOW, "0042", self.run_status))
        return BuildResult("0042", self.run_status, self.results)

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        return ()

    def close(self) -> None:
        self.closed += 1


def _comparison(session: ScriptedSession, given: Mapping[str, Any]) -> Comparison:
    changed = (("note", "VARCHAR", "JSON"),)
    return Comparison(
        given["key"], "m1", "0041", NOW - 30 * HOUR, 364, 365, 2, 1, ("channel",), ("old",), changed
    )


def _history(session: ScriptedSession, given: Mapping[str, Any]) -> tuple[HistoryEntry, ...]:
    key = given["key"]
    return (
        HistoryEntry("m2", key, "0042", NOW - HOUR, 2.1, 365, 9_500, "8a41d7f9" * 8, True),
        HistoryEntry("m1", key, "0041", NOW - 30 * HOUR, 1.9, 364, 9_400, "7a41d7f9" * 8, False),
    )


def _checked(session: ScriptedSession, given: Mapping[str, Any]) -> Report | Repaired:
    moved = ("moved store/ab/ab12.parquet to quarantine",)
    return Repaired(session.report, moved, SOUND) if given["repair"] else session.report


APPROVED = ApprovalStatus(
    "marts.churn", False, ("raw.orders",), Approval(Node("marts.churn"), "d", NOW, "ann", "checked")
)
GOAL = GoalStatus(
    id="marts.churn/every",
    asset="marts.churn",
    kind="every",
    spec="every 1h",
    state=GoalState.AT_RISK,
    due=NOW + 60.0,
    eta=(NOW + 30.0, NOW + 90.0),
    lag=3600.0,
    cause=GoalCause.WAITING,
    waiting_for=("staging.orders",),
)

UNIT_TESTS = UnitTestReport(
    (
        UnitTestResult(
            "marts.churn", "empty", Place("tests/churn.yaml"), UnitTestOutcome.PASSED, seconds=0.1
        ),
        UnitTestResult(
            "marts.revenue",
            "sums",
            Place("tests/revenue.yaml", 1, 1),
            UnitTestOutcome.FAILED,
            "1 expected row is not there and 1 row is not expected; 2 as expected",
            difference(("day", "amount"), [("1", "2"), ("2", None)], [("1", "2"), ("2", "3")], ordered=False),
            0.2,
            ("hello",),
        ),
    ),
    (
        Diagnosis(
            "bad-test",
            "there is no option 'expects'",
            Place("tests/x.yaml", 3, 1),
            hint="did you mean 'expect'?",
        ),
    ),
)

ANSWERS: Mapping[str, Callable[[ScriptedSession, Mapping[str, Any]], object]] = {
    "build": lambda session, given: None,
    "check": lambda session, given: CheckReport(CHECKS),
    "checks": lambda session, given: (),
    "test": lambda session, given: UNIT_TESTS,
    "refused": lambda session, given: Refused(given["key"], "5f", "20130401", NOW - HOUR, ("unique(id)",)),
    "offenders": lambda session, given: TABLE,
    "keys": lambda session, given: tuple(status.asset for status in session.statuses),
    "columns": lambda session, given: ("amount", "Status") if given["key"] == "staging.orders" else (),
    "status": lambda session, given: session.statuses,
    "trust": lambda session, given: TRUSTS,
    "backfills": lambda session, given: (BACKFILL,),
    "backfill": lambda session, given: BACKFILL,
    "forget_backfill": lambda session, given: BACKFILL,
    "slice_filter": lambda session, given: "true",
    "partitions": lambda session, given: (SLICES,),
    "plan": lambda session, given: session.the_plan,
    "why": lambda session, given: session.explanation,
    "lineage": lambda session, given: session.view,
    "dropping": lambda session, given: DROPPING,
    "impact": lambda session, given: session.impacts,
    "renaming": lambda session, given: RENAMING,
    "rename": lambda session, given: None,
    "freezing": lambda session, given: Freezing(
        given["key"], (Column("id", "BIGINT"),), given["closed"], FIX.file, ("+  id: {type: BIGINT}",)
    ),
    "freeze": lambda session, given: None,
    "fix": lambda session, given: FIX,
    "apply_fix": lambda session, given: None,
    "accept": lambda session, given: ACCEPTED,
    "column_renaming": lambda session, given: COLUMN_RENAMING,
    "rename_column": lambda session, given: None,
    "sql": lambda session, given: session.table,
    "preview": lambda session, given: session.table,
    "profile": lambda session, given: PROFILE,
    "compare": _comparison,
    "history": _history,
    "runs": lambda session, given: (RUN,),
    "run": lambda session, given: RUN,
    "cost": lambda session, given: COSTS,
    "log": lambda session, given: (
        LogLine("staging.orders", 1, "stdout", "\x1b[32mread 12 files\x1b[0m", NOW),
        LogLine("marts.churn", 2, "stderr", "a title\x1b]0;evil\x07 and a \x1b[2J", NOW),
    ),
    "require_environment": lambda session, given: None,
    "connections": lambda session, given: (
        ConnectionEntry(
            "shop",
            "postgresql://reader@db/shop",
            ("raw.orders",),
            "PostgreSQL 18.6" if given["test"] else None,
        ),
        ConnectionEntry(
            "lake", "", (), None, "connection lake: no route\n  hint: look" if given["test"] else None
        ),
    ),
    "objects": lambda session, given: (
        SystemObject("orders", "table", 1200),
        SystemObject("sales.lines", "view"),
    ),
    "environments": lambda session, given: (
        EnvironmentEntry("dev", True, False, 3),
        EnvironmentEntry("prod", False, True, 12, ("20240501-120000-aaaaaa",)),
    ),
    "catalogue": lambda session, given: tuple(CatalogueEntry(one.asset) for one in session.statuses),
    "goals": lambda session, given: GoalReport((GOAL,)),
    "approvals": lambda session, given: (APPROVED,),
    "approve": lambda session, given: APPROVED,
    "incidents": lambda session, given: INCIDENTS,
    "acknowledge": lambda session, given: INCIDENTS[1],
    "pause_goals": lambda session, given: ("marts.churn",),
    "remove_environment": lambda session, given: 12,
    "fsck": _checked,
    "gc": lambda session, given: Collected(("m1", "m2"), ("ab12.parquet",), (), 31_000_000, 120_000_000),
}
"""What the session answers to each operation that a command asks for."""


def _scripted(name: str, runs_in: RunsIn) -> Callable[..., object]:
    signature = inspect.signature(getattr(ProjectApi, name))

    def call(self: ScriptedSession, /, *arguments: object, **options: object) -> object:
        bound = signature.bind(self, *arguments, **options)
        bound.apply_defaults()
        return self.called(
            name, {given: value for given, value in bound.arguments.items() if given != "self"}
        )

    return call


implement(ScriptedSession, _scripted)


class Outcomes(NamedTuple):
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Stream(io.StringIO):
    """A stream in memory that may pretend to be a terminal."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def isatty(self) -> bool:
        return self.terminal


def run_line(
    words: Sequence[str],
    session: ProjectApi,
    *,
    width: int | None = None,
    terminal: bool = False,
    environ: dict[str, str] | None = None,
) -> Outcomes:
    """Run a command line on *session*; *width* is that of the page, *terminal* whether there is one."""
    out, err = Stream(terminal), Stream(terminal)
    environ = dict(environ or {})
    if width is not None:
        environ["COLUMNS"] = str(width)
    code = execute(words, out, err, environ, lambda root, environment: session, clock=lambda: NOW)
    return Outcomes(code, out.getvalue(), err.getvalue())
