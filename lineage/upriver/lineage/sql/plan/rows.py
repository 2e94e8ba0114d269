"""Handlers of plan nodes that choose, order or combine rows: filter, DISTINCT, ORDER BY, LIMIT, samples, sets."""

from __future__ import annotations

from dataclasses import replace

from upriver.lineage.model import Volatility
from upriver.lineage.sql.plan.context import Arrangement, PlanContext
from upriver.lineage.sql.plan.flow import NO_INFLUENCE, Influences, Node, Relation, merged
from upriver.lineage.sql.plan.ordering import ambiguous_values, references, sort_keys
from upriver.lineage.sql.plan.predicate import predicate_text
from upriver.lineage.sql.plan.shape import Filter, Filters, Steps, conjuncts, moved
from upriver.lineage.sql.plan.volatility import may_fail, subexpressions


def filtered(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """WHERE, HAVING and QUALIFY."""
    kept: list[int] = node["projection_map"]
    if kept:
        filters = moved(filters, lambda column: kept[column])
    conditions = [part for expression in node["expressions"] for part in conjuncts(expression)]
    # Conjuncts of one filter may be evaluated in any order, on rows that another of them excludes. One that may fail
    # reads all rows, unless it is alone: then its own evaluation over all rows finds what it fails on.
    filters = tuple(one for one in filters if not one.risky)
    risky = any(may_fail(condition) for condition in conditions)
    if risky and (filters or len(conditions) > 1):
        filters = ()
    else:
        found = (_filter(context, condition, risky) for condition in conditions)
        filters += tuple(one for one in found if one is not None)
    below = yield node["children"][0], filters
    rows = below.rows
    for condition, flow in zip(conditions, context.flows(conditions, below), strict=True):
        rows |= flow.as_influence("filter", context.filter_numbers.get(id(condition), 0))
    result = replace(below, rows=rows, complete={})
    if kept and below.unknown is None:
        places = {column: at for at, column in enumerate(kept)}
        unique = tuple(frozenset(places[c] for c in key) for key in below.unique if key <= places.keys())
        result = replace(result, columns=[below.columns[column] for column in kept], unique=unique)
    return result


def _filter(context: PlanContext, condition: Node, risky: bool) -> Filter | None:
    columns: dict[int, int] = {}

    def name_of(index: int) -> str:
        columns[index] = index
        return ""

    if predicate_text(condition, name_of) is None or not columns or not context.is_steady(condition):
        return None
    if risky and _has_conjunction(condition):  # whose parts may spare each other a row, in either order
        return None
    number = context.filter_numbers.setdefault(id(condition), len(context.filter_numbers) + 1)
    return Filter(number, condition, columns, risky)


def _has_conjunction(expression: Node) -> bool:
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        if part["expression_class"] == "BOUND_CONJUNCTION":
            return True
        waiting += subexpressions(part)
    return False


def distinct(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """DISTINCT, and DISTINCT ON, which keeps the first row of each group."""
    targets: list[Node] = node["distinct_targets"]
    on = node["distinct_type"] != "DISTINCT"
    below = yield node["children"][0], () if on else filters
    orders: list[Node] = (node.get("order_by") or {}).get("orders") or []
    keys = references(targets)
    rows = context.deciding(targets, below, "distinct")
    if ambiguous_values(targets) or (on and not below.covers(keys | sort_keys(orders))):
        rows |= context.reads_order(below)
    rows |= context.deciding([order["expression"] for order in orders], below, "order")
    context.arrangements.append(Arrangement(below.scans, rows))
    unique = (*below.unique, keys) if len(keys) == len(targets) else below.unique
    return replace(below.with_rows(rows), unique=unique, order=NO_INFLUENCE, total=False)


def sorted_rows(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """ORDER BY: decides no rows by itself, but a LIMIT above it does by the same keys."""
    kept: list[int] = node["projections"]
    below = yield node["children"][0], () if kept else filters
    order = context.deciding([item["expression"] for item in node["orders"]], below, "order")
    context.arrangements.append(Arrangement(below.scans, order, planned=False))
    total = below.covers(sort_keys(node["orders"]))
    if ambiguous_values([item["expression"] for item in node["orders"]]):
        total = any(unique <= sort_keys(node["orders"]) for unique in below.unique)
    result = replace(below, order=order, total=total)
    return (
        replace(result, columns=[below.column(index) for index in kept], unique=(), complete={})
        if kept
        else result
    )


def limited(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """LIMIT and OFFSET: without a sort that leaves no ties, any rows may be taken."""
    below = yield node["children"][0], ()
    rows: Influences = frozenset((source, "limit", 0) for source, _, _ in below.order)
    if not below.total and frozenset() not in below.unique:
        rows |= context.reads_order(below)
    for bound in ("limit_val", "offset_val"):
        if (expression := node[bound]["expression"]) is not None:
            rows |= context.deciding([expression], below, "limit")
    return below.with_rows(rows)


def sampled(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """TABLESAMPLE: by chance without a seed, by position with one."""
    below = yield node["children"][0], ()
    rows = context.reads_order(below)
    if not node["sample_options"]["repeatable"]:
        context.volatile[Volatility("tablesample", "build")] = None
    return replace(below.with_rows(rows), total=False)


def united(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """UNION ALL: the rows of several inputs below each other. UNION is a DISTINCT over it."""
    sides = []
    for child in node["children"]:
        sides.append((yield child, filters))
    return stacked(sides)


def stacked(sides: list[Relation]) -> Relation:
    """The rows of several relations below each other."""
    width = max(len(side.columns) for side in sides)
    unknown = next((side.unknown for side in sides if side.unknown is not None), None)
    columns = [merged([side.column(index) for side in sides], "copy") for index in range(width)]
    rows = NO_INFLUENCE.union(*(side.rows for side in sides))
    scans = frozenset(scan for side in sides for scan in side.scans)
    return Relation(columns, rows, scans, unknown=unknown)


def compared(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """EXCEPT and INTERSECT: rows of the first, chosen by comparing all columns of both."""
    first, second = node["children"]
    left = yield first, ()
    right = yield second, ()
    flows = (*left.columns, *right.columns)
    rows = (left.rows | right.rows).union(*(flow.as_influence("distinct") for flow in flows))
    unique = () if node["setop_all"] else (frozenset(range(len(left.columns))),)
    context.arrangements.append(Arrangement(left.scans | right.scans, rows))
    unknown = left.unknown or right.unknown
    return Relation(left.columns, rows, left.scans | right.scans, unique=unique, unknown=unknown)


def without_duplicates(relation: Relation, applies: bool) -> Relation:
    """All columns decide which rows there are, where duplicates are dropped."""
    if not applies:
        return relation
    return relation.with_rows(NO_INFLUENCE.union(*(f.as_influence("distinct") for f in relation.columns)))
