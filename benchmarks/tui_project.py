"""Measures `upriver ui` on a real project: its start, its memory and its keys, while it reads, previews and watches.

    python benchmarks/tui_project.py                   a generated project of 10,000 built assets (minutes to build)
    python benchmarks/tui_project.py --project DIR     a project that is built already

`benchmarks/tui.py` measures the drawing alone, on a project kept in memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.projects import layered_sql  # noqa: E402 - found by the path above
from benchmarks.terminal import Terminal, percentile  # noqa: E402

ALTERNATE = b"\x1b[?1049h"
PAINTED = 3000
"""The whole screen takes at least so many bytes."""


def measure(project: Path, *, moves: int = 60) -> dict[str, float]:
    """One start, a look at a few assets, a rest."""
    kept = project / ".upriver" / "cache" / "ui-statuses.msgpack"
    before = kept.stat().st_mtime_ns if kept.exists() else 0
    at = Terminal([sys.executable, "-m", "upriver", "-C", str(project), "ui"])
    found = {"first_picture_ms": at.until(b"UPRIVER") * 1000}
    until(at, lambda: at.text.count(ALTERNATE) > 1 and len(at.text.rpartition(ALTERNATE)[2]) > PAINTED)
    mark = len(at.text)
    os.write(at.fd, b"j")
    until(at, lambda: len(at.text) > mark + 200)
    found["live_ms"], found["live_cpu_ms"] = since(at), at.cpu() * 1000
    until(at, lambda: kept.exists() and kept.stat().st_mtime_ns != before)
    found["checked_ms"] = since(at)
    at.settle(1.0)
    first, settled = [], []
    for _ in range(moves):
        begun, done, _ = at.press("j")
        if begun is not None:
            first.append(begun * 1000)
            settled.append(done * 1000)
    found["key_first_p50_ms"], found["key_first_p95_ms"] = statistics.median(first), percentile(first, 0.95)
    found["key_settled_p50_ms"] = statistics.median(settled)
    at.settle(1.0)
    used, begun = at.cpu(), time.perf_counter()
    while time.perf_counter() - begun < 5:
        at.read(0.5)
    found["idle_cpu_percent"] = (at.cpu() - used) / (time.perf_counter() - begun) * 100
    found["memory_mb"] = at.resident()
    found["reader_memory_mb"] = sum(map(resident, children(at.pid)))
    at.close()
    return found


def since(at: Terminal) -> float:
    """Milliseconds since the start."""
    return (time.perf_counter() - at.started) * 1000


def until(at: Terminal, condition: object, patience: float = 60.0) -> None:
    """Read until *condition* holds."""
    assert callable(condition)
    end = time.perf_counter() + patience
    while not condition():
        at.read(0.005)
        if time.perf_counter() > end:
            raise TimeoutError(f"it never came; the last was {at.text[-400:]!r}")


def children(pid: int) -> list[int]:
    """The processes that *pid* has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sorted({int(child) for task in tasks for child in (task / "children").read_text().split()})


def resident(pid: int) -> float:
    """Resident memory in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--assets", type=int, default=10_000)
    parser.add_argument("--project", type=Path, help="one that is built already")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="upriver-bench-") as folder:
        project = given.project or Path(folder)
        if given.project is None:
            layered_sql(project, given.assets)
            subprocess.run([sys.executable, "-m", "upriver", "-C", str(project), "build", "-q"], check=True)
        measure(project, moves=1)  # the first start has no picture of the last
        runs = [measure(project) for _ in range(given.runs)]
    for name in runs[0]:
        print(f"  {name:<22}{statistics.median(run[name] for run in runs):>12,.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
