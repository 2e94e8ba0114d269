"""``python -m benchmarks [NAME…]``: measures, prints Markdown, keeps JSON."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks.report import markdown, write_json
from benchmarks.settings import Settings

NAMES = (
    "orchestration",
    "attempts",
    "unchanged",
    "tables",
    "checks",
    "schedule",
    "watch",
    "lineage",
    "lineage_precision",
    "precision",
    "partitions",
    "reach",
)
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--runs", type=int, default=5, help="how often each thing is timed (default: 5)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="size of the inputs; the targets are for 1 (default: 1)"
    )
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's temporary folder)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON files go")
    parser.add_argument(
        "--competitors", type=Path, metavar="PYTHON", help="an interpreter that has other tools installed"
    )
    given = parser.parse_args()
    settings = Settings(given.scale, given.runs, given.folder, given.competitors)
    for name in given.names or NAMES:
        report = importlib.import_module(f"benchmarks.{name}").run(settings)
        print(markdown(report), flush=True)
        write_json(report, given.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
