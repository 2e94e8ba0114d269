"""A session without a project behind it: answers from memory, builds by waiting, believable in every respect.

The terminal UI is developed, tested, photographed and measured on it.
"""

from __future__ import annotations

import fnmatch
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from tests.fakes.answers import Answers
from tests.fakes.checks import check_standings
from tests.fakes.shop import NOW, AssetSpec, shop

from upriver.assets.errors import BusyError, DeclarationError, Diagnosis, UsageError
from upriver.assets.model import Column, FileLocation, Key, Source
from upriver.lineage.partitions.slices import SlicesStatus
from upriver.lineage.refactoring.fix import Fix
from upriver.lineage.refactoring.freeze import Freezing
from upriver.lineage.refactoring.rename.values import ColumnRenaming, FileChange, Renaming
from upriver.materializer.answers import (
    Accepted,
    AssetResult,
    AssetStatus,
    AssetTrust,
    BuildResult,
    EnvironmentEntry,
    LogLine,
    Plan,
    RunEntry,
    Step,
    Table,
)
from upriver.materializer.automation.backfill import BackfillStatus
from upriver.materializer.events import (
    AssetFinished,
    AssetOutput,
    AssetProgress,
    AssetStarted,
    Event,
    RunFinished,
    RunStarted,
)
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.model import (
    Action,
    Cause,
    CheckReport,
    Outcome,
    Reason,
    Reasons,
    Refused,
    RunStatus,
    State,
    Trust,
)
from upriver.materializer.ports import Backfill
from upriver.materializer.quality.check_standing import CheckStanding
from upriver.materializer.quality.unit_test_report import UnitTestReport
from upriver.materializer.upkeep.fsck import Report
from upriver.materializer.upkeep.gc import Collected, Keep
from upriver.materializer.upkeep.repair import Repaired
from upriver.tui.present.views.order import reach

_WORK = {State.STALE, State.PENDING, State.MISSING, State.FAILED, State.BLOCKED}


