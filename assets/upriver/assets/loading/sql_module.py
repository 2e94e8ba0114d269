"""SQL modules: a query, its key from the path, its options from the header."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from upriver.assets.declare.options import Options
from upriver.assets.errors import Diagnosis
from upriver.assets.loading.sql_header import HeaderError, find_header, position, read_header
from upriver.assets.model import Asset, Kind, Place, SqlRecipe, key_problem
from upriver.assets.project.layout import path_parts

_PART = re.compile(r"[a-z_][a-z0-9_]*")
_COMMENTS = re.compile(r"\s+|--[^\n]*|/\*.*?(?:\*/|\Z)|;", re.DOTALL)


def parse_sql_module(path: str, text: str) -> Asset | tuple[Diagnosis, ...]:
    """The asset that the SQL module *text* at *path* (relative to the project root) declares.

    The query itself is not looked at, except that there must be one. Returns everything that is wrong
    instead, if anything is.
    """
    text = text.removeprefix("\ufeff")  # no editor counts it as a column
    parts = path_parts(path)
    natural = ".".join(parts)
    unusable = path_problem(parts)
    try:
        header = find_header(path, text)
    except HeaderError as error:
        return (error.diagnosis,)
    options, problems = Options(), list[Diagnosis]()
    start = 0
    if header is not None:
        options, problems = read_header(path, text, header, None if unusable else natural)
        start = header.body
    if unusable and options.key is None:
        problems.append(bad_path(path, unusable))
    body, line = query_body(text, start)
    if no_query(body):
        problems.append(
            Diagnosis("empty-sql", "there is no query in this file", Place(path, line), key=options.key)
        )
    if problems:
        return tuple(problems)
    return Asset(
        key=options.key or natural,
        kind=Kind.TABLE,
        recipe=SqlRecipe(body, options.dialect, line),
        place=Place(path),
        description=options.description,
        tags=options.tags,
        owner=options.owner,
        execution=options.execution,
        after=options.after,
        environment=options.environment,
        variables=options.variables,
        volatile=options.volatile,
        ordered=options.ordered,
        goals=options.goals,
        quality=options.quality,
        partition=options.partition,
        sink=options.sink,
    )


def no_query(body: str) -> bool:
    """Whether there is nothing in *body* but comments."""
    return not _COMMENTS.sub("", body)


def query_body(text: str, start: int) -> tuple[str, int]:
    """The query, and its first line in the file.

    What follows the header on its last line keeps its column through spaces, so that every position in the
    query is one in the file.
    """
    line, column = position(text, start)
    rest_of_line, newline, below = text[start:].partition("\n")
    if newline and not rest_of_line.strip():
        return below, line + 1
    return " " * (column - 1) + text[start:], line


def path_problem(parts: tuple[str, ...]) -> str | None:
    """Why *parts* make no key, or None when they do."""
    for part in parts:
        if not _PART.fullmatch(part):
            return (
                f"{part!r} has other characters than lower-case ASCII letters, digits and underscores"
                if not part[:1].isdigit()
                else f"{part!r} begins with a digit"
            )
        problem = key_problem(part)
        if problem:
            return problem
    return key_problem(".".join(parts))


def bad_path(path: str, problem: str) -> Diagnosis:
    """The diagnosis for a module whose path gives no key, with a name that would."""
    pure = PurePosixPath(path)
    better = PurePosixPath(
        pure.parts[0], *map(usable, pure.parts[1:-1]), usable(pure.stem) + pure.suffix.lower()
    )
    hint = f"rename it to {better}, or set `key:` in its header" if str(better) != path else None
    return Diagnosis("bad-key", f"this path gives no key: {problem}", Place(path), hint=hint)


def usable(part: str) -> str:
    """*part* as near as possible in the letters that a key may have."""
    plain = unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode().lower()
    usable = re.sub(r"[^a-z0-9_]+", "_", plain).strip("_") or "unnamed"
    return f"_{usable}" if usable[0].isdigit() or key_problem(usable) else usable
