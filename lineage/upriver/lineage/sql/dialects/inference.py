"""Types of expressions where the dialect decides them: arithmetic, averages, sums, alternatives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from sqlglot import exp
from sqlglot.optimizer.annotate_types import TypeAnnotator

from upriver.lineage.sql.dialects.kinds import Kind, digits, kind_of
from upriver.lineage.sql.dialects.rules import Dialect, call_type

Annotator: TypeAlias = "dict[str, Any]"
_UNKNOWN = exp.DataType.build("unknown")


def annotators(dialect: Dialect) -> dict[type[exp.Expr], Annotator]:
    """What to ask for the types of nodes, by their class."""

    def of(typed: Callable[[exp.Expr, Dialect], exp.DataType]) -> Annotator:
        def annotate(self: TypeAnnotator, node: exp.Expr) -> exp.Expr:
            self._set_type(node, typed(node, dialect))
            return node

        return {"annotator": annotate}

    return {
        exp.Anonymous: of(lambda node, dialect: call_type(dialect, node)),
        exp.Extract: of(lambda node, dialect: exp.DataType.build(dialect.part_type)),
        exp.Literal: of(_literal),
        exp.Avg: of(_average),
        exp.Sum: of(_sum),
        exp.Div: of(_quotient),
        exp.IntDiv: of(lambda node, dialect: exp.DataType.build("bigint")),
        **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Pow), of(_arithmetic)),
        exp.Case: of(
            lambda node, dialect: _alternatives(
                [*(one.args["true"] for one in node.args["ifs"]), node.args.get("default")]
            )
        ),
        exp.If: of(lambda node, dialect: _alternatives([node.args["true"], node.args.get("false")])),
        **dict.fromkeys(
            (exp.Coalesce, exp.Greatest, exp.Least),
            of(lambda node, dialect: _alternatives([node.this, *node.expressions])),
        ),
        exp.Nullif: of(lambda node, dialect: node.this.type or _UNKNOWN),
    }


def _literal(node: exp.Expr, dialect: Dialect) -> exp.DataType:
    """A number with a point is a decimal, or a double where the dialect says so."""
    if node.args.get("is_string"):
        return exp.DataType.build("varchar")
    whole, point, fraction = node.name.lower().partition(".")
    if "e" in node.name.lower() or (point and dialect.float_literals):
        return exp.DataType.build("double")
    if not point:
        return exp.DataType.build(
            "int" if int(whole) < 2**31 else "bigint" if int(whole) < 2**63 else "int128"
        )
    return _decimal(max(1, len(whole.lstrip("0"))) + len(fraction), len(fraction))


def _decimal(precision: int, scale: int) -> exp.DataType:
    if not 0 <= scale <= 38:
        return exp.DataType.build("decimal")
    return exp.DataType.build(f"decimal({max(min(precision, 38), scale, 1)}, {scale})")


def _kinds(node: exp.Expr) -> tuple[Kind | None, Kind | None]:
    return _kind(node.this), _kind(node.args["expression"])


def _kind(node: exp.Expr) -> Kind | None:
    return "null" if isinstance(node, exp.Null) else kind_of(node.type)


def _quotient(node: exp.Expr, dialect: Dialect) -> exp.DataType:
    kinds, rules = _kinds(node), dialect.division
    if None in kinds:
        return _UNKNOWN
    if kinds == ("int", "int") and rules.whole:
        return exp.DataType.build("bigint")
    if "float" in kinds or (kinds == ("int", "int") and rules.whole_as_double):
        return exp.DataType.build("double")
    left, right = digits(node.this.type), digits(node.args["expression"].type)
    if rules.scale is None or left is None or right is None:
        return exp.DataType.build("decimal")
    return _decimal(38, rules.scale(left, right))


def _arithmetic(node: exp.Expr, dialect: Dialect) -> exp.DataType:
    left, right = _kinds(node)
    kinds = {left, right} - {"null"}
    if None in kinds:
        return _UNKNOWN
    if kinds <= {"int", "exact", "float"}:
        return _number(node, kinds)
    if "interval" in kinds:
        if "date" not in kinds:
            return exp.DataType.build("timestamp" if "timestamp" in kinds else "interval")
        return exp.DataType.build(dialect.date_plus_interval)
    if kinds == {"date", "int"}:
        return exp.DataType.build("date")
    if left == right == "date":
        return exp.DataType.build("bigint")
    if left == right == "timestamp":
        return exp.DataType.build("interval")
    return exp.DataType.build("varchar") if kinds == {"text"} else _UNKNOWN


def _number(node: exp.Expr, kinds: set[Kind | None]) -> exp.DataType:
    if "float" in kinds or (isinstance(node, exp.Pow) and "exact" not in kinds):
        return exp.DataType.build("double")
    if isinstance(node, exp.Pow):
        return exp.DataType.build("decimal")
    if "exact" not in kinds:
        return exp.DataType.build("bigint")
    left, right = digits(node.this.type), digits(node.args["expression"].type)
    if left is None or right is None or isinstance(node, exp.Mod):
        return exp.DataType.build("decimal")
    if isinstance(node, exp.Mul):
        return _decimal(left[0] + right[0], left[1] + right[1])
    scale = max(left[1], right[1])
    return _decimal(max(left[0] - left[1], right[0] - right[1]) + scale + 1, scale)


def _average(node: exp.Expr, dialect: Dialect) -> exp.DataType:
    kind = _kind(_inner(node))
    whole, exact = _AVERAGES[dialect.whole_average]
    return exp.DataType.build(
        "unknown" if kind is None else whole if kind == "int" else exact if kind == "exact" else "double"
    )


_AVERAGES = {
    "float": ("double", "decimal"),
    "double": ("decimal", "decimal"),
    "whole": ("bigint", "decimal"),
    "plus 4": ("decimal", "decimal"),
    "snowflake": ("decimal", "decimal"),
}
"""The types of averages of whole numbers and of decimals."""


def _sum(node: exp.Expr, dialect: Dialect) -> exp.DataType:
    type_ = _inner(node).type
    match kind_of(type_):
        case None:
            return _UNKNOWN
        case "int" if dialect.sum_of_bigint_is_decimal and is_bigint(type_):
            return exp.DataType.build("decimal(38, 0)")
        case "int" | "bool":
            return exp.DataType.build("bigint")
        case "exact":
            known = digits(type_)
            return exp.DataType.build("decimal") if known is None else _decimal(38, known[1])
        case _:
            return exp.DataType.build("double")


def is_bigint(type_: exp.DataType | None) -> bool:
    """Whether whole numbers of a type have 64 bits or more."""
    return type_ is not None and type_.this in (
        exp.DType.BIGINT, exp.DType.UBIGINT, exp.DType.INT128, exp.DType.UINT128, exp.DType.INT256, exp.DType.UINT256,
    )  # fmt: skip


def _inner(node: exp.Expr) -> exp.Expr:
    inner: exp.Expr = node.this
    return inner.expressions[0] if isinstance(inner, exp.Distinct) else inner


def _alternatives(values: Iterable[exp.Expr | None]) -> exp.DataType:
    """The type of one of several values: theirs, or the widest kind of number without its digits."""
    types = [value.type for value in values if value is not None and not isinstance(value, exp.Null)]
    kinds = {kind_of(type_) for type_ in types}
    if not types or None in kinds:
        return _UNKNOWN if types else exp.DataType.build("null")
    first = types[0]
    if first is not None and all(type_ == first for type_ in types):
        return first.copy()
    if len(kinds) == 1 and kinds != {"exact"}:
        return (
            exp.DataType.build("bigint")
            if kinds == {"int"}
            else (first.copy() if first is not None else _UNKNOWN)
        )
    if kinds <= {"int", "exact", "float"}:
        return exp.DataType.build("double" if "float" in kinds else "decimal")
    return exp.DataType.build("timestamp") if kinds == {"date", "timestamp"} else _UNKNOWN
