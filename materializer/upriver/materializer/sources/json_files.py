"""JSON files, one value a line or an array: which columns and types they have, by all their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upriver.assets.model import Column
from upriver.lineage.sql.names import literal, quote
from upriver.materializer.engines.types import escaped
from upriver.materializer.ports.connector import Shape
from upriver.materializer.sources.csv_files import Misplaced
from upriver.materializer.sources.options import Options, arguments
from upriver.materializer.sources.shape import NOTHING

if TYPE_CHECKING:
    import duckdb

_ISO_DATE = "'%Y-%m-%d'"
"""Other dates stay text, unless a format is declared: the reader does not tell which one it has guessed."""

_FILES = (
    "union_by_name",
    "filename",
    "hive_partitioning",
    "hive_types",
    "hive_types_autocast",
    "file_row_number",
)


def sniff(connection: duckdb.DuckDBPyConnection, file: str, options: Options) -> Shape:
    """The shape of *file*, by all of its rows."""
    if "columns" in options.given:
        given = _given(options, *_FILES)
    else:
        given = {**_given(options, *_FILES), "sample_size": "-1"}
    rows = connection.execute(
        f"describe select * from read_json([{literal(escaped(file))}]{arguments(given)}, hive_partitioning = false)"
    ).fetchall()
    columns = tuple(Column(str(row[0]), str(row[1])) for row in rows)
    return Shape("", columns, date_format=options.given.get("dateformat", "''").strip("'") or None)


def _given(options: Options, *without: str) -> dict[str, str]:
    given = {name: text for name, text in options.given.items() if name not in without}
    given.setdefault("dateformat", _ISO_DATE)
    return given


def reading(files: list[str], options: Options, layout: tuple[Column, ...]) -> str:
    """The table expression that reads *files* with the columns *layout*."""
    typed = [one for one in layout if one.type != NOTHING]
    given = _given(options, "columns", "union_by_name", "maximum_depth", "map_inference_threshold")
    if typed:
        columns = ", ".join(f"{literal(one.name)}: {literal(one.type)}" for one in typed)
        given["columns"] = f"{{{columns}}}"
    listed = ", ".join(literal(escaped(file)) for file in files)
    return f"read_json([{listed}]{arguments(given)})"


def first_other(
    connection: duckdb.DuckDBPyConnection, file: str, options: Options, column: str, type: str
) -> Misplaced | None:
    """The first value of *column* that is not of *type*."""
    scan = reading([file], options, (Column(column, "JSON"),))
    name = quote(column)
    row = connection.execute(
        f"select line, {name}::varchar from (select row_number() over () as line, {name} from {scan})"
        f" where {name} is not null and json_type({name}) <> 'NULL' and ({_odd(name, type)}) order by line limit 1"
    ).fetchone()
    if row is None:
        return None
    value = str(row[1])
    return Misplaced("", int(row[0]), value[1:-1] if value.startswith('"') else value, column)


def _odd(name: str, type: str) -> str:
    """The condition that JSON *name* is no *type*: text is no number, however it spells."""
    kind = f"json_type({name})"
    match type:
        case "DOUBLE" | "FLOAT":
            return f"{kind} not in ('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE')"
        case "BOOLEAN":
            return f"{kind} <> 'BOOLEAN'"
        case _ if "INT" in type and "(" not in type:
            return f"{kind} not in ('BIGINT', 'UBIGINT', 'HUGEINT')"
        case "VARCHAR":
            return f"{kind} <> 'VARCHAR'"
        case _ if type.endswith("]"):
            return f"{kind} <> 'ARRAY' or try_cast({name} as {type}) is null"
        case _ if type.startswith(("STRUCT(", "MAP(")):
            return f"{kind} <> 'OBJECT' or try_cast({name} as {type}) is null"
    return f"{kind} <> 'VARCHAR' or try_cast({name}->>'$' as {type}) is null"
