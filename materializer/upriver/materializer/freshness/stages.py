"""Stages: a plan as a list of values. `plan` explains it, a build executes it."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping
from types import MappingProxyType

from upriver.assets.identity import Node
from upriver.assets.model import Key, Value
from upriver.lineage.graph import NodeGraph
from upriver.materializer.answers import Step
from upriver.materializer.freshness.decider import Finding
from upriver.materializer.model import Action

_UNKNOWN: Mapping[Key, int] = MappingProxyType({})
_LEAST_SECONDS = 0.01
_BYTES_A_SECOND = 200e6
"""About what a query over Parquet gets through. It only has to compare with what is known to have taken seconds."""


class Stage(Value, frozen=True):
    """What a build does with one node. *seconds* is its usual duration, None when that is unknown or nothing is done;
    *remaining* the expected seconds of the longest chain that starts with it: what is longer goes first.
    """

    finding: Finding
    seconds: float | None
    remaining: float

    @property
    def node(self) -> Node:
        """The node."""
        return self.finding.node

    @property
    def costs(self) -> bool:
        """Whether the stage runs the recipe, or may run it."""
        return _costs(self.finding)


class Stages(Value, frozen=True):
    """A plan: stages in start order, the critical path, and its length in seconds (None when no duration is known)."""

    stages: tuple[Stage, ...]
    critical_path: tuple[Node, ...]
    seconds: float | None

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return all(stage.finding.action is Action.FRESH for stage in self.stages)

    @property
    def priority(self) -> dict[Node, float]:
        """The expected seconds of the longest chain that starts with each node."""
        return {stage.node: stage.remaining for stage in self.stages}


def stages(
    graph: NodeGraph,
    findings: Mapping[Node, Finding],
    seconds: Mapping[Node, float],
    sizes: Mapping[Key, int] = _UNKNOWN,
) -> Stages:
    """The plan that *findings* make.

    The order is that in which one slot would take them: topological; of what could start, the step with the
    longest chain behind it goes first. *seconds* and *sizes* are as in :func:`critical_lengths`.
    """
    remaining = critical_lengths(graph, findings, seconds, sizes)
    order = _start_order(graph, findings, remaining)
    made = tuple(
        Stage(findings[node], seconds.get(node) if _costs(findings[node]) else None, remaining[node])
        for node in order
    )
    costly = [node for node in order if _costs(findings[node])]
    if not costly:
        return Stages(made, (), None)
    path = [max(costly, key=lambda node: remaining[node])]
    while nexts := [one for one in graph.downstreams(path[-1]) if one in findings and _costs(findings[one])]:
        path.append(max(nexts, key=lambda node: (remaining[node], node)))
    known = any(node in seconds for node in costly)
    return Stages(made, tuple(path), remaining[path[0]] if known else None)


def explained(plan: Stages) -> tuple[Step, ...]:
    """The stages as steps to show."""
    return tuple(
        Step(
            stage.node.asset,
            stage.finding.action,
            stage.finding.reasons,
            stage.seconds,
            stage.node.partition,
            stage.finding.diagnoses,
        )
        for stage in plan.stages
    )


def _start_order(graph: NodeGraph, nodes: Collection[Node], remaining: Mapping[Node, float]) -> list[Node]:
    """As :class:`upriver.materializer.execution.scheduler.Run` starts them; ties go by depth, then by name."""
    depth: dict[Node, int] = {}
    blocked: dict[Node, int] = {}
    for node in graph.sort(nodes):
        inside = [up for up in graph.upstreams(node) if up in nodes]
        depth[node] = 1 + max((depth[up] for up in inside), default=-1)
        blocked[node] = len(inside)
    ready = [(-remaining[node], 0, node) for node, count in blocked.items() if count == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        _, _, node = heapq.heappop(ready)
        order.append(node)
        for down in graph.downstreams(node):
            if down in blocked:
                blocked[down] -= 1
                if blocked[down] == 0:
                    heapq.heappush(ready, (-remaining[down], depth[down], down))
    return order


def critical_lengths(
    graph: NodeGraph,
    findings: Mapping[Node, Finding],
    seconds: Mapping[Node, float],
    sizes: Mapping[Key, int] = _UNKNOWN,
) -> dict[Node, float]:
    """For each node, the expected seconds of the longest chain that starts with it.

    *seconds* are what nodes took before, *sizes* the bytes of sources. A node that was never built is expected to
    take as long as going through the largest of its inputs, and to become as large; at least a small constant, so
    that longer chains still win.
    """
    order = graph.sort(findings)
    bytes_of: dict[Node, int] = {}
    for node in order:
        version = findings[node].version
        inputs = max(
            (bytes_of[up] if up in bytes_of else sizes.get(up.asset, 0) for up in graph.upstreams(node)),
            default=0,
        )
        bytes_of[node] = version.bytes if version is not None else inputs
    lengths: dict[Node, float] = {}
    for node in reversed(order):
        own = 0.0
        if _costs(findings[node]):
            # The largest of its inputs is also what was taken for its own size.
            own = seconds.get(node, max(_LEAST_SECONDS, bytes_of[node] / _BYTES_A_SECOND))
        lengths[node] = own + max(
            (lengths[down] for down in graph.downstreams(node) if down in lengths), default=0.0
        )
    return lengths


def _costs(finding: Finding) -> bool:
    return finding.action in (Action.BUILD, Action.MAYBE)
