"""``upriver.toml``: finding the project, and reading what it says."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from upriver.assets.errors import Diagnosis, UsageError, caret_excerpt, did_you_mean
from upriver.assets.goals import GOAL_OPTIONS, read_goals, read_zone
from upriver.assets.model import Goal, Place, Value
from upriver.assets.project.alerts import Alert, read_alert
from upriver.assets.project.connections import Connection, read_connection
from upriver.assets.support.quantities import expected, parse_duration, parse_memory

CONFIG = "upriver.toml"
Scalar: TypeAlias = str | int | float | bool
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
ISOLATIONS = ("enforced", "observed")
"""What ``[build] isolation`` may be."""
SECTIONS = (
    "project",
    "variables",
    "pools",
    "build",
    "secrets",
    "environments",
    "goals",
    "watch",
    "alerts",
    "connections",
)
WATCH_SETTINGS = ("zone", "calendar", "at_most", "poll")
BUILD_SETTINGS = ("jobs", "memory", "batch", "isolation", "allow_read")
MOST_COUNTED = 10_000


class Environment(Value, frozen=True):
    """One ``[environments.NAME]``: what differs there. *variables* take the place of the project's."""

    variables: Mapping[str, Scalar] = {}


class AllowedRead(Value, frozen=True):
    """A file or folder outside of the project that every Python recipe may read: it counts by its content, or with
    *stat* by the sizes and times of its files.
    """

    path: str
    stat: bool = False


class GoalRule(Value, frozen=True):
    """One line of ``[goals]``: the *goals* of what *select* means. *line* is its line in the file."""

    select: str
    goals: tuple[Goal, ...]
    line: int = 1


class Watching(Value, frozen=True):
    """``[watch]``: how goals are kept. *zone* is that of goals that name none, *calendar* the country of ``workdays``.

    *at_most* assets made stale by one edit of code are built without being asked, *poll* is seconds between two looks
    at files where the system does not report changes.
    """

    zone: str | None = None
    calendar: str | None = None
    at_most: int = 100
    poll: float = 2.0


class Config(Value, frozen=True):
    """What ``upriver.toml`` says. *memory* is in bytes, *batch* in slices, *secrets* are paths of files by the secret's
    name. *isolation* is ``"enforced"`` or ``"observed"``; None is enforced where the system can.
    """

    name: str
    variables: Mapping[str, Scalar] = {}
    pools: Mapping[str, int] = {}
    jobs: int | None = None
    memory: int | None = None
    batch: int | None = None
    isolation: str | None = None
    allow_read: tuple[AllowedRead, ...] = ()
    secrets: Mapping[str, str] = {}
    environments: Mapping[str, Environment] = {}
    goals: tuple[GoalRule, ...] = ()
    watch: Watching = Watching()
    alerts: tuple[Alert, ...] = ()
    connections: Mapping[str, Connection] = {}


def find_project(start: Path) -> Path:
    """The nearest folder with an ``upriver.toml``, from *start* up. Raises UsageError if there is none."""
    try:
        resolved = start.resolve(strict=True)
    except OSError as error:
        raise UsageError(f"can't look for a project in {start}: {error.strerror}") from None
    for folder in (resolved, *resolved.parents):
        if (folder / CONFIG).is_file():
            return folder
    raise UsageError(f"no {CONFIG} in {resolved} or above; `upriver init` makes a project")


def read_config(root: Path) -> tuple[Config, tuple[Diagnosis, ...]]:
    """The configuration of the project at *root*, and everything that is wrong with it.

    What is wrong has its default in the configuration.
    """
    default = Config(name=root.name)
    try:
        text = (root / CONFIG).read_text(encoding="utf-8-sig")
    except OSError as error:
        return default, (_wrong(f"can't be read: {error.strerror}", Place(CONFIG)),)
    except UnicodeDecodeError as error:
        return default, (_wrong(f"is not UTF-8 text: {error.reason} at byte {error.start}", Place(CONFIG)),)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return default, (_not_toml(text, str(error)),)
    reader = _Reader(text, os.path.realpath(root))
    config = reader.config(data, default)
    return config, tuple(reader.problems)


def _wrong(message: str, place: Place) -> Diagnosis:
    return Diagnosis("bad-config", f"{CONFIG} {message}", place)


def _not_toml(text: str, message: str) -> Diagnosis:
    at = re.search(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)", message)
    what = message[: at.start()] if at else message
    what = what[:1].lower() + what[1:]
    if at is None or at[1] is None:
        return _wrong(f"is not valid TOML: {what} at its end", Place(CONFIG, text.count("\n") + 1))
    place = Place(CONFIG, int(at[1]), int(at[2]))
    excerpt = caret_excerpt(text.replace("\r", ""), int(at[1]), int(at[2]))
    return Diagnosis("bad-config", f"{CONFIG} is not valid TOML: {what}", place, excerpt=excerpt)


