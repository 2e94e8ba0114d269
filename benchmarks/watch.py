"""What `upriver watch` does while sources change all the time, and while nothing does.

Many assets with goals, each with a source of its own. First nothing changes: what the loop takes of a processor and of
memory. Then sources are replaced at a steady rate for a while: from each change to the build that takes it in, what the
loop takes meanwhile, and whether each asset has the newest content in the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.report import Report
from benchmarks.settings import Settings
from upriver.materializer.session import Session

ASSETS, A_SECOND, SECONDS = 10_000, 100, 60
IDLE = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")


def run(settings: Settings) -> Report:
    """One project, one loop."""
    count, rate = settings.sized(ASSETS, 20), settings.sized(A_SECOND, 2)
    seconds = settings.sized(SECONDS, 10)
    with settings.scratch() as scratch:
        root = scratch / "project"
        write_project(root, count)
        with contextlib.closing(Session(root)) as session:
            session.build()
        with watching(root) as loop:
            loop.wait_for("started")
            time.sleep(5.0)  # its first look
            idle, memory = loop.processor(), loop.memory()
            time.sleep(IDLE)
            idle = (loop.processor() - idle) / IDLE
            before = loop.processor()
            changed = change(root, count, rate, seconds, loop)
            busy = (loop.processor() - before) / seconds
            loop.quiet(30.0)
            waits = sorted(loop.waits)
        with contextlib.closing(Session(root)) as session:
            missed = sum(
                session.sql(f"from a{number:05}").rows != ((value,),) for number, value in changed.items()
            )
    report = Report(
        "watch",
        f"{count} assets with goals, each with a source; {rate} sources replaced a second for {seconds} s; one loop.",
    )
    report.add("idle: of one processor", 100 * idle, "%", target=0.5)
    report.add("idle: memory", memory / 2**20, "MB", target=120.0)
    report.add("changes that no build took in", float(missed), "", target=0.0)
    if waits:
        report.add("change to begun build, median", waits[len(waits) // 2], "s")
        report.add("change to begun build, p95", waits[int(len(waits) * 0.95)], "s", target=0.5)
    report.add("the loop with its builds: of one processor", 100 * busy, "%")
    return report


def write_project(root: Path, count: int) -> None:
    """Assets that each read one small file."""
    (root / "assets").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "upriver.toml").write_text('[goals]\n"*" = { fresh_within = "1h" }\n')
    for number in range(count):
        (root / f"data/{number:05}.csv").write_text("a\n0\n")
        (root / f"assets/a{number:05}.sql").write_text(f"select a from 'data/{number:05}.csv'\n")


class Loop:
    """A running loop, and when it began to build what."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.asked: dict[str, float] = {}
        self.waits: list[float] = []
        self.events: queue.Queue[str] = queue.Queue()
        self._last = time.monotonic()
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event, now = json.loads(line), time.monotonic()
            self.events.put(event["event"])
            if event["event"] in ("building", "built"):
                self._last = now
            if event["event"] == "building":
                with self._lock:
                    self.waits += [
                        now - at for key in event["assets"] if (at := self.asked.pop(key, None)) is not None
                    ]

    def ask(self, key: str) -> None:
        """Its source has changed now; what waits already goes on waiting."""
        with self._lock:
            self.asked.setdefault(key, time.monotonic())

    def wait_for(self, event: str) -> None:
        """Wait until it tells of *event*."""
        while self.events.get(timeout=120.0) != event:
            continue

    def quiet(self, most: float) -> None:
        """Wait until nothing has been built for a while, at most *most* seconds without news."""
        while self.asked or time.monotonic() - self._last < 3.0:
            if time.monotonic() - self._last > most:
                return
            time.sleep(0.2)

    def processor(self) -> float:
        """Seconds of processor time that it has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self) -> int:
        """Bytes that are its own."""
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return sum(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Private_"))


@contextlib.contextmanager
def watching(root: Path) -> Iterator[Loop]:
    """While inside, a loop runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "upriver", "-C", str(root), "watch", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Loop(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(600)


def change(root: Path, count: int, rate: int, seconds: int, loop: Loop) -> dict[int, int]:
    """Replace sources at *rate* a second; the last content of each."""
    choose = random.Random(1)
    last: dict[int, int] = {}
    began = time.monotonic()
    for number in range(rate * seconds):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        which = choose.randrange(count)
        draft = root / "data" / f".{which:05}.new"
        draft.write_text(f"a\n{number + 1}\n")
        draft.rename(root / "data" / f"{which:05}.csv")
        loop.ask(f"a{which:05}")
        last[which] = number + 1
    return last
