"""Routes of lines between two layers: the row that each takes, and the order of their verticals.

See ``wires`` for what the drawing promises; here it is decided which lines may share what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from upriver.tui.present.views.layers import Node

Link: TypeAlias = tuple[Node, Node]
"""A line from a node of one layer to a node of the next."""


class Along(Enum):
    """Whose row a line runs along."""

    SOURCE = "source"
    TARGET = "target"
    OWN = "own"


@dataclass(frozen=True)
class Run:
    """Where a line runs between the verticals."""

    row: int
    along: Along


class Plan:
    """Which row each link takes, how far the verticals reach, and which must stand left of which."""

    def __init__(
        self, sources: Mapping[Node, int], targets: Mapping[Node, int], links: Sequence[Link], height: int
    ) -> None:
        self.sources, self.targets, self.height = sources, targets, height
        self.runs: dict[Link, Run] = {}
        self.members: dict[int, list[Link]] = {}
        self.along: dict[int, Along] = {}
        self.out_span: dict[Node, tuple[int, int]] = {}
        self.in_span: dict[Node, tuple[int, int]] = {}
        self.out_column: dict[Node, int] = {}
        self.in_column: dict[Node, int] = {}
        self._source_at = {sources[link[0]]: link[0] for link in links}
        self._target_at = {targets[link[1]]: link[1] for link in links}
        self._with_through: set[int] = set()
        self._out_degree: dict[Node, int] = {}
        self._in_degree: dict[Node, int] = {}
        for source, target in links:
            self._out_degree[source] = self._out_degree.get(source, 0) + 1
            self._in_degree[target] = self._in_degree.get(target, 0) + 1
        self.straight = {
            sources[source]: (source, target)
            for source, target in links
            if sources[source] == targets[target]
        }
        for row, link in self.straight.items():
            self._take(link, Run(row, Along.TARGET))
            del self.along[row]  # either kind of company is welcome still
        rest = [link for link in links if link not in self.runs]
        rest.sort(key=lambda link: self._out_degree[link[0]] > 1)
        for link in rest:
            if not self._share(link):
                self._take(link, Run(self._free_row(link), Along.OWN))

    def _share(self, link: Link) -> bool:
        """Let *link* run along its target's row or its source's, if it crosses no other line there."""
        own, other = Run(self.sources[link[0]], Along.SOURCE), Run(self.targets[link[1]], Along.TARGET)
        for run in (other, own):
            degree = self._out_degree[link[0]] if run is other else self._in_degree[link[1]]
            if self.along.get(run.row, run.along) is not run.along:
                continue
            if degree > 1:
                # Its vertical carries other lines too: nothing may come along the row before it joins.
                if run.row in self.straight or run.row in self._with_through:
                    continue
                self._with_through.add(run.row)
            self._take(link, run)
            return True
        return False

    def _take(self, link: Link, run: Run) -> None:
        self.runs[link] = run
        self.along[run.row] = run.along
        self.members.setdefault(run.row, []).append(link)

    def set_apart(self, link: Link) -> None:
        """Give *link*, which stands in the way of others, a row to itself."""
        before = self.runs[link]
        self.members[before.row].remove(link)
        if not self.members[before.row]:
            del self.members[before.row], self.along[before.row]
        self._take(link, Run(self._free_row(link), Along.OWN))

    def _free_row(self, link: Link) -> int:
        """The nearest row that nothing uses; the drawing grows if there is none."""
        middle = (self.sources[link[0]] + self.targets[link[1]]) // 2
        distance = 0
        while True:
            for row in (middle + distance, middle - distance):
                taken = row in self.members or row in self._source_at or row in self._target_at
                if row >= 0 and not taken:
                    self.height = max(self.height, row + 1)
                    return row
            distance += 1

    def arrange(self) -> set[Link]:
        """Find columns for the verticals; the links that stand in the way of any order."""
        self.out_span, self.in_span = {}, {}
        for (source, target), run in self.runs.items():
            _reach(self.out_span, source, self.sources[source], run.row)
            _reach(self.in_span, target, self.targets[target], run.row)
        self.out_column, stuck = _columns(self.out_span, self._constraints(outgoing=True))
        self.in_column, also_stuck = _columns(self.in_span, self._constraints(outgoing=False))
        return stuck | also_stuck

    def alone(self, link: Link) -> bool:
        """Whether the vertical with which *link* joins a shared row carries nothing else.

        If others come along the row before the join, it must: else they could be read to leave through it.
        """
        source, target = link
        if self.runs[link].along is Along.TARGET:
            return self._out_degree[source] == 1
        return self._in_degree[target] == 1

    def _constraints(self, outgoing: bool) -> dict[Node, list[tuple[Node, Link]]]:
        """For each vertical of one side those that must be left of it, each with the link that could give way."""
        after: dict[Node, list[tuple[Node, Link]]] = {}
        spans = self.out_span if outgoing else self.in_span
        shared_side = Along.TARGET if outgoing else Along.SOURCE
        for row, links in self.members.items():
            end = self._source_at.get(row) if outgoing else self._target_at.get(row)
            joining = [link for link in links if self._joins(link, outgoing)]
            for link in joining:
                node = link[0] if outgoing else link[1]
                # What stands at this end of the row has its own vertical on the outer side.
                if end is not None and end in spans and end != node:
                    _before(after, *((end, node) if outgoing else (node, end)), link)
            if self.along.get(row) is not shared_side or len(joining) < 2:
                continue
            # A vertical that carries other lines too must be the first to join, from the outer side.
            for link in joining:
                if not self.alone(link):
                    for other in joining:
                        if other is not link:
                            mine, theirs = (link[0], other[0]) if outgoing else (other[1], link[1])
                            _before(after, mine, theirs, other)
        return after

    def _joins(self, link: Link, outgoing: bool) -> bool:
        home = self.sources[link[0]] if outgoing else self.targets[link[1]]
        return self.runs[link].row != home


def _reach(spans: dict[Node, tuple[int, int]], node: Node, home: int, row: int) -> None:
    if row != home:
        low, high = spans.get(node, (home, home))
        spans[node] = (min(low, row), max(high, row))


def _before(after: dict[Node, list[tuple[Node, Link]]], first: Node, second: Node, link: Link) -> None:
    after.setdefault(second, []).append((first, link))


def _columns(
    spans: Mapping[Node, tuple[int, int]], after: dict[Node, list[tuple[Node, Link]]]
) -> tuple[dict[Node, int], set[Link]]:
    """A column for each vertical, and the links of cycles, which leave no order."""
    columns: dict[Node, int] = {}
    stuck: set[Link] = set()
    used: list[list[tuple[int, int]]] = []
    waiting = dict(spans)
    while waiting:
        free = [n for n in waiting if all(first not in waiting for first, _ in after.get(n, ()))]
        if not free:
            node = min(waiting, key=lambda n: sum(first in waiting for first, _ in after[n]))
            stuck.update(link for first, link in after[node] if first in waiting)
            after[node] = [(first, link) for first, link in after[node] if first not in waiting]
            free = [node]
        for node in sorted(free, key=lambda n: (waiting[n][0] - waiting[n][1], waiting[n])):
            low, high = waiting.pop(node)
            column = max((columns[first] + 1 for first, _ in after.get(node, ())), default=0)
            while column < len(used) and any(a <= high and low <= b for a, b in used[column]):
                column += 1
            while column >= len(used):
                used.append([])
            used[column].append((low, high))
            columns[node] = column
    return columns, stuck
