"""The option ``partition``: one reading for decorators and SQL headers.

In a header it is a mapping, ``partition: {by: flight_date, every: day}``, or a list of them; in Python
``partition=by("flight_date", every="day")``, or a list of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.model import Key, Place
from upriver.assets.partitions.calendar import MOST_KEYS, bound, count_between
from upriver.assets.partitions.model import Dimension, Grain, Partitioning
from upriver.assets.support.quantities import expected

Path: TypeAlias = "tuple[str | int, ...]"

TERMS = ("by", "every", "zone", "from", "until", "among", "keep", "tolerate")
_OF_TIME = ("zone", "from", "until", "keep")
_DAYS = re.compile(r"(\d{1,5})\s*d(?:ays?)?", re.ASCII | re.IGNORECASE)
_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*(%?)", re.ASCII)
MOST_DIMENSIONS = 8


class By(msgspec.Struct, frozen=True):
    """A dimension as it is written in Python; read with the declaration that it is part of."""

    terms: dict[str, object]


def by(
    column: str,
    *,
    every: str | None = None,
    zone: str | None = None,
    from_: str | None = None,
    until: str | None = None,
    among: list[str] | tuple[str, ...] | None = None,
    keep: str | None = None,
    tolerate: str | float | None = None,
) -> By:
    """A dimension for ``@asset(partition=...)``: slices by the time in *column* (*every* ``"day"``) or by its values.

    *zone* is that of instants, *from_* and *until* are the first and the last expected key, *among* the expected
    values.
    *keep* (``"400d"``) limits the content to the days before today; *tolerate* (``"2 %"``) is the share of slices that
    may fail without stopping those that read the asset.
    """
    given = {"by": column, "every": every, "zone": zone, "from": from_, "until": until, "among": among,
             "keep": keep, "tolerate": tolerate}  # fmt: skip
    return By({name: value for name, value in given.items() if value is not None})


def read_partition(
    value: object, place: Callable[[Path], Place], key: Key | None = None
) -> tuple[Partitioning | None, list[Diagnosis]]:
    """The partitioning that *value* declares, and all that is wrong with it; None when there is none to use.

    *place* tells where a part of it was written, by the names on the way there.
    """
    if value is None:
        return None, []
    reader = _Reader(place, key)
    several = isinstance(value, (list, tuple))
    items: list[Any] = list(value) if isinstance(value, (list, tuple)) else [value]
    if not items or len(items) > MOST_DIMENSIONS:
        reader.wrong((), f"1 to {MOST_DIMENSIONS} dimensions are possible, not {len(items)}")
    found = [reader.dimension(item, (at,) if several else ()) for at, item in enumerate(items)]
    seen: set[str] = set()
    for at, one in enumerate(found):
        if one is not None and one.by.casefold() in seen:
            reader.wrong((at, "by"), f"{one.by!r} is named twice; one dimension a column")
        seen |= {one.by.casefold()} if one is not None else set()
    dimensions = tuple(one for one in found if one is not None)
    if reader.problems or not dimensions:
        return None, reader.problems
    return Partitioning(dimensions, reader.tolerate), []


class _Reader:
    def __init__(self, place: Callable[[Path], Place], key: Key | None) -> None:
        self._place = place
        self._key = key
        self.problems: list[Diagnosis] = []
        self.tolerate = 0.0

    def wrong(self, path: Path, sentence: str, hint: str | None = None) -> None:
        self.problems.append(
            Diagnosis(
                "bad-value",
                f"partition: {sentence}",
                self._place(("partition", *path)),
                hint=hint,
                key=self._key,
            )
        )

    def dimension(self, item: object, at: Path) -> Dimension | None:
        terms = item.terms if isinstance(item, By) else item
        if not isinstance(terms, Mapping):
            self.wrong(at, str(expected("a mapping such as {by: flight_date, every: day}", item)))
            return None
        for name in terms:
            if name not in TERMS:
                hint = did_you_mean(str(name), TERMS) or "possible are " + ", ".join(TERMS)
                self.wrong((*at, str(name)), f"there is no {name!r}", hint)
        if terms.get("by") is None:
            self.wrong(at, "`by` is missing: the output column that decides the slice of a row")
            return None
        read: dict[str, Any] = {}
        readers: Mapping[str, Callable[[object], object]] = {
            "by": _column, "every": _grain, "zone": _zone, "from": _text, "until": _text, "among": _values,
            "keep": _keep, "tolerate": _share,
        }  # fmt: skip
        failed = False
        for name, value in terms.items():
            if name in readers and value is not None:
                try:
                    read[str(name)] = readers[name](value)
                except ValueError as error:
                    failed = True
                    self.wrong((*at, str(name)), f"{name}: {error}")
        self.tolerate = max(self.tolerate, read.pop("tolerate", 0.0))
        if failed:
            return None
        return self._together(
            Dimension(start=read.pop("from", None), **read, place=self._place(("partition", *at, "by"))),
            terms,
            at,
        )

    def _together(self, one: Dimension, terms: Mapping[str, object], at: Path) -> Dimension | None:
        before = len(self.problems)
        if one.every is None:
            for name in _OF_TIME:
                if terms.get(name) is not None:
                    self.wrong((*at, name), f"{name} says nothing without `every`", "add `every: day`")
        elif one.among:
            self.wrong((*at, "among"), "among names values; the keys of a time are named by from and until")
        if len(self.problems) > before:
            return None
        for name, field, last in (("from", "start", False), ("until", "until", True)):
            if (text := getattr(one, field)) is not None:
                try:
                    one = msgspec.structs.replace(one, **{field: bound(one, text, last=last)})
                except ValueError as error:
                    self.wrong((*at, name), f"{name}: {error}")
        if len(self.problems) > before:
            return None
        if one.start is not None and one.until is not None:
            if one.start > one.until:
                self.wrong((*at, "until"), f"until {one.until} is before from {one.start}")
                return None
            if (count := count_between(one, one.start, one.until)) > MOST_KEYS:
                self.wrong(at, f"{count:,} keys are expected; {MOST_KEYS:,} are possible")
                return None
        return one


def _text(value: object) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if hasattr(text, "isoformat"):
        text = text.isoformat()
    if not isinstance(text, str) or not text.strip():
        raise expected("text", value)
    return text.strip()


def _column(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise expected("the name of an output column", value)
    return value


def _grain(value: object) -> Grain:
    text = _text(value).lower()
    grains = [str(one) for one in Grain]
    if text not in grains:
        near = did_you_mean(text, grains) or f"possible are {', '.join(grains)}"
        raise ValueError(f"{value!r} is not known; {near}")
    return Grain(text)


def _zone(value: object) -> str:
    name = _text(value)
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        from zoneinfo import available_timezones

        near = did_you_mean(name, available_timezones())
        raise ValueError(f"there is no time zone {name!r}" + (f"; {near}" if near else "")) from error
    return name


def _values(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise expected("a list of values, such as [eu, us],", value)
    for one in value:
        if not isinstance(one, (str, int)) or isinstance(one, bool):
            raise expected("a text or a whole number", one)
    return tuple(dict.fromkeys(str(one) for one in value))


def _keep(value: object) -> int:
    found = _DAYS.fullmatch(_text(value))
    if found is None or int(found[1]) == 0:
        raise ValueError(f"{value!r} is no number of days; write it like 400d")
    return int(found[1])


def _share(value: object) -> float:
    text = str(value).strip() if isinstance(value, (int, float, str)) and not isinstance(value, bool) else ""
    found = _SHARE.fullmatch(text)
    share = float(found[1]) / (100 if found and found[2] else 1) if found else -1.0
    if not 0 <= share < 1:
        raise ValueError(f"{value!r} is no share; write it like 2 % or 0.02, less than the whole")
    return share
