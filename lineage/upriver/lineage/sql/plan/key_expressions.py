"""Key expressions: what a partition column is made of, followed down a bound plan and written as SQL.

An expression is carried down as a tree over the columns of the current node; what it refers to is replaced by what
those columns are made of.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from upriver.lineage.model import RangedColumn
from upriver.lineage.sql.plan.flow import Node
from upriver.lineage.sql.plan.operands import function_name
from upriver.lineage.sql.plan.predicate import constant_text, type_text
from upriver.lineage.sql.plan.volatility import may_fail, subexpressions

ZONED = "TIMESTAMP WITH TIME ZONE"
_EXACT = frozenset(
    {
        "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
        "UHUGEINT", "BOOLEAN", "VARCHAR", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS",
        ZONED, "UUID", "DECIMAL", "ENUM",
    }
)  # fmt: skip
"""Types whose values are the same when they are equal: no -0.0, no ``interval '30 days'``, no letter case."""
_TOTAL_CASTS = {("TIMESTAMP", "DATE"), ("DATE", "VARCHAR"), ("TIMESTAMP", "VARCHAR")}
_UNITS = (
    "microseconds",
    "milliseconds",
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "year",
)


def type_of(expression: Node) -> Node:
    """The type of an expression."""
    found: Node = expression["value"]["type"] if "value" in expression else expression["return_type"]
    return found


def is_exact(type_: Node) -> bool:
    """Whether equal values of a type are the same value."""
    plain = type_["id"] in ("DECIMAL", "ENUM") or not type_["type_info"]
    return type_["id"] in _EXACT and plain


def references(expression: Node) -> Iterator[Node]:
    """The references to columns in *expression*."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        if part["expression_class"] == "BOUND_REF":
            yield part
        else:
            waiting += subexpressions(part)


def replaced(expression: Node, by: Callable[[Node], Node | None]) -> Node | None:
    """*expression* with every part for which *by* has another in its place; None when a reference is left over."""
    if (other := by(expression)) is not None:
        return other
    kind = expression["expression_class"]
    if kind == "BOUND_CONSTANT":
        return expression
    if kind == "BOUND_FUNCTION":
        parts = [replaced(child, by) for child in expression["children"]]
        known = [part for part in parts if part is not None]
        return {**expression, "children": known} if len(known) == len(parts) else None
    return None


def moved(expressions: Sequence[Node], expression: Node) -> Node | None:
    """*expression* over the columns below, of which *expressions* make the columns that it is over."""

    def below(part: Node) -> Node | None:
        if part["expression_class"] != "BOUND_REF":
            return None
        index = part["index"]
        return expressions[index] if index < len(expressions) else None

    return replaced(expression, below)


def shifted(expression: Node, place: Callable[[int], int | None]) -> Node | None:
    """*expression* with its references at other places."""

    def moved_to(part: Node) -> Node | None:
        if part["expression_class"] != "BOUND_REF" or (index := place(part["index"])) is None:
            return None
        return {**part, "index": index}

    return replaced(expression, moved_to)


def same(one: Node, other: Node) -> bool:
    """Whether two expressions over the same columns are the same."""
    return _bare(one) == _bare(other)


def _bare(expression: Node) -> str:
    def clean(part: object) -> object:
        if isinstance(part, dict):
            return {
                name: clean(value)
                for name, value in part.items()
                if name not in ("alias", "query_location", "query_location_length")
            }
        return [clean(one) for one in part] if isinstance(part, list) else part

    return json.dumps(clean(expression), sort_keys=True)


def equated(expression: Node, pairs: Sequence[tuple[Node, Node]]) -> Node | None:
    """*expression* with the left of each of *pairs* replaced by its right; None when it needs more than those."""

    def partner(part: Node) -> Node | None:
        for left, right in pairs:
            if is_exact(type_of(part)) and type_of(left) == type_of(right) and same(part, left):
                return right
        return None

    return replaced(expression, partner)


