"""What orchestration itself costs: a thousand assets with hardly any data in them.

Ten layers of SQL tables of some twenty rows; each reads one to three of the layer above. The yardstick is a plain
DuckDB script that writes the same tables to Parquet. All figures are of whole processes, start-up included.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import competitors
from benchmarks.plain_script import sql_assets, write_script
from benchmarks.processes import Command, Timings, interleaved, ratio, upriver
from benchmarks.projects import layered_sql
from benchmarks.report import Report
from benchmarks.settings import Settings

QUICK = 3
"""Commands that take a fraction of a second are run so many times as often."""


def run(settings: Settings) -> Report:
    """Full build against the script; then what it takes to find that nothing has changed."""
    count = settings.sized(1000, 20)
    report = Report(
        "orchestration",
        f"{count:,} SQL assets in ten layers, tables of about twenty rows; whole processes,"
        f" medians of {settings.runs} runs in turn. Ratios are medians of the ratios run by run.",
    )
    with settings.scratch() as scratch:
        project = scratch / "project"
        layered_sql(project, count)
        _full(report, settings, scratch, project)
        _nothing_changed(report, settings, scratch, project)
        if settings.competitors is not None:
            competitors.compare(report, settings, scratch, project)
    return report


def _full(report: Report, settings: Settings, scratch: Path, project: Path) -> None:
    queries = sql_assets(project)
    commands = {}
    for name, sync in (("script", False), ("synced", True)):
        target = scratch / name
        write_script(scratch / f"{name}.py", project, queries, target, sync=sync)
        commands[name] = Command([sys.executable, str(scratch / f"{name}.py")], scratch, _remover(target))
    commands["upriver"] = Command(
        upriver("-C", str(project), "build", "-q"), scratch, _remover(project / ".upriver")
    )
    timed = interleaved(commands, settings.runs, scratch)
    _seconds(report, "plain DuckDB script", timed["script"])
    _seconds(report, "the script, syncing each file", timed["synced"])
    _seconds(report, "upriver build, from nothing", timed["upriver"])
    wall, cpu = ratio(timed["upriver"], timed["script"])
    report.add("build : script", wall, "×", target=2.0, note=f"{cpu:.2f}× of processor time")
    wall, cpu = ratio(timed["upriver"], timed["synced"])
    report.add("build : script that syncs", wall, "×", note=f"{cpu:.2f}× of processor time")


def _nothing_changed(report: Report, settings: Settings, scratch: Path, project: Path) -> None:
    commands = {
        "build": Command(upriver("-C", str(project), "build"), scratch),
        "status": Command(upriver("-C", str(project), "status"), scratch),
        "help": Command(upriver("--help"), scratch),
        "python": Command([sys.executable, "-c", "pass"], scratch),
    }
    timed = interleaved(commands, settings.runs * QUICK, scratch)
    _seconds(report, "upriver build, nothing changed", timed["build"], target=0.3)
    _seconds(report, "upriver status", timed["status"], target=0.3)
    _seconds(report, "upriver --help", timed["help"], target=0.12)
    _seconds(report, "python -c pass", timed["python"])


def _seconds(report: Report, what: str, timings: Timings, target: float | None = None) -> None:
    report.add(
        what, timings.seconds, "s", target=target, note=f"{timings.cpu_seconds:.2f} s of processor time"
    )


def _remover(folder: Path) -> Callable[[], None]:
    return lambda: shutil.rmtree(folder, ignore_errors=True)
