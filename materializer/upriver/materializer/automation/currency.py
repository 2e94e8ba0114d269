"""Currency of assets: the latest observation at which what an asset read equalled what it has taken in.

An asset that verifies now is as current as the look at its sources. Another is as current as the content that it has
read: the moment at which that content was last seen to be so, of the upstream for which that is longest ago.
"""

from __future__ import annotations

from collections.abc import Mapping

from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.materializer.freshness.decider import Finding
from upriver.materializer.model import Cause, Materialization, State

_BY_DATA = frozenset(
    {
        Cause.DATA,
        Cause.SCHEMA,
        Cause.UPSTREAM,
        Cause.SOURCE_MISSING,
        Cause.VOLATILE,
        Cause.FAILED,
        Cause.FALLBACK,
        Cause.APPROVAL,
    }
)
"""Reasons that leave what was taken in as it was. With another recipe it is another asset: then only a look counts
that found it fresh."""


def current_at(
    findings: Mapping[Node, Finding],
    records: Mapping[Node, Materialization],
    sources: Mapping[Key, str],
    remembered: Mapping[tuple[Key, str], float],
    now: float,
) -> dict[tuple[Key, str], float]:
    """For each source and each asset of *findings* (topological), with the id of its version: when it was current last.

    *sources* are the versions that sources were seen to hold at *now*; *remembered* is what earlier looks have found.
    """
    found: dict[tuple[Key, str], float] = dict.fromkeys(sources.items(), now)
    for node, finding in findings.items():
        if (record := records.get(node)) is None:
            continue
        here = (node.asset, record.version.id)
        if finding.state is State.FRESH:
            found[here] = now
            continue
        times = [at for at in (remembered.get(here),) if at is not None]
        if all(reason.kind in _BY_DATA for reason in finding.reasons):
            taken = [_seen((read.upstream, read.version), found, remembered) for read in record.trace.reads]
            if any(reason.kind is Cause.VOLATILE for reason in finding.reasons):
                taken.append(record.finished)  # it took in the time itself
            known = [at for at in taken if at is not None]
            if known and len(known) == len(taken):
                times.append(min(known))
        if times:
            found[here] = max(times)
    return found


def _seen(
    what: tuple[Key, str], found: Mapping[tuple[Key, str], float], remembered: Mapping[tuple[Key, str], float]
) -> float | None:
    return found.get(what, remembered.get(what))


def restless(findings: Mapping[Node, Finding]) -> set[Key]:
    """The assets that nothing but passing time makes stale, themselves or through what they read.

    *findings* are in topological order.
    """
    quiet: set[Key] = set()
    for node, finding in findings.items():
        if finding.state is State.FRESH or not finding.reasons:
            continue
        if all(
            reason.kind is Cause.VOLATILE or (reason.kind is Cause.UPSTREAM and reason.asset in quiet)
            for reason in finding.reasons
        ):
            quiet.add(node.asset)
    return quiet
