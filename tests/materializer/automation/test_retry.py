"""What failed waits longer each time, and not at all once its code or an input has changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from upriver.materializer.automation.retry import FIRST, MOST, Wait, after_build, waiting


@given(st.integers(1, 200), st.floats(0, 1e9))
def test_waits_grow_to_an_hour(times: int, now: float) -> None:
    """Each is twice the one before, and none is longer than an hour."""
    waits: dict[str, Wait] = {}
    lengths = []
    for _ in range(times):
        waits = after_build(waits, {"a": "1"}, ["a"], now)
        lengths.append(waits["a"].until - now)
    assert lengths == sorted(lengths)
    assert abs(lengths[0] - FIRST) < 1e-3
    assert lengths[-1] <= MOST + 1e-3


def test_a_change_is_tried_at_once() -> None:
    """And counts from the beginning."""
    waits = after_build({}, {"a": "1"}, ["a"], 0.0)
    assert waiting(waits, {"a": "1"}, 5.0) == {"a"}
    assert waiting(waits, {"a": "2"}, 5.0) == frozenset()
    assert after_build(waits, {"a": "2"}, ["a"], 5.0)["a"].times == 1


def test_a_clock_set_back_does_not_lengthen_a_wait() -> None:
    """What would wait for more than an hour was measured by another clock."""
    waits = after_build({}, {"a": "1"}, ["a"], 1e9)
    assert waiting(waits, {"a": "1"}, 0.0) == frozenset()
