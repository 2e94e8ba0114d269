"""Measures the terminal UI against its goals, over a pseudo-terminal of 120×36.

    python benchmarks/tui.py            the goals table on 10,000 assets, and the list on 100,000
    python benchmarks/tui.py --json     the same as JSON

The app runs in a process of its own on a generated project that is kept in memory (tests/fakes): what is
measured is the UI, not the reading of a project.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.session import FakeSession

HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.terminal import Terminal, percentile  # noqa: E402 - found by the path above

GOALS = {
    "first_picture_ms": 60.0, "live_ms": 1000.0,
    "key_first_p95_ms": 16.0, "key_settled_p50_ms": 50.0, "key_settled_p95_ms": 50.0,
    "filter_p50_ms": 50.0, "filter_max_ms": 50.0, "memory_mb": 80.0, "idle_cpu_percent": 1.0,
    "bytes_per_move_p50": 2000.0, "bytes_per_held_move": 2000.0, "graph_draw_ms": 10.0, "layer_10000_ms": 100.0,
}  # fmt: skip
"""At most, on 10,000 assets. The times are those of an idle machine; what is CPU time holds on a busy one too."""


# -- the measured process ------------------------------------------------------------------------------


def child(size: int, root: Path, *, storm: bool) -> int:
    """Run the app on a generated project of *size* assets, the way ``upriver ui`` does."""
    from upriver.tui.app.startup_frame import paint_cached_frame

    restore = paint_cached_frame(root)
    os.environ.setdefault("TEXTUAL_FPS", "120")
    from upriver.tui.app.app import UpriverApp

    begun, used = time.perf_counter(), time.process_time()
    from tests.fakes.generated import generated
    from tests.fakes.session import FakeSession

    specs = generated(size)
    session = (storming() if storm else FakeSession)(specs, root=root, clock=time.time)
    # Making up the project is no part of what is measured.
    (root / "made-up").write_text(str(time.perf_counter() - begun))
    (root / "made-up-cpu").write_text(str(time.process_time() - used))
    restore()
    app = UpriverApp(session)
    app.run()
    return 0


def storming() -> type[FakeSession]:
    """A session in which another process's run tells 1,000 events a second."""
    from collections.abc import Callable, Iterator

    from tests.fakes.session import FakeSession

    from upriver.materializer.events import AssetOutput, AssetProgress, AssetStarted, Event, RunStarted

    class Storming(FakeSession):
        def live_run(self) -> str | None:
            return "storm"

        def follow(self, run_id: str, stop: Callable[[], bool]) -> Iterator[Event]:
            keys = [key for key, spec in self.specs.items() if spec.engine != "source"][:500]
            start = time.time()
            yield RunStarted(start, run_id, tuple(keys), 8, tuple((key, 30.0) for key in keys))
            for slot, key in enumerate(keys[:8]):
                yield AssetStarted(time.time(), key, 1, slot + 1, ())
            told = 0
            while not stop():
                due = int((time.time() - start) * 1000)
                for number in range(told, due):
                    key = keys[number % 8]
                    yield (
                        AssetProgress(time.time(), key, (number % 1000) / 1000)
                        if number % 2
                        else AssetOutput(time.time(), key, 1, "stdout", f"line {number}")
                    )
                told = max(told, due)
                time.sleep(0.005)

    return Storming


def terminal(size: int, root: Path, *, storm: bool = False) -> Terminal:
    """The app on a generated project, in a process of its own."""
    words = [sys.executable, str(HERE), "--child", str(size), str(root), *(["--storm"] if storm else [])]
    return Terminal(words)


# -- the measurements ----------------------------------------------------------------------------------


