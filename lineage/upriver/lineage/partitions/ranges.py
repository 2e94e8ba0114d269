"""Ranges: the rows of some slices as half-open ranges on an upstream's own columns.

DuckDB does not carry a condition through date arithmetic to the statistics of a column; written on the column itself it
reads only the row groups that it needs. A range may hold more than the slices: then their keys are compared as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from upriver.assets.partitions.calendar import days_of, hour_of
from upriver.assets.partitions.model import Dimension, Grain, Partitioning, joined, parts_of
from upriver.lineage.model import RangedColumn, SliceRead
from upriver.lineage.partitions.keys import ZONED, key_of_row
from upriver.lineage.sql.names import literal, quote

_COARSER = {
    "microseconds": 0, "milliseconds": 0, "second": 0, "minute": 0, "hour": 0, "day": 1, "week": 2, "month": 3,
    "quarter": 4, "year": 5,
}  # fmt: skip
_FITS = {
    Grain.HOUR: {0},
    Grain.DAY: {0, 1},
    Grain.WEEK: {0, 1, 2},
    Grain.MONTH: {0, 1, 3},
    Grain.QUARTER: {0, 1, 3, 4},
    Grain.YEAR: {0, 1, 3, 4, 5},
}
"""Which units of rounding never carry a time across the begin of a slice."""


class Restriction(NamedTuple):
    """A condition on an upstream's rows. It is *exact* where it holds for no row of another slice."""

    condition: str
    exact: bool


def runs(keys: Sequence[str], wanted: Iterable[str]) -> list[tuple[str, str]]:
    """The *wanted* among the sorted *keys* as ranges (first, last) between which there is no other key."""
    wanted = set(wanted)
    found: list[tuple[str, str]] = []
    before = False
    for key in keys:
        if key in wanted:
            if before:
                found[-1] = (found[-1][0], key)
            else:
                found.append((key, key))
        before = key in wanted
    return found


def within(text: str, ranges: Sequence[tuple[str, str]]) -> str:
    """The condition that *text*, an expression of the key of a row, lies in one of *ranges*."""
    single = [first for first, last in ranges if first == last]
    parts = [
        f"({text} >= {literal(first)} and {text} <= {literal(last)})"
        for first, last in ranges
        if first != last
    ]
    if single:
        parts.append(f"{text} in ({', '.join(map(literal, single))})")
    return f"({' or '.join(parts)})" if parts else "false"


def restriction(
    dimension: Dimension, column: RangedColumn | None, ranges: Sequence[tuple[str, str]]
) -> Restriction | None:
    """The *ranges* of keys of a time dimension on *column*; None where they can't be told by it."""
    grain = dimension.every
    if column is None or grain is None or any(key.startswith("~") for one in ranges for key in one):
        return None
    coarse = {_COARSER[unit] for unit in column.units}
    fits = coarse <= _FITS[grain]
    exact = fits and column.type != ZONED and not (grain is Grain.HOUR and dimension.zone is not None)
    exact &= not (grain is Grain.HOUR and column.type == "DATE")
    more = timedelta(days=0 if fits else 400)
    around = timedelta(0) if exact else timedelta(days=2)
    parts = []
    name = quote(column.column)
    for first, last in ranges:
        try:
            low, high = _span(grain, first, last)
            low, high = low - around, high + around + more
        except OverflowError:
            return None
        parts.append(f"({name} >= {_literal(column.type, low)} and {name} < {_literal(column.type, high)})")
    return Restriction(f"({' or '.join(parts)})", exact) if parts else None


def rows_of(
    read: SliceRead, partition: Partitioning, types: Sequence[str], keys: Sequence[str], wanted: Iterable[str]
) -> str | None:
    """The condition on an upstream's own columns that its rows may be read by the slices *wanted* of all *keys*, which
    are sorted; None when every slice reads all of it.
    """
    mapped = [at for at, one in enumerate(read.expressions) if one is not None]
    if not mapped:
        return None
    dimensions = [partition.dimensions[at] for at in mapped]
    text = key_of_row(
        dimensions, [types[at] for at in mapped], [f"({read.expressions[at]})" for at in mapped]
    )
    wanted = set(wanted)
    if len(partition.dimensions) == 1:
        ranges = runs(keys, wanted)
        found = restriction(dimensions[0], read.ranged[0], ranges)
        if found is None:
            return within(text, ranges)
        return found.condition if found.exact else f"{found.condition} and {within(text, ranges)}"
    conditions = []
    for at, dimension in zip(mapped, dimensions, strict=True):
        one = restriction(dimension, read.ranged[at], runs(*_projected(keys, wanted, [at])))
        if one is not None:
            conditions.append(one.condition)
    conditions.append(within(text, runs(*_projected(keys, wanted, mapped))))
    return " and ".join(conditions)


def _projected(keys: Iterable[str], wanted: Iterable[str], at: Sequence[int]) -> tuple[list[str], set[str]]:
    """Keys of a product in some of its dimensions."""
    return sorted({projected(key, at) for key in keys}), {projected(key, at) for key in wanted}


def projected(key: str, at: Sequence[int]) -> str:
    """The part of a key in the dimensions *at*."""
    parts = parts_of(key)
    return joined(tuple(parts[one] for one in at))


def _span(grain: Grain, first: str, last: str) -> tuple[datetime, datetime]:
    if grain is Grain.HOUR:
        return hour_of(first).replace(tzinfo=None), hour_of(last).replace(tzinfo=None) + timedelta(hours=1)
    begin, end = days_of(grain, first)[0], days_of(grain, last)[1]
    return datetime(begin.year, begin.month, begin.day), datetime(end.year, end.month, end.day)


def _literal(type: str, moment: datetime) -> str:
    if type == "DATE":
        return f"date {literal(moment.date().isoformat())}"
    if type == ZONED:
        return f"timestamptz {literal(moment.isoformat(sep=' ') + '+00')}"
    return f"timestamp {literal(moment.isoformat(sep=' '))}"
