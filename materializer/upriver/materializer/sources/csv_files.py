"""CSV files: which delimiter, quotes, header and types they have, by all their rows, and where they don't fit.

DuckDB's sniffer looks at the beginning for how the text is taken apart, and then at every row with that given: that is
a third of the time that it takes to try every delimiter on every row. A line that does not fit is an error then, and
not the reason to take another delimiter.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from upriver.assets.model import Column
from upriver.lineage.sql.names import literal, quote
from upriver.materializer.engines.types import escaped
from upriver.materializer.ports.connector import Shape
from upriver.materializer.sources.options import Options, arguments
from upriver.materializer.sources.shape import NOTHING

if TYPE_CHECKING:
    import duckdb

_TYPING = ("types", "names", "columns", "all_varchar", "auto_type_candidates", "normalize_names")
_FILES = (
    "union_by_name",
    "filename",
    "hive_partitioning",
    "hive_types",
    "hive_types_autocast",
    "file_row_number",
)
_ISO = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S")
_STANDARD = r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?"
_DELIMITERS = ",;|\t"
_CONVERT = re.compile(r'Could not convert string "(.*)" to', re.DOTALL)


class Misplaced(Exception):
    """A line that can't be read: what is wrong with it (*message*), where, and what stands there."""

    def __init__(
        self, message: str, line: int | None, value: str | None = None, column: str | None = None
    ) -> None:
        self.line = line
        self.value = value
        self.column = column
        super().__init__(message)


def sniff(connection: duckdb.DuckDBPyConnection, file: str, options: Options, then: Shape | None) -> Shape:
    """The shape of *file*, by all of its rows; where *then* is known, taken apart as it says. Raises Misplaced when a
    line can't be, duckdb.Error when the options don't go with the file.
    """
    import duckdb

    given = _sniffed_with(options)
    dialect = dialect_of(then) if then is not None else _guess(connection, file, options, given)
    fixed = {**dialect, **given}
    try:
        found = _shape(_run(connection, file, {**fixed, "sample_size": "-1"}), options)
        return _declared(connection, file, options, found)
    except duckdb.Error as error:
        if (wrong := first_reject(connection, file, options, fixed, then)) is not None:
            raise wrong from error
        if then is not None:
            raise
        found = _shape(_run(connection, file, {**given, "sample_size": "-1"}), options)
        return _declared(connection, file, options, found)


def _sniffed_with(options: Options) -> dict[str, str]:
    return {name: text for name, text in options.given.items() if name not in (*_FILES, "columns")}


def _declared(connection: duckdb.DuckDBPyConnection, file: str, options: Options, shape: Shape) -> Shape:
    """*shape* with the columns that are declared, where all are."""
    if "columns" not in options.given:
        return shape
    rows = connection.execute(
        f"describe select * from read_csv({literal(escaped(file))}{options.listed(*_FILES)}, hive_partitioning = false)"
    ).fetchall()
    return msgspec.structs.replace(shape, columns=tuple(Column(str(row[0]), str(row[1])) for row in rows))


def _guess(
    connection: duckdb.DuckDBPyConnection, file: str, options: Options, given: dict[str, str]
) -> dict[str, str]:
    """How the beginning of *file* is taken apart."""
    found = _run(connection, file, given)
    if found["SkipRows"] and "skip" not in given and _skips_most(file, int(found["SkipRows"])):
        found = _run(connection, file, {**given, "skip": "0"})
    shape = _shape(found, options)
    guessed = dialect_of(shape)
    return {name: text for name, text in guessed.items() if name not in ("dateformat", "timestampformat")}


def _skips_most(file: str, skipped: int) -> bool:
    """Whether less is left of *file* than was *skipped*: then the one line that differs was taken for the header."""
    if file.endswith((".gz", ".zst")):
        return False
    with Path(file).open("rb") as lines:
        return sum(1 for _ in lines) < 2 * skipped


def dialect_of(shape: Shape) -> dict[str, str]:
    """How *shape* says that text is taken apart, as options."""
    known: dict[str, str | None] = {
        "delim": shape.delimiter,
        "quote": shape.quote,
        "escape": shape.escape,
        "comment": shape.comment,
        "dateformat": shape.date_format,
        "timestampformat": shape.timestamp_format,
    }
    found = {name: literal(text) for name, text in known.items() if text is not None}
    found["header"] = str(bool(shape.header)).lower()
    found["skip"] = str(shape.skip)
    return found


