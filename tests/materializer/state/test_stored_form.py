"""The Parquet that artifacts are written in holds every value exactly, for each of the engines that read it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upriver.assets.model import Column, Schema
from upriver.materializer.engines.parquet import write_parquet
from upriver.materializer.freshness.fingerprint import exact_forms

_ROWS = 300_000
"""More than two row groups of DuckDB, so that both a kept and a dropped dictionary are met."""

COLUMNS = {
    "few_words": "'word ' || (i % 7)",
    "many_words": "'word ' || (hash(i) % 50000)",
    "unique_words": "repeat('é', (i % 9)::int) || i",
    "empty_words": "if(i % 3 = 0, '', null)",
    "bytes": "encode('x' || (hash(i) % 100000)::varchar)",
    "bools": "i % 3 = 0",
    "tinyints": "(i % 256 - 128)::tinyint",
    "smallints": "((hash(i) % 65536)::bigint - 32768)::smallint",
    "extremes": "if(i % 2 = 0, '-9223372036854775808', '9223372036854775807')::bigint",
    "spread": "(hash(i)::hugeint - 9223372036854775808::hugeint)::bigint",
    "unsigned": "hash(i)",
    "unsigned_small": "(hash(i) % 2147483648)::uinteger",
    "ascending": "i::bigint",
    "mostly_null": "if(i % 1000 = 0, i, null)",
    "always_null": "null::integer",
    "floats": "[-0.0, 'nan'::float, 'inf'::float, (hash(i) / 3)::float][1 + (i % 4)::int]",
    "doubles": "[-0.0, 'nan'::double, '-inf'::double, (hash(i) / 3)::double, 5e-324][1 + (i % 5)::int]",
    "money": "((hash(i) % 100000000)::bigint / 100.0)::decimal(12, 2)",
    "large_decimals": "((hash(i)::hugeint - 9223372036854775808::hugeint) * 1000003)::decimal(38, 0)",
    "days": "date '1500-01-01' + (hash(i) % 400000)::int",
    "moments": "timestamp '1700-01-01' + to_microseconds((hash(i) % 10000000000000000)::bigint)",
    "nanoseconds": "make_timestamp_ns((hash(i) % 4000000000000000000)::bigint)",
    "instants": "to_timestamp((hash(i) % 4000000000)::bigint / 7)",
    "times": "make_time((i % 24)::int, (i % 60)::int, (hash(i) % 60)::int + 0.25)",
    "uuids": "md5(i::varchar)::uuid",
    "lists": "[if(j % 5 = 0, null, j * i) for j in range(i % 4)]",
    "word_lists": "if(i % 5 = 0, null, [(hash(i) % 9000)::varchar, null, ''])",
    "structs": "{'a': i, 'b': if(i % 2 = 0, null, {'c': (hash(i) % 70000)::varchar})}",
    "maps": "map {(i % 5)::varchar: hash(i) / 2.0}",
}


def described(connection: duckdb.DuckDBPyConnection, query: str) -> Schema:
    rows = connection.execute(f"describe {query}").fetchall()
    return tuple(Column(str(row[0]), str(row[1])) for row in rows)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same rows as artifacts hold them, and as DuckDB writes them by default."""
    folder = tmp_path_factory.mktemp("stored")
    query = f"select {', '.join(f'{e} as {name}' for name, e in COLUMNS.items())} from range({_ROWS}) as t(i)"
    stored, plain = folder / "stored.parquet", folder / "plain.parquet"
    with duckdb.connect() as connection:
        connection.execute("set global TimeZone = 'UTC'")
        connection.execute(f"create table computed as {query}")
        write_parquet(connection, "from computed", stored, described(connection, "from computed"))
        connection.execute(f"copy computed to '{plain}' (format parquet)")
        for column in COLUMNS:
            # The fingerprints' own forms, which tell any two values apart.
            kind = str(connection.execute(f"select typeof({column}) from computed").fetchone()[0])  # type: ignore[index]
            forms = ", ".join(exact_forms(Column(column, kind)))
            same = f"select sum(hash(ascending, {forms})) from"
            read = connection.execute(f"{same} '{stored}'").fetchone()
            assert read == connection.execute(f"{same} computed").fetchone(), column
    return stored, plain


def test_both_a_kept_and_a_dropped_dictionary_are_met(written: tuple[Path, Path]) -> None:
    group = pq.ParquetFile(written[0]).metadata.row_group(0)
    encodings = {
        group.column(i).path_in_schema: set(group.column(i).encodings) for i in range(group.num_columns)
    }
    assert "RLE_DICTIONARY" in encodings["few_words"]
    assert "DELTA_LENGTH_BYTE_ARRAY" in encodings["unique_words"]
    assert "DELTA_BINARY_PACKED" in encodings["spread"]
    assert "BYTE_STREAM_SPLIT" in encodings["doubles"]


