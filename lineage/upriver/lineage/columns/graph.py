"""The graph of columns, walked a whole asset at a time.

A question about one column of a large project meets most columns of most assets. Column by column that is a step for
each; here the columns of an asset are the bits of one integer, and a step takes all that were met of it together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from upriver.assets.model import Key
from upriver.lineage.graph import AssetGraph
from upriver.lineage.model import EdgeGroup

ROWS = 1
"""The bit that stands for the rows of an asset: which there are, whatever is in them."""


class Columns:
    """The rows of one asset, called None, and its columns. Each is a bit: the rows 1, the first column 2."""

    __slots__ = ("_folded", "_place", "names")

    def __init__(self, names: Iterable[str]) -> None:
        self.names: list[str | None] = [None, *names]
        self._place: dict[str | None, int] = {name: number for number, name in enumerate(self.names)}
        self._folded: dict[str, int] | None = None

    @property
    def all(self) -> int:
        """The bits of the rows and of all columns."""
        return (1 << len(self.names)) - 1

    def bit(self, name: str | None) -> int:
        """The bit of the rows, or of the column *name* in this letter case or else in any; a new name is added."""
        place = self._place.get(name)
        if place is None and name is not None:
            if self._folded is None:
                self._folded = {}
                for number, known in enumerate(self.names):
                    self._folded.setdefault((known or "").lower(), number)
            place = self._folded.get(name.lower())
        if place is None:
            place = len(self.names)
            self.names.append(name)
            self._place[name] = place
            self._folded = None
        return 1 << place

    def bits(self, names: Iterable[str | None]) -> int:
        """The bits of several columns."""
        found = 0
        for name in names:
            place = self._place.get(name)
            found |= self.bit(name) if place is None else 1 << place
        return found


def places(bits: int) -> Iterator[int]:
    """The places of the columns that *bits* stand for, in their order."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


class Arrow:
    """A group of edges into *downstream*, its ends as bits: of the columns of *group*.upstream and of its own."""

    __slots__ = ("downstream", "group", "sources", "targets")

    def __init__(self, downstream: Key, sources: int, targets: int, group: EdgeGroup) -> None:
        self.downstream = downstream
        self.sources = sources
        self.targets = targets
        self.group = group


class ColumnGraph:
    """Column edges over an asset *graph*, looked up when a walk first comes by.

    *columns_of* gives the names of an asset's columns as far as they are known, *groups_of* all the edges into them.
    """

    def __init__(
        self,
        graph: AssetGraph,
        columns_of: Callable[[Key], Iterable[str]],
        groups_of: Callable[[Key], Iterable[EdgeGroup]],
    ) -> None:
        self._graph = graph
        self._columns_of = columns_of
        self._groups_of = groups_of
        self._columns: dict[Key, Columns] = {}
        self._into: dict[Key, dict[Key, list[Arrow]]] = {}

    def columns(self, key: Key) -> Columns:
        """The columns of *key*."""
        found = self._columns.get(key)
        if found is None:
            found = self._columns[key] = Columns(self._columns_of(key))
        return found

    def into(self, key: Key) -> Mapping[Key, list[Arrow]]:
        """The edges into *key*, by the upstream that they come from."""
        found = self._into.get(key)
        if found is None:
            found = self._into[key] = {}
            own = self.columns(key)
            every = own.all
            upstreams: dict[Key, tuple[Columns, list[Arrow]]] = {}
            for group in self._groups_of(key):
                known = upstreams.get(group.upstream)
                if known is None:
                    arrows = found[group.upstream] = []
                    known = upstreams[group.upstream] = (self.columns(group.upstream), arrows)
                sources = known[0].bits(group.upstream_columns)
                targets = every if group.columns is None else own.bits(group.columns)
                known[1].append(Arrow(key, sources, targets, group))
        return found

    def upward(
        self, key: Key, bits: int, depth: int | None = None
    ) -> tuple[dict[Key, int], dict[Arrow, int]]:
        """What the columns *bits* of *key* come from, at most *depth* hops away.

        Returns the columns that were met, those of *key* among them, by asset, in the order in which they were met,
        and every group of edges with its near ends: those of its targets that were met.
        """

        def beyond(near: Key, new: int) -> Iterator[tuple[Arrow, int, Key, int]]:
            for upstream, arrows in self.into(near).items():
                for arrow in arrows:
                    if hit := arrow.targets & new:
                        yield arrow, hit, upstream, arrow.sources

        return _walk(key, bits, depth, beyond)

    def downward(
        self, key: Key, bits: int, depth: int | None = None
    ) -> tuple[dict[Key, int], dict[Arrow, int]]:
        """What the columns *bits* of *key* feed. As :meth:`upward`; near ends are those of a group's sources."""

        def beyond(near: Key, new: int) -> Iterator[tuple[Arrow, int, Key, int]]:
            for downstream in self._graph.downstreams(near):
                for arrow in self.into(downstream).get(near, ()):
                    if hit := arrow.sources & new:
                        yield arrow, hit, downstream, arrow.targets

        return _walk(key, bits, depth, beyond)


def _walk(
    key: Key,
    bits: int,
    depth: int | None,
    beyond: Callable[[Key, int], Iterable[tuple[Arrow, int, Key, int]]],
) -> tuple[dict[Key, int], dict[Arrow, int]]:
    """Breadth first, so that *depth* counts the hops of the shortest way."""
    reached = {key: bits}
    met: dict[Arrow, int] = {}
    ring, level = {key: bits}, 0
    while ring and (depth is None or level < depth):
        following: dict[Key, int] = {}
        for near, new in ring.items():
            for arrow, hit, far, ends in beyond(near, new):
                met[arrow] = met.get(arrow, 0) | hit
                if fresh := ends & ~reached.get(far, 0):
                    reached[far] = reached.get(far, 0) | fresh
                    following[far] = following.get(far, 0) | fresh
        ring, level = following, level + 1
    return reached, met
