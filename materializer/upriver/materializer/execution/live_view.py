"""View of a run's environment as it is now: what other builds have made meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

from upriver.assets.identity import Node
from upriver.materializer.context import Context
from upriver.materializer.freshness.survey import Survey
from upriver.materializer.model import Materialization, Version


class LiveView:
    """The run's environment as it is now, for what another build has made meanwhile.

    See :class:`upriver.materializer.execution.claims.Renews`.
    """

    def __init__(self, context: Context, seen: Survey) -> None:
        self._context = context
        self._seen = seen

    def renew(self, node: Node) -> Mapping[Node, Version]:
        """Look again at *node* and at all that it reads; the versions that its upstream assets point at now."""
        project = self._seen.project
        upstreams = project.graph.nodes.upstreams(node)
        nodes = [node, *(up for up in upstreams if up.asset in project.assets)]
        current = self._context.state.current(self._context.environment, nodes)
        self._seen.decider.renew(nodes, current)
        for up in upstreams:
            if up.asset in project.sources:
                self._seen.views.renew(up.asset)
        return {one: record.version for one, record in current.items() if one != node}

    def record(self, node: Node) -> Materialization | None:
        """What *node* pointed at when it was looked at last."""
        return self._seen.decider.record(node)
