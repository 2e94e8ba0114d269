"""What a query takes of memory is learned, as it is of Python recipes."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from tests.faults.shops import sql_shop

from upriver.assets.identity import Node
from upriver.assets.model import Column
from upriver.materializer.engines.duckdb import DuckDBEngine
from upriver.materializer.state import open_state

MB = 1 << 20
SORTED = "select * from range(3_000_000) r(i) order by hash(i)"
SMALL = "select i from range(10) r(i)"


def test_a_query_is_measured_by_itself(tmp_path: Path) -> None:
    """A small one beside a large one does not pass for large, though both are in one instance."""
    with closing(DuckDBEngine([tmp_path], tmp_path)) as engine:
        schema = (Column("i", "BIGINT"),)
        large = engine.write(SORTED, tmp_path / "large.parquet", schema, measured=True).peak_memory
        small = engine.write(SMALL, tmp_path / "small.parquet", schema, measured=True).peak_memory
        assert large is not None
        assert small is not None
        assert 20 * MB < large < 1000 * MB
        assert small < 4 * MB
        going = threading.Thread(
            target=lambda: engine.write(SORTED, tmp_path / "again.parquet", schema, measured=True)
        )
        going.start()
        beside = []
        while going.is_alive():
            beside.append(
                engine.write(SMALL, tmp_path / "small.parquet", schema, measured=True).peak_memory or 0
            )
        going.join()
        assert max(beside) < 4 * MB


def test_a_query_that_only_running_it_can_bind_is_measured(tmp_path: Path) -> None:
    with closing(DuckDBEngine([tmp_path], tmp_path)) as engine:
        wide = f"pivot (select i % 3 as k, i // 3 as j, i from ({SORTED})) on k using sum(i) group by j"
        written = engine.write(wide, tmp_path / "wide.parquet", None, measured=True)
        assert written.rows == 1_000_000
        assert 20 * MB < (written.peak_memory or 0) < 2000 * MB


def test_a_query_that_is_measured_can_be_ended(tmp_path: Path) -> None:
    """And what it was measured with is there for the next."""
    endless = "select sum(a.i * b.i) as i from range(3_000_000) a(i), range(3_000_000) b(i)"
    with closing(DuckDBEngine([tmp_path], None)) as engine:
        for _ in range(12):  # more often than there are cursors that measure
            with engine.interruptible() as token:
                done = threading.Event()

                def end(token: threading.Event = token, done: threading.Event = done) -> None:
                    while not done.wait(0.02):  # it may not have begun yet
                        engine.interrupt(token)

                ending = threading.Thread(target=end)
                ending.start()
                with pytest.raises(duckdb.InterruptException):
                    engine.write(endless, tmp_path / "x.parquet", (Column("i", "HUGEINT"),), measured=True)
                done.set()
                ending.join()
        after = engine.write(SMALL, tmp_path / "x.parquet", (Column("i", "BIGINT"),), measured=True)
        assert after.peak_memory is not None


def test_more_threads_than_are_measured_still_get_their_queries_done(tmp_path: Path) -> None:
    with closing(DuckDBEngine([tmp_path], None)) as engine:
        ready, schema, rows = threading.Barrier(40), (Column("i", "BIGINT"),), []

        def work(number: int) -> None:
            ready.wait()
            rows.append(engine.write(SMALL, tmp_path / f"{number}.parquet", schema, measured=True).rows)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert rows == [10] * 40
        # A session has a new set of threads for each build: what the last ones had is there for the next.
        later = threading.Thread(
            target=lambda: rows.append(
                engine.write(SMALL, tmp_path / "x.parquet", schema, measured=True).peak_memory or 0
            )
        )
        later.start()
        later.join()
        assert rows[-1] > 0


def test_a_build_remembers_what_its_queries_took(tmp_path: Path) -> None:
    """Of what reads little only where it was slow before: to measure it costs more than most such queries take."""
    project = sql_shop(tmp_path)
    project.write("assets/large.sql", f"{SORTED}\n")
    project.write(
        "assets/slow.sql", f"select * from ({SORTED}), (select count(*) as n from staging.orders)\n"
    )
    remembered = []
    for again in ((), ("--force",)):
        assert project.here("build", *again).code == 0
        with closing(open_state(project.folder / "state.db", readonly=True)) as state:
            remembered.append(
                {node.asset: one.peak_memory or 0 for node, one in state.current("dev").items()}
            )
            assert state.durations("dev")[Node("large")][1] is not None
    assert [found["large"] > 20 * MB for found in remembered] == [True, True]
    assert [found["slow"] > 20 * MB for found in remembered] == [False, True]


def test_queries_that_do_not_fit_into_the_memory_of_the_build_take_turns(tmp_path: Path) -> None:
    """Together once, to learn what they take, and then one after the other."""
    project = sql_shop(tmp_path)
    project.write("upriver.toml", '[project]\nname = "shop"\n[build]\nmemory = "200MB"\n')
    for number, name in enumerate(("one", "two")):
        project.write(f"assets/{name}.sql", f"{SORTED}, i + {number}\n")
    for again in ((), ("--force",)):
        done = project.here("build", "--jobs", "2", "one", "two", *again)
        assert done.code == 0, done.said
    newest = max((project.folder / "runs").iterdir(), key=lambda run: run.stat().st_mtime_ns)
    events = [json.loads(line) for line in (newest / "events.jsonl").read_text().splitlines()]
    (first, began), (_, second) = ((e["asset"], e["at"]) for e in events if e["type"] == "asset_started")
    ended = next(e["at"] for e in events if e["type"] == "asset_finished" and e["result"]["asset"] == first)
    assert second > began + 0.7 * (
        ended - began
    )  # it is told as finished when it is recorded, a little later
