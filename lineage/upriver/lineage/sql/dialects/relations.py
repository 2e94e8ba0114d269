"""FROM, GROUP BY, ORDER BY, LIMIT and what else makes rows."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects.comparisons import check_text_free
from upriver.lineage.sql.dialects.division import summed_over
from upriver.lineage.sql.dialects.rules import Context
from upriver.lineage.sql.dialects.shadowing import check_names

_SELECT_PARTS = frozenset(
    {"expressions", "from_", "joins", "where", "group", "having", "qualify", "order", "limit", "offset", "distinct", "with_",
     "windows", "laterals"}
)  # fmt: skip
_TABLE_PARTS = frozenset({"this", "db", "catalog", "alias", "joins"})
_GROUP_PARTS = frozenset({"expressions", "rollup", "cube", "grouping_sets", "all"})
_JOIN_PARTS = frozenset({"this", "on", "using", "kind", "side", "method", "global_"})


def _only(node: exp.Expr, parts: frozenset[str], context: Context) -> None:
    for name, value in node.args.items():
        if value and name not in parts:
            inner = value[0] if isinstance(value, list) else value
            at = inner if isinstance(inner, exp.Expr) else node
            raise context.refuse(at, f"its {name.strip('_').replace('_', ' ')} is not known")


def selected(node: exp.Expr, context: Context) -> exp.Expr | None:
    """SELECT."""
    assert isinstance(node, exp.Select)
    _only(node, _SELECT_PARTS, context)
    if (distinct := node.args.get("distinct")) is not None:
        on = distinct.args.get("on")
        if on is not None and context.dialect.name not in ("postgres", "redshift"):
            raise context.refuse(node, "DISTINCT ON")
        check_text_free(node, on.expressions if on is not None else node.expressions, context)
    if node.args.get("qualify") and context.dialect.name not in ("snowflake", "bigquery", "redshift"):
        raise context.refuse(node.args["qualify"], "QUALIFY")
    if context.typed:
        check_names(node, context)
    return None


def from_table(node: exp.Expr, context: Context) -> exp.Expr | None:
    """A table in FROM."""
    _only(node, _TABLE_PARTS, context)
    if not isinstance(node.this, exp.Identifier):
        raise context.refuse(node.this, "a function in FROM")
    return None


def joined(node: exp.Expr, context: Context) -> exp.Expr | None:
    """JOIN."""
    _only(node, _JOIN_PARTS, context)
    kind, method = str(node.args.get("kind") or "").upper(), str(node.args.get("method") or "").upper()
    if kind not in ("", "INNER", "OUTER", "CROSS", "SEMI", "ANTI") or method not in ("", "NATURAL"):
        raise context.refuse(node, f"{method} {kind} JOIN".strip())
    if (node.args.get("using") or method) and context.typed and not context.dialect.exact_text:
        raise context.refuse(node, "it compares by the collation of the database", "join with ON")
    return None


def grouped(node: exp.Expr, context: Context) -> exp.Expr | None:
    """GROUP BY."""
    _only(node, _GROUP_PARTS, context)
    if node.args.get("all") and context.dialect.name not in ("snowflake", "bigquery", "spark", "redshift"):
        raise context.refuse(node, "GROUP BY ALL")
    if context.typed and not context.dialect.exact_text:
        select = node.parent
        chosen = select.expressions if isinstance(select, exp.Select) else []
        keys = [_ordinal(one, chosen) for one in node.find_all(exp.Column, exp.Literal)]
        check_text_free(node, [one for one in keys if one is not None], context)
    return None


def _ordinal(node: exp.Expr, chosen: list[exp.Expr]) -> exp.Expr | None:
    if isinstance(node, exp.Literal):
        index = int(node.name) - 1 if node.name.isdigit() else -1
        return chosen[index] if 0 <= index < len(chosen) else None
    for one in chosen:
        if (
            isinstance(one, exp.Alias)
            and not node.args.get("table")
            and one.alias.lower() == node.name.lower()
        ):
            return one
    return node


def ordered(node: exp.Expr, context: Context) -> exp.Expr | None:
    """A key of ORDER BY."""
    assert isinstance(node, exp.Ordered)
    if node.args.get("with_fill"):
        raise context.refuse(node, "WITH FILL")
    if context.typed and not context.dialect.exact_text:
        select = node.find_ancestor(exp.Select, exp.Window)
        chosen = select.expressions if isinstance(select, exp.Select) else []
        key = _ordinal(node.this, chosen) if isinstance(node.this, exp.Column | exp.Literal) else node.this
        if key is not None:
            check_text_free(node, [key], context)
    return None


def limited(node: exp.Expr, context: Context) -> exp.Expr | None:
    """LIMIT, TOP and FETCH."""
    options = node.args.get("limit_options")
    if options is not None and (options.args.get("percent") or options.args.get("with_ties")):
        raise context.refuse(node, "PERCENT and WITH TIES", "rank the rows with a window function")
    if node.args.get("expressions"):
        raise context.refuse(node, "LIMIT … BY")
    if isinstance(node, exp.Fetch):
        return exp.Limit(expression=node.args.get("count") or exp.Literal.number(1))
    if options is not None:
        return exp.Limit(expression=node.expression)
    return None


def combined(node: exp.Expr, context: Context) -> exp.Expr | None:
    """UNION, EXCEPT and INTERSECT."""
    assert isinstance(node, exp.SetOperation)
    if node.args.get("by_name") or node.args.get("on") or node.args.get("kind") or node.args.get("side"):
        raise context.refuse(node, "BY NAME and CORRESPONDING")
    if node.args.get("distinct"):
        check_text_free(node, list(node.selects), context)
    return None


def windowed(node: exp.Expr, context: Context) -> exp.Expr | None:
    """A window: what it is partitioned by may be text."""
    assert isinstance(node, exp.Window)
    if node.args.get("first") is not None:
        raise context.refuse(node, "FIRST and LAST")
    check_text_free(node, list(node.args.get("partition_by") or ()), context)
    return summed_over(node, context)


def told_apart(node: exp.Expr, context: Context) -> exp.Expr | None:
    """DISTINCT inside an aggregate, and functions that compare their arguments."""
    check_text_free(
        node, [*node.expressions, *([node.this] if isinstance(node.this, exp.Expr) else [])], context
    )
    return None


def extreme(node: exp.Expr, context: Context) -> exp.Expr | None:
    """MIN and MAX."""
    if node.expressions:
        raise context.refuse(node, "with more than one argument")
    value = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    check_text_free(node, [value], context)
    return None


def unnested(node: exp.Expr, context: Context) -> exp.Expr | None:
    """UNNEST of lists in FROM."""
    raise context.refuse(node, "it makes other columns or other rows for structs, nulls and several lists")