def is_determined(expression: Node, by: Sequence[Node]) -> bool:
    """Whether rows that agree in *by* agree in *expression*."""
    return (
        equated(expression, [(one, {**one, "expression_class": "BOUND_CONSTANT"}) for one in by]) is not None
    )


def key_sql(expression: Node, name_of: Callable[[int], str]) -> str | None:
    """*expression* as SQL over an upstream's columns; None where it can't be written so that it means the same.

    Instants are read in UTC, which is the zone of every session that runs a recipe or takes a fingerprint. What fails
    for a row gives null there: a query that needs that row fails by itself.
    """
    text = _sql(expression, name_of)
    return f"try({text})" if text is not None and not _is_total(expression) else text


def _is_total(expression: Node) -> bool:
    if expression["expression_class"] != "BOUND_FUNCTION":
        return not may_fail(expression)
    name = function_name(expression)
    children = expression["children"]
    if expression["type"] == "OPERATOR_CAST":
        (child,) = children
        known = (type_of(child)["id"], expression["return_type"]["id"]) in _TOTAL_CASTS
        return (known or not may_fail({**expression, "children": [_hollow(child)]})) and _is_total(child)
    if name in ("date_trunc", "timezone") and len(children) == 2:
        constant = children[0]["expression_class"] == "BOUND_CONSTANT"
        return (
            constant and type_of(children[1])["id"] in ("DATE", "TIMESTAMP", ZONED) and _is_total(children[1])
        )
    return not may_fail(expression)


def _hollow(child: Node) -> Node:
    return {"expression_class": "BOUND_REF", "return_type": type_of(child), "index": 0}


def _sql(expression: Node, name_of: Callable[[int], str]) -> str | None:
    match expression["expression_class"]:
        case "BOUND_REF":
            return name_of(expression["index"]) if is_exact(expression["return_type"]) else None
        case "BOUND_CONSTANT":
            text = constant_text(expression)
            target = _target(type_of(expression))
            return text if text is None or target is None else f"CAST({text} AS {target})"
        case "BOUND_FUNCTION":
            parts = [_sql(child, name_of) for child in expression["children"]]
            if any(part is None for part in parts):
                return None
            return _function(expression, [str(part) for part in parts])
    return None


def _function(expression: Node, parts: list[str]) -> str | None:
    if expression["type"] == "OPERATOR_CAST":
        target = _target(expression["return_type"])
        if target is None:
            return None
        word = "TRY_CAST" if expression["function_data"]["try_cast"] else "CAST"
        return f"{word}({parts[0]} AS {target})"
    path = expression["qname"]["path"]
    plain = expression["type"] == "BOUND_FUNCTION" and not expression["named_arguments"]
    if not plain or path[:-1] not in ([], ["system", "main"]):
        return None
    name = path[-1]
    quoted = '"' + name.replace('"', '""') + '"'
    return f"{quoted}({', '.join(parts)})"


def _target(type_: Node) -> str | None:
    return ZONED if type_["id"] == ZONED else type_text(type_)


def ranged(expression: Node, name_of: Callable[[int], str | None]) -> RangedColumn | None:
    """The column that *expression* rounds down in time, if it does nothing else."""
    units: list[str] = []
    while True:
        kind = type_of(expression)["id"]
        if kind not in ("DATE", "TIMESTAMP", ZONED):
            return None
        if expression["expression_class"] == "BOUND_REF":
            name = name_of(expression["index"])
            return None if name is None else RangedColumn(name, kind, tuple(units))
        if expression["expression_class"] != "BOUND_FUNCTION":
            return None
        name, children = function_name(expression), expression["children"]
        if expression["type"] == "OPERATOR_CAST":
            if kind == "DATE":
                units.append("day")
            expression = children[0]
        elif name in ("date_trunc", "timezone") and len(children) == 2 and "value" in children[0]:
            if name == "timezone" and type_of(children[1])["id"] != ZONED:
                return None
            if name == "date_trunc":
                unit = str(children[0]["value"].get("value")).lower()
                if unit not in _UNITS:
                    return None
                units.append(unit)
            expression = children[1]
        else:
            return None
