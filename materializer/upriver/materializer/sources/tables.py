"""The connector of tables in SQLite and DuckDB database files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from upriver.assets.errors import UpriverError
from upriver.assets.model import Key, Schema, TableLocation
from upriver.lineage.sql.names import literal, quote
from upriver.materializer.model import FileStamp
from upriver.materializer.ports.connector import Scanned, Shape, SourceMissing
from upriver.materializer.sources.reach import Reach
from upriver.materializer.sources.reading import SourceReader, copy_relation, told_of
from upriver.materializer.sources.stamps import digest_of_bytes, stamps_of

if TYPE_CHECKING:
    import duckdb


class TableConnector:
    """One table of a database file below *root*. See :class:`upriver.materializer.ports.Connector`."""

    in_place = False
    has_columns = True
    shaped = False

    def __init__(
        self, root: Path, key: Key, location: TableLocation, reader: SourceReader, reach: Reach
    ) -> None:
        self._root = root
        self._key = key
        self._location = location
        self._reader = reader
        self._reach = reach

    def describe(self) -> str:
        """Engine, table and file."""
        location = self._location
        what = f"query {location.query!r}" if location.query else f"table {location.table}"
        return f"{location.engine} {what} in {location.path}"

    def missing(self) -> str:
        """There is no such file."""
        return f"source {self._key}: there is no database {self._location.path}"

    def observe(self) -> tuple[FileStamp, ...]:
        """The stamps of the database and of its write-ahead log, where its newest rows may still be.

        Raises UpriverError for one that may not be read.
        """
        path = self._location.path
        self._reach.check(self._root, (path,))
        log = f"{path}-wal"
        return tuple(
            # SQLite, run by root, gives the log to the database's owner whenever it opens it: no change of content.
            msgspec.structs.replace(stamp, ctime=stamp.mtime) if stamp.path == log else stamp
            for stamp in stamps_of(self._root, (path, log, f"{path}.wal"))
        )

    def name_content(self, observed: tuple[FileStamp, ...]) -> str:
        """By the bytes of the files."""
        return digest_of_bytes(self._root, observed)

    def schema(self, shape: Shape | None) -> Schema:
        """Not known before the table is read: SQLite types values, not columns."""
        if not self.observe():
            raise SourceMissing(self.missing())
        return ()

    def measure(self, observed: tuple[FileStamp, ...]) -> tuple[Schema, int]:
        """Never asked: tables are read as copies."""
        raise AssertionError(f"{self.describe()} is not read in place")

    def scan(self, observed: tuple[FileStamp, ...], target: Path, shape: Shape | None) -> Scanned:
        """All rows, of one moment."""
        import duckdb

        path = self._root / self._location.path
        with (
            told_of(self._key, self.describe()),
            SourceReader().cursor() as cursor,
        ):  # attached to nothing else
            if self._location.engine == "duckdb":
                cursor.execute(f"attach {literal(str(path))} as source_database (read_only)")
                # A view over files would be read, and their changes never noticed.
                folder = literal(f"{target.parent}/")
                cursor.execute(f"set allowed_directories = [{folder}]; set enable_external_access = false")
                relation = self._duckdb_relation(cursor)
                try:
                    cursor.execute(f"describe select * from {relation}")
                except duckdb.PermissionException as error:
                    raise UpriverError(
                        f"source {self._key} ({self.describe()}) is a view over files, whose changes would not be "
                        "noticed\n"
                        "  hint: declare the files as a source, and write the view as an asset; or make it a table"
                    ) from error
                return Scanned(*copy_relation(cursor, relation, target))
            from upriver.materializer.sources.sqlite import sqlite_table

            cursor.register("sqlite_source", sqlite_table(path, self._location.table, self._location.query))
            return Scanned(*copy_relation(cursor, "sqlite_source", target))

    def _duckdb_relation(self, cursor: duckdb.DuckDBPyConnection) -> str:
        if self._location.query:
            cursor.execute("use source_database")
            return f"({self._location.query}\n)"
        parts = ".".join(quote(part) for part in self._location.table.split("."))
        return f"source_database.{parts}"

    def folders(self) -> Iterator[Path]:
        """None: it is not read in place."""
        return iter(())

    def linked(self) -> Iterator[Path]:
        """None, likewise."""
        return iter(())
