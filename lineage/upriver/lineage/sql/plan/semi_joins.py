"""Semi-joins as row filters: rows whose key is not among those of the other side bear on nothing above the join."""

from __future__ import annotations

from collections.abc import Iterator

from upriver.lineage.sql.plan.context import PlanContext
from upriver.lineage.sql.plan.flow import NOWHERE, Node
from upriver.lineage.sql.plan.predicate import operand_text
from upriver.lineage.sql.plan.shape import Filter, Filters, Keys

_COMPARED = frozenset({"COMPARE_EQUAL", "COMPARE_NOT_DISTINCT_FROM"})


def key_filters(context: PlanContext, node: Node, kind: str, filters: Filters) -> Filters:
    """What a join lets pass of its left side, as filters there; *filters* are those above it."""
    if kind != "SEMI" and not (kind == "MARK" and _only_marked_rows_matter(context, node, filters)):
        return ()
    return tuple(_by_conditions(context, node))


def _only_marked_rows_matter(context: PlanContext, node: Node, filters: Filters) -> bool:
    columns = context.widths.join_columns(node)
    return columns is not None and any(
        one.expression["expression_class"] == "BOUND_REF"
        and one.keys is None
        and list(one.columns.values()) == [len(columns[0])]
        for one in filters
    )


def _by_conditions(context: PlanContext, node: Node) -> Iterator[Filter]:
    for condition in node.get("conditions") or []:
        if condition["comparison"] not in _COMPARED:
            continue
        here, there = _operand(condition["left"]), _operand(condition["right"])
        if here is None or there is None or here[1] != there[1]:
            continue
        found = _origin(context, node["children"][1], there[0])
        if found is not None:
            nulls = condition["comparison"] != "COMPARE_EQUAL"
            yield Filter(0, condition["left"], {here[0]: here[0]}, keys=Keys(*found, nulls))


def _operand(expression: Node) -> tuple[int, str] | None:
    """The only column in *expression*, and the type of its value; None when it is nothing that can be compared so."""
    columns: list[int] = []

    def name_of(index: int) -> str:
        columns.append(index)
        return ""

    found = operand_text(expression, name_of)
    return None if found is None else (columns[0], found[1])


def _origin(context: PlanContext, node: Node, index: int) -> tuple[str, str] | None:
    """A column of an upstream that holds every value of column *index* of *node* but null; None when there is none."""
    while True:
        children = node["children"]
        match node["type"]:
            case "LOGICAL_GET":
                key = context.scanned_key(node)
                place = node["column_indexes"][index]["index"]
                return None if key is None or place == NOWHERE else (key, node["names"][place])
            case "LOGICAL_PROJECTION":
                passed = _passed(node["expressions"][index])
            case "LOGICAL_AGGREGATE_AND_GROUP_BY" if index < len(node["groups"]):
                passed = _passed(node["groups"][index])
            case "LOGICAL_FILTER":
                passed = (node["projection_map"] or range(index + 1))[index]
            case "LOGICAL_ORDER_BY":
                passed = (node["projections"] or range(index + 1))[index]
            case "LOGICAL_DISTINCT" | "LOGICAL_LIMIT" | "LOGICAL_SAMPLE":
                passed = index
            case "LOGICAL_MATERIALIZED_CTE":
                children, passed = children[1:], index
            case "LOGICAL_CTE_REF" if node["cte_index"] not in context.recursive_ctes:
                definition = context.ctes.get(node["cte_index"])
                children, passed = ([], None) if definition is None else ([definition], index)
            case "LOGICAL_COMPARISON_JOIN" | "LOGICAL_CROSS_PRODUCT":
                children, passed = _side(context, node, index)
            case _:
                passed = None
        if passed is None:
            return None
        node, index = children[0], passed


def _passed(expression: Node) -> int | None:
    return int(expression["index"]) if expression["expression_class"] == "BOUND_REF" else None


def _side(context: PlanContext, node: Node, index: int) -> tuple[list[Node], int | None]:
    """The input of a join that a column is passed on from, and its place there."""
    columns = context.widths.join_columns(node)
    kind = node.get("join_type") or "INNER"
    if columns is None or kind not in ("INNER", "LEFT", "SEMI", "ANTI", "MARK"):
        return [], None
    lefts, rights = columns
    if index < len(lefts):
        return node["children"][:1], lefts[index]
    return (node["children"][1:], rights[index - len(lefts)]) if kind in ("INNER", "LEFT") else ([], None)
