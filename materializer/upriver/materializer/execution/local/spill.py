"""Leading DuckDB to a folder of the attempt's own with what does not fit into memory: it would take the working
directory, which is the project's. Polars and the rest are told by variables.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_DEFAULT = (
    "sql", "query", "execute", "executemany", "from_query", "from_df", "from_arrow", "from_parquet", "from_csv_auto",
    "read_csv", "read_json", "read_parquet", "table", "view", "values", "table_function", "arrow", "df",
)  # fmt: skip
"""Functions of the module that work on its default connection, which there is from the first of them on."""


class _Spill:
    """Functions in the place of those of DuckDB, which set the folder once there is one."""

    def __init__(self) -> None:
        import duckdb

        self.folder: str | None = None
        self._default_is_set = False
        self._connect, self._execute = duckdb.connect, duckdb.execute

        @functools.wraps(duckdb.connect)
        def connect(database: Any = ":memory:", *rest: Any, **named: Any) -> Any:
            return self._connected(database, *rest, **named)

        duckdb.connect = connect
        for name in _DEFAULT:
            function = getattr(duckdb, name, None)
            if function is not None:
                setattr(duckdb, name, _after(self._settle, function))

    def _setting(self) -> str:
        return f"set temp_directory = '{(self.folder or '').replace(chr(39), chr(39) * 2)}'"

    def _connected(self, database: Any, *rest: Any, **named: Any) -> Any:
        if str(database) == ":default:":
            self._settle()
            return self._connect(database, *rest, **named)
        made = self._connect(database, *rest, **named)
        config = rest[1] if len(rest) > 1 else named.get("config")
        in_memory = str(database).startswith(":memory:")
        if self.folder is not None and in_memory and "temp_directory" not in (config or {}):
            made.execute(self._setting())
        return made

    def _settle(self) -> None:
        if self.folder is not None and not self._default_is_set:
            self._default_is_set = True
            self._execute(self._setting())


_made: _Spill | None = None


def prepare() -> None:
    """Put the functions in place, once for all that is forked from this process."""
    global _made  # noqa: PLW0603 -- what is replaced is so for the whole process
    if _made is None:
        _made = _Spill()


def spill_to(folder: str) -> None:
    """From now on connections to databases in memory spill to *folder*, unless they are told otherwise."""
    prepare()
    assert _made is not None
    _made.folder = folder


def _after(settle: Callable[[], None], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def settled(*arguments: Any, **named: Any) -> Any:
        settle()
        return function(*arguments, **named)

    return settled
