"""Comparisons, text concatenation, LIKE, and the collation that decides them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from upriver.lineage.sql.dialects.kinds import digits, has_text
from upriver.lineage.sql.dialects.rules import Context
from upriver.lineage.sql.dialects.signatures import duckdb_text, literal_text

_CASE_FOLDS = "'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'"
_NUMBERS = ("int", "exact", "float")


def compared(node: exp.Expr, context: Context) -> exp.Expr | None:
    """``=``, ``<``, IN, BETWEEN and what else compares two values."""
    if context.typed:
        check_comparison(node, list(_operands(node)), context)
    return None


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    yield node.this
    match node:
        case exp.In():
            yield from node.expressions
            query = node.args.get("query")
            if isinstance(query, exp.Expr) and isinstance(inner := query.unnest(), exp.Query):
                yield from inner.selects
        case exp.Between():
            yield from (node.args["low"], node.args["high"])
        case exp.Case():
            yield from (one.this for one in node.args["ifs"])
        case _:
            yield node.expression


def check_comparison(node: exp.Expr, operands: list[exp.Expr], context: Context) -> None:
    """Refuse a comparison that DuckDB would decide otherwise."""
    kinds = [context.kind(_plain(one)) for one in operands]
    has_text = "text" in kinds
    if has_text:
        for operand, kind in zip(operands, kinds, strict=True):
            literal = literal_text(operand) is not None
            others = [k for o, k in zip(operands, kinds, strict=True) if o is not operand]
            if (
                kind == "text"
                and not literal
                and any(k in (*_NUMBERS, "date", "timestamp", "bool") for k in others)
            ):
                raise context.refuse(node, "it compares text with something else", "cast one side")
            if (
                literal
                and isinstance(node, exp.Nullif)
                and operand is node.this
                and kind == "text"
                and "text" not in others
            ):
                raise context.refuse(node, "of a text and something else", "give the text its type")
            if literal and any(k in _NUMBERS for k in others):
                raise context.refuse(
                    node, "it compares text with a number", "write the number without quotes"
                )
    if not context.dialect.exact_text and (has_text or None in kinds):
        if not has_text:
            for operand in operands:
                context.known(operand, node)
        raise by_collation(node, context)


def _plain(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Ordered) else node


def by_collation(node: exp.Expr, context: Context) -> Exception:
    """The refusal of what compares text by a collation that is not known."""
    name = context.dialect.name
    return context.refuse(
        node,
        "it compares text by the collation of the database, where 'a' may equal 'A'",
        f"where text is to be compared byte by byte, say so in the header: `dialect: {name}, collation=binary`",
    )


def check_text_free(node: exp.Expr, values: list[exp.Expr], context: Context) -> None:
    """Where text is compared by a collation that is not known, refuse to group, sort or tell apart text."""
    if context.typed and not context.dialect.exact_text:
        for value in values:
            if context.known(_plain(value), node) == "text":
                raise by_collation(node, context)


def concatenated(node: exp.Expr, context: Context) -> exp.Expr | None:
    """``||``, whose result is null as soon as one side is."""
    assert isinstance(node, exp.Binary)
    if context.typed:
        for side in (node.left, node.right):
            check_text(side, node, context)
    return exp.DPipe(this=_wrapped(node.left), expression=_wrapped(node.right))


def _wrapped(node: exp.Expr) -> exp.Expr:
    composed = isinstance(node, exp.Binary | exp.Unary | exp.In | exp.Between)
    return exp.Paren(this=node) if composed and not isinstance(node, exp.DPipe | exp.Paren) else node


def check_text(value: exp.Expr, node: exp.Expr, context: Context) -> None:
    """Refuse *node* when the text that DuckDB makes of *value* is not the dialect's."""
    kind = context.known(value, node)
    loose = kind == "exact" and not has_text(value.type)
    if loose or kind not in context.dialect.casts.as_text:
        raise context.refuse(
            node, f"what text a {kind} becomes differs", "cast it to text in the form that is meant"
        )


def added(node: exp.Expr, context: Context) -> exp.Expr | None:
    """``+`` and ``-``: of numbers, of moments and intervals, and in some dialects of text."""
    assert isinstance(node, exp.Binary)
    if not context.typed:
        return None
    left, right = context.known(node.left, node), context.known(node.right, node)
    kinds = {left, right}
    if context.dialect.plus_joins_text and isinstance(node, exp.Add) and kinds <= {"text", "null"}:
        return exp.DPipe(this=_wrapped(node.left), expression=_wrapped(node.right))
    if kinds <= {"int", "exact", "float", "null"}:
        return None
    if "interval" in kinds and kinds <= {"date", "timestamp", "interval"}:
        return _moved(node, context)
    if left == "date" and right == "int" and "date + int" in context.dialect.parts:
        return None
    if left == right == "date" and isinstance(node, exp.Sub) and "date - date" in context.dialect.parts:
        return None
    if (
        left == right == "timestamp"
        and isinstance(node, exp.Sub)
        and "timestamp - timestamp" in context.dialect.parts
    ):
        return None
    raise context.refuse(node, f"it is not known for a {left} and a {right}")


