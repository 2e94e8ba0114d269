"""Opening of the state beside the store: found, refused with an explanation, or rebuilt from the journal."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from upriver.assets.errors import StoreError, UpriverError
from upriver.assets.model import Value
from upriver.materializer.model import Materialization
from upriver.materializer.ports import Bad, Clock, Committed, Damaged, Dropped, Pointer, Store
from upriver.materializer.state import rows
from upriver.materializer.state.database import Database, Unmade
from upriver.materializer.state.journal import Journal
from upriver.materializer.state.sqlite import SqliteState
from upriver.materializer.storage import locks
from upriver.materializer.storage.clock import MACHINE
from upriver.materializer.storage.durable_files import FilePort, OsFiles, disk_error
from upriver.materializer.storage.local_store import JOURNAL, LocalStore
from upriver.materializer.storage.locks import BUILDERS

STATE = "state.db"
STORE = "store"
_TOKENS_SKIPPED = 1000
"""Builds that never committed left no token in the journal; none of them may find its own in the new
database.
"""


def open_state(
    path: Path,
    readonly: bool = False,
    *,
    store: Store | None = None,
    journal: Path | None = None,
    fresh: bool = False,
    algorithm: str = "",
    term: float = locks.TERM,
    busy_seconds: float = 10.0,
    files: FilePort | None = None,
    clock: Clock = MACHINE,
) -> SqliteState:
    """Open the state database at *path* (``.upriver/state.db``).

    *store* is the store whose artifacts it tells of (None: the folder ``store`` beside it), *journal* the folder of the
    journal (None: the one that travels with that store's artifacts).
    *algorithm* names how fingerprints are computed (``fingerprint.algorithm()``): others' are not shown.
    *term* is the lease term in seconds. A database that is missing while the store holds something is not
    taken as empty: StoreError, unless *fresh*. A project that has never been built is empty, also read-only. Runs
    whose process is gone are marked as abandoned.
    """
    place = journal or path.parent / STORE / JOURNAL
    store = LocalStore(path.parent / STORE, files, clock) if store is None else store
    if path.is_symlink():
        raise Damaged(
            f"the state database {path} is a link, and none is followed there\n"
            "  The artifacts are not concerned.\n"
            "  hint: put the file itself there, or `upriver fsck --repair` sets the link aside and rebuilds the state"
            " from the store's journal"
        )
    try:
        there = path.exists() and path.stat().st_size > 0
    except OSError as error:
        raise disk_error("open the state database", path, error) from error
    if not there:
        if not fresh and (left := holdings(store, place)):
            raise Damaged(
                f"the state database {path} is missing or empty, but the store holds {left}\n"
                "  The artifacts are not concerned.\n"
                "  hint: `upriver fsck --repair` rebuilds the state from the store's journal"
            )
        if readonly:
            return memory_state(algorithm, clock)
        _make_folder(path.parent)
    try:
        database = Database(path, readonly, busy_seconds)
    except Unmade:
        if holdings(store, place):
            raise
        return memory_state(algorithm, clock)  # the first build died before there was anything to remember
    kept = None if readonly else Journal(place, files)
    state = SqliteState(database, kept, algorithm, path.with_name(BUILDERS), term, clock)
    if not database.readonly:
        with suppress(UpriverError):  # busy, or a full disk: the next one does it
            state.close_abandoned()
    return state


def memory_state(algorithm: str = "", clock: Clock = MACHINE) -> SqliteState:
    """A state that nothing is kept of: no file, no journal, no lock."""
    return SqliteState(Database(Path(":memory:")), None, algorithm, clock=clock)


def holdings(store: Store, journal: Path) -> str | None:
    """What there is of a state that is missing, in words; None when there is nothing."""
    if Journal(journal).exists():
        return "a journal of commits"
    if any(stored.ref is not None for stored in store.list()):
        return "artifacts"
    return None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        OsFiles().sync_folder(folder.parent)
    except OSError as error:
        raise disk_error("create", folder, error) from error


class Rebuilt(Value, frozen=True):
    """What :func:`rebuild_from_store` could bring back, and what not."""

    materializations: int
    pointers: int
    missing: tuple[str, ...]
    bad: tuple[Bad, ...]


def rebuild_from_store(
    path: Path,
    *,
    store: Store | None = None,
    journal: Path | None = None,
    files: FilePort | None = None,
) -> Rebuilt:
    """Make a new state database at *path*, which must not exist, from the journal and what *store* holds.

    Materializations whose artifact is gone are left out, with the pointers at them. The database appears at
    *path* complete or not at all. Runs, failures and remembered facts are lost: they are recomputed or did no
    harm.
    """
    if path.exists():
        raise StoreError(f"{path} exists: move it away before the state is rebuilt")
    store = LocalStore(path.parent / STORE, files) if store is None else store
    lines = Journal(journal or path.parent / STORE / JOURNAL, files)
    entries, bad = lines.read()
    made: dict[str, Materialization] = {}
    pointed: dict[tuple[str, str, str], str] = {}
    token = sequence = 0
    for entry in entries:
        token, sequence = max(token, entry.token), max(sequence, entry.sequence)
        if isinstance(entry, Committed):
            made.update((one.id, one) for one in entry.made)
            pointed.update(
                ((entry.environment, p.asset, p.partition), p.materialization) for p in entry.pointed
            )
        elif isinstance(entry, Dropped):
            for one in entry.ids:
                made.pop(one, None)
        else:
            pointed = {place: at for place, at in pointed.items() if place[0] != entry.environment}
    present = {stored.ref.id for stored in store.list() if stored.ref is not None}
    kept = {id_: one for id_, one in made.items() if one.version.id in present}
    draft = path.with_name(path.name + ".rebuilt")
    OsFiles().remove(draft)
    database = Database(draft)
    pointers = 0
    try:
        with database.write() as connection:
            rows.insert_materializations(connection, kept.values())
            for (environment, asset, partition), id_ in pointed.items():
                if id_ in kept:
                    rows.point(connection, environment, [Pointer(asset, partition, id_)])
                    connection.execute("insert or ignore into environments values (?, 0)", (environment,))
                    pointers += 1
            rows.set_number(connection, "token", token + _TOKENS_SKIPPED)
            rows.set_number(connection, "journal", sequence)
            rows.set_number(connection, "journal_bytes", lines.size())
        database.query("pragma wal_checkpoint(truncate)")
    finally:
        database.close()
    os_files = OsFiles()
    for leftover in ("-wal", "-shm", "-journal"):
        os_files.remove(path.with_name(path.name + leftover))
    os_files.sync(draft)
    os_files.replace(draft, path)
    os_files.sync_folder(path.parent)
    gone = tuple(id_ for id_ in made if id_ not in kept)
    return Rebuilt(len(kept), pointers, gone, tuple(bad))
