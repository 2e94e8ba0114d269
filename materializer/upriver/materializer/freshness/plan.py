"""Plan of a build, for showing: the stages that the build would execute, with the reasons of each step."""

from __future__ import annotations

import msgspec

from upriver.materializer.answers import Plan
from upriver.materializer.context import Context
from upriver.materializer.freshness.stages import explained, stages
from upriver.materializer.freshness.status import reasons_of
from upriver.materializer.freshness.survey import Survey


def plan_of(context: Context, seen: Survey) -> Plan:
    """The plan for what *seen* has decided; durations are those of earlier runs."""
    durations = context.state.durations(context.environment)
    seconds = {node: one[0] for node, one in durations.items()}
    project = seen.project
    planned = stages(project.graph.nodes, seen.findings, seconds, seen.views.sizes(project.sources))
    steps = (
        msgspec.structs.replace(step, reasons=reasons_of(seen, stage.node))
        for stage, step in zip(planned.stages, explained(planned), strict=True)
    )
    return Plan(tuple(steps), tuple(node.asset for node in planned.critical_path), planned.seconds)
