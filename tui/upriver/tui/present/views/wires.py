"""Lines between two layers that can be read without doubt.

From left to right, a node's lines leave through one vertical of its own (if they leave its row at all), each
runs along one row, and enters its target through one vertical of the target's own (if it must change rows
there). A row may be shared by lines to the node that stands at its end, or by lines from the node at its
beginning. So every cell is shared only by lines of the same source or by lines of the same target; a vertical
joins what comes along a row only if it carries nothing else; and where lines cross, the vertical is drawn over
the horizontal. A line that is followed to the right then leads to true targets only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from upriver.tui.present.views.layers import Node
from upriver.tui.present.views.routes import Along, Link, Plan, Run

AIRY = 4
"""Up to so many verticals stand with a blank between them."""

LEFT, RIGHT, UP, DOWN = 1, 2, 4, 8

GLYPHS = {
    LEFT | RIGHT: "─", UP | DOWN: "│", LEFT: "─", RIGHT: "─", UP: "│", DOWN: "│",
    LEFT | DOWN: "╮", LEFT | UP: "╯", RIGHT | DOWN: "╭", RIGHT | UP: "╰",
    LEFT | UP | DOWN: "┤", RIGHT | UP | DOWN: "├", LEFT | RIGHT | DOWN: "┬", LEFT | RIGHT | UP: "┴",
    LEFT | RIGHT | UP | DOWN: "┼",
}  # fmt: skip
ASCII_GLYPHS = {mask: "-" if mask <= 3 else "|" if mask in (4, 8, 12) else "+" for mask in GLYPHS}


Stretch: TypeAlias = tuple[int, int, object, Link]
"""A piece of a line along a row: first cell, the one after the last, the net it belongs to, the link."""

Upright: TypeAlias = tuple[int, int, int, tuple[object, object, object], Link]
"""A piece along a column: the column, first and last row, the nets of first, middle and last cell, the link."""


class Channel:
    """The lines between two neighbouring layers, stored as straight pieces; cells are worked out row by row.

    x counts from the channel's left. *labels* is a cell for a sign of each link, where that was asked for.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.labels: dict[Link, tuple[int, int]] = {}
        self._level: dict[int, list[Stretch]] = {}
        self._upright: list[Upright] = []

    def add_level(self, y: int, start: int, stop: int, net: object, link: Link) -> None:
        """A piece along row *y*, over the cells from *start* to before *stop*."""
        if start < stop:
            self._level.setdefault(y, []).append((start, stop, net, link))

    def add_upright(
        self, x: int, start: int, stop: int, nets: tuple[object, object, object], link: Link
    ) -> None:
        """A piece along column *x*, coming from the left at row *start* and leaving to the right at *stop*.

        *nets* are those of its first cell, of those between, and of its last cell.
        """
        self._upright.append((x, start, stop, nets, link))

    def row(self, y: int) -> dict[int, tuple[int, list[Link]]]:
        """The cells of row *y*: what is seen in them, and the links that run through them."""
        nets: dict[int, dict[object, int]] = {}
        owners: dict[int, list[Link]] = {}

        def mark(x: int, mask: int, net: object, link: Link) -> None:
            cell = nets.setdefault(x, {})
            cell[net] = cell.get(net, 0) | mask
            owners.setdefault(x, []).append(link)

        for start, stop, net, link in self._level.get(y, ()):
            for x in range(start, stop):
                mark(x, LEFT | RIGHT, net, link)
        for x, start, stop, (first, between, last), link in self._upright:
            if y == start:
                mark(x, LEFT | (DOWN if stop > start else UP), first, link)
            elif y == stop:
                mark(x, RIGHT | (UP if stop > start else DOWN), last, link)
            elif start < y < stop or stop < y < start:
                mark(x, UP | DOWN, between, link)
        return {x: (_on_top(tuple(cell.values())), owners[x]) for x, cell in nets.items()}


