"""Renewal of what a build has looked at, for assets that are decided after something that may have written it.

A build looks at files when it begins. A recipe that declares ``writes=`` (or any, where writes are only watched) may
change them, here or in another build, and what comes after it must be decided by what there is then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from upriver.assets.identity import Node
from upriver.assets.model import PythonRecipe
from upriver.lineage.project.project import Project
from upriver.materializer.execution.committer import Materialized
from upriver.materializer.freshness.decide import ENFORCED, ISOLATION, Subject, Upstream
from upriver.materializer.freshness.decider import Finding
from upriver.materializer.freshness.survey import Survey


class Renewal:
    """Decides nodes of one run (see :class:`upriver.materializer.freshness.decider.Decider`), looking again where that
    is due. *subject* tells what a node is now.
    """

    def __init__(self, project: Project, seen: Survey, subject: Callable[[Node], Subject]) -> None:
        self._project = project
        self._seen = seen
        self._subject = subject
        self._unconfined: set[Node] = set()
        self._after: set[Node] = set()

    def ran(self, made: Materialized) -> Materialized:
        """An attempt has been made. Safe from other threads."""
        record = made.materialization
        recipe = self._project.assets[record.asset].recipe
        if isinstance(recipe, PythonRecipe) and (ISOLATION, ENFORCED) not in record.trace.environment:
            self._unconfined.add(record.node)
        return made

    def consider(self, node: Node, upstreams: Mapping[Node, Upstream]) -> Finding:
        """Decide *node*, whose upstreams were decided before."""
        before = self._project.graph.nodes.upstreams(node)
        if not any(one in self._after or self._may_have_written(one) for one in before):
            return self._seen.decider.consider(node, upstreams)
        self._after.add(node)
        self._seen.contents.forget_external()
        if node.asset in self._project.assets:
            self._seen.decider.look_again(self._subject(node))
        now = dict(upstreams)
        for one in before:
            if one.asset in self._project.sources:
                self._seen.views.sources.forget(one.asset)
                now[one] = self._seen.views.upstream(one.asset)
        return self._seen.decider.consider(node, now)

    def _may_have_written(self, node: Node) -> bool:
        """Whether *node* is made in this build, or waited for, and may write into the project."""
        asset, found = self._project.assets.get(node.asset), self._seen.findings.get(node)
        declared = asset is not None and bool(asset.permissions.writes)
        return node in self._unconfined or (declared and (found is None or found.version is None))
