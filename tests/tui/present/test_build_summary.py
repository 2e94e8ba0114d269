"""The summary of a build as text: what failed and what is blocked, grouped by cause."""

from __future__ import annotations

import io

from upriver.materializer.answers import AssetResult, BuildResult
from upriver.materializer.events import AssetFinished
from upriver.materializer.model import Cause, Outcome, Reason, RunStatus
from upriver.tui.present.build_display import PlainDisplay
from upriver.tui.present.console import Console
from upriver.tui.present.spans import Page
from upriver.tui.present.text.plan import summary_lines


def failed(key: str, error: str) -> AssetResult:
    return AssetResult(key, Outcome.FAILED, False, (), error=error)


def blocked(key: str, by: str) -> AssetResult:
    return AssetResult(key, Outcome.BLOCKED, False, (Reason(Cause.UPSTREAM, by, detail="failed"),))


def summary(*results: AssetResult) -> list[str]:
    """The lines without styles."""
    lines = summary_lines(BuildResult("run", RunStatus.FAILED, results), Page(None, True), elapsed=1.0)
    return ["".join(span.text for span in one) for one in lines]


def test_failures_of_one_cause_are_one_line_and_so_is_what_they_block() -> None:
    """Also when each error names its own asset."""
    many = range(500)
    told = summary(
        *(failed(f"a{n:03}", f"ValueError: no rows for a{n:03}\n  at x.py:1") for n in many),
        *(blocked(f"b{n:03}", f"a{n:03}") for n in many),
        *(blocked(f"c{n:03}", f"b{n:03}") for n in many),
        failed("other", "KeyError: 'x'"),
        blocked("last", "other"),
    )
    assert len(told) < 12
    assert any(
        "a000, a001, a002, a003, a004, a005 and 494 more failed: ValueError: no rows" in one for one in told
    )
    assert any("other failed: KeyError" in one for one in told)
    assert any(
        "1,000 blocked by a000, a001, a002, a003, a004, a005 and 494 more: b000" in one for one in told
    )
    assert any("1 blocked by other: last" in one for one in told)


def test_many_causes_are_counted() -> None:
    """A page of them is told; the rest is a number."""
    told = summary(
        *(failed(f"a{n:03}", f"Error{n}") for n in range(500)),
        *(blocked(f"b{n:03}", f"a{n:03}") for n in range(500)),
    )
    assert len(told) < 30
    assert any("and 490 more failed" in one for one in told)
    assert any("and 490 more blocked" in one for one in told)


def test_of_failures_of_one_cause_the_first_few_are_told_when_they_happen() -> None:
    """The summary tells all of them; a log of 500 equal errors tells nothing more."""
    stream = io.StringIO()
    display = PlainDisplay(Console(stream, {"NO_COLOR": "1"}))
    for n in range(500):
        display(
            AssetFinished(
                1.0, AssetResult(f"a{n:03}", Outcome.FAILED, error=f"ValueError: a{n:03}\n  at x.py:1")
            )
        )
        display(AssetFinished(1.0, AssetResult(f"b{n:03}", Outcome.BLOCKED)))
    assert len(stream.getvalue().splitlines()) <= 20
    assert "a000" in stream.getvalue()


def test_what_stands_right_above_is_not_said_again() -> None:
    """A failure that was told with all that is known of it is counted only; one of another cause is told."""
    results = (failed("a", "KeyError: 'x'"), failed("b", "ValueError: 2"), blocked("c", "a"))
    lines = summary_lines(
        BuildResult("run", RunStatus.FAILED, results), Page(None, True), elapsed=1.0, told={"a"}
    )
    told = "\n".join("".join(span.text for span in one) for one in lines)
    assert "a failed" not in told
    assert "b failed: ValueError: 2" in told
    assert "1 blocked by a: c" in told
    assert "2 failed" in told
