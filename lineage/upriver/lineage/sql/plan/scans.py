"""Handlers of plan nodes without inputs of their own: tables, table functions, constants, common table expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from upriver.assets.model import Key
from upriver.lineage.model import KeyFilter, Volatility
from upriver.lineage.sql.names import quote
from upriver.lineage.sql.parse.files import PURE_TABLE_FUNCTIONS
from upriver.lineage.sql.plan.context import PlanContext
from upriver.lineage.sql.plan.flow import NO_INFLUENCE, NOTHING, NOWHERE, Flow, Node, Relation, merged
from upriver.lineage.sql.plan.ordering import ambiguous
from upriver.lineage.sql.plan.predicate import operand_text, predicate_text
from upriver.lineage.sql.plan.rows import stacked, without_duplicates
from upriver.lineage.sql.plan.shape import Filter, Filters, Steps


def scanned(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """A table or a table function in FROM."""
    key = context.scanned_key(node)
    if key is None:
        return (yield from _table_function(context, node))
    return _table(context, node, key, filters)


def _table(context: PlanContext, node: Node, key: Key, filters: Filters) -> Relation:
    number = context.scan_number(node, key)
    scan, names = context.sources.scans[number], node["names"]
    indexes = [column["index"] for column in node["column_indexes"]]
    columns = [Flow(frozenset({_source(context, number, index, names)})) for index in indexes]
    predicates = set()
    for filter_ in filters:
        if filter_.keys is not None:
            scan.key_filters |= _key_filter(filter_, key, indexes, names)
            continue
        text = _predicate(filter_, indexes, names)
        if text is None:
            scan.escaped.add(filter_.number)
        else:
            scan.captured.add(filter_.number)
            predicates.add(text)
            scan.filtered |= {names[indexes[position]] for position in filter_.columns.values()}
    scan.predicates.append(" AND ".join(sorted(predicates)) or None)
    rows = frozenset({(context.sources.column(number, None), "rows", 0)})
    return Relation(columns, rows, frozenset({number}))


def _source(context: PlanContext, scan: int, index: int, names: list[str]) -> int:
    if index != NOWHERE:
        return context.sources.column(scan, names[index])
    # The row identifier; also what stands there when rows are only counted.
    marker = context.sources.marker(frozenset({scan}))
    context.row_identifiers.add(marker)
    return marker


def _predicate(filter_: Filter, indexes: list[int], names: list[str]) -> str | None:
    if any(indexes[position] == NOWHERE for position in filter_.columns.values()):
        return None
    return predicate_text(filter_.expression, lambda index: quote(names[indexes[filter_.columns[index]]]))


def _key_filter(filter_: Filter, key: Key, indexes: list[int], names: list[str]) -> set[KeyFilter]:
    keys = filter_.keys
    if keys is None or any(indexes[position] == NOWHERE for position in filter_.columns.values()):
        return set()
    found = operand_text(filter_.expression, lambda index: quote(names[indexes[filter_.columns[index]]]))
    return set() if found is None else {KeyFilter(key, *found, keys.of, keys.column, keys.nulls)}


def _table_function(context: PlanContext, node: Node) -> Steps:
    """A function such as range(): its columns are made from all its arguments, which decide the rows too."""
    columns = len(node["column_indexes"])
    name = node["qname"]["path"][-1]
    if name not in PURE_TABLE_FUNCTIONS:  # a macro can hide one that lists the catalog
        context.volatile[Volatility(name, "build")] = None
    if not node["children"]:
        return Relation([NOTHING] * columns)
    below = yield node["children"][0], ()
    kept = [below.column(index) for index in node["projected_input"]]
    arguments = [flow for flow in below.columns if not context.is_marker(flow)]
    argument = merged(arguments, "unnest")
    rows = below.rows | argument.as_influence("unnest")
    return Relation([argument] * columns + kept, rows, below.scans, unknown=below.unknown)


def constant_rows(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """Rows that the plan itself holds, or none at all."""
    match node["type"]:
        case "LOGICAL_CHUNK_GET":
            return Relation([NOTHING] * len(node["chunk_types"]))
        case "LOGICAL_EMPTY_RESULT":
            return Relation([NOTHING] * len(node["return_types"]))
    return Relation([NOTHING], unique=(frozenset(),))
    yield  # a generator, as every handler


def with_cte(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """WITH: the definition is walked where it is first read, so that a filter can reach it."""
    definition, query = node["children"]
    context.ctes[node["table_index"]] = definition
    return (yield query, filters)


def cte_reference(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """A common table expression in FROM. Filters above its only use reach its definition."""
    index = node["cte_index"]
    known = context.cte_results.get(index)
    if known is None:
        alone = context.cte_uses[index] == 1
        known = yield context.ctes[index], filters if alone else ()
        context.cte_results[index] = known
    width = len(known.columns)
    complete: dict[int, Mapping[int, int]] = {}
    if known.unknown is None and index not in context.recursive_ctes:
        complete[index] = {column: column for column in range(width)}
    if known.unique:  # keys of another one, such as the binder collects for a correlated subquery
        complete = {**known.complete, **complete}
    return replace(known, order=NO_INFLUENCE, total=False, complete=complete)


def recursive_cte(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """WITH RECURSIVE: the recursive part is walked until nothing new flows into the table."""
    start, step = node["children"]
    context.recursive_ctes.add(node["table_index"])  # what it holds differs from turn to turn
    distinct = not node["union_all"]
    result = without_duplicates((yield start, ()), distinct)
    vague = distinct and any(map(ambiguous, node.get("internal_types") or ()))
    outer = set(context.cte_results)
    while True:
        # Tables defined within the recursive part see what the table holds by now.
        context.cte_results = {index: r for index, r in context.cte_results.items() if index in outer}
        context.cte_results[node["table_index"]] = replace(result, unique=())
        turn = without_duplicates((yield step, ()), distinct)
        grown = stacked([result, turn])
        if node.get("key_targets") or node.get("ref_recurring") or vague:
            grown = grown.with_rows(context.reads_order(grown))
        if (grown.columns, grown.rows, grown.scans) == (result.columns, result.rows, result.scans):
            return grown
        result = grown
