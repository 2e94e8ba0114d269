"""Handler of joins in a bound plan: which columns come out, what decides the rows, and which row filters may pass."""

from __future__ import annotations

from dataclasses import replace

from upriver.lineage.sql.plan.context import Arrangement, PlanContext
from upriver.lineage.sql.plan.flow import NO_INFLUENCE, Flow, Influences, Node, Relation, UnknownShapeError
from upriver.lineage.sql.plan.semi_joins import key_filters
from upriver.lineage.sql.plan.shape import Filters, Steps, moved
from upriver.lineage.sql.plan.volatility import may_fail

_KEEPS_LEFT_FILTERS = frozenset({"INNER", "LEFT", "SEMI", "ANTI", "MARK", "SINGLE"})
_KEEPS_RIGHT_FILTERS = frozenset({"INNER", "RIGHT"})
_BY_POSITION = frozenset({"LOGICAL_ASOF_JOIN", "LOGICAL_POSITIONAL_JOIN"})
_EQUALITIES = frozenset({"COMPARE_EQUAL", "COMPARE_NOT_DISTINCT_FROM"})
_FREE = "INVALID"  # DuckDB's word for a condition that compares no left with a right side


def joined(context: PlanContext, node: Node, filters: Filters) -> Steps:
    """The output of a join *node*."""
    kind: str = node.get("join_type") or "INNER"
    conditions: list[Node] = node.get("conditions") or []
    to_left, to_right = _filters_of_sides(context, node, kind, filters)
    if node["type"] == "LOGICAL_COMPARISON_JOIN" and not _may_fail(node):
        to_left += key_filters(context, node, kind, filters)
    left_node, right_node = node["children"]
    left = yield left_node, to_left
    right = yield right_node, to_right
    deciding = _deciding(context, node, conditions, left, right)
    if node["type"] in _BY_POSITION:
        # Which of several equally near rows is taken is up to their order.
        deciding |= context.reads_order(left) | context.reads_order(right)
    context.arrangements.append(Arrangement(left.scans | right.scans, left.rows | right.rows | deciding))
    result = _all_columns(left, right, deciding)
    match kind:
        case "SEMI" | "ANTI":
            result = replace(result, columns=left.columns, unique=left.unique)
        case "MARK":
            mark = _mark(context, node, conditions, left, right)
            result = replace(result, columns=[*left.columns, mark], rows=left.rows, unique=left.unique)
        case "SINGLE":
            result = replace(result, rows=left.rows, unique=left.unique)
            # A second row is an error, whether or not the value is read.
            context.evaluated |= {source for source, _, _ in deciding | right.rows}
        case "LEFT" if node["type"] == "LOGICAL_ASOF_JOIN" or _is_unique(conditions, right, "right"):
            result = replace(result, rows=left.rows, unique=left.unique, complete=left.complete)
        case "INNER" if _finds_each_row(conditions, left, right):
            result = replace(result, rows=left.rows, unique=_kept_keys(conditions, left, right))
        case "INNER" if node["type"] not in _BY_POSITION:
            result = replace(result, unique=_kept_keys(conditions, left, right))
        case "INNER" | "LEFT" | "RIGHT" | "FULL" | "OUTER":
            pass
        case _:
            raise UnknownShapeError(f"{kind} join")
    return _kept(node, kind, result, len(left.columns))


def _all_columns(left: Relation, right: Relation, deciding: Influences) -> Relation:
    right_columns = [f.decided_by(deciding | right.rows) for f in right.columns]
    rows, scans = left.rows | right.rows | deciding, left.scans | right.scans
    unknown = left.unknown or right.unknown
    if unknown is not None:  # positions can't be told apart any more: any column may be any
        flows = [*left.columns, *right_columns, *(u for u in (left.unknown, right.unknown) if u is not None)]
        value = frozenset(source for flow in flows for source in flow.value)
        unknown = Flow(value, "opaque", rows.union(*(flow.influence for flow in flows)))
        return Relation([], rows, scans, unknown=unknown)
    return Relation([*left.columns, *right_columns], rows, scans)


def _kept(node: Node, kind: str, result: Relation, left_width: int) -> Relation:
    """Drop the columns that the join does not pass on."""
    left: list[int] = node.get("left_projection_map") or []
    right: list[int] = node.get("right_projection_map") or []
    if not (left or right) or result.unknown is not None:
        return result
    kept = left or list(range(left_width))
    rest = list(range(left_width, len(result.columns)))
    # The mark is no column of the right side, so no map speaks of it.
    kept = kept + ([left_width + column for column in right] if right and kind != "MARK" else rest)
    places = {column: at for at, column in enumerate(kept)}
    unique = tuple(frozenset(places[c] for c in key) for key in result.unique if key <= places.keys())
    complete = {
        cte: {places[c]: of for c, of in columns.items() if c in places}
        for cte, columns in result.complete.items()
    }
    columns = [result.columns[column] for column in kept]
    return replace(result, columns=columns, unique=unique, complete=complete)


