"""A build: takes the lease, plans, runs the scheduler and records the outcome."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from upriver.assets.errors import StoreError
from upriver.assets.identity import Node
from upriver.assets.model import Key, PythonRecipe
from upriver.lineage.project.project import Project
from upriver.materializer.answers import AssetResult, BuildResult
from upriver.materializer.context import Context
from upriver.materializer.events import AssetFinished, AssetOutput, Event, RunFinished, RunStarted
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.execution.live_view import LiveView
from upriver.materializer.execution.options import Options as Options
from upriver.materializer.execution.verification import SetAside, set_aside_damaged
from upriver.materializer.freshness.stages import stages
from upriver.materializer.freshness.subjects import subject_now
from upriver.materializer.freshness.survey import Survey, survey
from upriver.materializer.model import (
    Action,
    Cause,
    Failure,
    Outcome,
    Run,
    RunStatus,
)
from upriver.materializer.ports import Executor, Lease
from upriver.materializer.runs.event_log import RunLog
from upriver.materializer.sources.systems.looking import Asking

if TYPE_CHECKING:
    from upriver.materializer.execution.attempt import AttemptFailed
    from upriver.materializer.quality.audit import Auditor


_SLOW = 0.1
"""Seconds from which on it is worth knowing what an asset's query takes of memory."""


