"""Text tables that fit the terminal: columns shrink, then give way, and nothing ever wraps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from upriver.tui.present.spans import EMPTY, Line, Span, clip, width

GAP = 2
FLOOR = 4
"""No column is made narrower than this many columns of the terminal."""


class Column(NamedTuple):
    """One column of a table.

    *minimum* is how narrow it may become before others must go (None: it keeps its natural width). *leaves*
    says in what order columns disappear from a narrow terminal: 1 goes first; 0 never.
    """

    title: str
    align: str = "left"
    minimum: int | None = None
    leaves: int = 0


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Line]],
    limit: int | None,
    *,
    header: bool = True,
) -> list[Line]:
    """*rows* as lines of at most *limit* terminal columns (None: as wide as it gets), under a dim header.

    A column without any content is left out.
    """
    measures = [[width(cell) for cell in row] for row in rows]
    natural = {i: most for i in range(len(columns)) if (most := max((m[i] for m in measures), default=0))}
    if header:
        natural = {i: max(w, len(columns[i].title)) for i, w in natural.items()}
    widths = _fit(columns, natural, limit)
    shown = sorted(widths)
    lines = []
    if header and shown:
        titles = [(Span(column.title, "dim"),) if column.title else EMPTY for column in columns]
        lines.append(_row(columns, titles, [len(column.title) for column in columns], widths, shown))
    lines += [_row(columns, row, m, widths, shown) for row, m in zip(rows, measures, strict=True)]
    return lines


def _row(
    columns: Sequence[Column],
    cells: Sequence[Line],
    measures: Sequence[int],
    widths: dict[int, int],
    shown: list[int],
) -> Line:
    spans: list[Span] = []
    gap = 0
    for i in shown:
        cell, room, wide = cells[i], widths[i], measures[i]
        if wide > room:
            cell = clip(cell, room)
            wide = width(cell)
        before = room - wide if columns[i].align == "right" and wide else 0
        if wide:
            if gap + before:
                spans.append(Span(" " * (gap + before)))
            spans += cell
            gap = 0
        gap += room - wide - before + GAP
    return tuple(spans)


def _fit(columns: Sequence[Column], natural: dict[int, int], limit: int | None) -> dict[int, int]:
    """The width of every column that is shown."""
    widths = dict(natural)
    if limit is None:
        return widths
    while widths:
        over = _total(widths) - limit
        if over <= 0:
            return widths
        spare = {
            i: widths[i] - floor
            for i in widths
            if (floor := columns[i].minimum) is not None and widths[i] > max(floor, FLOOR)
        }
        if sum(spare.values()) >= over:
            return _shrink(widths, spare, over)
        leaving = [i for i in widths if columns[i].leaves]
        if not leaving:
            break
        del widths[min(leaving, key=lambda i: columns[i].leaves)]
        widths = {i: natural[i] for i in widths}
    return _shrink(widths, {i: max(0, w - FLOOR) for i, w in widths.items()}, _total(widths) - limit)


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _shrink(widths: dict[int, int], spare: dict[int, int], over: int) -> dict[int, int]:
    """Take *over* columns away, always from the column that has most to spare."""
    widths, spare = dict(widths), dict(spare)
    while over > 0 and spare and max(spare.values()) > 0:
        most = max(spare, key=lambda i: spare[i])
        widths[most] -= 1
        spare[most] -= 1
        over -= 1
    return widths
