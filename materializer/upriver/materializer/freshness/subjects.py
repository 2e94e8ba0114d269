"""Subjects of decisions: the recipe and the external inputs of every node, as they are now."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import timedelta

from upriver.assets.identity import Node
from upriver.assets.model import Asset, Frame, Key, PythonRecipe
from upriver.lineage.analysis.analyzer import settings_of
from upriver.lineage.model import Analysis
from upriver.lineage.partitions.keys import KEPT
from upriver.lineage.project.distributions import installed_version, release_series
from upriver.lineage.project.project import Project
from upriver.materializer.context import Context
from upriver.materializer.freshness.decide import DAY, EACH_BUILD, VARIABLE, Subject
from upriver.materializer.freshness.external_inputs import ExternalInputs, declared_names
from upriver.materializer.model import PYTHON

_WRITTEN_ANEW = {"pandas": ", with the index of frames"}
"""Packages whose frames are kept otherwise than by earlier versions: what was made of them then is made again."""


def subjects(context: Context, ordered: Collection[Key] = ()) -> dict[Node, Subject]:
    """Every node's recipe and external inputs, now. *ordered* are the assets whose order of rows counts."""
    project = context.project(refresh=False)
    external = ExternalInputs(context.root, os.environ)
    return {
        node: _subject(context, project, node, external, node.asset in ordered)
        for node in project.graph.nodes.of(project.assets)
    }


def subject_now(context: Context, node: Node, *, ordered: bool) -> Subject:
    """One node's recipe and external inputs, looked at again."""
    external = ExternalInputs(context.root, os.environ)
    return _subject(context, context.project(refresh=False), node, external, ordered)


def _subject(
    context: Context, project: Project, node: Node, external: ExternalInputs, ordered: bool
) -> Subject:
    return Subject(
        node,
        project.fingerprints[node.asset],
        project.graph.nodes.of(project.reads[node.asset]),
        _external(context, project, node.asset, external),
        ordered,
        engine=engine_of(context, project, node.asset),
        fallback=project.assets[node.asset].execution.fallback,
        approval=project.assets[node.asset].execution.approval,
    )


def trace_environment(
    subject: Subject,
    asset: Asset,
    analysis: Analysis | None,
    today: str,
    outside: tuple[tuple[str, str], ...] = (),
) -> tuple[tuple[str, str], ...]:
    """The external inputs of an attempt at *subject*: what it was given is as it was then (*outside*), what was
    declared besides is as the build found it.
    """
    found = [*({**dict(subject.environment), **dict(outside)}).items()]
    match asset.volatile:
        case "never":
            pass
        case "always":
            found.append(("it is declared volatile and", EACH_BUILD))
        case "daily":
            found.append((f"{DAY}the date", today))
        case _:
            for volatile in analysis.volatile if analysis is not None else ():
                daily = volatile.period == "day"
                name = f"{volatile.function}()"
                found.append((f"{DAY}{name}", today) if daily else (name, EACH_BUILD))
    return tuple(sorted(set(found)))


def engine_of(context: Context, project: Project, key: Key) -> str:
    """The identity of what computes the asset *key*."""
    return PYTHON if isinstance(project.assets[key].recipe, PythonRecipe) else context.parts.engine_identity()


def today(context: Context) -> str:
    """The date that ``current_date`` gives, here and in UTC: when either changes, the answer may."""
    local, utc = context.clock.today().isoformat(), context.clock.today("UTC").isoformat()
    return local if local == utc else f"{local} (UTC {utc})"


def _kept(context: Context, asset: Asset) -> tuple[tuple[str, str], ...]:
    """The first days of what a partitioned asset keeps."""
    dimensions = asset.partition.dimensions if asset.partition is not None else ()
    today = context.clock.today
    return tuple(
        (f"{KEPT}{one.by}", (today(one.zone or "UTC") - timedelta(days=one.keep)).isoformat())
        for one in dimensions
        if one.keep is not None
    )


def _external(
    context: Context, project: Project, key: Key, external: ExternalInputs
) -> tuple[tuple[str, str], ...]:
    asset = project.assets[key]
    kept = _kept(context, asset)
    if not asset.environment and not asset.variables and not isinstance(asset.recipe, PythonRecipe):
        return kept
    names = [f"{VARIABLE}{name}" for name in asset.environment] + [*declared_names(asset, project.config)]
    found = [*kept]
    found += [(name, external.value(name) or "") for name in names]
    values = settings_of(asset.variables, context.variables(project))
    found += [(f"variable {name}", repr(values.get(name))) for name in asset.variables]
    if isinstance(asset.recipe, PythonRecipe):
        found += [
            (f"the suffix of {one.key}", project.assets[one.key].suffix)
            for one in asset.recipe.inputs
            if one.frame is Frame.PATH and one.key is not None and one.key in project.assets
        ]
        found += [
            (
                name,
                release_series(version if name == "Python" else installed_version(name))
                + _WRITTEN_ANEW.get(name, ""),
            )
            for name, version in asset.recipe.packages
        ]
    return tuple(sorted(found))
