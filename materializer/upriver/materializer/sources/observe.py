"""What the sources hold now: noticed by their stamps, named by their bytes, and read as one consistent
content.

Parquet files are read in place. Everything else (CSV, NDJSON, Arrow, database tables) is read once into a
Parquet snapshot in the store, so that all readers see the same rows and types, and old contents can still be
compared.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from upriver.assets.errors import StoreError, UpriverError
from upriver.assets.model import Column, FileLocation, Key, Schema, Source, TableLocation
from upriver.lineage.sql.names import literal, quote
from upriver.materializer.context import Context
from upriver.materializer.engines.parquet import check_row_counts, write_parquet
from upriver.materializer.engines.types import escaped, stored_scan, to_stored
from upriver.materializer.model import FileStamp, Version
from upriver.materializer.ports import SourceRecord, StateStore, Store
from upriver.materializer.storage.locator import Locator

if TYPE_CHECKING:
    import duckdb

TRUST_AFTER = 2.0
"""Seconds that must lie between a file's last change and our look at it before equal stamps are taken as
equal bytes: a change within one tick of the file system's clock leaves the stamps as they were.
"""

ATTEMPTS = 3
"""How often a source that changes while it is read is read again before that is an error."""


class SourceMissing(UpriverError):
    """No file is where the source is declared to be."""


class SourceChanging(UpriverError):
    """A source was changed while it was being read."""


def sources_of(context: Context, *, verify: bool = False) -> Sources:
    """The sources of the project as last derived, not looked at yet."""
    declared = context.project(refresh=False).sources
    return Sources(
        context.root, declared, context.state, context.store, clock=context.clock.now, verify=verify
    )


class Sources:
    """The current versions of a project's sources, looked at when first asked for.

    *clock* gives seconds since the epoch. With *verify*, every byte is hashed whatever the stamps say.
    """

    def __init__(
        self,
        root: Path,
        sources: Mapping[Key, Source],
        state: StateStore,
        store: Store,
        *,
        clock: Callable[[], float],
        verify: bool = False,
    ) -> None:
        self._root = root
        self._sources = sources
        self._state = state
        self._store = store
        self._locator = Locator(root, store)
        self._clock = clock
        self._verify = verify
        self._records: dict[Key, SourceRecord] | None = None
        self._looked: dict[Key, SourceRecord] = {}

    def version(self, key: Key) -> Version:
        """What the source holds now. Raises SourceMissing, SourceChanging, StoreError, UpriverError."""
        if key not in self._looked:
            self._looked[key] = self._look(self._sources[key])
        return self._looked[key].version

    def renew(self, key: Key) -> None:
        """Look again now. Raises as :meth:`version`."""
        self._looked[key] = self._look(self._sources[key])

    def forget(self, key: Key) -> None:
        """Look again at the next question."""
        self._looked.pop(key, None)

    def unchanged_since_look(self, key: Key, version: Version) -> bool:
        """Whether who reads the files of *version* reads what they were when :meth:`version` gave it.

        A snapshot is, whatever becomes of the files behind it; files that are read in place are as long as
        their stamps are.
        """
        source = self._sources[key]
        location = source.location
        if not isinstance(location, FileLocation):
            return True
        if location.format != "file" and not _read_in_place(location):
            return True
        looked = self._looked.get(key)
        # Another look may have been taken since, at other content.
        if looked is None or looked.version.id != version.id:
            return False
        return stamps(self._root, source) == looked.stamps

    def known(self, key: Key) -> SourceRecord | None:
        """What was last seen, in this or an earlier process, without looking."""
        if key in self._looked:
            return self._looked[key]
        if self._records is None:
            self._records = dict(self._state.sources())
        return self._records.get(key)

    def _look(self, source: Source) -> SourceRecord:
        now = stamps(self._root, source)
        if not now:
            raise SourceMissing(_missing_message(source))
        record = self.known(source.key)
        location = describe_location(source)
        if record is not None and (record.location != location or not self._kept(record)):
            record = None
        if record and record.stamps == now and not self._verify and _settled(now, record.observed):
            return record
        seen = self._read(source, record, location)
        self._state.remember_sources([seen])
        return seen

    def _kept(self, record: SourceRecord) -> bool:
        return self._locator.there(record.version)

    def _read(self, source: Source, record: SourceRecord | None, location: str) -> SourceRecord:
        for _ in range(ATTEMPTS):
            observed = self._clock()
            before = stamps(self._root, source)
            digest = self._name_content(source, before, record, observed)
            same = record is not None and record.digest == digest
            version = record.version if record and same else self._version(source, before, digest)
            if before and stamps(self._root, source) == before:
                return SourceRecord(source.key, location, before, version, observed, digest)
        raise SourceChanging(
            f"source {source.key} ({location}) changes while it is being read; "
            "nothing was recorded. Build again when its writer has finished."
        )

    def _name_content(
        self, source: Source, stamped: tuple[FileStamp, ...], record: SourceRecord | None, observed: float
    ) -> str:
        """A digest that differs when the files' content does.

        Hashing the bytes of what is read in place would cost as much as comparing what is read of it, so
        there the stamps name the content, once they can be believed: a touched file is looked at again, and
        found to be the same.
        """
        in_place = isinstance(source.location, FileLocation) and _read_in_place(source.location)
        known = record is not None and record.stamps == stamped
        if in_place and not self._verify and not known and _settled(stamped, observed):
            return _stamps_digest(stamped)
        return _digest(self._root, stamped)

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        """For looking at many files: an instance takes longer to start than most looks."""
        connection = _connection()
        # It takes a file for unchanged by its size and modification time. Here nothing is.
        connection.execute("set enable_external_file_cache = false")
        return connection

    def _version(self, source: Source, stamped: tuple[FileStamp, ...], digest: str) -> Version:
        size = sum(stamp.size for stamp in stamped)
        files = tuple(str(self._root / stamp.path) for stamp in stamped)
        names = tuple(stamp.path for stamp in stamped)
        location = source.location
        if isinstance(location, FileLocation) and _is_no_table(location):
            return Version(digest, (), None, size, in_place=names)
        with _unreadable(source):
            if isinstance(location, FileLocation) and _read_in_place(location):
                schema, rows = _describe_parquet(self._database.cursor(), files)
                return Version(digest, schema, rows, size, in_place=names)
            return self._snapshot(source, files, size)

    def _snapshot(self, source: Source, files: tuple[str, ...], size: int) -> Version:
        target = self._store.reserve(".parquet")
        match source.location:
            case FileLocation(format="arrow"):
                schema, rows = _snapshot_arrow(files, target)
            case FileLocation() as location:
                with self._database.cursor() as cursor:
                    schema, rows = _copy_relation(cursor, scan_expression(location, files), target)
            case TableLocation() as location:
                schema, rows = _snapshot_table(self._root, location, target)
        staged = self._store.stage(target, ".parquet")
        self._store.publish([staged])
        # Named by the snapshot, not by the files: the same bytes read with other options are another content.
        return Version(staged.id, schema, rows, size, (staged.ref,))


def stamps(root: Path, source: Source) -> tuple[FileStamp, ...]:
    """The stamps of the source's files, sorted by path; empty when there are none."""
    match source.location:
        case FileLocation(patterns):
            paths = _expand(root, patterns)
        case TableLocation(path):
            # A SQLite database's newest rows may still be in its write-ahead log.
            paths = [name for name in (path, f"{path}-wal", f"{path}.wal") if (root / name).exists()]
    found = []
    for path in paths:
        try:
            stat = (root / path).stat()
        except FileNotFoundError:
            continue
        found.append(FileStamp(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino))
    return tuple(found)


