"""``upriver test`` at the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.tui.cli.conftest import Run
from tests.tui.cli.scripted import ANSWERS, UNIT_TESTS, ScriptedSession

from upriver.materializer.automation import file_watch
from upriver.materializer.quality.unit_test_report import UnitTestReport
from upriver.tui.cli.failure import FAILED, INTERRUPTED, WRONG


def answer(monkeypatch: pytest.MonkeyPatch, *reports: UnitTestReport) -> list[Mapping[str, Any]]:
    """Let the session answer with *reports*, one after the other; what it was asked."""
    asked: list[Mapping[str, Any]] = []
    left = list(reports)

    def test(session: ScriptedSession, given: Mapping[str, Any]) -> UnitTestReport:
        asked.append(given)
        return left.pop(0)

    monkeypatch.setattr("tests.tui.cli.scripted.ANSWERS", {**ANSWERS, "test": test})
    return asked


def test_what_differs_is_shown_as_rows(run: Run) -> None:
    """And what is wrong with a file; 2 says that something could not be run."""
    done = run("test")
    assert done.code == WRONG
    assert "✗ marts.revenue  sums  tests/revenue.yaml:1:1" in done.out
    assert "-  2    3" not in done.out
    assert "    -  2    null" in done.out
    assert "    +  2    3" in done.out
    assert "did you mean 'expect'?" in done.out
    assert "✓ 1 passed   ✗ 1 failed   ⊗ 1 problem in files of tests   in 0.3s" in done.out


def test_a_failure_alone_ends_with_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, UnitTestReport(UNIT_TESTS.tests))
    assert run("test", "marts.*").code == FAILED
    assert asked[0]["select"] == ["marts.*"]


def test_without_tests_it_says_where_they_would_be(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, UnitTestReport())
    done = run("test")
    assert (done.code, done.out) == (
        0,
        "there are no unit tests of what is selected; they are YAML files below tests/\n",
    )


def test_a_watch_asks_again_for_what_may_end_otherwise(
    run: Run, session: ScriptedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is interrupted."""
    import msgspec

    first, second = UNIT_TESTS.tests
    known = msgspec.structs.replace(first, identity="a")
    asked = answer(monkeypatch, UnitTestReport((known, second)), UnitTestReport((second,)))

    class Watch:
        touched = 0

        def __init__(self, root: Path) -> None:
            pass

        def wait(self, timeout: float) -> bool:
            Watch.touched += 1
            if Watch.touched == 2:
                raise KeyboardInterrupt
            return True

        def close(self) -> None:
            Watch.touched = -1

    monkeypatch.setattr(file_watch, "FolderWatch", Watch)
    assert run("test", "--watch").code == INTERRUPTED
    assert [given["known"] for given in asked] == [[], ["a"]]
    assert Watch.touched == -1


def test_a_watch_is_no_document(run: Run) -> None:
    assert run("test", "--watch", "--json").code == WRONG