def route(
    sources: Mapping[Node, int],
    targets: Mapping[Node, int],
    links: Sequence[Link],
    height: int,
    *,
    labelled: bool = False,
) -> Channel:
    """Lay *links* from *sources* to *targets* (nodes with their rows) in a channel of at least *height* rows.

    With *labelled* every line has a cell for a sign of its own.
    """
    plan = Plan(sources, targets, links, height)
    while stuck := plan.arrange():
        for link in sorted(stuck, key=str):
            plan.set_apart(link)
    return _Drawing(plan, labelled).channel()


class _Drawing:
    """Turns a plan into pieces of lines. A net is what is shared by one source, by one target, or one link alone."""

    def __init__(self, plan: Plan, labelled: bool) -> None:
        self.plan = plan
        outs = max(plan.out_column.values(), default=-1) + 1
        ins = max(plan.in_column.values(), default=-1) + 1
        step = 2 if outs + ins <= AIRY else 1
        self.middle = 1 + outs * step + 1 if labelled else None
        in_from = 1 + outs * step + (3 if labelled else 0)
        self.width = in_from + ins * step + 1
        self.out_at = {node: 1 + column * step for node, column in plan.out_column.items()}
        self.in_at = {node: in_from + column * step for node, column in plan.in_column.items()}

    def channel(self) -> Channel:
        """Everything drawn."""
        channel = Channel(self.width, self.plan.height)
        for link, run in self.plan.runs.items():
            self._add(channel, link, run)
        if self.middle is not None:
            channel.labels = {
                link: self._label(link, run, self.middle) for link, run in self.plan.runs.items()
            }
        return channel

    def _company(self, run: Run) -> Along:
        """Whose row it is. A line between two nodes of one row takes either kind of company, and is as it is."""
        return self.plan.along.get(run.row, run.along)

    def _label(self, link: Link, run: Run, middle: int) -> tuple[int, int]:
        """A cell that only this link runs through, or the one where it joins the others."""
        alone = len(self.plan.members[run.row]) == 1
        if alone:
            return middle, run.row
        if link == self.plan.straight.get(run.row):
            return (0, run.row) if self._company(run) is Along.TARGET else (self.width - 1, run.row)
        return (self.out_at[link[0]] if run.along is Along.TARGET else self.in_at[link[1]]), run.row

    def _add(self, channel: Channel, link: Link, run: Run) -> None:
        source, target = link
        start, end, row = self.plan.sources[source], self.plan.targets[target], run.row
        home, goal = ("from", source), ("to", target)
        # The net of the row between the verticals, and of the cells where the link joins or leaves it.
        along = {Along.SOURCE: home, Along.TARGET: goal, Along.OWN: link}[self._company(run)]
        joins = self.plan.alone(link) if link != self.plan.straight.get(row) else False
        own_out, own_in = self.out_at.get(source, -1), self.in_at.get(target, self.width)
        out_x = own_out if row != start else -1
        in_x = own_in if row != end else self.width
        if out_x >= 0:
            channel.add_level(start, 0, out_x, home, link)
            last = goal if run.along is Along.TARGET and joins else home
            channel.add_upright(out_x, start, row, (home, home, last), link)
        # Along its own row a link passes its source's vertical first, at the end its target's.
        begin = out_x + 1
        passed = max(begin, min(own_out + 1, in_x)) if row == start else begin
        until = max(passed, min(own_in, in_x)) if row == end else in_x
        channel.add_level(row, begin, passed, home, link)
        channel.add_level(row, passed, until, along, link)
        channel.add_level(row, until, in_x, goal, link)
        if in_x < self.width:
            first = home if run.along is Along.SOURCE and joins else goal
            channel.add_upright(in_x, row, end, (first, goal, goal), link)
            channel.add_level(end, in_x + 1, self.width, goal, link)


def _on_top(masks: tuple[int, ...]) -> int:
    """What is seen where nets cross: the vertical, so that the horizontal is seen to pass under it."""
    for mask in masks:
        if mask & (UP | DOWN):
            return mask
    return masks[0]
