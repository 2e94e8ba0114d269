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
from upriver.lineage.graph import NodeGraph
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

    def renew(self, node: Node) -> Mapping[Node, Version]:
        """Look again at *node* and at all that it reads; the versions that its upstream assets point at now."""
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
    graph: NodeGraph
    assets: Mapping[Key, object]
    view: Renews
    budget: int | None = None
    pools: Mapping[Node, tuple[str, int]] = field(default_factory=dict)
    _mine: set[Node] = field(default_factory=set)
    _beside: dict[Node, tuple[Node, ...]] = field(default_factory=dict)
    _losses: dict[Node, int] = field(default_factory=dict)

    def mine(self, node: Node) -> bool:
        """Whether this run has claimed *node*."""
        return node in self._mine

    def ask(self, wanted: Sequence[tuple[Node, int]]) -> Mapping[Node, Claim]:
        """Ask for nodes, each with the bytes of memory that it is expected to take. Raises BusyError."""
        requests = [
            ClaimRequest(node, self._saw(node), memory, self._upstreams(node), self.pools.get(node))
            for node, memory in wanted
            if node not in self._mine
        ]
        found = {node: Claim(node, Claimed.GRANTED) for node, _ in wanted if node in self._mine}
        answers = self.state.claim(self.lease, self.environment, requests, self.budget)
        for request, claim in zip(requests, answers, strict=True):
            found[request.node] = claim
            if claim.answer is Claimed.GRANTED:
                self._mine.add(request.node)
                if request.also:
                    self._beside[request.node] = request.also
        return found

    def give_back(self, nodes: Iterable[Node]) -> None:
        """Give claims back that end in no commit."""
        given: list[Node] = []
        for node in nodes:
            if node in self._mine:
                self._mine.discard(node)
                given += [node, *self._beside.pop(node, ())]
        self.state.unclaim(self.lease, self.environment, given)

    def ended(self, node: Node) -> None:
        """A commit or a recorded failure has given the claim of *node* back."""
        self._mine.discard(node)
        if beside := self._beside.pop(node, ()):
            self.state.unclaim(self.lease, self.environment, beside)

    def seen(self, node: Node, upstreams: Mapping[Node, Upstream]) -> Seen:
        """What *node* is made from, for the commit to compare: its pointer, and the *upstreams* that were settled."""
        versions = {now.of or up: now.version.id for up, now in upstreams.items() if isinstance(now, Settled)}
        return Seen(
            self._saw(node),
            tuple((up, id_) for up, id_ in versions.items() if up.asset in self.assets),
            tuple((up.asset, id_) for up, id_ in versions.items() if up.asset not in self.assets),
        )

    def lost(self, node: Node) -> int:
        """A commit of *node* was lost; how many were so far."""
        self._losses[node] = self._losses.get(node, 0) + 1
        return self._losses[node]

    def exclusively(self, node: Node) -> bool:
        """Whether *node* has lost so many commits that it needs its claim before it is decided."""
        return self._losses.get(node, 0) >= EXCLUSIVE_AFTER

    def _saw(self, node: Node) -> str | None:
        record = self.view.record(node)
        return None if record is None else record.id

    def _upstreams(self, node: Node) -> tuple[Node, ...]:
        if not self.exclusively(node):
            return ()
        return tuple(up for up in self.graph.upstreams(node) if up.asset in self.assets)
