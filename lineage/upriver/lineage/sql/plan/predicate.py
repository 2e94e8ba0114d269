"""Row filters as text: which conjuncts can count as part of a footprint, and how they are written.

A predicate is evaluated on the upstream alone, outside the query. So it holds nothing that depends on a session:
comparisons, IN, LIKE, IS NULL, CASE, AND, OR and NOT over columns, constants, casts and functions of plain types. Every
argument is written with the type that it was bound with, so that the same function is chosen again. Which functions
give another result by themselves the caller has to know, and whether one may fail: see ``rows.filtered``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import TypeAlias

from upriver.lineage.sql.names import literal, quote
from upriver.lineage.sql.plan.flow import Node

NameOf: TypeAlias = Callable[[int], str]
"""The SQL for the column that a reference with this index stands for."""

_COMPARISONS = {
    "COMPARE_EQUAL": "=",
    "COMPARE_NOTEQUAL": "<>",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
    "COMPARE_DISTINCT_FROM": "IS DISTINCT FROM",
    "COMPARE_NOT_DISTINCT_FROM": "IS NOT DISTINCT FROM",
}
_BOOLEAN_OPERATORS = frozenset(
    {"OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "COMPARE_IN", "COMPARE_NOT_IN"}
)
_DEEPEST = 40
_EPOCH = date(1970, 1, 1).toordinal()
_MATCHES = {"~~": "LIKE", "!~~": "NOT LIKE"}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_UNSIGNED = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_PLAIN_TYPES = frozenset(
    {*_INTEGERS, *_UNSIGNED, "FLOAT", "DOUBLE", "BOOLEAN", "VARCHAR", "DATE", "TIME", "TIMESTAMP", "UUID"}
)


def type_text(type_: Node) -> str | None:
    """A plain type as SQL; None for nested, collated, time zone and other types that need care."""
    name, info = type_["id"], type_["type_info"]
    if name == "DECIMAL" and info:
        return f"DECIMAL({info['width']},{info['scale']})"
    return name if name in _PLAIN_TYPES and not info else None


def widens(source: Node, target: Node) -> bool:
    """Whether a cast between two types can't fail and keeps the order of values."""
    if source == target:
        return True
    one, other = source["id"], target["id"]
    for family in (_INTEGERS, _UNSIGNED):
        if one in family and other in family:
            return family.index(one) <= family.index(other)
    if one in _UNSIGNED and other in _INTEGERS:
        return _UNSIGNED.index(one) < _INTEGERS.index(other)
    return other == "DOUBLE" and one in (*_INTEGERS[:3], *_UNSIGNED[:3], "FLOAT")


def predicate_text(expression: Node, name_of: NameOf) -> str | None:
    """*expression* as a boolean SQL expression, None when it is not simple enough to stand on its own."""
    return None if _is_deep(expression) else _text(expression, name_of)


def operand_text(expression: Node, name_of: NameOf) -> tuple[str, str] | None:
    """*expression* as SQL and its type, None when it is no column, or a cast of one that can't fail, of a plain type
    whose values are equal only if they are the same.
    """
    type_ = type_text(_type_of(expression))
    if type_ is None or type_ in ("FLOAT", "DOUBLE"):
        return None
    if expression["expression_class"] == "BOUND_REF":
        return name_of(expression["index"]), type_
    is_cast = expression["expression_class"] == "BOUND_FUNCTION" and expression["type"] == "OPERATOR_CAST"
    text = _cast(expression, name_of) if is_cast and constant_value(expression) is None else None
    return None if text is None else (text, type_)


def _is_deep(expression: Node) -> bool:
    """Whether *expression* is nested further than anything simple: reading all rows is right for it, too."""
    level = [expression]
    for _ in range(_DEEPEST):
        level = [child for part in level for child in _parts(part)]
        if not level:
            return False
    return True


def _parts(expression: Node) -> list[Node]:
    if expression["expression_class"] != "BOUND_CASE":
        return expression.get("children") or []
    checks = expression["case_checks"]
    return [
        *(check[part] for check in checks for part in ("when_expr", "then_expr")),
        expression["else_expr"],
    ]


