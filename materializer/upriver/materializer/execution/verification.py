"""Verification: the artifacts that a build is about to read are those that were written, or are made again first."""

from __future__ import annotations

from collections.abc import Iterator

from upriver.assets.model import Key, Value
from upriver.materializer.context import Context
from upriver.materializer.freshness.decide import Settled
from upriver.materializer.freshness.survey import Survey
from upriver.materializer.model import Action, ArtifactRef, Version
from upriver.materializer.ports import Lease
from upriver.materializer.state.distrust import distrust_readers


class SetAside(Value, frozen=True):
    """What was found damaged in the store, and whose it was."""

    asset: Key
    text: str


def set_aside_damaged(context: Context, lease: Lease, seen: Survey, run: str) -> tuple[SetAside, ...]:
    """Move what the build of *seen* would read of damaged artifacts into quarantine, and distrust what has read it.

    When anything was, everything has to be decided again.
    """
    owners: dict[ArtifactRef, Key] = {}
    for key, version in _read_by(seen):
        owners.update((ref, key) for ref in version.artifacts)
    names = {(ref.id, ref.suffix): key for ref, key in owners.items()}
    told = []
    damaged = context.store.damaged(owners)
    for stored in damaged:
        assert stored.ref is not None  # it was asked for
        place = context.store.set_aside(stored)
        text = f"its artifact was damaged, and is made again; the damaged one is now {place}"
        told.append(SetAside(names[stored.ref.id, stored.ref.suffix], text))
    if damaged:
        ids = {stored.ref.id for stored in damaged if stored.ref is not None}
        distrust_readers(context.state, lease, ids, run, context.clock.now())
    return tuple(told)


def _read_by(seen: Survey) -> Iterator[tuple[Key, Version]]:
    """The versions, as far as they are known now, that attempts will read, or that are taken again."""
    nodes = seen.project.graph.nodes
    for node, finding in seen.findings.items():
        if finding.reuse is not None:
            yield node.asset, finding.reuse.version
        if finding.action not in (Action.BUILD, Action.MAYBE):
            continue
        for up in nodes.upstreams(node):
            if up in seen.findings:
                if (version := seen.findings[up].version) is not None:
                    yield up.asset, version
            elif isinstance(found := seen.views.upstream(up.asset), Settled):
                yield up.asset, found.version
