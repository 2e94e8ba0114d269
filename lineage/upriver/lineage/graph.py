"""Immutable graphs: which asset reads which, and which node reads which."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import MappingProxyType

from upriver.assets.identity import Node
from upriver.assets.model import Key


class AssetGraph:
    """Edges from upstream to downstream over assets and sources, free of cycles.

    *upstreams* maps every asset and source to what it reads, which must be in it too. Raises CycleError.
    """

    def __init__(self, upstreams: Mapping[Key, tuple[Key, ...]]) -> None:
        self._upstreams = MappingProxyType(dict(upstreams))
        downstreams: dict[Key, list[Key]] = {key: [] for key in upstreams}
        for key, reads in upstreams.items():
            for upstream in reads:
                downstreams[upstream].append(key)
        self._downstreams = {key: tuple(readers) for key, readers in downstreams.items()}
        self._order = self._topological_order()
        self._position = {key: index for index, key in enumerate(self._order)}

    @property
    def order(self) -> tuple[Key, ...]:
        """All of it, each after what it reads; otherwise in the order they were given."""
        return self._order

    @cached_property
    def nodes(self) -> NodeGraph:
        """The graph of its nodes."""
        return NodeGraph(self)

    def __contains__(self, key: object) -> bool:
        return key in self._upstreams

    def __len__(self) -> int:
        return len(self._order)

    def upstreams(self, key: Key) -> tuple[Key, ...]:
        """What *key* reads directly."""
        return self._upstreams[key]

    def downstreams(self, key: Key) -> tuple[Key, ...]:
        """What reads *key* directly."""
        return self._downstreams[key]

    def ancestors(self, keys: Iterable[Key]) -> frozenset[Key]:
        """*keys* and everything they read, directly or not."""
        return self._reach(keys, self._upstreams)

    def descendants(self, keys: Iterable[Key]) -> frozenset[Key]:
        """*keys* and everything that reads them, directly or not."""
        return self._reach(keys, self._downstreams)

    def sort(self, keys: Iterable[Key]) -> tuple[Key, ...]:
        """*keys* without repetition, in topological order."""
        return tuple(sorted(set(keys), key=self._position.__getitem__))

    @staticmethod
    def _reach(keys: Iterable[Key], edges: Mapping[Key, tuple[Key, ...]]) -> frozenset[Key]:
        seen = set(keys)
        waiting = list(seen)
        while waiting:
            for other in edges[waiting.pop()]:
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return frozenset(seen)

    def _topological_order(self) -> tuple[Key, ...]:
        missing = {key: len(reads) for key, reads in self._upstreams.items()}
        ready = deque(key for key, count in missing.items() if count == 0)
        order: list[Key] = []
        while ready:
            key = ready.popleft()
            order.append(key)
            for reader in self._downstreams[key]:
                missing[reader] -= 1
                if missing[reader] == 0:
                    ready.append(reader)
        if len(order) < len(missing):
            done = set(order)
            raise CycleError(self._cycle_among({key for key in missing if key not in done}))
        return tuple(order)

    def _cycle_among(self, keys: set[Key]) -> tuple[Key, ...]:
        """A shortest cycle within *keys*, each of which reads another of them or is read by a cycle."""
        for start in sorted(keys):
            came_from: dict[Key, Key] = {}
            waiting = deque([start])
            while waiting:
                key = waiting.popleft()
                for upstream in self._upstreams[key]:
                    if upstream == start:
                        path = [key]
                        while path[-1] != start:
                            path.append(came_from[path[-1]])
                        return (*reversed(path), start)
                    if upstream in keys and upstream not in came_from:
                        came_from[upstream] = key
                        waiting.append(upstream)
        raise AssertionError("no cycle among the nodes left over")


class NodeGraph:
    """Edges from upstream to downstream over the nodes of a graph of assets.

    Every asset and source is one node, its whole.
    """

    def __init__(self, assets: AssetGraph) -> None:
        self._assets = assets
        self._wholes = {key: Node(key) for key in assets.order}

    def of(self, keys: Iterable[Key]) -> tuple[Node, ...]:
        """The nodes of *keys*, in their order."""
        return tuple([self._wholes[key] for key in keys])

    def upstreams(self, node: Node) -> tuple[Node, ...]:
        """What *node* reads directly."""
        return self.of(self._assets.upstreams(node.asset))

    def downstreams(self, node: Node) -> tuple[Node, ...]:
        """What reads *node* directly."""
        return self.of(self._assets.downstreams(node.asset))

    def sort(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        """*nodes* without repetition, in topological order."""
        return self.of(self._assets.sort(node.asset for node in nodes))


class CycleError(ValueError):
    """The declarations form a cycle; *path* starts and ends at the same asset, each reading the next."""

    def __init__(self, path: tuple[Key, ...]) -> None:
        self.path = path
        super().__init__(" → ".join(path))
