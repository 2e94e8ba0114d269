"""What libraries of other languages open, told by the calls that make them do it.

Polars, DuckDB and Arrow open files with their own code, of which Python tells no audit hook. So their readers are
replaced, in a worker process, by ones that first tell what they were asked to read. A library that a recipe imports
only while it runs is met at that moment. Nothing of this can be taken back; who is told decides when to listen.
"""

from __future__ import annotations

import builtins
import functools
import re
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

_READERS = ("read_", "scan_", "open_")
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
_STATEMENTS = ("execute", "executemany", "sql", "query", "query_df", "from_query")
_FILES = ("read_csv", "read_json", "read_parquet", "from_csv_auto", "from_parquet")
_LITERAL = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")


class Native:
    """Tells *reads* of each path, pattern or list of them that a library is about to open, *statement* of each text
    that DuckDB is about to run.
    """

    def __init__(self, reads: Callable[[object], None], statement: Callable[[str, object], None]) -> None:
        self._reads = reads
        self._statement = statement
        self._met: set[str] = set()
        self._lock = threading.RLock()
        self._importing = builtins.__import__
        builtins.__import__ = self._import
        self.meet()

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
                    self._replace(module, [one for one in vars(module) if one.startswith(_READERS)])
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

    def _first(self, *arguments: Any, **named: Any) -> None:
        """Most readers take what they read first, under one of these names."""
        names = (
            "source",
            "sources",
            "path",
            "paths",
            "path_or_paths",
            "where",
            "file_glob",
            "path_or_buffer",
        )
        self._reads(arguments[0] if arguments else next((named[n] for n in names if n in named), None))

    def _duckdb(self, module: ModuleType) -> None:
        for place, method in (
            (module, False),
            (module.DuckDBPyConnection, True),
            (module.DuckDBPyRelation, True),
        ):
            statements = ("query",) if place is module.DuckDBPyRelation else _STATEMENTS
            self._replace(place, statements, method=method, tell=self._run)
            if place is not module.DuckDBPyRelation:
                self._replace(place, _FILES, method=method)
        self._replace(module, ["connect"])

    def _run(self, *arguments: Any, **named: Any) -> None:
        for text in (*arguments, *named.values()):
            if isinstance(text, str):
                self._statement(text, (arguments, named))


def literals(statement: str) -> list[str]:
    """What stands in quotes of either kind in a SQL text: wherever a file is named, it is among these."""
    found = _LITERAL.findall(statement)
    return [one.replace("''", "'") or other.replace('""', '"') for one, other in found]


def _telling(function: Callable[..., Any], tell: Callable[..., None], method: bool) -> Callable[..., Any]:
    @functools.wraps(function)
    def told(*arguments: Any, **named: Any) -> Any:
        tell(*(arguments[1:] if method else arguments), **named)
        return function(*arguments, **named)

    return told
