"""Recorder of files that libraries of other languages open, seen by the calls that make them do it.

Polars, DuckDB and Arrow open files with their own code, of which Python tells no audit hook. So their readers are
replaced, in a process that runs project code, by ones that first tell what they were asked to read. A library that is
imported later is met at that moment. Code that has taken a reader by name keeps telling after :meth:`Native.close`.
"""

from __future__ import annotations

import builtins
import functools
import glob
import os
import re
import stat
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from upriver.assets.loading.stat_hooks import real_stat

_READERS = ("read_", "scan_", "open_")
_NO_FILES = frozenset({"read_database", "read_database_uri", "read_clipboard"})
"""Readers of Polars that are given a query: what it reads is seen where the database is opened."""
_ARROW = {
    "pyarrow": ("memory_map", "input_stream"),
    "pyarrow.parquet": ("read_table", "read_schema", "read_metadata", "read_pandas"),
    "pyarrow.dataset": ("dataset", "parquet_dataset"),
    "pyarrow.csv": ("read_csv", "open_csv"),
    "pyarrow.json": ("read_json", "open_json"),
    "pyarrow.feather": ("read_table", "read_feather"),
    "pyarrow.orc": ("read_table",),
}
_ARROW_CLASSES = {"pyarrow.parquet": ("ParquetFile", "ParquetDataset"), "pyarrow.orc": ("ORCFile",)}
_ARROW_FILES = ("open_input_file", "open_input_stream", "get_file_info")
_SOURCES = (
    "source",
    "sources",
    "path",
    "paths",
    "path_or_paths",
    "where",
    "file_glob",
    "path_or_buffer",
    "database",
)
_STATEMENTS = (
    "execute",
    "executemany",
    "sql",
    "query",
    "query_df",
    "from_query",
    "table_function",
    "SQLExpression",
)
_FILES = ("read_csv", "read_json", "read_parquet", "from_csv_auto", "from_parquet", "table", "view")
_CLAUSES = ("query", "filter", "project", "select", "aggregate", "order", "sort", "join")
_POLARS_STATEMENTS = {"SQLContext": ("execute",), "DataFrame": ("sql",), "LazyFrame": ("sql",)}

_LITERAL = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")
_DATA = frozenset(
    {
        ".csv", ".tsv", ".txt", ".json", ".ndjson", ".jsonl", ".parquet", ".arrow", ".feather", ".xlsx", ".duckdb",
        ".db", ".gz", ".zst", ".avro",
    }
)  # fmt: skip
_UNNAMED = re.compile(
    r"\b(?:read_\w+|\w+_scan|sniff_csv|glob|parquet_(?:metadata|schema|file_metadata|kv_metadata))\s*\("
    r"(?!\s*\[?\s*(?:'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\?|\$\w+)\s*[,)\]])",
    re.IGNORECASE,
)
_FOLDERS = re.compile(r"\bimport\s+database\b|_scan\b", re.IGNORECASE)


