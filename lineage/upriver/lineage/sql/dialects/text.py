"""Pieces of text: SUBSTRING, TRIM and POSITION in their spellings with words."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects.comparisons import by_collation
from upriver.lineage.sql.dialects.kinds import has_text
from upriver.lineage.sql.dialects.rules import Context, FunctionRule, Rule
from upriver.lineage.sql.dialects.signatures import duckdb_text, literal_text

UNICODE_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
JAVA_SPACES = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \u1680"
    + "".join(chr(c) for c in range(0x2000, 0x200B) if c != 0x2007)
    + "\u2028\u2029\u205f\u3000"
)


def substring(kind: str) -> tuple[Rule, FunctionRule]:
    """Rules for SUBSTRING in both spellings. *kind* says what a start before the first character gives: ``shortened`` counts
    the characters before it, for others a start has to be one or more, and a negative length gives ``empty`` or an ``error``.
    """

    def made(
        node: exp.Expr, text: exp.Expr, start: exp.Expr | None, length: exp.Expr | None, context: Context
    ) -> exp.Expr:
        if start is None:
            raise context.refuse(node, "without a start")
        if context.typed:
            for value, wanted in ((text, "text"), (start, "int"), (length, "int")):
                if value is not None and context.known(value, node) not in (wanted, "null"):
                    raise context.refuse(node, f"of a {context.kind(value)}")
        if kind == "shortened":
            if length is None:
                return duckdb_text("substring({0}, if({1} < 1, 1, {1}))", text, start)
            return duckdb_text(
                "substring({0}, if({1} < 1, 1, {1}), if({2} < 0, error('negative substring length'), "
                "if({1} + {2} < 1, 1, {1} + {2})) - if({1} < 1, 1, {1}))",
                text, start, length,
            )  # fmt: skip
        if not (
            isinstance(start, exp.Literal)
            and not start.is_string
            and start.name.isdigit()
            and int(start.name) >= 1
        ):
            raise context.refuse(
                node, "only with a literal start of 1 or more: what 0 and negative ones mean differs"
            )
        if length is None:
            return duckdb_text("substring({0}, {1})", text, start)
        return duckdb_text(
            f"substring({{0}}, {{1}}, if({{2}} < 0, {_NEGATIVE[kind]}, {{2}}))", text, start, length
        )

    def rule(node: exp.Expr, context: Context) -> exp.Expr:
        return made(node, node.this, node.args.get("start"), node.args.get("length"), context)

    def called(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
        text, start, length = (*arguments, None)[:3]
        assert text is not None
        return made(node, text, start, length, context)

    return rule, called


_NEGATIVE = {"empty": "0", "error": "error('negative substring length')"}


def trimmed(spaces: str = " ", *, sets: bool = True) -> Rule:
    """A rule for TRIM, which takes *spaces* away unless told otherwise; *sets* says that more than one character are a set."""

    def rule(node: exp.Expr, context: Context) -> exp.Expr:
        if node.args.get("collation"):
            raise context.refuse(node, "with a collation")
        characters = node.args.get("expression") or exp.Literal.string(spaces)
        literal = literal_text(characters)
        if not sets and (literal is None or len(literal) != 1):
            raise context.refuse(node, "it takes whole words away, DuckDB's takes characters")
        if context.typed:
            for value in (node.this, *([characters] if node.args.get("expression") else [])):
                if context.known(value, node) not in ("text", "null"):
                    raise context.refuse(node, f"of a {context.kind(value)}")
        function = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(
            str(node.args.get("position") or "BOTH").upper(), "trim"
        )
        return duckdb_text(f"{function}({{0}}, {{1}})", node.this, characters)

    return rule


def trimmed_side(function: str, spaces: str) -> FunctionRule:
    """A rule for LTRIM or RTRIM of white space."""

    def rule(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
        return duckdb_text(f"{function}({{0}}, {{1}})", arguments[0], exp.Literal.string(spaces))

    return rule


def position(node: exp.Expr, context: Context) -> exp.Expr:
    """``position(part in text)``."""
    if node.args.get("position") or node.args.get("occurrence"):
        raise context.refuse(node, "with a start")
    if context.typed:
        if not context.dialect.exact_text:
            raise by_collation(node, context)
        for value in (node.this, node.args["substr"]):
            if context.known(value, node) not in ("text", "null"):
                raise context.refuse(node, f"of a {context.kind(value)}")
    return duckdb_text("strpos({0}, {1})", node.this, node.args["substr"])


def by_bytes(template: str) -> FunctionRule:
    """A rule for a function that looks for text in text."""

    def rule(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
        if not context.dialect.exact_text:
            raise by_collation(node, context)
        return duckdb_text(template, *arguments)

    return rule


def joined_text(*, nulls: str, texts: frozenset[str]) -> FunctionRule:
    """A rule for CONCAT: *nulls* are ``skipped`` or ``spread``; *texts* are the kinds whose text is DuckDB's."""

    def rule(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
        for value in arguments:
            kind = context.known(value, node)
            loose = kind == "exact" and not has_text(value.type)
            if context.typed and (loose or kind not in texts):
                raise context.refuse(
                    node, f"what text a {kind} becomes differs", "cast it to text in the form that is meant"
                )
        if nulls == "skipped":
            return exp.Anonymous(this="concat", expressions=arguments)
        first, *rest = (duckdb_text("cast({0} as varchar)", value) for value in arguments)
        for part in rest:
            first = exp.DPipe(this=first, expression=part)
        return exp.Paren(this=first)

    return rule
