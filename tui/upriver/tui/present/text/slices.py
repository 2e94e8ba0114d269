"""Text of slices: counts and ranges in few words, and the list of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from upriver.lineage.partitions.slices import SliceCounts, SlicesStatus
from upriver.materializer.model import Cause, Reason, State
from upriver.tui.present import figures
from upriver.tui.present.glyphs import STATE
from upriver.tui.present.spans import EMPTY, Line, Page, Span, line
from upriver.tui.present.text.marks import sign, word
from upriver.tui.present.text.table import Column, table
from upriver.tui.present.words import plural, reason_text, rows

if TYPE_CHECKING:
    from upriver.materializer.automation.backfill import BackfillStatus

_MOST_RANGES = 3
_COLUMNS = (
    Column(""),
    Column("state", leaves=2),
    Column("slice", minimum=24),
    Column("rows", "right", leaves=1),
    Column("why", minimum=24),
)


def slices_text(value: SlicesStatus | None) -> str:
    """How the slices of an asset stand, in a few words."""
    if value is None or not value.count:
        return ""
    whole = f"; whole: {value.whole}" if value.whole is not None else ""
    states = (
        ("stale", value.stale),
        ("missing", value.missing),
        ("failed", value.failed),
        ("waiting", value.pending),
    )
    told = [f"{count:,} {name}" for name, count in states if count]
    if not told:
        return plural(value.count, "slice") + whole
    where = [_range(one.first, one.last) for one in value.ranges if one.state != State.FRESH.value]
    more = f" and {len(where) - _MOST_RANGES:,} more ranges" if len(where) > _MOST_RANGES else ""
    return (
        f"{', '.join(told)} of {plural(value.count, 'slice')}: {', '.join(where[:_MOST_RANGES])}{more}{whole}"
    )


def counts_text(value: SliceCounts | None) -> str:
    """What a build has done with slices, in a few words."""
    if value is None:
        return ""
    text = f"{value.made:,} of {plural(value.count, 'slice')}"
    if value.unchanged:
        text += f", {value.unchanged:,} unchanged"
    if value.left:
        text += f", {value.left:,} left"
    return text


def _range(first: str, last: str) -> str:
    return first if first == last else f"{first}..{last}"


def partition_lines(values: Sequence[SlicesStatus], page: Page, *, limit: int | None = None) -> list[Line]:
    """Every slice, those of each asset below its key; beyond *limit* of an asset only those that are not fresh."""
    if not values:
        return [line("no asset that matches is partitioned")]
    lines: list[Line] = []
    for value in values:
        shown = value.slices
        if limit is not None and len(shown) > limit:
            shown = tuple(one for one in shown if one.state != State.FRESH.value)[:limit]
        lines += [line(Span(value.asset, "bold"), f"  {slices_text(value)}")]
        lines += table(
            _COLUMNS,
            [
                [
                    (sign(STATE[State(one.state)], page),),
                    (word(STATE[State(one.state)]),),
                    (Span(one.key),),
                    (Span(rows(one.rows)),) if one.rows is not None else EMPTY,
                    (Span(_why(one.reason, value.asset)),) if one.reason is not None else EMPTY,
                ]
                for one in shown
            ],
            page.width,
        )
        if len(shown) < len(value.slices):
            lines.append(
                line(Span(f"{len(value.slices) - len(shown):,} are not shown; --all shows them", "dim"))
            )
        lines.append(EMPTY)
    return lines[:-1]


def backfill_lines(values: Sequence[BackfillStatus], page: Page) -> list[Line]:
    """One line a backfill: what is left of it, and what was done for it."""
    if not values:
        return [line("no backfill is left")]
    lines = []
    for value in values:
        goal = value.goal
        what = " ".join([*(goal.select or ("everything",)), *goal.partition])
        done = [f"{goal.built:,} built"]
        done += [f"{goal.unchanged:,} unchanged"] if goal.unchanged else []
        done += [f"{goal.reused:,} reused"] if goal.reused else []
        done += [f"{goal.failed:,} failed"] if goal.failed else []
        eta = ""
        if value.eta is not None and value.left:
            eta = f", {figures.duration(value.eta[0])} to {figures.duration(value.eta[1])} to go"
        left = f"{plural(value.left, 'slice')} left" if value.left else "done"
        lines.append(line(Span(goal.id, "bold"), f"  {what}: {left}, {', '.join(done)}{eta}"))
    return lines


def _why(reason: tuple[str, str, str], asset: str) -> str:
    kind, about, detail = reason
    return reason_text(Reason(Cause(kind), about, detail=detail), asset)
