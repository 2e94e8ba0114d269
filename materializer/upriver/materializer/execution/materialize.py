"""Materialization of one node: runs an attempt and makes its record, with trace, content and whether that changed."""

from __future__ import annotations

import secrets
from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from upriver.assets.errors import Diagnosis, StoreError
from upriver.assets.identity import Node
from upriver.assets.model import Asset, Key, PythonRecipe, SqlRecipe
from upriver.lineage.analysis.analyzer import plannable
from upriver.lineage.model import Footprint, Footprints
from upriver.lineage.partitions.problems import split_problem
from upriver.lineage.partitions.selection import Chooses
from upriver.lineage.project.contracts import contract_problem
from upriver.materializer.context import Context
from upriver.materializer.engines.types import from_stored
from upriver.materializer.events import AssetOutput, AssetProgress
from upriver.materializer.execution.attempt import AttemptFailed, Attempts, Known
from upriver.materializer.execution.committer import Materialized
from upriver.materializer.execution.slice_maker import SliceMaker, Watching
from upriver.materializer.freshness.comparison import tagged
from upriver.materializer.freshness.decide import schema_text
from upriver.materializer.freshness.decider import Finding
from upriver.materializer.freshness.external_inputs import declared_names
from upriver.materializer.freshness.key_sets import narrowed
from upriver.materializer.freshness.subjects import subjects, today, trace_environment
from upriver.materializer.freshness.survey import Survey
from upriver.materializer.model import Located, Materialization, Read, Trace, Version
from upriver.materializer.ports import Executor, KeptProfile, SourceChanging, Staged
from upriver.materializer.quality.audit import Audit, Auditor
from upriver.materializer.quality.memory import Content
from upriver.materializer.quality.profiles import profiled
from upriver.materializer.runs.event_log import RunLog

if TYPE_CHECKING:
    from upriver.materializer.execution.cancel import Cancel

WHOLE_BAG = Footprint(columns=None, predicate=None, ordered=False)
"""All columns and rows, in no order: what "the content changed" is told by."""


WORTH_PROFILING = 1 << 18
"""Bytes of an artifact from which on its profile is taken when it is made."""


_EVERYTHING: Mapping[Key, Chooses] = MappingProxyType({})


