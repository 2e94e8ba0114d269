"""Given rows of a unit test as queries: each value takes the type of its column, and none is bent to fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.loading.unit_test import Cell, Row, Rows
from upriver.assets.model import Column, Place, Schema
from upriver.lineage.sql.names import literal, quote

_INTEGER = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?")
_DECIMAL = re.compile(r"DECIMAL\(\d+,(\d+)\)")
_PLAIN = (
    (re.compile(r"[+-]?\d{1,18}"), "BIGINT"),
    (re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"), "DOUBLE"),
    (re.compile(r"true|false", re.IGNORECASE), "BOOLEAN"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "DATE"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"), "TIMESTAMP"),
)
"""The forms of plain values, where no type is known; a whole column of them has the type of the first that fits all."""


class UnfitError(ValueError):
    """Rows that can't be those of a table; *diagnosis* says where."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.message)
        self.diagnosis = diagnosis


Fetch = Callable[[str], Sequence[tuple[object, ...]]]
"""Runs a query; its rows."""


def rows_schema(rows: Rows, known: Schema | None) -> Schema:
    """The columns of the table that *rows* are of: those that are *known*, else those that the rows name."""
    named = _named(rows.rows)
    if known is None:
        return tuple(Column(name, _plain_type(name, rows.rows)) for name in named)
    there = {column.name.lower() for column in known}
    for name, row in named.items():
        if name.lower() not in there:
            names = [column.name for column in known]
            raise UnfitError(_wrong(f"there is no column {name!r}", row, did_you_mean(name, names), names))
    return known


def rows_query(rows: Sequence[Row], schema: Schema, fetch: Fetch) -> str:
    """The query that gives *rows*, each with all columns of *schema*. Raises UnfitError for a value that has another
    form than its column's type.
    """
    if not rows:
        nothing = ", ".join(f"cast(null as {_type(column)}) as {quote(column.name)}" for column in schema)
        return f"select {nothing} limit 0"
    folded = [{name.lower(): value for name, value in row.values.items()} for row in rows]
    for row, one in zip(rows, folded, strict=True):
        if len(one) != len(row.values):
            twin = next(a for a, b in pairwise(sorted(row.values, key=str.lower)) if a.lower() == b.lower())
            raise UnfitError(_wrong(f"the column {twin!r} is given twice in this row", row))
    for column in schema:
        cells = [one.get(column.name.lower()) for one in folded]
        _check_forms(column, cells, rows, fetch)
    lines = []
    for number, one in enumerate(folded):
        values = ", ".join(_cast(one.get(column.name.lower()), column) for column in schema)
        lines.append(f"({number}, {values})")
    names = ", ".join(quote(column.name) for column in schema)
    place = quote("row number of the test")
    return f"select {names} from (values {', '.join(lines)}) as t({place}, {names}) order by {place}"


def csv_rows(
    file: str, rows: Rows, fetch_named: Callable[[str], tuple[Sequence[str], Sequence[tuple[object, ...]]]]
) -> Rows:
    """The rows of the CSV *file*, as texts; an empty field without quotes is null."""
    query = (
        f"select * from read_csv({literal(file)}, all_varchar = true, header = true, allow_quoted_nulls = false,"
        " nullstr = '', null_padding = false, auto_detect = true, sample_size = -1)"
    )
    try:
        names, found = fetch_named(query)
    except Exception as error:
        said = f"the CSV file {rows.file} can't be read: {str(error).splitlines()[0]}"
        raise UnfitError(Diagnosis("bad-test", said, rows.place)) from error
    listed = []
    for number, values in enumerate(found):
        row = {
            name: Cell(None if value is None else str(value))
            for name, value in zip(names, values, strict=True)
        }
        listed.append(Row(row, Place(rows.file or rows.place.path, number + 2)))
    return Rows(rows.place, tuple(listed), rows.file)


