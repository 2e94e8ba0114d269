"""Whole processes, timed from start to exit with the operating system's own accounting."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Command:
    """A program to time. *before* runs ahead of each run and is not timed; *expect* is its exit code."""

    argv: Sequence[str]
    folder: Path
    before: Callable[[], None] = lambda: None
    expect: int = 0


@dataclass
class Timings:
    """Seconds of several runs: of the clock, and of the processors (the process and its children)."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median by the clock."""
        return median(self.wall)

    @property
    def cpu_seconds(self) -> float:
        """The median of processor time."""
        return median(self.cpu)


def interleaved(commands: Mapping[str, Command], runs: int, scratch: Path) -> dict[str, Timings]:
    """Run the commands in turn, A B C A B C …, so that a slow minute of the machine falls on all of them.

    One round before is not counted: it fills caches and compiles Python files (into *scratch*, whatever
    the caller's settings).
    """
    environment = _environment(scratch)
    found = {name: Timings() for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            command.before()
            wall, cpu = _run(name, command, environment)
            if number:
                found[name].wall.append(wall)
                found[name].cpu.append(cpu)
    return found


def ratio(of: Timings, to: Timings) -> tuple[float, float]:
    """The median of the ratios run by run: by the clock, and by processor time."""
    wall = median(a / b for a, b in zip(of.wall, to.wall, strict=True))
    return wall, median(a / b for a, b in zip(of.cpu, to.cpu, strict=True))


def upriver(*words: str) -> list[str]:
    """The command line of the program that belongs to this Python."""
    program = Path(sys.executable).with_name("upriver")
    return [str(program), *words] if program.exists() else [sys.executable, "-m", "upriver", *words]


def _environment(scratch: Path) -> dict[str, str]:
    # An installed program has its bytecode beside it; some machines forbid to write it there.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPYCACHEPREFIX": str(scratch / "bytecode"), "NO_COLOR": "1"}


def _run(name: str, command: Command, environment: Mapping[str, str]) -> tuple[float, float]:
    log = Path(environment["PYTHONPYCACHEPREFIX"]).with_name("output.txt")
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            cwd=command.folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            with contextlib.suppress(OSError):
                process.kill()
            raise
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != command.expect:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise RuntimeError(f"{name} ended with {process.returncode}:\n{tail}")
    return wall, usage.ru_utime + usage.ru_stime
