"""Answers about lineage: where does this come from, what does that feed, what does a change break."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from upriver.assets.errors import Diagnosis, UsageError, did_you_mean
from upriver.assets.model import Key, Schema, Source
from upriver.lineage.columns.graph import Arrow, ColumnGraph, places
from upriver.lineage.columns.groups import grouped
from upriver.lineage.model import Analysis, ColumnEdge, EdgeGroup, EdgeKind, Opaque
from upriver.materializer.answers import ColumnNode, LineageView, OpaqueNote, ViewGroup
from upriver.materializer.context import Context
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.inspection.change_token import contents_revision
from upriver.materializer.sources.observe import sources_of


class Lineage:
    """Lineage of one project, columns known through *schemas*.

    What it has looked up it keeps: it is right as long as the project, its sources and its state, told by *contents*,
    are what they were.
    """

    def __init__(self, context: Context, schemas: Schemas, contents: str = "") -> None:
        self.contents = contents
        self._schemas = schemas
        self._project = context.project(refresh=False)
        self._analyses: dict[Key, Analysis] = {}
        self._nodes: dict[Key, dict[str, ColumnNode]] = {}
        self._placed: dict[Key, tuple[ColumnNode, ...]] = {}
        self._graph = ColumnGraph(self._project.graph, self._nodes_of, self._groups)
        self._whole: dict[Arrow, ViewGroup] = {}

    def is_of(self, context: Context, contents: str) -> bool:
        """Whether it still is the lineage of the project as last derived, over *contents*."""
        return self._project is context.project(refresh=False) and self.contents == contents

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
            return self._assets_around(focus, upstream=upstream, downstream=downstream, depth=depth)
        known = self._graph.columns(key)
        start = known.all if column is None else known.bit(focus.column or "")
        groups: list[ViewGroup] = []
        reached = {key: start}
        for wanted, walk in ((upstream, self._graph.upward), (downstream, self._graph.downward)):
            if not wanted:
                continue
            beyond, met = walk(key, start, depth)
            for asset, bits in beyond.items():
                reached[asset] = reached.get(asset, 0) | bits
            up = walk == self._graph.upward
            groups += [self._group(arrow, near, up=up) for arrow, near in met.items()]
        nodes = [focus]
        for asset, bits in reached.items():
            found = self._nodes_at(asset, bits)
            nodes += [node for node in found if node != focus] if asset == key else found
        return LineageView(focus, tuple(nodes), tuple(groups), self._opaque_notes(reached, downstream))

    def _group(self, arrow: Arrow, near: int, *, up: bool) -> ViewGroup:
        """The edges of *arrow* whose near ends were met: all its targets or some on the way up, sources on the way
        down.
        """
        whole = near == (arrow.targets if up else arrow.sources)
        if whole and (known := self._whole.get(arrow)) is not None:
            return known
        group = arrow.group
        sources = self._nodes_at(group.upstream, arrow.sources if up else near)
        targets = self._nodes_at(arrow.downstream, near if up else arrow.targets)
        found = ViewGroup(sources, targets, group.kind, group.how, group.expression)
        if whole:
            self._whole[arrow] = found
        return found

    # -- one asset, for a catalogue ----------------------------------------------------------------------
    def find(self, keys: Collection[Key]) -> None:
        """Find the columns of many assets together, which is faster than one by one."""
        self._schemas.find(keys)

    def schema(self, key: Key) -> Schema:
        """The columns of *key*, as far as they are known."""
        return self._schemas.of(key) or ()

    def into(self, key: Key) -> tuple[EdgeGroup, ...]:
        """All edges into the columns and rows of *key*; of a part that is not understood, none."""
        return self.analysis(key).groups if key in self._project.assets else ()

    # -- nodes -------------------------------------------------------------------------------------------
    def _asset_node(self, key: Key) -> ColumnNode:
        asset = self._project.declared(key)
        kind = "source" if isinstance(asset, Source) else asset.kind.value if asset is not None else "table"
        return ColumnNode(key, kind=kind)

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

    def _node(self, key: Key, column: str | None) -> ColumnNode:
        """The node of a column, None: of the rows."""
        if column is None:
            return self._asset_node(key)
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

    def _nodes_at(self, key: Key, bits: int) -> tuple[ColumnNode, ...]:
        """The nodes of the columns that *bits* stand for."""
        placed = self._placed.get(key, ())
        if bits >> len(placed):
            names = self._graph.columns(key).names
            placed = self._placed[key] = tuple([self._node(key, name) for name in names])
        if bits & (bits - 1) == 0:  # one, as most are
            return (placed[bits.bit_length() - 1],) if bits else ()
        if bits == (1 << len(placed)) - 1:
            return placed
        return tuple([placed[place] for place in places(bits)])

    # -- asset level -------------------------------------------------------------------------------------
    def _assets_around(
        self, focus: ColumnNode, *, upstream: bool, downstream: bool, depth: int | None
    ) -> LineageView:
        graph = self._project.graph
        groups: list[ViewGroup] = []
        nodes = {focus.asset: focus}
        for wanted, beyond in ((upstream, graph.upstreams), (downstream, graph.downstreams)):
            if not wanted:
                continue
            up = beyond == graph.upstreams
            for near, far in _hops(focus.asset, beyond, depth):
                ends = [nodes.setdefault(key, self._asset_node(key)) for key in (near, far)]
                source, target = reversed(ends) if up else ends
                groups.append(ViewGroup((source,), (target,), EdgeKind.VALUE))
        return LineageView(focus, tuple(nodes.values()), tuple(groups), self._opaque_notes(nodes, downstream))

    # -- column level ------------------------------------------------------------------------------------
    def analysis(self, key: Key) -> Analysis:
        """The analysis of an asset's recipe; opaque when there is none."""
        if key not in self._analyses:
            self._analyses[key] = self._analyse(key)
        return self._analyses[key]

    def _analyse(self, key: Key) -> Analysis:
        if (broken := self._project.broken.get(key)) is not None:
            return Analysis(None, opaque=(Opaque(f"broken: {broken.diagnoses[0].message}"),))
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
            return ()  # unknown columns have no edges
        opaque: dict[Key, None] = {}
        for part in analysis.opaque:
            opaque.update(
                dict.fromkeys(self._project.reads[key] if part.upstream is None else (part.upstream,))
            )
        return analysis.groups + tuple(self._spelled_out(key, opaque, analysis))

    def _spelled_out(self, key: Key, opaque: Collection[Key], analysis: Analysis) -> Iterator[EdgeGroup]:
        known = {(e.upstream, e.upstream_column, e.column) for e in analysis.edges} if opaque else set()
        partly = {up for up, _, _ in known}
        outputs = (*self._nodes_of(key), None)
        for up in opaque:
            columns = (*self._nodes_of(up), None)
            if up not in partly:
                yield EdgeGroup(up, columns, None, EdgeKind.VALUE, "opaque")
                continue
            missing = [
                ColumnEdge(up, source, output, EdgeKind.VALUE, "opaque")
                for source in columns
                for output in outputs
                if (up, source, output) not in known
            ]
            yield from grouped(missing, self._schemas.of(key) or ())

    def _opaque_notes(self, assets: Iterable[Key], downstream: bool) -> tuple[OpaqueNote, ...]:
        """Of what was met, and of readers that could not be, because their columns are not known yet."""
        notes = []
        met = dict.fromkeys(assets)
        if downstream:
            below = (down for key in met for down in self._project.graph.downstreams(key))
            unknown = [down for down in below if down in self._analyses and not self._nodes_of(down)]
            met |= dict.fromkeys(unknown)
        for key in met:
            if key not in self._project.sources and key in self._analyses:
                notes += [OpaqueNote(key, opaque.cause) for opaque in self._analyses[key].opaque]
        return tuple(dict.fromkeys(notes))


def of_now(context: Context, last: Lineage | None) -> Lineage:
    """The lineage of the project as last derived: *last* where nothing has changed, with all that it has looked up."""
    # Looked at before anything is: what changes meanwhile is another revision the next time.
    contents = contents_revision(context, context.project(refresh=False).sources.values())
    if last is not None and last.is_of(context, contents):
        return last
    return Lineage(context, Schemas(context, SourceViews(sources_of(context))), contents)


def _hops(key: Key, beyond: Callable[[Key], Iterable[Key]], depth: int | None) -> Iterator[tuple[Key, Key]]:
    """Breadth first from *key*: every step from an asset to one *beyond* it, at most *depth* steps away."""
    seen = {key}
    ring, level = [key], 0
    while ring and (depth is None or level < depth):
        following = []
        for near in ring:
            for far in beyond(near):
                yield near, far
                if far not in seen:
                    seen.add(far)
                    following.append(far)
        ring, level = following, level + 1