def _named(rows: Sequence[Row]) -> dict[str, Row]:
    """The columns that rows name, in the order of their appearance, each with the first row that does."""
    found: dict[str, Row] = {}
    seen: set[str] = set()
    for row in rows:
        for name in row.values:
            if name.lower() not in seen:
                seen.add(name.lower())
                found[name] = row
    return found


def columns_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The columns that *rows* name."""
    return tuple(_named(rows))


def _plain_type(name: str, rows: Sequence[Row]) -> str:
    """The type of a column of which nothing is known but its values."""
    cells = [value for row in rows for key, value in row.values.items() if key.lower() == name.lower()]
    if any(not isinstance(cell, Cell) for cell in cells):
        return ""  # the engine tells of lists and structs
    given = [cell for cell in cells if isinstance(cell, Cell) and cell.text is not None]
    if not given or any(cell.quoted for cell in given):
        return "VARCHAR"
    kinds = [kind for form, kind in _PLAIN if all(form.fullmatch(str(cell.text)) for cell in given)]
    return kinds[0] if kinds else "VARCHAR"


def _type(column: Column) -> str:
    return column.type or "VARCHAR"


def _check_forms(column: Column, cells: Sequence[object], rows: Sequence[Row], fetch: Fetch) -> None:
    """Raise UnfitError for the first of *cells* that the type of *column* would change or does not take."""
    form = _form(column.type)
    texts: dict[str, Row] = {}
    for cell, row in zip(cells, rows, strict=True):
        if isinstance(cell, Cell) and cell.text is not None:
            if form is not None and not form.fullmatch(cell.text.strip()):
                raise UnfitError(_wrong(f"{column.name}: {cell.text!r} is no {column.type}", row))
            texts.setdefault(cell.text, row)
    if column.type in ("", "VARCHAR") or not texts:
        return
    listed = ", ".join(f"({literal(text)})" for text in texts)
    bad = fetch(f"select v from (values {listed}) as t(v) where try_cast(v as {column.type}) is null limit 1")
    if bad:
        text = str(bad[0][0])
        raise UnfitError(_wrong(f"{column.name}: {text!r} is no {column.type}", texts[text]))


def _form(type: str) -> re.Pattern[str] | None:
    """What values of a type look like, where a cast would round or cut others."""
    if _INTEGER.fullmatch(type):
        return re.compile(r"[+-]?\d+")
    if (match := _DECIMAL.fullmatch(type)) is not None:
        return re.compile(rf"[+-]?\d*(?:\.\d{{0,{match[1]}}}0*)?")
    if type == "DATE":
        return re.compile(r"\d{1,6}-\d{1,2}-\d{1,2}(?: \(BC\))?|-?infinity")
    return None


def _cast(value: object, column: Column) -> str:
    text = _literal(value, column.type)
    return f"cast({text} as {column.type})" if column.type else text


def _literal(value: object, type: str) -> str:
    match value:
        case None | Cell(text=None):
            return "null"
        case Cell(text=str(text), quoted=quoted):
            if not type and not quoted and any(form.fullmatch(text) for form, _ in _PLAIN[:3]):
                return text
            return literal(text)
        case tuple():
            return f"[{', '.join(_literal(one, '') for one in value)}]"
        case dict() if type.startswith("MAP("):
            names, values = (
                ", ".join(map(literal, value)),
                ", ".join(_literal(one, "") for one in value.values()),
            )
            return f"map([{names}], [{values}])"
        case dict():
            return (
                "{" + ", ".join(f"{literal(name)}: {_literal(one, '')}" for name, one in value.items()) + "}"
            )
        case _:
            raise TypeError(f"{value!r} is no value of a row")


def _wrong(message: str, row: Row, hint: str | None = None, names: Sequence[str] = ()) -> Diagnosis:
    facts = (f"there are {', '.join(names[:12])}",) if names and hint is None else ()
    return Diagnosis("bad-test", message, row.place, facts, hint)
