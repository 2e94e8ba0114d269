"""Partitioning: how the rows of an asset are cut into slices, as frozen values.

A slice is those rows of an asset's ordinary result whose key falls into it. What stands here therefore never changes
an asset's content; only *keep* does, which limits it.
"""

from __future__ import annotations

from enum import StrEnum

from upriver.assets.value import Place, Value

NULL = "~null"
"""The key of the slice of rows whose partition column is null."""

OUTSIDE = "~outside"
"""The key of the slice of rows outside of the expected keys."""

EMPTY = "~empty"
"""The key of the slice of rows whose partition column is an empty text."""

ESCAPES = (("~", "~0"), ("/", "~1"), ("\0", "~2"))
"""How a value is written as part of a key, replaced in this order: ``/`` separates the dimensions of a product."""

SEPARATOR = "/"


class Grain(StrEnum):
    """The length of the slices of a time dimension."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Dimension(Value, frozen=True):
    """One output column that cuts an asset's rows into slices: by time where there is *every*, else by its values.

    *zone* is that of instants (None: UTC). *start* and *until* are the first and the last expected key of a time
    dimension; *among* are the expected keys of the others. *keep* is how many days, counted back from today, are
    part of the content.
    """

    by: str
    every: Grain | None = None
    zone: str | None = None
    start: str | None = None
    until: str | None = None
    among: tuple[str, ...] = ()
    keep: int | None = None
    place: Place | None = None

    @property
    def bounded(self) -> bool:
        """Whether some keys are expected, so that others are outside."""
        return bool(self.among or self.start is not None or self.until is not None)


class Partitioning(Value, frozen=True):
    """The dimensions of an asset's slices: several make a product. *tolerate* is the share of slices that may fail."""

    dimensions: tuple[Dimension, ...]
    tolerate: float = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that decide the slice of a row."""
        return tuple(one.by for one in self.dimensions)


def written(value: str) -> str:
    """The key of the slice of a *value* of a dimension, as it stands in the key of a product."""
    if not value:
        return EMPTY
    for plain, escape in ESCAPES:
        value = value.replace(plain, escape)
    return value


def joined(parts: tuple[str, ...]) -> str:
    """The key of a slice from its keys in each dimension."""
    return SEPARATOR.join(parts)


def parts_of(key: str) -> tuple[str, ...]:
    """The keys in each dimension from the key of a slice."""
    return tuple(key.split(SEPARATOR))
