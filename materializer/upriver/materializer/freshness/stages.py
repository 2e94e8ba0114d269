"""Stages: a plan as a list of values. `plan` explains it, a build executes it."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping
from types import MappingProxyType

from upriver.assets.model import Key, Value
from upriver.lineage.graph import AssetGraph
from upriver.materializer.answers import Step
from upriver.materializer.freshness.decider import Finding
from upriver.materializer.model import Action

_UNKNOWN: Mapping[Key, int] = MappingProxyType({})
_LEAST_SECONDS = 0.01
_BYTES_A_SECOND = 200e6
"""About what a query over Parquet gets through. It only has to compare with what is known to have taken seconds."""


class Stage(Value, frozen=True):
    """What a build does with one asset. *seconds* is its usual duration, None when that is unknown or nothing is done;
    *remaining* the expected seconds of the longest chain that starts with it: what is longer goes first.
    """

    finding: Finding
    seconds: float | None
    remaining: float

    @property
    def asset(self) -> Key:
        """The asset's key."""
        return self.finding.asset

    @property
    def costs(self) -> bool:
        """Whether the stage runs the recipe, or may run it."""
        return _costs(self.finding)


class Stages(Value, frozen=True):
    """A plan: stages in start order, the critical path, and its length in seconds (None when no duration is known)."""

    stages: tuple[Stage, ...]
    critical_path: tuple[Key, ...]
    seconds: float | None

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return all(stage.finding.action is Action.FRESH for stage in self.stages)

    @property
    def priority(self) -> dict[Key, float]:
        """The expected seconds of the longest chain that starts with each asset."""
        return {stage.asset: stage.remaining for stage in self.stages}


def stages(
    graph: AssetGraph,
    findings: Mapping[Key, Finding],
    seconds: Mapping[Key, float],
    sizes: Mapping[Key, int] = _UNKNOWN,
) -> Stages:
    """The plan that *findings* make.

    The order is that in which one slot would take them: topological; of what could start, the step with the
    longest chain behind it goes first. *seconds* and *sizes* are as in :func:`critical_lengths`.
    """
    remaining = critical_lengths(graph, findings, seconds, sizes)
    order = _start_order(graph, findings, remaining)
    made = tuple(
        Stage(findings[key], seconds.get(key) if _costs(findings[key]) else None, remaining[key])
        for key in order
    )
    costly = [key for key in order if _costs(findings[key])]
    if not costly:
        return Stages(made, (), None)
    path = [max(costly, key=lambda key: remaining[key])]
    while nexts := [key for key in graph.downstreams(path[-1]) if key in findings and _costs(findings[key])]:
        path.append(max(nexts, key=lambda key: (remaining[key], key)))
    known = any(key in seconds for key in costly)
    return Stages(made, tuple(path), remaining[path[0]] if known else None)


def explained(plan: Stages) -> tuple[Step, ...]:
    """The stages as steps to show."""
    return tuple(
        Step(
            stage.asset,
            stage.finding.action,
            stage.finding.reasons,
            stage.seconds,
            diagnoses=stage.finding.diagnoses,
        )
        for stage in plan.stages
    )


def _start_order(graph: AssetGraph, keys: Collection[Key], remaining: Mapping[Key, float]) -> list[Key]:
    """As :class:`upriver.materializer.execution.scheduler.Run` starts them; ties go by depth, then by name."""
    depth: dict[Key, int] = {}
    blocked: dict[Key, int] = {}
    for key in graph.sort(keys):
        inside = [up for up in graph.upstreams(key) if up in keys]
        depth[key] = 1 + max((depth[up] for up in inside), default=-1)
        blocked[key] = len(inside)
    ready = [(-remaining[key], 0, key) for key, count in blocked.items() if count == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        _, _, key = heapq.heappop(ready)
        order.append(key)
        for down in graph.downstreams(key):
            if down in blocked:
                blocked[down] -= 1
                if blocked[down] == 0:
                    heapq.heappush(ready, (-remaining[down], depth[down], down))
    return order


def critical_lengths(
    graph: AssetGraph,
    findings: Mapping[Key, Finding],
    seconds: Mapping[Key, float],
    sizes: Mapping[Key, int] = _UNKNOWN,
) -> dict[Key, float]:
    """For each asset, the expected seconds of the longest chain that starts with it.

    *seconds* are what assets took before, *sizes* the bytes of sources. An asset that was never built is expected to
    take as long as going through the largest of its inputs, and to become as large; at least a small constant, so
    that longer chains still win.
    """
    order = graph.sort(findings)
    sizes = dict(sizes)
    for key in order:
        version = findings[key].version
        inputs = max((sizes.get(up, 0) for up in graph.upstreams(key)), default=0)
        sizes[key] = version.bytes if version is not None else inputs
    lengths: dict[Key, float] = {}
    for key in reversed(order):
        own = 0.0
        if _costs(findings[key]):
            # The largest of its inputs is also what was taken for its own size.
            own = seconds.get(key, max(_LEAST_SECONDS, sizes[key] / _BYTES_A_SECOND))
        lengths[key] = own + max(
            (lengths[down] for down in graph.downstreams(key) if down in lengths), default=0.0
        )
    return lengths


def _costs(finding: Finding) -> bool:
    return finding.action in (Action.BUILD, Action.MAYBE)
