"""Random histories of a project with partitioned assets: after every build it equals one from scratch without partitions.

Rows come late, are corrected and deleted, keys are null or outside of what is expected; slices are built by ranges;
queries are edited back and forth. A slice is made again only when something that it reads has changed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from upriver.materializer.answers import BuildResult
from upriver.materializer.execution import segments
from upriver.materializer.model import Outcome, State
from upriver.materializer.session import Session

HEADERS = {
    "staging.flights": "{by: day, every: day}",
    "marts.daily": "{by: day, every: day, from: 2024-03-09, until: 2024-03-12}",
    "marts.hourly": "{by: hour, every: hour, zone: America/New_York}",
    "marts.monthly": "{by: month, every: month}",
    "marts.by_carrier": "{by: carrier, among: [AA, UA]}",
    "marts.product": "[{by: day, every: day}, {by: carrier}, {by: hub, among: [JFK, EWR]}]",
    "marts.share": "{by: day, every: day}",
    "marts.named": "{by: day, every: day}",
    "marts.ordered": "{by: day, every: day}",
}
QUERIES = {
    "staging.flights": "select ts::timestamp::date as day, ts, carrier, hub, delay, v from raw",
    "marts.daily": "select day, carrier, count(*) as n, sum(delay) as delay from staging.flights where v > 0 group by all",
    "marts.hourly": "select date_trunc('hour', ts) as hour, count(*) as n from staging.flights group by all",
    "marts.monthly": "select date_trunc('month', day)::date as month, sum(n)::bigint as n, max(delay) as m from marts.daily"
    " group by all",
    "marts.by_carrier": "select carrier, count(distinct day) as days, min(ts) as first from staging.flights group by all",
    "marts.product": "select day, carrier, hub, sum(v)::bigint as v from staging.flights group by all",
    "marts.share": "select day, n / sum(n) over () as share from marts.daily",
    "marts.named": "select f.day, c.name, f.v from staging.flights f left join carriers c on c.code = f.carrier",
    "marts.ordered": "select ts::timestamp::date as day, first(hub) as hub, avg(delay::double) as delay from raw group by all",
    "marts.total": "select sum(n)::bigint as n, count(*) as c from marts.monthly",
}
ORDER = [*QUERIES]
EDITS = {
    "marts.daily": [("v > 0", "v > 1"), ("sum(delay)", "max(delay)")],
    "marts.by_carrier": [("min(ts)", "max(ts)")],
}


class Flights:
    """A project on disk, and what it should hold."""

    def __init__(self, root: Path, seed: int) -> None:
        self.draw = random.Random(seed)
        self.root = root
        self.queries = dict(QUERIES)
        self.rows = [self._row() for _ in range(60)]
        self.carriers = {"AA": "American", "UA": "United"}
        (root / "upriver.toml").write_text("")
        self.write()

    def _row(self) -> list[Any]:
        draw = self.draw
        moment = (
            f"2024-03-{draw.choice(['09', '10', '11'])} {draw.randrange(24):02}:{draw.randrange(60):02}:00+00"
        )
        if draw.random() < 0.1:
            moment = draw.choice(
                ["2024-02-29 23:30:00+00", "2024-03-12 00:00:00+00", "2024-11-03 05:30:00+00"]
            )
        return [
            None if draw.random() < 0.06 else moment,
            draw.choice(["AA", "UA", "DL", "a/b", None]),
            draw.choice(["JFK", "EWR", "LGA"]),
            draw.choice([None, 5, 7, 11]),
            draw.randrange(4),
        ]

    def write(self) -> None:
        """Write all files."""
        with duckdb.connect() as connection:
            self._tables(connection)
            for name in ("raw", "carriers"):
                connection.execute(f"copy {name} to '{self.root}/{name}.parquet'")
        (self.root / "assets").mkdir(exist_ok=True)
        (self.root / "assets" / "sources.py").write_text(
            "from upriver.assets import source\n"
            'raw = source("raw", "raw.parquet")\ncarriers = source("carriers", "carriers.parquet")\n'
        )
        for key, query in self.queries.items():
            path = self.root / "assets" / (key.replace(".", "/") + ".sql")
            path.parent.mkdir(exist_ok=True)
            header = f"/* upriver:\npartition: {HEADERS[key]}\n*/\n" if key in HEADERS else ""
            path.write_text(f"{header}{query}\n")

    def _tables(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "create table raw (ts timestamptz, carrier varchar, hub varchar, delay integer, v integer);"
            "create table carriers (code varchar, name varchar)"
        )
        connection.executemany("insert into raw values (?, ?, ?, ?, ?)", self.rows)
        connection.executemany(
            "insert into carriers values (?, ?)", [list(one) for one in self.carriers.items()]
        )

    def change(self) -> None:
        """Do what happens to data and code, once."""
        draw = self.draw
        match draw.randrange(7):
            case 0 | 1:
                self.rows += [self._row() for _ in range(draw.randrange(1, 4))]
            case 2:
                self.rows[draw.randrange(len(self.rows))] = self._row()
            case 3 if len(self.rows) > 20:
                del self.rows[draw.randrange(len(self.rows))]
            case 4:
                draw.shuffle(self.rows)
            case 5:
                self.carriers[draw.choice(["AA", "UA", "DL"])] = draw.choice(["x", "y", "American"])
            case _:
                key = draw.choice([*EDITS])
                before, after = draw.choice(EDITS[key])
                text = self.queries[key]
                self.queries[key] = (
                    text.replace(after, before) if after in text else text.replace(before, after)
                )
        self.write()

    def expected(self) -> dict[str, list[str]]:
        """What every asset holds, computed by DuckDB alone."""
        with duckdb.connect() as connection:
            self._tables(connection)
            for schema in ("staging", "marts"):
                connection.execute(f"create schema {schema}")
            for key in ORDER:
                connection.execute(f"create table {key} as {self.queries[key]}")
            return {key: bag(connection.execute(f"from {key}").fetchall()) for key in ORDER}


def bag(rows: list[tuple[Any, ...]]) -> list[str]:
    """Rows in no order; instants as the session writes them."""
    return sorted(
        repr([str(one).replace("+00:00", "+00") if isinstance(one, datetime) else one for one in row])
        for row in rows
    )


def contents(session: Session) -> Iterator[tuple[str, list[str]]]:
    """What the assets hold."""
    for key in ORDER:
        yield key, bag(list(session.sql(f"select * from {key}").rows))


def made(result: BuildResult) -> dict[str, int]:
    """How many slices were made, by asset."""
    return {one.asset: one.slices.made for one in result.assets if one.slices is not None}


@pytest.mark.parametrize(("seed", "target"), [(0, segments.TARGET), (1, 700)])
def test_every_build_equals_one_from_scratch_without_partitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, target: int
) -> None:
    """Whatever came late, was corrected or deleted, and whichever slices were built before; in one file or in many."""
    monkeypatch.setattr(segments, "TARGET", target)
    history(tmp_path, seed, steps=6)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 130))
def test_long_histories_do_so_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """With files of every size."""
    monkeypatch.setattr(segments, "TARGET", 1 << seed % 12)
    history(tmp_path, seed, steps=60)


def history(root: Path, seed: int, steps: int) -> None:
    project = Flights(root, seed)
    session = Session(root)
    try:
        for _ in range(steps):
            if project.draw.random() < 0.3:
                key = project.draw.choice(["marts.daily", "marts.product", "staging.flights", "marts.share"])
                partly = session.build([key], partition=["2024-03-10..2024-03-11"])
                assert all(one.action is not Outcome.FAILED for one in partly.assets), partly
            result = session.build()
            assert {one.action for one in result.assets} <= {Outcome.BUILT, Outcome.REUSED, Outcome.FRESH}, (
                result
            )
            expected = project.expected()
            for key, rows in contents(session):
                assert rows == expected[key], key
            assert {one.state for one in session.status()} == {State.FRESH}
            again = session.build()
            assert {one.action for one in again.assets} == {Outcome.FRESH}
            project.change()
    finally:
        session.close()


def test_a_late_row_makes_the_slices_that_read_it_and_no_others(tmp_path: Path) -> None:
    """Of each kind of cut; what needs all slices is computed as a whole."""
    project = Flights(tmp_path, 1)
    session = Session(tmp_path)
    try:
        session.build()
        project.rows.append(["2024-03-10 12:30:00+00", "AA", "JFK", 5, 3])
        project.write()
        counts = made(session.build())
        assert counts["staging.flights"] == counts["marts.daily"] == counts["marts.hourly"] == 1
        assert counts["marts.product"] == counts["marts.by_carrier"] == counts["marts.monthly"] == 1
        assert counts["marts.share"] > 1
        project.rows[-1][3] = 7
        project.write()
        assert made(session.build())["marts.daily"] == 1
        project.rows[-1][4] = 0  # not read by the daily mart any more, which then holds what it held at first
        project.write()
        assert Outcome.REUSED in {one.action for one in session.build().assets if one.asset == "marts.daily"}
        project.rows[-1][3] = 11
        project.write()
        counts = made(session.build())
        assert "marts.daily" not in counts, "a row that its filter excludes"
    finally:
        session.close()
