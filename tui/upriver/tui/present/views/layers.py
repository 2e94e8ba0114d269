"""Layered placement of a DAG: layers by longest path, order by barycentre, rows so that lines run straight.

After Sugiyama, Tagawa, Toda (1981); rows by pooling adjacent violators, which keeps the order and stays as
close to the middle of each node's neighbours as it can. An edge over several layers runs through places that
hold no node; edges of one node share them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Via(NamedTuple):
    """A place in *layer* through which the long edges of *source* run."""

    source: str
    layer: int


Node: TypeAlias = str | Via
Edge: TypeAlias = tuple[str, str]

SWEEPS = 4


@dataclass(frozen=True)
class Placement:
    """*layers* of nodes from left to right, each node's *rows*, and the *links* between neighbouring layers.

    Each link carries the edges that run over it.
    """

    layers: tuple[tuple[Node, ...], ...]
    rows: Mapping[Node, int]
    links: Mapping[tuple[Node, Node], tuple[Edge, ...]]

    @property
    def height(self) -> int:
        """Rows in use."""
        return max(self.rows.values(), default=-1) + 1


def layer_numbers(nodes: Sequence[str], edges: Iterable[Edge]) -> dict[str, int]:
    """The layer of each node: one after its last upstream; what nothing feeds stands next to its first reader."""
    ups: dict[str, list[str]] = {node: [] for node in nodes}
    downs: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in edges:
        ups[target].append(source)
        downs[source].append(target)
    waiting = {node: len(above) for node, above in ups.items()}
    ready = [node for node in nodes if not waiting[node]]
    layers: dict[str, int] = dict.fromkeys(nodes, 0)
    for node in ready:  # grows while it is walked
        beyond = layers[node] + 1
        for below in downs[node]:
            if layers[below] < beyond:
                layers[below] = beyond
            waiting[below] -= 1
            if not waiting[below]:
                ready.append(below)
    for node in nodes:
        if not ups[node] and downs[node]:
            layers[node] = min(layers[below] for below in downs[node]) - 1
    return layers


def place(
    nodes: Sequence[str], edges: Iterable[Edge], *, layers: Mapping[str, int] | None = None
) -> Placement:
    """Place *nodes*; *layers* overrides the layering (every edge must go to a higher one)."""
    edges = list(dict.fromkeys(edges))
    numbers = dict(layers) if layers is not None else layer_numbers(nodes, edges)
    links = _links(edges, numbers)
    count = max(numbers.values(), default=-1) + 1
    rows: list[list[Node]] = [[] for _ in range(count)]
    for node in nodes:
        rows[numbers[node]].append(node)
    for via in dict.fromkeys(end for link in links for end in link if isinstance(end, Via)):
        rows[via.layer].append(via)
    ups: dict[Node, list[Node]] = {}
    downs: dict[Node, list[Node]] = {}
    for above, below in links:
        downs.setdefault(above, []).append(below)
        ups.setdefault(below, []).append(above)
    _order(rows, ups, downs)
    return Placement(tuple(tuple(layer) for layer in rows), _assign_rows(rows, ups, downs), links)


def _links(edges: Iterable[Edge], numbers: Mapping[str, int]) -> dict[tuple[Node, Node], tuple[Edge, ...]]:
    links: dict[tuple[Node, Node], list[Edge]] = {}
    for source, target in edges:
        at: Node = source
        for layer in range(numbers[source] + 1, numbers[target]):
            via = Via(source, layer)
            links.setdefault((at, via), []).append((source, target))
            at = via
        links.setdefault((at, target), []).append((source, target))
    return {link: tuple(carried) for link, carried in links.items()}


def _order(
    rows: list[list[Node]], ups: Mapping[Node, Sequence[Node]], downs: Mapping[Node, Sequence[Node]]
) -> None:
    """Sort each layer by the mean place of its neighbours in the layer before (then after), several times."""
    place_of: dict[Node, float] = {}
    for layer in rows:
        place_of.update((node, float(index)) for index, node in enumerate(layer))
    for sweep in range(SWEEPS):
        near = ups if sweep % 2 == 0 else downs
        for layer in rows if sweep % 2 == 0 else reversed(rows):
            middle: dict[Node, float] = {}
            for node in layer:
                others = near.get(node)
                if others:
                    middle[node] = sum(place_of[other] for other in others) / len(others)
                else:
                    middle[node] = place_of[node]
            layer.sort(key=middle.__getitem__)
            place_of.update((node, float(index)) for index, node in enumerate(layer))


def _assign_rows(
    rows: Sequence[Sequence[Node]], ups: Mapping[Node, Sequence[Node]], downs: Mapping[Node, Sequence[Node]]
) -> dict[Node, int]:
    row: dict[Node, int] = {}
    for layer in rows:
        row.update((node, index) for index, node in enumerate(layer))
    for sweep in range(SWEEPS + 1):
        near = ups if sweep % 2 == 0 else downs
        for layer in rows if sweep % 2 == 0 else reversed(rows):
            wished = []
            for node in layer:
                others = sorted(row[other] for other in near.get(node, ()))
                wished.append(float(row[node]) if not others else _median(others))
            row.update(zip(layer, spaced(wished), strict=True))
    lowest = min(row.values(), default=0)
    return {node: at - lowest for node, at in row.items()}


def _median(values: Sequence[int]) -> float:
    middle = len(values) // 2
    return float(values[middle]) if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def spaced(wished: Sequence[float]) -> list[int]:
    """Strictly increasing integers as near to *wished* as their order allows (least squares, rounded)."""
    blocks: list[tuple[float, int]] = []
    for index, value in enumerate(wished):
        total, size = value - index, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / size:
            before_total, before_size = blocks.pop()
            total, size = total + before_total, size + before_size
        blocks.append((total, size))
    placed: list[int] = []
    for total, size in blocks:
        start = round(total / size)
        placed += [start + len(placed) + offset for offset in range(size)]
    return placed
