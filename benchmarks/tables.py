"""What orchestration costs where data dominates: ten models over six million line items.

The yardstick is a plain DuckDB script that runs the same queries over the same files and writes the same Parquet.
Upriver also fingerprints what was read of each source, hashes every artifact and waits until it is on the disk.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.plain_script import write_script
from benchmarks.processes import Command, Timings, interleaved, ratio, upriver
from benchmarks.report import Report
from benchmarks.settings import Settings
from benchmarks.warehouse_data import LINE_ITEMS, MODELS, append_rows, write_project


def run(settings: Settings) -> Report:
    """Full build against the script; nothing changed; one per cent more rows."""
    rows = settings.sized(LINE_ITEMS, 4000)
    report = Report(
        "tables",
        f"Ten SQL models over {rows:,} line items, {rows // 4:,} orders and {rows // 40:,} customers in Parquet files;"
        f" whole processes, medians of {settings.runs} runs in turn.",
    )
    with settings.scratch() as scratch:
        project = scratch / "project"
        write_project(project, rows)
        _full(report, settings, scratch, project)
        _then(report, settings, scratch, project, rows)
    return report


def _full(report: Report, settings: Settings, scratch: Path, project: Path) -> None:
    commands = {"upriver": _build(scratch, project, _remover(project / ".upriver"))}
    for name, sync in (("script", False), ("synced", True)):
        script, target = scratch / f"{name}.py", scratch / name
        views = {
            f"raw.{source}": f"from '{project}/data/{source}/*.parquet'"
            for source in ("lineitem", "orders", "customer")
        }
        write_script(script, project, list(MODELS.items()), target, sync=sync, views=views)
        commands[name] = Command([sys.executable, str(script)], scratch, _remover(target))
    timed = interleaved(commands, settings.runs, scratch)
    _seconds(report, "plain DuckDB script", timed["script"])
    _seconds(report, "the script, syncing each file", timed["synced"])
    _seconds(report, "upriver build, from nothing", timed["upriver"])
    wall, cpu = ratio(timed["upriver"], timed["script"])
    report.add("build : script", wall, "×", target=1.15, note=f"{cpu:.2f}× of processor time")
    wall, cpu = ratio(timed["upriver"], timed["synced"])
    report.add("build : script that syncs", wall, "×", note=f"{cpu:.2f}× of processor time")


def _then(report: Report, settings: Settings, scratch: Path, project: Path, rows: int) -> None:
    timed = interleaved({"nothing": _build(scratch, project)}, settings.runs, scratch)
    _seconds(report, "upriver build, nothing changed", timed["nothing"])
    built = scratch / "built"
    shutil.copytree(project / ".upriver", built)

    def grow() -> None:
        shutil.rmtree(project / ".upriver")
        shutil.copytree(built, project / ".upriver")
        append_rows(project, rows)

    timed = interleaved({"grown": _build(scratch, project, grow)}, settings.runs, scratch)
    _seconds(report, "upriver build, 1% of rows appended", timed["grown"])


def _build(scratch: Path, project: Path, before: Callable[[], None] = lambda: None) -> Command:
    return Command(upriver("-C", str(project), "build", "-q"), scratch, before)


def _seconds(report: Report, what: str, timings: Timings) -> None:
    report.add(what, timings.seconds, "s", note=f"{timings.cpu_seconds:.2f} s of processor time")


def _remover(folder: Path) -> Callable[[], None]:
    return lambda: shutil.rmtree(folder, ignore_errors=True)
