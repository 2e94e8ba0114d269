"""Row filters as text: which conditions on one table count as part of what is read of it, and how they are written."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Iterator

import duckdb
import pytest

from upriver.assets.model import Column
from upriver.lineage.model import Analysis
from upriver.lineage.sql.names import quote
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder
from upriver.lineage.sql.plan.flow import Node
from upriver.lineage.sql.plan.predicate import constant_text, predicate_text, widens

_TYPES = {
    "a": "INTEGER", "b": "BIGINT", "u": "UTINYINT", "h": "HUGEINT", "s": "VARCHAR", "d": "DATE", "ts": "TIMESTAMP",
    "tz": "TIMESTAMP WITH TIME ZONE", "tm": "TIME", "n": "DECIMAL(9,2)", "n0": "DECIMAL(4,0)", "x": "DOUBLE",
    "f": "FLOAT", "ok": "BOOLEAN", "e": "ENUM('a','b')", "l": "INTEGER[]", "st": "STRUCT(a INTEGER)",
    "i": "INTERVAL", "ar": "INTEGER[2]", "bl": "BLOB", "id": "UUID", 'odd "name"': "INTEGER",
}  # fmt: skip
SCHEMAS = {"t": tuple(Column(name, type) for name, type in _TYPES.items())}

KEPT = [
    ("ok", '"ok"'),
    ("not ok", '(NOT "ok")'),
    ("a = 1", '("a" = 1)'),
    ("a <> 1", '("a" <> 1)'),
    ("a < 1", '("a" < 1)'),
    ("a <= 1", '("a" <= 1)'),
    ("a > 1", '("a" > 1)'),
    ("a >= 1", '("a" >= 1)'),
    ("1 < a", '(1 < "a")'),
    ("a = -1", '("a" = -1)'),
    ("a = b", '(CAST("a" AS BIGINT) = "b")'),
    ("a < b", '(CAST("a" AS BIGINT) < "b")'),
    ("a is null", '("a" IS NULL)'),
    ("a is not null", '("a" IS NOT NULL)'),
    ("ok is null", '("ok" IS NULL)'),
    ("a in (1, 2)", '("a" IN (1, 2))'),
    ("a not in (1, 2)", '(NOT ("a" IN (1, 2)))'),
    ("a in (1, b)", '(CAST("a" AS BIGINT) IN (TRY_CAST(1 AS BIGINT), "b"))'),
    ("s in ('x', 'it''s')", "(\"s\" IN ('x', 'it''s'))"),
    ("a > 1 and b < 2", '("a" > 1) AND ("b" < TRY_CAST(2 AS BIGINT))'),
    ("a > 1 or b < 2", '(("a" > 1) OR ("b" < TRY_CAST(2 AS BIGINT)))'),
    ("a > 1 and (b < 2 or ok)", '("a" > 1) AND (("b" < TRY_CAST(2 AS BIGINT)) OR "ok")'),
    ("not (a > 1 and b < 2)", '(NOT (("a" > 1) AND ("b" < TRY_CAST(2 AS BIGINT))))'),
    ("a between 1 and 3", '("a" <= 3) AND ("a" >= 1)'),
    ("a not between 1 and 3", '(NOT (("a" >= 1) AND ("a" <= 3)))'),
    ("s = 'x'", "(\"s\" = 'x')"),
    ("s = ''", "(\"s\" = '')"),
    ("s like 'x%'", "(\"s\" LIKE 'x%')"),
    ("s not like 'x%'", "(\"s\" NOT LIKE 'x%')"),
    ("d > '2024-01-01'", "(\"d\" > TRY_CAST('2024-01-01' AS DATE))"),
    ("d > date '2024-01-01'", "(\"d\" > TRY_CAST('2024-01-01' AS DATE))"),
    ("ts > '2024-01-01 10:00:00'", "(\"ts\" > TRY_CAST('2024-01-01 10:00:00' AS TIMESTAMP))"),
    (
        "ts > timestamp '2024-01-01 10:00:00.123456'",
        "(\"ts\" > TRY_CAST('2024-01-01 10:00:00.123456' AS TIMESTAMP))",
    ),
    ("tm > '10:00:00'", "(\"tm\" > TRY_CAST('10:00:00' AS TIME))"),
    ("n > 1.5", "(\"n\" > TRY_CAST(CAST('1.5' AS DECIMAL(2,1)) AS DECIMAL(9,2)))"),
    ("n > -1.5", "(\"n\" > TRY_CAST(CAST('-1.5' AS DECIMAL(2,1)) AS DECIMAL(9,2)))"),
    ("n > 0.05", "(\"n\" > TRY_CAST(CAST('0.05' AS DECIMAL(3,2)) AS DECIMAL(9,2)))"),
    ("n > 10.25", "(\"n\" > TRY_CAST(CAST('10.25' AS DECIMAL(4,2)) AS DECIMAL(9,2)))"),
    ("x > 1.5", "(\"x\" > TRY_CAST(CAST('1.5' AS DECIMAL(2,1)) AS DOUBLE))"),
    ("x > 1e300", "(\"x\" > CAST('1e+300' AS DOUBLE))"),
    ("x > -0.0", "(\"x\" > TRY_CAST(CAST('0.0' AS DECIMAL(2,1)) AS DOUBLE))"),
    ("x > 'nan'", "(\"x\" > TRY_CAST('nan' AS DOUBLE))"),
    ("x > 1", '("x" > TRY_CAST(1 AS DOUBLE))'),
    ("f > 1.5", "(\"f\" > TRY_CAST(CAST('1.5' AS DECIMAL(2,1)) AS FLOAT))"),
    ("u > 200", '("u" > TRY_CAST(200 AS UTINYINT))'),
    ("a = '1'", "(\"a\" = TRY_CAST('1' AS INTEGER))"),
    ("b = 1", '("b" = TRY_CAST(1 AS BIGINT))'),
    (
        "id = '00000000-0000-0000-0000-000000000001'",
        "(\"id\" = TRY_CAST('00000000-0000-0000-0000-000000000001' AS UUID))",
    ),
    ('"odd ""name""" > 1', '("odd ""name""" > 1)'),
    ("a is distinct from 1", '("a" IS DISTINCT FROM 1)'),
    ("a is not distinct from 1", '("a" IS NOT DISTINCT FROM 1)'),
    ("a::bigint = b", '(CAST("a" AS BIGINT) = "b")'),
    ("a = 1 and true", '("a" = 1)'),
    ("ok = true", '("ok" = TRUE)'),
    ("ok and not ok", '"ok" AND (NOT "ok")'),
    ("a > 1 and a < 5 and b = 2", '("a" < 5) AND ("a" > 1) AND ("b" = TRY_CAST(2 AS BIGINT))'),
    ("s < s", '("s" < "s")'),
    ("n0 > 5.", "(\"n0\" > TRY_CAST(CAST('5' AS DECIMAL(1,0)) AS DECIMAL(4,0)))"),
    ("h > 5", '("h" > TRY_CAST(5 AS HUGEINT))'),
    ("a = u", '("a" = CAST("u" AS INTEGER))'),
    ("u > a", '(CAST("u" AS INTEGER) > "a")'),
    ("b = h", '(CAST("b" AS HUGEINT) = "h")'),
    ("f = x", '(CAST("f" AS DOUBLE) = "x")'),
    ("a = x", '(CAST("a" AS DOUBLE) = "x")'),
    ("ok or a > 1", '("ok" OR ("a" > 1))'),
    ("not ok or a is null", '((NOT "ok") OR ("a" IS NULL))'),
    ("s between 'a' and 'b'", "(\"s\" <= 'b') AND (\"s\" >= 'a')"),
    ("f > 1e30", "(CAST(\"f\" AS DOUBLE) > CAST('1e+30' AS DOUBLE))"),
    ("a in (b, 1, 2)", '(CAST("a" AS BIGINT) IN ("b", TRY_CAST(1 AS BIGINT), TRY_CAST(2 AS BIGINT)))'),
    ("ok in (true, false)", '("ok" IN (TRUE, FALSE))'),
]

