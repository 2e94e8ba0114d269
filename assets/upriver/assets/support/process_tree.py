"""Descendants of a process: finds them with their start times, and ends all of them (Linux).

Elsewhere there is no ``/proc``: a process then has no known descendants, and only its group can be ended.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

_PAGE = os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """The processes whose parent is *pid* now."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:  # noqa: PTH123 -- read many times a second
                found.extend(int(child) for child in file.read().split())
    except OSError:
        pass  # it has ended meanwhile
    return found


def descendants(pid: int) -> list[int]:
    """*pid* and the processes started below it that still have their parents."""
    found = [pid]
    for one in found:
        found.extend(children(one))
    return found


def end_descendants(pid: int, reap: Callable[[], None] = lambda: None, *, patience: float = 5.0) -> None:
    """``kill -9`` of everything below *pid*, again and again until nothing is left."""
    until = time.monotonic() + patience
    while (found := descendants(pid)[1:]) and time.monotonic() < until:
        for one in found:
            kill(one)
        reap()
        time.sleep(0.002)


def started_at(pid: int) -> str:
    """When *pid* was started, in the kernel's ticks; empty when it has ended, or there is no telling."""
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 -- as above
            fields = file.read().rpartition(")")[2].split()
            return "" if fields[0] in ("Z", "X") else fields[19]
    except (OSError, IndexError):
        return ""


def resident_bytes(pid: int) -> int:
    """What a process has in memory, shared or not; 0 when it has ended, or there is no telling."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123 -- as above
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process, if there is one."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def kill_group(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to the process group of *pid*, if there is one: it may outlive its first process."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