class FakeSession(Answers):
    """*specs* are the project. *pace* is how many real seconds a build second takes; *failing* ones fail."""

    def __init__(
        self,
        specs: Iterable[AssetSpec] | None = None,
        *,
        root: Path = Path("/projects/shop"),
        pace: float = 0.002,
        failing: Iterable[Key] = ("marts.churn",),
        clock: Callable[[], float] = lambda: NOW,
    ) -> None:
        self.root, self.environment, self.builds_detached = root, "dev", False
        self.pace = pace
        self.stopped: list[str] = []
        self.clock = clock
        self.failing = set(failing)
        self.problems: tuple[Diagnosis, ...] = ()
        self.broken: Exception | None = None
        self._changes = 0
        self._mutex = threading.RLock()
        self._news = threading.Condition(self._mutex)
        self._live: str | None = None
        self._entries: dict[str, RunEntry] = {}
        self._told: dict[str, list[Event]] = {}
        self.specs: dict[Key, AssetSpec] = {}
        self.statuses: dict[Key, AssetStatus] = {}
        self.replace(shop() if specs is None else specs)
        self._record_past()

    # -- what a test does to the project -----------------------------------------------------------

    def replace(self, specs: Iterable[AssetSpec]) -> None:
        """Let the project consist of *specs* (upstream first) from now on."""
        with self._mutex:
            self.specs = {spec.key: spec for spec in specs}
            readers: dict[Key, list[Key]] = {key: [] for key in self.specs}
            for spec in self.specs.values():
                for upstream in spec.upstreams:
                    readers[upstream].append(spec.key)
            now = self.clock()
            self.statuses = {
                key: AssetStatus(
                    asset=key,
                    kind=spec.kind,
                    state=spec.state,
                    reasons=spec.reasons,
                    materialized_at=None if spec.age is None else now - spec.age,
                    rows=spec.rows,
                    bytes=None if spec.rows is None else spec.rows * 26,
                    seconds=spec.seconds,
                    upstreams=spec.upstreams,
                    downstreams=tuple(readers[key]),
                    tags=spec.tags,
                    owner=spec.owner,
                    description=spec.description,
                    place=spec.place,
                    engine=spec.engine,
                    error="\n".join(spec.error) or None,
                )
                for key, spec in self.specs.items()
            }
            self._changes += 1

    def edit(self, key: Key) -> None:
        """The recipe of *key* is changed in its file."""
        with self._mutex:
            reason = Reason(Cause.RECIPE, key, detail=f"{self.specs[key].place.path}:3 changed")
            self._mark(key, State.STALE, (reason,))
            for below in self._descendants(key):
                if self.statuses[below].state is State.FRESH:
                    upstreams = self.specs[below].upstreams
                    upstream = next(u for u in upstreams if self.statuses[u].state in _WORK)
                    self._mark(below, State.PENDING, (Reason(Cause.UPSTREAM, upstream, detail="stale"),))
            self._changes += 1

    def rename_column(self, renaming: ColumnRenaming) -> None:
        if self.broken is not None:
            raise self.broken
        spec = self.specs[renaming.key]
        columns = tuple(
            msgspec.structs.replace(one, name=renaming.new) if one.name == renaming.old else one
            for one in spec.columns
        )
        self.replace(
            msgspec.structs.replace(one, columns=columns) if one.key == renaming.key else one
            for one in self.specs.values()
        )

    def rename(self, renaming: Renaming) -> None:
        if self.broken is not None:
            raise self.broken

        def named(key: Key) -> Key:
            return renaming.new if key == renaming.old else key

        self.replace(
            msgspec.structs.replace(spec, key=named(spec.key), upstreams=tuple(map(named, spec.upstreams)))
            for spec in self.specs.values()
        )

    def freezing(self, key: Key, *, closed: bool = False) -> Freezing:
        file = FileChange(f"assets/{key}.sql", f"assets/{key}.sql", "", b"", 1)
        return Freezing(key, (Column("id", "BIGINT"),), closed, file, ("+  id: {type: BIGINT}",))

    def freeze(self, freezing: Freezing) -> None:
        self.edit(freezing.asset)

    def apply_fix(self, fix: Fix) -> None:
        if self.broken is not None:
            raise self.broken
        self.failing.discard(fix.asset)
        self.edit(fix.asset)

    def declare_wrongly(self, *problems: Diagnosis) -> None:
        """The declarations have *problems* from now on; none when called without."""
        with self._mutex:
            self.problems = problems
            self._changes += 1

    # -- the session -------------------------------------------------------------------------------

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        return self.problems

    def revision(self) -> str:
        if self.broken is not None:
            raise self.broken
        return str(self._changes)

    def sources(self) -> tuple[Source, ...]:
        return tuple(
            Source(spec.key, FileLocation((f"data/{spec.key}.csv",), "csv"), spec.place, spec.description)
            for spec in self.specs.values()
            if spec.engine == "source"
        )

    def columns(self, key: Key) -> tuple[str, ...]:
        return tuple(column.name for column in self.specs[key].columns)

    def fsck(self, *, repair: bool = False) -> Report | Repaired:
        built = [status.bytes or 0 for status in self.statuses.values() if status.rows is not None]
        sound = Report((), (), len(built), sum(built))
        return Repaired(sound, (), sound) if repair else sound

    def gc(self, keep: Keep, *, dry_run: bool = False) -> Collected:
        return Collected((), (), (), 0, sum(status.bytes or 0 for status in self.statuses.values()))

    def keys(self, select: Sequence[str] = (), *, sources: bool = True) -> tuple[Key, ...]:
        if not select:
            chosen = set(self.statuses)
        else:
            chosen = set()
            for term in select:
                chosen |= self._match(term)
        return tuple(
            k for k in self.statuses if k in chosen and (sources or self.specs[k].engine != "source")
        )

    def status(self, select: Sequence[str] = (), *, verify: bool = False) -> tuple[AssetStatus, ...]:
        self._check()
        with self._mutex:
            return tuple(self.statuses[key] for key in self.keys(select))

    def trust(self, select: Sequence[str] = ()) -> tuple[AssetTrust, ...]:
        return tuple(
            AssetTrust(key, Trust.CONTENT if self.statuses[key].rows is not None else None)
            for key in self.keys(select, sources=False)
        )

    def check(self, select: Sequence[str] = (), *, force: bool = False) -> CheckReport:
        return CheckReport(())

    def test(
        self,
        select: Sequence[str] = (),
        *,
        paths: Sequence[str] | None = None,
        name: str | None = None,
        known: Sequence[str] = (),
    ) -> UnitTestReport:
        return UnitTestReport(())

    def checks(self, select: Sequence[str] = ()) -> tuple[CheckStanding, ...]:
        return check_standings(self.specs)

    def refused(self, key: Key) -> Refused:
        return Refused(key, "0" * 24, "20240501-120000-aaaaaa", self.clock(), ("unique(customer)",))

    def offenders(self, key: Key, check: str, *, limit: int = 1000) -> Table:
        return Table(("customer",), ("VARCHAR",), (("ada",), ("ada",)), 2)

    def backfills(self) -> tuple[BackfillStatus, ...]:
        return (
            BackfillStatus(Backfill("b1", ("marts.revenue",), ("2013-01..",), NOW, built=7), 12, (1.2, 4.8)),
        )

    def backfill(
        self,
        select: Sequence[str] = (),
        partition: Sequence[str] = (),
        *,
        share: float = 1.0,
        oldest_first: bool = False,
        resume: str | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        cancel: Cancel | None = None,
    ) -> BackfillStatus:
        raise UsageError("nothing of this project is partitioned")

    def forget_backfill(self, id: str) -> BackfillStatus:
        [known] = self.backfills()
        if id != known.goal.id:
            raise UsageError(f"there is no backfill {id!r}")
        return known

    def slice_filter(self, key: Key, partition: Sequence[str]) -> str:
        return "true"

    def partitions(self, select: Sequence[str] = ()) -> tuple[SlicesStatus, ...]:
        return ()

    def plan(self, select: Sequence[str] = (), *, force: bool = False) -> Plan:
        self._check()
        with self._mutex:
            steps = []
            for key in self._closure(select):
                status = self.statuses[key]
                if status.engine == "source":
                    continue
                action = Action.FRESH
                if force or status.state in (State.STALE, State.MISSING, State.FAILED):
                    action = Action.BUILD
                elif status.state in (State.PENDING, State.BLOCKED):
                    action = Action.MAYBE
                steps.append(Step(key, action, status.reasons, status.seconds))
        work = [step for step in steps if step.action is not Action.FRESH]
        path = self._critical_path([step.asset for step in work])
        return Plan(tuple(steps), path, sum(self.statuses[key].seconds or 0.0 for key in path) or None)

    def build(
        self,
        select: Sequence[str] = (),
        *,
        force: bool = False,
        jobs: int | None = None,
        fail_fast: bool = False,
        wait: float | None = 0.0,
        accept: Sequence[str] = (),
        because: str = "",
        partition: Sequence[str] = (),
        on_event: Callable[[Event], None] = lambda event: None,
        cancel: Cancel | None = None,
    ) -> BuildResult:
        self._check()
        with self._mutex:
            if self._live is not None:
                raise BusyError(f"run {self._live} is going on in process 4711 on this machine")
            run = f"{len(self._entries) + 1:04d}"
            self._live = run
            self._told[run] = []
            self._entries[run] = RunEntry(run, RunStatus.RUNNING, self.clock(), None, tuple(select))
        steps = list(self.plan(select, force=force).steps)
        result = self._simulate(run, steps, tuple(select), jobs or 2, cancel or Cancel(), on_event)
        with self._news:
            self._live = None
            self._changes += 1
            self._entries[run] = RunEntry(
                run, result.status, self._entries[run].started, self.clock(), tuple(select), result.assets
            )
            self._news.notify_all()
        return result

    def build_elsewhere(self, select: Sequence[str] = ()) -> threading.Thread:
        """A build in what looks like another process."""
        thread = threading.Thread(target=self.build, args=(select,), daemon=True)
        thread.start()
        return thread

    def runs(self, limit: int = 50) -> tuple[RunEntry, ...]:
        with self._mutex:
            listed = list(self._entries.values())[::-1][:limit]
            # As the real one: a listing tells how many, one run tells which.
            return tuple(msgspec.structs.replace(e, assets=(), counts=e.tally()) for e in listed)

    def run(self, run_id: str) -> RunEntry:
        with self._mutex:
            if run_id == "last" and self._entries:
                return next(reversed(self._entries.values()))
            if run_id not in self._entries:
                raise UsageError(f"no run {run_id}")
            return self._entries[run_id]

    def log(self, run_id: str, key: Key | None = None) -> tuple[LogLine, ...]:
        return tuple(
            LogLine(event.asset, event.attempt, event.stream, event.text, event.at)
            for event in self._told.get(run_id, ())
            if isinstance(event, AssetOutput) and key in (None, event.asset)
        )

    def events(self, run_id: str) -> tuple[Event, ...]:
        return tuple(self._told.get(run_id, ()))

    def follow(self, run_id: str, stop: Callable[[], bool]) -> Iterator[Event]:
        seen = 0
        while not stop():
            with self._news:
                known = self._told[run_id]
                if seen == len(known):
                    self._news.wait(0.05)
                news = known[seen:]
            for event in news:
                seen += 1
                yield event
                if isinstance(event, RunFinished):
                    return

    def stop_run(self, run_id: str) -> None:
        self.stopped.append(run_id)

    def live_run(self) -> str | None:
        return self._live

    def require_environment(self) -> None:
        return

    def accept(self, select: Sequence[str]) -> tuple[Accepted, ...]:
        schema = (Column("id", "BIGINT"), Column("amount", "VARCHAR"))
        before = (Column("id", "BIGINT"), Column("amount", "DOUBLE"))
        changes = ("amount was DOUBLE, now VARCHAR",)
        return tuple(
            Accepted(key, before, schema, changes) for key in self.keys(select) if self._is_source(key)
        )

    def _is_source(self, key: Key) -> bool:
        return self.specs[key].engine == "source"

    def environments(self) -> tuple[EnvironmentEntry, ...]:
        running = () if self._live is None else (self._live,)
        return (
            EnvironmentEntry("dev", True, False, len(self.keys(sources=False)), running),
            EnvironmentEntry("prod", False, False, 3),
        )

    def remove_environment(self, name: str) -> int:
        if name != "prod":
            raise UsageError(f"there is no environment {name!r} that can be removed")
        return 3

    def close(self) -> None:
        return

    # -- inside ------------------------------------------------------------------------------------

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken
        if self.problems:
            raise DeclarationError(self.problems)

    def _mark(self, key: Key, state: State, reasons: Reasons = (), **changes: object) -> None:
        self.statuses[key] = msgspec.structs.replace(
            self.statuses[key], state=state, reasons=reasons, **changes
        )

    def _match(self, term: str) -> set[Key]:
        up, down, body = term.startswith("+"), term.endswith("+"), term.strip("+")
        kind, _, value = body.partition(":")
        if kind == "state" and value:
            found = {k for k, s in self.statuses.items() if s.state.value == value}
        elif kind == "tag" and value:
            found = {k for k, s in self.specs.items() if value in s.tags}
        else:
            found = {k for k in self.statuses if fnmatch.fnmatchcase(k, body)}
            if not found and not set("*?[") & set(body):
                raise UsageError(f"there is no asset {body!r}")
        more: set[Key] = set()
        for key in found:
            more |= self._ancestors(key) if up else set()
            more |= self._descendants(key) if down else set()
        return found | more

    def _closure(self, select: Sequence[str]) -> tuple[Key, ...]:
        chosen = set(self.keys(select))
        for key in tuple(chosen):
            chosen |= self._ancestors(key)
        return tuple(key for key in self.statuses if key in chosen)

    def _ancestors(self, key: Key) -> set[Key]:
        return reach(self.statuses, key, down=False)

    def _descendants(self, key: Key) -> set[Key]:
        return reach(self.statuses, key, down=True)

    def _critical_path(self, keys: Sequence[Key]) -> tuple[Key, ...]:
        best: dict[Key, tuple[float, tuple[Key, ...]]] = {}
        for key in keys:
            before = max((best[u] for u in self.specs[key].upstreams if u in best), default=(0.0, ()))
            best[key] = (before[0] + (self.statuses[key].seconds or 0.0), (*before[1], key))
        return max(best.values(), default=(0.0, ()))[1]

    def _emit(self, run: str, event: Event, on_event: Callable[[Event], None]) -> None:
        with self._news:
            self._told[run].append(event)
            self._changes += 1
            self._news.notify_all()
        on_event(event)

    def _simulate(
        self,
        run: str,
        steps: list[Step],
        select: tuple[str, ...],
        jobs: int,
        cancel: Cancel,
        on_event: Callable[[Event], None],
    ) -> BuildResult:
        started = self.clock()
        now = started

        def tell(event: Event) -> None:
            self._emit(run, event, on_event)

        waiting = list(steps)
        expected = tuple((s.asset, s.seconds) for s in steps if s.seconds and s.action is not Action.FRESH)
        tell(RunStarted(now, run, tuple(step.asset for step in steps), jobs, expected, select))
        bad = {k for k, s in self.statuses.items() if s.engine == "source" and s.state is State.MISSING}
        done: set[Key] = {k for k, s in self.statuses.items() if s.engine == "source" and k not in bad}
        planned = {step.asset for step in steps}
        running: dict[Key, tuple[float, float, int]] = {}
        results: list[AssetResult] = []

        def finish(step: Step, outcome: Outcome, seconds: float = 0.0, error: str | None = None) -> None:
            rows = self.specs[step.asset].rows if outcome is Outcome.BUILT else None
            size = None if rows is None else rows * 26
            results.append(
                AssetResult(
                    step.asset, outcome, outcome is Outcome.BUILT, step.reasons, rows, size, seconds, error
                )
            )
            if outcome in (Outcome.BUILT, Outcome.REUSED):
                self._mark(step.asset, State.FRESH, materialized_at=now, error=None)
            elif outcome is Outcome.FAILED:
                reasons = (Reason(Cause.FAILED, step.asset, detail=(error or "").split("\n")[0]),)
                self._mark(step.asset, State.FAILED, reasons, error=error)
            elif outcome is Outcome.BLOCKED:
                self._mark(step.asset, State.BLOCKED, step.reasons)
            tell(AssetFinished(now, results[-1]))

        by_key = {step.asset: step for step in steps}
        while waiting or running:
            if cancel.level:
                for step in waiting:
                    finish(step, Outcome.CANCELLED)
                waiting = []
                for key in tuple(running):
                    del running[key]
                    finish(by_key[key], Outcome.CANCELLED)
                break
            for key in [key for key in running if key in cancel.dropped]:
                del running[key]
                bad.add(key)
                finish(by_key[key], Outcome.CANCELLED)
            for step in tuple(waiting):
                if step.asset in cancel.dropped:
                    waiting.remove(step)
                    bad.add(step.asset)
                    finish(step, Outcome.CANCELLED)
                    continue
                upstreams = self.specs[step.asset].upstreams
                if any(up in bad for up in upstreams):
                    bad.add(step.asset)
                    waiting.remove(step)
                    finish(step, Outcome.BLOCKED)
                elif len(running) < jobs and all(up in done or up not in planned for up in upstreams):
                    waiting.remove(step)
                    if step.action is Action.FRESH:
                        done.add(step.asset)
                        finish(step, Outcome.FRESH)
                        continue
                    if step.action is Action.MAYBE and step.asset == "marts.revenue":
                        done.add(step.asset)
                        finish(step, Outcome.REUSED)
                        continue
                    taken = {used for _, _, used in running.values()}
                    slot = next(n for n in range(1, jobs + 1) if n not in taken)
                    running[step.asset] = (now, step.seconds or 0.5, slot)
                    self._mark(step.asset, State.RUNNING, step.reasons, running_since=now)
                    tell(AssetStarted(now, step.asset, 1, slot, step.reasons))
                    text = f"reading {len(upstreams)} upstream tables"
                    tell(AssetOutput(now, step.asset, 1, "stdout", text))
            if not running:
                continue
            key = min(running, key=lambda k: running[k][0] + running[k][1])
            begun, takes, _ = running[key]
            rest = max(0.0, begun + takes - now)
            for part in range(1, 5):
                if cancel.level or key in cancel.dropped:
                    break
                time.sleep(rest * self.pace / 4)
                at = now + rest * part / 4
                for other, (since, length, _) in running.items():
                    tell(AssetProgress(at, other, min(1.0, (at - since) / length), 64_000_000))
            if cancel.level or key in cancel.dropped:
                continue
            now += rest
            del running[key]
            step = by_key[key]
            if key in self.failing:
                error = "\n".join(self.specs[key].error) or "ValueError: it fails on purpose"
                tell(AssetOutput(now, key, 1, "stderr", error.split("\n")[0]))
                bad.add(key)
                finish(step, Outcome.FAILED, takes, error)
            else:
                done.add(key)
                finish(step, Outcome.BUILT, takes)
        status = RunStatus.SUCCESS
        if cancel.level:
            status = RunStatus.INTERRUPTED
        elif any(r.action in (Outcome.FAILED, Outcome.BLOCKED) for r in results):
            status = RunStatus.FAILED
        tell(RunFinished(now, run, status))
        return BuildResult(run, status, tuple(results))

    def _record_past(self) -> None:
        """Eight earlier runs, so that there is a history to show."""
        now = self.clock()
        for number in range(1, 9):
            run = f"{number:04d}"
            at = now - (9 - number) * 3 * 3600.0
            results = []
            for position, (key, spec) in enumerate(self.specs.items()):
                if spec.seconds is None or position > 400:
                    continue
                outcome = Outcome.BUILT
                if spec.state in (State.FAILED, State.BLOCKED) and number > 6:
                    outcome = Outcome.FAILED if spec.state is State.FAILED else Outcome.BLOCKED
                wobble = 1 + 0.25 * ((position * 7 + number * 5) % 9 - 4) / 4
                error = ("\n".join(spec.error) or None) if outcome is Outcome.FAILED else None
                results.append(
                    AssetResult(
                        key,
                        outcome,
                        outcome is Outcome.BUILT,
                        (),
                        spec.rows,
                        None,
                        spec.seconds * wobble,
                        error,
                    )
                )
            status = (
                RunStatus.FAILED if any(r.action is Outcome.FAILED for r in results) else RunStatus.SUCCESS
            )
            self._entries[run] = RunEntry(run, status, at, at + 32.0, ("+marts.revenue",), tuple(results))
            self._told[run] = list(_replayed(self._entries[run]))


def _replayed(entry: RunEntry) -> Iterator[Event]:
    keys = tuple(result.asset for result in entry.assets)
    expected = tuple((result.asset, result.seconds) for result in entry.assets)
    yield RunStarted(entry.started, entry.id, keys, 2, expected, entry.select)
    at = entry.started
    for slot, result in enumerate(entry.assets):
        yield AssetStarted(at, result.asset, 1, slot % 2 + 1, result.reasons)
        yield AssetOutput(at + 0.01, result.asset, 1, "stdout", f"{result.rows or 0:,} rows")
        at += result.seconds / 2
        yield AssetFinished(at, result)
    yield RunFinished(entry.finished or at, entry.id, entry.status)
