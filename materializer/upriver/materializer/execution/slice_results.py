"""Results of attempts at slices, and what is told of them."""

from __future__ import annotations

from pathlib import Path

from upriver.assets.model import Value
from upriver.assets.partitions.model import OUTSIDE, parts_of
from upriver.lineage.partitions.ranges import runs
from upriver.lineage.partitions.slices import SliceCounts, SliceSet
from upriver.materializer.freshness.slices import SlicePlan
from upriver.materializer.model import Version
from upriver.materializer.ports import Staged, Store

_NAMED = 3


class SlicedResult(Value, frozen=True):
    """What an attempt at slices has given: the files to publish, the content as a whole, and the record of its slices.

    *made* are the slices that were made, of which *unchanged* hold what they held. *failed* says by slice what went
    wrong.
    """

    staged: tuple[Staged, ...]
    version: Version
    slices: SliceSet
    changed: bool
    peak: int | None
    keys: tuple[str, ...]
    made: tuple[str, ...]
    unchanged: int
    failed: tuple[tuple[str, str], ...] = ()


def located_files(result: SlicedResult, store: Store) -> tuple[str, ...]:
    """Where the rows of a result are before it is published: written ones under their temporary names."""
    staged = {(one.id, one.suffix): one.path for one in result.staged}
    return tuple(
        str(Path(staged.get((ref.id, ref.suffix)) or store.locate(ref))) for ref in result.version.artifacts
    )


def failure_of(failed: tuple[tuple[str, str], ...], count: int) -> str | None:
    """What is said of an asset some of whose slices failed."""
    if not failed:
        return None
    more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    keys = ", ".join(key for key, _ in failed[:_NAMED])
    return f"{len(failed)} of {count:,} slices failed: {keys}{more}\n{failed[0][1]}"


def counts_of(made: SlicedResult) -> SliceCounts:
    """What was done with the slices of an asset."""
    ranges = runs(made.keys, made.made)
    failed = tuple(key for key, _ in made.failed)
    return SliceCounts(
        len(made.made),
        made.unchanged,
        made.slices.left,
        made.slices.count,
        tuple(ranges),
        failed,
        made.slices.whole,
    )


def warnings_of(plan: SlicePlan, made: SlicedResult, *, partly: bool) -> list[str]:
    """What is worth saying of slices that were made; *partly*: only some were asked for."""
    found = []
    if partly and plan.whole is not None:
        found.append(
            f"computed as a whole because of {plan.whole}; only the slices that were asked for are published"
        )
    outside = [key for key in made.made if OUTSIDE in parts_of(key)]
    if outside:
        found.append(f"there are rows outside of the expected keys: slice {outside[0]}")
    return found
