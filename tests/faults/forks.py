"""Many attacks in little time: each a process of its own, forked from one that has loaded everything.

A build in such a process is the real command line on real files; what it spares is the start of an interpreter.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.project import MARK, Done, Project

PROGRAM = str(Path(__file__).with_name("injected.py"))
FINAL = ("fsync", "fdatasync", "replace", "rename", "link", "unlink", "rmdir", "ftruncate")
"""The calls that make something last, or go."""


def injected(plan: Mapping[str, Any]) -> tuple[str, ...]:
    """A command for :meth:`Project.start`: ``upriver`` under *plan* (see ``injected.Plan``)."""
    return (sys.executable, PROGRAM, json.dumps(plan))


@dataclass
class Forked:
    """A command that runs, or has run."""

    pid: int
    answer: Path
    server: Forks
    calls: tuple[str, ...] = ()

    def ended(self, within: float = 60.0) -> Done:
        """Wait for its end. The code is negative when a signal ended it."""
        deadline = time.monotonic() + within
        while self.state() not in "ZX":
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"it did not end within {within} s")
            time.sleep(0.002)
        status = int(self.server.ask({"wait": self.pid}))
        if not self.answer.exists():
            return Done(status, "", "")
        code, out, err = json.loads(self.answer.read_text(encoding="utf-8"))
        err, *calls = err.split("\0")
        self.calls = tuple(calls)
        return Done(code, out, err)

    def state(self) -> str:
        """As in ``/proc/PID/stat``; ``Z`` once it has ended."""
        try:
            return Path("/proc", str(self.pid), "stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return "Z"

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to its process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class Forks:
    """The process that forks the others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._server = subprocess.Popen(
            [sys.executable, PROGRAM, "--forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def start(self, project: Project, *words: str, plan: Mapping[str, Any] | None = None) -> Forked:
        """Start ``upriver WORD…`` in *project*, under *plan*."""
        self._count += 1
        answer = self._folder / f"{self._count}.json"
        order = {
            "folder": str(project.root),
            "words": words,
            "plan": plan or {},
            "environment": {**project.environment, MARK: str(project.root), "NO_COLOR": "1"},
            "answer": str(answer),
        }
        return Forked(int(self.ask(order)), answer, self)

    def ask(self, order: Mapping[str, Any]) -> str:
        """Give an order; returns the answer."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return self._server.stdout.readline()

    def run(self, project: Project, *words: str, plan: Mapping[str, Any] | None = None) -> Done:
        """As :meth:`start`, to the end."""
        return self.start(project, *words, plan=plan).ended()

    def close(self) -> None:
        """End it."""
        self._server.kill()
        self._server.communicate()


@contextmanager
def forks() -> Iterator[Forks]:
    """For the ``with`` block."""
    with tempfile.TemporaryDirectory(prefix="upriver-forks-") as folder:
        server = Forks(Path(folder))
        try:
            yield server
        finally:
            server.close()