def _filters_of_sides(
    context: PlanContext, node: Node, kind: str, filters: Filters
) -> tuple[Filters, Filters]:
    """The filters from above that concern one input alone and mean the same below the join, for each input."""
    columns = context.widths.join_columns(node) if filters else None
    if columns is None or node["type"] in _BY_POSITION or _may_fail(node):
        return (), ()
    lefts, rights = columns
    to_left = moved(filters, lambda c: lefts[c] if c < len(lefts) else None)
    to_right = moved(filters, lambda c: rights[c - len(lefts)] if 0 <= c - len(lefts) < len(rights) else None)
    return (
        to_left if kind in _KEEPS_LEFT_FILTERS else (),
        to_right if kind in _KEEPS_RIGHT_FILTERS else (),
    )


def _may_fail(node: Node) -> bool:
    expressions = [node["condition"]] if node.get("condition") else []
    for condition in node.get("conditions") or []:
        expressions += [condition[side] for side in ("left", "right") if condition.get(side)]
    return any(may_fail(expression) for expression in expressions)


def _deciding(
    context: PlanContext, node: Node, conditions: list[Node], left: Relation, right: Relation
) -> Influences:
    """What the conditions of a join depend on."""
    both = _all_columns(left, right, NO_INFLUENCE)
    if node.get("condition"):
        return context.deciding([node["condition"]], both, "join")
    result = NO_INFLUENCE
    for condition in conditions:
        if condition["comparison"] == _FREE:
            result |= context.deciding([condition["left"]], both, "join")
            continue
        ours, theirs = context.flow(condition["left"], left), context.flow(condition["right"], right)
        if context.is_marker(ours) and ours.value == theirs.value:
            continue  # rows find themselves again
        result |= context.deciding([condition["left"]], left, "join")
        result |= context.deciding([condition["right"]], right, "join")
    return result


def _mark(context: PlanContext, node: Node, conditions: list[Node], left: Relation, right: Relation) -> Flow:
    """The column that says whether a row has found a partner: what is compared is its value."""
    both = _all_columns(left, right, NO_INFLUENCE)
    flows = [context.flow(node["condition"], both)] if node.get("condition") else []
    for condition in conditions:
        if condition["comparison"] == _FREE:
            flows.append(context.flow(condition["left"], both))
        else:
            flows += [context.flow(condition["left"], left), context.flow(condition["right"], right)]
    value = frozenset(source for flow in flows for source in flow.value)
    return Flow(value, "expression", right.rows.union(*(flow.influence for flow in flows)))


def _is_unique(conditions: list[Node], relation: Relation, side: str) -> bool:
    """Whether at most one row of *relation* can meet the conditions."""
    columns = frozenset(
        condition[side]["index"]
        for condition in conditions
        if condition["comparison"] in _EQUALITIES and condition[side]["expression_class"] == "BOUND_REF"
    )
    return any(key <= columns for key in relation.unique)


def _finds_each_row(conditions: list[Node], left: Relation, right: Relation) -> bool:
    """Whether every row of *left* finds exactly one of *right*.

    So the binder joins a correlated subquery that gives one row to the rows that it was computed for: by columns that
    are, on both sides, those of one common table expression, of which the right side has every value.
    """
    pairs = [
        (condition["left"].get("index"), condition["right"].get("index"))
        for condition in conditions
        if condition["comparison"] == "COMPARE_NOT_DISTINCT_FROM"
        and condition["left"]["expression_class"] == condition["right"]["expression_class"] == "BOUND_REF"
    ]
    if not pairs or len(pairs) < len(conditions) or not _is_unique(conditions, right, "right"):
        return False
    return any(
        all(
            one in left.complete[cte] and left.complete[cte][one] == right.complete[cte].get(other)
            for one, other in pairs
        )
        for cte in left.complete.keys() & right.complete.keys()
    )


def _kept_keys(conditions: list[Node], left: Relation, right: Relation) -> tuple[frozenset[int], ...]:
    """The column sets that are still without duplicates after an inner join."""
    keys: tuple[frozenset[int], ...] = ()
    if _is_unique(conditions, right, "right"):
        keys += left.unique
    if _is_unique(conditions, left, "left"):
        keys += tuple(frozenset(c + len(left.columns) for c in key) for key in right.unique)
    return keys
