"""Checks as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from upriver.materializer.model import CheckOutcome, CheckReport, CheckResult, Refused
from upriver.tui.present.figures import ago
from upriver.tui.present.spans import EMPTY, Line, Span, line
from upriver.tui.present.words import plural

_MARKS = {
    CheckOutcome.PASSED: ("✓", "green"),
    CheckOutcome.FAILED: ("✗", "red"),
    CheckOutcome.ERROR: ("✗", "red"),
    CheckOutcome.WARNED: ("!", "yellow"),
    CheckOutcome.ACCEPTED: ("≈", "yellow"),
    CheckOutcome.DUE: ("◇", "yellow"),
}
_WORDS = {
    CheckOutcome.PASSED: "passed",
    CheckOutcome.FAILED: "failed",
    CheckOutcome.ERROR: "could not be run",
    CheckOutcome.WARNED: "warned",
    CheckOutcome.ACCEPTED: "accepted",
    CheckOutcome.DUE: "not run",
}


def check_lines(report: CheckReport) -> list[Line]:
    """Every check that does not simply pass, by asset, and how many there are."""
    if not report.checks:
        return [line("nothing selected has checks")]
    lines: list[Line] = [_line(one) for one in report.checks if one.outcome is not CheckOutcome.PASSED]
    counts = Counter(one.outcome for one in report.checks)
    told = "   ".join(
        f"{_MARKS[kind][0]} {counts[kind]} {word}" for kind, word in _WORDS.items() if counts[kind]
    )
    ran = sum(one.ran for one in report.checks)
    held = f"   {plural(ran, 'check')} ran, the others hold from before" if ran < len(report.checks) else ""
    return [*lines, *([EMPTY] if lines else []), line(told + held)]


def warning_lines(results: Iterable[CheckResult]) -> list[Line]:
    """What checks tell although they stopped nothing."""
    told = (CheckOutcome.WARNED, CheckOutcome.ACCEPTED)
    return [
        _line(one)
        for one in results
        if one.outcome in told or (one.outcome is CheckOutcome.ERROR and not one.stops)
    ]


def refused_lines(refused: Refused, now: float) -> list[Line]:
    """What was refused, and why."""
    when = ago(now - refused.at)
    names = ", ".join(refused.checks)
    return [line(f"{refused.asset}: made {when} in run {refused.run}, not published: {names} failed")]


def _line(one: CheckResult) -> Line:
    mark, style = _MARKS[one.outcome]
    because = f" (accepted because {one.because})" if one.because else ""
    detail = f": {one.detail}" if one.detail else ""
    return line(Span(mark, style), f" {one.asset}  {one.check} {_WORDS[one.outcome]}{detail}{because}")
