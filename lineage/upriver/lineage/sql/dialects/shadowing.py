"""Names that DuckDB and the dialect may resolve to different things."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects.rules import Context


def check_names(select: exp.Select, context: Context) -> None:
    """Refuse an unqualified name that is both a column of the FROM clause and another output column.

    Dialects differ in which of the two GROUP BY, HAVING, WHERE, QUALIFY, expressions of ORDER BY and later output columns mean.
    """
    outputs = {
        one.alias.lower(): one
        for one in select.expressions
        if isinstance(one, exp.Alias) and not _same_column(one)
    }
    if not outputs:
        return
    inputs = _input_names(select)
    for place in _places(select):
        for column in place.find_all(exp.Column):
            name = column.name.lower()
            if column.table or name not in outputs or column.find_ancestor(exp.Select) is not select:
                continue
            if _inside(column, outputs[name]):
                continue
            if inputs is None or name in inputs:
                raise context.refuse(
                    column,
                    "it is an output column, and may be a column that is read too: dialects differ in which is meant",
                    "write the table before the name, or give the output column another name",
                )


def _same_column(alias: exp.Alias) -> bool:
    return isinstance(alias.this, exp.Column) and alias.this.name.lower() == alias.alias.lower()


def _inside(node: exp.Expr, ancestor: exp.Expr) -> bool:
    found: exp.Expr | None = node
    while found is not None:
        if found is ancestor:
            return True
        found = found.parent
    return False


def _places(select: exp.Select) -> list[exp.Expr]:
    found = [select.args[name] for name in ("where", "group", "having", "qualify") if select.args.get(name)]
    found += [one for one in select.expressions if not isinstance(one, exp.Column)]
    if (order := select.args.get("order")) is not None:
        found += [one for one in order.expressions if not isinstance(one.this, exp.Column)]
    return found


def _input_names(select: exp.Select) -> set[str] | None:
    """The columns that FROM offers, None when they are not all known."""
    names: set[str] = set()
    for source in [select.args.get("from_"), *(select.args.get("joins") or ())]:
        if source is not None:
            known = column_names(source.this)
            if known is None:
                return None
            names |= known
    return names


COLUMNS = "upriver_columns"
"""Where a table of the tree keeps the names of its columns."""


def column_names(source: exp.Expr) -> set[str] | None:
    """The names of the columns of a relation in FROM, in lower case; None when they are not all known."""
    waiting, seen = [source], 0
    names: set[str] = set()
    while waiting:
        relation, seen = waiting.pop(), seen + 1
        aliases = relation.args.get("alias")
        if isinstance(aliases, exp.TableAlias) and aliases.columns:
            names |= {column.name.lower() for column in aliases.columns}
        elif COLUMNS in relation.meta:
            names |= set(relation.meta[COLUMNS])
        elif isinstance(relation, exp.Table) and (cte := _definition(relation)) is not None and seen < 1000:
            waiting.append(cte)
        elif isinstance(relation, exp.CTE | exp.Subquery | exp.Paren | exp.SetOperation):
            waiting.append(relation.this)
        elif isinstance(relation, exp.Select):
            for one in relation.expressions:
                if one.is_star:
                    joins = relation.args.get("joins") or ()
                    waiting += [
                        part.this for part in (relation.args.get("from_"), *joins) if part is not None
                    ]
                else:
                    names.add(one.alias_or_name.lower())
        else:
            return None
    return names


def _definition(table: exp.Table) -> exp.CTE | None:
    """The common table expression that *table* names."""
    if table.args.get("db"):
        return None
    around: exp.Expr | None = table
    while around is not None:
        with_ = around.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            if cte.alias.lower() == table.name.lower():
                return cte if isinstance(cte, exp.CTE) else None
        around = around.parent
    return None