def _moved(node: exp.Binary, context: Context) -> exp.Expr | None:
    days = context.kind(node.left) == "date" or context.kind(node.right) == "date"
    if not days or context.dialect.date_plus_interval == "timestamp":
        return None
    unit = next(
        (side.meta["upriver_unit"] for side in (node.left, node.right) if "upriver_unit" in side.meta), None
    )
    if unit is None:
        raise context.refuse(node, "whether it gives a date or a timestamp depends on the interval")
    if unit not in ("day", "week", "month", "quarter", "year"):
        raise context.refuse(node, "a date moved by less than a day", "cast it to a timestamp first")
    operator = "+" if isinstance(node, exp.Add) else "-"
    return duckdb_text(f"cast({{0}} {operator} {{1}} as date)", node.left, node.right)


def multiplied(node: exp.Expr, context: Context) -> exp.Expr | None:
    """``*`` of numbers."""
    assert isinstance(node, exp.Binary)
    if context.typed:
        for side in (node.left, node.right):
            kind = context.known(side, node)
            if kind not in (*_NUMBERS, "null"):
                raise context.refuse(node, f"it is not known for a {kind}")
        left, right = digits(node.left.type), digits(node.right.type)
        if "exact" in (context.kind(node.left), context.kind(node.right)) and left and right:
            _check_digits(node, left, right, context)
    return None


def _check_digits(node: exp.Expr, left: tuple[int, int], right: tuple[int, int], context: Context) -> None:
    """Refuse a product of decimals whose digits after the point the dialect would cut."""
    scale = left[1] + right[1]
    most = {"snowflake": max(left[1], right[1], 12), "bigquery": 9}.get(context.dialect.name)
    cut = (
        scale > most
        if most is not None
        else context.dialect.name in ("spark", "tsql") and left[0] + right[0] + 1 > 38
    )
    if cut:
        raise context.refuse(
            node, "the product has more digits than it keeps", "cast the factors to fewer digits"
        )


def like(node: exp.Expr, context: Context) -> exp.Expr | None:
    """LIKE and ILIKE: default escape, letter case, brackets."""
    escape = None
    inner = node
    if isinstance(node, exp.Escape):
        inner, escape = node.this, node.expression
    elif isinstance(node.parent, exp.Escape):
        return None
    if not isinstance(inner, exp.Like | exp.ILike):
        raise context.refuse(node, "ESCAPE is only known for LIKE")
    dialect, pattern = context.dialect, literal_text(inner.expression)
    if isinstance(inner.expression, exp.Any | exp.All):
        raise context.refuse(inner, "with several patterns")
    if context.typed:
        for side in (inner.this, inner.expression):
            if context.known(side, inner) not in ("text", "null"):
                raise context.refuse(inner, "only for text", "cast it to text")
        if not dialect.exact_text:
            raise by_collation(inner, context)
    if dialect.name == "tsql" and (pattern is None or "[" in pattern):
        raise context.refuse(inner, "in its pattern brackets mean sets of characters")
    if escape is None and dialect.escape is not None and (pattern is None or dialect.escape in pattern):
        if dialect.name == "spark" and pattern is None:
            raise context.refuse(inner, "a backslash in a computed pattern")
        escape = exp.Literal.string(dialect.escape)
    this, value = _wrapped(inner.this), inner.expression
    if dialect.like == "ascii" and isinstance(inner, exp.Like):
        this, value = (duckdb_text(f"translate({{0}}, {_CASE_FOLDS})", one) for one in (this, value))
        if escape is not None:
            raise context.refuse(inner, "with ESCAPE")
    made: exp.Expr = type(inner)(this=this, expression=value)
    made = made if escape is None else exp.Escape(this=made, expression=escape)
    return exp.Not(this=exp.Paren(this=made)) if inner.args.get("negate") else made


def truth(node: exp.Expr, context: Context) -> exp.Expr | None:
    """AND, OR and NOT: of truth values, and of numbers where the dialect has no others."""
    if context.typed:
        values = [node.this] if isinstance(node, exp.Not) else [node.this, node.expression]
        for value in values:
            if context.kind(value) == "text":
                raise context.refuse(node, "of a text")
    return None
