"""Column lineage as a drawing: one column of the focus with all that it comes from and goes into.

Nodes are ``asset<TAB>column``; the columns of one asset stand together under a heading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from upriver.assets.model import Key
from upriver.lineage.model import EdgeKind
from upriver.materializer.answers import ColumnNode, LineageView, ViewEdge
from upriver.tui.present.views.diagram import Diagram, draw
from upriver.tui.present.views.layers import Edge, Node, Placement, Via, place

HEADING = "#"
WHOLE = "(rows)"
"""Shown for an edge end that is a whole asset: it decides which rows there are."""


def node_of(asset: Key, column: str | None) -> str:
    """The node of a column."""
    return f"{asset}\t{WHOLE if column is None else column}"


def parts_of(node: str) -> tuple[Key, str]:
    """Asset and column of a node (or of a heading, with no column)."""
    asset, _, column = node.lstrip(HEADING).partition("\t")
    return asset.partition("@")[0], column


@dataclass(frozen=True)
class Explored:
    """What is drawn for one column. *edges* has all edges between two nodes that are drawn as one line."""

    diagram: Diagram
    edges: dict[Edge, tuple[ViewEdge, ...]]


def related(
    view: LineageView, focus: str, *, influence: bool, gathered: bool = False
) -> dict[Edge, tuple[ViewEdge, ...]]:
    """The edges on the paths through the column *focus*, upstream and downstream.

    With *gathered*, what decides the rows of an asset downstream goes to one place, :data:`WHOLE`, not to each of
    its columns, and ends there.
    """
    ups: dict[str, list[ViewEdge]] = {}
    downs: dict[str, list[ViewEdge]] = {}
    for edge in view.edges:
        if influence or edge.kind is EdgeKind.VALUE:
            ups.setdefault(node_of(edge.target.asset, edge.target.column), []).append(edge)
    for edge in _gathered(view.edges) if gathered else view.edges:
        if influence or edge.kind is EdgeKind.VALUE:
            downs.setdefault(node_of(edge.source.asset, edge.source.column), []).append(edge)
    found: dict[Edge, dict[ViewEdge, None]] = {}
    for near in (ups, downs):
        stack, seen = [focus], {focus}
        while stack:
            for edge in near.get(stack.pop(), ()):
                ends = (
                    node_of(edge.source.asset, edge.source.column),
                    node_of(edge.target.asset, edge.target.column),
                )
                found.setdefault(ends, {})[edge] = None
                other = ends[0] if near is ups else ends[1]
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
    return {ends: tuple(edges) for ends, edges in found.items()}


def _gathered(edges: Sequence[ViewEdge]) -> list[ViewEdge]:
    """*edges* with those of one column that influence several columns of an asset alike as one edge to its rows."""
    alike: dict[tuple[ColumnNode, Key, str], list[ViewEdge]] = {}
    kept: list[ViewEdge] = []
    for edge in edges:
        if edge.kind is EdgeKind.VALUE:
            kept.append(edge)
        else:
            alike.setdefault((edge.source, edge.target.asset, edge.how), []).append(edge)
    for (_, asset, _), group in alike.items():
        if len(group) > 1:
            kept.append(msgspec.structs.replace(group[0], target=ColumnNode(asset)))
        else:
            kept += group
    return kept


def explore(
    view: LineageView,
    columns: Sequence[str],
    asset: Key,
    column: str,
    width_of: Callable[[str], int],
    *,
    influence: bool = True,
    ascii: bool = False,
) -> Explored:
    """Draw the lineage of *column* of *asset*, whose *columns* are all shown."""
    focus = node_of(asset, column)
    edges = related(view, focus, influence=influence, gathered=True)
    nodes = list(dict.fromkeys([focus, *(end for ends in edges for end in ends)]))
    placed = place(nodes, edges)
    layer_of_focus = next(n for n, layer in enumerate(placed.layers) if focus in layer)
    layers = [list(layer) for layer in placed.layers]
    own = [node_of(asset, name) for name in columns]
    layers[layer_of_focus] = [*own, *(n for n in layers[layer_of_focus] if n not in own)]
    centre = own.index(focus) + 1 if focus in own else 1
    rows: dict[Node, int] = {}
    shown: list[tuple[Node, ...]] = []
    for number, layer in enumerate(layers):
        blocks = _blocks(layer, number)
        height = sum(len(block) for block in blocks) + len(blocks) - 1
        at = 0 if number == layer_of_focus else max(0, centre - height // 2)
        ordered: list[Node] = []
        for block in blocks:
            for node in block:
                rows[node] = at
                at += 1
                ordered.append(node)
            at += 1
        shown.append(tuple(ordered))
    placement = Placement(tuple(shown), rows, placed.links)
    return Explored(
        draw(nodes, list(edges), width_of, ascii=ascii, labelled=True, placement=placement), edges
    )


def _blocks(layer: Iterable[Node], number: int) -> list[list[Node]]:
    """Columns by asset, each block under its heading; places of passing lines stand alone."""
    blocks: dict[object, list[Node]] = {}
    for node in layer:
        if isinstance(node, Via):
            blocks[node] = [node]
        else:
            asset = parts_of(node)[0]
            blocks.setdefault(asset, [f"{HEADING}{asset}@{number}"]).append(node)
    return list(blocks.values())