def _text(expression: Node, name_of: NameOf) -> str | None:
    match expression["expression_class"]:
        case "BOUND_REF":
            return name_of(expression["index"]) if expression["return_type"]["id"] == "BOOLEAN" else None
        case "BOUND_CONJUNCTION":
            word = " AND " if expression["type"] == "CONJUNCTION_AND" else " OR "
            parts = [_text(child, name_of) for child in expression["children"]]
            return _joined(parts, word)
        case "BOUND_OPERATOR":
            return _operator(expression, name_of)
        case "BOUND_FUNCTION":
            return _function(expression, name_of) or _truth(expression, name_of)
        case "BOUND_CASE":
            return _truth(expression, name_of)
    return None


def _truth(expression: Node, name_of: NameOf) -> str | None:
    """A boolean that is computed otherwise than by comparing."""
    return _value(expression, name_of) if expression["return_type"]["id"] == "BOOLEAN" else None


def _joined(parts: list[str | None], word: str) -> str | None:
    known = [part for part in parts if part is not None]
    return "(" + word.join(known) + ")" if len(known) == len(parts) else None


def _operator(expression: Node, name_of: NameOf) -> str | None:
    children = expression["children"]
    match expression["type"]:
        case "OPERATOR_NOT":
            inner = _text(children[0], name_of)
            return None if inner is None else f"(NOT {inner})"
        case "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL" as kind:
            inner = _operand(children[0], name_of)
            return inner and f"({inner} {'IS NULL' if kind == 'OPERATOR_IS_NULL' else 'IS NOT NULL'})"
        case "COMPARE_IN" | "COMPARE_NOT_IN" as kind:
            if not _comparable(children):
                return None
            operands = [_operand(child, name_of) for child in children]
            items = _joined(operands[1:], ", ")
            word = "IN" if kind == "COMPARE_IN" else "NOT IN"
            return None if operands[0] is None or items is None else f"({operands[0]} {word} {items})"
        case "OPERATOR_COALESCE":
            return _truth(expression, name_of)
    return None


def _function(expression: Node, name_of: NameOf) -> str | None:
    name = expression["qname"]["path"][-1]
    word = _COMPARISONS.get(expression["type"])
    if word is None and name in _MATCHES and expression["type"] == "BOUND_FUNCTION":
        word = _MATCHES[name] if type_text(_type_of(expression["children"][0])) == "VARCHAR" else None
    children = expression["children"]
    if word is None or len(children) != 2 or not _comparable(children):
        return None
    left, right = (_operand(child, name_of) for child in children)
    return None if left is None or right is None else f"({left} {word} {right})"


def _comparable(children: list[Node]) -> bool:
    """Whether all operands have the same plain type: then comparing them can't fail."""
    first = _type_of(children[0])
    return type_text(first) is not None and all(_type_of(child) == first for child in children)


def _type_of(expression: Node) -> Node:
    value: Node = expression["value"]["type"] if "value" in expression else expression["return_type"]
    return value


def _operand(expression: Node, name_of: NameOf) -> str | None:
    match expression["expression_class"]:
        case "BOUND_REF":
            return name_of(expression["index"])
        case "BOUND_CONSTANT":
            return constant_text(expression)
        case "BOUND_FUNCTION" if expression["type"] == "OPERATOR_CAST":
            return _cast(expression, name_of) or _value(expression, name_of)
    return _value(expression, name_of)


