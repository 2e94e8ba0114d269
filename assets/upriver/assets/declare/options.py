"""Options of assets and sources besides the recipe: one reading for decorators and SQL headers.

Values come from Python (``retries=2``) or as text from a YAML header (``retries: 2``); both are read alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from upriver.assets.declare.paths import read_pattern, write_pattern
from upriver.assets.declare.retry import read_retry
from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.execution import Retry
from upriver.assets.goals import GOAL_OPTIONS, read_goals
from upriver.assets.model import (
    Execution,
    Goal,
    Key,
    Kind,
    Permissions,
    Place,
    Quality,
    Sink,
    Value,
    key_problem,
)
from upriver.assets.partitions.model import Partitioning
from upriver.assets.support.quantities import expected, parse_duration, parse_memory

# fmt: off
DIALECTS = frozenset({
    "bigquery", "databricks", "duckdb", "mysql", "mysql, collation=binary", "postgres", "presto", "redshift",
    "snowflake", "spark", "sqlite", "trino", "tsql", "tsql, collation=binary",
})
# fmt: on
"""The SQL dialects that can be translated; listed here because the translator is loaded later. A test compares."""

VOLATILE = ("always", "daily", "never")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NAMES = re.compile(r"[A-Za-z_*?][A-Za-z0-9_*?]*", re.ASCII)
_LABEL = re.compile(r"[^\s,:+*?\[\](){}\"'\x00-\x1f]+")  # usable in SELECT expressions such as tag:marts
_SUFFIX = re.compile(r"(\.[A-Za-z0-9_-]{1,20}){1,3}", re.ASCII)
MOST_RETRIES = 100


class Options(Value, frozen=True):
    """The options of one declaration, read and checked. *backoff*, *timeout* are seconds, *memory* bytes."""

    key: Key | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    owner: str | None = None
    dialect: str = "duckdb"
    retries: int = 0
    backoff: float = 1.0
    timeout: float | None = None
    memory: int | None = None
    pool: str | None = None
    after: tuple[Key, ...] = ()
    environment: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    volatile: str | None = None
    kind: Kind | None = None
    suffix: str = ""
    ordered: bool = False
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    network: bool = False
    processes: bool = False
    goals: tuple[Goal, ...] = ()
    quality: Quality = Quality()
    partition: Partitioning | None = None
    retry: tuple[Retry, ...] = ()
    fallback: str | None = None
    sink: Sink | None = None
    approval: bool = False

    @property
    def permissions(self) -> Permissions:
        """What the recipe may touch besides what it is handed."""
        return Permissions(self.reads, self.writes, self.network, self.processes)

    @property
    def execution(self) -> Execution:
        """How the recipe is run."""
        return Execution(
            retries=self.retries,
            backoff=self.backoff,
            timeout=self.timeout,
            memory=self.memory,
            pool=self.pool,
            retry=self.retry,
            fallback=self.fallback,
            approval=self.approval,
        )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise expected("text", value)
    return value.strip()


def _line(value: object) -> str:
    text = _text(value)
    if not text or not text.isprintable():
        raise expected("one line of text", value)
    return text


def _key(value: object) -> Key:
    if not isinstance(value, str):
        raise expected("a key", value)
    text = value.strip()
    problem = key_problem(text)
    if problem:
        raise ValueError(f"{text!r} is no key: {problem}")
    return text


def _names(read: Callable[[object], str]) -> Callable[[object], tuple[str, ...]]:
    def names(value: object) -> tuple[str, ...]:
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise expected("a list, such as [a, b],", value)
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return tuple(dict.fromkeys(read(item) for item in items))

    return names


def _label(value: object) -> str:
    text = _text(value)
    if not _LABEL.fullmatch(text):
        raise ValueError(
            f"{text!r} is no label: it is a word without spaces, quotes, brackets or any of , : + * ?"
        )
    return text


def _variable(value: object) -> str:
    text = _text(value)
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no variable name: letters, digits and underscores, no digit first")
    return text


def _variables(value: object) -> str:
    text = _text(value)
    if not _NAMES.fullmatch(text):
        raise ValueError(
            f"{text!r} is no variable name: letters, digits and underscores, no digit first; "
            "* and ? stand for any of these"
        )
    if not text.strip("*?"):
        raise ValueError(
            f"{text!r} would be all variables, which differ from terminal to terminal; name them"
        )
    return text


def _path(read: Callable[[str], str]) -> Callable[[object], str]:
    def path(value: object) -> str:
        if not isinstance(value, str):
            raise expected("a path or pattern", value)
        return read(value)

    return path


def _retries(value: object) -> int:
    number = int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value.strip()) else value
    if isinstance(number, bool) or not isinstance(number, int):
        raise expected("a whole number", value)
    if not 0 <= number <= MOST_RETRIES:
        raise ValueError(f"between 0 and {MOST_RETRIES} retries are possible, not {number}")
    return number


def _timeout(value: object) -> float:
    seconds = parse_duration(value)
    if seconds == 0:
        raise ValueError("a timeout of 0 leaves no time to run; leave it out for no limit")
    return seconds


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise expected("true or false", value)


def _choice(known: Collection[str]) -> Callable[[object], str]:
    def choice(value: object) -> str:
        text = _text(value).lower()
        if text not in known:
            near = did_you_mean(text, known)
            possible = near or ("possible are " + ", ".join(sorted(known)))
            raise ValueError(f"{value!r} is not known; {possible}")
        return text

    return choice


def _kind(value: object) -> Kind:
    return Kind(_choice([str(kind) for kind in Kind])(value))


def _suffix(value: object) -> str:
    text = _text(value)
    if not _SUFFIX.fullmatch(text):
        raise ValueError(f"{text!r} is no file name ending; write it like '.json'")
    return text


_READERS: dict[str, Callable[[object], object]] = {
    "key": _key,
    "description": _text,
    "tags": _names(_label),
    "owner": _line,
    "dialect": _choice(DIALECTS),
    "retries": _retries,
    "backoff": parse_duration,
    "retry": read_retry,
    "fallback": _key,
    "approval": _flag,
    "timeout": _timeout,
    "memory": parse_memory,
    "pool": _label,
    "after": _names(_key),
    "environment": _names(_variables),
    "variables": _names(_variable),
    "volatile": _choice(VOLATILE),
    "kind": _kind,
    "suffix": _suffix,
    "ordered": _flag,
    "reads": _names(_path(read_pattern)),
    "writes": _names(_path(write_pattern)),
    "network": _flag,
    "processes": _flag,
}

COMMON = ("key", "description", "tags", "owner")
QUALITY = ("columns", "checks", "contract")
"""The options that :mod:`upriver.assets.declare.checks` reads."""
NESTED = (*QUALITY, "partition", "sink")
"""The options that are more than a scalar or a list: read from the whole tree, with the places in it."""
_RUNNING = (
    "retries",
    "backoff",
    "retry",
    "fallback",
    "approval",
    "timeout",
    "memory",
    "pool",
    "after",
    "environment",
    "variables",
    "volatile",
    "ordered",
    *GOAL_OPTIONS,
)
SQL_OPTIONS = (*COMMON, "dialect", *_RUNNING, *NESTED)
PYTHON_OPTIONS = (*COMMON, *_RUNNING, *NESTED, "kind", "suffix", "reads", "writes", "network", "processes")


def read_options(
    given: Mapping[str, object], known: Collection[str], place: Callable[[str], Place], key: Key | None = None
) -> tuple[Options, list[Diagnosis]]:
    """Read *given*, of which the names in *known* are possible; None stands for "not given".

    *place* tells where an option was written. What can't be read has its diagnosis and keeps its default.
    """
    read: dict[str, Any] = {}
    problems: list[Diagnosis] = []
    for name, value in given.items():
        if name not in known:
            problems.append(unknown_option(name, known, place(name), key))
        elif value is not None and name not in GOAL_OPTIONS:
            try:
                read[name] = _READERS[name](value)
            except ValueError as error:
                problems.append(Diagnosis("bad-value", f"{name}: {error}", place(name), key=key))
    goals, wrong = read_goals({name: value for name, value in given.items() if name in known})
    problems += [Diagnosis("bad-value", text, place(name), hint=hint, key=key) for name, text, hint in wrong]
    if (instead := read.get("fallback", "last")) != "last":  # it has to be up to date when it is needed
        read["after"] = tuple(dict.fromkeys((*read.get("after", ()), instead)))
    return Options(**read, goals=goals), problems


def unknown_option(name: str, known: Collection[str], place: Place, key: Key | None = None) -> Diagnosis:
    """The diagnosis for an option that does not exist."""
    hint = did_you_mean(name, known) or "possible are " + ", ".join(known)
    if name in PYTHON_OPTIONS and name not in known:
        hint = f"{name} is for Python assets" + (
            "; a query reads the files that it names" if name == "reads" else ""
        )
    return Diagnosis("unknown-option", f"there is no option {name!r}", place, hint=hint, key=key)
