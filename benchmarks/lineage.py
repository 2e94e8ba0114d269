"""What exact lineage costs: to bind one query, to hold a large graph, to answer a question about it, to verify it.

The queries are TPC-H's 22, from the test cases. The graph has 10,000 assets of 20 columns, built once; the questions
are asked in a process of its own (:mod:`benchmarks.probe`) that starts with nothing but what is on the disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import duckdb
from tests.lineage.sql.cases import cases, schemas

from benchmarks.processes import Command, interleaved, upriver
from benchmarks.projects import layered_sql
from benchmarks.report import Report
from benchmarks.settings import Settings
from upriver.assets.errors import Diagnosis
from upriver.lineage.sql.names import literal, quote
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.plan.binder import Binder
from upriver.materializer.composition import open_context
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.sources.observe import sources_of

SUITE = "tpch"
COLUMNS = 20


def run(settings: Settings) -> Report:
    """Queries one by one, then the graph."""
    count = settings.sized(10_000, 60)
    report = Report(
        "lineage",
        f"TPC-H's 22 queries one by one; then a project of {count:,} assets with {COLUMNS} columns each."
        f" Medians of {settings.runs} runs.",
    )
    with settings.scratch() as scratch:
        _cold(report, settings)
        _warm(report, settings, scratch / SUITE)
        _graph(report, settings, scratch, count)
    return report


def _cold(report: Report, settings: Settings) -> None:
    parsing, binding = [], []
    for _ in range(settings.runs):
        queries = []
        started = time.perf_counter()
        for case in cases(SUITE):
            query = parse_query(case.sql)
            assert not isinstance(query, Diagnosis), f"{case}: {query}"
            queries.append(query)
        parsing.append(time.perf_counter() - started)
        binder = Binder()
        started = time.perf_counter()
        for query in queries:
            found = binder.analyze(
                query,
                {
                    key: schemas(SUITE)[key]
                    for key in query.keys()  # noqa: SIM118 - a method of Query, which is no mapping
                },
            )
            assert not isinstance(found, Diagnosis), f"{query.text}: {found}"
        binding.append(time.perf_counter() - started)
        binder.close()
    each = 1000 / len(cases(SUITE))
    total = median(a + b for a, b in zip(parsing, binding, strict=True))
    note = f"parsing {median(parsing) * each:.1f}, binding and walking the plan {median(binding) * each:.1f}"
    report.add("one query, never seen before", total * each, "ms", target=6, note=note)


def _warm(report: Report, settings: Settings, root: Path) -> None:
    _write_project(root)
    seconds = []
    for number in range(settings.runs + 1):
        context = open_context(root, "dev")
        found = Schemas(context, SourceViews(sources_of(context)))
        keys = context.project().assets
        for source in context.project().sources:
            found.of(source)
        started = time.perf_counter()
        for key in keys:
            assert found.problem(key) is None
        if number:  # the first time fills the cache
            seconds.append(time.perf_counter() - started)
        context.analyzer().flush()
        context.close()
    each = 1000 / len(cases(SUITE))
    report.add("one query, analysed by an earlier command", median(seconds) * each, "ms")


def _write_project(root: Path) -> None:
    """The suite's queries as assets over empty tables."""
    (root / "data").mkdir(parents=True)
    (root / "assets").mkdir()
    (root / "upriver.toml").write_text('[project]\nname = "queries"\n')
    lines = ["from upriver.assets import source\n"]
    with duckdb.connect() as connection:
        for key, columns in schemas(SUITE).items():
            listed = ", ".join(f"null::{column.type} as {quote(column.name)}" for column in columns)
            path = root / "data" / f"{key}.parquet"
            connection.execute(f"copy (select {listed} limit 0) to {literal(str(path))} (format parquet)")
            lines.append(f'source("{key}", "data/{key}.parquet")\n')
    (root / "assets" / "sources.py").write_text("\n".join(lines))
    for number, case in enumerate(cases(SUITE), 1):
        (root / "assets" / f"q{number}.sql").write_text(f"{case.sql}\n")


def _graph(report: Report, settings: Settings, scratch: Path, count: int) -> None:
    project = scratch / "graph"
    layered_sql(project, count, columns=COLUMNS)
    build = upriver("-C", str(project), "build", "-q")
    # Not timed in turn: it is what the questions need, and benchmarks.orchestration measures builds.
    subprocess.run(build, check=True, capture_output=True)
    found = [_probe(project) for _ in range(settings.runs)]

    def middle(name: str) -> float:
        return median(one[name] for one in found)

    report.add("loading the project", middle("load"), "s")
    report.add("verifying that nothing has changed", middle("verify"), "s", target=0.5)
    report.add("where one column comes from", middle("upstream"), "s", target=0.3)
    report.add("the same, the first time", middle("first"), "s", note="reads the analyses of its upstream")
    nodes = f"{int(middle('nodes')):,} columns depend on it"
    report.add("everything that a source's column feeds", middle("downstream"), "s", target=0.3, note=nodes)
    report.add(
        "the same, the first time", middle("first_downstream"), "s", note="reads the analyses of all assets"
    )
    report.add("memory that all of this took", middle("memory"), "MiB")
    timed = interleaved({"build": Command(build, scratch)}, settings.runs, scratch)["build"]
    note = f"{timed.cpu_seconds:.2f} s of processor time"
    report.add("upriver build, nothing changed", timed.seconds, "s", note=note)


def _probe(project: Path) -> dict[str, float]:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.probe", str(project)], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(ran.stdout)
    return found