def _expand(root: Path, patterns: Iterable[str]) -> list[str]:
    paths: set[str] = set()
    for pattern in patterns:
        if has_magic(pattern):
            paths.update(glob(pattern, root_dir=root, recursive=True))  # noqa: PTH207 -- root_dir keeps paths relative
        elif (root / pattern).is_file():
            paths.add(pattern)
    return sorted(path for path in paths if (root / path).is_file())


def _settled(stamped: Iterable[FileStamp], observed: float) -> bool:
    """Whether every file was last changed well before it was looked at (and the clock was not set back
    since).
    """
    return all(max(stamp.mtime, stamp.ctime) / 1e9 < observed - TRUST_AFTER for stamp in stamped)


def _digest(root: Path, stamped: Iterable[FileStamp]) -> str:
    """SHA-256 over the names and bytes of all files. Raises StoreError when one can't be read."""
    whole = hashlib.sha256()
    for stamp in stamped:
        try:
            with (root / stamp.path).open("rb") as file:
                one = hashlib.file_digest(file, "sha256").digest()
        except FileNotFoundError:
            one = b"gone"  # the stamps taken afterwards will differ
        except OSError as error:
            raise StoreError(f"{stamp.path}: can't be read: {os.strerror(error.errno or 0)}") from error
        whole.update(one)
        whole.update(stamp.path.encode() + b"\0")
    return whole.hexdigest()


def _stamps_digest(stamped: Iterable[FileStamp]) -> str:
    return hashlib.sha256(msgspec.json.encode(tuple(stamped))).hexdigest()


def _read_in_place(location: FileLocation) -> bool:
    return location.format == "parquet" and location.scan is None and not _hive(location)


def _is_no_table(location: FileLocation) -> bool:
    """Whether files are handed over as they are; a reader such as ``read_text`` makes a table even of these."""
    return location.format == "file" and location.scan is None