def measure_list(size: int, *, moves: int) -> dict[str, float]:
    """Start, moves, filter, memory and idle time on *size* assets."""
    found: dict[str, float] = {}
    root = Path(tempfile.mkdtemp(prefix="upriver-bench-"))
    try:
        at = terminal(size, root)
        live = at.until(b"attention")
        found["live_cpu_ms"] = (at.cpu() - float((root / "made-up-cpu").read_text())) * 1000
        found["live_ms"] = (live - float((root / "made-up").read_text())) * 1000
        at.settle(0.5)
        first, last, size_of = [], [], []
        used = at.cpu()
        for _ in range(moves):
            begun, done, bytes_ = at.press("j")
            if begun is not None:
                first.append(begun * 1000)
                last.append(done * 1000)
                size_of.append(float(bytes_))
        found["key_cpu_ms"] = (at.cpu() - used) / moves * 1000
        found["key_first_p50_ms"], found["key_first_p95_ms"] = (
            statistics.median(first),
            percentile(first, 0.95),
        )
        found["key_settled_p50_ms"], found["key_settled_p95_ms"] = (
            statistics.median(last),
            percentile(last, 0.95),
        )
        found["bytes_per_move_p50"] = statistics.median(size_of)
        found["bytes_per_move_mean"] = statistics.fmean(size_of)
        # A held key: 30 moves a second.
        at.settle(0.5)
        before = len(at.text)
        for _ in range(60):
            os.write(at.fd, b"j")
            end = time.perf_counter() + 1 / 30
            while (rest := end - time.perf_counter()) > 0:
                at.read(rest)
        at.settle(0.5)
        found["bytes_per_held_move"] = (len(at.text) - before) / 60
        typed: list[float] = []
        spent: list[float] = []
        at.press("/")
        for character in "orders_0":
            used = at.cpu()
            begun, _, _ = at.press(character)
            typed.append((begun or 0.0) * 1000)
            spent.append((at.cpu() - used) * 1000)
        found["filter_p50_ms"], found["filter_max_ms"] = statistics.median(typed), max(typed)
        found["filter_cpu_p50_ms"], found["filter_cpu_max_ms"] = statistics.median(spent), max(spent)
        at.press("\x1b", 0.4)
        at.settle(1.0)
        found["memory_mb"] = at.resident()
        begun, used = time.perf_counter(), at.cpu()
        while time.perf_counter() - begun < 10:
            at.read(0.5)
        found["idle_cpu_percent"] = (at.cpu() - used) / (time.perf_counter() - begun) * 100
        at.close()
        pictures = []
        for _ in range(3):
            again = terminal(size, root)
            pictures.append(again.until(b"UPRIVER") * 1000)
            again.until(b"attention")
            again.settle(0.5)
            again.close()
        found["first_picture_ms"] = min(pictures)  # a busy machine is late, never early
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return found


def measure_storm(size: int) -> dict[str, float]:
    """A run of another process that tells 1,000 events a second."""
    root = Path(tempfile.mkdtemp(prefix="upriver-bench-"))
    try:
        at = terminal(size, root, storm=True)
        at.until(b"attention")
        at.settle(0.05, 3.0)
        at.press("4", 0.05)
        at.until(b"RUN storm")
        begun, used, before = time.perf_counter(), at.cpu(), len(at.text)
        frames = 0
        while time.perf_counter() - begun < 5:
            data = at.read(0.5)
            frames += data.count(b"\x1b[?2026h") or bool(data)
        span = time.perf_counter() - begun
        found = {
            "storm_frames_per_s": frames / span,
            "storm_kB_per_s": (len(at.text) - before) / span / 1000,
            "storm_cpu_percent": (at.cpu() - used) / span * 100,
            "storm_memory_mb": at.resident(),
        }
        at.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return found


def measure_graph() -> dict[str, float]:
    """Drawing 150 nodes; layering 10,000."""
    from tests.fakes.generated import generated
    from tests.fakes.session import FakeSession

    from upriver.tui.app.widgets.neighbourhood import node_width
    from upriver.tui.present.views.diagram import draw
    from upriver.tui.present.views.layers import layer_numbers

    specs = generated(10_000)
    nodes = [spec.key for spec in specs]
    edges = [(upstream, spec.key) for spec in specs for upstream in spec.upstreams]
    layering = best(lambda: layer_numbers(nodes, edges))
    statuses = FakeSession(specs).statuses
    focus = max(
        (s for s in specs if s.key.startswith("core")), key=lambda s: len(statuses[s.key].downstreams)
    ).key
    # A hundred and fifty assets that hang together, found by walking both ways.
    near, waiting = {focus: None}, [focus]
    while waiting and len(near) < 150:
        status = statuses[waiting.pop(0)]
        for other in (*status.upstreams, *status.downstreams):
            if other not in near and len(near) < 150:
                near[other] = None
                waiting.append(other)
    near_nodes = list(near)
    near_edges = [(up, key) for key in near for up in statuses[key].upstreams if up in near]
    return {
        "layer_10000_ms": layering * 1000,
        "graph_nodes": float(len(near_nodes)),
        "graph_draw_ms": best(lambda: draw(near_nodes, near_edges, node_width)) * 1000,
    }


def best(work: object, times: int = 7) -> float:
    """Seconds of the fastest of several runs."""
    assert callable(work)
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def main() -> int:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--child", nargs=2, metavar=("SIZE", "ROOT"), help=argparse.SUPPRESS)
    parser.add_argument("--storm", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="fewer moves, no 100,000")
    options = parser.parse_args()
    if options.child:
        return child(int(options.child[0]), Path(options.child[1]), storm=options.storm)
    found: dict[str, dict[str, float]] = {"10,000 assets": measure_list(10_000, moves=120)}
    found["1,000 events/s"] = measure_storm(10_000)
    found["graph"] = measure_graph()
    if not options.quick:
        found["100,000 assets"] = measure_list(100_000, moves=60)
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    for part, figures in found.items():
        print(part)
        for name, value in figures.items():
            goal = GOALS.get(name) if part != "100,000 assets" else None
            verdict = "" if goal is None else f"   goal {goal:>7,.0f}  {'met' if value <= goal else 'missed'}"
            print(f"  {name:<22} {value:>10.1f}{verdict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
