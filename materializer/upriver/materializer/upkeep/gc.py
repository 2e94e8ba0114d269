"""Dropping what nothing needs: old materializations, then artifacts that nothing points at, then leftovers.

Never dropped: what any environment points at, or has refused, the offenders that checks have found,
the snapshots of sources, and the artifacts that current ones
were made from as long as the fingerprints of what was read of them are not known. A build is kept out by the
lease, readers by the store (see :meth:`upriver.materializer.ports.Store.collecting`). Records go first: a power cut
in between leaves orphans, which the next collection drops, and never a record without its artifact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from upriver.assets.identity import Node
from upriver.assets.model import Value
from upriver.materializer.model import ArtifactRef, Materialization
from upriver.materializer.ports import Lease, StateStore, Store, Stored


class Keep(Value, frozen=True):
    """What is kept beside what is current: what is younger than *days*, and the newest *count* of each asset.

    *total* limits the bytes of all artifacts together: beyond it the oldest go, whatever their age and
    number. None means no limit (for *days*: keep all).
    """

    days: float | None = 30.0
    count: int = 3
    total: int | None = None


class Collected(Value, frozen=True):
    """What a collection dropped (or would drop): ids, file names, bytes freed and bytes that stay."""

    materializations: tuple[str, ...]
    artifacts: tuple[str, ...]
    leftovers: tuple[str, ...]
    freed: int
    kept: int


def collect(
    state: StateStore,
    store: Store,
    keep: Keep,
    now: float,
    *,
    dry_run: bool = False,
    wait: float | None = 0.0,
) -> Collected:
    """Drop what *keep* does not keep. *now* is seconds since the epoch.

    Raises BusyError while builds run or, after *wait* seconds, a reader reads.
    """
    if dry_run:
        return _collect(state, store, keep, now, None)
    lease = state.hold("gc", wait)
    try:
        with store.collecting(wait):
            return _collect(state, store, keep, now, lease)
    finally:
        lease.release()


def _collect(state: StateStore, store: Store, keep: Keep, now: float, lease: Lease | None) -> Collected:
    artifacts = [one for one in map(_artifact, store.list()) if one is not None]
    history = state.history(limit=-1)
    pointed = {pointer.materialization for _, pointer in state.pointers()}
    pointed |= {refusal.materialization.id for refusal in state.refusals().values()}
    staying = _staying(history, pointed, keep, now)
    needed_for_comparing = _unfingerprinted(state, [one for one in staying if one.id in pointed])
    staying = _within(keep.total, staying, pointed, needed_for_comparing, artifacts)
    kept_ids = {one.id for one in staying}
    sources = [record.version for record in state.sources().values()]
    # The artifacts of sources hold what was last seen of those that are not read in place.
    kept = [ref for one in staying for ref in one.artifacts]
    kept += [ref for version in sources for ref in version.artifacts]
    needed = {ref.id for ref in kept} | needed_for_comparing | state.samples()
    dropped = [one for one in history if one.id not in kept_ids]
    removed = [one for one in artifacts if one.ref.id not in needed]
    if lease is not None:
        state.drop(lease, [one.id for one in dropped])
        store.remove([one.stored for one in removed])  # before what needs room
        state.compact_journal(lease)
        read = {read.version for one in staying for read in one.trace.reads}
        versions = {one.version.id for one in staying} | {version.id for version in sources}
        state.forget_fingerprints(except_of=needed | read | versions)
    return Collected(
        tuple(one.id for one in dropped),
        tuple(f"{one.ref.id}{one.ref.suffix}" for one in removed),
        tuple(str(place) for place in store.sweep(dry_run=lease is None)),
        sum(one.ref.bytes for one in removed),
        sum(one.ref.bytes for one in artifacts) - sum(one.ref.bytes for one in removed),
    )


class _Artifact(Value, frozen=True):
    stored: Stored
    ref: ArtifactRef


def _artifact(stored: Stored) -> _Artifact | None:
    """An artifact that a collection may remove; None for what it leaves alone."""
    return _Artifact(stored, stored.ref) if stored.ref is not None and stored.plain else None


def _staying(
    history: Sequence[Materialization], pointed: set[str], keep: Keep, now: float
) -> list[Materialization]:
    seen: defaultdict[Node, int] = defaultdict(int)
    staying = []
    for one in history:  # newest first
        rank = seen[one.node]
        seen[one.node] += 1
        young = keep.days is None or now - one.finished <= keep.days * 86_400
        if one.id in pointed or young or rank < keep.count:
            staying.append(one)
    return staying


def _unfingerprinted(state: StateStore, current: Sequence[Materialization]) -> set[str]:
    """Versions that a current materialization read, and that are needed to tell what exactly it read."""
    reads = [read for one in current for read in one.trace.reads if read.fingerprint is None]
    known = state.fingerprints({read.version for read in reads})
    return {read.version for read in reads if (read.version, read.footprint) not in known}


def _within(
    total: int | None,
    staying: list[Materialization],
    pointed: set[str],
    needed: set[str],
    artifacts: Sequence[_Artifact],
) -> list[Materialization]:
    if total is None:
        return staying
    sizes: defaultdict[str, int] = defaultdict(int)
    for artifact in artifacts:
        sizes[artifact.ref.id] += artifact.ref.bytes
    users: defaultdict[str, int] = defaultdict(int)
    for one in staying:
        for ref in one.artifacts:
            users[ref.id] += 1
    size = sum(sizes[id_] for id_ in users.keys() | needed)
    leaving = set()
    for one in reversed(staying):  # oldest first
        if size <= total:
            break
        if one.id in pointed:
            continue
        leaving.add(one.id)
        for ref in one.artifacts:
            users[ref.id] -= 1
            if not users[ref.id] and ref.id not in needed:
                size -= sizes[ref.id]
    return [one for one in staying if one.id not in leaving]
