"""Kinds of checks: the rule that each option declares, and the terms that every check has."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from upriver.assets.errors import did_you_mean
from upriver.assets.model import (
    AcceptedValues,
    Expression,
    Key,
    Matches,
    Newest,
    NotNull,
    Range,
    Relationship,
    RowCount,
    Rule,
    Severity,
    Unique,
    Value,
    key_problem,
)
from upriver.assets.support.quantities import expected, parse_duration

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in what was given: ``("columns", "flight_id", "unique")``."""

KINDS = (
    "not_null", "unique", "accepted_values", "range", "matches", "row_count", "expression", "relationship",
    "freshness",
)  # fmt: skip
TERMS = ("severity", "at_most", "name")
OF_COLUMNS = (
    "type", "description", "not_null", "unique", "accepted_values", "range", "matches", "relationship",
    "freshness", "severity", "at_most",
)  # fmt: skip
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*(%?)", re.ASCII)
_NAME = re.compile(r"[^\x00-\x1f]{1,120}")


class WrongError(ValueError):
    """A value that can't be read. *path* tells where it stands below what was asked for."""

    def __init__(self, message: str, path: Path = (), hint: str | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.hint = hint


class Terms(Value, frozen=True):
    """What can be said of every check: its severity, how many offenders are tolerated, its name."""

    severity: Severity = Severity.ERROR
    most: int = 0
    share: float = 0.0
    name: str | None = None


def read_terms(given: Mapping[str, object]) -> Terms:
    """Severity, tolerance and name in *given*. Raises ValueError."""
    most, share = _at_most(given.get("at_most"))
    return Terms(_severity(given.get("severity")), most, share, _check_name(given.get("name")))


def within(kind: str, read: Callable[[], Any]) -> Any:
    """What *read* gives; what is wrong stands below *kind*."""
    try:
        return read()
    except WrongError as error:
        raise WrongError(f"{kind}: {error}", (kind, *error.path), error.hint or SHAPES[kind]) from None
    except ValueError as error:
        raise WrongError(f"{kind}: {error}", (kind,), SHAPES[kind]) from None


SHAPES = {
    "not_null": "write `not_null: COLUMN`, or `not_null: true` below a column",
    "unique": "write `unique: [COLUMN, ...]`, or `unique: true` below a column",
    "accepted_values": "write `accepted_values: {column: COLUMN, values: [a, b]}`, or the list below a column",
    "range": "write `range: {column: COLUMN, min: 0, max: 9}`, or {min: 0} below a column",
    "matches": "write `matches: {column: COLUMN, pattern: '[A-Z]+'}`, or the pattern below a column",
    "row_count": "write `row_count: {min: 1, max: 100}`",
    "expression": "write `expression: arrival >= departure`",
    "relationship": "write `relationship: {column: COLUMN, to: KEY.COLUMN}`, or KEY.COLUMN below a column",
    "freshness": "write `freshness: {column: COLUMN, within: 2d}`, or `freshness: 2d` below a column",
}


def default_name(rule: Rule) -> str:
    """What a check is called that was given no name."""
    match rule:
        case RowCount():
            return "row_count"
        case Expression(text=text):
            said = " ".join(text.split())
            return f"expression({said if len(said) <= 80 else said[:79] + '…'})"
        case Unique(columns=columns):
            return f"unique({', '.join(columns)})"
        case NotNull(column=column):
            return f"not_null({column})"
        case AcceptedValues(column=column):
            return f"accepted_values({column})"
        case Range(column=column):
            return f"range({column})"
        case Matches(column=column):
            return f"matches({column})"
        case Relationship(column=column):
            return f"relationship({column})"
        case Newest(column=column):
            return f"freshness({column})"
        case _:
            return "query"


def rule_of_column(kind: str, name: str, value: object) -> Rule | None:
    """The rule that a column's option declares; None for one that is switched off."""
    match kind:
        case "not_null" | "unique":
            if not _flag(value):
                return None
            return NotNull(name) if kind == "not_null" else Unique((name,))
        case "accepted_values":
            return AcceptedValues(name, _values(value))
        case "matches":
            return _matches(name, value)
        case "relationship":
            to = value.get("to") if isinstance(value, Mapping) else value
            return Relationship(name, *_target(to))
        case "freshness":
            return Newest(name, parse_duration(value))
        case "range":
            if not isinstance(value, Mapping):
                raise expected("a range such as {min: 0}", value)
            return _range(name, value)
        case _:
            raise WrongError("it is about whole rows: write it in `checks:`")


def rules_of(kind: str, value: object) -> list[Rule]:
    """The rules that an item of ``checks`` declares."""
    match kind:
        case "not_null":
            return [NotNull(column) for column in _columns(value)]
        case "unique":
            return [Unique(_columns(value))]
        case "expression":
            if not isinstance(value, str) or not value.strip():
                raise expected("an SQL expression", value)
            return [Expression(value.strip())]
    if not isinstance(value, Mapping):
        raise expected("several options", value)
    given = {name: one for name, one in value.items() if name not in TERMS}
    match kind:
        case "row_count":
            known_only(given, ("min", "max"))
            least, greatest = _count(given.get("min")), _count(given.get("max"))
            if least is None and greatest is None:
                raise ValueError("min, max or both are needed")
            if least is not None and greatest is not None and least > greatest:
                raise ValueError(f"no number is at least {least} and at most {greatest}")
            return [RowCount(least, greatest)]
        case "accepted_values":
            known_only(given, ("column", "values"))
            return [AcceptedValues(_column(given), _values(given.get("values")))]
        case "range":
            known_only(given, ("column", "min", "max"))
            return [_range(_column(given), {k: v for k, v in given.items() if k != "column"})]
        case "matches":
            known_only(given, ("column", "pattern"))
            return [_matches(_column(given), given.get("pattern"))]
        case "relationship":
            known_only(given, ("column", "to"))
            return [Relationship(_column(given), *_target(given.get("to")))]
        case _:
            known_only(given, ("column", "within"))
            return [Newest(_column(given), parse_duration(given.get("within")))]


def known_only(given: Mapping[Any, object], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            hint = did_you_mean(str(name), known) or f"possible are {', '.join(known)}"
            raise WrongError(f"there is no option {name!r}", (name,), hint)


def _column(given: Mapping[Any, object]) -> str:
    column = given.get("column")
    if not isinstance(column, str) or not column:
        raise expected("column: the name of a column", column)
    return column


def _columns(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(n, str) and n for n in names):
        raise expected("the name of a column, or a list of names,", value)
    return tuple(dict.fromkeys(names))


def _text(value: object) -> str:
    """A value as the text that the engine reads as the column's type."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()
    if isinstance(value, (int, float, str)):
        return str(value)
    raise expected("a value", value)


def _values(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise expected("a list of values", value)
    return tuple(dict.fromkeys(_text(one) for one in value))


def _range(column: str, given: Mapping[Any, object]) -> Range:
    known_only(given, ("min", "max"))
    least, greatest = given.get("min"), given.get("max")
    if least is None and greatest is None:
        raise ValueError("min, max or both are needed")
    return Range(
        column, None if least is None else _text(least), None if greatest is None else _text(greatest)
    )


def _matches(column: str, pattern: object) -> Matches:
    if not isinstance(pattern, str) or not pattern:
        raise expected("a regular expression", pattern)
    return Matches(column, pattern)


def _target(value: object) -> tuple[Key, str]:
    if not isinstance(value, str) or "." not in value:
        raise expected("to: KEY.COLUMN", value)
    key, _, column = value.strip().rpartition(".")
    if problem := key_problem(key):
        raise ValueError(f"{key!r} is no key: {problem}")
    if not column:
        raise expected("to: KEY.COLUMN", value)
    return key, column


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise expected("true or false", value)


def _count(value: object) -> int | None:
    if value is None:
        return None
    number = int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value) else value
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise expected("a number of rows", value)
    return number


def _severity(value: object) -> Severity:
    if value is None:
        return Severity.ERROR
    if value not in ("error", "warn"):
        raise WrongError(f"severity: error or warn is expected, not {value!r}", ("severity",))
    return Severity(value)


def _at_most(value: object) -> tuple[int, float]:
    """How many offenders are tolerated: a number of rows, or a part of them."""
    if value is None:
        return 0, 0.0
    match = _AMOUNT.fullmatch(str(value).strip())
    wrong = WrongError(
        f"at_most: a number of rows or a part such as 0.1 % is expected, not {value!r}", ("at_most",)
    )
    if match is None or isinstance(value, bool):
        raise wrong
    if match[2]:
        if float(match[1]) > 100:
            raise wrong
        return 0, float(match[1]) / 100
    if "." in match[1]:
        raise wrong
    return int(match[1]), 0.0


def _check_name(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _NAME.fullmatch(value.strip()):
        raise WrongError(f"name: one line of text is expected, not {value!r}", ("name",))
    return value.strip()