def _hive(location: FileLocation) -> bool:
    """Whether folders such as ``year=2024`` give the table columns."""
    return any("=" in part for pattern in location.patterns for part in pattern.split("/")[:-1])


def _missing_message(source: Source) -> str:
    match source.location:
        case FileLocation(patterns):
            return f"source {source.key}: no file matches {', '.join(patterns)}"
        case TableLocation(path):
            return f"source {source.key}: there is no database {path}"


def describe_location(source: Source) -> str:
    """Where the source is, in one line; also tells whether its declaration changed in a way that matters."""
    match source.location:
        case FileLocation(patterns, format, scan):
            return f"{', '.join(patterns)} as {scan or format}"
        case TableLocation(path, engine, table):
            return f"{engine} table {table} in {path}"


def scan_expression(location: FileLocation, files: tuple[str, ...]) -> str:
    """The DuckDB table expression that reads *files* whole; types are detected from all rows, not from a
    sample.
    """
    listed = f"[{', '.join(literal(escaped(file)) for file in files)}]"
    if location.scan is not None:
        return location.scan.replace("{files}", listed)
    match location.format:
        case "csv":
            return f"read_csv({listed}, sample_size = -1)"
        case "ndjson":
            return f"read_json({listed}, format = 'newline_delimited', sample_size = -1)"
        case "parquet":
            return f"read_parquet({listed}, hive_partitioning = {str(_hive(location)).lower()})"
        case other:
            raise UpriverError(f"sources of format {other!r} can't be read as a table")


def source_schema(root: Path, source: Source) -> Schema:
    """The source's columns, found by looking at its beginning or footer. Raises SourceMissing, UpriverError."""
    files = tuple(str(root / stamp.path) for stamp in stamps(root, source))
    if not files:
        raise SourceMissing(_missing_message(source))
    with _unreadable(source):
        match source.location:
            case FileLocation() as location if _is_no_table(location):
                return ()
            case FileLocation(format="arrow"):
                from upriver.materializer.sources.arrow import arrow_schema

                return arrow_schema(files[0])
            case FileLocation() as location:
                return _describe(scan_expression(location, files))
            case TableLocation():
                return ()


@contextmanager
def _unreadable(source: Source) -> Iterator[None]:
    """Whatever a reader makes of content that is not what it says is the source's problem, not a defect here."""
    try:
        yield
    except (UpriverError, OSError):
        raise
    except Exception as error:
        first = str(error).split("\n\nLINE")[0].strip()
        raise UpriverError(
            f"source {source.key} ({describe_location(source)}) can't be read: {first}"
        ) from error


def _connection() -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    return connection


def _describe(relation: str) -> Schema:
    with _connection() as connection:
        rows = connection.execute(f"describe select * from {relation}").fetchall()
        return tuple(Column(str(row[0]), str(row[1])) for row in rows)


def _describe_parquet(connection: duckdb.DuckDBPyConnection, files: tuple[str, ...]) -> tuple[Schema, int]:
    scan = stored_scan(files)
    with connection:
        described = connection.execute(f"describe select * from {scan}").fetchall()
        counted = connection.execute(f"select count(*) from {scan}").fetchone()
        rows = int(counted[0]) if counted else 0
        check_row_counts(connection, files, rows)
        return tuple(Column(str(row[0]), str(row[1])) for row in described), rows


def _snapshot_arrow(files: tuple[str, ...], target: Path) -> tuple[Schema, int]:
    from upriver.materializer.sources.arrow import arrow_table

    table = arrow_table(files)
    with _connection() as connection:
        connection.register("arrow_source", table)
        return _copy_relation(connection, "arrow_source", target)


def _snapshot_table(root: Path, location: TableLocation, target: Path) -> tuple[Schema, int]:
    path = root / location.path
    with _connection() as connection:
        if location.engine == "duckdb":
            connection.execute(f"attach {literal(str(path))} as source_database (read_only)")
            parts = ".".join(quote(part) for part in location.table.split("."))
            return _copy_relation(connection, f"source_database.{parts}", target)
        from upriver.materializer.sources.sqlite import sqlite_table

        connection.register("sqlite_source", sqlite_table(path, location.table))
        return _copy_relation(connection, "sqlite_source", target)


def _copy_relation(connection: duckdb.DuckDBPyConnection, relation: str, target: Path) -> tuple[Schema, int]:
    described = connection.execute(f"describe select * from {relation}").fetchall()
    schema = tuple(Column(str(row[0]), str(row[1])) for row in described)
    query = to_stored(f"select * from {relation}", schema)
    return schema, write_parquet(connection, query, target, schema)


def stamped_paths(root: Path, sources: Iterable[Source]) -> Iterator[FileStamp]:
    """All stamps of all sources; for noticing change cheaply."""
    for source in sources:
        yield from stamps(root, source)
