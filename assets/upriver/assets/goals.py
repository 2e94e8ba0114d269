"""Goals as they are written: ``fresh_within``, ``every``, ``by``, and what goes with each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TypeAlias
from zoneinfo import ZoneInfo

from upriver.assets.errors import did_you_mean
from upriver.assets.model import By, Every, FreshWithin, Goal
from upriver.assets.support.quantities import expected, parse_duration

GOAL_OPTIONS = ("fresh_within", "every", "by", "zone", "within", "on", "since", "observe_every")
"""The options that declare goals, in a header, in ``@asset`` and under ``[goals]``."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS = "workdays"
DAY = 86_400.0
_GOES_WITH = {"zone": ("every", "by"), "within": ("every",), "on": ("by",), "since": ("by",)}
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WORKDAYS = re.compile(r"workdays(?:\s+([A-Za-z]{2}(?:-[A-Za-z0-9]{1,5})?))?", re.ASCII)
_SHORTEST = 1.0

Problem: TypeAlias = tuple[str, str, str | None]
"""What is wrong: the option, a sentence, and what to do."""


def read_goals(given: Mapping[str, object]) -> tuple[tuple[Goal, ...], list[Problem]]:
    """The goals that the options in *given* declare, and all that is wrong with them. None stands for "not given".

    A goal of which something is wrong is left out.
    """
    given = {name: value for name, value in given.items() if name in GOAL_OPTIONS and value is not None}
    problems: list[Problem] = []
    readers = {
        "fresh_within": _span,
        "every": _every,
        "by": _by,
        "zone": read_zone,
        "within": _span,
        "on": _days,
        "since": _time,
        "observe_every": _span,
    }
    read = {}
    for name, value in given.items():
        try:
            read[name] = readers[name](value)
        except ValueError as error:
            problems.append((name, f"{name}: {error}", None))
    kinds = [name for name in ("fresh_within", "every", "by") if name in given]
    for name in given:
        wanted = _GOES_WITH.get(name, ("fresh_within", "every", "by"))
        if name not in kinds and not any(kind in kinds for kind in wanted):
            words = " or ".join(repr(kind) for kind in wanted)
            problems.append(
                (name, f"{name} says nothing without {words}", f"add {words}, or leave {name} out")
            )
    goals, more = _together(read)
    return (() if problems or more else goals), [*problems, *more]


def _together(read: Mapping[str, object]) -> tuple[tuple[Goal, ...], list[Problem]]:
    problems: list[Problem] = []
    goals: list[Goal] = []
    observe = read.get("observe_every")
    zone = read.get("zone")
    assert observe is None or isinstance(observe, float)
    assert zone is None or isinstance(zone, str)
    if isinstance(within := read.get("fresh_within"), float):
        goals.append(FreshWithin(within, observe))
    if isinstance(every := read.get("every"), Every):
        allowed = read.get("within")
        assert allowed is None or isinstance(allowed, float)
        goals.append(Every(every.cron, every.interval, zone, allowed, observe))
    if isinstance(by := read.get("by"), By):
        if zone is not None and by.zone is not None and zone != by.zone:
            problems.append(("zone", f"by names the zone {by.zone}, zone names {zone}", "name it once"))
        days, since = read.get("on", ()), read.get("since", 0)
        assert isinstance(days, tuple)
        assert isinstance(since, int)
        if since >= by.minute:
            problems.append(
                (
                    "since" if "since" in read else "by",
                    f"nothing can be observed since {clock_time(since)} and be there by {clock_time(by.minute)}",
                    "since is a time of the same day before by (default: 00:00)",
                )
            )
        goals.append(By(by.minute, by.zone or zone, days, since, observe))
    return tuple(goals), problems


