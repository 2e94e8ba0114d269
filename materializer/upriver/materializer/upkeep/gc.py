"""Dropping what nothing needs: old materializations, then artifacts that nothing points at, then leftovers.

Never dropped: what any environment points at, the snapshots of sources, and the artifacts that current ones
were made from as long as the fingerprints of what was read of them are not known. A build is kept out by the
lease, readers by ``gc.lock`` (see :func:`upriver.materializer.storage.locks.reading`). Records go first: a power cut
in between leaves orphans, which the next collection drops, and never a record without its artifact.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from upriver.assets.errors import BusyError
from upriver.assets.model import Value
from upriver.materializer.model import Materialization, Version
from upriver.materializer.ports import Lease
from upriver.materializer.state import SqliteState
from upriver.materializer.state.opening import GC_LOCK
from upriver.materializer.storage.durable_files import FilePort, OsFiles, disk_error
from upriver.materializer.storage.local_store import LocalStore, artifact_id
from upriver.materializer.storage.locks import FileLock, poll


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
    state: SqliteState,
    store: LocalStore,
    keep: Keep,
    now: float,
    *,
    dry_run: bool = False,
    wait: float | None = 0.0,
    files: FilePort | None = None,
) -> Collected:
    """Drop what *keep* does not keep. *now* is seconds since the epoch.

    Raises BusyError while a build or, after *wait* seconds, a reader holds the project.
    """
    port = files or OsFiles()
    if dry_run:
        return _collect(state, store, keep, now, port, None)
    lease = state.hold("gc", wait)
    try:
        with _no_readers(store.root.parent / GC_LOCK, wait):
            return _collect(state, store, keep, now, port, lease)
    finally:
        lease.release()


@contextlib.contextmanager
def _no_readers(path: Path, wait: float | None) -> Iterator[None]:
    lock = FileLock(path)
    try:
        for _ in poll(wait):
            if lock.try_exclusive():
                break
        else:
            raise BusyError(
                "somebody is reading artifacts (the terminal interface, a query or a preview)\n"
                "  Nothing was dropped.\n  hint: close it, or try again later"
            )
        yield
    except OSError as error:
        raise disk_error("lock", path, error) from error
    finally:
        lock.close()


def _collect(
    state: SqliteState, store: LocalStore, keep: Keep, now: float, files: FilePort, lease: Lease | None
) -> Collected:
    artifacts = _artifacts(store, files)
    history = state.history(limit=-1)
    pointed = {pointer.materialization for _, pointer in state.pointers()}
    staying = _staying(history, pointed, keep, now)
    needed_for_comparing = _unfingerprinted(state, [one for one in staying if one.id in pointed])
    staying = _within(keep.total, staying, pointed, needed_for_comparing, artifacts)
    kept_ids = {one.id for one in staying}
    sources = [record.version for record in state.sources().values()]
    needed = {one.version.id for one in staying} | needed_for_comparing | _snapshots(sources)
    dropped = [one for one in history if one.id not in kept_ids]
    removed = [one for one in artifacts if one.id not in needed]
    if lease is not None:
        state.drop(lease, [one.id for one in dropped])
        state.compact_journal(lease)
        _remove(removed, files)
        read = {read.version for one in staying for read in one.trace.reads}
        state.forget_fingerprints(except_of=needed | read | {version.id for version in sources})
    return Collected(
        tuple(one.id for one in dropped),
        tuple(one.path.name for one in removed),
        tuple(str(path) for path in store.sweep(dry_run=lease is None)),
        sum(one.size for one in removed),
        sum(one.size for one in artifacts) - sum(one.size for one in removed),
    )


def _snapshots(sources: Sequence[Version]) -> set[str]:
    """The artifacts that hold what was last seen of the sources that are not read in place."""
    return {id_ for version in sources for file in version.files if (id_ := artifact_id(file)) is not None}


class _Artifact(Value, frozen=True):
    path: Path
    id: str
    size: int


def _artifacts(store: LocalStore, files: FilePort) -> list[_Artifact]:
    found = []
    try:
        for path, id_, _ in store.artifacts():
            info = files.info(path) if id_ is not None else None
            if id_ is not None and info is not None and info.kind == "file":
                found.append(_Artifact(path, id_, info.size))
    except OSError as error:
        raise disk_error("read", store.root, error) from error
    return found


def _staying(
    history: Sequence[Materialization], pointed: set[str], keep: Keep, now: float
) -> list[Materialization]:
    seen: defaultdict[tuple[str, str | None], int] = defaultdict(int)
    staying = []
    for one in history:  # newest first
        rank = seen[one.asset, one.partition]
        seen[one.asset, one.partition] += 1
        young = keep.days is None or now - one.finished <= keep.days * 86_400
        if one.id in pointed or young or rank < keep.count:
            staying.append(one)
    return staying


def _unfingerprinted(state: SqliteState, current: Sequence[Materialization]) -> set[str]:
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
        sizes[artifact.id] += artifact.size
    users: defaultdict[str, int] = defaultdict(int)
    for one in staying:
        users[one.version.id] += 1
    size = sum(sizes[id_] for id_ in users.keys() | needed)
    leaving = set()
    for one in reversed(staying):  # oldest first
        if size <= total:
            break
        if one.id in pointed:
            continue
        leaving.add(one.id)
        users[one.version.id] -= 1
        if not users[one.version.id] and one.version.id not in needed:
            size -= sizes[one.version.id]
    return [one for one in staying if one.id not in leaving]


def _remove(artifacts: Sequence[_Artifact], files: FilePort) -> None:
    for one in artifacts:
        try:
            files.remove(one.path)
        except OSError as error:
            raise disk_error("remove", one.path, error) from error
