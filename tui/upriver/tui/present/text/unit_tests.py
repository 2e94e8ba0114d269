"""Unit tests as text: what failed, with the rows that differ, and how many passed."""

from __future__ import annotations

from collections import Counter

from upriver.materializer.quality.row_diff import RowDifference
from upriver.materializer.quality.unit_test_report import UnitTestOutcome, UnitTestReport, UnitTestResult
from upriver.tui.present.figures import duration
from upriver.tui.present.spans import EMPTY, Line, Page, Span, line
from upriver.tui.present.text.diagnoses import diagnoses_lines
from upriver.tui.present.text.table import Column, table
from upriver.tui.present.words import plural

_MARKS = {
    UnitTestOutcome.PASSED: ("✓", "green"),
    UnitTestOutcome.FAILED: ("✗", "red"),
    UnitTestOutcome.BROKEN: ("⊗", "red"),
}
_WORDS = {
    UnitTestOutcome.PASSED: "passed",
    UnitTestOutcome.FAILED: "failed",
    UnitTestOutcome.BROKEN: "could not be run",
}
_PRINTED = 20
"""So many lines of what a failed recipe has printed are shown, the last ones."""


def test_lines(report: UnitTestReport, page: Page) -> list[Line]:
    """Every test that does not pass, what is wrong with files of tests, and how many tests there are."""
    if not report.tests and not report.diagnoses:
        return [line("there are no unit tests of what is selected; they are YAML files below tests/")]
    lines: list[Line] = []
    for one in report.tests:
        if one.outcome is not UnitTestOutcome.PASSED:
            lines += [*result_lines(one, page), EMPTY]
    if report.diagnoses:
        lines += [*diagnoses_lines(report.diagnoses), EMPTY]
    counts = Counter(one.outcome for one in report.tests)
    told = [f"{_MARKS[kind][0]} {counts[kind]} {word}" for kind, word in _WORDS.items() if counts[kind]]
    if report.diagnoses:
        told.append(f"⊗ {plural(len(report.diagnoses), 'problem')} in files of tests")
    seconds = sum(one.seconds for one in report.tests)
    lines.append(line(f"{'   '.join(told)}   in {duration(seconds)}"))
    return lines


def result_lines(one: UnitTestResult, page: Page) -> list[Line]:
    """One test: how it ended, and what differs."""
    mark, style = _MARKS[one.outcome]
    first, *more = one.message.splitlines() or [""]
    lines = [line(Span(mark, style), f" {one.asset}  {one.name}  ", Span(str(one.place), "dim"))]
    lines += [line(f"  {text}") for text in (first, *more)]
    if one.difference is not None:
        lines += difference_lines(one.difference, page)
    if one.output:
        lines.append(line(Span("  it printed", "dim")))
        lines += [line(Span(f"    {text}", "dim")) for text in one.output[-_PRINTED:]]
    return lines


def difference_lines(found: RowDifference, page: Page) -> list[Line]:
    """The rows that differ, as a table: ``-`` is expected and not there, ``+`` there and not expected. Values by which
    two rows differ that belong together stand out.
    """
    columns = [Column("", minimum=None), *(Column(name, minimum=8) for name in found.columns)]
    body = []
    for row in found.rows:
        style = "red" if row.sign == "-" else "green"
        cells: list[Line] = [(Span(row.sign, style),)]
        for name, value in zip(found.columns, row.values, strict=True):
            stands_out = name in row.columns or not row.columns
            shown = "null" if value is None else value
            cells.append((Span(shown, style if stands_out else "dim"),))
        body.append(cells)
    limit = None if page.width is None else page.width - 4
    lines = [(Span("    "), *one) for one in table(columns, body, limit)]
    left = found.missing + found.surplus - len(found.rows)
    return [*lines, *([line(f"    and {plural(left, 'row')} more")] if left > 0 else [])]
