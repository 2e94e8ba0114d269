"""Rules in Python that many dialects' tables name."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from upriver.lineage.sql.dialects.comparisons import by_collation
from upriver.lineage.sql.dialects.division import modulo, steadied
from upriver.lineage.sql.dialects.rules import Context, FunctionRule
from upriver.lineage.sql.dialects.signatures import duckdb_text, literal_text


def mod(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
    """``mod(a, b)``."""
    if not context.typed:
        return duckdb_text("{0} % {1}", *arguments)
    return exp.Paren(this=modulo(arguments[0], arguments[1], node, context))


def rounded(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
    """``round(number, digits)``, half away from zero."""
    digits = arguments[1]
    if isinstance(digits, exp.Neg) or not isinstance(digits, exp.Literal) or not digits.name.isdigit():
        raise context.refuse(node, "only with a literal number of digits")
    if context.typed and context.known(arguments[0], node) == "int":
        return arguments[0]
    return duckdb_text("round({0}, {1})", steadied(arguments[0], context), digits)


def replaced(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
    """``replace(text, from, to)``; an empty *from* is left alone by some and refused by others."""
    if literal_text(arguments[1]) == "":
        raise context.refuse(node, "of an empty text")
    return duckdb_text("replace({0}, {1}, {2})", *arguments)


def extreme_or_null(function: str) -> FunctionRule:
    """A rule for GREATEST and LEAST that give null as soon as one argument is null."""

    def rule(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
        check_alike(node, arguments, context)
        nulls = " or ".join(f"{{{index}}} is null" for index in range(len(arguments)))
        values = ", ".join(f"{{{index}}}" for index in range(len(arguments)))
        return duckdb_text(f"if({nulls}, null, {function}({values}))", *arguments)

    return rule


def extreme_of_known(function: str) -> FunctionRule:
    """A rule for GREATEST and LEAST that leave nulls out, as DuckDB's do."""

    def rule(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
        check_alike(node, arguments, context)
        return exp.Anonymous(this=function, expressions=arguments)

    return rule


def check_alike(node: exp.Expr, arguments: list[exp.Expr], context: Context) -> None:
    """Refuse a comparison of values of several kinds, or of text by an unknown collation."""
    if not context.typed:
        return
    kinds = {context.known(value, node) for value in arguments} - {"null"}
    if len(kinds) > 1 and not kinds <= {"int", "exact", "float"}:
        raise context.refuse(node, "it compares values of different types", "cast them to one type")
    if "text" in kinds and not context.dialect.exact_text:
        raise by_collation(node, context)


NAMED: Mapping[str, FunctionRule] = {
    "mod": mod,
    "round": rounded,
    "replace": replaced,
    "greatest": extreme_of_known("greatest"),
    "least": extreme_of_known("least"),
    "greatest_null": extreme_or_null("greatest"),
    "least_null": extreme_or_null("least"),
}
