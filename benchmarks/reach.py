"""What it costs to look at other systems and to move rows: beside the libraries that do the work, used directly.

PostgreSQL is the one that the tests start. Each pass is a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.servers.postgres import running

from benchmarks.report import Report
from benchmarks.settings import Settings

_QUERY = (
    "create table lines as select i as id, (i::int8 * 7919) % 100003 as part, (i % 1000)::float8 / 7 as price, "
    "'line ' || (i % 5000) as name, timestamp '2024-01-01' + i * interval '1 second' as at "
    "from generate_series(1, {rows}) i"
)


def run(settings: Settings) -> Report:
    """Each pass by Upriver's connector and by the library alone, in turn; medians."""
    rows, tables = settings.sized(5_000_000, 1000), settings.sized(1000, 5)
    report = Report(
        "reach",
        f"{rows:,} rows of five columns in and out of PostgreSQL on this machine, {tables:,} Delta tables; medians of "
        f"{settings.runs} runs in turn, each a process of its own.",
    )
    with settings.scratch() as scratch, running() as server:
        import psycopg

        address = server.database()
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(_QUERY.format(rows=rows).encode())
            connection.execute("vacuum analyze lines")
        _lake(scratch, tables)
        found: dict[str, list[dict[str, float]]] = {}
        for _ in range(settings.runs):
            for name in PASSES:
                found.setdefault(name, []).append(_child(name, address, scratch))
    seconds = {name: median(one["seconds"] for one in passes) for name, passes in found.items()}
    peak = {name: max(one["peak"] for one in passes) for name, passes in found.items()}
    report.add("hash of all rows, in the server", seconds["hash"], "s")
    for what, mine, bare, target in (
        ("rows in", "read", "bare read", 1.15),
        ("rows out", "write", "bare write", 1.15),
        ("unchanged Delta tables observed", "look", "bare look", 1.2),
    ):
        report.add(f"{what}, Upriver", seconds[mine], "s", note=f"{peak[mine]:.0f} MiB at most")
        report.add(f"{what}, the library alone", seconds[bare], "s", note=f"{peak[bare]:.0f} MiB at most")
        report.add(f"{what}, Upriver to the library", seconds[mine] / seconds[bare], "×", target=target)
    report.add("most memory of a pass", max(peak["read"], peak["write"], peak["look"]), "MiB", target=500)
    return report


def _lake(scratch: Path, tables: int) -> None:
    import deltalake
    import pyarrow as pa

    for number in range(tables):
        deltalake.write_deltalake(str(scratch / "lake" / f"t{number}"), pa.table({"id": [number]}))
    (scratch / "seen.json").write_text(json.dumps(_versions(scratch)))


def _versions(scratch: Path, seen: dict[str, str] | None = None) -> dict[str, str]:
    """The version of each table, looked at by Upriver; *seen* are those of the last look."""
    from upriver.materializer.model import Trust
    from upriver.materializer.ports.system import Address, Sighting, Wanted
    from upriver.materializer.sources.systems.lakes import connect_delta

    found = {}
    with connect_delta(Address("d", "delta:lake", {}, scratch)).moment() as moment:
        for path in sorted((scratch / "lake").iterdir()):
            before = None if seen is None else Sighting(seen[path.name], Trust.VERSION, "seen before")
            sighted = moment.sight(Wanted(table=path.name), before)
            assert sighted is not None
            found[path.name] = sighted.version
    return found


def _child(name: str, address: str, scratch: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reach", name, address, str(scratch)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _postgres(address: str, scratch: Path) -> Any:
    from upriver.materializer.ports.system import Address
    from upriver.materializer.sources.systems.postgres import connect

    return connect(Address("p", address, {}, scratch))


def _hash(address: str, scratch: Path) -> None:
    from upriver.materializer.ports.system import Wanted

    with _postgres(address, scratch).moment() as moment:
        moment.sight(Wanted(table="lines"), None)


def _read(address: str, scratch: Path) -> None:
    from upriver.materializer.ports.system import Wanted
    from upriver.materializer.sources.systems.looking import copy_rows

    with _postgres(address, scratch).moment() as moment, moment.read(Wanted(table="lines"), scratch) as rows:
        copy_rows(rows, scratch / "rows.parquet")


def _bare_read(address: str, scratch: Path) -> None:
    """ADBC into Parquet, batch by batch, compressed alike."""
    import pyarrow.parquet as pq
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("select * from lines")
        reader = cursor.fetch_record_batch()
        with pq.ParquetWriter(scratch / "bare.parquet", reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)


def _write(address: str, scratch: Path) -> None:
    from upriver.assets.model import Sink
    from upriver.materializer.execution.deliveries import _rows
    from upriver.materializer.model import Version
    from upriver.materializer.ports.target import Delivery
    from upriver.materializer.sources.reading import SourceReader

    files = (str(scratch / "rows.parquet"),)
    schema, count = SourceReader().describe_parquet(files)
    version = Version("v", schema, count, 0)
    delivery = Delivery("bench", str(time.time()), Sink("p", "written"), schema)
    _postgres(address, scratch).deliver(delivery, lambda query: _rows(files, version, query))


def _bare_write(address: str, scratch: Path) -> None:
    """ADBC into a table that is made anew: without a check, a stage or a receipt."""
    import duckdb
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(address) as connection, connection.cursor() as cursor:
        rows = duckdb.connect().sql(f"from '{scratch}/rows.parquet'").to_arrow_reader(100_000)
        cursor.adbc_ingest("written_bare", rows, mode="replace")
        connection.commit()


def _look(address: str, scratch: Path) -> None:
    seen = json.loads((scratch / "seen.json").read_text())
    assert _versions(scratch, seen) == seen


def _bare_look(address: str, scratch: Path) -> None:
    import deltalake

    for path in sorted((scratch / "lake").iterdir()):
        table = deltalake.DeltaTable(str(path))
        assert table.version() >= 0
        assert table.metadata().id


PASSES: dict[str, Callable[[str, Path], None]] = {
    "hash": _hash,
    "read": _read,
    "bare read": _bare_read,
    "write": _write,
    "bare write": _bare_write,
    "look": _look,
    "bare look": _bare_look,
}


WARM = (
    "adbc_driver_postgresql.dbapi",
    "deltalake",
    "duckdb",
    "pyarrow.parquet",
    "upriver.materializer.execution.deliveries",
    "upriver.materializer.sources.systems.lakes",
    "upriver.materializer.sources.systems.looking",
    "upriver.materializer.sources.systems.postgres_sink",
)
"""What passes need, imported first: the start of Python is measured elsewhere."""


if __name__ == "__main__":
    import resource

    for module in WARM:
        importlib.import_module(module)
    start = time.perf_counter()
    PASSES[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
    took = time.perf_counter() - start
    print(json.dumps({"seconds": took, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
