"""Operations on quality: checks run on what is served, refused artifacts and offenders shown."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

from upriver.assets.errors import UsageError, did_you_mean
from upriver.assets.identity import Node
from upriver.assets.model import Check, Key
from upriver.lineage.project.project import Project
from upriver.materializer.answers import Table
from upriver.materializer.context import Context
from upriver.materializer.model import (
    CheckOutcome,
    CheckReport,
    CheckResult,
    Refusal,
    Refused,
    Verdict,
    Version,
)
from upriver.materializer.operations import ProjectApi
from upriver.materializer.ports import Executor

if TYPE_CHECKING:
    from upriver.materializer.quality.check_standing import CheckStanding
    from upriver.materializer.quality.unit_test_report import UnitTestReport

_PAST = 8
"""So many runs of a check are told."""


class Gates(ProjectApi):
    """The part of a session that checks. The session gives the context, and takes turns."""

    context: Context
    _reading: threading.RLock

    @abstractmethod
    def _known(self, key: Key, *, as_watched: bool = True) -> Project: ...

    @abstractmethod
    def _select(self, project: Project, texts: Sequence[str]) -> frozenset[Key]: ...

    def check(self, select: Sequence[str] = (), *, force: bool = False) -> CheckReport:
        from upriver.materializer.freshness.observe import observe
        from upriver.materializer.inspection.versions import recorded_versions
        from upriver.materializer.quality.audit import Auditor
        from upriver.materializer.quality.memory import Content
        from upriver.materializer.quality.predicates import Predicates

        with self._reading:
            context = self.context
            project = context.project()
            chosen = [
                key for key in project.graph.sort(self._select(project, select)) if key in project.checks
            ]
            if not chosen:
                return CheckReport(())
            seen = observe(context, among=project.graph.ancestors(chosen))
            variables = context.variables(project)
            opened = ExitStack()

            @cache
            def executor() -> Executor:
                found = context.parts.executor(project, 1)
                opened.callback(found.close)
                return found

            code = project.files.code_digest()
            verdicts: dict[str, Verdict] = {}
            auditor = Auditor(
                context.engine(), context.state, context.store, seen.contents, context.environment, variables,
                context.clock, forced=chosen if force else (),
                predicates=Predicates(executor, context.engine(), context.store, code, variables),
                earlier=lambda key: [one.version for one in context.state.history(key, 20)],
                keep=verdicts.update,
            )  # fmt: skip
            versions = recorded_versions(context)
            found: list[CheckResult] = []
            with opened, context.store.reading():
                for key in chosen:
                    checks = project.checks[key]
                    needed = {key, *(other for check in checks for other in check.others)}
                    there = context.locator.those_there(
                        {one: versions[one] for one in needed if one in versions}
                    )
                    found += _undone(key, checks, there)
                    contents = {
                        one: Content(version, context.locator.located(version))
                        for one, version in there.items()
                    }
                    can = [check for check in checks if {key, *check.others} <= there.keys()]
                    if can:
                        found += auditor.audit(key, can, contents[key], contents).results
            context.state.remember_verdicts(verdicts)
            seen.contents.flush()
            return CheckReport(tuple(found))

    def checks(self, select: Sequence[str] = ()) -> tuple[CheckStanding, ...]:
        from upriver.materializer.inspection.versions import recorded_versions
        from upriver.materializer.quality.check_standing import CheckRun, CheckStanding
        from upriver.materializer.quality.gate import Gate
        from upriver.materializer.quality.verdicts import passes

        with self._reading:
            context = self.context
            project = context.project()
            if not project.checks:
                return ()
            chosen = self._select(project, select) if select else project.checks.keys()
            state, variables, now = context.state, context.variables(project), context.clock.now()
            gate = Gate(project.checks, lambda: state, context.environment, context.clock.now, variables)
            versions = recorded_versions(context)
            refusals = self._standing_refusals(project.checks.keys() & chosen)
            found: list[CheckStanding] = []
            for key in project.graph.sort(project.checks.keys() & chosen):
                checks, refusal = project.checks[key], refusals.get(key)
                version = refusal.materialization.version if refusal is not None else versions.get(key)
                results = {one.check: one for one in _undone(key, checks, versions)}
                if version is not None:
                    results |= {one.check: one for one in gate.standing(key, version, versions.get).results}
                for check in checks:
                    past = {
                        (one.at, one.run): CheckRun(
                            one.at, passes(check, one, now), one.offenders, one.rows, one.run
                        )
                        for one in state.verdict_history(key, check.name, 2 * _PAST)
                    }
                    runs = tuple(sorted(past.values(), key=lambda one: one.at)[-_PAST:])
                    if check.name in results:
                        found.append(CheckStanding(results[check.name], runs, refusal is not None))
            return tuple(found)

    def _standing_refusals(self, keys: Collection[Key]) -> dict[Key, Refusal]:
        """The refusals of what a build of now would give: others are of contents that are not wanted any more."""
        from upriver.materializer.freshness.survey import survey

        context = self.context
        refusals = {
            node.asset: one
            for node, one in context.state.refusals(context.environment).items()
            if node.asset in keys
        }
        if not refusals:
            return {}
        seen = survey(context, among=context.project(refresh=False).graph.ancestors(refusals))
        wanted = {node.asset: one.reuse for node, one in seen.findings.items() if one.reuse is not None}
        return {
            key: one
            for key, one in refusals.items()
            if key in wanted and wanted[key].id == one.materialization.id
        }

    def test(
        self,
        select: Sequence[str] = (),
        *,
        paths: Sequence[str] | None = None,
        name: str | None = None,
        known: Sequence[str] = (),
    ) -> UnitTestReport:
        from upriver.assets.loading.unit_test import unit_tests
        from upriver.materializer.execution.unit_tests import UnitTests
        from upriver.materializer.quality.unit_test_report import UnitTestReport

        # A context of its own: what its engine shows under the keys are the given rows.
        context = self.context.beside()
        try:
            project = context.project()
            chosen = self._select(project, select) if select else None
            files = list(unit_tests(context.root, paths))
            declared = [one for file in files for one in file.tests if name is None or one.name == name]
            tests = [one for one in declared if chosen is None or one.asset in chosen]
            wrong = [one for file in files for one in file.diagnoses if chosen is None or one.key in chosen]
            if not tests:
                return UnitTestReport((), tuple(wrong))
            return UnitTestReport(tuple(UnitTests(context).run(tests, known)), tuple(wrong))
        finally:
            context.close()

    def refused(self, key: Key) -> Refused:
        with self._reading:
            self._known(key)
            refusal = self.context.state.refusals(self.context.environment).get(Node(key))
            if refusal is None:
                raise UsageError(f"nothing of {key} was refused: what was made last is what is served")
            made = refusal.materialization
            return Refused(key, made.id, refusal.run, refusal.at, refusal.checks)

    def offenders(self, key: Key, check: str, *, limit: int = 1000) -> Table:
        from upriver.materializer.engines.types import stored_scan

        with self._reading:
            project = self._known(key, as_watched=False)
            names = [one.name for one in project.checks.get(key, ())]
            if check not in names:
                hint = did_you_mean(check, names) or (f"its checks are {', '.join(names)}" if names else None)
                raise UsageError(f"{key} has no check {check!r}" + (f"; {hint}" if hint else ""))
            context = self.context
            for verdict in context.state.verdict_history(key, check):
                if verdict.sample is None:
                    continue
                with context.store.reading():
                    scan = stored_scan((context.store.locate(verdict.sample),))
                    columns, rows = context.engine().fetch(f"select * from {scan} limit {int(limit)}")
                names, types = [c.name for c in columns], [c.type for c in columns]
                return Table(tuple(names), tuple(types), tuple(rows), verdict.offenders)
            raise UsageError(f"no row has offended against {check} of {key}, as far as it has run")


def _undone(key: Key, checks: Sequence[Check], there: Mapping[Key, Version]) -> list[CheckResult]:
    """The checks that can't be run, because something that they read is not built."""
    found = []
    for check in checks:
        missing = [one for one in (key, *check.others) if one not in there]
        if missing:
            detail = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not built"
            found.append(
                CheckResult(key, check.name, CheckOutcome.DUE, check.severity, detail, place=check.place)
            )
    return found


def accepted(
    checks: Mapping[Key, Sequence[Check]], chosen: Collection[Key], names: Sequence[str], because: str
) -> tuple[str, ...]:
    """The checks that *names* mean among those of the assets *chosen*, as ``KEY:NAME``. Raises UsageError."""
    if not names and not because:
        return ()
    if not because.strip():
        raise UsageError('an accepted failure needs its reason: --because "…"')
    if not names:
        raise UsageError("--because says why a failure is accepted: name the check with --accept")
    known = [f"{key}:{one.name}" for key in sorted(chosen) for one in checks.get(key, ())]
    found = []
    for name in names:
        meant = [one for one in known if one == name or one.partition(":")[2] == name]
        if not meant:
            hint = did_you_mean(name, [*known, *(one.partition(":")[2] for one in known)])
            raise UsageError(f"nothing selected has a check {name!r}" + (f"; {hint}" if hint else ""))
        if len(meant) > 1:
            raise UsageError(f"{name!r} can mean {' or '.join(meant)}: say which")
        found += meant
    return tuple(found)
