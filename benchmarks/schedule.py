"""What the order of learned durations gains over a plain topological one, with two jobs.

Assets that wait instead of computing, so that the processors of the machine matter little: one chain of long ones
among many short ones that stand alone, declared in random order. That is a shape in which the order matters; where all
assets take about as long, there is nothing to gain. Every project is built once to learn, and then twice over in the
same process: in the order of its longest remaining chains, and in topological order. The least that any order could
take is the longest chain, or the half of all the work. What starting a worker costs is in all of them.
"""

from __future__ import annotations

import random
import time
from itertools import pairwise
from pathlib import Path
from statistics import mean
from unittest.mock import patch

from benchmarks.report import Report
from benchmarks.settings import Settings
from upriver.materializer.session import Session

JOBS = 2
SECONDS = (0.4, 0.6, 0.8)
"""What a short asset may take; one is drawn for each. A step of the chain takes twice the longest."""

SHORT, CHAIN = 10, 4

PROJECTS = 3


def run(settings: Settings) -> Report:
    """Several random projects, each built in both orders."""
    learned, topological, least = [], [], []
    for seed in range(settings.sized(PROJECTS)):
        with settings.scratch() as scratch:
            write_project(scratch / "project", seed)
            session = Session(scratch / "project")
            try:
                build(session)
                found = session.plan(force=True)
                known = sum(step.seconds or 0.0 for step in found.steps)
                least.append(max(found.seconds or 0.0, known / JOBS))
                learned.append(build(session))
                with patch("upriver.materializer.freshness.stages.Stages.priority", {}):
                    topological.append(build(session))
            finally:
                session.close()
    report = Report(
        "schedule",
        f"{len(learned)} random projects, {JOBS} jobs: a chain of {CHAIN} Python assets of {2 * max(SECONDS):g} s among"
        f" {SHORT} of {min(SECONDS):g} to {max(SECONDS):g} s; seconds of a whole build, in the mean over the projects.",
    )
    report.add("in topological order", mean(topological), "s")
    report.add("in the order of learned durations", mean(learned), "s")
    ratios = [one / other for one, other in zip(learned, topological, strict=True)]
    spread = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    report.add("learned : topological", mean(learned) / mean(topological), "×", target=1.0, note=spread)
    report.add("the least any order could take", mean(least), "s")
    report.add("learned : least", mean(learned) / mean(least), "×")
    return report


def build(session: Session) -> float:
    """Seconds that building everything anew takes. Raises RuntimeError when an asset fails."""
    began = time.monotonic()
    result = session.build(force=True, jobs=JOBS)
    took = time.monotonic() - began
    if errors := [one.error for one in result.assets if one.error]:
        raise RuntimeError(errors[0])
    return took


def write_project(root: Path, seed: int) -> None:
    """A project of sleeping assets, whose names tell nothing of how long one takes."""
    choose = random.Random(seed)
    names = [f"t{number:02}" for number in range(SHORT + CHAIN)]
    chain = sorted(choose.sample(names, CHAIN))
    above = dict(pairwise(reversed(chain)))
    text = ["import time\n\nimport pyarrow as pa\n\nfrom upriver.assets import asset\n"]
    for name in names:
        parameters = f"{above[name]}: pa.Table" if name in above else ""
        seconds = 2 * max(SECONDS) if name in chain else choose.choice(SECONDS)
        text.append(
            f"\n\n@asset\ndef {name}({parameters}) -> pa.Table:\n"
            f"    time.sleep({seconds})\n    return pa.table({{'n': [{names.index(name)}]}})\n"
        )
    (root / "assets").mkdir(parents=True)
    (root / "upriver.toml").write_text('[project]\nname = "unequal"\n')
    (root / "assets" / "unequal.py").write_text("".join(text))
