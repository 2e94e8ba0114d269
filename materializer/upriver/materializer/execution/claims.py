"""Claims: what keeps the builds of one project apart, node by node.

A claim only saves double work. That no build overrules another is seen to by the commit, which compares and sets: what
loses is kept for reuse, and decided again. A node that has lost so often is made with its upstreams claimed as well,
so that nothing of what it reads moves meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.lineage.graph import AssetGraph
from upriver.materializer.freshness.decide import Settled, Upstream
from upriver.materializer.model import Materialization, Version
from upriver.materializer.ports import Claim, Claimed, ClaimRequest, Lease, Seen, StateWriter

EXCLUSIVE_AFTER = 3
"""Lost commits of a node after which its upstreams are claimed together with it."""

GIVE_UP_AFTER = 10
"""Lost commits of a node after which its run gives it up: then what it reads changes faster than it is made."""

LOOK_AGAIN = 0.2
"""Seconds between two looks at what another build is making."""


class Renews(Protocol):
    """What a run is told of its environment as it is now."""

    def renew(self, key: Key) -> Mapping[Key, Version]:
        """Look again at *key* and at all that it reads; the versions that its upstream assets point at now."""
        ...

    def record(self, node: Node) -> Materialization | None:
        """What *node* pointed at when it was looked at last."""
        ...


@dataclass
class Claims:
    """The claims of one run. *assets* are all that the project makes; other upstreams are sources."""

    state: StateWriter
    lease: Lease
    environment: str
    graph: AssetGraph
    assets: Mapping[Key, object]
    view: Renews
    budget: int | None = None
    _mine: set[Key] = field(default_factory=set)
    _beside: dict[Key, tuple[Node, ...]] = field(default_factory=dict)
    _losses: dict[Key, int] = field(default_factory=dict)

    def mine(self, key: Key) -> bool:
        """Whether this run has claimed *key*."""
        return key in self._mine

    def ask(self, wanted: Sequence[tuple[Key, int]]) -> Mapping[Key, Claim]:
        """Ask for assets, each with the bytes of memory that it is expected to take. Raises BusyError."""
        requests = [
            ClaimRequest(Node(key), self._saw(key), memory, self._upstreams(key))
            for key, memory in wanted
            if key not in self._mine
        ]
        found = {key: Claim(Node(key), Claimed.GRANTED) for key, _ in wanted if key in self._mine}
        answers = self.state.claim(self.lease, self.environment, requests, self.budget)
        for request, claim in zip(requests, answers, strict=True):
            key = request.node.asset
            found[key] = claim
            if claim.answer is Claimed.GRANTED:
                self._mine.add(key)
                if request.also:
                    self._beside[key] = request.also
        return found

    def give_back(self, keys: Iterable[Key]) -> None:
        """Give claims back that end in no commit."""
        nodes: list[Node] = []
        for key in keys:
            if key in self._mine:
                self._mine.discard(key)
                nodes += [Node(key), *self._beside.pop(key, ())]
        self.state.unclaim(self.lease, self.environment, nodes)

    def ended(self, key: Key) -> None:
        """A commit or a recorded failure has given the claim of *key* back."""
        self._mine.discard(key)
        if beside := self._beside.pop(key, ()):
            self.state.unclaim(self.lease, self.environment, beside)

    def seen(self, key: Key, upstreams: Mapping[Key, Upstream]) -> Seen:
        """What *key* is made from, for the commit to compare: its pointer, and the *upstreams* that were settled."""
        versions = {up: now.version.id for up, now in upstreams.items() if isinstance(now, Settled)}
        return Seen(
            self._saw(key),
            tuple((Node(up), id_) for up, id_ in versions.items() if up in self.assets),
            tuple((up, id_) for up, id_ in versions.items() if up not in self.assets),
        )

    def lost(self, key: Key) -> int:
        """A commit of *key* was lost; how many were so far."""
        self._losses[key] = self._losses.get(key, 0) + 1
        return self._losses[key]

    def exclusively(self, key: Key) -> bool:
        """Whether *key* has lost so many commits that it needs its claim before it is decided."""
        return self._losses.get(key, 0) >= EXCLUSIVE_AFTER

    def _saw(self, key: Key) -> str | None:
        record = self.view.record(Node(key))
        return None if record is None else record.id

    def _upstreams(self, key: Key) -> tuple[Node, ...]:
        if not self.exclusively(key):
            return ()
        return tuple(Node(up) for up in self.graph.upstreams(key) if up in self.assets)
