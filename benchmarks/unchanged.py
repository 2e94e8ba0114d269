"""What it costs to find that there is nothing to do in a large project: ten thousand assets.

Also where something did change, but nothing that anybody reads: a source file that was touched, and one whose new
column no query names.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.processes import Command, interleaved, upriver
from benchmarks.projects import layered_sql
from benchmarks.report import Report
from benchmarks.settings import Settings

SOURCE = "data/base.csv"


def run(settings: Settings) -> Report:
    """Whole processes, start-up included; each finds all assets fresh, or the benchmark fails."""
    count = settings.sized(10_000, 20)
    report = Report(
        "unchanged",
        f"{count:,} SQL assets in ten layers, all built; whole processes, medians of {settings.runs} runs in turn.",
    )
    with settings.scratch() as scratch:
        project = scratch / "project"
        layered_sql(project, count)
        interleaved({"first": Command(upriver("-C", str(project), "build", "-q"), scratch)}, 1, scratch)
        again = upriver("-C", str(project), "plan", "--check")  # ends with 3 when anything is stale
        source = project / SOURCE
        still = {
            "build": Command(upriver("-C", str(project), "build"), scratch),
            "status": Command(upriver("-C", str(project), "status"), scratch),
            "python": Command([sys.executable, "-c", "pass"], scratch),
        }
        timed = interleaved(still, settings.runs, scratch)
        moving = {
            "touched": Command(again, scratch, source.touch),
            "widened": Command(again, scratch, lambda: _widen(source)),
        }
        timed |= interleaved(moving, settings.runs, scratch)
    for name, what, target in (
        ("build", "upriver build, nothing changed", 0.5),
        ("status", "upriver status", None),
        ("touched", "upriver plan, the source was touched", None),
        ("widened", "upriver plan, the source has a new column", None),
        ("python", "python -c pass", None),
    ):
        one = timed[name]
        report.add(what, one.seconds, "s", target=target, note=f"{one.cpu_seconds:.2f} s of processor time")
    return report


def _widen(source: Path) -> None:
    """One more column in every line."""
    head, *lines = source.read_text().splitlines()
    name = f"more{head.count(',')}"
    source.write_text("\n".join([f"{head},{name}", *(f"{line},{n}" for n, line in enumerate(lines))]) + "\n")
