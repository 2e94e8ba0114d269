"""Row filters as SQL: true in DuckDB for exactly the rows that Polars keeps."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from upriver.lineage.polars.dtypes import schema_of
from upriver.lineage.polars.predicate import _literal, either, predicate_sql

UTC = dt.UTC
VALUES: dict[str, tuple[pl.DataType, list[Any]]] = {
    "i": (pl.Int64(), [None, -(2**63), -1, 0, 1, 7, 2**53 + 1, 2**63 - 1]),
    "t": (pl.Int8(), [None, -128, 0, 5, 127]),
    "u": (pl.UInt64(), [None, 0, 5, 2**64 - 1]),
    "f": (
        pl.Float64(),
        [None, float("nan"), float("inf"), -float("inf"), -0.0, 0.0, 0.1, 1e300, 5e-324, 7.0],
    ),
    "s": (
        pl.String(),
        [None, "", "a", "A", "ä", "z", "a'b", 'q"', "\\", "é", "e\u0301", "\U0001f600", "%", "aa"],
    ),
    "b": (pl.Boolean(), [None, True, False]),
    "d": (
        pl.Date(),
        [None, dt.date(1, 1, 1), dt.date(1969, 12, 31), dt.date(2024, 2, 29), dt.date(9999, 12, 31)],
    ),
    "at": (
        pl.Datetime("us"),
        [None, dt.datetime(1900, 1, 1), dt.datetime(2024, 1, 1, 0, 0, 0, 1), dt.datetime(2024, 1, 1)],
    ),
    "tz": (
        pl.Datetime("us", "UTC"),
        [None, dt.datetime(2024, 3, 31, 1, 30, tzinfo=UTC), dt.datetime(1969, 1, 1, tzinfo=UTC)],
    ),
    "odd name": (pl.Int32(), [None, 1, 2]),
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, Path]:
    height = max(len(values) for _, values in VALUES.values()) * 3
    frame = pl.DataFrame(
        {
            name: pl.Series(
                [values[(row * (k + 1) + row // 7) % len(values)] for row in range(height)], dtype=dtype
            )
            for k, (name, (dtype, values)) in enumerate(VALUES.items())
        }
    ).with_row_index("nr")
    path = tmp_path_factory.mktemp("predicate") / "t.parquet"
    frame.write_parquet(path)
    return frame, path


def comparisons() -> st.SearchStrategy[pl.Expr]:
    """One comparison of a column with a literal of its kind."""

    def one(name: str) -> st.SearchStrategy[pl.Expr]:
        column = pl.col(name)
        _, values = VALUES[name]
        known = st.sampled_from([v for v in values if v is not None])
        operators = ["eq", "ne", "lt", "le", "gt", "ge", "eq_missing", "ne_missing"]
        return st.one_of(
            st.builds(lambda o, v: getattr(column, o)(v), st.sampled_from(operators), known),
            st.builds(lambda vs: column.is_in(vs), st.lists(known, min_size=1, max_size=4)),
            st.builds(
                lambda a, b, closed: column.is_between(a, b, closed=closed),
                known,
                known,
                st.sampled_from(["both", "left", "right", "none"]),
            ),
            st.just(column.is_null()),
            st.just(column.is_not_null()),
            *([st.just(column)] if name == "b" else []),
            *([st.just(column > 0.5), st.just(column == 7)] if name in ("i", "f", "t") else []),
        )

    return st.sampled_from(list(VALUES)).flatmap(one)


def predicates() -> st.SearchStrategy[pl.Expr]:
    return st.recursive(
        comparisons(),
        lambda inner: st.one_of(
            st.builds(lambda a, b: a & b, inner, inner),
            st.builds(lambda a, b: a | b, inner, inner),
            st.builds(lambda a: ~a, inner),
        ),
        max_leaves=5,
    )


def rows_in_duckdb(path: Path, where: str) -> set[int]:
    with duckdb.connect() as connection:
        rows = connection.execute(f"select nr from read_parquet('{path}') where {where}").fetchall()
    return {nr for (nr,) in rows}


@given(predicate=predicates())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_filter_is_true_for_no_fewer_rows_and_for_just_those_when_all_of_it_is_told(
    predicate: pl.Expr, table: tuple[pl.DataFrame, Path]
) -> None:
    frame, path = table
    names = frozenset(column.name for column in schema_of(frame.schema))
    where = predicate_sql(predicate, frame.schema, names)
    if where is None:
        return
    kept = set(frame.filter(predicate)["nr"].to_list())
    found = rows_in_duckdb(path, where)
    assert kept <= found, where
    floats = "CAST" in str(predicate) or ".cast(" in str(predicate) or "strict_cast" in str(predicate)
    if (
        not floats
        and "0.5" not in str(predicate)
        and " 7" not in str(predicate)
        and "(7)" not in str(predicate)
    ):
        assert kept == found, where


C = pl.col
SCHEMA = pl.Schema(
    {name: dtype for name, (dtype, _) in VALUES.items()} | {"c": pl.Categorical(), "p": pl.Float32()}
)


@pytest.mark.parametrize(
    "predicate",
    [
        C("s").str.starts_with("a"),
        C("i") % 2 == 0,
        C("i").cast(pl.String) == "1",
        C("c") == "a",
        C("c") < "a",
        C("p") > 0.1,
        C("s") == "a\0b",
        C("i").is_in([1, None]),
        C("i").is_in([]),
        C("f").is_nan(),
        C("i").map_batches(lambda s: s > 1, return_dtype=pl.Boolean),
        (C("i") > 1) | C("s").str.contains("a"),
        C("i") > C("i").mean(),
        C("i").is_duplicated(),
        (C("i") + 1).is_null(),
        (C("i") + 1).is_not_null(),
        (C("i") + 1).is_in([1]),
        (C("i") + 1).is_between(1, 2),
        C("i").is_in(C("i").implode()),
        pl.lit(1) < pl.lit(2),
    ],
    ids=str,
)
def test_what_may_mean_something_else_in_duckdb_is_no_filter(predicate: pl.Expr) -> None:
    assert predicate_sql(predicate, SCHEMA, frozenset(SCHEMA)) is None


def test_the_parts_of_a_conjunction_that_can_be_told_are_kept() -> None:
    predicate = (C("i") > 1) & C("s").str.contains("a") & (C("d") == dt.date(2024, 2, 29))
    assert predicate_sql(predicate, SCHEMA, frozenset(SCHEMA)) == (
        '("d" = CAST(\'2024-02-29\' AS DATE)) AND ("i" > CAST(1 AS BIGINT))'
    )


def test_a_column_of_another_type_in_duckdb_is_left_out() -> None:
    predicate = (C("i") > 1) & (C("s") == "x")
    assert predicate_sql(predicate, SCHEMA, frozenset({"i"})) == '("i" > CAST(1 AS BIGINT))'


def test_several_reads_let_through_what_any_of_them_does() -> None:
    assert either(["a", "b", "a"]) == "(a) OR (b)"
    assert either(["a", "a"]) == "a"
    assert either(["a", None]) is None
    assert either([]) is None


DTYPES: list[pl.DataType | None] = [
    None, pl.Boolean(), pl.Int8(), pl.Int64(), pl.UInt64(), pl.Float32(), pl.Float64(), pl.String(), pl.Categorical(),
    pl.Binary(), pl.Date(), pl.Time(), pl.Datetime("us"), pl.Datetime("ms"), pl.Datetime("us", "UTC"),
    pl.Datetime("us", "Europe/Paris"), pl.Duration(), pl.Null(),
]  # fmt: skip
_PARIS = dt.timezone(dt.timedelta(hours=1))


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (True, {"Boolean": "true"}),
        (False, {"Boolean": "false"}),
        (
            7,
            {
                "Int8": "CAST(7 AS TINYINT)",
                "Int64": "CAST(7 AS BIGINT)",
                "UInt64": "CAST(7 AS UBIGINT)",
                "Float64": "CAST('7.0' AS DOUBLE)",
            },
        ),
        (0.5, {"Float64": "CAST('0.5' AS DOUBLE)"}),
        (float("nan"), {"Float64": "CAST('nan' AS DOUBLE)"}),
        ("a'", {"String": "'a'''"}),
        ("a\0", {}),
        (b"a", {}),
        (None, {}),
        (dt.date(2024, 2, 29), {"Date": "CAST('2024-02-29' AS DATE)"}),
        (dt.time(1, 2), {}),
        (dt.timedelta(1), {}),
        (
            dt.datetime(2024, 2, 29, 1),
            {"Datetime(time_unit='us', time_zone=None)": "CAST('2024-02-29 01:00:00' AS TIMESTAMP)"},
        ),
        (
            dt.datetime(2024, 2, 29, 1, tzinfo=_PARIS),
            {"Datetime(time_unit='us', time_zone='UTC')": "CAST('2024-02-29 00:00:00+00' AS TIMESTAMPTZ)"},
        ),
    ],
    ids=repr,
)
def test_a_value_is_written_for_the_types_alone_that_hold_it_alike(value: Any, texts: dict[str, str]) -> None:
    found = {str(dtype): _literal(value, dtype) for dtype in DTYPES}
    assert {name: text for name, text in found.items() if text is not None} == texts


def test_names_and_strings_stay_what_they_are() -> None:
    schema = pl.Schema({'x" or true --': pl.String})
    where = predicate_sql(C('x" or true --') == "' or true --", schema, frozenset(schema))
    assert where == "(\"x\"\" or true --\" = ''' or true --')"
