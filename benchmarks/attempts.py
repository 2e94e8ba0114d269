"""What an attempt of Python code costs: two hundred Polars assets with hardly any data in them.

Chains of ten: each table adds a column to the one before. The yardstick is a plain script that computes, writes and
syncs the same in one process, without isolation. All figures are of whole processes; what one attempt takes is found
from a large and a small project, so that starting and loading the project are not in it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.processes import Command, interleaved, ratio, upriver
from benchmarks.projects import LENGTH, chain_script, polars_chains
from benchmarks.report import Report
from benchmarks.settings import Settings


def run(settings: Settings) -> Report:
    """Full builds against the script."""
    many, few = settings.sized(20, 2), settings.sized(2, 1)
    report = Report(
        "attempts",
        f"{many * LENGTH} Polars assets in chains of {LENGTH}, of twenty rows; whole processes, medians of"
        f" {settings.runs} runs in turn. Ratios are medians of the ratios run by run.",
    )
    with settings.scratch() as scratch:
        commands = {}
        for name, chains in (("many", many), ("few", few)):
            project, target = scratch / name, scratch / f"{name}-out"
            polars_chains(project, chains)
            (scratch / f"{name}.py").write_text(chain_script(chains, target))
            commands[name] = Command(
                upriver("-C", str(project), "build", "-q"), scratch, _remover(project / ".upriver")
            )
            commands[f"{name}, script"] = Command(
                [sys.executable, str(scratch / f"{name}.py")], scratch, _remover(target)
            )
        watched = scratch / "watched"
        polars_chains(watched, many)
        with (watched / "upriver.toml").open("a") as config:
            config.write('\n[build]\nisolation = "observed"\n')
        commands["watched"] = Command(
            upriver("-C", str(watched), "build", "-q"), scratch, _remover(watched / ".upriver")
        )
        timed = interleaved(commands, settings.runs, scratch)
    for what, name in (("plain script that syncs", "many, script"), ("upriver build, from nothing", "many")):
        target_seconds = 6.0 if name == "many" else None
        one = timed[name]
        report.add(
            what, one.seconds, "s", target=target_seconds, note=f"{one.cpu_seconds:.2f} s of processor time"
        )
    wall, cpu = ratio(timed["many"], timed["many, script"])
    report.add("build : script", wall, "×", target=12.0, note=f"{cpu:.2f}× of processor time")
    assets = (many - few) * LENGTH
    each = (timed["many"].cpu_seconds - timed["few"].cpu_seconds) / assets * 1000
    plain = (timed["many, script"].cpu_seconds - timed["few, script"].cpu_seconds) / assets * 1000
    report.add(
        "processor time of one attempt, beyond the script's",
        each - plain,
        "ms",
        target=30.0,
        note=f"{each:.1f} ms, of which the script takes {plain:.1f} ms",
    )
    confined = (timed["many"].cpu_seconds - timed["watched"].cpu_seconds) / (many * LENGTH) * 1000
    report.add(
        "of it, what confinement takes",
        confined,
        "ms",
        target=3.0,
        note="against the same build with reads that are only watched",
    )
    return report


def _remover(folder: Path) -> Callable[[], None]:
    return lambda: shutil.rmtree(folder, ignore_errors=True)