def clock_time(minute: int) -> str:
    """A minute of the day as ``08:00``."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _span(value: object) -> float:
    seconds = parse_duration(value)
    if seconds < _SHORTEST:
        raise ValueError(f"{value!r} is too short; one second is the least")
    return seconds


def _every(value: object) -> Every:
    if isinstance(value, str) and (len(value.split()) > 1 or value.strip().startswith("@")):
        return Every(cron=_cron(value))
    try:
        seconds = _span(value)
    except ValueError as error:
        raise ValueError(
            f"{error}; write an interval such as '15m', or five fields of cron such as '0 6 * * *'"
        ) from None
    if seconds > DAY:
        raise ValueError(
            f"{value!r} is longer than a day, and intervals begin again at each midnight; "
            "write five fields of cron, such as '0 6 * * mon'"
        )
    return Every(interval=seconds)


def _cron(text: str) -> str:
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    words = " ".join(text.split())
    if len(words.split(" ")) != 5:
        raise ValueError(
            f"{text!r} has {len(words.split(' '))} fields; cron has five: minute hour day month weekday, '0 6 * * *'"
        )
    try:
        next(CronSim(words, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(
            f"{text!r} is not cron: {str(error).lower()}; every day at six is '0 6 * * *'"
        ) from None
    except StopIteration:
        raise ValueError(f"{text!r} never comes: there is no such day") from None
    return words


def _time(value: object) -> int:
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise expected("a time of day, such as '08:00',", value)
    return int(found[1]) * 60 + int(found[2])


def _by(value: object) -> By:
    if not isinstance(value, str) or not value.strip():
        raise expected("a time of day, such as '08:00 Europe/Berlin',", value)
    time, *zone = value.split()
    if len(zone) > 1:
        raise expected("a time and a zone, such as '08:00 Europe/Berlin',", value)
    return By(_time(time), read_zone(zone[0]) if zone else None)


def read_zone(value: object) -> str:
    """The name of a time zone. Raises ValueError with a suggestion."""
    if not isinstance(value, str):
        raise expected("a time zone, such as 'Europe/Berlin',", value)
    name = value.strip()
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a name that leads out of the database, a folder, an unknown one
        from zoneinfo import available_timezones

        near = did_you_mean(name, available_timezones())
        raise ValueError(
            f"there is no time zone {value!r}; {near or 'write it like Europe/Berlin'}"
        ) from None
    return name


def _days(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, (str, date)) else value
    if not isinstance(items, (list, tuple)) or not items:
        raise expected("workdays, days such as [mon, fri], or dates,", value)
    return tuple(dict.fromkeys(_day(item) for item in items))


def _day(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()[:10]
    text = value.strip() if isinstance(value, str) else ""
    if found := _WORKDAYS.fullmatch(text):
        return f"{WORKDAYS} {found[1].upper()}" if found[1] else WORKDAYS
    if text[:3].lower() in WEEKDAYS and text.isalpha():
        return text[:3].lower()
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise ValueError(f"there is no day {text}") from None
    near = did_you_mean(text.lower(), (WORKDAYS, *WEEKDAYS)) if text else None
    raise ValueError(
        f"{value!r} is no day: write workdays, workdays DE, mon … sun, or a date such as 2026-12-24"
        + (f"; {near}" if near else "")
    )


def kind_of(goal: Goal) -> str:
    """The option that declares *goal*: ``fresh_within``, ``every``, ``by``."""
    return str(goal.__struct_config__.tag)


def in_words(goal: Goal) -> str:
    """A goal as one line, much as it is written."""
    match goal:
        case FreshWithin(seconds):
            return f"fresh within {span(seconds)}"
        case Every(cron, interval, zone, within):
            times = cron if cron is not None else f"every {span(interval or 0.0)}"
            return " ".join(filter(None, (times, zone, f"within {span(within)}" if within else None)))
        case By(minute, zone, on, since):
            earliest = f"since {clock_time(since)}" if since else None
            days = f"on {', '.join(on)}" if on else None
            return " ".join(filter(None, (f"by {clock_time(minute)}", zone, days, earliest)))


def span(seconds: float) -> str:
    """A length of time as it is written in a declaration: ``1h30m``."""
    left, parts = seconds, ""
    for unit, length in (("d", DAY), ("h", 3600.0), ("m", 60.0)):
        if left >= length:
            parts += f"{int(left // length)}{unit}"
            left %= length
    return parts + (f"{left:g}s" if left or not parts else "")