LEFT_OUT = [
    "ar = [1, 2]",
    "a in (1, null)",
    "a > 1 and b + 1 < 2",
    "a > 1 or b + 1 < 2",
    "tz > '2024-01-01 10:00:00+00'",
    "h > 170141183460469231731687303715884105727",
    "e = 'a'",
    "e in ('a', 'b')",
    "l = [1, 2]",
    "st = {'a': 1}",
    "st.a = 1",
    "i > interval 1 day",
    "bl = 'x'::blob",
    "a = null",
    "a is distinct from null",
    "a in (select 1)",
    "random() < 0.5",
    "d > current_date",
    "true",
    "false",
    "null",
    "s collate nocase = 'x'",
]


COMPUTED = [
    "l[1] = 1",
    "list_contains([1, 2], a)",
    "list_contains(l, a)",
    "len(l) > 1",
    "a + 1 is null",
    "not (a + 1 > 2)",
    "s ilike 'x%'",
    "s not ilike 'X%'",
    "s like 'x$%' escape '$'",
    "s glob 'x*'",
    "s similar to 'x.*'",
    "starts_with(s, 'x')",
    "contains(s, 'x')",
    "s || 'x' = 'xx'",
    "n = 100",
    "n0 > 5",
    "a > 1.5",
    "coalesce(a, 1) = 1",
    "case when a > 1 then true else false end",
    "abs(a) = 1",
    "a::varchar = '1'",
    "s::int = 1",
    "d::timestamp > ts",
    "(a > 1) = ok",
    "ts::date = '2024-01-01'",
    "n > 12.345",
    "b = x",
    "n = x",
    "date_trunc('day', ts) = date '2024-01-01'",
    "date_trunc('month', d) = '2024-01-01'",
    "year(d) = 2024",
    "extract(month from ts) = 1",
    "a % 2 = 0",
    "a / 2 > 0.5",
    "a // 2 = 1",
    "b + a > 3",
    "lower(s) = 'x'",
    "s in ('x', lower('Y'))",
    "length(s) > 1",
    "substr(s, 1, 1) = 'x'",
    "regexp_matches(s, '^x')",
    "strftime(d, '%Y') = '2024'",
    "d + interval 1 month > date '2024-02-10'",
    "ts - interval 36 hours < d",
    "try_cast(s as int) = 3",
    "try_cast(s as date) is null",
    "round(n, 1) = 1.5",
    "round(x) = 2",
    "x * 2 > 1",
    "greatest(a, 2) = 3",
    "case when a > 1 then s = 'x' when ok then b > 1 else x > 1 end",
    "case a when 1 then 'p' else 's' end = s",
    "if(ok, a, b) > 1",
    "f + x > 1",
    "-a > 1",
    "id::varchar like '%1'",
    "not (a = 1 or s ilike 'X_')",
    "datediff('day', d, ts) > 1",
    "hash(a) % 2 = 0",
    "make_date(2024, 1, a) > d",
]
"""What DuckDB computes from one row."""

