"""Memory that an attempt's processes have for themselves, as Linux counts it.

A forked process maps all that its fork parent has imported, and shares it with every other attempt until it writes
there: resident bytes say little of what an attempt needs. Which of them are private only a walk through the page
tables tells (``smaps_rollup``), which takes long for a large process. So it is walked at intervals that grow with what
a walk takes; between two walks, what is added to the resident bytes counts as private.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from upriver.assets.support.process_tree import resident_bytes

LITTLE = 64 << 20
"""Bytes up to which it is not worth a walk through the page tables to know how many of them are private."""

_FAR = 4

_SHARE = 20
"""A walk is followed by at least so many times its duration without one."""


@dataclass(frozen=True)
class Walked:
    """What the page tables of a process tell, in bytes. *proportional* counts a page that n processes share as 1/n."""

    private: int
    proportional: int
    resident: int


class AttemptMemory:
    """Looks at the processes of one attempt. *shared* are the bytes that its fork parent has at most to share.

    Without a *limit*, and far below it, it is not worth a walk to know what is private of little.
    """

    def __init__(self, shared: int, limit: int | None) -> None:
        self._shared = shared
        self._little = shared + LITTLE if limit is None or limit >= _FAR * LITTLE else 0
        self._not_ours = 0
        self._pids: tuple[int, ...] = ()
        self._next = 0.0

    def used(self, processes: Iterable[int]) -> int:
        """Bytes that *processes*, all of the attempt, have among themselves; 0 where there is no telling."""
        pids = tuple(processes)
        resident = sum(map(resident_bytes, pids))
        if resident <= self._little:
            return max(0, resident - self._shared)
        began = time.monotonic()
        if began >= self._next or self._pids != pids:
            walked = [one for one in map(walk, pids) if one is not None]
            private = sum(one.private for one in walked)
            # What its processes share with each other is private to none of them, and yet the attempt's.
            together = sum(one.proportional for one in walked) - self._shared
            total = sum(one.resident for one in walked)
            self._not_ours = max(0, total - max(private, together if len(walked) > 1 else 0))
            self._pids = pids
            self._next = time.monotonic() + _SHARE * (time.monotonic() - began)
        return max(0, resident - self._not_ours)


def walk(pid: int | str) -> Walked | None:
    """The memory of a process; None when it has ended, or the kernel does not tell."""
    found: dict[str, int] = {}
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:  # noqa: PTH123 -- read many times a second
            for line in file:
                name, _, value = line.partition(":")
                if value.endswith("kB\n"):
                    found[name] = int(value[:-3]) * 1024
    except (OSError, ValueError):
        return None
    private = sum(found.get(f"Private_{kind}", 0) for kind in ("Clean", "Dirty", "Hugetlb"))
    return Walked(private, found.get("Pss", 0), found.get("Rss", 0))
