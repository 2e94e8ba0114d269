"""Locations of sources: reads declared paths, globs, formats and the options of a reader.

What is written is data. It reaches SQL only as quoted literals, and option names only from the lists here.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath

from upriver.assets.errors import did_you_mean
from upriver.assets.model import FileLocation, Location, TableLocation
from upriver.assets.support.quantities import expected

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".xlsx": "excel",
    ".xls": "excel",
    ".xlsb": "excel",
    ".xlsm": "excel",
    ".ods": "excel",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".duckdb": "duckdb",
    ".ddb": "duckdb",
}
FORMATS = ("csv", "parquet", "ndjson", "arrow", "excel", "file", "sqlite", "duckdb")
_COMPRESSED = (".gz", ".zst")
_GLOB = re.compile(r"[*?\[]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SUFFIX = re.compile(r"\.[A-Za-z0-9_]+", re.ASCII)
_FORMATS = ", ".join(FORMATS)
_CELLS = re.compile(r"[A-Za-z]{1,3}[1-9]\d{0,6}(:[A-Za-z]{1,3}([1-9]\d{0,6})?)?")
FILES = "{files}"
"""Stands for the list of files in :attr:`FileLocation.scan`."""


def quote_text(text: str) -> str:
    """*text* as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise expected("text", value)
    if "\0" in value or FILES in value:
        raise ValueError(f"{value!r} can't be used here")
    return quote_text(value)


def _character(value: object) -> str:
    if value != "" and not (isinstance(value, str) and len(value) == 1):
        raise expected("one character", value)
    return _text(value)


def _flag(value: object) -> str:
    if not isinstance(value, bool):
        raise expected("True or False", value)
    return "true" if value else "false"