class _Reader:
    """Reads the parsed document, and notes what is wrong at its place in *text*."""

    def __init__(self, text: str, root: str) -> None:
        self._text = text
        self._root = root
        self.problems: list[Diagnosis] = []

    def config(self, data: Mapping[str, Any], default: Config) -> Config:
        """The values of *data* where they are right, those of *default* elsewhere."""
        sections = {name: self._table(data, (name,)) for name in SECTIONS if name != "alerts"}
        self._refuse_unknown(data, SECTIONS, ())
        self._refuse_unknown(sections["project"], ("name",), ("project",))
        readers = (_count, parse_memory, _count, _isolation, partial(_allowed_reads, root=self._root))
        building: dict[str, Callable[[object], Any]] = dict(zip(BUILD_SETTINGS, readers, strict=True))
        self._refuse_unknown(sections["build"], BUILD_SETTINGS, ("build",))
        name = self._items(sections["project"], ("project",), {"name": _project_name}).get(
            "name", default.name
        )
        build = self._items(sections["build"], ("build",), building)
        return Config(
            name=name,
            variables=self._named(sections["variables"], ("variables",), _NAME, _scalar),
            pools=self._named(sections["pools"], ("pools",), _LABEL, _count),
            jobs=build.get("jobs"),
            memory=build.get("memory"),
            batch=build.get("batch"),
            isolation=build.get("isolation"),
            allow_read=build.get("allow_read", ()),
            secrets=self._named(sections["secrets"], ("secrets",), _NAME, _file),
            environments=self._environments(sections["environments"]),
            goals=self._goals(sections["goals"]),
            watch=self._watch(sections["watch"]),
            alerts=self._alerts(data.get("alerts", [])),
            connections=self._connections(sections["connections"]),
        )

    def _alerts(self, given: object) -> tuple[Alert, ...]:
        if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
            self._note("[[alerts]] is a list of tables, each with to or command", ("alerts",))
            return ()
        found = []
        for number, one in enumerate(given):
            alert, problems = read_alert(one)
            for name, message in problems:
                line = locate(self._text, ("alerts", name) if name else ("alerts",), number)
                self.problems.append(Diagnosis("bad-config", message, Place(CONFIG, line)))
            if alert.to or alert.command:
                found.append(alert)
        return tuple(found)

    def _connections(self, section: Mapping[str, Any]) -> dict[str, Connection]:
        found = {}
        for name in self._named(section, ("connections",), _NAME, lambda value: value):
            at = ("connections", name)
            line = locate(self._text, at)
            connection, problems = read_connection(name, self._table(section, at), line)
            for setting, message in problems:
                self._note(f"[connections.{name}]: {message}", (*at, setting) if setting else at)
            if connection is not None:
                found[name] = connection
        return found

    def _goals(self, section: Mapping[str, Any]) -> tuple[GoalRule, ...]:
        rules = []
        for select in section:
            at = ("goals", select)
            given = self._table(section, at)
            self._refuse_unknown(given, GOAL_OPTIONS, at)
            goals, problems = read_goals(given)
            for name, message, hint in problems:
                self._note(f"goals of {select!r}: {message}", (*at, name), hint)
            rules.append(GoalRule(select, goals, locate(self._text, at)))
        return tuple(rules)

    def _watch(self, section: Mapping[str, Any]) -> Watching:
        functions = (read_zone, _country, _count, parse_duration)
        readers: dict[str, Callable[[object], Any]] = dict(zip(WATCH_SETTINGS, functions, strict=True))
        self._refuse_unknown(section, WATCH_SETTINGS, ("watch",))
        return Watching(**self._items(section, ("watch",), readers))

    def _environments(self, section: Mapping[str, Any]) -> dict[str, Environment]:
        environments = {}
        for name in self._named(section, ("environments",), _LABEL, lambda value: value):
            at = ("environments", name)
            given = self._table(section, at)
            self._refuse_unknown(given, ("variables",), at)
            variables = self._table(given, (*at, "variables"))
            environments[name] = Environment(self._named(variables, (*at, "variables"), _NAME, _scalar))
        return environments

    def _table(self, parent: Mapping[str, Any], at: tuple[str, ...]) -> Mapping[str, Any]:
        value = parent.get(at[-1], {})
        if isinstance(value, Mapping):
            return value
        self._note(f"[{'.'.join(at)}] is a table, not {value!r}", at)
        return {}

    def _refuse_unknown(self, table: Mapping[str, Any], known: tuple[str, ...], at: tuple[str, ...]) -> None:
        for name in table:
            if name not in known:
                where = (
                    f"[{'.'.join(at)}] has no {name!r}" if at else f"there is no section or setting {name!r}"
                )
                hint = did_you_mean(name, known) or "possible are " + ", ".join(known)
                self._note(where, (*at, name), hint)

    def _items(
        self, table: Mapping[str, Any], at: tuple[str, ...], readers: Mapping[str, Callable[[object], Any]]
    ) -> dict[str, Any]:
        read = {}
        for name, reader in readers.items():
            if name in table:
                try:
                    read[name] = reader(table[name])
                except ValueError as error:
                    self._note(f"{'.'.join((*at, name))}: {error}", (*at, name))
        return read

    def _named(
        self,
        table: Mapping[str, Any],
        at: tuple[str, ...],
        pattern: re.Pattern[str],
        reader: Callable[[object], Any],
    ) -> dict[str, Any]:
        wrong = [name for name in table if not pattern.fullmatch(name)]
        for name in wrong:
            self._note(
                f"{name!r} is no name for [{'.'.join(at)}]: letters, digits and underscores", (*at, name)
            )
        return self._items(table, at, {name: reader for name in table if name not in wrong})

    def _note(self, message: str, at: tuple[str, ...], hint: str | None = None) -> None:
        self.problems.append(
            Diagnosis("bad-config", message, Place(CONFIG, locate(self._text, at)), hint=hint)
        )


