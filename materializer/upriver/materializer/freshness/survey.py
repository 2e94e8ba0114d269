"""Survey: evaluates freshness. It observes, decides, binds what is not built, and decides again if that tells more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from upriver.assets.errors import Diagnosis
from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.lineage.project.project import Project
from upriver.materializer.context import Context
from upriver.materializer.freshness.bind import Bound, bind, plan_reads, remembered_reads, unbindable
from upriver.materializer.freshness.comparison import LiveContents
from upriver.materializer.freshness.decider import Decider, Finding
from upriver.materializer.freshness.observe import Observation, SourceViews, observe
from upriver.materializer.freshness.row_order import ordered_assets
from upriver.materializer.freshness.subjects import subjects, today
from upriver.materializer.model import Failure, Materialization
from upriver.materializer.quality.gate import Gate
from upriver.materializer.sources.systems.looking import Asking


@dataclass(frozen=True)
class Decision:
    """Every node decided over one observation. *ordered* are the assets whose order of rows counts."""

    decider: Decider
    findings: dict[Node, Finding]
    ordered: frozenset[Key]


@dataclass
class Survey:
    """All assets decided, and what was looked at for it."""

    project: Project
    records: Mapping[Node, Materialization]
    failures: Mapping[Node, Failure]
    findings: dict[Node, Finding]
    decider: Decider
    contents: LiveContents
    views: SourceViews
    ordered: frozenset[Key] = frozenset()

    @cached_property
    def by_asset(self) -> dict[Key, Finding]:
        """The findings of whole assets and of sources, in topological order."""
        return {node.asset: finding for node, finding in self.findings.items() if node.partition is None}


def survey(
    context: Context,
    *,
    among: Collection[Key] | None = None,
    forced: Collection[Key] = (),
    verify: bool = False,
    check: bool = False,
    planning: bool = False,
    diagnose: bool = False,
    on_unbuilt: Callable[[], None] = lambda: None,
    asking: Asking = Asking.NEVER,
) -> Survey:
    """Decide the assets *among* (complete with their upstream; None: all). Raises DeclarationError when the project as
    a whole can't be used.

    With *check*, queries that would be built are bound first; with *planning*, lazy Python recipes as well. Else what
    can't be bound is told as far as an earlier command has found it; with *diagnose* queries are bound for that alone.
    *asking* says when systems are asked for what they hold.
    *on_unbuilt* is called as soon as it is seen that something is not built, before it is bound.
    """
    seen = observe(context, among=among, verify=verify, asking=asking)
    first = _decide(context, seen, _recorded_order(seen, rebinding=check), {}, forced, building=check)
    if check:
        if any(finding.version is None for finding in first.findings.values()):
            on_unbuilt()
        bound = bind(context, seen, first.findings, planning=planning)
    else:
        unbound = unbindable(context, seen, first.findings, binding=diagnose)
        bound = Bound(unbound, remembered_reads(context, seen, first.findings))
    ordered = first.ordered | _wanted_order(seen, first, bound)
    decided = first
    if bound.unbound or seen.views.misfits or ordered != first.ordered:
        decided = _decide(context, seen, ordered, bound.unbound, forced, building=check)
    if bound.unplanned and _made_for_order(first, decided):
        # Planning takes longer than deciding; here it may save what would be made for the sake of order alone.
        bound = plan_reads(context, seen, first.findings, bound)
        ordered = first.ordered | _wanted_order(seen, first, bound)
        decided = _decide(context, seen, ordered, bound.unbound, forced, building=check)
    seen.contents.flush()
    return Survey(
        seen.project,
        seen.records,
        seen.failures,
        decided.findings,
        decided.decider,
        seen.contents,
        seen.views,
        ordered,
    )


def _made_for_order(first: Decision, decided: Decision) -> bool:
    """Whether something is made again only because its rows are expected to be read in order."""
    return any(
        one.version is not None and decided.findings[node].version is None
        for node, one in first.findings.items()
    )


def _decide(
    context: Context,
    seen: Observation,
    ordered: frozenset[Key],
    unbound: Mapping[Key, Diagnosis],
    forced: Collection[Key],
    *,
    building: bool,
) -> Decision:
    decider = Decider(
        subjects(context, ordered),
        seen.records,
        seen.views.upstream,
        context.state.candidates,
        seen.artifact_there,
        seen.contents,
        failures=seen.failures,
        broken={
            **seen.views.misfits,
            **{key: one.diagnoses for key, one in seen.project.broken.items()},
            **{key: (diagnosis,) for key, diagnosis in unbound.items()},
        },
        today=today(context),
        forced=seen.project.graph.nodes.of(forced),
        gate=gate_of(context, seen.project, building=building),
        approved={(one.node, one.inputs) for one in context.state.approvals(context.environment)},
    )
    return Decision(decider, decider.survey(seen.project.graph.nodes.of(seen.order)), ordered)


def gate_of(
    context: Context, project: Project, *, building: bool = False, rechecked: Collection[Key] = ()
) -> Gate | None:
    """The gate of a project's checks; None where it has none."""
    promising = {
        key: asset for key, asset in project.assets.items() if asset.quality.columns or key in project.checks
    }
    if not promising:
        return None
    return Gate(
        project.checks,
        lambda: context.state,
        context.environment,
        context.clock.now,
        context.variables(project),
        building=building,
        forced=rechecked,
        promising=promising,
    )


def _recorded_order(seen: Observation, *, rebinding: bool) -> frozenset[Key]:
    """The assets whose order of rows counts by what records have read.

    An asset with another recipe is built or reused before anything takes what its record has read: with *rebinding*,
    what it will read is looked at when it is bound.
    """
    return ordered_assets(
        seen.project.reads,
        (
            (read.upstream, read.footprint)
            for node, record in seen.records.items()
            if node.asset in seen.project.broken
            or (node.asset in seen.project.assets and not (rebinding and seen.is_new(node)))
            for read in record.trace.reads
        ),
    )


def _wanted_order(seen: Observation, decided: Decision, bound: Bound) -> frozenset[Key]:
    """The assets whose order of rows counts by what will be read.

    An earlier materialization that is to be taken again may have read in order, though that of now does not.
    """
    reused = [finding.reuse for finding in decided.findings.values() if finding.reuse is not None]
    footprints = [
        *bound.footprints,
        *((read.upstream, read.footprint) for one in reused for read in one.trace.reads),
    ]
    return ordered_assets(seen.project.reads, footprints)
