"""The form of Parquet that DuckDB writes artifacts in: small and quick to write, and readable by every engine.

Parquet's second version packs numbers by their differences, and a dictionary is kept only where values truly recur. By
``python -m benchmarks tables`` a whole build takes a fifth less processor time than with DuckDB's defaults, and its
files a fifth less room.

One thing in it is not for every reader. Differences of 32-bit numbers are to be taken modulo 2^32
(https://parquet.apache.org/docs/file-format/data-pages/encodings/, DELTA_BINARY_PACKED); DuckDB 2.0 lets them need 33
bits, where numbers 2^31 or more apart meet (hashes, an infinite date). It reads that back, and so does Polars, but
Arrow, and pandas with it, refuses the file. Such a file is written again in the first version.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from upriver.assets.model import Schema
from upriver.lineage.sql.names import literal
from upriver.materializer.engines.types import escaped, stored_scan, stored_type

if TYPE_CHECKING:
    import duckdb

_FORM = "format parquet, parquet_version v2, dictionary_size_limit 4000"
_PLAIN_FORM = "format parquet"
_FARTHEST = 2**31
_FULL_RANGE = re.compile(r"\b(?:U?INTEGER|DATE|NULL)\b", re.IGNORECASE)
"""Other types that Parquet stores in 32 bits (smaller integers, short decimals) hold no such numbers."""


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    path: Path,
    schema: Schema,
    computed: Callable[[], None] = lambda: None,
) -> int:
    """Write the rows of *query*, which has only types that Parquet holds, into *path*; returns how many they are.

    *schema* are the columns of *query*, or what they were cast from. *computed* is called when the query itself has
    run.
    """
    # Content is named by its bytes: types that Parquet does not tell apart must make others of them.
    told = [f"{c.name} {c.type}" for c in schema if "ENUM(" in c.type or stored_type(c.type) != c.type]
    kept = f", kv_metadata {{upriver_types: {literal(repr(told))}}}" if told else ""
    row = connection.execute(copy_to(query, path, kept)).fetchone()
    computed()
    if may_need_settling(schema):
        settle(connection, path, kept)
    return int(row[0]) if row else 0


def copy_to(query: str, path: Path, more: str = "") -> str:
    """The statement that begins :func:`write_parquet`, for a connection that one can't have; :func:`settle` ends it.

    *more* are options, each behind a comma.
    """
    return f"copy (\n{query}\n) to {literal(str(path))} ({_FORM}{more})"


def may_need_settling(schema: Schema) -> bool:
    """Whether a column holds 32-bit numbers that can be 2^31 apart. For most small tables this saves as much as writing
    them takes.
    """
    return any(_FULL_RANGE.search(column.type) for column in schema)


def settle(connection: duckdb.DuckDBPyConnection, path: Path, more: str = "") -> None:
    """Write the file at *path* again if not every engine can read it. The rows, and their order, stay. *more* as
    in :func:`copy_to`.
    """
    if not _too_far_apart(connection, path):
        return
    plain = path.with_name(f"{path.name}.plain")
    connection.execute(
        f"copy (from {stored_scan((str(path),))}) to {literal(str(plain))} ({_PLAIN_FORM}{more})"
    )
    os.replace(plain, path)  # noqa: PTH105 -- only its writer knows the file yet


def _too_far_apart(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether a part of a packed column may span 2^31 or more. Statistics that are missing or not numbers count so."""
    low, high = (
        f"coalesce(try_cast({bound} as double), datediff('day', date '1970-01-01', try_cast({bound} as date)))"
        for bound in ("stats_min_value", "stats_max_value")
    )
    found = connection.execute(
        f"select count(*) from parquet_metadata({literal(escaped(str(path)))})"
        " where type = 'INT32' and contains(encodings, 'DELTA_BINARY_PACKED')"
        " and stats_null_count is distinct from num_values"
        f" and coalesce({high} - {low} >= {_FARTHEST}, true)"
    ).fetchone()
    return found is None or bool(found[0])


def check_row_counts(connection: duckdb.DuckDBPyConnection, files: Sequence[str], rows: int) -> None:
    """Raise ValueError when the footer of one of *files*, which have *rows* rows by what is told of their parts, tells
    another number for the whole: DuckDB would believe the parts and Polars, at times, the whole.

    The numbers of a column are compared with those of its part by the readers themselves. A footer whose numbers are
    all too small in the same way contradicts nothing that can be seen without reading every page.
    """
    listed = ", ".join(literal(escaped(file)) for file in files)
    told = connection.execute(f"select sum(num_rows) from parquet_file_metadata([{listed}])").fetchone()
    if told is None or int(told[0] or 0) == rows:
        return
    for file in files:
        query = f"select num_rows from parquet_file_metadata({literal(escaped(file))})"
        whole = connection.execute(query).fetchone()
        parts = connection.execute(f"select count(*) from {stored_scan((file,))}").fetchone()
        if whole != parts and whole is not None and parts is not None:
            raise ValueError(
                f"{Path(file).name} is damaged: its footer tells of {whole[0]:,} rows in the whole file, and of "
                f"{parts[0]:,} in its parts"
            )
