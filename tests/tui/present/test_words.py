"""Reasons in words: one sentence for each cause, that names what the reader does not know yet."""

from __future__ import annotations

import pytest

from upriver.materializer.model import Cause, Reason
from upriver.tui.present.words import blocking, moment, phrases, reason_text, reasons_text


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (Reason(Cause.MISSING, "a.b", detail="never built"), "never built"),
        (Reason(Cause.MISSING, "x", detail="its artifact is gone"), "x was its artifact is gone"),
        (Reason(Cause.RECIPE, "a.b", detail="its code changed"), "its code changed"),
        (Reason(Cause.RECIPE, "a.b", detail="now reads raw.fx"), "now reads raw.fx"),
        (Reason(Cause.DATA, "raw.orders"), "raw.orders changed"),
        (Reason(Cause.DATA, "raw.orders", (), "+12 rows"), "raw.orders changed (+12 rows)"),
        (
            Reason(Cause.DATA, "raw.orders", ("amount", "day"), "+12 rows"),
            "raw.orders changed in amount, day (+12 rows)",
        ),
        (Reason(Cause.DATA, "x", tuple("abcdef")), "x changed in a, b, c, d and 2 more"),
        (Reason(Cause.SCHEMA, "x", ("plan",), "no longer there"), "x.plan: no longer there"),
        (Reason(Cause.SCHEMA, "x"), "x: its columns changed"),
        (Reason(Cause.SCHEMA, "x", ("a", "b"), "no longer there"), "x: a, b no longer there"),
        (Reason(Cause.UPSTREAM, "x", detail="pending"), "waits for x"),
        (Reason(Cause.UPSTREAM, "x", detail="stale"), "waits for x, which is stale"),
        (Reason(Cause.UPSTREAM, "x", detail="failed"), "waits for x, which failed"),
        (
            Reason(Cause.VOLATILE, "a.b", detail="now() differs at every build"),
            "now() differs at every build",
        ),
        (
            Reason(Cause.ENGINE, "a.b", detail="computed by duckdb, now spark"),
            "another engine computes it (computed by duckdb, now spark)",
        ),
        (Reason(Cause.ENVIRONMENT, "a.b", detail="REGION was eu, now us"), "REGION was eu, now us"),
        (Reason(Cause.FORCED, "a.b", detail="asked for"), "forced"),
        (Reason(Cause.FAILED, "a.b", detail="boom\n  at line 3"), "its last build failed: boom"),
        (Reason(Cause.FAILED, "x", detail="boom"), "x failed: boom"),
        (
            Reason(Cause.SOURCE_MISSING, "raw.x", detail="no file matches"),
            "source raw.x is missing: no file matches",
        ),
    ],
)
def test_a_reason_is_a_short_sentence(reason: Reason, expected: str) -> None:
    """The same words in plan, build, status and why."""
    assert reason_text(reason, "a.b") == expected


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_words_even_without_facts(cause: Cause) -> None:
    """A reason with nothing but its kind still says something."""
    assert reason_text(Reason(cause, "x"), "a.b").strip(": ")
    assert reason_text(Reason(cause, "a.b"), "a.b").strip(": ")


def test_upstreams_that_are_waited_for_are_told_together() -> None:
    """`waits for a; waits for b; waits for c` is no sentence."""
    waits = tuple(Reason(Cause.UPSTREAM, key, detail="stale") for key in ("x", "y"))
    more = tuple(Reason(Cause.UPSTREAM, f"m{i}", detail="pending") for i in range(6))
    own = Reason(Cause.RECIPE, "a", detail="its code changed")
    assert phrases((*more, own, *waits), "a") == [
        "its code changed",
        "waits for m0, m1, m2, m3 and 2 more",
        "waits for x, y, which are stale",
    ]


def test_a_blocked_asset_tells_what_blocks_it() -> None:
    """Not that it was never built."""
    own = Reason(Cause.MISSING, "a", detail="never built")
    waits = Reason(Cause.UPSTREAM, "x", detail="failed")
    assert blocking((own, waits)) == (waits,)
    assert blocking((own,)) == (own,)


def test_more_reasons_are_counted() -> None:
    """A table has room for one."""
    reasons = (
        Reason(Cause.RECIPE, "a", detail="its code changed"),
        Reason(Cause.DATA, "x"),
        Reason(Cause.DATA, "y"),
    )
    assert reasons_text(reasons, "a") == "its code changed (+2 more)"
    assert reasons_text((), "a") == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0004, "0ms"), (0.024, "24ms"), (0.43, "0.43s"), (12.84, "12.8s")]
)
def test_quick_things_are_told_in_milliseconds(seconds: float, text: str) -> None:
    """`checked in 0.0s` would say nothing."""
    assert moment(seconds) == text
