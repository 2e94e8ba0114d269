"""Plan nodes that choose, order or combine rows: filter, DISTINCT, ORDER BY, LIMIT, samples and set operations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from upriver.lineage.model import Volatility
from upriver.lineage.sql.plan.expressions import Arrangement
from upriver.lineage.sql.plan.flow import NO_INFLUENCE, Influences, Node, Relation, merged
from upriver.lineage.sql.plan.ordering import ambiguous, references, sort_keys
from upriver.lineage.sql.plan.predicate import predicate_text
from upriver.lineage.sql.plan.shape import Filter, Filters, conjuncts, moved
from upriver.lineage.sql.plan.volatility import may_fail

if TYPE_CHECKING:
    from upriver.lineage.sql.plan.walk import PlanWalk


def filtered(walk: PlanWalk, node: Node, filters: Filters) -> Relation:
    """WHERE, HAVING and QUALIFY."""
    kept: list[int] = node["projection_map"]
    if kept:
        filters = moved(filters, lambda column: kept[column])
    conditions = [part for expression in node["expressions"] for part in conjuncts(expression)]
    # Conjuncts of one filter may be evaluated in any order, on rows that another of them excludes.
    if any(may_fail(condition) for condition in conditions):
        filters = ()
    else:
        filters += tuple(f for condition in conditions if (f := _filter(walk, condition)) is not None)
    below = walk.walk(node["children"][0], filters)
    rows = below.rows
    for condition, flow in zip(conditions, walk.flows(conditions, below), strict=True):
        rows |= flow.as_influence("filter", walk.filter_numbers.get(id(condition), 0))
    result = replace(below, rows=rows)
    if kept and below.unknown is None:
        places = {column: at for at, column in enumerate(kept)}
        unique = tuple(frozenset(places[c] for c in key) for key in below.unique if key <= places.keys())
        result = replace(result, columns=[below.columns[column] for column in kept], unique=unique)
    return result


def _filter(walk: PlanWalk, condition: Node) -> Filter | None:
    columns: dict[int, int] = {}

    def name_of(index: int) -> str:
        columns[index] = index
        return ""

    if predicate_text(condition, name_of) is None or not columns:
        return None
    number = walk.filter_numbers.setdefault(id(condition), len(walk.filter_numbers) + 1)
    return Filter(number, condition, columns)


def distinct(walk: PlanWalk, node: Node, filters: Filters) -> Relation:
    """DISTINCT, and DISTINCT ON, which keeps the first row of each group."""
    targets: list[Node] = node["distinct_targets"]
    on = node["distinct_type"] != "DISTINCT"
    below = walk.walk(node["children"][0], () if on else filters)
    orders: list[Node] = (node.get("order_by") or {}).get("orders") or []
    keys = references(targets)
    rows = walk.deciding(targets, below, "distinct")
    vague = any("return_type" in target and ambiguous(target["return_type"]) for target in targets)
    if vague or (on and not below.covers(keys | sort_keys(orders))):
        rows |= walk.reads_order(below)
    rows |= walk.deciding([order["expression"] for order in orders], below, "order")
    walk.arrangements.append(Arrangement(below.scans, rows))
    unique = (*below.unique, keys) if len(keys) == len(targets) else below.unique
    return replace(below.with_rows(rows), unique=unique, order=NO_INFLUENCE, total=False)


def sorted_rows(walk: PlanWalk, node: Node, filters: Filters) -> Relation:
    """ORDER BY: decides no rows by itself, but a LIMIT above it does by the same keys."""
    kept: list[int] = node["projections"]
    below = walk.walk(node["children"][0], () if kept else filters)
    order = walk.deciding([item["expression"] for item in node["orders"]], below, "order")
    walk.arrangements.append(Arrangement(below.scans, order, planned=False))
    result = replace(below, order=order, total=below.covers(sort_keys(node["orders"])))
    return replace(result, columns=[below.column(index) for index in kept], unique=()) if kept else result


def limited(walk: PlanWalk, node: Node) -> Relation:
    """LIMIT and OFFSET: without a sort that leaves no ties, any rows may be taken."""
    below = walk.walk(node["children"][0], ())
    rows: Influences = frozenset((source, "limit", 0) for source, _, _ in below.order)
    if not below.total and frozenset() not in below.unique:
        rows |= walk.reads_order(below)
    for bound in ("limit_val", "offset_val"):
        if (expression := node[bound]["expression"]) is not None:
            rows |= walk.deciding([expression], below, "limit")
    return below.with_rows(rows)


def sampled(walk: PlanWalk, node: Node) -> Relation:
    """TABLESAMPLE: by chance without a seed, by position with one."""
    below = walk.walk(node["children"][0], ())
    rows = walk.reads_order(below)
    if not node["sample_options"]["repeatable"]:
        walk.volatile[Volatility("tablesample", "build")] = None
    return replace(below.with_rows(rows), total=False)


def stacked(sides: list[Relation]) -> Relation:
    """The rows of several relations below each other."""
    width = max(len(side.columns) for side in sides)
    unknown = next((side.unknown for side in sides if side.unknown is not None), None)
    columns = [merged([side.column(index) for side in sides], "copy") for index in range(width)]
    rows = NO_INFLUENCE.union(*(side.rows for side in sides))
    scans = frozenset(scan for side in sides for scan in side.scans)
    return Relation(columns, rows, scans, unknown=unknown)


def compared(walk: PlanWalk, node: Node) -> Relation:
    """EXCEPT and INTERSECT: rows of the first, chosen by comparing all columns of both."""
    left, right = (walk.walk(child, ()) for child in node["children"])
    flows = (*left.columns, *right.columns)
    rows = (left.rows | right.rows).union(*(flow.as_influence("distinct") for flow in flows))
    unique = () if node["setop_all"] else (frozenset(range(len(left.columns))),)
    walk.arrangements.append(Arrangement(left.scans | right.scans, rows))
    unknown = left.unknown or right.unknown
    return Relation(left.columns, rows, left.scans | right.scans, unique=unique, unknown=unknown)


def without_duplicates(relation: Relation, applies: bool) -> Relation:
    """All columns decide which rows there are, where duplicates are dropped."""
    if not applies:
        return relation
    return relation.with_rows(NO_INFLUENCE.union(*(f.as_influence("distinct") for f in relation.columns)))
