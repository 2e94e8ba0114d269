"""Memory settings of the process: glibc returns what a large answer took, instead of keeping it for the next.

By itself it opens an arena for every thread, and learns from the first large piece that is freed to keep all later
ones. Elsewhere than on glibc nothing is done.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_PIECE = 128 << 10
"""Pieces from this size on are asked of the kernel one by one, and given back when they are freed (mallopt(3))."""


def be_frugal() -> None:
    """From now on, in all threads. To be called before there are any."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for what, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _PIECE), (_TRIM_THRESHOLD, _PIECE)):
            libc.mallopt(what, value)


def give_back() -> None:
    """Return what is free to the kernel now; some milliseconds after a large answer."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
