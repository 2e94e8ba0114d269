"""A walk over DuckDB's bound, unoptimized plan: which source columns make and decide each output column.

References in the plan are positions in the output of the node below, so each node's output is computed from those of
its children. Row filters travel the other way: a conjunct that no join, aggregate or limit on its way could turn
into another meaning reaches the scan and becomes part of its predicate.

An expression or node that the walk does not know is taken to depend on every column of every table below it.

The handlers of nodes are generators that yield the nodes below (see ``shape.Steps``); the walk keeps them on a stack of
its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from upriver.lineage.sql.plan.columns import (
    aggregated,
    pivoted,
    projection,
    unnested,
    value_list,
    windowed,
)
from upriver.lineage.sql.plan.context import PlanContext
from upriver.lineage.sql.plan.flow import Node, Relation, UnknownShapeError
from upriver.lineage.sql.plan.joins import joined
from upriver.lineage.sql.plan.rows import compared, distinct, filtered, limited, sampled, sorted_rows, united
from upriver.lineage.sql.plan.scans import constant_rows, cte_reference, recursive_cte, scanned, with_cte
from upriver.lineage.sql.plan.shape import JOIN_NODES, Filters, Steps, plan_nodes

_Handler: TypeAlias = Callable[[PlanContext, Node, Filters], Steps]

_HANDLERS: Mapping[str, _Handler] = {
    "LOGICAL_GET": scanned,
    "LOGICAL_PROJECTION": projection,
    "LOGICAL_FILTER": filtered,
    **dict.fromkeys(JOIN_NODES, joined),
    "LOGICAL_AGGREGATE_AND_GROUP_BY": aggregated,
    "LOGICAL_PIVOT": pivoted,
    "LOGICAL_WINDOW": windowed,
    "LOGICAL_UNNEST": unnested,
    "LOGICAL_DISTINCT": distinct,
    "LOGICAL_ORDER_BY": sorted_rows,
    "LOGICAL_LIMIT": limited,
    "LOGICAL_SAMPLE": sampled,
    "LOGICAL_UNION": united,
    "LOGICAL_EXCEPT": compared,
    "LOGICAL_INTERSECT": compared,
    "LOGICAL_MATERIALIZED_CTE": with_cte,
    "LOGICAL_CTE_REF": cte_reference,
    "LOGICAL_RECURSIVE_CTE": recursive_cte,
    "LOGICAL_EXPRESSION_GET": value_list,
    "LOGICAL_CHUNK_GET": constant_rows,
    "LOGICAL_DUMMY_SCAN": constant_rows,
    "LOGICAL_EMPTY_RESULT": constant_rows,
}


def walked(context: PlanContext, plan: Node) -> Relation:
    """The output of the whole *plan* of *context*."""
    open_nodes: list[tuple[Node, Steps]] = [(plan, _steps(context, plan, ()))]
    below: Relation | None = None
    while True:
        node, steps = open_nodes[-1]
        try:
            asked = next(steps) if below is None else steps.send(below)
        except StopIteration as finished:
            below = finished.value
            open_nodes.pop()
        except (UnknownShapeError, LookupError, TypeError, ValueError) as error:
            cause = f"plan node {node.get('type')} is not understood ({error!r})"
            open_nodes[-1] = (node, _unknown(context, node, cause))
            below = None
            continue
        else:
            below = None
            open_nodes.append((asked[0], _steps(context, *asked)))
            continue
        if "table_index" in node:
            context.tables[node["table_index"]] = below
        if not open_nodes:
            return below


def _steps(context: PlanContext, node: Node, filters: Filters) -> Steps:
    if node.get("projection_map") and node["type"] != "LOGICAL_FILTER":
        return _unknown(context, node, "a node that drops columns is not understood")
    handler = _HANDLERS.get(node["type"])
    if handler is None:
        return _unknown(context, node, f"plan node {node['type']} is not known")
    return handler(context, node, filters)


def _unknown(context: PlanContext, node: Node, cause: str) -> Steps:
    """Everything that is scanned below *node*."""
    scans: set[int] = set()
    for below in plan_nodes(node):
        match below["type"]:
            case "LOGICAL_GET" if (key := context.scanned_key(below)) is not None:
                scans.add(context.scan_number(below, key))
            case "LOGICAL_MATERIALIZED_CTE":
                context.ctes[below["table_index"]] = below["children"][0]
            case "LOGICAL_CTE_REF":
                scans |= (yield below, ()).scans
    everything = context.everything(frozenset(scans), cause)
    context.note_volatile(node)
    return Relation([], everything.influence, frozenset(scans), unknown=everything)
