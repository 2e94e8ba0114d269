"""Keys of slices in SQL: which slice a row belongs to, by the values of its partition columns.

A value is first rounded down to its *bucket* (a day, the value itself), which is cheap to group by, and only then
written as the *label* that is the key of a slice in that dimension. A label is never null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from upriver.assets.partitions.calendar import days_of, hour_of, zone_of
from upriver.assets.partitions.model import (
    EMPTY,
    ESCAPES,
    NULL,
    OUTSIDE,
    SEPARATOR,
    Dimension,
    Grain,
    parts_of,
    written,
)
from upriver.lineage.sql.names import literal

ZONED = "TIMESTAMP WITH TIME ZONE"
TIMES = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", ZONED})
VALUES = frozenset(
    {
        "VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
        "UINTEGER", "UBIGINT", "UHUGEINT", "DATE", "UUID",
    }
)  # fmt: skip


def is_value_type(type: str) -> bool:
    """Whether slices can be cut by the values of a type: equal values are the same, and have one text."""
    return (
        type in VALUES or type.startswith("DECIMAL(") or (type.startswith("ENUM(") and not type.endswith("]"))
    )


def bucket(dimension: Dimension, type: str, value: str) -> str:
    """What *value*, an expression of a *type*, is rounded down to: one value for all rows of a slice.

    All keys outside of what is expected have buckets of their own.
    """
    grain = dimension.every
    if grain is None:
        return value
    zone = literal(dimension.zone or "UTC")
    local = f"timezone({zone}, {value})" if type == ZONED else value
    if type in ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"):
        local = f"cast({value} as timestamp)"
    match grain:
        case Grain.HOUR if type == ZONED:
            # From the wall clock back to the instant by what is past of the hour: an hour that comes twice is two.
            return f"timezone('UTC', {value} - ({local} - date_trunc('hour', {local})))"
        case Grain.HOUR if dimension.zone is not None:
            return f"timezone('UTC', timezone({zone}, date_trunc('hour', cast({local} as timestamp))))"
        case Grain.HOUR:
            return f"date_trunc('hour', cast({local} as timestamp))"
        case Grain.DAY:
            return local if type == "DATE" else f"cast({local} as date)"
        case _:
            return f"cast(date_trunc('{grain}', {local}) as date)"


def label(dimension: Dimension, type: str, value: str) -> str:
    """The key of the slice of a bucket, *value* being an expression for it: text, never null."""
    grain = dimension.every
    if grain is None:
        text = f"cast({value} as varchar)"
        if type == "VARCHAR" or type.startswith("ENUM("):
            plain_text = text
            for plain, escape in ESCAPES:
                shown = "chr(0)" if plain == "\0" else literal(plain)
                text = f"replace({text}, {shown}, {literal(escape)})"
            text = f"case when {plain_text} = '' then {literal(EMPTY)} else {text} end"
        if dimension.among:
            known = ", ".join(literal(written(one)) for one in dimension.among)
            text = f"case when {text} in ({known}) then {text} else {literal(OUTSIDE)} end"
        return f"case when {value} is null then {literal(NULL)} else {text} end"
    text = _time_text(grain, value)
    first, last = _limits(dimension)
    return (
        f"case when {value} is null then {literal(NULL)} "
        f"when {value} >= {first} and {value} <= {last} then {text} else {literal(OUTSIDE)} end"
    )


def _time_text(grain: Grain, value: str) -> str:
    match grain:
        case Grain.HOUR:
            return f"strftime({value}, '%Y-%m-%dT%H:%MZ')"
        case Grain.DAY:
            return f"strftime({value}, '%Y-%m-%d')"
        case Grain.WEEK:
            return f"strftime({value}, '%G-W%V')"
        case Grain.MONTH:
            return f"strftime({value}, '%Y-%m')"
        case Grain.QUARTER:
            return f"strftime({value}, '%Y') || '-Q' || quarter({value})"
        case Grain.YEAR:
            return f"strftime({value}, '%Y')"


def _limits(dimension: Dimension) -> tuple[str, str]:
    """The first and the last expected bucket; years that four digits can't write are never expected."""
    if dimension.every is Grain.HOUR:
        first = hour_of(dimension.start).replace(tzinfo=None).isoformat() if dimension.start else "0001-01-02"
        last = hour_of(dimension.until).replace(tzinfo=None).isoformat() if dimension.until else "9999-12-30"
        return f"timestamp {literal(first)}", f"timestamp {literal(last)}"
    assert dimension.every is not None
    first = days_of(dimension.every, dimension.start)[0].isoformat() if dimension.start else "0001-01-01"
    last = days_of(dimension.every, dimension.until)[0].isoformat() if dimension.until else "9999-12-30"
    return f"date {literal(first)}", f"date {literal(last)}"


def key_of_row(dimensions: Sequence[Dimension], types: Sequence[str], values: Sequence[str]) -> str:
    """The key of the slice of a row, *values* being expressions for its partition columns."""
    labels = [
        label(one, type_, f"({bucket(one, type_, value)})")
        for one, type_, value in zip(dimensions, types, values, strict=True)
    ]
    return f" || {literal(SEPARATOR)} || ".join(f"({one})" for one in labels)


def order_of_rows(dimensions: Sequence[Dimension], types: Sequence[str], values: Sequence[str]) -> str:
    """What rows are sorted by so that those of a slice lie together: their buckets, which sort faster than keys."""
    return ", ".join(
        bucket(one, type_, value) for one, type_, value in zip(dimensions, types, values, strict=True)
    )


KEPT = "keep of "
"""Prefix of the names of external inputs that are first days of what an asset keeps."""


def kept_rows(
    dimensions: Sequence[Dimension], types: Sequence[str], values: Sequence[str], since: Mapping[str, str]
) -> str | None:
    """The condition that a row is kept: *since* are first days by column. None where everything is."""
    conditions = []
    for one, type_, value in zip(dimensions, types, values, strict=True):
        if (day := since.get(one.by)) is not None:
            local = f"timezone({literal(one.zone or 'UTC')}, {value})" if type_ == ZONED else value
            conditions.append(f"cast({local} as date) >= date {literal(day)}")
    return " and ".join(conditions) or None


def how_kept(dimensions: Sequence[Dimension], key: str, since: Mapping[str, str]) -> bool | None:
    """Whether the slice *key* is kept as a whole; None when only some of its rows may be."""
    result: bool | None = True
    for one, part in zip(dimensions, parts_of(key), strict=True):
        day = since.get(one.by)
        if day is None:
            continue
        if part == NULL:
            return False
        if part == OUTSIDE:
            result = None
            continue
        assert one.every is not None
        if one.every is Grain.HOUR:
            first = hour_of(part).astimezone(zone_of(one.zone)).date()
            after = first + timedelta(days=1)
        else:
            first, after = days_of(one.every, part)
        limit = date.fromisoformat(day)
        if after <= limit:
            return False
        if first < limit:
            result = None
    return result