def _project_name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise expected("a line of text", value)
    return value.strip()


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_COUNTED:
        raise expected(f"a whole number from 1 to {MOST_COUNTED:,}", value)
    return value


def _country(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(
        r"[A-Za-z]{2}(-[A-Za-z0-9]{1,5})?", value.strip(), re.ASCII
    ):
        raise expected('a country, such as "DE" or "DE-BY",', value)
    return value.strip().upper()


def _isolation(value: object) -> str:
    if not isinstance(value, str) or value not in ISOLATIONS:
        near = did_you_mean(value, ISOLATIONS) if isinstance(value, str) else None
        raise expected(" or ".join(f'"{one}"' for one in ISOLATIONS), value, f"; {near}" if near else "")
    return value


def _allowed_reads(value: object, root: str) -> tuple[AllowedRead, ...]:
    if not isinstance(value, list):
        raise expected('a list of paths, such as ["/models"],', value)
    return tuple(_allowed_read(one, root) for one in value)


def _allowed_read(value: object, root: str) -> AllowedRead:
    given = {"path": value} if isinstance(value, str) else value
    if not isinstance(given, dict) or not isinstance(given.get("path"), str):
        raise expected('a path, or { path = "/models", stat = true },', value)
    if unknown := [name for name in given if name not in ("path", "stat")]:
        raise ValueError(f"{unknown[0]!r} is not known here; possible are path, stat")
    stat = given.get("stat", False)
    if not isinstance(stat, bool):
        raise expected("true or false for stat", stat)
    path = os.path.expanduser(given["path"])  # noqa: PTH111 -- as it was written
    if not os.path.isabs(path):  # noqa: PTH117
        raise ValueError(
            f"{given['path']!r} is no absolute path; files of the project are named by reads= of an asset"
        )
    resolved = os.path.realpath(path)
    if f"{resolved}/".startswith(f"{root}/"):
        raise ValueError(
            f"{given['path']!r} lies in the project; name it by reads= of the asset that reads it"
        )
    if resolved == "/" or f"{root}/".startswith(f"{resolved}/"):
        raise ValueError(f"{given['path']!r} holds the project; name what is read there")
    return AllowedRead(os.path.normpath(path), stat)


def _scalar(value: object) -> Scalar:
    if not isinstance(value, (str, int, float, bool)):
        raise expected("text, a number, true or false", value, "; put dates in quotes")
    return value


def _file(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        # The value itself is not shown: it may be the secret.
        raise ValueError("the path of a file is expected; the secret itself belongs in .upriver/secrets/NAME")
    return str(Path(value).expanduser())


def locate(text: str, at: tuple[str, ...], number: int = 0) -> int:
    """The line (from 1) of *text* that sets the TOML key *at*; of its nearest parent when it is not found.

    In a list of tables it is looked for in that with the *number*, from 0.
    """
    best, best_depth, table = 1, 0, tuple[str, ...]()
    skipped = 0
    for row, line in enumerate(text.split("\n"), 1):
        header = re.match(r"\s*\[{1,2}([^\[\]]+)\]", line)
        setting = re.match(
            r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=", line
        )
        if header:
            found = table = _dotted(header[1])
            if header[0].lstrip().startswith("[[") and found == at[: len(found)] and skipped < number:
                skipped, table = skipped + 1, ("", *found)
                continue
        elif setting:
            found = (*table, *_dotted(setting[1]))
        else:
            continue
        # An inline table (`prod = {variables = …}`) is found at the line of its name.
        depth = len(found) if found == at[: len(found)] else len(at) if found[: len(at)] == at else 0
        if depth > best_depth:
            best, best_depth = row, depth
    return best


def _dotted(text: str) -> tuple[str, ...]:
    parts = re.findall(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)", text)
    return tuple(next(filter(None, groups), "") for groups in parts)