TOGETHER = [
    "s::int = 1 and a > 1",
    "(a > 1 and s::int = 1) or ok",
    "a + 1 > 2 or b > 1",
    "a + 1 between 1 and 3",
]
"""Where a part may fail, and another one may or may not spare it a row."""


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    binder = Binder()
    yield binder
    binder.close()


def predicate(binder: Binder, condition: str) -> str | None:
    query = parse_query(f"select a from t where {condition}", path="q.sql", first_line=1)
    assert isinstance(query, Query)
    found = binder.analyze(query, SCHEMAS)
    assert isinstance(found, Analysis)
    return dict(found.footprints)["t"].predicate


@pytest.mark.parametrize(("condition", "text"), KEPT)
def test_a_plain_condition_is_written_so_that_it_means_the_same(
    condition: str, text: str, binder: Binder
) -> None:
    assert predicate(binder, condition) == text


@pytest.mark.parametrize("condition", LEFT_OUT)
def test_what_may_fail_or_needs_care_filters_nothing(condition: str, binder: Binder) -> None:
    assert predicate(binder, condition) is None


@pytest.mark.parametrize("condition", TOGETHER)
def test_what_may_fail_beside_another_condition_filters_nothing(condition: str, binder: Binder) -> None:
    assert predicate(binder, condition) is None


@pytest.mark.parametrize("condition", COMPUTED)
def test_a_condition_is_true_of_a_row_or_fails_on_it_as_its_text_does(condition: str, binder: Binder) -> None:
    text = predicate(binder, condition)
    assert text is not None
    values = {
        "a": ("1", "2", "3", "NULL", "2147483647"), "b": ("1", "2", "NULL", "9007199254740993"), "u": ("3", "200"),
        "s": ("'x'", "'X1'", "''", "NULL", "'3'", "'x%'", "'2024-01-01'"), "x": ("0.5", "'nan'", "1.6", "NULL", "1e300"),
        "d": ("'2024-01-01'", "'2023-12-31'", "NULL", "'infinity'"), "f": ("1.5", "NULL"), "h": ("7", "NULL"),
        "ts": ("'2024-01-01 10:00:00'", "'2024-02-29 00:00:00'", "NULL"), "n": ("1.55", "100", "12.34", "NULL"),
        "ok": ("true", "false", "NULL"), "id": ("'00000000-0000-0000-0000-000000000001'", "NULL"), "n0": ("5", "6"),
    }  # fmt: skip
    draw = random.Random(condition)
    with duckdb.connect(config={"threads": "1"}) as connection:
        columns = ", ".join(f"{quote(name)} {type}" for name, type in _TYPES.items())
        connection.execute(f"create table t ({columns})")
        for _ in range(20):
            row = [draw.choice(values.get(name, ("NULL",))) for name in _TYPES]
            connection.execute(f"create or replace table one ({columns})")
            connection.execute(f"insert into one values ({', '.join(row)})")
            found = []
            for written in (condition, text):
                try:
                    found.append(connection.execute(f"select ({written}) is true from one").fetchone())
                except duckdb.Error:
                    found.append(("error",))
            assert found[0] == found[1], row


