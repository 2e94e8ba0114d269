"""Division: of whole numbers, of decimals with the dialect's own scale, and by zero."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects.inference import is_bigint
from upriver.lineage.sql.dialects.kinds import digits, kind_of
from upriver.lineage.sql.dialects.rules import Context
from upriver.lineage.sql.dialects.signatures import duckdb_text

_ZERO = {"error": "if({0} = 0, error('division by zero'), {0})", "null": "nullif({0}, 0)", "inf": "{0}"}


def divided(node: exp.Expr, context: Context) -> exp.Expr | None:
    """The ``/`` operator."""
    assert isinstance(node, exp.Binary)
    left, right = node.left, node.right
    if not context.typed:
        return duckdb_text("{0} / {1}", left, right)
    return quotient(left, right, node, context)


def quotient(left: exp.Expr, right: exp.Expr, node: exp.Expr, context: Context) -> exp.Expr:
    """*left* through *right*, as the dialect of *node* divides."""
    rules = context.dialect.division
    kinds = context.known(left, node), context.known(right, node)
    if "null" in kinds:
        return duckdb_text("cast({0} as double) / {1}", left, right)
    for kind in kinds:
        if kind not in ("int", "exact", "float"):
            raise context.refuse(node, f"it is not known for a {kind}")
    if kinds == ("int", "int") and rules.whole:
        return duckdb_text("{0} // {1}", left, divisor(right, "null" if rules.zero == "null" else "inf"))
    if "float" in kinds or (kinds == ("int", "int") and rules.whole_as_double):
        zero = rules.float_zero or rules.zero
        return duckdb_text("cast({0} as double) / {1}", left, divisor(right, zero))
    if rules.scale is not None:
        of_left, of_right = _digits(left), _digits(right)
        if of_left is None or of_right is None:
            raise context.refuse(
                node,
                "the digits of its decimals are not known",
                "cast both sides to a decimal with digits, or to double",
            )
        return decimal_quotient(
            left, right, of_left[1], of_right[1], rules.scale(of_left, of_right), rules.zero
        )
    if not rules.as_double:
        raise context.refuse(
            node,
            "the number of digits that it gives for decimals is not known",
            "cast one side to double",
        )
    return duckdb_text("cast({0} as double) / {1}", left, divisor(right, rules.zero))


def _digits(node: exp.Expr) -> tuple[int, int] | None:
    while isinstance(node, exp.Paren | exp.Neg):
        node = node.this
    if isinstance(node, exp.Literal) and not node.is_string and "e" not in node.name.lower():
        whole, _, fraction = node.name.partition(".")
        return max(len(whole.lstrip("0")), 1) + len(fraction), len(fraction)
    return digits(node.type)


def decimal_quotient(
    left: exp.Expr, right: exp.Expr, left_scale: int, right_scale: int, scale: int, zero: str
) -> exp.Expr:
    """The exact quotient of decimals, rounded half away from zero to *scale* digits. DuckDB divides decimals as doubles, so
    whole numbers are divided.
    """
    over, under = scale + right_scale - left_scale, 0
    if over < 0:
        over, under = 0, -over
    numerator = f"cast({{0}} * {10**left_scale} as hugeint) * {10**over}"
    denominator = f"(cast({{1}} * {10**right_scale} as hugeint) * {10**under})"
    rounded = (
        f"(2 * abs({numerator}) + abs({denominator})) // (2 * abs({denominator}))"
        f" * cast(sign({{0}}) * sign({{1}}) as hugeint)"
    )
    whole = f"cast({rounded} as decimal({38 - scale}, 0))"
    template = whole if scale == 0 else f"{whole} * cast({_unit(scale)} as decimal({scale}, {scale}))"
    return duckdb_text(template, left, divisor(right, "null" if zero == "null" else "inf"))


def _unit(scale: int) -> str:
    return f"0.{'0' * (scale - 1)}1"


def divisor(node: exp.Expr, zero: str) -> exp.Expr:
    """*node* as a divisor: what happens when it is zero is the dialect's business."""
    inner = node.unnest()
    literal = isinstance(inner, exp.Literal) and not inner.is_string and float(inner.name) != 0
    return node if literal or isinstance(inner, exp.Nullif) else duckdb_text(_ZERO[zero], node)


def steadied(value: exp.Expr, context: Context) -> exp.Expr:
    """*value* ready to be rounded: a decimal that is kept as a double is freed of the double's last digits, so that a half is one."""
    loose = context.kind(value) == "exact" and digits(value.type) is None
    if not (loose and context.dialect.division.as_double):
        return value
    made = duckdb_text("cast({0} as decimal(38, 10))", value)
    made.type = value.type
    return made


