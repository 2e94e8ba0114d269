"""Fallback: what stands in for a node that failed, and how that shows in what reads it: stale, never fresh."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from upriver.assets.identity import Node
from upriver.materializer.freshness.decide import Settled, Subject, Upstream
from upriver.materializer.model import Cause, Materialization, Reason, Reasons

LAST = "last"


def stand_in(
    subject: Subject,
    record: Materialization | None,
    upstreams: Mapping[Node, Upstream],
    artifact_there: Callable[[Materialization], bool],
) -> Settled | None:
    """What readers of a failed node get; None where nothing is declared, or there."""
    if subject.fallback is None:
        return None
    if subject.fallback == LAST:
        if record is None or not artifact_there(record):
            return None
        return Settled(record.version, fallback=True)
    other = Node(subject.fallback)
    now = upstreams[other]
    if not isinstance(now, Settled):
        return None
    return msgspec.structs.replace(now, fallback=True, of=now.of or other)


def own_reason(subject: Subject) -> Reason:
    """The reason of the node that failed."""
    what = "its last good content" if subject.fallback == LAST else subject.fallback
    return Reason(Cause.FALLBACK, subject.asset, detail=f"its last attempt failed; {what} stands in for it")


def reasons_of_readers(
    subject: Subject, upstreams: Mapping[Node, Upstream], among: frozenset[Node]
) -> Reasons:
    """The reasons of a node for what stands in for its upstreams; only those *among* are asked for."""
    found = []
    for up in subject.upstreams:
        if up in among and isinstance(now := upstreams[up], Settled) and now.fallback:
            found.append(
                Reason(Cause.FALLBACK, up.asset, detail="a fallback is read instead of what it should be")
            )
    return tuple(found)