def _count(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value < 2**31:
        raise expected("a whole number", value)
    return str(value)


def _row(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1 << 20:
        raise expected("the number of a row, from 1 on,", value)
    return str(value)


def _cells(value: object) -> str:
    if not isinstance(value, str) or not _CELLS.fullmatch(value):
        raise expected("a range of cells, such as 'B2:F' or 'B2:F200',", value)
    return quote_text(value)


def _texts(value: object) -> str:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not items:
        raise expected("a text or a list of texts", value)
    return "[" + ", ".join(_text(item) for item in items) + "]"


def _types(value: object) -> str:
    if not isinstance(value, Mapping) or not value:
        raise expected("a dict of types by column, such as {'id': 'BIGINT'},", value)
    return "{" + ", ".join(f"{_text(name)}: {_text(type_)}" for name, type_ in value.items()) + "}"


_Writer = Callable[[object], str]
_ANY_FILES: dict[str, tuple[str, _Writer]] = {
    "filename": ("filename", _flag),
    "hive_partitioning": ("hive_partitioning", _flag),
    "union_by_name": ("union_by_name", _flag),
}
_TEXT_FILES: dict[str, tuple[str, _Writer]] = {
    **_ANY_FILES,
    "columns": ("columns", _types),
    "compression": ("compression", _text),
    "date_format": ("date_format", _text),
    "ignore_errors": ("ignore_errors", _flag),
    "sample_size": ("sample_size", _count),
    "timestamp_format": ("timestamp_format", _text),
}
_OPTIONS: dict[str, dict[str, tuple[str, _Writer]]] = {
    "csv": {
        **_TEXT_FILES,
        "all_varchar": ("all_varchar", _flag),
        "comment": ("comment", _character),
        "decimal": ("decimal_separator", _character),
        "delimiter": ("delim", _text),
        "delim": ("delim", _text),
        "sep": ("delim", _text),
        "encoding": ("encoding", _text),
        "escape": ("escape", _character),
        "header": ("header", _flag),
        "max_line_size": ("max_line_size", _count),
        "names": ("names", _texts),
        "new_line": ("new_line", _text),
        "normalize_names": ("normalize_names", _flag),
        "null_padding": ("null_padding", _flag),
        "null_values": ("nullstr", _texts),
        "quote": ("quote", _character),
        "skip": ("skip", _count),
        "strict": ("strict_mode", _flag),
        "thousands": ("thousands", _character),
        "types": ("types", _types),
    },
    "excel": {"sheet": ("sheet", _text), "header": ("header", _row), "range": ("range", _cells)},
    "parquet": {**_ANY_FILES, "binary_as_string": ("binary_as_string", _flag)},
    "ndjson": {
        **_TEXT_FILES,
        "maximum_depth": ("maximum_depth", _count),
        "maximum_object_size": ("maximum_object_size", _count),
    },
}
_READERS = {"csv": "read_csv", "parquet": "read_parquet", "ndjson": "read_ndjson", "excel": "read_excel"}


def read_location(
    where: object,
    format_name: object = None,
    table: object = None,
    options: Mapping[str, object] | None = None,
    *,
    remote: bool = False,
) -> tuple[Location | None, list[str]]:
    """The location that *where* and the rest describe, with every problem as a sentence.

    *where* is a path, a glob or a list of them, relative to the project root. Without *format_name* the file
    name's ending decides; an ending that means nothing here is a plain ``file``. The location is None on
    problems. *remote* files lie behind a connection, below its url.
    """
    problems: list[str] = []
    patterns = _patterns(where, problems)
    chosen = _format(format_name, patterns, problems)
    if problems or chosen is None:
        return None, problems
    if chosen in ("sqlite", "duckdb"):
        if remote:
            return None, [f"{patterns[0]!r} is a database, which is not read through a connection"]
        return _table(patterns, chosen, table, options or {})
    if table is not None:
        problems.append(f"table= is for SQLite and DuckDB files; {patterns[0]!r} is read as {chosen}")
    scan = _scan(patterns, chosen, options or {}, problems)
    return (None if problems else FileLocation(patterns, chosen, scan)), problems


def _patterns(where: object, problems: list[str]) -> tuple[str, ...]:
    items = where if isinstance(where, (list, tuple)) else [where]
    if not items:
        problems.append("the list of files is empty")
    patterns = []
    for item in items:
        text = os.fspath(item) if isinstance(item, PurePath) else item
        if not isinstance(text, str):
            problems.append(f"a location is a path, a glob or a list of them, not {item!r}")
            continue
        problem = _path_problem(text)
        if problem:
            problems.append(problem)
        else:
            patterns.append(
                posixpath.normpath(
                    PurePath(text).as_posix() if text[0] != "~" else str(Path(text).expanduser())
                )
            )
    return tuple(patterns)


def _path_problem(text: str) -> str | None:
    if not text.strip():
        return "the location is empty"
    if not text.isprintable():
        return f"the location {text!r} has control characters in it"
    if _URL.match(text):
        return f"{text!r} is not a local path; declare a connection in upriver.toml, and name what lies there"
    if text.endswith(("/", os.sep)) or posixpath.normpath(text) in (".", ".."):
        return f"{text!r} is a folder; say which files in it, such as {posixpath.join(text, '*.parquet')!r}"
    return None


def _format(format_name: object, patterns: tuple[str, ...], problems: list[str]) -> str | None:
    if format_name is not None:
        if not isinstance(format_name, str) or format_name.lower() not in FORMATS:
            hint = did_you_mean(str(format_name).lower(), FORMATS) or "possible are " + ", ".join(FORMATS)
            problems.append(f"there is no format {format_name!r}; {hint}")
            return None
        return format_name.lower()
    found = {pattern: _format_of(pattern) for pattern in patterns}
    unclear = [pattern for pattern, name in found.items() if name is None]
    if unclear:
        problems.append(
            f"the format of {unclear[0]!r} can't be told from its name; say format=, one of {_FORMATS}"
        )
        return None
    formats = sorted({name for name in found.values() if name})
    if len(formats) > 1:
        problems.append(f"all files of a source have one format; these are {' and '.join(formats)}")
        return None
    return formats[0] if formats else None


def _format_of(pattern: str) -> str | None:
    stem, suffix = posixpath.splitext(_ending(pattern))
    if suffix in _COMPRESSED:
        inner = _SUFFIXES.get(posixpath.splitext(stem)[1])
        return inner if inner in ("csv", "ndjson") else "file"
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    return "file" if _SUFFIX.fullmatch(suffix) else None


def _ending(pattern: str) -> str:
    name = posixpath.basename(pattern).lower()
    return (
        "x" + name if name.startswith(".") else name
    )  # else splitext takes ".csv" for a name without an ending


def _scan(
    patterns: tuple[str, ...], format_name: str, options: Mapping[str, object], problems: list[str]
) -> str | None:
    known = _OPTIONS.get(format_name, {})
    written: dict[str, str] = {}
    for name, value in options.items():
        if name not in known:
            hint = did_you_mean(name, known)
            hint = hint or (
                "possible are " + ", ".join(sorted(known)) if known else f"{format_name} has no options"
            )
            problems.append(f"there is no option {name!r} for {format_name}; {hint}")
            continue
        parameter, write = known[name]
        if parameter in written:
            problems.append(f"{name}: this was already given under another name")
        if value is not None:
            try:
                written[parameter] = write(value)
            except ValueError as error:
                problems.append(f"{name}: {error}")
    reader = _READERS.get(format_name)
    endings = [_ending(pattern) for pattern in patterns]
    if format_name == "csv" and all(".tsv" in ending for ending in endings):
        written.setdefault("delim", quote_text("\t"))
    # read_json takes lines as well as one array; read_ndjson, the plain form, only lines.
    arrays = format_name == "ndjson" and any(
        ending.endswith((".json", ".json.gz", ".json.zst")) for ending in endings
    )
    if not written and not arrays:
        return None
    arguments = [FILES, *(f"{parameter} = {value}" for parameter, value in written.items())]
    return f"{'read_json' if arrays else reader}({', '.join(arguments)})"


def _table(
    patterns: tuple[str, ...], engine: str, table: object, options: Mapping[str, object]
) -> tuple[Location | None, list[str]]:
    problems = []
    query, options = options.get("query"), {name: value for name, value in options.items() if name != "query"}
    if len(patterns) > 1 or _GLOB.search(patterns[0]):
        problems.append("a database source is one file, not a list or a glob")
    if query is not None and (table is not None or not isinstance(query, str) or not query.strip()):
        problems.append("query: one query is expected, in the place of table=")
    elif table is None and query is None:
        problems.append(f"{patterns[0]!r} is a database; say which table of it with table=")
    elif table is not None and (not isinstance(table, str) or not table.strip() or "\0" in table):
        problems.append(f"table: the name of a table is expected, not {table!r}")
    if options:
        problems.append(f"a database source has no option {next(iter(options))!r}")
    if problems:
        return None, problems
    return TableLocation(
        patterns[0], engine, str(table or ""), str(query or "").strip().rstrip(";")
    ), problems
