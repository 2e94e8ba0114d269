"""Answers about lineage: where does this come from, what does that feed, what does a change break."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from upriver.assets.errors import Diagnosis, UsageError, did_you_mean
from upriver.assets.model import Key
from upriver.lineage.edges import grouped
from upriver.lineage.model import Analysis, ColumnEdge, EdgeGroup, EdgeKind, Opaque
from upriver.materializer.survey import Schemas
from upriver.materializer.views import ColumnNode, LineageView, OpaqueNote, ViewGroup
from upriver.materializer.workspace import Workspace


class _Hop(NamedTuple):
    """A group of edges seen from one side: *beyond* are its ends on the other."""

    beyond: tuple[ColumnNode, ...]
    kind: EdgeKind = EdgeKind.VALUE
    how: str = "copy"
    expression: str | None = None


class Lineage:
    """Lineage of one project, columns known through *schemas*."""

    def __init__(self, workspace: Workspace, schemas: Schemas) -> None:
        self._schemas = schemas
        self._project = workspace.project(refresh=False)
        self._analyses: dict[Key, Analysis] = {}
        self._nodes: dict[Key, dict[str, ColumnNode]] = {}
        self._into: dict[Key, dict[str | None, list[_Hop]]] = {}
        self._out_of: dict[Key, dict[tuple[Key, str], list[_Hop]]] = {}

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
        if column is None and not columns:
            starts, up, down = [focus], self._asset_up, self._asset_down
        else:
            starts = [focus] if column is not None else list(self._nodes_of(key).values()) or [focus]
            up, down = self._column_up, self._column_down
        groups: list[ViewGroup] = []
        nodes = dict.fromkeys([focus, *starts])
        if upstream:
            met = _walk(starts, up, depth, nodes)
            groups += [
                ViewGroup(hop.beyond, tuple(near), hop.kind, hop.how, hop.expression) for hop, near in met
            ]
        if downstream:
            met = _walk(starts, down, depth, nodes)
            groups += [
                ViewGroup(tuple(near), hop.beyond, hop.kind, hop.how, hop.expression) for hop, near in met
            ]
        return LineageView(focus, tuple(nodes), tuple(groups), self._opaque_notes(nodes, downstream))

    # -- nodes -------------------------------------------------------------------------------------------
    def _asset_node(self, key: Key) -> ColumnNode:
        asset = self._project.assets.get(key)
        return ColumnNode(key, kind="source" if asset is None else asset.kind.value)

    def _nodes_of(self, key: Key) -> dict[str, ColumnNode]:
        """The nodes of all columns, as far as they are known, by name."""
        if key not in self._nodes:
            kind = self._asset_node(key).kind
            schema = self._schemas.of(key) or ()
            made = dict(self.analysis(key).expressions)
            self._nodes[key] = {
                one.name: ColumnNode(key, one.name, one.type, kind, made.get(one.name)) for one in schema
            }
        return self._nodes[key]

    def _node(self, key: Key, column: str) -> ColumnNode:
        nodes = self._nodes_of(key)
        if (found := nodes.get(column)) is not None:
            return found
        if (
            found := next((n for name, n in nodes.items() if name.lower() == column.lower()), None)
        ) is not None:
            return found
        if self._schemas.of(key) is not None:
            hint = did_you_mean(column, nodes)
            raise UsageError(f"{key} has no column {column!r}" + (f"; {hint}" if hint else ""))
        return ColumnNode(key, column, None, self._asset_node(key).kind)

    # -- asset level -------------------------------------------------------------------------------------
    def _asset_up(self, node: ColumnNode) -> Iterable[_Hop]:
        for up in self._project.graph.upstreams(node.asset):
            yield _Hop((self._asset_node(up),))

    def _asset_down(self, node: ColumnNode) -> Iterable[_Hop]:
        for down in self._project.graph.downstreams(node.asset):
            yield _Hop((self._asset_node(down),))

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

    def _groups(self, key: Key) -> tuple[EdgeGroup, ...]:
        """All edges into *key*, those of opaque parts spelled out: every column in, every column out."""
        if key not in self._project.assets:
            return ()
        analysis = self.analysis(key)
        if not self._nodes_of(key):
            return ()  # columns that nobody knows yet have no edges
        opaque: dict[Key, None] = {}
        for part in analysis.opaque:
            opaque.update(
                dict.fromkeys(self._project.reads[key] if part.upstream is None else (part.upstream,))
            )
        return analysis.groups + tuple(self._spelled_out(key, opaque, analysis))

    def _spelled_out(self, key: Key, opaque: Collection[Key], analysis: Analysis) -> Iterator[EdgeGroup]:
        known = {(e.upstream, e.upstream_column, e.column) for e in analysis.edges} if opaque else set()
        partly = {up for up, _, _ in known}
        outputs = self._nodes_of(key)
        for up in opaque:
            columns = tuple(self._nodes_of(up))
            if columns and up not in partly:
                yield EdgeGroup(up, columns, None, EdgeKind.VALUE, "opaque")
                continue
            missing = [
                ColumnEdge(up, source, output, EdgeKind.VALUE, "opaque")
                for source in columns
                for output in outputs
                if (up, source, output) not in known
            ]
            yield from grouped(missing, self._schemas.of(key) or ())

    def _column_up(self, node: ColumnNode) -> Iterable[_Hop]:
        into = self._into.get(node.asset)
        if into is None:
            into = self._into[node.asset] = defaultdict(list)
            for group in self._groups(node.asset):
                beyond = tuple(self._node(group.upstream, name) for name in group.upstream_columns)
                hop = _Hop(beyond, group.kind, group.how, group.expression)
                for column in (None,) if group.columns is None else group.columns:
                    into[column].append(hop)
        yield from into.get(node.column or "", ())
        yield from into.get(None, ())

    def _column_down(self, node: ColumnNode) -> Iterable[_Hop]:
        for down in self._project.graph.downstreams(node.asset):
            out_of = self._out_of.get(down)
            if out_of is None:
                out_of = self._out_of[down] = self._outward(down)
            yield from out_of.get((node.asset, node.column or ""), ())

    def _outward(self, down: Key) -> dict[tuple[Key, str], list[_Hop]]:
        """The edges into *down* by where they come from."""
        out_of: defaultdict[tuple[Key, str], list[_Hop]] = defaultdict(list)
        nodes = self._nodes_of(down)
        everything = tuple(nodes.values())
        for group in self._groups(down):
            columns = group.columns
            beyond = (
                everything
                if columns is None
                else tuple([nodes.get(c) or self._node(down, c) for c in columns])
            )
            hop = _Hop(beyond, group.kind, group.how, group.expression)
            for name in group.upstream_columns:
                out_of[group.upstream, name].append(hop)
        return out_of

    def _opaque_notes(self, nodes: Iterable[ColumnNode], downstream: bool) -> tuple[OpaqueNote, ...]:
        """Of what was met, and of readers that could not be, because nobody knows their columns yet."""
        notes = []
        met = dict.fromkeys(node.asset for node in nodes)
        if downstream:
            below = (down for key in met for down in self._project.graph.downstreams(key))
            unknown = [down for down in below if down in self._analyses and not self._nodes_of(down)]
            met |= dict.fromkeys(unknown)
        for key in met:
            if key in self._project.assets and key in self._analyses:
                notes += [OpaqueNote(key, opaque.cause) for opaque in self._analyses[key].opaque]
        return tuple(dict.fromkeys(notes))


def _walk(
    starts: list[ColumnNode],
    step: Callable[[ColumnNode], Iterable[_Hop]],
    depth: int | None,
    nodes: dict[ColumnNode, None],
) -> Collection[tuple[_Hop, list[ColumnNode]]]:
    """Breadth first from *starts*: every group of edges that is met, with the nodes from which it was. What is
    reached is added to *nodes*.
    """
    met: dict[
        int, tuple[_Hop, list[ColumnNode]]
    ] = {}  # by identity: to compare hops is to compare all their ends
    ring, level = starts, 0
    while ring and (depth is None or level < depth):
        following = []
        for node in ring:
            for hop in step(node):
                if (known := met.get(id(hop))) is not None:
                    known[1].append(node)
                    continue
                met[id(hop)] = (hop, [node])
                for other in hop.beyond:
                    if other not in nodes:
                        nodes[other] = None
                        following.append(other)
        ring, level = following, level + 1
    return met.values()
