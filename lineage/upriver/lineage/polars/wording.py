"""Wording of expressions, for people: close to what was written, and never parsed again."""

from __future__ import annotations

import re
from typing import Any

from upriver.lineage.polars.tree import Expression, PlanNode

_SYMBOLS = {
    "Plus": "+",
    "Minus": "-",
    "Multiply": "*",
    "TrueDivide": "/",
    "FloorDivide": "//",
    "Modulus": "%",
    "Eq": "==",
    "NotEq": "!=",
    "Lt": "<",
    "LtEq": "<=",
    "Gt": ">",
    "GtEq": ">=",
    "And": "&",
    "LogicalAnd": "&",
    "Or": "|",
    "LogicalOr": "|",
    "Xor": "^",
}
_KEPT_COLUMNS = ("filter", "sort", "slice", "distinct", "cache", "project")
MAX_LENGTH = 200


def made_by(node: PlanNode, name: str) -> str | None:
    """What makes column *name* of *node*, in words; None for a plain copy or what has no one expression."""
    if node.op in _KEPT_COLUMNS:
        return made_by(node.inputs[0], name)
    for named in (*node.expressions, *(node.keys if node.op == "group_by" else ())):
        if named.name == name:
            if named.expression.op == "column":
                return made_by(node.inputs[0], named.expression.name)
            return _short(wording(named.expression))
    if node.op == "with_columns":
        return made_by(node.inputs[0], name)
    if node.op == "join":
        side = next((side for side in node.inputs if name in side.schema), None)
        return made_by(side, name) if side is not None else None
    return None


def wording(expression: Expression) -> str:
    """*expression* in the manner of Polars, without ``pl.col``: ``delay.sum().over(carrier)``."""
    inputs = [wording(inner) for inner in expression.inputs]
    deciders = ", ".join(_bare(wording(inner)) for _, inner in expression.deciders)
    arguments = ", ".join(map(_bare, inputs[1:]))
    match expression.op:
        case "column":
            return expression.name
        case "literal":
            return _literal(expression.options[0])
        case "len":
            return "len()"
        case "binary":
            return f"({inputs[0]} {_SYMBOLS.get(expression.name, expression.name)} {inputs[1]})"
        case "cast" if expression.inputs[0].op == "literal":
            return inputs[0]
        case "cast":
            return f"{inputs[0]}.cast({expression.options[0]})"
        case "ternary":
            return f"when({deciders}).then({_bare(inputs[0])}).otherwise({arguments})"
        case "window":
            return f"{inputs[0]}.over({deciders})"
        case "aggregate" | "function" if inputs:
            return f"{inputs[0]}.{_method(expression.name)}({arguments})"
        case "filter" | "sort" | "sort_by" | "gather" | "slice" | "rolling" | "explode":
            return f"{inputs[0]}.{expression.op}({deciders})"
    return f"{expression.name or expression.op}(…)"


def _method(name: str) -> str:
    """``StringFunction.ToUppercase`` as ``to_uppercase``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2]).lower()


def _literal(value: Any) -> str:
    text = repr(value)
    return "…" if " at 0x" in text else _short(text, 60)


def _bare(text: str) -> str:
    """*text* without the parentheses around all of it."""
    return text[1:-1] if text.startswith("(") and _balanced(text[1:-1]) else text


def _short(text: str, limit: int = MAX_LENGTH) -> str:
    text = _bare(text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0