def remainder(node: exp.Expr, context: Context) -> exp.Expr | None:
    """The ``%`` operator: its sign is that of the dividend everywhere."""
    assert isinstance(node, exp.Binary)
    if not context.typed:
        return None
    return modulo(node.left, node.right, node, context)


def modulo(left: exp.Expr, right: exp.Expr, node: exp.Expr, context: Context) -> exp.Expr:
    """What is left of *left* divided by *right*."""
    for side in (left, right):
        kind = context.known(side, node)
        if kind not in ("int", "exact", "null"):
            raise context.refuse(node, f"it is not known for a {kind}")
    if context.dialect.name == "sqlite" and "exact" in (context.kind(left), context.kind(right)):
        raise context.refuse(node, "SQLite makes whole numbers of both sides first")
    zero = context.dialect.division.zero
    exact = "exact" in (context.kind(left), context.kind(right))
    return duckdb_text("{0} % {1}", left, divisor(right, zero if exact or zero == "null" else "inf"))


def whole_division(node: exp.Expr, context: Context) -> exp.Expr | None:
    """``DIV``: of whole numbers, towards zero."""
    assert isinstance(node, exp.Binary)
    if not context.typed:
        return None
    for side in (node.left, node.right):
        if context.known(side, node) not in ("int", "null"):
            raise context.refuse(node, "only for whole numbers")
    zero = "null" if context.dialect.division.zero == "null" else "inf"
    return duckdb_text("{0} // {1}", node.left, divisor(node.right, zero))


def averaged(node: exp.Expr, context: Context) -> exp.Expr | None:
    """AVG, whose result has the type that the dialect gives it."""
    argument = node.this
    distinct = isinstance(argument, exp.Distinct)
    value = argument.expressions[0] if distinct else argument
    if not context.typed:
        return None
    kind, how = context.known(value, node), context.dialect.whole_average
    if (
        kind in ("float", "null")
        or (kind == "int" and how == "float")
        or (kind == "exact" and how == "double")
    ):
        return None
    if kind == "int" and how == "double":
        return None
    if kind not in ("int", "exact"):
        raise context.refuse(node, f"it is not known for a {kind}")
    if isinstance(node.parent, exp.Window | exp.Filter | exp.WithinGroup):
        raise context.refuse(
            node, "the digits of its result are not known here", "average a double: avg(cast(… as double))"
        )
    known = digits(value.type)
    if known is None and how != "whole":
        raise context.refuse(
            node, "the digits of its decimals are not known", "average a double: avg(cast(… as double))"
        )
    total, count = exp.Sum(this=argument), exp.Count(this=argument.copy())
    if how == "whole" and kind == "int":
        return duckdb_text("cast({0} // nullif({1}, 0) as bigint)", total, count)
    if how not in _AVERAGE_SCALES or known is None:
        raise context.refuse(
            node,
            "the digits that it gives for decimals are not known",
            "average a double: avg(cast(… as double))",
        )
    scale = _AVERAGE_SCALES[how](known[1])
    return decimal_quotient(total, count, known[1], 0, scale, "null")


_AVERAGE_SCALES = {
    "plus 4": lambda scale: scale + 4,
    "snowflake": lambda scale: max(scale, min(scale + 6, 12)),
}


def summed(node: exp.Expr, context: Context) -> exp.Expr | None:
    """SUM: where its result has another type than DuckDB's, so that what reads it divides as there."""
    if not context.typed or isinstance(node.parent, exp.Window | exp.Filter | exp.WithinGroup):
        return None
    return _sum_as_typed(node, exp.Sum(this=node.this), context)


def summed_over(window: exp.Expr, context: Context) -> exp.Expr | None:
    """A window or filter around SUM, as :func:`summed`."""
    inner = window.this
    total = inner.this if isinstance(inner, exp.Filter) else inner
    if not context.typed or not isinstance(total, exp.Sum) or isinstance(window.parent, exp.Window):
        return None
    return _sum_as_typed(total, type(window)(**window.args), context)


def _sum_as_typed(total: exp.Expr, made: exp.Expr, context: Context) -> exp.Expr | None:
    value = total.this.expressions[0] if isinstance(total.this, exp.Distinct) else total.this
    if not context.dialect.sum_of_bigint_is_decimal or kind_of(value.type) != "int":
        return None
    to = "decimal(38, 0)" if is_bigint(value.type) else "bigint"
    return exp.Cast(this=made, to=exp.DataType.build(to, dialect="duckdb"))
