"""Handlers of plan nodes that make columns: projections, aggregates, windows, UNNEST and lists of values."""

from __future__ import annotations

from collections.abc import Mapping

from upriver.lineage.sql.plan.context import Arrangement, PlanContext
from upriver.lineage.sql.plan.flow import NO_INFLUENCE, Flow, Influences, Node, Relation, merged
from upriver.lineage.sql.plan.operands import aggregate_operands, window_operands
from upriver.lineage.sql.plan.ordering import (
    aggregate_reads_order,
    ambiguous_values,
    may_only_round,
    references,
    share_one_order,
    sort_order,
    window_reads_order,
)
from upriver.lineage.sql.plan.shape import Filters, Steps, moved
from upriver.lineage.sql.plan.volatility import may_fail, subexpressions


def projection(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """A SELECT list."""
    expressions: list[Node] = node["expressions"]

    def below_of(position: int) -> int | None:
        expression = expressions[position]
        return int(expression["index"]) if expression["expression_class"] == "BOUND_REF" else None

    if any(may_fail(expression) for expression in expressions):
        filters = ()
    below = yield node["children"][0], moved(filters, below_of)
    columns = context.flows(expressions, below)
    places = {e["index"]: at for at, e in enumerate(expressions) if e["expression_class"] == "BOUND_REF"}
    unique = tuple(frozenset(places[c] for c in key) for key in below.unique if key <= places.keys())
    return Relation(
        columns,
        below.rows,
        below.scans,
        below.order,
        below.total,
        unique,
        complete=_placed(below, expressions),
    )


def _placed(below: Relation, expressions: list[Node]) -> Mapping[int, Mapping[int, int]]:
    """What *below* is complete of, with its columns where *expressions* put them."""
    placed = {
        cte: {
            at: columns[one["index"]]
            for at, one in enumerate(expressions)
            if one["expression_class"] == "BOUND_REF" and one["index"] in columns
        }
        for cte, columns in below.complete.items()
    }
    return {cte: columns for cte, columns in placed.items() if columns}


def unnested(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """UNNEST: the lengths of the lists decide how many rows there are."""
    below = yield node["children"][0], context.widths.within_first_input(node, filters)
    made = [flow.at_least("unnest") for flow in context.flows(node["expressions"], below)]
    rows = below.rows
    for expression, flow in zip(node["expressions"], made, strict=True):
        if not context.flow(expression["child"], below).fixed:
            rows |= flow.as_influence("unnest")
    return Relation([*below.columns, *made], rows, below.scans, below.order, unknown=below.unknown)


def value_list(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """VALUES."""
    below = yield node["children"][0], ()
    rows = [context.flows(row, below) for row in node["expressions"]]
    columns = [merged(list(column), "copy") for column in zip(*rows, strict=True)]
    return Relation(columns, below.rows, below.scans)


def aggregated(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """GROUP BY: the grouped columns, then the aggregates, then the GROUPING() columns."""
    below = yield node["children"][0], ()
    groups: list[Node] = node["groups"]
    one_set = node["grouping_sets"] in ([], [list(range(len(groups)))])
    flows = context.flows(groups, below)
    # Where the binder groups by its own row number, rows find themselves again: that is how it joins a correlated
    # subquery to what it depends on.
    markers = [flow for flow in flows if context.is_marker(flow)]
    how = "join" if markers else "group"
    grouping = NO_INFLUENCE.union(*(flow.as_influence(how) for flow in flows if flow not in markers))
    if ambiguous_values(groups):
        grouping |= context.reads_order(below)
    # Without GROUP BY there is always one row: what decides the rows below decides its values instead.
    rows, inherited = (below.rows | grouping, NO_INFLUENCE) if groups else (NO_INFLUENCE, below.rows)
    columns = list(flows)
    within = references(groups) if one_set else frozenset()
    for aggregate in node["expressions"]:
        sorting = NO_INFLUENCE
        if id(node) not in context.order_free and aggregate_reads_order(aggregate, within, below):
            sorting = context.reads_order(below, rounding=may_only_round(aggregate))
        columns.append(_aggregate(context, aggregate, below, inherited | sorting))
    if groups:
        context.arrangements.append(Arrangement(below.scans, rows))
    columns += [Flow(influence=grouping)] * len(node["grouping_functions"])
    unique = (frozenset(range(len(groups))),) if one_set else ()
    complete = _placed(below, groups) if one_set else {}
    return Relation(columns, rows, below.scans, unique=unique, unknown=below.unknown, complete=complete)


def _aggregate(context: PlanContext, aggregate: Node, below: Relation, inherited: Influences) -> Flow:
    context.note_volatile({"qname": aggregate["qname"], "children": aggregate["children"]})
    arguments, choosing = aggregate_operands(aggregate)
    value = _made(context, context.flows(arguments, below), below, "aggregate")
    inherited |= context.deciding(choosing, below, "order")
    if may_fail({**aggregate, "children": []}):
        context.evaluated |= value.value
    orders = [order["expression"] for order in (aggregate["order_bys"] or {}).get("orders") or []]
    influence = value.influence | inherited | context.deciding(orders, below, "order")
    if aggregate["filter"] is not None:
        influence |= context.deciding([aggregate["filter"]], below, "filter")
    return Flow(value.value, "aggregate", influence)


def pivoted(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """A PIVOT over many values: aggregates and the names of their columns arrive as lists, one item a column."""
    pivot = node["bound_pivot"]
    (below_node,) = node["children"]
    if below_node["type"] == "LOGICAL_PROJECTION":
        # The lists go together and are spread by name, so their order says nothing.
        context.order_free.add(id(below_node["children"][0]))
    below = yield below_node, ()
    groups, aggregates = pivot["group_count"], len(pivot["aggregates"])
    name = below.column(groups + aggregates).as_influence("filter")
    columns = [below.column(index) for index in range(groups)]
    for index in range(len(pivot["types"]) - groups):
        flow = below.column(groups + index % aggregates)
        columns.append(flow.decided_by(name))
    return Relation(columns, below.rows, below.scans)


def windowed(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """Window functions, added to the columns below."""
    below = yield node["children"][0], ()
    made = []
    windows: list[Node] = node["expressions"]
    alone = share_one_order(windows)
    keys = [context.deciding(_keys(window), below, "order") for window in windows]
    arrangement = Arrangement(below.scans, NO_INFLUENCE.union(*keys))
    if several := len({sort_order(window) for window in windows}) > 1:
        context.arrangements.append(
            arrangement
        )  # the window that is computed first arranges the rows for the next
    for window in windows:
        if _is_binders_row_number(window):
            made.append(Flow(frozenset({context.sources.marker(below.scans)})))
            continue
        sorting = context.reads_order(below) if window_reads_order(window, below, alone) else NO_INFLUENCE
        made.append(_window(context, window, below, sorting))
    if not several and arrangement.keys:
        context.arrangements.append(arrangement)
    return Relation(
        [*below.columns, *made], below.rows, below.scans, unique=below.unique, unknown=below.unknown
    )


def _made(context: PlanContext, arguments: list[Flow], below: Relation, how: str) -> Flow:
    """What an aggregate or a window makes of its arguments; without any, of the rows alone: it counts them."""
    made = merged(arguments, how)
    if made.value:
        return made
    return Flow(context.sources.rows_among(below.rows), how, made.influence)


def _keys(window: Node) -> list[Node]:
    """What rows are partitioned and sorted by."""
    return [*(window["partitions"] or []), *(order["expression"] for order in window["orders"] or [])]


def _window(context: PlanContext, window: Node, below: Relation, sorting: Influences) -> Flow:
    context.note_volatile(window)
    arguments, choosing = window_operands(window)
    value = _made(context, context.flows(arguments, below), below, "window")
    orders = [order["expression"] for order in window["orders"] or []]
    known = {id(expression) for expression in (*arguments, *orders)}
    known.update(id(expression) for expression in choosing)
    others = [expression for expression in subexpressions(window) if id(expression) not in known]
    influence = value.influence | sorting | context.deciding(orders, below, "order")
    influence |= context.deciding([*choosing, *others], below, "window")
    return Flow(value.value, value.how, influence)


def _is_binders_row_number(window: Node) -> bool:
    """Whether DuckDB added a window to find rows again after it has taken a correlated part of a query apart."""
    plain = not (window["partitions"] or window["orders"])
    return plain and window["type"] == "WINDOW_ROW_NUMBER" and window["alias"] == "limit_rownum"
