"""Profiles of contents: nulls, extremes, distinct values; medians and histograms for who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import Any, TypeVar

import msgspec

from upriver.assets.model import Schema
from upriver.lineage.sql.names import quote
from upriver.materializer.answers import ColumnProfile

HISTOGRAM_BINS = 16
_AT_ONCE = 250
"""Columns a query: DuckDB plans several small ones faster than a wide one. 5,000 take an eighth of its SUMMARIZE."""

Fetch = Callable[[str], Sequence[tuple[Any, ...]]]
"""Runs a query; its rows."""


_Item = TypeVar("_Item")


def _by(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def profiled(relation: str, schema: Schema, fetch: Fetch) -> tuple[int, tuple[ColumnProfile, ...]]:
    """The number of rows of *relation*, a table expression with the columns of *schema*, and each column in numbers."""
    count = 0
    found: list[ColumnProfile] = []
    for columns in _by(schema, _AT_ONCE):
        parts = ["count(*)"]
        for column in columns:
            name, ordered = quote(column.name), _is_orderable(column.type)
            parts += [
                f"count({name})",
                f"approx_count_distinct({name})" if ordered else "null",
                f"cast(min({name}) as varchar)" if ordered else "null",
                f"cast(max({name}) as varchar)" if ordered else "null",
            ]
        values = list(fetch(f"select {', '.join(parts)} from {relation}")[0])
        count = int(values.pop(0))
        for column, (there, distinct, low, high) in zip(columns, _by(values, 4), strict=True):
            nulls = count - int(there)
            # An estimate can exceed what there is.
            several = min(int(distinct or 0), int(there))
            found.append(ColumnProfile(column.name, column.type, nulls, several, low, high))
    return count, tuple(found)


def detailed(
    relation: str, columns: Sequence[ColumnProfile], schema: Schema, fetch: Fetch
) -> tuple[ColumnProfile, ...]:
    """*columns* with the median and the histogram of those that are numbers."""
    numbers = [one for one, column in zip(columns, schema, strict=True) if is_number(column.type) and one.low]
    bounds = _bounds(relation, numbers, fetch)
    found: dict[str, ColumnProfile] = {}
    for some in _by(numbers, _AT_ONCE // 2):
        parts = []
        for one in some:
            name, (low, high) = quote(one.name), bounds[one.name]
            value = f"cast({name} as double)"
            place = f"floor(({value} - {low}) / nullif({high} - {low}, 0) * {HISTOGRAM_BINS})"
            bin = f"least({HISTOGRAM_BINS - 1}, coalesce(try_cast({place} as integer), 0))"
            parts += [
                f"cast(median({name}) as varchar)",
                f"histogram({bin}) filter (where isfinite({value}))" if low else "null",
            ]
        values = fetch(f"select {', '.join(parts)} from {relation}")[0]
        for one, (middle, bins) in zip(some, _by(values, 2), strict=True):
            counts = tuple(int((bins or {}).get(number, 0)) for number in range(HISTOGRAM_BINS))
            histogram = counts if any(counts) else ()
            found[one.name] = msgspec.structs.replace(one, middle=middle, histogram=histogram)
    return tuple(found.get(one.name, one) for one in columns)


def _bounds(relation: str, numbers: Sequence[ColumnProfile], fetch: Fetch) -> dict[str, tuple[str, str]]:
    """The least and the greatest finite value of each of *numbers*, as SQL; empty texts where there is none."""
    found: dict[str, tuple[str, str]] = {}
    odd: list[str] = []
    for one in numbers:
        low, high = float(one.low or "nan"), float(one.high or "nan")
        if isfinite(low) and isfinite(high):
            found[one.name] = (f"{low!r}::double", f"{high!r}::double")
        else:
            odd.append(one.name)
    for some in _by(odd, _AT_ONCE):
        parts = []
        for name in some:
            finite = f"filter (where isfinite({quote(name)}))"
            parts += [f"min({quote(name)}) {finite}", f"max({quote(name)}) {finite}"]
        values = fetch(f"select {', '.join(parts)} from {relation}")[0]
        for name, (least, greatest) in zip(some, _by(values, 2), strict=True):
            found[name] = ("", "") if least is None else (f"{least!r}::double", f"{greatest!r}::double")
    return found


def is_number(type: str) -> bool:
    """Whether values of a DuckDB type are numbers."""
    return (
        type.startswith(("DECIMAL", "FLOAT", "DOUBLE"))
        or type.endswith("INT")
        or type in ("INTEGER", "UINTEGER")
    )


def _is_orderable(type: str) -> bool:
    simple = ("VARCHAR", "DATE", "TIME", "BOOLEAN", "UUID", "ENUM")
    return is_number(type) or (type.startswith(simple) and not type.endswith("]"))