class Maker(SliceMaker):
    """Makes one asset in a slot's thread and writes down all that it depended on. Of partitioned assets only those
    slices are made that are *wanted*.
    """

    def __init__(
        self,
        context: Context,
        seen: Survey,
        executor: Executor,
        run_id: str,
        log: RunLog,
        cancel: Cancel,
        slow: Container[Key] = (),
        auditor: Auditor | None = None,
        wanted: Mapping[Key, Chooses] = _EVERYTHING,
        forced: Container[Node] = (),
    ) -> None:
        self._auditor = auditor
        self.profiles: list[KeptProfile] = []
        """Of what was made in this run; kept with its end."""
        self._wanted = wanted
        self._forced = forced
        self._tolerated: set[Key] = set()
        self._context = context
        self._seen = seen
        self._run_id = run_id
        self._log = log
        self._cancel = cancel
        self._subjects = subjects(context)
        self._today = today(context)
        self._attempts = Attempts(
            context.root,
            context.engine(),
            context.store,
            context.analyzer(),
            code=seen.project.files.code_digest(),
            variables=context.variables(seen.project),
            slow=slow,
            executor=executor,
            clock=context.clock,
        )

    def attempt(
        self, node: Node, upstreams: Mapping[Node, Version], number: int, memory: int | None = None
    ) -> Materialized:
        """One attempt, with *memory* bytes where that is more than is declared. Raises AttemptFailed."""
        project = self._seen.project
        asset = project.assets[node.asset]
        if memory is not None:
            execution = msgspec.structs.replace(asset.execution, memory=memory)
            asset = msgspec.structs.replace(asset, execution=execution)
        started = self._context.clock.now()
        reads = {up.asset: upstreams[up] for up in self._subjects[node].upstreams}
        recorded: list[Read] = []

        def record(found: tuple[tuple[Key, Footprint], ...]) -> None:
            footprints = dict(self._narrowed(asset, reads, found))
            for key, version in reads.items():
                footprint = self._promised(asset, footprints.get(key))
                recorded.append(self._read(asset, key, version, footprint))

        before = self._seen.decider.record(node)
        watching = Watching(self, node, number)
        if asset.partition is not None and isinstance(asset.recipe, SqlRecipe):
            return self._sliced(node, asset, reads, upstreams, watching, record, recorded, before)
        try:
            result, staged, version = self._attempts.make(
                asset, reads, watching, record, self._known(asset, before)
            )
        except AttemptFailed as error:
            raise self._diagnosed(asset, reads, error) from error
        checks = self._seen.project.checks.get(asset.key, ())
        if (checks or asset.quality.columns) and version.schema:
            problem = contract_problem(asset, checks, version.schema)
            if problem is not None:  # what no plan could tell before it ran
                raise AttemptFailed(str(problem), final=True, diagnosis=problem)
        if asset.partition is not None and (problem := split_problem(asset, version.schema)) is not None:
            raise AttemptFailed(str(problem), final=True, diagnosis=problem)
        if result.analysis is not None and isinstance(asset.recipe, PythonRecipe):
            schemas = {key: upstream.schema for key, upstream in reads.items()}
            self._context.analyzer().remember(asset.key, schemas, result.analysis)
        materialization = Materialization(
            id=secrets.token_hex(12),
            asset=node.asset,
            partition=node.partition,
            run=self._run_id,
            trace=Trace(
                recipe=project.fingerprints[asset.key],
                binding=result.analysis.binding if result.analysis is not None else "",
                reads=tuple(recorded),
                environment=trace_environment(
                    self._subjects[node], asset, result.analysis, self._today, result.external
                ),
                engine=result.engine,
                tolerated=self._lacking(reads),
            ),
            version=version,
            started=started + result.repeated,  # what was repeated says nothing of how long it takes
            finished=self._context.clock.now(),
            engines=self._engines(),
            peak_memory=result.peak_memory,
            input_bytes=sum(upstream.bytes for upstream in reads.values()),
        )
        if materialization.trace.tolerated:
            self._tolerated.add(asset.key)
        if asset.partition is not None and version.schema:
            return self._split(materialization, asset, staged, upstreams, before, watching)
        audit = self._audit(node, version, (staged.path,), upstreams)
        if audit.refusal is None:
            self._profile(asset.key, version, staged)
        return Materialized(materialization, staged, self._changed(before, version, staged), audit)

    def _profile(self, key: Key, version: Version, staged: Staged) -> None:
        """Take the numbers of what is to be published, while it is in memory still. Those of a small artifact are taken
        when they are asked for: many of them would make a build longer, one makes no answer longer.
        """
        if not version.schema or version.bytes < WORTH_PROFILING:
            return
        engine = self._context.engine()
        relation = f"({from_stored((staged.path,), version.schema)})"
        try:
            rows, columns = profiled(relation, version.schema, lambda query: engine.fetch(query)[1])
        except Exception:  # noqa: BLE001 -- a content that can't be put in numbers is a content all the same
            return
        self.profiles.append(KeptProfile(version.id, key, self._context.clock.now(), rows, columns))

    def _narrowed(self, asset: Asset, reads: Mapping[Key, Version], found: Footprints) -> Footprints:
        """What was read, by a semi-join in a query only as far as keys go."""
        if asset.ordered or asset.key in self._seen.ordered or not isinstance(asset.recipe, SqlRecipe):
            return found
        schemas = {key: version.schema for key, version in reads.items()}
        analysis = self._context.analyzer().analyze(asset.key, schemas)
        if isinstance(analysis, Diagnosis) or not analysis.key_filters:
            return found
        located = self._context.locator.located
        return narrowed(
            found, analysis.key_filters, lambda key: located(reads[key]), self._context.engine().new_cursor
        )

    def audit(self, finding: Finding, others: Mapping[Node, Version]) -> Audit:
        """Run the checks that are due for *finding*: on what is to be reused, or on what its node points at."""
        record = finding.reuse or self._seen.decider.record(finding.node)
        assert record is not None
        version = record.version
        return self._audit(finding.node, version, self._context.locator.files(version), others)

    def _audit(
        self, node: Node, version: Version, files: tuple[str, ...], others: Mapping[Node, Version]
    ) -> Audit:
        if self._auditor is None or not (checks := self._seen.project.checks.get(node.asset)):
            return Audit()
        located = Located(version.id, version.schema, version.rows, version.bytes, files)
        needed = {Node(other) for check in checks for other in check.others} - {node}
        beside = {
            one.asset: Content(others[one], self._context.locator.located(others[one])) for one in needed
        }
        return self._auditor.audit(node.asset, checks, Content(version, located), beside)

    def _diagnosed(self, asset: Asset, reads: Mapping[Key, Version], error: AttemptFailed) -> AttemptFailed:
        """*error*, with what a plan would say where it would have said it before anything ran."""
        recipe = asset.recipe
        if (
            error.cancelled
            or error.diagnosis
            or not isinstance(recipe, PythonRecipe)
            or not plannable(recipe)
        ):
            return error
        found = self._context.analyzer().analyze(asset.key, {key: one.schema for key, one in reads.items()})
        if not isinstance(found, Diagnosis):
            return error
        return AttemptFailed(str(found), error.traceback, final=True, diagnosis=found)

    def _known(self, asset: Asset, before: Materialization | None) -> Known:
        """What a recipe is known to read: that is of use for as long as its code is the same."""
        config = self._seen.project.config
        declared = declared_names(asset, config)
        if before is None or before.trace.recipe != self._seen.project.fingerprints[asset.key]:
            return Known(declared=declared)
        return Known(declared, tuple(name for name, _ in before.trace.environment))

    def _read(self, asset: Asset, key: Key, version: Version, footprint: Footprint) -> Read:
        """What was read of one upstream. A source's fingerprint is taken now: its files may be gone tomorrow."""
        schema = schema_text(version.schema)
        if key not in self._seen.project.sources:
            if len(version.artifacts) < 2:
                return Read(key, footprint, version.id, schema)
            # Its id tells of no single artifact from which the fingerprint could be computed later.
            found = self._fingerprint(asset, key, version, footprint)
            return Read(key, footprint, version.id, schema, tagged(found))
        sources, fingerprint = self._seen.views.sources, None
        try:
            if version.schema:
                fingerprint = self._fingerprint(asset, key, version, footprint)
            changed = not sources.unchanged_since_look(key, version)
        except StoreError:
            if sources.unchanged_since_look(key, version):
                raise
            changed = True  # so much that it can't even be read
        if changed:
            sources.forget(key)
            raise AttemptFailed(
                f"source {key} was changed while it was being read; nothing was recorded. Build again."
            ) from SourceChanging(key)
        return Read(key, footprint, version.id, schema, tagged(fingerprint) if fingerprint else None)

    def _fingerprint(self, asset: Asset, key: Key, version: Version, footprint: Footprint) -> str:
        """The fingerprint of what was read. Where an asset downstream takes the rows in order, that in order is
        remembered beside it: it decides for as long as that is so, and can't be computed later.
        """
        asked = [footprint]
        if asset.key in self._seen.ordered and footprint.columns != ():
            asked.append(msgspec.structs.replace(footprint, ordered=True))
        return self._seen.contents.fingerprints(key, version, asked)[footprint]

    def _promised(self, asset: Asset, footprint: Footprint | None) -> Footprint:
        """What was read, with the order of rows where the order of the result is promised."""
        if footprint is None:
            return Footprint()
        if footprint.columns == () or not asset.ordered:
            return footprint
        return msgspec.structs.replace(footprint, ordered=True)

    def _changed(self, record: Materialization | None, version: Version, staged: Staged) -> bool:
        if record is None:
            return True
        before = record.version
        if before.id == version.id:
            return False
        if not version.schema or before.schema != version.schema or before.rows != version.rows:
            return True
        if not self._context.locator.there(before):
            return True
        # It has its final name only when it is committed.
        fresh = Located(version.id, version.schema, version.rows, version.bytes, (staged.path,))
        contents = self._seen.contents
        try:
            then = contents.fingerprint(record.asset, before, WHOLE_BAG)
        except StoreError:
            return True  # what was there before is damaged: all the more reason to replace it
        return then != contents.fingerprint(record.asset, fresh, WHOLE_BAG)

    # -- what an attempt tells while it runs -------------------------------------------------------------
    def output(self, node: Node, number: int, stream: str, line: str) -> None:
        """A line was printed."""
        now = self._context.clock.now()
        self._log.emit(AssetOutput(now, node.asset, number, stream, line, node.partition))

    def progress(self, node: Node, fraction: float | None, memory: int | None) -> None:
        """How far it is."""
        now = self._context.clock.now()
        self._log.emit(AssetProgress(now, node.asset, fraction, memory, node.partition))

    def cancelled(self, node: Node) -> bool:
        """Whether the attempt at *node* has to end."""
        return self._cancel.level > 0 or node.asset in self._cancel.dropped
