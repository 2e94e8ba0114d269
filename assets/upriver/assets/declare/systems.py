"""Locations of sources that lie behind a connection: a table, a query, or files that lie there."""

from __future__ import annotations

import re
from collections.abc import Mapping

from upriver.assets.declare.locations import read_location
from upriver.assets.model import FileLocation, SystemLocation
from upriver.assets.support.quantities import expected, parse_duration

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def read_system(
    connection: object,
    where: object,
    format_name: object,
    given: Mapping[str, object],
    options: Mapping[str, object],
) -> tuple[SystemLocation | None, list[str]]:
    """The location that *given* (``table``, ``query``, ``version``, ``observe_every``) and the rest describe, with
    every problem as a sentence. The location is None on problems.

    Whether there is such a connection, and what it understands, is not known here.
    """
    problems: list[str] = []
    if not isinstance(connection, str) or not _NAME.fullmatch(connection):
        problems.append(f"connection: the name of one in upriver.toml is expected, not {connection!r}")
    texts = {name: _text(name, given.get(name), problems) for name in ("table", "query", "version")}
    every = None
    if (span := given.get("observe_every")) is not None:
        try:
            every = parse_duration(span)
        except ValueError as error:
            problems.append(f"observe_every: {error}")
    named = [name for name in ("table", "query") if texts[name]] + (
        ["a location"] if where is not None else []
    )
    if len(named) != 1:
        problems.append(
            f"it is {' and '.join(named)}; which of them?"
            if named
            else f"what of {connection!r}? Name a table=, a query= or the location of files"
        )
    files = None
    if where is not None:
        files, wrong = read_location(where, format_name, None, options, remote=True)
        problems += wrong
        if isinstance(files, FileLocation) and files.format == "file":
            problems.append("files that are no table are not read through a connection; say format=")
    elif options or format_name is not None:
        what = next(iter(options), "format")
        problems.append(f"a table has no option {what!r}; those are for files")
    if problems or (where is not None and not isinstance(files, FileLocation)):
        return None, problems
    assert isinstance(files, FileLocation | None)
    return SystemLocation(
        str(connection),
        texts["table"],
        texts["query"].strip().rstrip(";"),
        () if files is None else files.patterns,
        "" if files is None else files.format,
        None if files is None else files.scan,
        texts["version"],
        every,
    ), problems


def _text(name: str, value: object, problems: list[str]) -> str:
    if value is None:
        return ""
    if name == "version" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        problems.append(f"{name}: {expected('text', value)}")
        return ""
    return value
