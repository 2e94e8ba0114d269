"""Work that recurses deeper than Python allows by itself, and what is left of it afterwards."""

from __future__ import annotations

import sys
import threading

import pytest

from upriver.assets.support.deep_stack import with_deep_stack


def deep(levels: int) -> int:
    """Recursion through C, which takes the stack that Python's own calls don't take."""
    return 0 if not levels else next(map(deep, [levels - 1])) + 1


def test_work_may_recurse_deep_and_the_limits_are_restored() -> None:
    before = sys.getrecursionlimit(), threading.stack_size()
    plain = with_deep_stack(lambda: plainly(9_000))
    assert plain == 9_000
    assert (sys.getrecursionlimit(), threading.stack_size()) == before


def plainly(levels: int) -> int:
    return 0 if not levels else plainly(levels - 1) + 1


@pytest.mark.parametrize("work", [plainly, deep])
def test_endless_recursion_is_an_error_and_no_crash(work: object) -> None:
    assert callable(work)
    with pytest.raises(RecursionError):
        with_deep_stack(lambda: work(10**9))


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(KeyError, match="x"):
        with_deep_stack(lambda: dict[str, int]()["x"])
