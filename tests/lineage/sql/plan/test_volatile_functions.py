"""What is said of functions without asking DuckDB's own table is what the table says."""

from __future__ import annotations

import duckdb
import pytest

from upriver.lineage.sql.plan.volatility import ORDINARY, VolatileFunctions


def test_no_ordinary_function_is_volatile() -> None:
    with duckdb.connect() as connection:
        assert ORDINARY & VolatileFunctions(connection).names == set()
        known = {
            name
            for (name,) in connection.execute(
                "select distinct function_name from duckdb_functions()"
            ).fetchall()
        }
    # What the table does not list are the binder's own names for what has another name in SQL.
    assert ORDINARY - known <= {
        "count_star",
        "constant_or_null",
        "ifnull",
        "struct_extract_at",
        "unpivot_list",
        "map_extract_value",
    }


@pytest.mark.parametrize(
    "name", ["random", "now", "nextval", "uuid", "current_localtime", "no_such_function"]
)
def test_all_others_are_looked_up(name: str) -> None:
    with duckdb.connect() as connection:
        found = VolatileFunctions(connection).volatility(name, 0)
    assert (found is None) == (name == "no_such_function")
