"""Operations on slices: which are meant by a range, and how each of them stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from upriver.assets.errors import UsageError
from upriver.assets.model import Key
from upriver.lineage.partitions.selection import Selection, select
from upriver.lineage.project.project import Project
from upriver.materializer.answers import AssetStatus, Plan
from upriver.materializer.context import Context
from upriver.materializer.freshness.slice_survey import listed_slices, slices_now
from upriver.materializer.freshness.survey import Survey, survey


def chosen_slices(
    context: Context, project: Project, chosen: Collection[Key], texts: Sequence[str]
) -> Mapping[Key, Selection]:
    """Which slices *texts* mean of the assets *chosen*. What other chosen assets read is built whole.

    Raises UsageError.
    """
    if not texts:
        return {}
    found = ranges_of(project, chosen, texts)
    _refuse_unknown(context, project, found)
    return found


def ranges_of(
    project: Project, chosen: Collection[Key], texts: Sequence[str], *, every: bool = False
) -> dict[Key, Selection]:
    """What *texts* mean for the partitioned assets among *chosen*: for those that no other of them reads, or *every*
    one. Raises UsageError.
    """
    cut = [key for key in chosen if key in project.assets and project.assets[key].partition is not None]
    if not cut:
        raise UsageError(
            "nothing that was selected is partitioned\n"
            "  hint: declare `partition` in its header, or leave --partition out"
        )
    inner = {up for key in cut for up in project.graph.ancestors([key]) if up != key}
    found: dict[Key, Selection] = {}
    for key in cut:
        if key in inner and not every:
            continue
        partition = project.assets[key].partition
        assert partition is not None
        try:
            found[key] = select(partition, texts)
        except ValueError as error:
            if key not in inner:
                raise UsageError(f"{key}: {error}") from error
    return found


def _refuse_unknown(context: Context, project: Project, found: Mapping[Key, Selection]) -> None:
    """Refuse keys that no data has, as far as that is known before anything is built."""
    seen = survey(context, among=project.graph.ancestors(found), check=True)
    for key, selection in found.items():
        listed = (
            [one for one in listed_slices(context, seen, key) if one.state != "pending"]
            if seen.findings
            else []
        )
        keys = [one.key for one in listed]
        if not keys:
            continue
        for name, near in selection.unknown(keys):
            raise UsageError(f"{key} has no slice {name!r}" + (f"; {near}" if near else ""))
        if not selection.among(keys):
            raise UsageError(f"{key} has no slice there; its slices go from {keys[0]} to {keys[-1]}")


def with_counts(context: Context, seen: Survey, statuses: Sequence[AssetStatus]) -> tuple[AssetStatus, ...]:
    """*statuses*, those of partitioned assets with their slices in ranges."""
    assets = seen.project.assets
    return tuple(
        msgspec.structs.replace(one, slices=slices_now(context, seen, one.asset))
        if one.asset in assets and assets[one.asset].partition is not None
        else one
        for one in statuses
    )


def with_steps(context: Context, seen: Survey, plan: Plan) -> Plan:
    """*plan*, with the slices of partitioned assets in ranges."""
    assets = seen.project.assets
    steps = tuple(
        msgspec.structs.replace(one, slices=slices_now(context, seen, one.asset))
        if one.asset in assets and assets[one.asset].partition is not None
        else one
        for one in plan.steps
    )
    return msgspec.structs.replace(plan, steps=steps)