class Build:
    """One build of the assets *among* (complete with their upstream), of which *asked* were selected."""

    def __init__(
        self,
        context: Context,
        among: Collection[Key],
        asked: Collection[Key],
        options: Options,
        listener: Callable[[Event], None],
        cancel: Cancel,
    ) -> None:
        self._context = context
        self._among = among
        self._asked = asked
        self._options = options
        self._listener = listener
        self._cancel = cancel
        self.run_id = new_run_id(context.clock.now())

    def execute(self) -> BuildResult:
        """Build. Raises BusyError, DeclarationError, StoreError."""
        context, options = self._context, self._options
        now = context.clock.now()
        run = Run(
            self.run_id,
            RunStatus.RUNNING,
            now,
            None,
            options.select,
            os.getpid(),
            _host(),
            environment=context.environment,
        )
        lease = context.state.acquire(run, options.wait)
        log: RunLog | None = None
        status = RunStatus.FAILED
        try:
            log = RunLog(context.runs_folder, self.run_id, self._listener)
            context.sweep()
            results = self._work(lease, log)
            status = self._status(results)
            # What was found fresh is told by the events alone: ten thousand rows a build would be most of the state.
            outcomes = [_outcome(result) for result in results if result.action is not Outcome.FRESH]
            if outcomes:
                context.state.record_outcomes(lease, self.run_id, outcomes)
            counts = Counter(result.action for result in results)
            context.state.finish(lease, self.run_id, status, context.clock.now(), counts)
            return BuildResult(self.run_id, status, results)
        except BaseException:
            with suppress(Exception):  # the first error is the one to hear of; the next build reaps the run
                context.state.finish(lease, self.run_id, RunStatus.FAILED, context.clock.now())
            raise
        finally:
            if log is not None:
                log.emit(RunFinished(context.clock.now(), self.run_id, status))
                log.close()
            lease.release()

    def _status(self, results: Sequence[AssetResult]) -> RunStatus:
        if self._cancel.level:
            return RunStatus.INTERRUPTED
        ends = {result.action for result in results}
        if Outcome.CANCELLED in ends and Outcome.FAILED not in ends:
            return RunStatus.INTERRUPTED
        bad = {Outcome.FAILED, Outcome.BROKEN}
        if not any(reason.kind is Cause.APPROVAL for one in results for reason in one.reasons):
            bad.add(Outcome.BLOCKED)  # else it waits for a person, and nothing is wrong
        return RunStatus.FAILED if ends & bad else RunStatus.SUCCESS

    def _work(self, lease: Lease, log: RunLog) -> tuple[AssetResult, ...]:
        context = self._context
        project = context.project(refresh=False)
        forced = [key for key in self._asked if key in project.assets] if self._options.force else ()
        ahead = context.open_engine_ahead
        aside: list[SetAside] = []
        while True:
            seen = survey(
                context, among=self._among, forced=forced, check=True, on_unbuilt=ahead, asking=Asking.DUE
            )
            if not (found := set_aside_damaged(context, lease, seen, self.run_id)):
                break
            aside += found
        notes = seen.views.sources.take_notes()
        jobs = self._options.jobs or project.config.jobs or max(2, os.cpu_count() or 1)
        idle = all(finding.action is Action.FRESH for finding in seen.findings.values())
        durations = {} if idle else context.state.durations(context.environment)
        expected = tuple(
            (node.asset, durations[node][0])
            for node, finding in seen.findings.items()
            if finding.action in (Action.BUILD, Action.MAYBE) and node in durations
        )
        order = tuple([node.asset for node in seen.findings])
        log.emit(RunStarted(context.clock.now(), self.run_id, order, jobs, expected, self._options.select))
        # Beside the assets, of which an event may tell: a source has no attempt.
        for key, note in notes:
            log.emit(AssetOutput(context.clock.now(), key, 0, "warning", note))
        for one in aside:
            log.emit(AssetOutput(context.clock.now(), one.asset, 0, "upriver", one.text))
        results = self._all_fresh(seen, log) if idle else self._run(lease, log, seen, jobs, durations)
        return self._delivered(log, seen.project, results)

    def _delivered(
        self, log: RunLog, project: Project, results: tuple[AssetResult, ...]
    ) -> tuple[AssetResult, ...]:
        """*results*, with what is to be elsewhere written there."""
        if self._cancel.level or all(asset.sink is None for asset in project.assets.values()):
            return results
        from upriver.materializer.execution.deliveries import deliver

        ended, notes = deliver(self._context, project, results)
        for key, note in notes:
            log.emit(AssetOutput(self._context.clock.now(), key, 0, "upriver", note))
        for before, after in zip(results, ended, strict=True):
            if before is not after:
                log.emit(AssetFinished(self._context.clock.now(), after))
        return ended

    def _all_fresh(self, seen: Survey, log: RunLog) -> tuple[AssetResult, ...]:
        now, fresh = self._context.clock.now(), Outcome.FRESH
        found = tuple(
            [
                AssetResult(
                    node.asset,
                    fresh,
                    rows=finding.version.rows,
                    bytes=finding.version.bytes,
                    partition=node.partition,
                )
                for node, finding in seen.findings.items()
                if finding.version is not None
            ]
        )
        log.emit_all([AssetFinished(now, result) for result in found])
        return found

    def _run(
        self,
        lease: Lease,
        log: RunLog,
        seen: Survey,
        jobs: int,
        durations: Mapping[Node, tuple[float, int | None]],
    ) -> tuple[AssetResult, ...]:
        # Most builds find nothing to make: they don't pay for what makes things.
        from upriver.materializer.execution.claims import Claims
        from upriver.materializer.execution.committer import Committer
        from upriver.materializer.execution.materialize import Maker
        from upriver.materializer.execution.memory_budget import took_before
        from upriver.materializer.execution.renewal import Renewal
        from upriver.materializer.execution.retrying import cause_of
        from upriver.materializer.execution.scheduler import Run as Execution
        from upriver.materializer.execution.work import Limits, Work

        context = self._context
        project = seen.project
        broken = {node: finding for node, finding in seen.findings.items() if finding.action is Action.BROKEN}
        stale = [
            node.asset
            for node, finding in seen.findings.items()
            if finding.action is not Action.FRESH and node.asset in project.assets
        ]
        project.parse_all(key for key in stale if not isinstance(project.assets[key].recipe, PythonRecipe))
        python = sum(1 for key in stale if isinstance(project.assets[key].recipe, PythonRecipe))
        executor = context.parts.executor(project, jobs)
        executor.expect(min(python, jobs))
        seconds = {node: one[0] for node, one in durations.items()}
        planned = stages(project.graph.nodes, seen.findings, seconds, seen.views.sizes(project.sources))
        slow = {node.asset for node, took in seconds.items() if took >= _SLOW}
        auditor = self._auditor(lease, seen, executor) if project.checks else None
        forced = set(project.graph.nodes.of(self._asked)) if self._options.force else set()
        maker = Maker(
            context,
            seen,
            executor,
            self.run_id,
            log,
            self._cancel,
            slow,
            auditor,
            wanted=self._options.slices,
            forced=forced,
        )

        renewal = Renewal(
            project, seen, lambda node: subject_now(context, node, ordered=node.asset in seen.ordered)
        )

        def failed(node: Node, error: AttemptFailed, attempts: int, inputs: str) -> None:
            before, recipe = seen.failures.get(node), project.fingerprints[node.asset]
            like = before is not None and (before.recipe, before.inputs) == (recipe, inputs)
            again = like and before is not None and cause_of(before.error) == cause_of(str(error))
            failure = Failure(
                node.asset,
                self.run_id,
                recipe,
                context.clock.now(),
                str(error),
                error.traceback,
                attempts,
                node.partition,
                times=before.times + 1 if again and before is not None else 1,
                inputs=inputs,
            )
            context.state.record_failure(lease, context.environment, failure)
            for line in error.traceback.splitlines():
                log.emit(
                    AssetOutput(context.clock.now(), node.asset, attempts, "traceback", line, node.partition)
                )

        committer: Committer | None = None
        execution = Execution(
            Work(
                graph=project.graph.nodes,
                assets=project.assets,
                broken=broken,
                order=tuple(seen.findings),
                consider=renewal.consider,
                claims=Claims(
                    context.state,
                    lease,
                    context.environment,
                    project.graph.nodes,
                    project.assets,
                    LiveView(context, seen),
                    budget=project.config.memory,
                    pools={
                        node: (pool, slots)
                        for node in seen.findings
                        if (asset := project.assets.get(node.asset)) is not None
                        and (pool := asset.execution.pool) is not None
                        and (slots := project.config.pools.get(pool)) is not None
                    },
                ),
                source=seen.views.upstream,
                source_problem=seen.views.absence,
                attempt=lambda *told: renewal.ran(maker.attempt(*told)),
                guarded=project.checks,
                audit=maker.audit,
                fallback=seen.decider.fallback,
                put=lambda made, seen: committer.put(made, seen),  # type: ignore[union-attr]  # noqa: PLW0108 -- made below
                failed=failed,
                emit=log.emit,
                cancelled=lambda: self._cancel.draining or self._cancel.level > 0,
                dropped=lambda: self._cancel.dropped,
                priority=planned.priority,
                took=took_before(durations, seen.records),
                limits=Limits(jobs, project.config.memory, project.config.pools, self._options.fail_fast),
                clock=context.clock,
            )
        )
        committer = Committer(
            context.store,
            context.state,
            lease,
            context.environment,
            committed=execution.committed,
            lost=execution.lost,
            failed=execution.commit_failed,
            saturated=execution.saturated,
            clock=context.clock,
        )
        try:
            execution.execute()
        finally:
            committer.close()
            executor.close()
            seen.contents.flush()
            with suppress(StoreError):  # facts: they can be taken again
                context.state.remember_profiles(maker.profiles)
            context.analyzer().flush()
            parts = {project.fingerprints[key]: project.parts(key) for key in stale}
            context.state.remember_recipes(parts)
        return execution.results

    def _auditor(self, lease: Lease, seen: Survey, executor: Executor) -> Auditor:
        from upriver.materializer.quality.audit import Auditor
        from upriver.materializer.quality.predicates import Predicates

        context = self._context
        code, variables = seen.project.files.code_digest(), context.variables(seen.project)
        return Auditor(
            context.engine(),
            context.state,
            context.store,
            seen.contents,
            context.environment,
            variables,
            context.clock,
            run=self.run_id,
            accept=self._options.accept,
            because=self._options.because,
            record=lambda accepted: context.state.accept(lease, context.environment, accepted),
            predicates=Predicates(
                lambda: executor,
                context.engine(),
                context.store,
                code,
                variables,
                cancelled=lambda: self._cancel.level > 0,
            ),
            earlier=lambda key: [one.version for one in context.state.history(key, 20)],
        )


def new_run_id(now: float) -> str:
    """Ids sort by time: ``20130401-173000-1f2e3d``. Two builds of one second must not meet in the rest of it."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{os.urandom(3).hex()}"


def _host() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename  # as socket.gethostname() would say, without loading sockets
    import socket

    return socket.gethostname()


def _outcome(result: AssetResult) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(result)
    return found
