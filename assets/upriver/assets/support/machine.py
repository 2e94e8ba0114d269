"""The machine's memory, and the share of it that is taken where no limit is declared."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""What a container may use, of control groups version 2 and 1."""


@cache
def machine_memory() -> int:
    """Bytes of memory that this machine, or the container that this is, has."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for place in _LIMITS:
        try:
            text = Path(place).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            whole = min(whole, int(text))
    return whole


def default_memory() -> int:
    """Half of it: what goes astray leaves the other half to everything else."""
    return machine_memory() // 2
