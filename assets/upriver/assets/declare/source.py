"""``source(...)``: data that the project reads and does not produce."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from upriver.assets.declare.collector import note, report
from upriver.assets.declare.locations import read_location
from upriver.assets.declare.options import COMMON, read_options
from upriver.assets.declare.systems import read_system
from upriver.assets.errors import Diagnosis
from upriver.assets.model import (
    FileLocation,
    Key,
    Location,
    Place,
    Source,
    TableLocation,
    Value,
    key_problem,
)


class SourceDeclaration(Value, frozen=True, eq=False):
    """A source as declared in a module. *source* is None when what was declared can't be used.

    *file* (absolute) and *line* tell where. Two declarations are the same only if they are the same object.
    """

    key: Key
    source: Source | None
    file: str
    line: int

    def __repr__(self) -> str:
        return f"<source {self.key}>"


def source(
    key: Key,
    location: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    *,
    connection: str | None = None,
    table: str | None = None,
    query: str | None = None,
    format: str | None = None,
    version: str | int | None = None,
    observe_every: str | float | None = None,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    owner: str | None = None,
    **options: Any,
) -> SourceDeclaration:
    """Declare a source: ``source("raw.orders", "data/orders/*.csv", delimiter=";")``.

    *location* is a path or glob relative to the project root, or a list of them. The file name's ending tells
    the format (CSV, TSV, Parquet, NDJSON, Arrow; others are plain files) unless *format* does. For a SQLite
    or DuckDB file name the *table*.

    With the name of a *connection* in ``upriver.toml``, name the *table* there, or give a *query*, or the *location*
    of files. *version* is one of the past, where the system keeps those. An observation that is not older than
    *observe_every* counts as the present one; without it each build takes one.

    *options* are those of the reader: for CSV ``delimiter``, ``header``,
    ``columns``, ``types``, ``null_values``, ``decimal``, ``skip``, ``date_format`` and more.

    Raises DeclarationError with all that is wrong; while a project is loaded it is reported there instead.
    """
    frame = sys._getframe(1)
    file, line = frame.f_code.co_filename, frame.f_lineno
    here = Place(file, line)
    problems: list[Diagnosis] = []
    problem = key_problem(key) if isinstance(key, str) else "it is not text"
    name = key if problem is None else None
    if problem:
        problems.append(Diagnosis("bad-key", f"{key!r} is no key for a source: {problem}", here))
    where: Location | None
    if connection is None:
        extra = {"query": query, "observe_every": observe_every, "version": version}
        options |= {name: value for name, value in extra.items() if value is not None}
        where, sentences = read_location(location, format, table, options)
    else:
        system = {"table": table, "query": query, "version": version, "observe_every": observe_every}
        where, sentences = read_system(connection, location, format, system, options)
    problems += [
        Diagnosis("bad-source", f"source {key!r}: {sentence}", here, key=name) for sentence in sentences
    ]
    given = {"description": description, "tags": tags, "owner": owner}
    common, more = read_options(given, COMMON, lambda _: here, name)
    problems += [msgspec.structs.replace(found, message=f"source {key!r}: {found.message}") for found in more]
    declared = SourceDeclaration(
        key=str(key),
        source=None
        if problems or where is None
        else Source(
            key=key,
            location=where,
            place=here,
            description=common.description,
            tags=common.tags,
            owner=common.owner,
        ),
        file=file,
        line=line,
    )
    report(problems)
    note(declared)
    return declared


def under_root(found: Source, root: str, place: Place) -> Source:
    """*found* with its place, and an absolute location inside *root* made relative to it."""
    location = found.location
    if isinstance(location, FileLocation):
        patterns = tuple(_relative(pattern, root) for pattern in location.patterns)
        location = msgspec.structs.replace(location, patterns=patterns)
    elif isinstance(location, TableLocation):
        location = msgspec.structs.replace(location, path=_relative(location.path, root))
    return Source(found.key, location, place, found.description, found.tags, found.owner, found.derived)


def _relative(path: str, root: str) -> str:
    return os.path.relpath(path, root) if path.startswith(root + os.sep) else path