def test_polars_reads_what_it_reads_of_plain_parquet(written: tuple[Path, Path]) -> None:
    stored, plain = map(pl.read_parquet, written)
    assert stored.schema == plain.schema
    for column in COLUMNS:
        assert stored[column].equals(plain[column], null_equal=True), column


def test_polars_filters_by_statistics_to_the_same_rows(written: tuple[Path, Path]) -> None:
    stored, plain = map(pl.scan_parquet, written)
    for wanted in (
        pl.col("ascending") == _ROWS - 1,
        pl.col("spread") > 9_000_000_000_000_000_000,
        pl.col("unique_words").str.starts_with("é1"),
        pl.col("many_words") == "word 4711",
        pl.col("mostly_null").is_not_null(),
        pl.col("days") < pl.date(1510, 1, 1),
    ):
        rows = stored.filter(wanted).select("ascending").collect()
        assert rows.equals(plain.filter(wanted).select("ascending").collect())
        assert len(rows)


def test_arrow_reads_what_it_reads_of_plain_parquet(written: tuple[Path, Path]) -> None:
    stored, plain = map(pq.read_table, written)
    assert stored.schema == plain.schema
    for column in COLUMNS:
        if column in ("floats", "doubles"):
            continue  # Arrow takes no NaN for equal to another
        assert stored[column].equals(plain[column]), column


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none()
            | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
            st.none() | st.floats(allow_nan=False),
        ),
        max_size=60,
    )
)
def test_any_rows_come_back_in_order_from_every_engine(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int | None, str | None, float | None]],
) -> None:
    path = tmp_path_factory.mktemp("any") / "rows.parquet"
    with duckdb.connect() as connection:
        connection.execute("create table computed (a bigint, b varchar, c double)")
        if rows:
            connection.executemany("insert into computed values (?, ?, ?)", rows)
        assert write_parquet(
            connection, "from computed", path, described(connection, "from computed")
        ) == len(rows)
        assert connection.execute(f"from '{path}'").fetchall() == rows
    assert pl.read_parquet(path).rows() == rows
    assert [tuple(row.values()) for row in pq.read_table(path).to_pylist()] == rows


FAR_APART = {
    "hashes": "(hash(i) % 4294967296)::uinteger",
    "signed_hashes": "((hash(i) % 4294967296)::bigint - 2147483648)::integer",
    "lists": "[(hash(i) % 4294967296)::uinteger]",
    "structs": "{'x': ((hash(i) % 4294967296)::bigint - 2147483648)::integer}",
    "map_keys": "map {(hash(i) % 4294967296)::uinteger: 1}",
    "beside_nulls": "if(i % 2 = 0, null, (hash(i) % 4294967296)::uinteger)",
    "deep": "{'a': [{'b': if(i % 2 = 0, -2147483648, 2147483647)::integer}]}",
    "infinite_dates": "if(i % 5000 = 0, 'infinity'::date, date '2000-01-01' + (i % 9000)::int)",
}


@pytest.mark.parametrize("kind", FAR_APART)
def test_numbers_too_far_apart_to_be_packed_are_written_for_every_reader(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "rows [1].parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"create table computed as select {FAR_APART[kind]} as x, i from range(20000) as t(i)"
        )
        assert (
            write_parquet(connection, "from computed", path, described(connection, "from computed")) == 20000
        )
        wanted = connection.execute("select x::varchar from computed").fetchall()
        listed = str(path).replace("[", "[[]")
        assert connection.execute(f"select x::varchar from read_parquet('{listed}')").fetchall() == wanted
    assert pq.read_table(path).num_rows == 20000
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "kind",
    ["i::integer", "null::integer", "date '2000-01-01' + i::int", "i::uinteger", "(i / 7)::decimal(9, 2)"],
)
def test_numbers_near_each_other_stay_packed(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    with duckdb.connect() as connection:
        query = f"select {kind} as x from range(20000) as t(i)"
        write_parquet(connection, query, path, described(connection, query))
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).encodings == ("DELTA_BINARY_PACKED",)
    assert pq.read_table(path).num_rows == 20000


def test_types_that_parquet_does_not_tell_apart_make_other_bytes(tmp_path: Path) -> None:
    """Content is named by its bytes, and the order of an enum's values decides how it sorts."""
    found = []
    for number, values in enumerate(("'a', 'b'", "'b', 'a'", "'a', 'b'")):
        path = tmp_path / f"{number}.parquet"
        with duckdb.connect() as connection:
            write_parquet(connection, "select 'a' as e", path, (Column("e", f"ENUM({values})"),))
        found.append(path.read_bytes())
    assert found[0] == found[2] != found[1]
