"""The values that a run works with: what it is given, what is attempted, what may run together."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from upriver.assets.identity import Node
from upriver.assets.model import Asset, Key
from upriver.lineage.graph import NodeGraph
from upriver.materializer.events import Event
from upriver.materializer.execution.attempt import AttemptFailed
from upriver.materializer.execution.claims import Claims
from upriver.materializer.execution.committer import Materialized
from upriver.materializer.execution.memory_budget import Took
from upriver.materializer.freshness.decide import Settled, Upstream
from upriver.materializer.freshness.decider import Finding
from upriver.materializer.model import Version
from upriver.materializer.ports import Clock, Seen
from upriver.materializer.quality.audit import Audit

_NO_AUDIT = Audit()


@dataclass(frozen=True)
class Limits:
    """What may run together. *memory* in bytes is compared with what assets took before; pools by name."""

    jobs: int
    memory: int | None = None
    pools: Mapping[str, int] = field(default_factory=dict)
    fail_fast: bool = False


@dataclass
class Work:
    """What a run is given to work with.

    *consider* decides a node (see freshness/decider.py); *claims* keep it apart from other builds; *source* is a
    source's content now; *source_problem* why it has none. *attempt* makes one attempt in a slot's thread, or raises
    AttemptFailed; *dropped* are the assets to be left out. *put* hands over to the committer, which answers through
    :meth:`Run.committed` and :meth:`Run.lost`; *failed* records a failure. *broken* is what can't be built whatever
    else happens. *fallback* is what readers get of a node that failed. *guarded* have checks: *audit* runs those that
    are due on what is there already, in a slot's thread.
    """

    graph: NodeGraph
    assets: Mapping[Key, Asset]
    order: Sequence[Node]
    consider: Callable[[Node, Mapping[Node, Upstream]], Finding]
    claims: Claims
    source: Callable[[Key], Upstream]
    source_problem: Callable[[Key], str | None]
    attempt: Callable[[Node, Mapping[Node, Version], int, int | None], Materialized]
    put: Callable[[Materialized, Seen], None]
    failed: Callable[[Node, AttemptFailed, int, str], None]
    emit: Callable[[Event], None]
    cancelled: Callable[[], bool]
    dropped: Callable[[], Collection[Key]]
    priority: Mapping[Node, float]
    took: Mapping[Node, Took]
    limits: Limits
    clock: Clock
    pause: Callable[[], float] = random.random
    broken: Mapping[Node, Finding] = field(default_factory=dict)
    guarded: Collection[Key] = ()
    fallback: Callable[[Node, Mapping[Node, Upstream]], Settled | None] = lambda node, upstreams: None
    audit: Callable[[Finding, Mapping[Node, Version]], Audit] = lambda finding, others: _NO_AUDIT

    def admits(self, node: Node, running: Collection[Node], expected: Callable[[Node], int]) -> bool:
        """Whether its asset's pool and memory leave room for it beside what runs now."""
        if not running:
            return True
        pool = self.assets[node.asset].execution.pool
        if pool is not None and pool in self.limits.pools:
            inside = sum(1 for other in running if self.assets[other.asset].execution.pool == pool)
            if inside >= self.limits.pools[pool]:
                return False
        return self.limits.memory is None or sum(map(expected, (*running, node))) <= self.limits.memory


_NOTHING = Seen(None)


@dataclass
class Attempt:
    """A running or waiting attempt of one node.

    *order* is its place among those of the same priority; a retry keeps it. *spent* are the seconds that attempts
    before this one took; *started* is when this one began, 0 while it waits.
    """

    finding: Finding
    number: int = 1
    slot: int = 0
    started: float = 0.0
    spent: float = 0.0
    order: int = 0
    seen: Seen = _NOTHING
    tried: dict[int | None, int] = field(default_factory=dict)
    """How many attempts each rule for failures has led to."""
    memory: int | None = None
    """Bytes that this attempt may take, where that is more than is declared."""
    alone: bool = False
    waits: bool = False
    """Whether it was told what it waits for."""
    """Whether nothing may run beside it."""
    again: bool = False
    """Whether it has to be decided again once it is claimed: another build was making it."""

    def lasted(self, clock: Clock) -> float:
        """Seconds that its attempts have taken so far; none for what was only waited for."""
        return self.spent + (clock.monotonic() - self.started if self.started else 0.0)