def _run(connection: duckdb.DuckDBPyConnection, file: str, given: dict[str, str]) -> dict[str, Any]:
    found = connection.execute(f"from sniff_csv({literal(escaped(file))}{arguments(given)})")
    names = [str(one[0]) for one in found.description or ()]
    row = found.fetchone()
    assert row is not None, "the sniffer tells one row"
    return {name: ("" if value == "(empty)" else value) for name, value in zip(names, row, strict=True)}


def _shape(found: dict[str, Any], options: Options) -> Shape:
    # Where the rows looked at have no quotes, a later one may: by the usual ones then.
    quoted = found["Quote"] or ('"' if "quote" not in options.given else "")
    strict = options.given.get("strict_mode", "true").lower() == "true"
    apart = found["Escape"] or (quoted if strict and "escape" not in options.given else "")
    return Shape(
        read="",
        columns=tuple(Column(str(one["name"]), str(one["type"])) for one in found["Columns"]),
        delimiter=found["Delimiter"],
        quote=quoted,
        escape=apart,
        comment=found["Comment"],
        header=bool(found["HasHeader"]),
        skip=int(found["SkipRows"]),
        date_format=None if found["DateFormat"] in _ISO else found["DateFormat"],
        timestamp_format=None if found["TimestampFormat"] in _ISO else found["TimestampFormat"],
        encoding=options.given.get("encoding", "'utf-8'").strip("'"),
    )


def reading(files: list[str], options: Options, shape: Shape, layout: tuple[Column, ...]) -> str:
    """The table expression that reads *files*, whose columns are *layout* in this order, with these types."""
    columns = ", ".join(f"{literal(one.name)}: {literal(read_as(one.type))}" for one in layout)
    fixed = {"auto_detect": "false", **dialect_of(shape)}
    fixed.update(
        {name: text for name, text in options.given.items() if name not in (*_TYPING, "union_by_name")}
    )
    fixed["header"] = str(bool(shape.header)).lower()
    fixed["skip"] = str(shape.skip)
    listed = ", ".join(literal(escaped(file)) for file in files)
    return f"read_csv([{listed}]{arguments(fixed)}, columns = {{{columns}}})"


def read_as(type: str) -> str:
    """The type with which a column is read; one without values is text."""
    return "VARCHAR" if type == NOTHING else type


def first_reject(
    connection: duckdb.DuckDBPyConnection,
    file: str,
    options: Options,
    fixed: dict[str, str],
    then: Shape | None,
    layout: tuple[Column, ...] = (),
) -> Misplaced | None:
    """The first line of *file* that can't be taken apart, or a value of which is not of its column's type."""
    import duckdb

    columns = layout
    try:
        if not columns:
            told = _run(connection, file, {**fixed, "ignore_errors": "true"})
            columns = (
                then.columns
                if then is not None
                else tuple(Column(str(one["name"]), "VARCHAR") for one in told["Columns"])
            )
        typed = ", ".join(f"{literal(one.name)}: {literal(read_as(one.type))}" for one in columns)
        kept = {
            name: text
            for name, text in {**fixed, **options.given}.items()
            if name not in (*_TYPING, *_FILES, "sample_size", "ignore_errors", "null_padding")
        }
        counted = ", ".join(f"count({quote(one.name)})" for one in columns)
        connection.execute(
            f"select {counted} from read_csv({literal(escaped(file))}{arguments(kept)}, auto_detect = false, "
            f"store_rejects = true, rejects_limit = 0, columns = {{{typed}}})"
        ).fetchall()
        row = connection.execute(
            "select line, column_name, error_type, csv_line, error_message from reject_errors"
            " where scan_id = (select max(scan_id) from reject_errors) order by line, column_idx limit 1"
        ).fetchone()
    except duckdb.Error:
        return None
    if row is None:
        return None
    line, column, kind, text, message = row
    value = _CONVERT.search(str(message))
    if str(kind) == "CAST" and value is not None:
        return Misplaced("", int(line), value[1], str(column))
    return Misplaced(str(message).partition("\n")[0], int(line), str(text)[:120])


