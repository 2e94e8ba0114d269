"""What every engine promises: DuckDB, and the fake. The queries are of the SQL that both speak."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fakes.ports import MemoryEngine

from upriver.assets.model import Column
from upriver.materializer.engines.duckdb import DuckDBEngine
from upriver.materializer.model import Located
from upriver.materializer.ports import Engine

SCHEMA = (Column("a", "BIGINT"), Column("b", "VARCHAR"))
ENDLESS = """
with recursive numbers(n) as (select 1 union all select 1 - n from numbers) select count(*) as c from numbers
"""


@pytest.fixture(params=["duckdb", "fake"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    found: Engine = DuckDBEngine([tmp_path], None) if request.param == "duckdb" else MemoryEngine()
    yield found
    found.close()


def version(path: Path, *rows: tuple[int, str | None]) -> Located:
    """A version with *rows*, in a file at *path*."""
    numbers, words = [row[0] for row in rows], [row[1] for row in rows]
    table = pa.table({"a": pa.array(numbers, pa.int64()), "b": pa.array(words, pa.string())})
    pq.write_table(table, path)
    return Located(path.name, SCHEMA, len(rows), path.stat().st_size, (str(path),))


def test_engines_of_one_kind_have_one_identity(engine: Engine) -> None:
    """It is part of what is recorded: two of one identity give the same rows."""
    again = DuckDBEngine([], None) if isinstance(engine, DuckDBEngine) else MemoryEngine()
    assert engine.identity() == again.identity() != ""
    assert DuckDBEngine([], None).identity() != MemoryEngine().identity()


def test_it_can_be_opened_ahead_and_again(engine: Engine) -> None:
    engine.open()
    engine.open()
    assert engine.fetch("select 1 as one")[1] == [(1,)]


def test_the_relation_of_a_key_shows_the_version(engine: Engine, tmp_path: Path) -> None:
    """Whatever the key's path: it is the schema, its last part the name."""
    for key, name in (("letters", "letters"), ("raw.letters", "raw.letters"), ("x.y.z", '"x.y".z')):
        engine.expose(key, version(tmp_path / f"{key}.parquet", (1, key), (2, None)))
        assert engine.fetch(f"select a, b from {name} order by a")[1] == [(1, key), (2, None)]


def test_several_files_are_one_relation_in_their_order(engine: Engine, tmp_path: Path) -> None:
    one, two = version(tmp_path / "1.parquet", (1, "x")), version(tmp_path / "2.parquet", (2, "y"), (3, "z"))
    engine.expose("t", Located("v", SCHEMA, 3, 0, (*two.files, *one.files)))
    assert engine.fetch("select a from t")[1] == [(2,), (3,), (1,)]


def test_a_version_that_is_exposed_again_is_replaced(engine: Engine, tmp_path: Path) -> None:
    engine.expose("raw.t", version(tmp_path / "1.parquet", (1, "old")))
    engine.expose("raw.t", version(tmp_path / "1.parquet", (1, "old")))
    assert engine.fetch("select b from raw.t")[1] == [("old",)]
    engine.expose("raw.t", version(tmp_path / "2.parquet", (2, "new"), (3, "newer")))
    assert engine.fetch("select b from raw.t order by a")[1] == [("new",), ("newer",)]


def test_a_version_with_other_columns_replaces_the_relation(engine: Engine, tmp_path: Path) -> None:
    engine.expose("t", version(tmp_path / "1.parquet", (1, "old")))
    pq.write_table(pa.table({"c": pa.array([2.5])}), tmp_path / "2.parquet")
    other = Located("other", (Column("c", "DOUBLE"),), 1, 0, (str(tmp_path / "2.parquet"),))
    engine.expose("t", other)
    assert engine.fetch("select * from t") == ((Column("c", "DOUBLE"),), [(2.5,)])


def test_a_query_is_written_with_the_schema_that_it_was_bound_to(engine: Engine, tmp_path: Path) -> None:
    engine.expose("t", version(tmp_path / "t.parquet", (1, "x"), (2, None), (3, "z")))
    written = engine.write("select a, b from t where a > 1 order by a desc", tmp_path / "out.parquet", SCHEMA)
    assert (written.schema, written.rows) == (SCHEMA, 2)
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [{"a": 3, "b": "z"}, {"a": 2, "b": None}]


