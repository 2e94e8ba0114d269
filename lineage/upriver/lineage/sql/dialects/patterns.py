"""Regular expressions, rewritten so that RE2, which DuckDB has, matches what the dialect's engine matches."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from upriver.lineage.sql.dialects.rules import Context
from upriver.lineage.sql.dialects.signatures import duckdb_text, literal_text

_PIECE = re.compile(
    r"""
      (?P<itself>[A-Za-z0-9 _@\#%,:;/=<>!~"'&-])
    | (?P<escaped>\\[.+*?()\[\]{}|^$\\/-])
    | (?P<set>\[\^?(?:[A-Za-z0-9 _@\#%,:;/=<>!~"'&.+*?$(){}|]-?)+\])
    | (?P<quantifier>[*+?](?![*+?]) | \{\d+(?:,\d*)?\}(?![*+?]))
    | (?P<start>\^) | (?P<end>\$)
    | (?P<group>\((?!\?)) | (?P<closing>\))
    | (?P<alternative>\|) | (?P<dot>\.) | (?P<shorthand>\\[dw])
    """,
    re.VERBOSE,
)
_JAVA_LINE_END = r"(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?"
_FLAVOURS = {
    "postgres": "posix", "redshift": "posix", "snowflake": "posix", "spark": "java", "mysql": "java", "trino": "joni",
    "bigquery": "re2",
}  # fmt: skip


def portable(pattern: str, engine: str, *, extent: bool) -> str | None:
    """*pattern* of *engine* for RE2, None when it may match otherwise. *extent* says that it matters where a match ends."""
    flavour = _FLAVOURS.get(engine)
    if flavour is None:
        return None
    if flavour == "re2":
        return pattern
    pieces: list[str] = []
    for kind, text, last in _pieces(pattern):
        match kind:
            case "alternative" if extent and flavour == "posix":
                return None  # POSIX takes the longest alternative, others the first
            case "shorthand" if flavour == "posix":
                return None
            case "dot":
                dots = {
                    "postgres": "(?s:.)",
                    "spark": r"[^\n\r\x{85}\x{2028}\x{2029}]",
                    "mysql": r"[^\n\r\x{85}\x{2028}\x{2029}]",
                }
                text = dots.get(engine, text)
            case "end" if flavour in ("java", "joni"):
                if extent or not last:
                    return None
                text = (_JAVA_LINE_END if flavour == "java" else r"\n?") + "$"
            case "":
                return None
        pieces.append(text)
    return "".join(pieces) or None


def _pieces(pattern: str) -> Iterator[tuple[str, str, bool]]:
    position = 0
    while position < len(pattern):
        found = _PIECE.match(pattern, position)
        if found is None:
            yield "", "", False
            return
        position = found.end()
        yield found.lastgroup or "", found[0], position == len(pattern)


def checked(node: exp.Expr, pattern: exp.Expr, context: Context, *, extent: bool = False) -> exp.Expr:
    """The *pattern* for DuckDB; refuses *node* when it may match something else there."""
    text = literal_text(pattern)
    if text is None:
        raise context.refuse(
            node, "only with a literal pattern, because flavours of regular expressions differ"
        )
    rewritten = portable(text, context.dialect.name, extent=extent)
    if rewritten is None:
        raise context.refuse(
            node,
            f"the pattern {text!r} may match other texts in DuckDB",
            "keep to letters, digits, sets, anchors and greedy quantifiers",
        )
    return exp.Literal.string(rewritten)


def matched(node: exp.Expr, context: Context) -> exp.Expr | None:
    """``~``, RLIKE and REGEXP: whether the pattern is found anywhere in the text."""
    if node.args.get("flag"):
        raise context.refuse(node, "with flags")
    if not context.dialect.exact_text:
        raise context.refuse(node, "whether letter case counts depends on the collation")
    pattern = checked(node, node.args["expression"], context)
    if context.typed and context.known(node.this, node) not in ("text", "null"):
        raise context.refuse(node, "only for text", "cast it to text")
    whole = bool(node.args.get("full_match"))
    return duckdb_text(f"regexp_{'full_match' if whole else 'matches'}({{0}}, {{1}})", node.this, pattern)


def called_match(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
    """A function that says whether a pattern is found anywhere in a text."""
    return duckdb_text("regexp_matches({0}, {1})", arguments[0], checked(node, arguments[1], context))


def called_full_match(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
    """A function that says whether a pattern matches a whole text."""
    return duckdb_text("regexp_full_match({0}, {1})", arguments[0], checked(node, arguments[1], context))


def called_replace(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
    """A function that replaces every match of a pattern."""
    pattern = checked(node, arguments[1], context, extent=True)
    replacement = arguments[2] if len(arguments) > 2 else exp.Literal.string("")
    text = literal_text(replacement)
    if text is None or re.search(r"[\\$]", text):
        raise context.refuse(node, "only with a literal replacement without groups")
    return duckdb_text("regexp_replace({0}, {1}, {2}, 'g')", arguments[0], pattern, replacement)