class Native:
    """Hooks calls of libraries: from :meth:`begin` on gives *reads* each path, pattern or list of them that a library
    is about to open, and calls *unnamed* when a query reads files whose names are not written in it.
    """

    def __init__(self) -> None:
        self._reads: Callable[[object], None] | None = None
        self._unnamed: Callable[[], None] = _nothing
        self._met: set[str] = set()
        self._lock = threading.RLock()
        self._replaced: list[tuple[Any, str, Any]] = []
        self._importing = builtins.__import__

    def begin(self, reads: Callable[[object], None], unnamed: Callable[[], None]) -> None:
        """Begin to tell."""
        self._reads, self._unnamed = reads, unnamed
        self._importing = builtins.__import__
        builtins.__import__ = self._import
        self.meet()

    def close(self) -> None:
        """Put back what was replaced, unless it was before this process was forked: then no more is told."""
        builtins.__import__ = self._importing
        if self is _prepared:
            self._reads, self._unnamed = None, _nothing
            return
        with self._lock:
            for place, name, function in reversed(self._replaced):
                setattr(place, name, function)
            self._replaced.clear()

    def _import(self, name: str, *rest: Any, **named: Any) -> ModuleType:
        found: ModuleType = self._importing(name, *rest, **named)
        if name.partition(".")[0] in ("duckdb", "polars", "pyarrow"):
            self.meet()
        return found

    def meet(self) -> None:
        """Replace the readers of the libraries that have been imported since the last time."""
        with self._lock:
            for name in ("polars", "duckdb", "pyarrow.fs", *_ARROW):
                module = sys.modules.get(name)
                half = getattr(getattr(module, "__spec__", None), "_initializing", False)
                if module is None or half or name in self._met:
                    continue
                self._met.add(name)
                if name == "polars":
                    self._replace(
                        module,
                        [one for one in vars(module) if one.startswith(_READERS) and one not in _NO_FILES],
                    )
                    self._replace(module, ["sql"], tell=self._run)
                    for one, methods in _POLARS_STATEMENTS.items():
                        self._replace(getattr(module, one), methods, method=True, tell=self._run)
                elif name == "duckdb":
                    self._duckdb(module)
                elif name == "pyarrow.fs":
                    self._replace(module.LocalFileSystem, _ARROW_FILES, method=True)
                else:
                    self._replace(module, _ARROW[name])
                    for one in _ARROW_CLASSES.get(name, ()):
                        self._replace(getattr(module, one), ["__init__"], method=True)

    def _replace(
        self, place: Any, names: Any, *, method: bool = False, tell: Callable[..., None] | None = None
    ) -> None:
        for name in names:
            function = getattr(place, name, None)
            if callable(function):
                try:
                    setattr(place, name, _telling(function, tell or self._first, method))
                except TypeError:
                    continue  # a class that can't be changed: what it opens is not told
                self._replaced.append((place, name, function))

    def _first(self, *arguments: Any, **named: Any) -> None:
        """Most readers take what they read first, under one of these names."""
        if self._reads is not None:
            self._reads(
                arguments[0] if arguments else next((named[name] for name in _SOURCES if name in named), None)
            )

    def _duckdb(self, module: ModuleType) -> None:
        self._replace(module, ["connect", *_FILES])
        self._replace(module, _STATEMENTS, tell=self._run)
        self._replace(module.DuckDBPyConnection, _FILES, method=True)
        self._replace(module.DuckDBPyConnection, _STATEMENTS, method=True, tell=self._run)
        self._replace(module.DuckDBPyRelation, _CLAUSES, method=True, tell=self._clauses)

    def _run(self, *arguments: Any, **named: Any) -> None:
        """The first argument is a query, or its beginning; the rest may hold names of files."""
        query, *rest = [*arguments, *named.values()] or [None]
        self._clauses(query)
        for text in _texts(rest):
            self._named_in([text])

    def _clauses(self, *arguments: Any, **named: Any) -> None:
        """All texts are parts of a query, in which a file is named in quotes."""
        if self._reads is None:
            return
        for text in _texts([*arguments, *named.values()]):
            self._named_in(literals(text), folders=_FOLDERS.search(text) is not None)
            if _UNNAMED.search(text):
                self._unnamed()

    def _named_in(self, texts: list[str], *, folders: bool = False) -> None:
        for one in texts:
            if self._reads is not None and _may_be_file(one, folders=folders):
                self._reads(one)


_prepared: Native | None = None


def prepare() -> None:
    """Hook the libraries that a fork parent has imported once for all that is forked from it; nothing is told."""
    global _prepared  # noqa: PLW0603 -- what is replaced is so for the whole process
    _prepared = Native()
    _prepared.meet()


def watch_libraries(reads: Callable[[object], None], unnamed: Callable[[], None]) -> Native:
    """Hooks that have begun to tell *reads* and *unnamed*."""
    native = _prepared or Native()
    native.begin(reads, unnamed)
    return native


def _nothing() -> None:
    """Tell nothing."""


def _texts(arguments: object) -> list[str]:
    """All texts in the arguments of a call, however deep; of a parsed statement its text."""
    found: list[str] = []
    waiting: list[object] = [arguments]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, os.PathLike):
            found.append(os.fsdecode(value))
        elif isinstance(value, list | tuple):
            waiting += reversed(value)
        elif isinstance(text := getattr(value, "query", None), str):  # duckdb.Statement
            found.append(text)
    return found


def _may_be_file(text: str, *, folders: bool) -> bool:
    """Whether *text* ends like data, is a pattern, or is a file that there is; with *folders* also a folder."""
    if "\0" in text or "\n" in text:
        return False
    if os.path.splitext(text)[1].lower() in _DATA or glob.has_magic(text):  # noqa: PTH122 -- no path unless it is one
        return True
    try:
        mode = real_stat(text).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or (folders and stat.S_ISDIR(mode))


def literals(statement: str) -> list[str]:
    """What stands in quotes of either kind in a SQL text: a file is named by one of these."""
    found = _LITERAL.findall(statement)
    return [one.replace("''", "'") or other.replace('""', '"') for one, other in found]


def _telling(function: Callable[..., Any], tell: Callable[..., None], method: bool) -> Callable[..., Any]:
    @functools.wraps(function)
    def told(*arguments: Any, **named: Any) -> Any:
        tell(*(arguments[1:] if method else arguments), **named)
        return function(*arguments, **named)

    return told
