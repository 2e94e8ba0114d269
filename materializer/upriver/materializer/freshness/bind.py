"""Binding: what would be built, bound before it runs, so that what can't work is known before anything does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from upriver.assets.errors import Diagnosis
from upriver.assets.identity import Node
from upriver.assets.model import Key, PythonRecipe, Schema, SqlRecipe
from upriver.lineage.analysis.analyzer import plannable
from upriver.lineage.model import WHOLE, Analysis, Footprint
from upriver.materializer.context import Context
from upriver.materializer.freshness.decider import Finding
from upriver.materializer.freshness.observe import Observation
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.model import Cause


@dataclass(frozen=True)
class Bound:
    """What binding has told: the recipes that can't be bound, with their diagnoses, and what the others will read.

    Of the lazy Python recipes *unplanned* nothing is known before they are planned: they may read everything, in order.
    """

    unbound: Mapping[Key, Diagnosis]
    footprints: tuple[tuple[Key, Footprint], ...]
    unplanned: tuple[Key, ...] = ()


def bind(
    context: Context, seen: Observation, findings: Mapping[Node, Finding], *, planning: bool = False
) -> Bound:
    """Bind what would be built against the schemas that its upstreams will have.

    With *planning*, lazy Python recipes are bound as well, which a build learns as soon by running them; else what an
    earlier command has found of them counts.
    """
    project = seen.project
    unbuilt = _unbuilt(seen, findings)
    unmade = [key for key in unbuilt if isinstance(project.assets[key].recipe, SqlRecipe)]
    schemas = Schemas(context, seen.views)
    schemas.take(_schemas(findings))
    project.parse_all(unmade)
    schemas.find(unmade)
    found: dict[Key, Diagnosis] = {}
    footprints: list[tuple[Key, Footprint]] = []
    unplanned: list[Key] = []
    for key in unbuilt:
        recipe = project.assets[key].recipe
        if isinstance(recipe, PythonRecipe):
            problem = schemas.problem(key) if planning and plannable(recipe) else schemas.recalled(key)
            if problem is not None:
                found[key] = problem
            reads = _python_reads(context, schemas, findings[Node(key)])
            footprints += reads
            if plannable(recipe) and any(footprint == WHOLE for _, footprint in reads):
                unplanned.append(key)
    for key in unmade:
        problem = schemas.problem(key)
        if problem is not None:
            found[key] = problem
        elif (upstreams := schemas.upstreams(key)) is not None:
            analysis = context.analyzer().analyze(key, upstreams)
            footprints += analysis.footprints if isinstance(analysis, Analysis) else ()
    context.analyzer().flush()
    return Bound(found, tuple(footprints), tuple(unplanned))


def plan_reads(context: Context, seen: Observation, findings: Mapping[Node, Finding], bound: Bound) -> Bound:
    """*bound*, with what the *unplanned* recipes will read as their plans of this moment tell.

    What was found of a recipe before is no answer here: it was planned in another environment.
    """
    schemas = Schemas(context, seen.views)
    schemas.take(_schemas(findings))
    left, footprints = [], list(bound.footprints)
    for key in bound.unplanned:
        reads = seen.project.reads[key]
        upstreams = schemas.upstreams(key)
        plan = None if upstreams is None else context.analyzer().what_if(key, upstreams, None)
        if not isinstance(plan, Analysis) or plan.opaque:
            left.append(key)
            continue
        for up in reads:
            if (up, WHOLE) in footprints:
                footprints.remove((up, WHOLE))
        footprints += plan.footprints
    return Bound(bound.unbound, tuple(footprints), tuple(left))


def _unbuilt(seen: Observation, findings: Mapping[Node, Finding]) -> list[Key]:
    """The assets whose recipes would be run, among what was decided."""
    unbuilt = (node.asset for node, one in findings.items() if one.version is None)
    return [key for key in unbuilt if key in seen.project.assets]


def _schemas(findings: Mapping[Node, Finding]) -> dict[Key, Schema]:
    """The columns of all that stays as it is."""
    return {node.asset: finding.version.schema for node, finding in findings.items() if finding.version}


def unbindable(
    context: Context, seen: Observation, findings: Mapping[Node, Finding], *, binding: bool
) -> dict[Key, Diagnosis]:
    """The recipes that would be run and can't be bound; without *binding*, as far as an earlier command has found."""
    unbuilt = _unbuilt(seen, findings)
    if not unbuilt:
        return {}
    schemas = Schemas(context, seen.views, binding=binding)
    schemas.take(_schemas(findings))
    found: dict[Key, Diagnosis] = {}
    for key in unbuilt:
        query = isinstance(seen.project.assets[key].recipe, SqlRecipe)
        problem = schemas.problem(key) if query else schemas.recalled(key)
        if problem is not None:
            found[key] = problem
    if binding:
        context.analyzer().flush()
    return found


def remembered_reads(
    context: Context, seen: Observation, findings: Mapping[Node, Finding]
) -> tuple[tuple[Key, Footprint], ...]:
    """What all that has another recipe now will read of what is built, without binding anything: as an earlier command
    has found, else everything in order. A status must not call fresh what a build makes again.
    """
    project, analyzer = seen.project, context.analyzer()
    keys = _unbuilt(seen, findings)
    # A question about one asset is answered as it would be when all are built.
    keys += [key for key in project.assets if Node(key) not in findings and seen.is_new(Node(key))]
    schemas = _schemas(findings)
    found: list[tuple[Key, Footprint]] = []
    for key in keys:
        reads = project.reads[key]
        built = [up for up in reads if up in schemas]
        if not built:
            continue
        known = None
        if len(built) == len(reads) and isinstance(project.assets[key].recipe, SqlRecipe):
            known = analyzer.known(key, {up: schemas[up] for up in reads})
        footprints = dict(known.footprints) if known is not None else {}
        found += [(up, footprints.get(up, WHOLE)) for up in built]
    return tuple(found)


def _python_reads(context: Context, schemas: Schemas, finding: Finding) -> list[tuple[Key, Footprint]]:
    """What a Python recipe will read: everything, in order, unless it is one lazy plan that is known.

    A plan that was made without a look at the data is the same for any data; but not for another recipe or
    environment, hence only where nothing but data has changed.
    """
    reads = context.project(refresh=False).reads[finding.asset]
    known: dict[Key, Footprint] = {}
    if all(reason.kind in (Cause.DATA, Cause.UPSTREAM) for reason in finding.reasons):
        upstreams = schemas.upstreams(finding.asset)
        analysis = None if upstreams is None else context.analyzer().known(finding.asset, upstreams)
        if analysis is not None and not analysis.opaque:
            known = dict(analysis.footprints)
    return [(up, known.get(up, WHOLE)) for up in reads]