def _type(name: str, info: object = None) -> Node:
    return {"id": name, "type_info": info}


def test_a_list_that_is_excluded_is_written_so() -> None:
    column: Node = {"expression_class": "BOUND_REF", "index": 0, "return_type": _type("INTEGER")}
    one: Node = {
        "expression_class": "BOUND_CONSTANT",
        "value": {"type": _type("INTEGER"), "is_null": False, "value": 1},
    }
    excluded: Node = {
        "expression_class": "BOUND_OPERATOR",
        "type": "COMPARE_NOT_IN",
        "children": [column, one],
    }
    assert predicate_text(excluded, lambda index: f"c{index}") == "(c0 NOT IN (1))"
    excluded = copy.deepcopy(excluded) | {"type": "COMPARE_IN"}
    assert predicate_text(excluded, lambda index: f"c{index}") == "(c0 IN (1))"


@pytest.mark.parametrize(
    ("type", "info", "value", "text"),
    [
        ("DOUBLE", None, math.inf, None),
        ("DOUBLE", None, math.nan, None),
        ("DOUBLE", None, 1, "CAST('1' AS DOUBLE)"),
        ("FLOAT", None, 0.5, "CAST('0.5' AS FLOAT)"),
        ("VARCHAR", None, "a\0b", None),
        ("VARCHAR", {"collation": "nocase"}, "a", None),
        ("DATE", None, 5, "CAST('1970-01-06' AS DATE)"),
        ("DATE", None, "2024-01-01", None),
        ("BOOLEAN", None, True, "TRUE"),
        ("BOOLEAN", None, False, "FALSE"),
        ("INTEGER", None, -5, "-5"),
        ("TINYINT", None, 5, "CAST('5' AS TINYINT)"),
        ("BIGINT", None, 5, "CAST('5' AS BIGINT)"),
        ("HUGEINT", None, 5, "CAST('5' AS HUGEINT)"),
        ("UBIGINT", None, 5, "CAST('5' AS UBIGINT)"),
        ("DECIMAL", {"width": 4, "scale": 0}, -5, "CAST('-5' AS DECIMAL(4,0))"),
        ("DECIMAL", {"width": 4, "scale": 3}, 5, "CAST('0.005' AS DECIMAL(4,3))"),
        ("DECIMAL", {"width": 4, "scale": 3}, -1005, "CAST('-1.005' AS DECIMAL(4,3))"),
        ("DECIMAL", None, 5, None),
        ("CHARACTER", {"width": 4, "scale": 0}, 5, None),
        ("ZEBRA", {"width": 4, "scale": 0}, 5, None),
    ],
)
def test_a_constant_is_written_with_its_type(
    type: str, info: object, value: object, text: str | None
) -> None:
    constant = {"type": _type(type, info), "is_null": False, "value": value}
    assert constant_text({"expression_class": "BOUND_CONSTANT", "value": constant}) == text
    assert (
        constant_text({"expression_class": "BOUND_CONSTANT", "value": constant | {"is_null": True}}) is None
    )


_NUMBERS = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
)  # fmt: skip


@pytest.mark.parametrize("source", _NUMBERS)
def test_an_integer_is_only_cast_to_one_that_holds_all_of_it(source: str) -> None:
    with duckdb.connect() as connection:
        for target in _NUMBERS:
            ends = [f"(select {end}::{target})" for end in _ends(source)]
            try:
                connection.execute(f"select {', '.join(ends)}")
            except duckdb.ConversionException:
                assert not widens(_type(source), _type(target)), target
            else:
                assert widens(_type(source), _type(target)), target


def _ends(type: str) -> tuple[str, str]:
    bits = {"TINY": 8, "SMALL": 16, "INTE": 32, "BIGI": 64, "HUGE": 128}
    (width,) = [bits for name, bits in bits.items() if type.lstrip("U").startswith(name)]
    if type.startswith("U"):
        return "0", str(2**width - 1)
    return f"(-{2 ** (width - 1)})", str(2 ** (width - 1) - 1)


@pytest.mark.parametrize(
    ("source", "target", "may"),
    [
        *(
            (one, "DOUBLE", True)
            for one in ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "FLOAT")
        ),
        *((one, "DOUBLE", False) for one in ("BIGINT", "HUGEINT", "UBIGINT", "DECIMAL", "VARCHAR", "DATE")),
        *((one, "FLOAT", False) for one in ("INTEGER", "DOUBLE")),
        ("DOUBLE", "INTEGER", False),
        ("VARCHAR", "ZEBRA", False),
        ("FLOAT", "AARDVARK", False),
        ("ZEBRA", "ZEBRA", True),
    ],
)
def test_a_number_is_only_cast_to_a_double_that_holds_it(source: str, target: str, may: bool) -> None:
    assert widens(_type(source), _type(target)) is may
