"""Slice maker: makes the slices of one partitioned asset and records what they were made of."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Mapping

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.identity import Node
from upriver.assets.model import Asset, Key
from upriver.lineage.model import Footprint
from upriver.lineage.partitions.selection import Chooses
from upriver.lineage.project.distributions import installed_version
from upriver.lineage.sql.parse.query import Query
from upriver.materializer.context import Context
from upriver.materializer.execution.attempt import AttemptFailed, Attempts
from upriver.materializer.execution.committer import Materialized
from upriver.materializer.execution.slice_results import (
    SlicedResult,
    counts_of,
    failure_of,
    located_files,
    warnings_of,
)
from upriver.materializer.execution.sliced import SlicedAttempts
from upriver.materializer.freshness.decide import Subject
from upriver.materializer.freshness.slice_plans import (
    grouped_fingerprints,
    plan_slices,
    recipe_of,
    split_recipe,
)
from upriver.materializer.freshness.slices import SlicePlan, recorded
from upriver.materializer.freshness.subjects import trace_environment
from upriver.materializer.freshness.survey import Survey
from upriver.materializer.model import TYPED, Materialization, Read, Trace, Version
from upriver.materializer.ports import Staged
from upriver.materializer.quality.audit import Audit


class SliceMaker(ABC):
    """The part of a maker that makes slices: those that are *wanted* of each asset, or all."""

    _context: Context
    _seen: Survey
    _run_id: str
    _today: str
    _attempts: Attempts
    _subjects: Mapping[Node, Subject]
    _wanted: Mapping[Key, Chooses]
    _forced: Container[Node]
    _tolerated: set[Key]

    @abstractmethod
    def _promised(self, asset: Asset, footprint: Footprint | None) -> Footprint:
        """What was read, with the order of rows where the order of the result is promised."""

    @abstractmethod
    def _audit(
        self, node: Node, version: Version, files: tuple[str, ...], others: Mapping[Node, Version]
    ) -> Audit:
        """Run the checks of *node* on a content."""

    @abstractmethod
    def output(self, node: Node, number: int, stream: str, line: str) -> None:
        """A line was printed."""

    @abstractmethod
    def progress(self, node: Node, fraction: float | None, memory: int | None) -> None:
        """How far it is."""

    @abstractmethod
    def cancelled(self, node: Node) -> bool:
        """Whether the attempt at *node* has to end."""

    def _slice_attempts(self) -> SlicedAttempts:
        context = self._context
        return SlicedAttempts(
            context.engine(),
            context.store,
            context.locator,
            grouped_fingerprints(context),
            context.variables(self._seen.project),
            self._attempts.watchdog,
            context.clock.monotonic,
            self._seen.project.config.batch,
        )

    def _sliced(
        self,
        node: Node,
        asset: Asset,
        reads: Mapping[Key, Version],
        upstreams: Mapping[Node, Version],
        watching: Watching,
        record: Callable[[tuple[tuple[Key, Footprint], ...]], None],
        recorded: list[Read],
        before: Materialization | None,
    ) -> Materialized:
        """An attempt at the slices of *asset* that are not as they should be."""
        started = self._context.clock.now()
        analysis = self._context.analyzer().analyze(
            asset.key, {key: one.schema for key, one in reads.items()}
        )
        if isinstance(analysis, Diagnosis):
            raise AttemptFailed(str(analysis), final=True, diagnosis=analysis)
        footprints = dict(analysis.footprints)
        recipe = recipe_of(
            self._subjects[node],
            asset,
            analysis,
            {key: self._promised(asset, footprints.get(key)) for key in reads},
            trace_environment(self._subjects[node], asset, analysis, self._today),
        )
        if recipe is None:
            problem = "its columns are not known before it runs, so that it can't be cut into slices"
            raise AttemptFailed(f"{problem}: leave `partition` out", final=True)
        wanted = self._wanted.get(asset.key)

        def run(query: Query) -> tuple[SlicePlan, SlicedResult]:
            plan = plan_slices(self._context, self._seen.contents, recipe, reads, before)
            return plan, self._slice_attempts().make(
                asset,
                query,
                analysis,
                reads,
                watching,
                plan,
                (lambda keys: keys) if wanted is None else wanted.among,
                force=node in self._forced,
            )

        plan, made = self._attempts.make_slices(asset, reads, watching, run)
        for warning in warnings_of(plan, made, partly=wanted is not None):
            watching.output("warning", warning)
        record(analysis.footprints)
        materialization = Materialization(
            id=secrets.token_hex(12),
            asset=node.asset,
            partition=node.partition,
            run=self._run_id,
            trace=Trace(
                recipe=recipe.recipe,
                binding=recipe.binding,
                reads=tuple(recorded),
                environment=recipe.environment,
                engine=recipe.engine,
                left=made.slices.left,
                tolerated=self._lacking(reads),
            ),
            version=made.version,
            started=started,
            finished=self._context.clock.now(),
            engines=self._engines(),
            peak_memory=made.peak,
            input_bytes=sum(upstream.bytes for upstream in reads.values()),
            slices=made.slices,
        )
        audit = self._audit(node, made.version, located_files(made, self._context.store), upstreams)
        first, *more = made.staged or (None,)
        assert asset.partition is not None
        tolerated = bool(made.failed) and len(made.failed) <= asset.partition.tolerate * len(plan.keys)
        failure = failure_of(made.failed, len(plan.keys))
        if tolerated and failure is not None:
            watching.output("warning", f"{failure.partition(chr(10))[0]}; that is tolerated")
        if tolerated or materialization.trace.tolerated:
            self._tolerated.add(asset.key)
        return Materialized(
            materialization,
            first,
            made.changed,
            audit,
            tuple(one for one in more if one is not None),
            None if tolerated else failure,
            counts_of(made),
        )

    def _split(
        self,
        whole: Materialization,
        asset: Asset,
        staged: Staged,
        upstreams: Mapping[Node, Version],
        before: Materialization | None,
        watching: Watching,
    ) -> Materialized:
        """What Python code has made as a whole, cut into slices: those that hold what they held stay as they are."""
        schema, node = whole.version.schema, whole.node
        recipe = split_recipe(asset, whole, schema, "Python code")
        base = recorded(before, self._context.locator, self._context.store)
        wanted = self._wanted.get(asset.key)
        made = self._slice_attempts().split(
            asset, schema, staged, recipe, base, (lambda keys: keys) if wanted is None else wanted.among
        )
        materialization = msgspec.structs.replace(
            whole,
            version=made.version,
            slices=made.slices,
            trace=msgspec.structs.replace(whole.trace, left=made.slices.left),
            finished=self._context.clock.now(),
        )
        audit = self._audit(node, made.version, located_files(made, self._context.store), upstreams)
        first, *more = made.staged or (None,)
        counts = counts_of(made)
        if wanted is not None:
            watching.output(
                "warning", "Python code makes all slices; only those that were asked for are published"
            )
        return Materialized(
            materialization,
            first,
            made.changed,
            audit,
            tuple(one for one in more if one is not None),
            None,
            counts,
        )

    def _lacking(self, reads: Iterable[Key]) -> tuple[Key, ...]:
        """The upstreams that lack slices, directly or by what they were made of."""
        return tuple(sorted(key for key in reads if key in self._tolerated))

    @staticmethod
    def _engines() -> tuple[tuple[str, str], ...]:
        return (("duckdb", installed_version("duckdb")), ("polars", installed_version("polars")), TYPED)


class Watching:
    """One attempt's view of the run."""

    def __init__(self, maker: SliceMaker, node: Node, number: int) -> None:
        self._maker = maker
        self._node = node
        self._number = number

    def cancelled(self) -> bool:
        return self._maker.cancelled(self._node)

    def output(self, stream: str, line: str) -> None:
        self._maker.output(self._node, self._number, stream, line)

    def progress(self, fraction: float | None, memory: int | None) -> None:
        self._maker.progress(self._node, fraction, memory)
