"""A thread whose stack is deep enough for a recursion as deep as user code can make it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_FRAMES = 20_000
_STACK = 256 << 20
"""Bytes. A frame takes none of it where Python calls Python, and less than a twentieth of this share in C."""
_one_at_a_time = threading.Lock()


def with_deep_stack(work: Callable[[], T]) -> T:
    """What *work* returns or raises. It runs in a thread of its own and may recurse 20,000 frames deep.

    For work in processes that serve one purpose: until it is done, the limit counts for all their threads. Where no
    such thread can be had, work is done with the stack that there is.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
            errors.append(error)

    with _one_at_a_time:
        before, limit = threading.stack_size(_STACK), sys.getrecursionlimit()
        try:
            thread = threading.Thread(target=run, name="deep stack", daemon=True)
            sys.setrecursionlimit(max(limit, _FRAMES))
            try:
                thread.start()
            except RuntimeError:  # no memory to be had for the stack
                return work()
            thread.join()
        finally:
            sys.setrecursionlimit(limit)
            threading.stack_size(before)
    if errors:
        raise errors[0]
    return results[0]
