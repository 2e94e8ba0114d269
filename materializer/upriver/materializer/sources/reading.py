"""DuckDB as a reader of sources: a connection that trusts no cache, descriptions, and copies into Parquet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from upriver.assets.errors import UpriverError
from upriver.assets.model import Column, Schema
from upriver.materializer.engines.logical_types import logical_types
from upriver.materializer.engines.parquet import check_row_counts, write_parquet
from upriver.materializer.engines.types import stored_scan, to_stored

if TYPE_CHECKING:
    import duckdb


class SourceReader:
    """One DuckDB instance for looking at many sources: an instance takes longer to start than most looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor that the caller closes."""
        with self._lock:
            if self._connection is None:
                import duckdb

                self._connection = duckdb.connect(":memory:")
                # The cache takes a file for unchanged by its size and modification time. Here nothing is.
                self._connection.execute(
                    "set autoinstall_known_extensions = false; set autoload_known_extensions = false;"
                    "set enable_external_file_cache = false"
                )
            return self._connection.cursor()

    def describe(self, relation: str) -> Schema:
        """The columns of a table expression."""
        with self.cursor() as cursor:
            rows = cursor.execute(f"describe select * from {relation}").fetchall()
            return tuple(Column(str(row[0]), str(row[1])) for row in rows)

    def describe_parquet(self, files: tuple[str, ...]) -> tuple[Schema, int]:
        """Columns and number of rows of Parquet files; a footer that tells another number is an error."""
        scan = stored_scan(files)
        with self.cursor() as cursor:
            described = cursor.execute(f"describe select * from {scan}").fetchall()
            counted = cursor.execute(f"select count(*) from {scan}").fetchone()
            rows = int(counted[0]) if counted else 0
            check_row_counts(cursor, files, rows)
            logical = logical_types(cursor, files[0])
            return tuple(
                Column(str(row[0]), str(row[1]), logical.get(str(row[0]), "")) for row in described
            ), rows

    def close(self) -> None:
        """Release the instance."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def copy_relation(connection: duckdb.DuckDBPyConnection, relation: str, target: Path) -> tuple[Schema, int]:
    """Write the rows of *relation* into a Parquet file at *target*; its columns and number of rows."""
    described = connection.execute(f"describe select * from {relation}").fetchall()
    schema = tuple(Column(str(row[0]), str(row[1])) for row in described)
    query = to_stored(f"select * from {relation}", schema)
    return schema, write_parquet(connection, query, target, schema)


@contextmanager
def told_of(key: str, location: str) -> Iterator[None]:
    """Whatever a reader makes of content that is not what it says is the source's problem, not a defect here."""
    try:
        yield
    except (UpriverError, OSError):
        raise
    except Exception as error:
        first = str(error).split("\n\nLINE")[0].strip()
        if "disabled by configuration" in first:  # a view in a database, which reads something else
            raise UpriverError(
                f"source {key} ({location}) reads other files, whose changes would not be noticed: {first}\n"
                "  hint: declare these files as sources, or read a table in the place of a view"
            ) from error
        raise UpriverError(f"source {key} ({location}) can't be read: {first}") from error
