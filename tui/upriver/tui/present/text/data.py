"""Text of rows, schemas and profiles."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from upriver.materializer.answers import Comparison, Profile, Table
from upriver.tui.present import figures
from upriver.tui.present.glyphs import sparkline
from upriver.tui.present.json.values import plain as json_plain
from upriver.tui.present.spans import EMPTY, Line, Page, Span, clip, flowed, line, text_width
from upriver.tui.present.spans import shown as escaped
from upriver.tui.present.text.table import GAP, Column, table
from upriver.tui.present.words import plural, rows

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINY", "USMALL", "UINTEGER", "UBIGINT")
_FRACTIONS = ("UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BIGNUM", "VARINT")
_WIDEST = 60
_NARROWEST = 8


def is_number(duckdb_type: str) -> bool:
    """Whether values of a DuckDB type stand at the right of their column."""
    return duckdb_type.upper().startswith((*_NUMBERS, *_FRACTIONS)) and not duckdb_type.endswith("]")


def value_text(value: Any) -> str:
    """A value as a cell shows it. Nested values are written as JSON."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float():
            return repr(value)
        case Decimal():
            return format(value, "f") if value.is_finite() else str(value)
        case bytes() | bytearray() | memoryview():
            return "\\x" + bytes(value).hex()
        case dict() | list() | tuple():
            return msgspec.json.encode(json_plain(value)).decode()
        case _:
            return str(value)


def rows_lines(result: Table, page: Page) -> list[Line]:
    """A table of values, and below it how many rows there are and what did not fit."""
    cells = [[escaped(value_text(value)) for value in row] for row in result.rows]
    spans = [
        [
            (Span(text, "bright_black" if value is None else ""),)
            for value, text in zip(row, texts, strict=True)
        ]
        for row, texts in zip(result.rows, cells, strict=True)
    ]
    shown = _that_fit(result, cells, page.width)
    columns = [
        Column(
            result.columns[i],
            "right" if is_number(result.types[i]) else "left",
            minimum=None if is_number(result.types[i]) else _NARROWEST,
        )
        for i in shown
    ]
    lines: list[Line] = []
    if columns:
        body = [[_cut(row[i], page) for i in shown] for row in spans]
        # An empty table still shows its columns.
        lines += table(columns, body, page.width) if body else [_header(columns)]
    missing = [name for i, name in enumerate(result.columns) if i not in set(shown)]
    if missing:
        names = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        lines.append(line(Span(f"{plural(len(missing), 'column')} not shown: {names}", "dim")))
    total = result.total
    count = len(result.rows)
    told = plural(count, "row") if total is None or total == count else f"{count:,} of {plural(total, 'row')}"
    return [*lines, line(Span(told, "dim"))]


def _header(columns: Sequence[Column]) -> Line:
    return (Span((" " * GAP).join(column.title for column in columns), "dim"),)


def _cut(cell: Line, page: Page) -> Line:
    return cell if page.width is None else clip(cell, _WIDEST)


def _that_fit(result: Table, cells: Sequence[Sequence[str]], width: int | None) -> list[int]:
    """The first columns that fit when each is as narrow as may be."""
    if width is None:
        return list(range(len(result.columns)))
    used = -GAP
    shown: list[int] = []
    for i, name in enumerate(result.columns):
        natural = max([text_width(name), *(text_width(row[i]) for row in cells)])
        least = natural if is_number(result.types[i]) else min(natural, _NARROWEST)
        used += least + GAP
        if used > width and shown:
            break
        shown.append(i)
    return shown


def csv_text(result: Table) -> str:
    """RFC 4180, with NULL as nothing and an empty text as ``""``."""
    out = [",".join(_csv_field(name) for name in result.columns)]
    out += [
        ",".join("" if value is None else _csv_field(value_text(value)) for value in row)
        for row in result.rows
    ]
    return "\r\n".join(out) + "\r\n"


def _csv_field(text: str) -> str:
    if text == "" or any(c in text for c in ',"\r\n') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def profile_lines(profile: Profile, page: Page) -> list[Line]:
    """An asset in numbers: size, then one line for each column."""
    extent = (plural(profile.rows, "row"), plural(len(profile.schema), "column"), figures.size(profile.bytes))
    head = flowed([line(Span(profile.asset, "bold")), line(", ".join(extent))], page.width, "  ")
    columns = (
        Column("column", minimum=24),
        Column("type", minimum=10, leaves=6),
        Column("nulls", "right", leaves=5),
        Column("distinct", "right", leaves=4),
        Column("low", "right", minimum=8, leaves=2),
        Column("middle", "right", minimum=8, leaves=1),
        Column("high", "right", minimum=8, leaves=3),
        Column("", leaves=7),
        Column("description", minimum=16, leaves=1),
    )
    body: list[list[Line]] = [
        [
            line(column.name),
            line(Span(column.type, "cyan")),
            line(_share(column.nulls, profile.rows)),
            line(rows(column.distinct)),
            _limit(column.low),
            _limit(column.middle),
            _limit(column.high),
            line(Span(sparkline(column.histogram, page.ascii), "dim")) if column.histogram else EMPTY,
            line(column.description) if column.description else EMPTY,
        ]
        for column in profile.columns
    ]
    return [*head, EMPTY, *table(columns, body, page.width)]


def comparison_lines(value: Comparison, now: float) -> list[Line]:
    """How an asset differs from what it held before, summed up."""
    when = figures.age(now - value.before_at)
    then, present = rows(value.before_rows), rows(value.rows)
    lines = [
        line(Span(value.asset, "bold"), f"  against run {value.before_run}, {when} ago"),
        line(f"{then} rows then, {present} now: ", Span(f"+{value.added:,}", "green"), " ",
             Span(f"-{value.removed:,}", "red")),
    ]  # fmt: skip
    if value.new_columns:
        lines.append(line("new columns: ", Span(", ".join(value.new_columns), "green")))
    if value.lost_columns:
        lines.append(line("columns that are gone: ", Span(", ".join(value.lost_columns), "red")))
    for name, before, after in value.retyped_columns:
        lines.append(line(f"{name} was {before}, is {after}"))
    return lines


def _share(nulls: int, total: int) -> str:
    if not nulls:
        return "0"
    percent = 100 * nulls / total if total else 0.0
    return f"{percent:.1f} %" if percent >= 0.05 else rows(nulls)


def _limit(text: str | None, most: int = 24) -> Line:
    return EMPTY if text is None else clip(line(text), most)
