"""Survey of slices: the slices of partitioned assets now, one by one or in ranges, from what a survey has found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby

from upriver.assets.errors import Diagnosis, StoreError
from upriver.assets.identity import Node
from upriver.assets.model import Asset, Key, PythonRecipe
from upriver.lineage.model import Footprint
from upriver.lineage.partitions.slices import SliceRange, SlicesStatus, SliceStatus
from upriver.materializer.context import Context
from upriver.materializer.freshness.decide import Settled
from upriver.materializer.freshness.slice_plans import plan_slices, recipe_of
from upriver.materializer.freshness.slices import Recorded, SlicePlan, recorded
from upriver.materializer.freshness.subjects import subjects, today, trace_environment
from upriver.materializer.freshness.survey import Survey
from upriver.materializer.model import Action, Cause, Materialization, Reason, State, Version


def slices_now(context: Context, seen: Survey, key: Key) -> SlicesStatus | None:
    """The slices of the asset *key*; None when it is not partitioned, or of them nothing can be said."""
    asset = seen.project.assets.get(key)
    finding = seen.findings.get(Node(key))
    if asset is None or asset.partition is None or finding is None or finding.action is Action.BROKEN:
        return None
    record = seen.decider.record(Node(key))
    if finding.action is Action.FRESH and record is not None and record.slices is not None:
        first = record.slices.segments[0].first if record.slices.segments else ""
        last = record.slices.segments[-1].last if record.slices.segments else ""
        count = record.slices.count
        ranges = (SliceRange(State.FRESH.value, first, last, count),) if count else ()
        return SlicesStatus(
            key, asset.partition.columns, count, fresh=count, ranges=ranges, whole=record.slices.whole
        )
    listed = [*listed_slices(context, seen, key)]
    counts = Counter(one.state for one in listed)
    plan = _planned(context, seen, asset, record)
    return SlicesStatus(
        key,
        asset.partition.columns,
        len(listed),
        fresh=counts[State.FRESH.value],
        stale=counts[State.STALE.value],
        missing=counts[State.MISSING.value],
        failed=counts[State.FAILED.value],
        pending=counts[State.PENDING.value],
        ranges=tuple(_ranges(listed)),
        whole=plan.whole if plan is not None else None,
    )


def listed_slices(context: Context, seen: Survey, key: Key) -> Iterator[SliceStatus]:
    """Every slice of the partitioned asset *key*, sorted by key."""
    asset = seen.project.assets[key]
    record = seen.decider.record(Node(key))
    fresh = seen.findings[Node(key)].action is Action.FRESH
    plan = None if fresh else _planned(context, seen, asset, record)
    found: Recorded | None = recorded(record, context.locator, context.store) if plan is None else plan.base
    known = found.slices if found is not None else {}
    if plan is None:
        state = State.FRESH if fresh else State.PENDING
        for name, one in sorted(known.items()):
            yield SliceStatus(name, state.value, one.rows)
        return
    failed = {*record.slices.failed} if record is not None and record.slices is not None else set()
    for name in plan.keys:
        before = known.get(name)
        rows = before.rows if before is not None else None
        reason = plan.stale.get(name)
        if reason is None:
            yield SliceStatus(name, State.FRESH.value, rows)
        else:
            missing = State.MISSING if reason.kind is Cause.MISSING else State.STALE
            yield SliceStatus(name, (State.FAILED if name in failed else missing).value, rows, _told(reason))


def _told(reason: Reason) -> tuple[str, str, str]:
    return reason.kind.value, reason.asset, reason.detail


def _planned(
    context: Context, seen: Survey, asset: Asset, record: Materialization | None
) -> SlicePlan | None:
    """The decision on every slice; None while something upstream is to be built first."""
    if isinstance(asset.recipe, PythonRecipe):  # which slices it will make is known when it has run
        return None
    versions: dict[Key, Version] = {}
    for up in seen.project.reads[asset.key]:
        if up in seen.project.sources:
            now = seen.views.upstream(up)
            version = now.version if isinstance(now, Settled) else None
        else:
            version = seen.findings[Node(up)].version
        if version is None:
            return None
        versions[up] = version
    seen.project.parse_all([asset.key])
    analysis = context.analyzer().analyze(asset.key, {key: one.schema for key, one in versions.items()})
    if isinstance(analysis, Diagnosis):
        return None
    subject = subjects(context)[Node(asset.key)]
    footprints = _footprints(dict(analysis.footprints), versions)
    recipe = recipe_of(
        subject, asset, analysis, footprints, trace_environment(subject, asset, analysis, today(context))
    )
    if recipe is None:
        return None
    try:
        return plan_slices(context, seen.contents, recipe, versions, record)
    except StoreError:  # an upstream that can't be read: told where it is read
        return None


def _footprints(found: Mapping[Key, Footprint], versions: Mapping[Key, Version]) -> dict[Key, Footprint]:
    return {key: found.get(key, Footprint()) for key in versions}


def _ranges(listed: list[SliceStatus]) -> Iterator[SliceRange]:
    for (state, reason), run in groupby(listed, key=lambda one: (one.state, one.reason)):
        keys = [one.key for one in run]
        yield SliceRange(state, keys[0], keys[-1], len(keys), reason)
