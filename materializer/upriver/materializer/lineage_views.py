"""Answers about lineage: where does this come from, what does that feed, what does a change break."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from upriver.assets.errors import Diagnosis, UsageError, did_you_mean
from upriver.assets.model import Key
from upriver.lineage.model import Analysis, ColumnEdge, EdgeKind, Opaque
from upriver.materializer.survey import Schemas
from upriver.materializer.views import ColumnNode, LineageView, OpaqueNote, ViewEdge
from upriver.materializer.workspace import Workspace


class Lineage:
    """Lineage of one project, columns known through *schemas*."""

    def __init__(self, workspace: Workspace, schemas: Schemas) -> None:
        self._schemas = schemas
        self._project = workspace.project(refresh=False)
        self._analyses: dict[Key, Analysis] = {}
        self._nodes: dict[tuple[Key, str], ColumnNode] = {}
        self._into: dict[Key, dict[str, list[ColumnEdge]]] = {}
        self._out_of: dict[Key, dict[tuple[Key, str], list[ColumnEdge]]] = {}

    def around(
        self,
        key: Key,
        column: str | None,
        *,
        upstream: bool,
        downstream: bool,
        columns: bool,
        depth: int | None,
    ) -> LineageView:
        """The part of the graph that *key*, or its *column*, comes from and feeds. *depth* counts hops."""
        focus = self._node(key, column) if column is not None else self._asset_node(key)
        walk = _Walk(depth)
        if column is None and not columns:
            step_up, step_down = self._asset_up, self._asset_down
            starts = [focus]
        else:
            step_up, step_down = self._column_up, self._column_down
            starts = [focus] if column is not None else [self._node(key, name) for name in self._names(key)]
            starts = starts or [focus]
        if upstream:
            walk.follow(starts, step_up, lambda edge: edge.source)
        if downstream:
            walk.follow(starts, step_down, lambda edge: edge.target)
        nodes = dict.fromkeys([focus, *starts])
        for edge in walk.edges:
            nodes.setdefault(edge.source)
            nodes.setdefault(edge.target)
        return LineageView(focus, tuple(nodes), tuple(walk.edges), self._opaque_notes(nodes))

    # -- nodes -------------------------------------------------------------------------------------------
    def _asset_node(self, key: Key) -> ColumnNode:
        asset = self._project.assets.get(key)
        return ColumnNode(key, kind="source" if asset is None else asset.kind.value)

    def _node(self, key: Key, column: str) -> ColumnNode:
        if (key, column) not in self._nodes:
            self._nodes[key, column] = self._make_node(key, column)
        return self._nodes[key, column]

    def _make_node(self, key: Key, column: str) -> ColumnNode:
        schema = self._schemas.of(key)
        by_name = {one.name: one for one in schema or ()}
        found = by_name.get(column) or next(
            (c for c in schema or () if c.name.lower() == column.lower()), None
        )
        if found is None and schema is not None:
            hint = did_you_mean(column, by_name)
            raise UsageError(f"{key} has no column {column!r}" + (f"; {hint}" if hint else ""))
        node = self._asset_node(key)
        return ColumnNode(key, found.name if found else column, found.type if found else None, node.kind)

    def _names(self, key: Key) -> list[str]:
        return [column.name for column in self._schemas.of(key) or ()]

    # -- asset level -------------------------------------------------------------------------------------
    def _asset_up(self, node: ColumnNode) -> Iterable[ViewEdge]:
        for up in self._project.graph.upstreams(node.asset):
            yield ViewEdge(self._asset_node(up), node, EdgeKind.VALUE)

    def _asset_down(self, node: ColumnNode) -> Iterable[ViewEdge]:
        for down in self._project.graph.downstreams(node.asset):
            yield ViewEdge(node, self._asset_node(down), EdgeKind.VALUE)

    # -- column level ------------------------------------------------------------------------------------
    def analysis(self, key: Key) -> Analysis:
        """The analysis of an asset's recipe; opaque when there is none."""
        if key not in self._analyses:
            self._analyses[key] = self._analyse(key)
        return self._analyses[key]

    def _analyse(self, key: Key) -> Analysis:
        if key not in self._project.assets:
            return Analysis(self._schemas.of(key))
        found = self._schemas.analysis(key)
        if found is None:
            cause = "the columns of an upstream are not known before it is built"
            return Analysis(self._schemas.of(key), opaque=(Opaque(cause),))
        if isinstance(found, Diagnosis):
            return Analysis(None, opaque=(Opaque(found.message),))
        return found

    def _edges(self, key: Key) -> list[ColumnEdge]:
        """All column edges into *key*, those of opaque parts spelled out: every column in, every column out."""
        analysis = self.analysis(key)
        edges = list(analysis.edges)
        if not analysis.opaque:
            return edges
        outputs = self._names(key)
        seen = {(edge.upstream, edge.upstream_column, edge.column) for edge in edges}
        for opaque in analysis.opaque:
            reads = self._project.reads[key] if opaque.upstream is None else (opaque.upstream,)
            for up in reads:
                for column in self._names(up):
                    for output in outputs:
                        if (up, column, output) not in seen:
                            seen.add((up, column, output))
                            edges.append(ColumnEdge(up, column, output, EdgeKind.VALUE, "opaque"))
        return edges

    def _edges_into(self, key: Key) -> dict[str, list[ColumnEdge]]:
        """Edges into *key* by its columns."""
        if key not in self._into:
            by_column: defaultdict[str, list[ColumnEdge]] = defaultdict(list)
            for edge in self._edges(key) if key in self._project.assets else ():
                by_column[edge.column].append(edge)
            self._into[key] = by_column
        return self._into[key]

    def _edges_out_of(self, down: Key) -> dict[tuple[Key, str], list[ColumnEdge]]:
        """Edges into *down* by where they come from."""
        if down not in self._out_of:
            by_source: defaultdict[tuple[Key, str], list[ColumnEdge]] = defaultdict(list)
            for edges in self._edges_into(down).values():
                for edge in edges:
                    by_source[edge.upstream, edge.upstream_column].append(edge)
            self._out_of[down] = by_source
        return self._out_of[down]

    def _column_up(self, node: ColumnNode) -> Iterable[ViewEdge]:
        for edge in self._edges_into(node.asset).get(node.column or "", ()):
            yield self._view(edge, node)

    def _column_down(self, node: ColumnNode) -> Iterable[ViewEdge]:
        for down in self._project.graph.downstreams(node.asset):
            for edge in self._edges_out_of(down).get((node.asset, node.column or ""), ()):
                yield self._view(edge, self._node(down, edge.column))

    def _view(self, edge: ColumnEdge, target: ColumnNode) -> ViewEdge:
        source = self._node(edge.upstream, edge.upstream_column)
        return ViewEdge(source, target, edge.kind, edge.how, edge.expression)

    def _opaque_notes(self, nodes: Iterable[ColumnNode]) -> tuple[OpaqueNote, ...]:
        notes = []
        for key in dict.fromkeys(node.asset for node in nodes):
            if key in self._project.assets and key in self._analyses:
                notes += [OpaqueNote(key, opaque.cause) for opaque in self._analyses[key].opaque]
        return tuple(dict.fromkeys(notes))


class _Walk:
    """Follows edges breadth first from starting nodes."""

    def __init__(self, depth: int | None) -> None:
        self._depth = depth
        self.edges: dict[ViewEdge, None] = {}

    def follow(self, starts, step, onward) -> None:  # type: ignore[no-untyped-def]  # three small callables
        seen, edge_nodes, level = set(starts), list(starts), 0
        while edge_nodes and (self._depth is None or level < self._depth):
            following = []
            for node in edge_nodes:
                for edge in step(node):
                    self.edges.setdefault(edge)
                    other = onward(edge)
                    if other not in seen:
                        seen.add(other)
                        following.append(other)
            edge_nodes, level = following, level + 1
