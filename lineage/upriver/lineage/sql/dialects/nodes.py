"""Treatment of each class of node, in all dialects. A class that is in neither table is refused."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from upriver.lineage.sql.dialects.casts import cast
from upriver.lineage.sql.dialects.common_rules import check_alike
from upriver.lineage.sql.dialects.comparisons import added, compared, concatenated, like, multiplied, truth
from upriver.lineage.sql.dialects.datetime import extracted, interval
from upriver.lineage.sql.dialects.division import (
    averaged,
    divided,
    remainder,
    summed,
    summed_over,
    whole_division,
)
from upriver.lineage.sql.dialects.patterns import matched
from upriver.lineage.sql.dialects.relations import (
    combined,
    extreme,
    from_table,
    grouped,
    joined,
    limited,
    ordered,
    selected,
    told_apart,
    windowed,
)
from upriver.lineage.sql.dialects.rules import Context, Rule
from upriver.lineage.sql.dialects.signatures import duckdb_text


def literal(node: exp.Expr, context: Context) -> exp.Expr | None:
    """Numbers with a point are doubles in some dialects."""
    assert isinstance(node, exp.Literal)
    if node.is_string or node.name.isdigit() or not context.dialect.float_literals:
        return None
    if isinstance(node.parent, exp.DataTypeParam):
        return None
    return exp.Cast(this=exp.Literal.number(node.name), to=exp.DataType.build("double"))


def case(node: exp.Expr, context: Context) -> exp.Expr | None:
    """CASE; with a value it compares."""
    return compared(node, context) if node.args.get("this") is not None else None


def negated(node: exp.Expr, context: Context) -> exp.Expr | None:
    """Minus: DuckDB also turns intervals around, others not text."""
    if context.typed and context.known(node.this, node) not in ("int", "exact", "float", "interval", "null"):
        raise context.refuse(node, "only for numbers")
    return None


def collated(node: exp.Expr, context: Context) -> exp.Expr | None:
    """COLLATE: the collations that compare byte by byte need none in DuckDB."""
    name = node.expression.name.lower()
    binary = {"postgres": ("c", "posix", "ucs_basic"), "sqlite": ("binary",)}
    if name not in binary.get(context.dialect.name, ()):
        raise context.refuse(node, f"the collation {name}")
    return exp.Paren(this=node.this)


def counted(node: exp.Expr, context: Context) -> exp.Expr | None:
    """COUNT; several columns at once count nulls otherwise."""
    if isinstance(node.this, exp.Distinct) and len(node.this.expressions) > 1:
        raise context.refuse(node, "of several columns at once, where nulls count otherwise")
    return None


def raised(node: exp.Expr, context: Context) -> exp.Expr | None:
    """``^`` as a power."""
    assert isinstance(node, exp.Binary)
    if context.typed:
        for side in (node.left, node.right):
            if context.known(side, node) not in ("int", "exact", "float", "null"):
                raise context.refuse(node, "only for numbers")
    return duckdb_text("power({0}, {1})", node.left, node.right)


def percentile(node: exp.Expr, context: Context) -> exp.Expr | None:
    """``percentile_cont(…) within group (order by …)``."""
    order = node.args["expression"]
    if not isinstance(node.this, exp.PercentileCont | exp.PercentileDisc) or len(order.expressions) != 1:
        raise context.refuse(node.this, "within a group")
    (key,) = order.expressions
    if context.typed and context.known(key.this, node) not in ("int", "float"):
        raise context.refuse(node.this, "only of whole numbers and doubles", "cast to double")
    key.set("nulls_first", None)
    return None


def extremes(node: exp.Expr, context: Context) -> exp.Expr | None:
    """The greatest or least of several values in one row."""
    check_alike(node, [node.this, *node.expressions], context)
    return None


def raw_text(node: exp.Expr, context: Context) -> exp.Expr | None:
    """A text in which backslashes stand for themselves."""
    made = exp.Literal.string(node.name)
    made.type = exp.DataType.build("varchar")
    return made


def bracket(node: exp.Expr, context: Context) -> exp.Expr | None:
    """An element of a list: what its first index is, and what is outside, differs."""
    raise context.refuse(node, "the first index, and what is given outside of the list, differ")


RULES: Mapping[type[exp.Expr], Rule] = {
    exp.Select: selected,
    exp.Table: from_table,
    exp.Join: joined,
    exp.Group: grouped,
    exp.Ordered: ordered,
    exp.Limit: limited,
    exp.Fetch: limited,
    exp.Union: combined,
    exp.Except: combined,
    exp.Intersect: combined,
    exp.Window: windowed,
    exp.Literal: literal,
    exp.Div: divided,
    exp.Mod: remainder,
    exp.IntDiv: whole_division,
    exp.Avg: averaged,
    exp.Sum: summed,
    exp.Filter: summed_over,
    exp.Cast: cast,
    exp.TryCast: cast,
    exp.EQ: compared,
    exp.NEQ: compared,
    exp.GT: compared,
    exp.GTE: compared,
    exp.LT: compared,
    exp.LTE: compared,
    exp.NullSafeEQ: compared,
    exp.NullSafeNEQ: compared,
    exp.In: compared,
    exp.Between: compared,
    exp.Nullif: compared,
    exp.Case: case,
    exp.DPipe: concatenated,
    exp.Add: added,
    exp.Sub: added,
    exp.Mul: multiplied,
    exp.Neg: negated,
    exp.Like: like,
    exp.ILike: like,
    exp.Escape: like,
    exp.RegexpLike: matched,
    exp.Collate: collated,
    exp.Extract: extracted,
    exp.Interval: interval,
    exp.Distinct: told_apart,
    exp.Min: extreme,
    exp.Max: extreme,
    exp.Greatest: extremes,
    exp.Least: extremes,
    exp.RawString: raw_text,
    exp.Bracket: bracket,
    exp.And: truth,
    exp.Or: truth,
    exp.Not: truth,
    exp.Count: counted,
    exp.Pow: raised,
    exp.WithinGroup: percentile,
}

_BINARY = frozenset({"this", "expression"})
PARTS: Mapping[type[exp.Expr], frozenset[str]] = {
    exp.Like: _BINARY | {"negate"},
    exp.ILike: _BINARY | {"negate"},
    exp.Is: _BINARY | {"negate"},
    exp.RegexpLike: _BINARY | {"full_match"},
    exp.Between: frozenset({"this", "low", "high"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "alias", "over"}),
    exp.WindowSpec: frozenset({"kind", "start", "start_side", "end", "end_side"}),
    exp.Count: frozenset({"this", "big_int"}),
    exp.Sum: frozenset({"this"}),
    exp.Offset: frozenset({"expression"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.With: frozenset({"expressions", "recursive"}),
    exp.Subquery: frozenset({"this", "alias", "with_", "order", "limit", "offset"}),
    exp.TableAlias: frozenset({"this", "columns"}),
    exp.Star: frozenset(),
    exp.Values: frozenset({"expressions", "alias"}),
    exp.Column: frozenset({"this", "table", "db", "catalog"}),
    exp.Lag: frozenset({"this", "offset", "default"}),
    exp.Lead: frozenset({"this", "offset", "default"}),
}
"""What may belong to a node of a class; anything more is refused."""

CLAUSES = frozenset(
    {
        exp.From, exp.Where, exp.Having, exp.Qualify, exp.Order, exp.Offset, exp.With, exp.CTE, exp.Subquery, exp.TableAlias,
        exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Null, exp.Boolean, exp.Paren, exp.Tuple, exp.If, exp.Is, exp.Exists, exp.DataType, exp.DataTypeParam, exp.Var, exp.WindowSpec, exp.Values,
        exp.Cube, exp.Rollup, exp.GroupingSets, exp.LimitOptions, exp.Coalesce, exp.Any, exp.All,
    }
)  # fmt: skip
"""What means the same everywhere."""
