"""Selections of slices, as they are written after ``--partition``: keys, and inclusive ranges of time.

``2013-01-05``, ``2013-01-05..2013-02-01``, ``2013-06..``, ``carrier=AA``, ``carrier=AA,UA``, ``~null``. Of a product
each dimension can be named; what names none is about its only dimension of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from upriver.assets.errors import did_you_mean
from upriver.assets.partitions.calendar import bound
from upriver.assets.partitions.model import NULL, OUTSIDE, Dimension, Partitioning, parts_of, written


class Choice(NamedTuple):
    """What is chosen of one dimension: *keys*, or what lies from *first* to *last* (None: no limit)."""

    keys: frozenset[str]
    first: str | None
    last: str | None

    def holds(self, part: str) -> bool:
        """Whether a key of this dimension is chosen."""
        if part in self.keys:
            return True
        if self.first is None and self.last is None:
            return False
        if part in (NULL, OUTSIDE):
            return False
        return (self.first is None or part >= self.first) and (self.last is None or part <= self.last)


class Selection(NamedTuple):
    """The slices that a person has chosen: for each dimension the choices of which one has to hold; none: all."""

    choices: tuple[tuple[Choice, ...], ...]

    def holds(self, key: str) -> bool:
        """Whether the slice *key* is chosen."""
        parts = parts_of(key)
        return len(parts) == len(self.choices) and all(
            not choices or any(one.holds(part) for one in choices)
            for choices, part in zip(self.choices, parts, strict=True)
        )

    def among(self, keys: Iterable[str]) -> list[str]:
        """Those of *keys* that are chosen."""
        return [key for key in keys if self.holds(key)]

    def unknown(self, keys: Iterable[str]) -> list[tuple[str, str | None]]:
        """The keys that were named and are none of *keys*, each with what may have been meant."""
        known: list[set[str]] = [set() for _ in self.choices]
        for key in keys:
            for at, part in enumerate(parts_of(key)):
                known[at].add(part)
        return [
            (name, did_you_mean(name, there))
            for choices, there in zip(self.choices, known, strict=True)
            for one in choices
            for name in sorted(one.keys - there)
        ]


class Chooses(Protocol):
    """Which slices are meant."""

    def among(self, keys: Iterable[str]) -> list[str]:
        """Those of *keys* that are."""
        ...


class Chosen(NamedTuple):
    """Slices that are named one by one."""

    keys: frozenset[str]

    def among(self, keys: Iterable[str]) -> list[str]:
        """Those of *keys* that are chosen."""
        return [key for key in keys if key in self.keys]


def select(partition: Partitioning, texts: Sequence[str]) -> Selection:
    """What *texts* choose of the slices of *partition*. Raises ValueError with a sentence."""
    found: list[list[Choice]] = [[] for _ in partition.dimensions]
    names = {one.by.casefold(): at for at, one in enumerate(partition.dimensions)}
    for text in texts:
        name, equals, rest = text.partition("=")
        if equals and name.casefold() in names:
            at, wanted = names[name.casefold()], rest
        elif equals and len(partition.dimensions) > 1:
            near = (
                did_you_mean(name, partition.columns) or f"its dimensions are {', '.join(partition.columns)}"
            )
            raise ValueError(f"there is no dimension {name!r}; {near}")
        else:
            at, wanted = _default(partition, text), text
        found[at] += _choices(partition.dimensions[at], wanted)
    return Selection(tuple(tuple(one) for one in found))


def _default(partition: Partitioning, text: str) -> int:
    if len(partition.dimensions) == 1:
        return 0
    times = [at for at, one in enumerate(partition.dimensions) if one.every is not None]
    if len(times) == 1:
        return times[0]
    raise ValueError(
        f"{text!r} may be of any of {', '.join(partition.columns)}; write {partition.columns[0]}={text}"
    )


def _choices(dimension: Dimension, text: str) -> list[Choice]:
    if dimension.every is None:
        keys = frozenset(one if one.startswith("~") else written(one) for one in text.split(","))
        if dimension.among and (wrong := keys - {*map(written, dimension.among), NULL, OUTSIDE}):
            name = min(wrong)
            near = did_you_mean(name, dimension.among) or f"expected are {', '.join(dimension.among)}"
            raise ValueError(f"{dimension.by} has no expected key {name!r}; {near}")
        return [Choice(keys, None, None)]
    found = []
    for part in text.split(","):
        if part in (NULL, OUTSIDE):
            found.append(Choice(frozenset({part}), None, None))
            continue
        first, dots, last = part.partition("..")
        begin, end = first.strip(), (last if dots else first).strip()
        low = bound(dimension, begin, last=False) if begin else None
        high = bound(dimension, end, last=True) if end else None
        if low is None and high is None:
            raise ValueError(f"{part!r} is no range; write it like 2013-01-05..2013-02-01")
        if low is not None and high is not None and low > high:
            raise ValueError(f"{part!r} is a range backwards: {low} is after {high}")
        found.append(Choice(frozenset(), low, high))
    return found
