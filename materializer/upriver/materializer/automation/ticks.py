"""Moments of the clock: ticks of cron and of intervals, times of day in a zone, days of a calendar.

A day may have 23 or 25 hours. cronsim's rule holds for all: a fixed time comes once a day, at the end of the gap where
the clock jumps over it and at its first occurrence where it is set back; what recurs follows elapsed time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from upriver.assets.goals import WEEKDAYS, WORKDAYS
from upriver.assets.model import By, Every

Workday: TypeAlias = Callable[[str, date], bool]
"""Whether a day is one on which a country (``DE``, ``DE-BY``; empty: any) works."""

MOST_COUNTED = 10_000
"""Ticks that are counted one by one; more are "that many at least"."""

_DAYS_LOOKED = 800
_BACK = 4
"""Ticks back from which cronsim is asked to go forward again: backward it knows no clock change of half an hour."""


def moment(day: date, minute: int, zone: str) -> float:
    """The moment of *minute* of *day* in *zone*, seconds since the epoch."""
    wall = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(zone))
    first, second = wall.timestamp(), wall.replace(fold=1).timestamp()
    if first <= second:
        return first
    # The clock jumps over it: the moment of the jump lies between the two readings.
    low, high = second, first
    before = _offset(low, zone)
    while high - low > 0.5:
        middle = (low + high) / 2
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return float(round(high))


def _offset(at: float, zone: str) -> timedelta | None:
    return datetime.fromtimestamp(at, ZoneInfo(zone)).utcoffset()


def local_day(at: float, zone: str) -> date:
    """The date in *zone* at a moment."""
    return datetime.fromtimestamp(at, ZoneInfo(zone)).date()


class Ticks:
    """Ticks of ``every`` goals. What was found is kept while it holds: many goals share one schedule."""

    def __init__(self) -> None:
        self._around: dict[tuple[str | None, float | None, str], tuple[float | None, float]] = {}

    def around(self, goal: Every, now: float) -> tuple[float | None, float]:
        """The latest tick that is not after *now* or None, and the next one, infinite where there is none."""
        key = (goal.cron, goal.interval, goal.zone or "UTC")
        known = self._around.get(key)
        if known is None or not (known[0] is None or known[0] <= now) or now >= known[1]:
            known = self._around[key] = _around(*key, now)
        return known

    def between(self, goal: Every, after: float, before: float) -> int:
        """How many ticks there are after *after* and before *before*, counted up to :data:`MOST_COUNTED`."""
        count, at = 0, after
        while count < MOST_COUNTED:
            _, at = _around(goal.cron, goal.interval, goal.zone or "UTC", at)
            if at >= before:
                break
            count += 1
        return count


def _around(cron: str | None, interval: float | None, zone: str, now: float) -> tuple[float | None, float]:
    if cron is not None:
        return _cron_around(cron, zone, now)
    assert interval is not None
    today = local_day(now, zone)
    midnight = moment(today, 0, zone)
    latest = midnight + math.floor((now - midnight) / interval) * interval
    return latest, min(latest + interval, moment(today + timedelta(days=1), 0, zone))


def _cron_around(cron: str, zone: str, now: float) -> tuple[float | None, float]:
    from cronsim import CronSim

    begin = math.floor(now) + 1.0
    base = None
    for _, at in zip(range(_BACK), _cron(CronSim(cron, _local(begin, zone), reverse=True)), strict=False):
        base = at
    latest = None
    start = now if base is None else base - 1
    for at in _cron(CronSim(cron, _local(start, zone))):
        if at > now:
            return latest, at
        latest = at
    return latest, math.inf


def _cron(found: Iterator[datetime]) -> Iterator[float]:
    for one in found:
        yield one.timestamp()


def _local(at: float, zone: str) -> datetime:
    # cronsim knows a zone by its rules only where it is one of zoneinfo's other than UTC.
    return datetime.fromtimestamp(at, UTC if zone == "UTC" else ZoneInfo(zone))


def counts(goal: By, day: date, works: Workday) -> bool:
    """Whether *day* is one of the days of *goal*."""
    if not goal.on:
        return True
    for one in goal.on:
        word, _, country = one.partition(" ")
        if word == WORKDAYS:
            if works(country, day):
                return True
        elif one in (WEEKDAYS[day.weekday()], day.isoformat()):
            return True
    return False


def window(goal: By, day: date) -> tuple[float, float]:
    """From when on observations of *day* count, and by when *goal* must hold."""
    zone = goal.zone or "UTC"
    return moment(day, goal.since, zone), moment(day, goal.minute, zone)


def windows(
    goal: By, now: float, works: Workday
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """The latest window of *goal* that has opened, and the next one; None where there is none within two years."""
    today = local_day(now, goal.zone or "UTC")
    opened = _first(
        goal, (today - timedelta(days=n) for n in range(-1, _DAYS_LOOKED)), works, lambda w: w[0] <= now
    )
    following = _first(
        goal, (today + timedelta(days=n) for n in range(-1, _DAYS_LOOKED)), works, lambda w: w[0] > now
    )
    return opened, following


def _first(
    goal: By, days: Iterator[date], works: Workday, fits: Callable[[tuple[float, float]], bool]
) -> tuple[float, float] | None:
    for day in days:
        if counts(goal, day, works) and fits(found := window(goal, day)):
            return found
    return None


@lru_cache(maxsize=4096)
def works_on(country: str, day: date) -> bool:
    """Whether *day* is from Monday to Friday and no holiday of *country* (``DE-BY``; empty: holidays are not known).

    Raises ValueError for a country that is not known, or when the calendar of countries is not installed.
    """
    if day.weekday() >= 5:
        return False
    return not country or day not in _holidays(country)


@lru_cache(maxsize=64)
def _holidays(country: str) -> Container[date]:
    try:
        from holidays import country_holidays
    except ImportError:
        raise ValueError(
            f"the holidays of {country} are not installed; `pip install 'upriver[goals]'` brings them"
        ) from None
    code, _, part = country.partition("-")
    try:
        found: Container[date] = country_holidays(code, subdiv=part or None)
    except NotImplementedError:
        raise ValueError(
            f"the holidays of {country} are not known; write a country such as DE or DE-BY"
        ) from None
    return found
