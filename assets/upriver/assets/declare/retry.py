"""``retry``: rules for failures by kind, as they are written in a header or in ``@asset``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from upriver.assets.errors import did_you_mean
from upriver.assets.execution import Retry
from upriver.assets.support.quantities import expected, parse_duration

KINDS = ("memory", "timeout")
"""Kinds of failures that have a name; others are looked for by a regular expression."""

TERMS = ("on", "times", "backoff", "more")
MOST_TIMES = 100
MOST_MORE = 10.0


def read_retry(value: object) -> tuple[Retry, ...]:
    """The rules in their order. Raises ValueError with a sentence."""
    items = [value] if isinstance(value, Mapping) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(one, Mapping) for one in items):
        raise expected('rules such as [{on: "TimeoutError|HTTP 5..", times: 5, backoff: 10s}]', value)
    return tuple(_rule(one) for one in items)


def _rule(given: Mapping[Any, Any]) -> Retry:
    for name in given:
        if name not in TERMS:
            near = did_you_mean(str(name), TERMS) or "possible are " + ", ".join(TERMS)
            raise ValueError(f"a rule has no {name!r}; {near}")
    if "on" not in given or "times" not in given:
        raise ValueError("a rule says on which failure (on) and how often (times) it is tried again")
    on = given["on"]
    if not isinstance(on, str) or not on.strip():
        raise expected('memory, timeout, or a pattern such as "HTTP 5..",', on)
    try:
        re.compile(on)
    except re.error as error:
        raise ValueError(f"on: {on!r} is no regular expression: {error}") from None
    times = given["times"]
    if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= MOST_TIMES:
        raise expected(f"times: a whole number from 1 to {MOST_TIMES}", times)
    return Retry(
        on.strip(), times, parse_duration(given.get("backoff", 1.0)), _more(given.get("more", 1.0), on)
    )


def _more(value: object, on: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1.0 <= value <= MOST_MORE:
        raise expected(f"more: how many times the memory, from 1 to {MOST_MORE:g},", value)
    if value > 1.0 and on.strip() != "memory":
        raise ValueError("more memory helps after failures of memory only: on: memory")
    return float(value)
