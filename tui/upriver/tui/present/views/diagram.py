"""Drawing of a placed graph with its lines; a widget cuts strips from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from upriver.tui.present.views.layers import Edge, Node, Placement, Via, place
from upriver.tui.present.views.wires import ASCII_GLYPHS, GLYPHS, LEFT, RIGHT, Channel, route

GAP = 1
"""Blank cells between a label and the line that leaves it."""


class Box(NamedTuple):
    """Where a node stands: its first cell, and how many cells its layer is wide."""

    node: str
    x: int
    y: int
    width: int
    layer: int


class Wire(NamedTuple):
    """One cell of a line: the character and the edges that run through it."""

    character: str
    edges: tuple[Edge, ...]


class Diagram:
    """*boxes* by node; *labels* are cells reserved for the sign of one edge. Lines are worked out row by row."""

    def __init__(self, placement: Placement, width: int, height: int) -> None:
        self.placement = placement
        self.width = width
        self.height = height
        self.boxes: dict[str, Box] = {}
        self.labels: dict[tuple[int, int], Edge] = {}
        self._glyphs: Mapping[int, str] = GLYPHS
        self._level: dict[int, list[tuple[range, Wire]]] = {}
        self._channels: list[tuple[int, Channel]] = []
        self._rows: dict[int, dict[int, Wire]] = {}

    def wires(self, y: int) -> Mapping[int, Wire]:
        """The cells of lines in row *y*, by column."""
        row = self._rows.get(y)
        if row is None:
            row = self._rows[y] = {}
            for cells, wire in self._level.get(y, ()):
                row.update(dict.fromkeys(cells, wire))
            links = self.placement.links
            for x, channel in self._channels:
                for at, (mask, owners) in channel.row(y).items():
                    row[x + at] = Wire(self._glyphs[mask], tuple(e for link in owners for e in links[link]))
        return row


def draw(
    nodes: Sequence[str],
    edges: Sequence[Edge],
    width_of: Callable[[str], int],
    *,
    ascii: bool = False,
    labelled: bool = False,
    placement: Placement | None = None,
    room: int = 0,
) -> Diagram:
    """Place and draw; *width_of* gives the cells of a node's label.

    Where the drawing needs less than half of *room* rows, it is drawn with blank rows between the nodes.
    """
    placed = placement or place(nodes, edges)
    if room and 2 * placed.height - 1 <= room:
        # With blank rows between them lines find shorter ways.
        spread = {node: 2 * row for node, row in placed.rows.items()}
        placed = Placement(placed.layers, spread, placed.links)
    layers = placed.layers
    height = placed.height
    leaving, entering = _carried(placed)
    channels: list[Channel] = []
    for number in range(len(layers) - 1):
        sources = {node: placed.rows[node] for node in layers[number]}
        targets = {node: placed.rows[node] for node in layers[number + 1]}
        links = [(node, other) for node in layers[number] for other in leaving.get(node, {})]
        channels.append(route(sources, targets, links, height, labelled=labelled))
        height = max(height, channels[-1].height)
    return _Composer(placed, leaving, entering, ascii).compose(channels, height, width_of)


Carried: TypeAlias = dict[Node, dict[Node, tuple[Edge, ...]]]


def _carried(placed: Placement) -> tuple[Carried, Carried]:
    """By node the links that leave it and that enter it, each with the edges that run over it."""
    leaving: Carried = {}
    entering: Carried = {}
    for (source, target), carried in placed.links.items():
        leaving.setdefault(source, {})[target] = carried
        entering.setdefault(target, {})[source] = carried
    return leaving, entering


class _Composer:
    """Puts labels, channels and arrow heads side by side."""

    def __init__(self, placed: Placement, leaving: Carried, entering: Carried, ascii: bool) -> None:
        self.placed, self.leaving, self.entering = placed, leaving, entering
        self.glyphs: Mapping[int, str] = ASCII_GLYPHS if ascii else GLYPHS
        self.flat, self.head = self.glyphs[LEFT | RIGHT], ">" if ascii else "▸"

    def compose(self, channels: Sequence[Channel], height: int, width_of: Callable[[str], int]) -> Diagram:
        """The drawing."""
        diagram = Diagram(self.placed, 0, height)
        diagram._glyphs = self.glyphs
        x = 0
        for number, layer in enumerate(self.placed.layers):
            widths = {node: width_of(node) for node in layer if isinstance(node, str)}
            wide = max(widths.values(), default=1)
            for node in layer:
                y = self.placed.rows[node]
                if isinstance(node, Via):
                    line = range(x - 2, x + wide + GAP)
                else:
                    diagram.boxes[node] = Box(node, x, y, wide, number)
                    line = range(x + widths[node] + GAP, x + wide + GAP)
                if node in self.leaving:
                    wire = Wire(self.flat, _all(self.leaving[node]))
                    diagram._level.setdefault(y, []).append((line, wire))
            x += wide + GAP
            if number < len(channels):
                x = self._add_channel(diagram, channels[number], self.placed.layers[number + 1], x)
        diagram.width = max(0, x)
        return diagram

    def _add_channel(self, diagram: Diagram, channel: Channel, following: Sequence[Node], x: int) -> int:
        """Put the lines of a channel at column *x*; the column after it and its arrow heads."""
        diagram._channels.append((x, channel))
        for link, (at, y) in channel.labels.items():
            diagram.labels[y, x + at] = self.placed.links[link][0]
        end = x + channel.width
        for node in following:
            if node in self.entering:
                via = isinstance(node, Via)
                wire = Wire(self.flat if via else self.head, _all(self.entering[node]))
                cells = range(end, end + 2 if via else end + 1)
                diagram._level.setdefault(self.placed.rows[node], []).append((cells, wire))
        return end + 2


def _all(links: Mapping[Node, tuple[Edge, ...]]) -> tuple[Edge, ...]:
    return tuple(edge for carried in links.values() for edge in carried)


def lit_edges(edges: Sequence[Edge], focus: str) -> Collection[Edge]:
    """The edges on any path through *focus*."""
    ups: dict[str, list[str]] = {}
    downs: dict[str, list[str]] = {}
    for source, target in edges:
        ups.setdefault(target, []).append(source)
        downs.setdefault(source, []).append(target)
    found: set[Edge] = set()
    for near, upward in ((ups, True), (downs, False)):
        stack, seen = [focus], {focus}
        while stack:
            at = stack.pop()
            for other in near.get(at, ()):
                found.add((other, at) if upward else (at, other))
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
    return found
