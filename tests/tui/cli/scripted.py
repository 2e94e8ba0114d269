"""A session that answers what it was told to, and a way to run a command line on it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.tui.cli.answers import (
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
    SOUND,
    STATUSES,
    STEPS,
    TABLE,
    WHY,
)

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Key
from upriver.lineage.refactoring.fix import Fix
from upriver.lineage.refactoring.rename.values import ColumnRenaming, Renaming
from upriver.materializer.answers import (
    AssetStatus,
    BuildResult,
    Comparison,
    Costs,
    Explanation,
    HistoryEntry,
    Impact,
    Impacts,
    LineageView,
    LogLine,
    Plan,
    Profile,
    RunEntry,
    Table,
)
from upriver.materializer.events import AssetFinished, AssetStarted, Event, RunFinished, RunStarted
from upriver.materializer.model import Cause, Outcome, Reason, RunStatus
from upriver.materializer.session import Cancel, Session
from upriver.materializer.upkeep.fsck import Report
from upriver.materializer.upkeep.gc import Collected, Keep
from upriver.materializer.upkeep.repair import Repaired
from upriver.tui.cli.main import execute


class ScriptedSession(Session):
    """Answers from its attributes, which a test may replace; notes how it was called in *calls*."""

    def __init__(self) -> None:
        super().__init__(Path("/projects/shop"))
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

    def _called(self, *call: Any) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        return ()

    def keys(self, select: Sequence[str] = (), *, sources: bool = True) -> tuple[Key, ...]:
        self._called("keys", tuple(select))
        return tuple(status.asset for status in self.statuses)

    def columns(self, key: Key) -> tuple[str, ...]:
        self._called("columns", key)
        return ("amount", "Status") if key == "staging.orders" else ()

    def status(self, select: Sequence[str] = (), *, verify: bool = False) -> tuple[AssetStatus, ...]:
        self._called("status", tuple(select), verify)
        return self.statuses

    def plan(self, select: Sequence[str] = (), *, force: bool = False) -> Plan:
        self._called("plan", tuple(select), force)
        return self.the_plan

    def build(
        self,
        select: Sequence[str] = (),
        *,
        force: bool = False,
        jobs: int | None = None,
        fail_fast: bool = False,
        wait: float | None = 0.0,
        on_event: Callable[[Event], None] = lambda event: None,
        cancel: Cancel | None = None,
    ) -> BuildResult:
        self._called("build", tuple(select), force, jobs, fail_fast, wait)
        on_event(RunStarted(NOW, "0042", tuple(r.asset for r in self.results), 2, (("marts.revenue", 0.9),)))
        if self.on_build is not None:
            assert cancel is not None
            self.on_build(cancel, on_event)
        for result in self.results:
            if result.action is Outcome.BUILT:
                on_event(AssetStarted(NOW, result.asset, 1, 1, result.reasons))
            on_event(
                AssetFinished(
                    NOW,
                    result.asset,
                    result.action,
                    result.changed,
                    result.reasons,
                    result.rows,
                    result.bytes,
                    result.seconds,
                    result.error,
                )
            )
        on_event(RunFinished(NOW, "0042", self.run_status))
        return BuildResult("0042", self.run_status, self.results)

    def why(self, key: Key) -> Explanation:
        self._called("why", key)
        return self.explanation

    def lineage(
        self,
        key: Key,
        column: str | None = None,
        *,
        upstream: bool = True,
        downstream: bool = True,
        columns: bool = False,
        depth: int | None = None,
    ) -> LineageView:
        self._called("lineage", key, column, upstream, downstream, columns, depth)
        return self.view

    def dropping(self, key: Key, column: str) -> Impacts:
        self._called("dropping", key, column)
        return DROPPING

    def impact(self, since: str | None = None) -> Impacts:
        self._called("impact", since)
        return self.impacts

    def renaming(self, old: Key, new: Key) -> Renaming:
        self._called("renaming", old, new)
        return RENAMING

    def rename(self, renaming: Renaming) -> None:
        self._called("rename", renaming.old, renaming.new)

    def fix(self, key: Key) -> Fix:
        self._called("fix", key)
        return FIX

    def apply_fix(self, fix: Fix) -> None:
        self._called("apply_fix", fix.asset, fix.meant)

    def column_renaming(self, key: Key, column: str, new: str, *, leave: bool = False) -> ColumnRenaming:
        self._called("column_renaming", key, column, new, leave)
        return COLUMN_RENAMING

    def rename_column(self, renaming: ColumnRenaming) -> None:
        self._called("rename_column", renaming.key, renaming.old, renaming.new)

    def sql(self, query: str, *, limit: int | None = None) -> Table:
        self._called("sql", query, limit)
        return self.table

    def preview(self, key: Key, *, limit: int = 50, **_: Any) -> Table:
        self._called("preview", key, limit)
        return self.table

    def profile(self, key: Key, *, at: str | None = None) -> Profile:
        self._called("profile", key)
        return PROFILE

    def compare(self, key: Key, before: str = "before") -> Comparison:
        self._called("compare", key, before)
        changed = (("note", "VARCHAR", "JSON"),)
        return Comparison(key, "m1", "0041", NOW - 30 * HOUR, 364, 365, 2, 1, ("channel",), ("old",), changed)

    def history(self, key: Key | None = None, limit: int = 50) -> tuple[HistoryEntry, ...]:
        self._called("history", key, limit)
        assert key is not None
        return (
            HistoryEntry("m2", key, "0042", NOW - HOUR, 2.1, 365, 9_500, "8a41d7f9" * 8, True),
            HistoryEntry("m1", key, "0041", NOW - 30 * HOUR, 1.9, 364, 9_400, "7a41d7f9" * 8, False),
        )

    def runs(self, limit: int = 50) -> tuple[RunEntry, ...]:
        self._called("runs", limit)
        return (RUN,)

    def run(self, run_id: str) -> RunEntry:
        self._called("run", run_id)
        return RUN

    def cost(self, select: Sequence[str] = (), *, runs: int = 20) -> Costs:
        self._called("cost", tuple(select), runs)
        return COSTS

    def log(self, run_id: str, key: Key | None = None) -> tuple[LogLine, ...]:
        self._called("log", run_id, key)
        return (
            LogLine("staging.orders", 1, "stdout", "\x1b[32mread 12 files\x1b[0m", NOW),
            LogLine("marts.churn", 2, "stderr", "a title\x1b]0;evil\x07 and a \x1b[2J", NOW),
        )

    def fsck(self, *, repair: bool = False) -> Report | Repaired:
        self._called("fsck", repair)
        return (
            Repaired(self.report, ("moved store/ab/ab12.parquet to quarantine",), SOUND)
            if repair
            else self.report
        )

    def gc(self, keep: Keep, *, dry_run: bool = False) -> Collected:
        self._called("gc", keep, dry_run)
        return Collected(("m1", "m2"), ("ab12.parquet",), (), 31_000_000, 120_000_000)

    def close(self) -> None:
        self.closed += 1


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
    session: Session,
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
