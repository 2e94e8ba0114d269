"""Pairs of distinct values, most of which DuckDB's ``hash()`` can't tell apart: a fingerprint must."""

from __future__ import annotations

import random
from collections.abc import Iterator

import duckdb
import pytest

from upriver.assets.model import Column
from upriver.lineage.model import Footprint
from upriver.materializer.freshness.fingerprint import fingerprint_sql

BAG = Footprint(None, None, ordered=False)
# Type; then values of it that are pairwise distinct.
DISTINCT = [
    ("BOOLEAN", ["true", "false", "null"]),
    ("BIGINT", ["0", "1", "-1", "256", "4294967296", "null", "9223372036854775807"]),
    ("DOUBLE", ["0.0", "'-0.0'", "'nan'", "'-nan'", "'inf'", "'-inf'", "null", "5e-324", "1"]),
    ("FLOAT", ["0.0", "'-0.0'", "'nan'", "'-nan'", "'inf'", "null", "0.1"]),
    ("DECIMAL(18,2)", ["0", "0.01", "1", "-1", "null"]),
    ("DECIMAL(38,2)", ["0", "0.01", "1", "-1", "null", "184467440737095516.16", "184467440737095516.17"]),
    ("HUGEINT", ["0", "18446744073709551618", "36893488147419103233", "18446744073709551617", "-1", "null"]),
    ("UHUGEINT", ["0", "18446744073709551618", "36893488147419103233", "18446744073709551617", "null"]),
    ("UUID", ["'80000000-0000-0001-0000-000000000002'", "'80000000-0000-0002-0000-000000000001'", "null"]),
    ("INTERVAL", ["'1 month'", "'30 days'", "'720 hours'", "'29 days 24 hours'", "'0 days'", "null"]),
    ("VARCHAR", ["''", "'a'", "'a' || chr(0)", "'NULL'", "' '", "'A'", "'é'", "'e' || chr(769)", "null"]),
    ("BLOB", [r"''", r"'\x00'", r"'\x00\x00'", r"'a'", r"'A'", "null"]),
    ("BIT", ["'0101'", "'101'", "'00000101'", "null"]),
    ("BIGNUM", ["0", "1", "-1", "123456789012345678901234567890123456789012345678901234567890", "null"]),
    ("DATE", ["'2020-01-01'", "'infinity'", "'-infinity'", "null"]),
    ("TIME WITH TIME ZONE", ["'10:00:00+01'", "'09:00:00+00'", "'11:00:00+02'", "null"]),
    ("TIMESTAMP WITH TIME ZONE", ["'2020-01-01 00:00:00+00'", "'2020-01-01 00:00:00+01'", "null"]),
    ("JSON", ["""'{"a":1}'""", """'{"a": 1}'""", "'null'", "null", "'0'", "'-0'"]),
    ("ENUM('a', 'b')", ["'a'", "'b'", "null"]),
    ("INTEGER[]", ["[]", "[null]", "[null, null]", "null", "[1]", "[1, null]", "[null, 1]", "[1, 2]", "[2, 1]"]),
    ("INTEGER[][]", ["[[1], [2]]", "[[1, 2]]", "[[1, 2], []]", "[[1, 2], null]", "[]", "[[]]", "[null]", "null"]),
    ("INTEGER[2]", ["[1, 2]", "[2, 1]", "[null, null]", "null", "[1, null]"]),
    ("DOUBLE[]", ["[0.0]", "['-0.0'::double]", "['nan'::double]", "['-nan'::double]", "[]", "[null]", "null"]),
    ("FLOAT[2]", ["[0, 0]", "[0, '-0.0'::float]", "null", "[null, null]"]),
    ("VARCHAR[]", ["['a', 'b']", "['a, b']", "['']", "[]", "['NULL']", "[null]", "['', '']", "[chr(0)]", "null"]),
    ("BLOB[]", [r"[''::blob, '\x00'::blob]", r"['\x00'::blob, ''::blob]", r"['\x00\x00'::blob]", "null"]),
    ("INTERVAL[]", ["[interval '1 month']", "[interval '30 days']", "[interval '720 hours']", "[null]", "null"]),
    ("HUGEINT[]", ["[18446744073709551618]", "[36893488147419103233]", "[18446744073709551617]", "[0]", "null"]),
    ("STRUCT(a INTEGER)", ["{a: null}", "{a: 0}", "null"]),
    ("STRUCT(a DOUBLE, b INTEGER)", ["{a: 0.0, b: 1}", "{a: '-0.0'::double, b: 1}", "{a: null, b: null}", "null"]),
    ("STRUCT(a INTEGER[], b INTEGER[])", ["{a: [1], b: []}", "{a: [], b: [1]}", "{a: [1], b: null}", "null"]),
    ("MAP(INTEGER, INTEGER)", ["map {}", "map {1: null}", "map {1: 0}", "map {1: 3, 2: 4}", "map {2: 4, 1: 3}", "null"]),
    ("UNION(a INTEGER, b INTEGER)", ["union_value(a := 1)", "union_value(b := 1)", "null"]),
    ("VARIANT", ["1", "'1'", "1.0::double", "0.0::double", "'-0.0'::double", "{a: 1}", "{a: 2}", "[]", "null", "1::bigint"]),
    ("GEOMETRY", ["'POINT(1 2)'", "'POINT(2 1)'", "'POINT(0 0)'", "'POINT(-0 0)'", "null"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        yield connection


def lanes(engine: duckdb.DuckDBPyConnection, kind: str, value: str) -> tuple[object, ...]:
    statement = fingerprint_sql(f"(select ({value})::{kind} as c)", (Column("c", kind),), [BAG])
    found = engine.execute(statement).fetchone()
    assert found is not None
    return found


@pytest.mark.parametrize(("kind", "values"), DISTINCT, ids=[kind for kind, _ in DISTINCT])
def test_distinct_values_have_distinct_fingerprints(
    engine: duckdb.DuckDBPyConnection, kind: str, values: list[str]
) -> None:
    seen = {value: lanes(engine, kind, value) for value in values}
    same = [(a, b) for a in values for b in values if a < b and seen[a] == seen[b]]
    assert same == []


@pytest.mark.parametrize(("kind", "values"), DISTINCT, ids=[kind for kind, _ in DISTINCT])
def test_the_session_settings_do_not_matter(
    engine: duckdb.DuckDBPyConnection, kind: str, values: list[str]
) -> None:
    before = [lanes(engine, kind, value) for value in values]
    cursor = engine.cursor()
    for setting in (
        "TimeZone = 'Asia/Kathmandu'",
        "preserve_insertion_order = false",
        "default_null_order = 'nulls_first'",
    ):
        cursor.execute(f"set {setting}")
    if "TIME ZONE" in kind:  # the literals themselves are read in the session's zone only when they name none
        cursor.execute("set TimeZone = 'America/New_York'")
    assert [lanes(cursor, kind, value) for value in values] == before
    cursor.close()


def test_equal_values_written_differently_have_equal_fingerprints(engine: duckdb.DuckDBPyConnection) -> None:
    for kind, left, right in [
        ("INTERVAL", "'12 months'", "'1 year'"),
        ("DECIMAL(18,2)", "1", "1.00"),
        ("TIMESTAMP WITH TIME ZONE", "'2020-01-01 00:00:00+00'", "'2020-01-01 01:00:00+01'"),
        ("VARIANT", "{a: 1, b: 2}", "{b: 2, a: 1}"),
    ]:
        assert lanes(engine, kind, left) == lanes(engine, kind, right)


@pytest.mark.parametrize("kind", ["BLOB", "VARCHAR"])
@pytest.mark.parametrize("length", [8, 12, 13, 16, 17, 24, 31, 32, 40, 100])
def test_related_changes_in_two_words_of_a_string_are_noticed(
    engine: duckdb.DuckDBPyConnection, kind: str, length: int
) -> None:
    """DuckDB hashes strings as ``(h ^ word) * odd``: flipping the top bits of two neighbouring words goes unnoticed."""
    source = random.Random(length)
    pairs = []
    for mask in (0x80, 0x40, 0x20, 0x01):
        for first in range(length - 1):
            for second in {first + 4, first + 8, first + 1, length - 1} - {first}:
                if second >= length or (kind == "VARCHAR" and mask == 0x80):
                    continue
                for _ in range(3):
                    before = bytearray(source.choices(range(32, 127), k=length))
                    after = bytearray(before)
                    after[first] ^= mask
                    after[second] ^= mask
                    pairs.append((bytes(before), bytes(after)))
    engine.execute("create or replace temp table pairs (a blob, b blob)")
    engine.execute(
        "insert into pairs select unnest(?), unnest(?)", [[a for a, _ in pairs], [b for _, b in pairs]]
    )
    lane = (
        "hash({0}), hash('~!@#'::blob || {0})"
        if kind == "BLOB"
        else "hash({0}), hash('~!@#' || {0}::varchar)"
    )
    left, right = lane.format("a"), lane.format("b")
    found = engine.execute(f"select count(*) from pairs where row({left}) = row({right})").fetchone()
    assert found == (0,)
    assert "~!@#" in fingerprint_sql("t", (Column("c", kind),), [BAG])  # the lanes tested are the lanes used
