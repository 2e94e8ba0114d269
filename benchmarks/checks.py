"""What checks, audits and profiles cost: against queries written by hand, against builds without them, against DuckDB's
SUMMARIZE.
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from benchmarks.processes import Command, interleaved, ratio, upriver
from benchmarks.report import Report
from benchmarks.settings import Settings
from benchmarks.warehouse_data import LINE_ITEMS, MODELS, write_project
from upriver.materializer.session import Session

ASSETS = 200
_HEADER = """/* upriver:
columns:
  id: {not_null: true, unique: true}
  kind: {accepted_values: [a, b, c]}
  amount: {range: {min: 0}}
checks:
  - row_count: {min: 1}
*/
"""
_BY_HAND = (
    "select count(*), count(*) filter (where id is null), count(id) - count(distinct id),"
    " count(*) filter (where kind not in ('a', 'b', 'c')), count(*) filter (where amount < 0)"
    " from read_parquet('{file}')"
)


def run(settings: Settings) -> Report:
    """A thousand checks; one column edited; audits and profiles of a build; a wide table in numbers."""
    report = Report(
        "checks",
        f"{ASSETS} assets with five checks each; ten SQL models over line items with three checks each; medians of "
        f"{settings.runs} runs in turn.",
    )
    with settings.scratch() as scratch:
        _thousand(report, settings, scratch)
        _audits(report, settings, scratch)
        _wide(report, settings, scratch)
    return report


def _thousand(report: Report, settings: Settings, scratch: Path) -> None:
    root, rows = scratch / "thousand", settings.sized(100_000, 1000)
    (root / "assets").mkdir(parents=True)
    (root / "upriver.toml").write_text("")
    query = (
        "select i as id, ['a', 'b', 'c'][i % 3 + 1] as kind, i * 7 % 1000 + {n} as amount, hash(i) as h"
        f" from range({rows}) as t(i)"
    )
    for n in range(ASSETS):
        (root / "assets" / f"a{n}.sql").write_text(_HEADER + query.format(n=n))
    with _session(root) as session:
        session.build()
        files = [
            session.context.locator.files(one.version)[0]
            for one in session.context.state.current("dev").values()
        ]
    lines = [f"c.execute({_BY_HAND.format(file=file)!r}).fetchall()" for file in files]
    script = scratch / "by_hand.py"
    script.write_text("\n".join(["import duckdb", "c = duckdb.connect()", *lines]))
    timed = interleaved(
        {
            "checks": Command(upriver("-C", str(root), "check", "--force"), scratch),
            "by hand": Command([sys.executable, str(script)], scratch),
        },
        settings.runs,
        scratch,
    )
    report.add(f"{5 * ASSETS:,} checks run", timed["checks"].seconds, "s")
    report.add(f"{ASSETS} queries by hand", timed["by hand"].seconds, "s")
    wall, cpu = ratio(timed["checks"], timed["by hand"])
    report.add("checks : queries by hand", wall, "×", target=1.3, note=f"{cpu:.2f}× of processor time")
    for n in range(ASSETS):
        (root / "assets" / f"a{n}.sql").write_text(_HEADER + query.format(n=n).replace("% 1000", "% 999"))
    with _session(root) as session:
        ran = [one for asset in session.build().assets for one in asset.checks if one.ran]
    others = sum("amount" not in one.check for one in ran)
    report.add(
        "checks run after an edit of one column",
        len(ran),
        "",
        note=f"{others} of other columns",
        target=ASSETS,
    )


def _audits(report: Report, settings: Settings, scratch: Path) -> None:
    rows = settings.sized(LINE_ITEMS, 4000)
    root = scratch / "audited"
    write_project(root, rows)
    modules = {path: path.read_text() for path in sorted((root / "assets").rglob("*.sql"))}
    with _session(root) as session:
        session.build()
        columns = {one: session.columns(one) for one in session.keys(sources=False)}
    headers = {}
    for path in modules:
        key = ".".join(path.relative_to(root / "assets").with_suffix("").parts)
        names = columns[key]
        checks = [f"not_null: '{names[0]}'", f"not_null: '{names[-1]}'", "row_count: {min: 1}"]
        headers[path] = "/* upriver:\nchecks:\n" + "".join(f"  - {one}\n" for one in checks) + "*/\n"

    def build(audited: bool, profiled: bool) -> Callable[[], float]:
        def once() -> float:
            from upriver.materializer.execution import materialize

            shutil.rmtree(root / ".upriver", ignore_errors=True)
            for path, text in modules.items():
                path.write_text((headers[path] if audited else "") + text)
            before = materialize.WORTH_PROFILING
            materialize.WORTH_PROFILING = before if profiled else 1 << 60
            try:
                with _session(root) as session:
                    began = time.perf_counter()
                    session.build()
                    return time.perf_counter() - began
            finally:
                materialize.WORTH_PROFILING = before

        return once

    plain, audited, whole = _in_turn(
        settings.runs,
        build(audited=False, profiled=False),
        build(audited=True, profiled=False),
        build(audited=True, profiled=True),
    )
    report.add(f"build of {len(MODELS)} models without checks", plain, "s")
    report.add("with three checks a model : without", audited / plain, "×", target=1.1)
    report.add("with profiles as well : with checks", whole / audited, "×", target=1.1)


def _wide(report: Report, settings: Settings, scratch: Path) -> None:
    for count in (1000, 5000):
        root, number = scratch / f"wide{count}", settings.sized(count, 50)
        (root / "assets").mkdir(parents=True)
        (root / "upriver.toml").write_text("")
        texts = "'x' || (i * {0} % 50) as c{0}", "i * {0} % 97 as c{0}"
        columns = ", ".join(texts[k % 2].format(k) for k in range(number))
        (root / "assets" / "wide.sql").write_text(f"select {columns} from range(100) as t(i)")
        with _session(root) as session:
            session.build()
            (record,) = session.context.state.current("dev").values()
            (file,) = session.context.locator.files(record.version)
            began = time.perf_counter()
            session.profile("wide")
            took = time.perf_counter() - began
            began = time.perf_counter()
            session.profile("wide")
            again = time.perf_counter() - began
        with duckdb.connect() as connection:
            began = time.perf_counter()
            connection.execute(f"summarize from read_parquet('{file}')").fetchall()
            summarize = time.perf_counter() - began
        report.add(f"profile of {number:,} columns", took, "s", note=f"{again:.2f} s when it is kept")
        report.add(f"profile : SUMMARIZE, {number:,} columns", took / summarize, "×", target=2.0)


def _in_turn(runs: int, *once: Callable[[], float]) -> list[float]:
    found: list[list[float]] = [[] for _ in once]
    for _ in range(runs):
        for place, call in enumerate(once):
            found[place].append(call())
    return [statistics.median(one) for one in found]


@contextlib.contextmanager
def _session(root: Path) -> Iterator[Session]:

    with contextlib.closing(Session(root)) as session:
        yield session
