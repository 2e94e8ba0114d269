"""Text of the freshness table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from upriver.materializer.answers import AssetStatus
from upriver.materializer.model import State
from upriver.tui.present import figures
from upriver.tui.present.glyphs import STATE
from upriver.tui.present.spans import EMPTY, Line, Page, Span, flowed, line
from upriver.tui.present.text.marks import sign, word
from upriver.tui.present.text.slices import slices_text
from upriver.tui.present.text.table import Column, table
from upriver.tui.present.words import blocking, first_line, plural, reasons_text, rows

ORDERS = ("graph", "attention", "name")
"""Orders of the table: upstream first in groups, most urgent first, or by name."""

MANY = 200
"""So many rows are shown at once at a terminal; beyond that what is fresh is only counted."""

_URGENCY = {
    state: rank
    for rank, state in enumerate(
        (
            State.BROKEN,
            State.FAILED,
            State.BLOCKED,
            State.STALE,
            State.MISSING,
            State.PENDING,
            State.RUNNING,
            State.FRESH,
        )
    )
}

_COLUMNS = (
    Column(""),
    Column("state", leaves=3),
    Column("asset", minimum=24),
    Column("age", "right", leaves=4),
    Column("rows", "right", leaves=2),
    Column("size", "right", leaves=1),
    Column("why", minimum=24),
)


def status_lines(
    statuses: Sequence[AssetStatus],
    page: Page,
    *,
    now: float,
    order: str = "graph",
    limit: int | None = None,
) -> list[Line]:
    """The table and its footer. Beyond *limit* assets the fresh are only counted, the urgent kept."""
    shown = list(statuses)
    if limit is not None and len(shown) > limit:
        shown = [status for status in shown if status.state is not State.FRESH]
        if len(shown) > limit:
            shown = sorted(shown, key=urgency)[:limit]
            order = "attention"
    ordered = _ordered(shown, order)
    lines = table(_COLUMNS, [_row(status, now, page) for status in ordered], page.width)
    if order == "graph" and page.width is not None and lines:
        lines = [lines[0], *_grouped(ordered, lines[1:])]
    if len(shown) < len(statuses):
        hidden = f"{len(statuses) - len(shown):,} of {len(statuses):,} are not shown; --all shows them"
        lines += [line(Span(hidden, "dim"))]
    if lines:
        lines.append(EMPTY)
    return [*lines, *footer(statuses, page)]


def urgency(status: AssetStatus) -> tuple[int, int, str]:
    """Broken first, then failed, and so on; of one state by how much hangs on it."""
    return (_URGENCY[status.state], -len(status.downstreams), status.asset)


def _ordered(statuses: list[AssetStatus], order: str) -> list[AssetStatus]:
    if order == "attention":
        return sorted(statuses, key=urgency)
    if order == "name":
        return sorted(statuses, key=lambda status: status.asset)
    groups: dict[str, list[AssetStatus]] = {}
    for status in statuses:
        groups.setdefault(_group(status), []).append(status)
    return [status for group in groups.values() for status in group]


def _group(status: AssetStatus) -> str:
    return status.asset.rpartition(".")[0]


def _grouped(statuses: Sequence[AssetStatus], lines: Sequence[Line]) -> Iterable[Line]:
    """An empty line where the folder changes, unless every folder has just one asset."""
    groups = [_group(status) for status in statuses]
    scattered = len(set(groups)) > len(groups) / 2
    for i, text in enumerate(lines):
        if i and groups[i] != groups[i - 1] and not scattered:
            yield EMPTY
        yield text


def _row(status: AssetStatus, now: float, page: Page) -> list[Line]:
    mark = STATE[status.state]
    age = "" if status.materialized_at is None else figures.age(now - status.materialized_at)
    quiet = "dim" if status.kind == "source" else ""
    return [
        (sign(mark, page),),
        (word(mark),),
        (Span(status.asset, quiet),),
        (Span(age),) if age else EMPTY,
        (Span(rows(status.rows)),) if status.rows is not None else EMPTY,
        (Span(figures.size(status.bytes)),) if status.bytes is not None else EMPTY,
        _why(status, now),
    ]


def _why(status: AssetStatus, now: float) -> Line:
    if status.state is State.RUNNING and status.running_since is not None:
        return (Span(f"for {figures.duration(now - status.running_since)}", "dim"),)
    if status.state is State.FAILED and status.error:
        return (Span(first_line(status.error)),)
    reasons = blocking(status.reasons) if status.state is State.BLOCKED else status.reasons
    text = reasons_text(reasons, status.asset)
    if status.slices is not None and status.state is not State.RUNNING:
        counted = slices_text(status.slices)
        text = f"{text}; {counted}" if text and counted else text or counted
        return (Span(text, "dim" if status.state is State.FRESH else ""),)
    if not text and status.notes and status.state is State.FRESH:
        return (Span(status.notes[0], "yellow"),)
    if not text and status.observed_at is not None and status.state is State.FRESH:
        return (Span(f"source, looked at {_ago(now - status.observed_at)}", "dim"),)
    if not text and status.kind == "source" and status.state is State.FRESH:
        return (Span("source", "dim"),)
    return (Span(text),) if text else EMPTY


def _ago(seconds: float) -> str:
    age = figures.age(seconds)
    return age if age == "now" else f"{age} ago"


def footer(statuses: Sequence[AssetStatus], page: Page) -> list[Line]:
    """How many assets are in each state."""
    assets = [status for status in statuses if status.kind != "source"]
    counts = Counter(status.state for status in assets)
    parts = [
        line(sign(STATE[state], page), f" {counts[state]:,} {STATE[state].word}")
        for state in STATE
        if counts[state]
    ]
    sources = len(statuses) - len(assets)
    if sources:
        parts.append(line(Span(plural(sources, "source"), "dim")))
    return flowed(parts, page.width) if parts else [line("no asset matches")]
