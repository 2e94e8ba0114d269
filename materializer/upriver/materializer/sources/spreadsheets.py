"""Spreadsheets (.xlsx, .xls, .xlsb, .ods) as tables: one sheet, a header row, one type a column.

A spreadsheet types cells, not columns, and knows one kind of number. A column whose cells are of several kinds is
refused with the first cell that differs: nothing is turned into text, or into nothing, for it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from upriver.assets.errors import UpriverError, did_you_mean
from upriver.assets.model import FileLocation
from upriver.materializer.ports.system import NotInstalled
from upriver.materializer.sources.options import given_options

_RANGE = re.compile(r"([A-Z]{1,3})(\d+)?(?::([A-Z]{1,3})(\d+)?)?", re.IGNORECASE)
_KINDS: dict[type, str] = {
    bool: "true or false",
    float: "a number",
    int: "a number",
    str: "a text",
    dt.datetime: "a moment",
    dt.date: "a date",
    dt.time: "a time",
    dt.timedelta: "a duration",
}


class Part(NamedTuple):
    """The part of a sheet that is read: rows and columns from 0, the last ones included; None to the end."""

    sheet: str = ""
    header: int = 0
    first: int = 0
    last: int | None = None
    top: int = 0
    bottom: int | None = None


def part_of(location: FileLocation) -> Part:
    """The part that *location* declares. Raises UpriverError."""
    given = given_options(location)
    first, last, top, bottom = 0, None, 0, None
    if text := given.get("range"):
        found = _RANGE.fullmatch(text)
        if found is None:
            raise UpriverError(f"range={text!r} is no range of cells, such as 'B2:F' or 'B2:F200'")
        first, top = _column(found[1]), int(found[2] or 1) - 1
        last = None if found[3] is None else _column(found[3])
        bottom = None if found[4] is None else int(found[4]) - 1
    header = int(given["header"]) - 1 if "header" in given else top
    if header < 0:
        raise UpriverError("header= is the number of the row with the names, from 1 on")
    return Part(given.get("sheet", ""), header, first, last, top, bottom)


def sheet_table(files: Sequence[str], location: FileLocation) -> Any:
    """The rows of all *files* as a ``pyarrow.Table``. Raises UpriverError, which names the cell that is wrong."""
    import pyarrow as pa

    part = part_of(location)
    tables = [_table(file, part) for file in files]
    names = tables[0].column_names
    for file, table in zip(files, tables, strict=True):
        if table.column_names != names:
            raise UpriverError(f"{Path(file).name} has other columns than {Path(files[0]).name}")
    kinds = [_kind_of_all(tables, index) for index in range(len(names))]
    schema = pa.schema([pa.field(name, kind) for name, kind in zip(names, kinds, strict=True)])
    return pa.concat_tables([table.cast(schema) for table in tables])


def _kind_of_all(tables: Sequence[Any], index: int) -> Any:
    """The type of a column in all files: moments where some have dates, text where none has a value."""
    import pyarrow as pa

    kinds = {table.schema.field(index).type for table in tables} - {pa.null()}
    if kinds == {pa.date32(), pa.timestamp("us")}:
        return pa.timestamp("us")
    if len(kinds) > 1:
        name = tables[0].schema.field(index).name
        raise UpriverError(
            f"the column {name!r} has different types: {' and '.join(sorted(map(str, kinds)))}"
        )
    return next(iter(kinds), pa.string())


def _table(file: str, part: Part) -> Any:
    import pyarrow as pa

    name = Path(file).name
    rows = [*_rows(file, part)]
    if not rows:
        raise UpriverError(f"{name} has no row {part.header + 1}, where the names of the columns should be")
    names = [_name(cell) for cell in rows[0]]
    while names and not names[-1] and all(not _filled(row, len(names) - 1) for row in rows[1:]):
        names.pop()  # formatted, and empty
    for index, one in enumerate(names):
        if not one:
            raise UpriverError(
                f"{name}: {_cell(part, 0, index)} is empty; a name of a column should be there"
            )
        if one in names[:index]:
            raise UpriverError(f"{name}: two columns are called {one!r} ({_cell(part, 0, index)})")
    body = [row for row in rows[1:] if any(_filled(row, i) for i in range(len(names)))]
    places = [
        number for number, row in enumerate(rows[1:], 1) if any(_filled(row, i) for i in range(len(names)))
    ]
    columns = []
    for index, one in enumerate(names):
        values = [row[index] if _filled(row, index) else None for row in body]
        columns.append(_array(values, one, lambda at, i=index: f"{name}: {_cell(part, places[at], i)}"))
    return pa.table(dict(zip(names, columns, strict=True)))


def _rows(file: str, part: Part) -> Iterator[list[Any]]:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError as error:
        raise NotInstalled(
            "spreadsheets need python-calamine\n  hint: pip install 'upriver[excel]'"
        ) from error
    book = CalamineWorkbook.from_path(file)
    sheet = part.sheet or book.sheet_names[0]
    if sheet not in book.sheet_names:
        hint = did_you_mean(sheet, book.sheet_names) or "there are " + ", ".join(book.sheet_names)
        raise UpriverError(f"{Path(file).name} has no sheet {sheet!r}; {hint}")
    last = None if part.last is None else part.last + 1
    for number, row in enumerate(book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)):
        if number >= part.header and (part.bottom is None or number <= part.bottom):
            yield row[part.first : last]


def _filled(row: list[Any], index: int) -> bool:
    return index < len(row) and row[index] != "" and row[index] is not None


def _name(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _array(values: list[Any], name: str, place: Any) -> Any:
    import pyarrow as pa

    found: type | None = None
    for at, value in enumerate(values):
        if value is None:
            continue
        kind = float if type(value) is int else type(value)
        if found is None or (found is dt.date and kind is dt.datetime):
            found = kind
        elif kind is not found and not (found is dt.datetime and kind is dt.date):
            raise UpriverError(
                f"{place(at)} in the column {name!r} holds {_KINDS.get(kind, kind.__name__)} ({value!r}), and the "
                f"cells above it {_KINDS.get(found, found.__name__)}\n  hint: give the cells of a column one kind"
            )
    if found is dt.datetime:
        values = [dt.datetime(v.year, v.month, v.day) if type(v) is dt.date else v for v in values]
    types: dict[object, Any] = {
        None: pa.null(),
        bool: pa.bool_(),
        float: pa.float64(),
        str: pa.string(),
        dt.datetime: pa.timestamp("us"),
        dt.date: pa.date32(),
        dt.time: pa.time64("us"),
        dt.timedelta: pa.duration("us"),
    }
    return pa.array(values, types[found])


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _cell(part: Part, row: int, column: int) -> str:
    letters, number = "", part.first + column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{part.header + row + 1}"
