"""Durations (``5m``, ``1h30m``) and amounts of memory (``2GB``, ``512MiB``) as people write them."""

from __future__ import annotations

import math
import re

_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", re.ASCII)
_LONGEST = 366 * _SECONDS["d"]  # beyond that the timers of the operating system overflow on some platforms

_BYTES = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)", re.ASCII)
LEAST_MEMORY = 2**20
"""Bytes. Less can only be a forgotten unit: no recipe runs in it."""
_MOST_MEMORY = 2**60


def expected(what: str, value: object, more: str = "") -> ValueError:
    """The error for a value of the wrong kind: what is wanted, and what there is."""
    shown = repr(value)
    return ValueError(f"{what} is expected, not {shown if len(shown) <= 200 else shown[:200] + '…'}{more}")


def parse_duration(value: object) -> float:
    """Seconds in *value*: a number of seconds, or text such as ``90s``, ``5m``, ``1h30m``, ``250ms``.

    Raises ValueError with a sentence about what is wrong.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise expected("a number of seconds or text such as '5m'", value)
    seconds = _duration_text(value) if isinstance(value, str) else float(value)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"a duration can't be {value!r}")
    if seconds > _LONGEST:
        raise ValueError(f"{value!r} is longer than a year")
    return seconds


def _duration_text(text: str) -> float:
    stripped = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", stripped, re.ASCII):
        return float(stripped)
    total, position, last = 0.0, 0, math.inf
    while position < len(stripped):
        part = _DURATION_PART.match(stripped, position)
        if part is None:
            raise ValueError(f"{text!r} is no duration; write it like '90s', '5m' or '1h30m'")
        unit = _SECONDS.get(part[2].lower())
        if unit is None:
            raise ValueError(f"{text!r} has the unknown unit {part[2]!r}; the units are d, h, m, s and ms")
        if unit >= last:
            raise ValueError(f"{text!r} is no duration; units go from large to small, as in '1h30m'")
        total, position, last = total + float(part[1]) * unit, part.end(), unit
    if not stripped:
        raise ValueError("a duration can't be empty; write it like '90s', '5m' or '1h30m'")
    return total


def parse_memory(value: object) -> int:
    """Bytes in *value*: a number of bytes, or text such as ``2GB`` (10⁹) or ``512MiB`` (2²⁰).

    Raises ValueError with a sentence about what is wrong.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise expected("a number of bytes or text such as '2GB'", value)
    amount = _memory_text(value) if isinstance(value, str) else value
    if amount < LEAST_MEMORY:
        raise ValueError(
            f"{value!r} is less than 1 MiB; is the unit missing? Write it like '512MB' or '2GiB'"
        )
    if amount > _MOST_MEMORY:
        raise ValueError(f"{value!r} is more than any machine has")
    return amount


def _memory_text(text: str) -> int:
    match = _MEMORY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no amount of memory; write it like '512MB' or '2GiB'")
    unit = _BYTES.get(match[2].lower() or "b")
    if unit is None:
        raise ValueError(
            f"{text!r} has the unknown unit {match[2]!r}; the units are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB"
        )
    if "." not in match[1]:
        return int(match[1]) * unit
    amount = float(match[1]) * unit
    return int(amount) if math.isfinite(amount) else _MOST_MEMORY + 1
