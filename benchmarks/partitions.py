"""What slices cost: a table of ten thousand days, from nothing, after one late row, and when nothing has changed.

The yardstick of a build from nothing is one sorted COPY of the same query into a single file; that of fingerprints by
key the fingerprint of the same columns without keys. Beside one late row stands what others would make again: all of
it, or the last three days, which the row is not in.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from pathlib import Path

import duckdb

from benchmarks.processes import upriver
from benchmarks.report import Report
from benchmarks.settings import Settings
from upriver.assets.model import Column
from upriver.assets.partitions.model import Dimension, Grain
from upriver.lineage.model import Footprint
from upriver.materializer.freshness.fingerprint import fingerprint_sql
from upriver.materializer.freshness.grouped import Grouping, grouped_sql

FIRST = "1990-01-01"
QUERY = "select ts::date as day, ts, carrier, delay, distance from raw.events"
SCHEMA = (
    Column("ts", "TIMESTAMP"),
    Column("carrier", "INTEGER"),
    Column("delay", "DOUBLE"),
    Column("distance", "INTEGER"),
)


def run(settings: Settings) -> Report:
    """All of it in one run."""
    days, rows = settings.sized(10_000, 100), settings.sized(5_000_000, 50_000)
    report = Report("partitions", f"{rows:,} rows in {days:,} days; ratios of one run.")
    with settings.scratch() as scratch:
        project = scratch / "project"
        _project(project, days, rows)
        copied = _copy(project, scratch / "copied.parquet")
        report.add("one sorted COPY into a single file", copied, "s")
        first = _upriver(project, "build", "-q")
        report.add("build from nothing", first, "s")
        report.add("build from nothing / sorted COPY", first / copied, "x", target=2.0)
        report.add("status, nothing changed", _status(project, settings.runs), "s", target=0.5)
        _late(project, rows)
        started = time.perf_counter()
        result = json.loads(_out(project, "build", "--json"))
        report.add("build after one late row", time.perf_counter() - started, "s")
        made = {one["asset"]: one["slices"]["made"] for one in result["assets"] if one["slices"]}
        report.add("slices made after one late row", made["events"], "slices", target=1)
        report.add("a full rebuild would have made", days, "slices")
        report.add("files of the last three days would have made, without the late row", 3, "slices")
        for name, expression, most in (
            ("stored key", "day", 1.2),
            ("zone expression", "timezone('Europe/Berlin', ts::timestamptz)::date", 8.0),
        ):
            plain, grouped = _fingerprints(project, expression, settings.runs)
            report.add(f"fingerprints by {name} / without keys", grouped / plain, "x", target=most)
    return report


def _project(folder: Path, days: int, rows: int) -> None:
    (folder / "assets").mkdir(parents=True)
    (folder / "upriver.toml").write_text("")
    _write(folder, rows, days, "")
    (folder / "assets" / "sources.py").write_text(
        'from upriver.assets import source\nevents = source("raw.events", "raw.parquet")\n'
    )
    (folder / "assets" / "events.sql").write_text(
        f"/* upriver:\npartition: {{by: day, every: day}}\n*/\n{QUERY}\n"
    )
    (folder / "days").write_text(str(days))


def _write(folder: Path, rows: int, days: int, more: str) -> None:
    step = f"({days}::bigint * 86400000000 // {rows})"
    columns = (
        f"timestamp '{FIRST}' + to_microseconds((i * 1000003 % {rows}) * {step}) as ts, (i % 23)::integer as carrier,"
        " (i * 7919 % 1000) / 7 as delay, (i * 31 % 3000)::integer as distance"
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select {columns} from range({rows}) t(i){more}) to '{folder / 'raw.parquet'}'"
        )


def _late(folder: Path, rows: int) -> None:
    more = f" union all select timestamp '{FIRST} 12:00:00', 1, 1.5, 100"
    _write(folder, rows, int((folder / "days").read_text()), more)


def _copy(project: Path, target: Path) -> float:
    query = QUERY.replace("raw.events", f"'{project / 'raw.parquet'}'")
    started = time.perf_counter()
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query} order by day) to '{target}'")
    return time.perf_counter() - started


def _upriver(project: Path, *words: str) -> float:
    started = time.perf_counter()
    _out(project, *words)
    return time.perf_counter() - started


def _out(project: Path, *words: str) -> str:
    done = subprocess.run(upriver("-C", str(project), *words), check=True, capture_output=True, text=True)
    return done.stdout


def _status(project: Path, runs: int) -> float:
    return statistics.median(_upriver(project, "status") for _ in range(runs))


def _fingerprints(project: Path, expression: str, runs: int) -> tuple[float, float]:
    """Seconds of the fingerprint of what is read, and of those by a key over it."""
    schema = (Column("day", "DATE"), *SCHEMA)
    footprint = Footprint(("carrier", "day", "delay", "distance", "ts"), None, ordered=False)
    by = Grouping((Dimension("day", Grain.DAY),), ("DATE",), (expression,))
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"create table t as select ts::date as day, * from '{project / 'raw.parquet'}'")
        times: dict[str, list[float]] = {"plain": [], "grouped": []}
        for _ in range(runs):
            for name, sql in (
                ("plain", fingerprint_sql("t", schema, [footprint], "rowid")),
                ("grouped", grouped_sql("t", schema, footprint, by, "rowid")),
            ):
                started = time.perf_counter()
                connection.execute(sql).fetchall()
                times[name].append(time.perf_counter() - started)
    return statistics.median(times["plain"]), statistics.median(times["grouped"])
