"""Tables of SQLite files, read with the bundled SQLite: DuckDB's own reader is an extension to be downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from upriver.assets.errors import UpriverError, did_you_mean
from upriver.lineage.sql.names import quote

_BATCH = 50_000


def sqlite_table(path: Path, table: str, query: str = "") -> Any:
    """The rows of *table*, or of *query*, as a ``pyarrow.Table``; of a table in rowid order where there is one.

    SQLite types values, not columns: a column's type is what its declaration's affinity says, when all its
    values fit, else text. Raises UpriverError for an unknown table.
    """
    import apsw
    import pyarrow as pa

    connection = apsw.Connection(_location(path), flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        declared = _columns(connection, query) if query else _columns_of(connection, path, table)
        names = [name for name, _ in declared]
        if len(set(names)) < len(names):
            raise UpriverError(
                f"two columns of the query have one name; give each its own, `as …`: {', '.join(names)}"
            )
        columns: list[list[Any]] = [[] for _ in names]
        cursor = connection.execute(
            f"select * from ({query}\n)" if query else f"select * from {quote(table)}"
        )
        while rows := _take(cursor):
            for index, values in enumerate(zip(*rows, strict=True)):
                columns[index].extend(values)
    finally:
        connection.close()
    arrays = [_array(values, type) for values, (_, type) in zip(columns, declared, strict=True)]
    return pa.table(dict(zip(names, arrays, strict=True)))


def _columns_of(connection: Any, path: Path, table: str) -> list[tuple[str, str]]:
    query = "select name from sqlite_schema where type in ('table', 'view')"
    known = [str(name) for (name,) in connection.execute(query)]
    if table not in known:
        hint = did_you_mean(table, known)
        raise UpriverError(f"{path.name} has no table {table!r}" + (f"; {hint}" if hint else ""))
    return [(str(row[1]), str(row[2])) for row in connection.execute(f"pragma table_info({quote(table)})")]


def _columns(connection: Any, query: str) -> list[tuple[str, str]]:
    """Of a query, which may neither write nor name another file."""
    import apsw

    connection.set_authorizer(_allowed)
    description: list[tuple[Any, ...]] = []

    def describe(cursor: Any, *_: object) -> bool:
        description.extend(cursor.get_description())
        return False  # its columns are known; it need not run

    connection.exec_trace = describe
    try:
        connection.execute(query)
    except apsw.ExecTraceAbort:
        pass  # as wanted
    finally:
        connection.exec_trace = None
    return [(str(one[0]), str(one[1] or "")) for one in description]


def _allowed(operation: int, *_: object) -> int:
    import apsw

    refused = (apsw.SQLITE_ATTACH, apsw.SQLITE_DETACH, apsw.SQLITE_PRAGMA)
    return int(apsw.SQLITE_DENY if operation in refused else apsw.SQLITE_OK)


def _location(path: Path) -> str:
    """The database as it is to be opened: in WAL mode, when no process has it open, without making files beside it.

    SQLite would make an empty log and remove it again: the source would change while it is read. No process has
    it open when there is no log; one that opens it meanwhile makes a log, and is noticed by that.
    """
    with path.open("rb") as file:
        header = file.read(20)
    logged = (
        header[18:20] == b"\x02\x02"
    )  # https://www.sqlite.org/fileformat.html#file_format_version_numbers
    closed = logged and not path.with_name(f"{path.name}-wal").exists()
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if closed else ''}"


def _take(cursor: Any) -> list[tuple[Any, ...]]:
    rows = []
    for row in cursor:
        rows.append(row)
        if len(rows) == _BATCH:
            break
    return rows


def _array(values: list[Any], declared: str) -> Any:
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    upper = declared.upper()
    if kinds <= {int} and (kinds or "INT" in upper):
        return pa.array(values, pa.int64())
    if kinds <= {int, float} and (kinds or any(word in upper for word in ("REAL", "FLOA", "DOUB"))):
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if kinds == {bytes}:
        return pa.array(values, pa.binary())
    return pa.array([None if v is None else _text(v) for v in values], pa.string())


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
