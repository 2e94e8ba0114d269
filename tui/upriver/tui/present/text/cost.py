"""Text of the costs of assets."""

from __future__ import annotations

from upriver.materializer.runs.cost_answers import Costs
from upriver.tui.present import figures
from upriver.tui.present.spans import EMPTY, Line, Page, Span, line, wrap
from upriver.tui.present.text.table import Column, table
from upriver.tui.present.views.costs import sorted_costs
from upriver.tui.present.words import plural, rows

_COLUMNS = (
    Column("asset", minimum=16),
    Column("total", "right"),
    Column("share", "right", leaves=4),
    Column("usual", "right", leaves=5),
    Column("built", "right"),
    Column("failed", "right", leaves=6),
    Column("reused", "right", leaves=7),
    Column("saved", "right", leaves=8),
    Column("rows", "right", leaves=3),
    Column("size", "right", leaves=2),
    Column("memory", "right", leaves=1),
)


def cost_lines(found: Costs, page: Page, *, order: str, now: float, limit: int | None = None) -> list[Line]:
    """One line an asset, then the sum."""
    if not found.runs:
        return [line("no run has ended yet: `upriver build` makes the first")]
    ordered = sorted_costs(found.assets, order)
    body: list[list[Line]] = [
        [
            line(one.asset),
            line(figures.duration(one.total) if one.total else "–"),
            line(Span(_share(one.total / found.seconds) if one.total and found.seconds else "", "dim")),
            line(figures.duration(one.seconds)),
            line(f"{one.built:,}" if one.built else "–"),
            (Span(f"{one.failed:,}", "red"),) if one.failed else EMPTY,
            line(f"{one.reused:,}") if one.reused else EMPTY,
            (Span(figures.duration(one.saved), "green"),) if one.saved else EMPTY,
            line(rows(one.rows)),
            line("–" if one.bytes is None else figures.size(one.bytes)),
            line("–" if one.peak_memory is None else figures.size(one.peak_memory)),
        ]
        for one in ordered[:limit]
    ]
    since = "" if found.since is None else f", the first {figures.ago(now - found.since)}"
    total = f"{figures.duration(found.seconds)} in {plural(found.runs, 'run')}{since}"
    spared = f"; reuse has saved about {figures.duration(found.saved)}" if found.saved else ""
    more = len(ordered) - len(body)
    left_out = wrap(f"{more:,} more; --all shows them", page.width, "dim") if more else []
    return [*table(_COLUMNS, body, page.width), *left_out, EMPTY, *wrap(total + spared, page.width, "bold")]


def _share(part: float) -> str:
    return "<1%" if part < 0.005 else f"{part:.0%}"
