"""Freshness as a value: a survey's finding about an asset with what is known of it otherwise."""

from __future__ import annotations

from upriver.assets.identity import Node
from upriver.assets.model import Key, Kind, PythonRecipe, Source, SystemLocation
from upriver.materializer.answers import AssetStatus
from upriver.materializer.freshness.decider import Finding, broken
from upriver.materializer.freshness.survey import Survey
from upriver.materializer.model import Cause, Reason, Reasons, State
from upriver.materializer.sources.registry import stamps


def status_of(seen: Survey, key: Key, seconds: float | None, running_since: float | None) -> AssetStatus:
    """The status of an asset or source. *seconds* is what it usually takes, *running_since* the start of a build
    of it that goes on now.
    """
    project = seen.project
    if key in project.sources:
        return _source_status(seen, key)
    asset, node = project.declared(key), Node(key)
    if isinstance(asset, Source):
        return _broken_source_status(seen, asset, seen.findings[node])
    finding = seen.findings[node]
    record = seen.records.get(node)
    failure = seen.failures.get(node)
    return AssetStatus(
        asset=key,
        kind=asset.kind.value if asset is not None else Kind.TABLE.value,
        state=State.RUNNING if running_since is not None else finding.state,
        reasons=reasons_of(seen, node),
        materialized_at=record.finished if record else None,
        rows=record.version.rows if record else None,
        bytes=record.version.bytes if record else None,
        seconds=seconds,
        upstreams=project.graph.upstreams(key),
        downstreams=project.graph.downstreams(key),
        tags=asset.tags if asset is not None else (),
        owner=asset.owner if asset is not None else None,
        description=asset.description if asset is not None else "",
        place=finding.diagnoses[0].place if finding.diagnoses else asset.place if asset is not None else None,
        engine="" if asset is None else "python" if isinstance(asset.recipe, PythonRecipe) else "sql",
        error=failure.error if failure and finding.state is State.FAILED else None,
        running_since=running_since,
        diagnoses=finding.diagnoses,
    )


def reasons_of(seen: Survey, node: Node) -> Reasons:
    """The reasons for a node's state; what waits for a source that is not there is told what is wrong with it."""
    views = seen.views
    missing = [
        up for up in seen.project.reads[node.asset] if up in views.problems and up not in views.misfits
    ]
    return (
        *(Reason(Cause.SOURCE_MISSING, up, detail=views.problems[up]) for up in missing),
        *(r for r in seen.findings[node].reasons if not (r.kind is Cause.UPSTREAM and r.asset in missing)),
    )


def _broken_source_status(seen: Survey, source: Source, finding: Finding) -> AssetStatus:
    """What it held when it could last be read is told."""
    record = seen.views.sources.known(source.key)
    return AssetStatus(
        asset=source.key,
        kind="source",
        state=finding.state,
        reasons=finding.reasons,
        rows=record.version.rows if record else None,
        bytes=record.version.bytes if record else None,
        upstreams=seen.project.graph.upstreams(source.key),
        downstreams=seen.project.graph.downstreams(source.key),
        tags=source.tags,
        owner=source.owner,
        description=source.description,
        place=finding.diagnoses[0].place,
        engine="source",
        diagnoses=finding.diagnoses,
    )


def _source_status(seen: Survey, key: Key) -> AssetStatus:
    source = seen.project.sources[key]
    # Also for those that no decision asked for: a status without a look would be a guess.
    if seen.views.sources.known(key) or key in seen.views.problems:
        seen.views.upstream(key)
    if (misfit := seen.views.misfits.get(key)) is not None:
        return _broken_source_status(seen, source, broken(Node(key), Cause.BROKEN, misfit))
    record = seen.views.sources.known(key)
    problem = seen.views.problems.get(key)
    of_system = isinstance(source.location, SystemLocation)
    there = record is not None or (not of_system and bool(stamps(seen.project.root, source)))
    state = State.FRESH if problem is None and there else State.MISSING
    detail = problem or ("never looked at: a build asks its system" if of_system else "no file is there")
    return AssetStatus(
        asset=key,
        kind="source",
        state=state,
        reasons=() if state is State.FRESH else (Reason(Cause.SOURCE_MISSING, key, detail=detail),),
        materialized_at=max(s.mtime for s in record.stamps) / 1e9 if record and record.stamps else None,
        rows=record.version.rows if record else None,
        bytes=record.version.bytes if record else None,
        downstreams=seen.project.graph.downstreams(key),
        tags=source.tags,
        owner=source.owner,
        description=source.description,
        place=source.place,
        engine="source",
        notes=record.notes if record else (),
        observed_at=record.observed if record is not None and of_system else None,
    )
