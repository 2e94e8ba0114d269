"""Operands of a bound expression: which flow into its value, which only decide it, and in which a field is found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from upriver.lineage.sql.plan.flow import Node
from upriver.lineage.sql.plan.predicate import constant_value
from upriver.lineage.sql.plan.volatility import subexpressions

FieldPath: TypeAlias = tuple[str, ...]
"""Names of fields, lower case, from the outermost struct inwards. Empty: the whole value."""

_ELEMENTS = frozenset({"list_extract", "array_extract", "list_element", "list_slice", "array_slice"})
_FIELDS = frozenset({"struct_extract", "struct_extract_at", "array_extract"})
_PICKS = frozenset({*_ELEMENTS, "map_extract", "map_extract_value", "element_at"})
_FILTERS = frozenset({"list_filter", "array_filter", "filter"})
_EXTREMES = frozenset(
    {
        "arg_max", "arg_min", "argmax", "argmin", "max_by", "min_by", "arg_max_null", "arg_min_null",
        "arg_max_nulls_last", "arg_min_nulls_last",
    }
)  # fmt: skip
_OFFSETS = frozenset({"WINDOW_LAG", "WINDOW_LEAD", "WINDOW_NTH_VALUE"})
_LISTS = frozenset({"list_value", "array_value", "unpivot_list"})
_STRUCTS = frozenset({"STRUCT", "TUPLE"})
_DEEPEST = 3
"""So many structs within each other are told field by field; what is further inside is told of all of its struct."""


class Operand(NamedTuple):
    """A part of an expression; *how* it decides the value (None: it flows in), and what of it is read."""

    expression: Node
    how: str | None
    path: FieldPath


def function_name(expression: Node) -> str:
    """The name of a function or an aggregate, empty for what is none."""
    return expression["qname"]["path"][-1] if "qname" in expression else ""


def operands(expression: Node, how: str | None, path: FieldPath) -> Iterator[Operand]:
    """The parts of *expression*, of whose value *path* is read, and which itself decides by *how*."""
    if expression["expression_class"] == "BOUND_CASE":
        for check in expression["case_checks"]:
            yield Operand(check["when_expr"], how or "conditional", ())
            yield Operand(check["then_expr"], how, path)
        yield Operand(expression["else_expr"], how, path)
        return
    name = function_name(expression)
    children = list(subexpressions(expression))
    if (field := _field(name, children)) is not None:
        yield Operand(children[0], how, (field, *path))
    elif path and name in ("struct_pack", "row"):
        fields = field_names(expression["return_type"])
        inside = [child for child, one in zip(children, fields, strict=True) if one == path[0]]
        yield from (Operand(child, how, path[1:]) for child in inside)
    elif name in _PICKS or name in _FILTERS or name in _EXTREMES:
        decides = "conditional" if name in _PICKS else "filter" if name in _FILTERS else "order"
        inner = path if name in _ELEMENTS or name in _FILTERS else ()
        yield Operand(children[0], how, inner)
        yield from (Operand(child, how or decides, ()) for child in children[1:])
    else:
        inner = path if _passes_fields(expression, name) else ()
        yield from (Operand(child, how, inner) for child in children)


def window_operands(window: Node) -> tuple[list[Node], list[Node]]:
    """The arguments that flow into a window's value, and those that say which row it is taken from."""
    arguments: list[Node] = list(window["children"] or [])
    default = [window["default_expr"]] if window["default_expr"] is not None else []
    if window["type"] in _OFFSETS:
        # After the value come the offset and, for LAG and LEAD, what stands where there is no row.
        return [*arguments[:1], *arguments[2:], *default], arguments[1:2]
    if function_name(window) in _EXTREMES:
        return [*arguments[:1], *default], arguments[1:]
    return [*arguments, *default], []


def aggregate_operands(aggregate: Node) -> tuple[list[Node], list[Node]]:
    """The arguments that flow into an aggregate, and those that say of which row."""
    arguments: list[Node] = aggregate["children"]
    return (arguments[:1], arguments[1:]) if function_name(aggregate) in _EXTREMES else (arguments, [])


def makes_structs(expression: Node) -> bool:
    """Whether the fields of an expression's value can be told apart."""
    name = function_name(expression)
    return (
        expression["expression_class"] == "BOUND_CASE"
        or name in ("struct_pack", "row")
        or name in _FIELDS
        or name in _ELEMENTS
        or name in _FILTERS
        or _passes_fields(expression, name)
    )


def paths_of(type_: Node, path: FieldPath = ()) -> Iterator[FieldPath]:
    """The fields of a struct, or of the structs in a list, as far as they are told apart."""
    if len(path) == _DEEPEST:
        return
    for name, inner in zip(field_names(type_), _field_types(type_), strict=True):
        yield (*path, name)
        yield from paths_of(inner, (*path, name))


def field_names(type_: Node) -> list[str]:
    """The names of the fields of a struct type, or of the structs in a list, lower case; none of any other type.

    Fields without a name are called by their place.
    """
    return [child["first"].lower() or str(place) for place, child in enumerate(_children(type_), 1)]


def _field_types(type_: Node) -> list[Node]:
    return [child["second"] for child in _children(type_)]


def _children(type_: Node) -> list[Node]:
    info = type_["type_info"] or {}
    while type_["id"] in ("LIST", "ARRAY") and "child_type" in info:
        type_ = info["child_type"]
        info = type_["type_info"] or {}
    return info["child_types"] if type_["id"] in _STRUCTS and "child_types" in info else []


def _passes_fields(expression: Node, name: str) -> bool:
    """Whether a field of the value is that field of each operand, or of the structs in it."""
    unnests = expression["expression_class"] == "BOUND_UNNEST"
    return unnests or name in _LISTS or expression["type"] == "OPERATOR_COALESCE"


def _field(name: str, children: list[Node]) -> str | None:
    """The field that a function takes out of a struct, None when it does not or when it can't be told."""
    if name not in _FIELDS or len(children) != 2:
        return None
    type_ = children[0].get("return_type")
    constant = constant_value(children[1])
    if constant is None or type_ is None or type_["id"] not in _STRUCTS:
        return None
    fields, wanted = field_names(type_), constant["value"].get("value")
    if isinstance(wanted, str):
        return wanted.lower()
    return fields[wanted - 1] if isinstance(wanted, int) and 0 < wanted <= len(fields) else None