def test_an_unbound_query_tells_its_schema(engine: Engine, tmp_path: Path) -> None:
    """A dynamic PIVOT has none before it has run."""
    engine.expose("t", version(tmp_path / "t.parquet", (1, "x"), (2, "y")))
    written = engine.write("select a, b from t", tmp_path / "out.parquet", None)
    assert (written.schema, written.rows) == (SCHEMA, 2)
    assert engine.describe([str(tmp_path / "out.parquet")]) == (SCHEMA, 2)


def test_no_rows_are_a_table_all_the_same(engine: Engine, tmp_path: Path) -> None:
    engine.expose("t", version(tmp_path / "t.parquet", (1, "x")))
    assert engine.write("select a, b from t where a > 9", tmp_path / "out.parquet", SCHEMA).rows == 0
    assert engine.describe([str(tmp_path / "out.parquet")]) == (SCHEMA, 0)


def test_memory_is_told_only_where_it_was_measured(engine: Engine, tmp_path: Path) -> None:
    engine.expose("t", version(tmp_path / "t.parquet", *((n, "x" * 100) for n in range(2000))))
    query = "select a, b from t order by b, a desc"
    assert engine.write(query, tmp_path / "1.parquet", SCHEMA).peak_memory is None
    measured = engine.write(query, tmp_path / "2.parquet", SCHEMA, measured=True).peak_memory
    assert measured is not None
    assert measured > 0


def test_files_are_described_together(engine: Engine, tmp_path: Path) -> None:
    files = [version(tmp_path / f"{n}.parquet", *((i, "x") for i in range(n + 1))).files[0] for n in range(3)]
    assert engine.describe(files) == (SCHEMA, 6)


def test_parameters_and_variables_reach_the_query_and_no_other(engine: Engine, tmp_path: Path) -> None:
    query = "select ? as given, getvariable('least') as least"
    assert engine.fetch(query, [7], {"least": 3})[1] == [(7, 3)]
    assert engine.fetch("select getvariable('least') as least", variables={"most": 5})[1] == [(None,)]
    assert engine.fetch("select getvariable('least') as least")[1] == [(None,)]
    bound = (Column("x", "VARCHAR"),)
    engine.write("select getvariable('name') as x", tmp_path / "out.parquet", bound, {"name": "it's"})
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [{"x": "it's"}]


def test_threads_have_their_own_variables(engine: Engine) -> None:
    def told(number: int) -> list[int]:
        query = "select getvariable('n') as n"
        return [engine.fetch(query, variables={"n": number})[1][0][0] for _ in range(20)]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(told, range(4))) == [[number] * 20 for number in range(4)]


def test_a_query_that_fails_leaves_the_engine_usable(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="nowhere"):
        engine.write("select * from nowhere", tmp_path / "out.parquet", SCHEMA)
    assert not (tmp_path / "out.parquet").exists()
    assert engine.fetch("select 1 as one")[1] == [(1,)]


@pytest.mark.parametrize("unbound", [False, True])
def test_an_interrupted_query_ends_and_the_next_one_runs(
    engine: Engine, tmp_path: Path, unbound: bool
) -> None:
    tokens: list[threading.Event] = []

    def endless() -> str:
        with engine.interruptible() as token:
            tokens.append(token)
            schema = None if unbound else (Column("c", "BIGINT"),)
            try:
                engine.write(ENDLESS, tmp_path / "out.parquet", schema)
            except Exception as error:  # noqa: BLE001 -- each engine has its own
                return f"{token.is_set()} {error}"
        return "it ended by itself"

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(endless)
        until = time.monotonic() + 60.0
        while not running.done() and time.monotonic() < until:
            time.sleep(0.05)  # a query that has not begun is not interrupted
            for token in tokens:
                engine.interrupt(token)
        assert running.result(10.0).lower().startswith("true interrupt")
        assert threads.submit(engine.fetch, "select 1 as one").result(10.0)[1] == [(1,)]


def test_a_token_ends_nothing_but_its_own_query(engine: Engine) -> None:
    with engine.interruptible() as token:
        pass
    engine.interrupt(token)
    assert token.is_set()
    with engine.interruptible() as other:
        assert engine.fetch("select 1 as one")[1] == [(1,)]
        engine.interrupt(token)
        assert engine.fetch("select 2 as two")[1] == [(2,)]
        assert not other.is_set()


def test_a_cursor_of_its_own_is_closed_by_the_caller(engine: Engine) -> None:
    cursor = engine.new_cursor()
    assert cursor.execute("select 1").fetchall() == [(1,)]
    cursor.close()
    assert engine.fetch("select 2 as two")[1] == [(2,)]


def test_it_is_closed_once_or_twice(engine: Engine) -> None:
    engine.open()
    engine.close()
    engine.close()
