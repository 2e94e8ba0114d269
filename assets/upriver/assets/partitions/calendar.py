"""Calendar: the keys of time dimensions as text, what they begin and end with, and which follow each other.

==========  ======================  =========================================
every       key                     first moment
==========  ======================  =========================================
hour        ``2013-01-05T14:00Z``   that instant
day         ``2013-01-05``          midnight
week        ``2013-W01``            Monday, by ISO 8601
month       ``2013-01``             its first day
quarter     ``2013-Q1``             its first day
year        ``2013``                its first day
==========  ======================  =========================================

Keys sort as text in the order of time. Days are those of a zone: one of 23 or 25 hours is one key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from upriver.assets.partitions.model import Dimension, Grain

MOST_KEYS = 1_000_000
"""So many expected keys are enumerated at most."""

_HOUR = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2})Z", re.ASCII)
_SHAPES = {
    Grain.DAY: re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII),
    Grain.WEEK: re.compile(r"(\d{4})-W(\d{2})", re.ASCII),
    Grain.MONTH: re.compile(r"(\d{4})-(\d{2})", re.ASCII),
    Grain.QUARTER: re.compile(r"(\d{4})-Q([1-4])", re.ASCII),
    Grain.YEAR: re.compile(r"(\d{4})", re.ASCII),
}
EXAMPLES = {
    Grain.HOUR: "2013-01-05T14:00Z",
    Grain.DAY: "2013-01-05",
    Grain.WEEK: "2013-W01",
    Grain.MONTH: "2013-01",
    Grain.QUARTER: "2013-Q1",
    Grain.YEAR: "2013",
}


def key_of_day(grain: Grain, day: date) -> str:
    """The key of the slice that *day* belongs to; of hours there is none."""
    match grain:
        case Grain.WEEK:
            year, week, _ = day.isocalendar()
            return f"{year:04}-W{week:02}"
        case Grain.MONTH:
            return f"{day.year:04}-{day.month:02}"
        case Grain.QUARTER:
            return f"{day.year:04}-Q{(day.month + 2) // 3}"
        case Grain.YEAR:
            return f"{day.year:04}"
        case _:
            return day.isoformat()


def days_of(grain: Grain, key: str) -> tuple[date, date]:
    """The first day of the slice *key*, and the first one after it. Raises ValueError for what is no such key."""
    found = _SHAPES[grain].fullmatch(key)
    if found is None:
        raise ValueError(f"{key!r} is no {grain}; write it like {EXAMPLES[grain]}")
    try:
        match grain:
            case Grain.WEEK:
                first = date.fromisocalendar(int(found[1]), int(found[2]), 1)
                return first, first + timedelta(days=7)
            case Grain.MONTH:
                first = date(int(found[1]), int(found[2]), 1)
                return first, _months_on(first, 1)
            case Grain.QUARTER:
                first = date(int(found[1]), 3 * int(found[2]) - 2, 1)
                return first, _months_on(first, 3)
            case Grain.YEAR:
                first = date(int(found[1]), 1, 1)
                return first, _months_on(first, 12)
            case _:
                first = date.fromisoformat(key)
                return first, first + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{key!r} is no {grain}: {error}") from error


def _months_on(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


@cache
def zone_of(name: str | None) -> ZoneInfo:
    """The time zone called *name*; None is UTC."""
    return ZoneInfo(name or "UTC")


def changes_clocks(name: str | None) -> bool:
    """Whether clocks in a zone are ever set from 1970 to 2099, so that an hour without its offset says too little."""
    zone = zone_of(name)
    days = (datetime(year, month, 1, tzinfo=UTC) for year in range(1970, 2100) for month in range(1, 13))
    return len({day.astimezone(zone).utcoffset() for day in days}) > 1


def hour_of(key: str) -> datetime:
    """The instant at which the hour *key* begins. Raises ValueError."""
    found = _HOUR.fullmatch(key)
    if found is None:
        raise ValueError(f"{key!r} is no hour; write it like {EXAMPLES[Grain.HOUR]}, in UTC")
    try:
        day = date.fromisoformat(found[1])
        return datetime(day.year, day.month, day.day, int(found[2]), int(found[3]), tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"{key!r} is no hour: {error}") from error


def hour_key(instant: datetime) -> str:
    """The key of the hour that begins at *instant*."""
    utc = instant.astimezone(UTC)  # strftime would not pad years before 1000
    return f"{utc.date().isoformat()}T{utc.hour:02}:{utc.minute:02}Z"


def hours_of_day(day: date, zone: str | None) -> list[str]:
    """The keys of the hours that begin on *day* in a zone: 23 or 25 of them where clocks are set."""
    here = zone_of(zone)
    first = datetime(day.year, day.month, day.day, tzinfo=here).astimezone(UTC)
    after = day + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=here).astimezone(UTC)
    count = -(-int((end - first).total_seconds()) // 3600)
    return [hour_key(first + timedelta(hours=at)) for at in range(count)]


def bound(dimension: Dimension, text: str, *, last: bool) -> str:
    """The first (or *last*) key that *text* means: a key, or a day, week, month, quarter or year, which stand for the
    slices that lie in them.

    Raises ValueError with a sentence.
    """
    grain = dimension.every
    assert grain is not None
    for other, shape in _SHAPES.items():
        if other is grain or not shape.fullmatch(text):
            continue
        first, after = days_of(other, text)
        day = after - timedelta(days=1) if last else first
        return (
            hours_of_day(day, dimension.zone)[-1 if last else 0]
            if grain is Grain.HOUR
            else key_of_day(grain, day)
        )
    if grain is Grain.HOUR:
        hour_of(text)
    else:
        days_of(grain, text)
    return text


def expected_keys(dimension: Dimension) -> Iterator[str]:
    """The keys that must be there: those of *among*, or all from *start* to *until* where both are given."""
    if dimension.every is None:
        from upriver.assets.partitions.model import written

        yield from sorted(written(value) for value in dimension.among)
        return
    if dimension.start is None or dimension.until is None:
        return
    yield from keys_between(dimension, dimension.start, dimension.until)


def keys_between(dimension: Dimension, first: str, last: str) -> Iterator[str]:
    """All keys from *first* to *last*, both included and canonical."""
    grain = dimension.every
    assert grain is not None
    if grain is Grain.HOUR:
        instant, end = hour_of(first), hour_of(last)
        while instant <= end:
            yield hour_key(instant)
            instant += timedelta(hours=1)
        return
    key = first
    while key <= last:
        yield key
        try:
            key = key_of_day(grain, days_of(grain, key)[1])
        except (OverflowError, ValueError):  # the end of the calendar
            return


def count_between(dimension: Dimension, first: str, last: str) -> int:
    """About how many keys there are from *first* to *last*."""
    grain = dimension.every
    assert grain is not None
    if grain is Grain.HOUR:
        return int((hour_of(last) - hour_of(first)).total_seconds() // 3600) + 1
    days = {Grain.DAY: 1, Grain.WEEK: 7, Grain.MONTH: 28, Grain.QUARTER: 90, Grain.YEAR: 365}[grain]
    return (days_of(grain, last)[0] - days_of(grain, first)[0]).days // days + 1
