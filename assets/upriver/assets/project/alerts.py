"""Alerts as ``[[alerts]]`` of ``upriver.toml`` declares them: receivers, incidents, times."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from upriver.assets.errors import did_you_mean
from upriver.assets.goals import read_zone
from upriver.assets.model import Value
from upriver.assets.support.quantities import expected, parse_duration

ALERT_SETTINGS = ("to", "command", "when", "owner", "tag", "environment", "quiet", "group", "rate")
TRANSITIONS = ("opened", "acknowledged", "recovered")
KINDS = ("failed", "check", "broken", "source", "overdue", "held", "in_doubt")
MOST_AN_HOUR = 1000
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_QUIET = re.compile(r"\s*([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)\s*(\S+)?\s*", re.ASCII)
SECRET = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)
"""A secret of the project in an address: its value is put there when something is sent."""


class Quiet(Value, frozen=True):
    """Hours in which nothing is sent: minutes of the local day from *start* to *end*, perhaps over midnight."""

    start: int
    end: int
    zone: str | None = None


class Alert(Value, frozen=True):
    """One ``[[alerts]]``. *to* are addresses of apprise, *command* is run with JSON on stdin. *transitions* and *kinds*
    are those that are told; empty *kinds*, *owners*, *tags* and *environments* mean any.

    *group* is how many seconds messages are collected, *rate* how many deliveries there are in an hour at most.
    """

    to: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    transitions: tuple[str, ...] = ("opened", "recovered")
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    quiet: Quiet | None = None
    group: float = 0.0
    rate: int | None = None


def read_alert(given: Mapping[str, Any]) -> tuple[Alert, list[tuple[str, str]]]:
    """One entry, and what is wrong with it as pairs of setting and sentence. What is wrong has its default."""
    problems: list[tuple[str, str]] = []
    read: dict[str, Any] = {}
    for name, value in given.items():
        reader = _READERS.get(name)
        if reader is None:
            near = did_you_mean(name, ALERT_SETTINGS) or "possible are " + ", ".join(ALERT_SETTINGS)
            problems.append((name, f"[[alerts]] has no {name!r}; {near}"))
            continue
        try:
            read |= reader(value)
        except ValueError as error:
            problems.append((name, f"alerts.{name}: {error}"))
    if "to" not in given and "command" not in given:
        problems.append(("", '[[alerts]] tells nobody: give to = ["mailto://…"] or command = ["…"]'))
    return Alert(**read), problems


def _texts(value: object, what: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if (
        not isinstance(items, list)
        or not items
        or not all(isinstance(one, str) and one.strip() for one in items)
    ):
        raise expected(what, value)
    return tuple(one.strip() for one in items)


def _to(value: object) -> dict[str, Any]:
    # What is wrong is told without the address: it may hold a secret.
    items: list[Any] = value if isinstance(value, list) else [value]
    for one in items:
        if not isinstance(one, str) or not _SCHEME.fullmatch(one.strip()):
            raise ValueError(
                "an address of apprise is expected, such as mailto://…; write what is secret in it as {NAME}"
            )
    if not items:
        raise ValueError("no address is given")
    return {"to": tuple(one.strip() for one in items)}


def _command(value: object) -> dict[str, Any]:
    if not isinstance(value, list):
        raise expected('a program and its arguments, such as ["./page.sh", "ops"],', value)
    return {"command": _texts(value, "a program and its arguments")}


def _when(value: object) -> dict[str, Any]:
    words = _texts(value, 'transitions and kinds, such as ["opened", "failed"],')
    for one in words:
        if one not in (*TRANSITIONS, *KINDS):
            near = did_you_mean(one, (*TRANSITIONS, *KINDS)) or "possible are " + ", ".join(
                (*TRANSITIONS, *KINDS)
            )
            raise ValueError(f"{one!r} is not known here; {near}")
    found: dict[str, Any] = {}
    if transitions := tuple(one for one in words if one in TRANSITIONS):
        found["transitions"] = transitions
    if kinds := tuple(one for one in words if one in KINDS):
        found["kinds"] = kinds
    return found


def _quiet(value: object) -> dict[str, Any]:
    found = _QUIET.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise expected("hours such as '22:00-07:00 Europe/Berlin'", value)
    start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if start == end:
        raise ValueError(f"{value!r} is no time at all")
    return {"quiet": Quiet(start, end, read_zone(found[5]) if found[5] else None)}


def _rate(value: object) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_AN_HOUR:
        raise expected(f"how many an hour at most, from 1 to {MOST_AN_HOUR}", value)
    return {"rate": value}


def _names(name: str, what: str) -> Callable[[object], dict[str, Any]]:
    return lambda value: {name: _texts(value, what)}


_READERS: Mapping[str, Callable[[object], dict[str, Any]]] = {
    "to": _to,
    "command": _command,
    "when": _when,
    "owner": _names("owners", "owners"),
    "tag": _names("tags", "tags"),
    "environment": _names("environments", "environments"),
    "quiet": _quiet,
    "group": lambda value: {"group": parse_duration(value)},
    "rate": _rate,
}
