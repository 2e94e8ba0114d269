"""Locations of sources: files, a table of a database file, or something that a connection reaches."""

from __future__ import annotations

from typing import TypeAlias

from upriver.assets.value import Value


class FileLocation(Value, frozen=True, tag="files"):
    """Files that form one table. *patterns* are paths or globs relative to the project root.

    *scan* is the DuckDB table expression that reads them when the plain form does not do, with ``{files}``
    where the list of files goes, such as ``read_csv({files}, delim = ';')``.
    """

    patterns: tuple[str, ...]
    format: str  # "csv" | "parquet" | "ndjson" | "arrow" | "excel" | "file"
    scan: str | None = None


class TableLocation(Value, frozen=True, tag="database"):
    """A table in a SQLite or DuckDB file, *path* relative to the project root; or the rows of a *query* there."""

    path: str
    engine: str  # "sqlite" | "duckdb"
    table: str
    query: str = ""


class SystemLocation(Value, frozen=True, tag="system"):
    """What the *connection* of this name reaches: a *table*, the rows of a *query*, or files (*patterns*) there.

    *version* is one of the past, where the system keeps those. An observation that is not older than *observe_every*
    seconds counts as the present one.
    """

    connection: str
    table: str = ""
    query: str = ""
    patterns: tuple[str, ...] = ()
    format: str = ""
    scan: str | None = None
    version: str = ""
    observe_every: float | None = None


SINK_MODES = ("replace", "append", "upsert")
"""How rows are written: instead of all that were there, beside them, or each instead of the one with its key."""


class Sink(Value, frozen=True):
    """The *table* that an asset is written to, by the *connection* of that name. *mode* is one of :data:`SINK_MODES`,
    *key* the columns that tell rows apart. With *verify* others' edits of the table are looked for.
    """

    connection: str
    table: str
    mode: str = "replace"
    key: tuple[str, ...] = ()
    verify: bool = False


Location: TypeAlias = FileLocation | TableLocation | SystemLocation