def _value(expression: Node, name_of: NameOf) -> str | None:
    """*expression* with its type beyond doubt, as the argument of a function needs it; None when it is not plain."""
    type_ = _type_of(expression)
    target = _argument_type(type_)
    if target is None:
        return None
    parts = [_value(part, name_of) for part in _parts(expression)]
    if any(part is None for part in parts):
        return None
    match expression["expression_class"]:
        case "BOUND_REF":
            return name_of(expression["index"])
        case "BOUND_CONSTANT":
            text = constant_text(expression)
            return None if text is None else text if text.startswith("CAST(") else f"CAST({text} AS {target})"
        case "BOUND_CONJUNCTION":
            return _text(expression, name_of)
        case "BOUND_CASE":
            *checks, last = parts
            whens = "".join(
                f" WHEN {when} THEN {then}" for when, then in zip(checks[::2], checks[1::2], strict=True)
            )
            return f"CAST(CASE{whens} ELSE {last} END AS {target})"
        case "BOUND_OPERATOR" if expression["type"] == "OPERATOR_COALESCE":
            return f"coalesce({', '.join(map(str, parts))})"
        case "BOUND_OPERATOR" if expression["type"] in _BOOLEAN_OPERATORS:
            return _operator(expression, name_of)
        case "BOUND_FUNCTION" if expression["type"] == "OPERATOR_CAST":
            word = "TRY_CAST" if expression["function_data"]["try_cast"] else "CAST"
            return f"{word}({parts[0]} AS {target})"
        case "BOUND_FUNCTION" if expression["type"] in _COMPARISONS:
            return _function(expression, name_of)
        case "BOUND_FUNCTION" if expression["type"] == "BOUND_FUNCTION" and not expression["named_arguments"]:
            path = expression["qname"]["path"]
            known = path[:-1] in ([], ["system", "main"])
            return f"{quote(path[-1])}({', '.join(map(str, parts))})" if known else None
    return None


def _argument_type(type_: Node) -> str | None:
    if type_["id"] == "LIST" and type_["type_info"]:
        inner = _argument_type(type_["type_info"]["child_type"])
        return None if inner is None else f"{inner}[]"
    return "INTERVAL" if type_["id"] == "INTERVAL" and not type_["type_info"] else type_text(type_)


def _cast(expression: Node, name_of: NameOf) -> str | None:
    (child,) = expression["children"]
    target = type_text(expression["return_type"])
    constant = constant_value(child)
    if target is None:
        return None
    if constant is not None:
        return _cast_constant(child, target)
    if child["expression_class"] != "BOUND_REF" or not widens(_type_of(child), expression["return_type"]):
        return None
    return f"CAST({name_of(child['index'])} AS {target})"


def _cast_constant(child: Node, target: str) -> str | None:
    inner = (
        constant_text(child) if child["expression_class"] == "BOUND_CONSTANT" else _cast(child, lambda _: "")
    )
    if inner is None:
        return None
    if type_text(_type_of(child)) == target:
        return inner
    # A constant that can't be cast makes the query fail, not the predicate.
    return f"TRY_CAST({inner} AS {target})"


def constant_value(expression: Node) -> Node | None:
    """The constant below any casts, None when there is none."""
    while expression["expression_class"] == "BOUND_FUNCTION" and expression["type"] == "OPERATOR_CAST":
        expression = expression["children"][0]
    return expression if expression["expression_class"] == "BOUND_CONSTANT" else None


def constant_text(expression: Node) -> str | None:
    """A constant as SQL, None for NULL and for types that are not written plainly."""
    value = expression["value"]
    type_, content = value["type"], value.get("value")
    target = _argument_type(type_)
    if target is None or value["is_null"]:
        return None
    match content:
        case bool():
            return "TRUE" if content else "FALSE"
        case str() if target == "VARCHAR" and "\0" not in content:
            return literal(content)
        case int() if type_["id"] == "DECIMAL":
            return f"CAST('{_decimal(content, type_['type_info']['scale'])}' AS {target})"
        case int() if type_["id"] in (*_INTEGERS, *_UNSIGNED):
            return str(content) if target == "INTEGER" else f"CAST('{content}' AS {target})"
        case int() if type_["id"] == "DATE" and 0 < content + _EPOCH <= date.max.toordinal():
            return f"CAST('{date.fromordinal(content + _EPOCH).isoformat()}' AS DATE)"
        case {"months": int(months), "days": int(days), "micros": int(micros)} if type_["id"] == "INTERVAL":
            return f"CAST('{months} months {days} days {micros} microseconds' AS INTERVAL)"
        case float() | int() if type_["id"] in ("FLOAT", "DOUBLE") and math.isfinite(content):
            return f"CAST('{content!r}' AS {target})"
    return None


def _decimal(scaled: int, scale: int) -> str:
    digits = str(abs(scaled)).rjust(scale + 1, "0")
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return f"-{text}" if scaled < 0 else text