def first_odd(
    connection: duckdb.DuckDBPyConnection, file: str, options: Options, shape: Shape, column: str, type: str
) -> Misplaced | None:
    """The first value of *column* that can be read as *type*, but is written in another way, such as ``01234``."""
    layout = tuple(Column(one.name, "VARCHAR") for one in shape.columns)
    scan = reading([file], Options(options.function, _plain(options)), shape, layout)
    name = quote(column)
    row = connection.execute(
        f"select line, {name} from (select row_number() over () as line, {name} from {scan})"
        f" where {name} is not null and cast(try_cast({name} as {type}) as varchar) is distinct from {name}"
        " order by line limit 1"
    ).fetchone()
    if row is None:
        return None
    return Misplaced("", int(row[0]) + int(bool(shape.header)) + shape.skip, str(row[1]), column)


def _plain(options: Options) -> dict[str, str]:
    return {name: text for name, text in options.given.items() if name not in _FILES}


def holds_nothing(
    connection: duckdb.DuckDBPyConnection, file: str, options: Options, shape: Shape, column: str
) -> bool:
    """Whether no row of *file* has a value in *column*."""
    layout = tuple(Column(one.name, "VARCHAR") for one in shape.columns)
    scan = reading([file], Options(options.function, _plain(options)), shape, layout)
    row = connection.execute(f"select count({quote(column)}) from {scan}").fetchone()
    return row is not None and row[0] == 0


def holds_timestamps(
    connection: duckdb.DuckDBPyConnection, file: str, options: Options, shape: Shape, column: str
) -> bool:
    """Whether all values of *column* are dates or timestamps in the standard form: the sniffer does not see that where
    both stand close together.
    """
    layout = tuple(Column(one.name, "VARCHAR") for one in shape.columns)
    scan = reading([file], Options(options.function, _plain(options)), shape, layout)
    name = quote(column)
    row = connection.execute(
        f"select count({name}) = count(try_cast({name} as timestamp)) and"
        f" coalesce(bool_and(regexp_full_match({name}, {literal(_STANDARD)})), true) from {scan}"
    ).fetchone()
    return row is not None and bool(row[0])


def doubts(
    connection: duckdb.DuckDBPyConnection, file: str, shown: str, options: Options, shape: Shape
) -> list[str]:
    """What of the shape of *file* (told as *shown*) was guessed, and may be meant otherwise."""
    found = []
    names = [column.name for column in shape.columns]
    if len(names) == 1 and (held := [char for char in _DELIMITERS if char in names[0]]):
        found.append(
            f"{shown} is read as one column, called {names[0]!r}: if {held[0]!r} parts columns, one of its lines has "
            f"another number of them; put that line right, or say delimiter={held[0]!r} to see which"
        )
    if shape.skip and "skip" not in options.given:
        found.append(
            f"the first {shape.skip} lines of {shown} are skipped, as they look unlike the rest; say skip={shape.skip} "
            "if that is meant, skip=0 if not"
        )
    for type, format, option in (
        ("DATE", shape.date_format, "dateformat"),
        ("TIMESTAMP", shape.timestamp_format, "timestampformat"),
    ):
        if format is None or option in options.given or not {"%d", "%m"} <= {*re.findall(r"%.", format)}:
            continue
        if (swapped := _swapped(format)) is None:
            continue
        for column in shape.columns:
            if column.type == type and (
                value := _ambiguous(connection, file, options, shape, column, swapped)
            ):
                first = "day" if format.index("%d") < format.index("%m") else "month"
                spelled = "date_format" if type == "DATE" else "timestamp_format"
                found.append(
                    f"dates in {column.name} of {shown}, such as {value}, may be meant day first or month first; they "
                    f"are taken {first} first. Say {spelled}={format!r} if that is meant, {spelled}={swapped!r} if not"
                )
    return found


def _swapped(format: str) -> str | None:
    if format.startswith("%Y"):
        return None
    return format.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def _ambiguous(
    connection: duckdb.DuckDBPyConnection,
    file: str,
    options: Options,
    shape: Shape,
    column: Column,
    swapped: str,
) -> str | None:
    """A value of *column* that could be meant otherwise, if all can."""
    layout = tuple(Column(one.name, "VARCHAR") for one in shape.columns)
    scan = reading([file], Options(options.function, _plain(options)), shape, layout)
    name = quote(column.name)
    row = connection.execute(
        f"select any_value({name}) from {scan} having count({name}) > 0"
        f" and count({name}) = count(try_strptime(trim({name}), {literal(swapped)}))"
    ).fetchone()
    return None if row is None else str(row[0])
