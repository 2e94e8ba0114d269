"""Approval: a person says that a node may be made from what it reads now; equal inputs need no other word."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping

from upriver.assets.identity import Node
from upriver.materializer.freshness.decide import Settled, Subject, Upstream
from upriver.materializer.model import Cause, Reason


def inputs_of(subject: Subject, upstreams: Mapping[Node, Upstream]) -> str | None:
    """The digest of what a node would be made from; None while that is not settled."""
    versions = {}
    for up in subject.upstreams:
        now = upstreams[up]
        if not isinstance(now, Settled):
            return None
        versions[up] = now.version.id
    return digest_of_inputs(versions)


def waits(subject: Subject, inputs: str | None, approved: Container[tuple[Node, str]]) -> Reason | None:
    """Why a node that would be made from *inputs* is not; None when it may be."""
    if not subject.approval or inputs is None or (subject.node, inputs) in approved:
        return None
    return Reason(Cause.APPROVAL, subject.asset, detail=f"waits for `upriver approve {subject.asset}`")


def digest_of_inputs(versions: Mapping[Node, str]) -> str:
    """A digest of what an attempt read: the ids of the versions of its upstreams."""
    text = "\0".join(f"{node.asset}\0{node.partition or ''}\0{id_}" for node, id_ in sorted(versions.items()))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
