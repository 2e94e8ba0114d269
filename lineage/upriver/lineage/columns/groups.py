"""Groups of column edges: edges with the same ends on both sides are one value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from upriver.assets.model import Key, Schema
from upriver.lineage.model import ColumnEdge, EdgeGroup, EdgeKind

_Way: TypeAlias = tuple[Key, tuple[str | None, ...] | None, EdgeKind, str, str | None]


def grouped(edges: Iterable[ColumnEdge], schema: Schema) -> tuple[EdgeGroup, ...]:
    """The same *edges* into a table of *schema*, as few groups as have the same ends on both sides."""
    into: dict[tuple[Key, str | None, EdgeKind, str, str | None], dict[str | None, None]] = {}
    for edge in edges:
        way = (edge.upstream, edge.upstream_column, edge.kind, edge.how, edge.expression)
        into.setdefault(way, {})[edge.column] = None
    everything: set[str | None] = {None, *(column.name for column in schema)}
    out_of: dict[_Way, list[str | None]] = {}
    for (upstream, name, kind, how, expression), columns in into.items():
        ends = None if columns.keys() == everything else tuple(columns)
        out_of.setdefault((upstream, ends, kind, how, expression), []).append(name)
    return tuple(
        EdgeGroup(upstream, tuple(names), ends, kind, how, expression)
        for (upstream, ends, kind, how, expression), names in out_of.items()
    )
