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


def spill_to(folder: str) -> None:
    """From now on connections to databases in memory spill to *folder*, unless they are told otherwise."""
    import duckdb

    setting = f"set temp_directory = '{folder.replace(chr(39), chr(39) * 2)}'"
    connect, execute = duckdb.connect, duckdb.execute
    pending = [setting]

    @functools.wraps(connect)
    def connected(database: Any = ":memory:", *rest: Any, **named: Any) -> Any:
        if str(database) == ":default:":
            settle()
            return connect(database, *rest, **named)
        made = connect(database, *rest, **named)
        config = rest[1] if len(rest) > 1 else named.get("config")
        if str(database).startswith(":memory:") and "temp_directory" not in (config or {}):
            made.execute(setting)
        return made

    def settle() -> None:
        if pending:
            execute(pending.pop())

    duckdb.connect = connected
    for name in _DEFAULT:
        function = getattr(duckdb, name, None)
        if function is not None:
            setattr(duckdb, name, _after(settle, function))


def _after(settle: Callable[[], None], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def settled(*arguments: Any, **named: Any) -> Any:
        settle()
        return function(*arguments, **named)

    return settled
