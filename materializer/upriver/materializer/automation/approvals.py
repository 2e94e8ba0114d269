"""Approvals of persons: which assets wait for one, and recording it."""

from __future__ import annotations

from collections.abc import Collection

from upriver.assets.errors import UsageError, did_you_mean
from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.materializer.automation.model import ApprovalStatus
from upriver.materializer.context import Context
from upriver.materializer.freshness.approval import digest_of_inputs
from upriver.materializer.freshness.survey import Survey, survey
from upriver.materializer.model import Cause
from upriver.materializer.ports import Approval


def statuses(context: Context, keys: Collection[Key]) -> tuple[ApprovalStatus, ...]:
    """How those of *keys* stand that want an approval, in the order of the graph."""
    project = context.project(refresh=False)
    asked = [key for key in keys if key in project.assets and project.assets[key].execution.approval]
    if not asked:
        return ()
    seen = survey(context, among=project.graph.ancestors(asked))
    given = context.state.approvals(context.environment)
    return tuple(_status(seen, key, given) for key in project.graph.sort(asked))


def _status(seen: Survey, key: Key, given: Collection[Approval]) -> ApprovalStatus:
    finding = seen.findings.get(Node(key))
    waiting = finding is not None and any(reason.kind is Cause.APPROVAL for reason in finding.reasons)
    latest = next((one for one in given if one.node.asset == key), None)
    return ApprovalStatus(key, waiting, tuple(seen.project.reads[key]), latest)


def approve(context: Context, key: Key, by: str, note: str) -> ApprovalStatus:
    """Approve what *key* would be made from now. Raises UsageError where nothing waits for it."""
    project = context.project(refresh=False)
    wanting = [one for one, asset in project.assets.items() if asset.execution.approval]
    if key not in wanting:
        hint = did_you_mean(key, wanting) or (
            f"these do: {', '.join(wanting)}" if wanting else "`approval: true` in its header declares it"
        )
        raise UsageError(f"{key} wants no approval; {hint}")
    seen = survey(context, among=project.graph.ancestors([key]))
    if not _status(seen, key, ()).waiting:
        raise UsageError(f"nothing of {key} waits for an approval: {seen.findings[Node(key)].state.value}")
    versions = {}
    for up in project.graph.nodes.of(project.reads[key]):
        finding = seen.findings.get(up)
        known = seen.views.sources.known(up.asset) if up.asset in project.sources else None
        version = finding.version if finding is not None else known.version if known is not None else None
        assert version is not None, "what waits for an approval has settled inputs"
        versions[up] = version.id
    given = Approval(Node(key), digest_of_inputs(versions), context.clock.now(), by, note)
    context.state.approve(context.environment, given)
    return ApprovalStatus(key, False, tuple(project.reads[key]), given)
