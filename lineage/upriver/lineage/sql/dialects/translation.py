"""Text in another dialect to DuckDB's text, or a diagnosis at its place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import pairwise

import sqlglot
from sqlglot import _version, exp
from sqlglot.dialects.dialect import Dialect as Grammar
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError, TokenError, UnsupportedError
from sqlglot.tokenizer_core import Token, TokenType

from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.model import Place, Schema, Value
from upriver.lineage.sql.dialects.known import ALIASES, NAMES, dialect_named
from upriver.lineage.sql.dialects.nodes import CLAUSES, PARTS, RULES
from upriver.lineage.sql.dialects.refusal import Origin, Refused, diagnosis, located, mark_places, take_place
from upriver.lineage.sql.dialects.rules import (
    PREFIX,
    Context,
    Dialect,
    Rule,
    function_name,
    translate_call,
)
from upriver.lineage.sql.dialects.typed import annotate

VERSION = "dialects-1"
"""Part of the signature of every translation: to be changed when a translation changes its meaning."""


class Translation(Value, frozen=True):
    """A query in DuckDB's SQL. *signature* is equal only for texts that mean the same in their dialect, whatever the types of
    their upstreams.
    """

    text: str
    signature: str


def translate(
    text: str,
    dialect: str,
    path: str | None = None,
    first_line: int = 1,
    schemas: Mapping[str, Schema] | None = None,
) -> Translation | Diagnosis:
    """*text* in DuckDB's SQL. Without *schemas*, by the names of tables as written, in lower case, the translation only tells
    what the query reads: division, casts and comparisons need the types.
    """
    place = Place(path, first_line) if path else None
    known = dialect_named(dialect)
    if known is None:
        return _unknown(dialect, place)
    tree = _parsed(text, known, path, first_line)
    if isinstance(tree, Diagnosis):
        return tree
    tokens, statement = tree
    origin = Origin(text, tokens)
    context = Context(known, origin, typed=schemas is not None)
    signature = _signature(statement, dialect)
    try:
        if schemas is not None:
            annotate(statement, known, schemas)
        translated = _translated(statement, context)
        return Translation(
            translated.sql("duckdb", unsupported_level=ErrorLevel.RAISE, comments=False), signature
        )
    except Refused as refused:
        return diagnosis(refused, origin, known.name, path, first_line)
    except UnsupportedError as error:
        message = f"the query can't be translated from {known.name} to DuckDB without changing its meaning"
        return Diagnosis(
            "sql-dialect", message, place, facts=(str(error),), hint="write this asset in DuckDB's SQL"
        )
    except (SqlglotError, RecursionError) as error:
        return Diagnosis(
            "sql-syntax", f"the query can't be translated from {known.name}: {_why(error)}", place
        )


def _why(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _unknown(dialect: str, place: Place | None) -> Diagnosis:
    name = dialect.partition(",")[0].strip().lower()
    known = sorted((*NAMES, *ALIASES, "duckdb"))
    if name in known:
        message = f"the setting {dialect.partition(',')[2].strip()!r} of the SQL dialect {name} is not known"
        return Diagnosis(
            "sql-dialect", message, place, hint=f"mysql and tsql take `dialect: {name}, collation=binary`"
        )
    foreign = {one.value for one in sqlglot.Dialects if one.value}
    message = f"the SQL dialect {dialect!r} is not known"
    if name in foreign:
        message = (
            f"the SQL dialect {dialect!r} can't be translated: how it differs from DuckDB's is not known"
        )
    hint = did_you_mean(name, known) if name not in foreign else "write this asset in DuckDB's SQL"
    return Diagnosis("sql-dialect", message, place, facts=("known dialects: " + ", ".join(known),), hint=hint)


def _parsed(
    text: str, dialect: Dialect, path: str | None, first_line: int
) -> tuple[list[Token], exp.Expr] | Diagnosis:
    place = Place(path, first_line) if path else None
    grammar = Grammar.get_or_raise(dialect.grammar)
    try:
        tokens = grammar.tokenize(text)
        statements = [
            one for one in grammar.parser().parse(_own_functions(tokens, dialect), text) if one is not None
        ]
    except ParseError as error:
        detail = error.errors[0] if error.errors else {}
        line, column = int(detail.get("line") or 1), int(detail.get("col") or 1)
        if path:
            place = Place(path, first_line + line - 1, column)
        return Diagnosis(
            "sql-syntax", f"{detail.get('description') or 'syntax error'} (dialect {dialect.name})", place
        )
    except (TokenError, SqlglotError, RecursionError) as error:
        return Diagnosis("sql-dialect", f"the query can't be read as {dialect.name}: {_why(error)}", place)
    statements = [one for one in statements if not isinstance(one, exp.Semicolon)]
    if len(statements) != 1:
        return Diagnosis(
            "sql-statement",
            f"an SQL asset is one query; here are {len(statements)} statements"
            if statements
            else "there is no query",
            place,
            hint="make each an asset of its own" if statements else "an SQL asset is one SELECT statement",
        )
    (statement,) = statements
    if not isinstance(statement, exp.Query | exp.Values):
        return located(
            "sql-statement",
            "an SQL asset is one query",
            text,
            (tokens[0].start, tokens[0].end + 1),
            path,
            first_line,
            "write the SELECT only; Upriver stores its result",
        )
    return tokens, statement


def _own_functions(tokens: list[Token], dialect: Dialect) -> list[Token]:
    """*tokens* in which the functions of the dialect's table have names that sqlglot does not know."""
    found = list(tokens)
    for index, (token, after) in enumerate(pairwise(tokens)):
        before = tokens[index - 1] if index else None
        if (
            after.token_type is TokenType.L_PAREN
            and token.text.upper() in dialect.functions
            and token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER)
            and (before is None or before.token_type is not TokenType.DOT)
            and not (before is not None and before.text.upper() in ("WITH", "AS", "RECURSIVE", "INSERT"))
        ):
            found[index] = Token(
                TokenType.VAR,
                PREFIX + token.text.lower(),
                token.line,
                token.col,
                token.start,
                token.end,
                token.comments,
            )
    return found


def _translated(statement: exp.Expr, context: Context) -> exp.Expr:
    """The tree with every node allowed, and replaced where its rule says so; from the leaves up."""
    dialect = context.dialect
    rules = {**RULES, **dialect.rules}
    root = statement
    nodes = list(statement.walk())
    mark_places(nodes)
    for node in reversed(nodes):
        made = _node(node, rules, context)
        if made is None or made is node:
            continue
        take_place(made, node)
        if made.type is None and node.type is not None:
            made.type = node.type
        if node is root:
            root = made
        else:
            node.replace(made)
    return root


def _node(node: exp.Expr, rules: Mapping[type[exp.Expr], Rule], context: Context) -> exp.Expr | None:
    if function_name(node) is not None:
        return translate_call(node, context)
    kind = type(node)
    for name, value in node.args.items() if kind in PARTS else ():
        if value and name not in PARTS[kind]:
            raise context.refuse(node, f"with {name.replace('_', ' ')}")
    if isinstance(node, exp.Func) and node.meta.get("start") is not None:
        name = context.origin.written(node).upper()
        if name not in context.dialect.kept:
            raise context.refuse(node, "it is not known to mean the same", _nearest(name, context.dialect))
    rule = rules.get(kind)
    if rule is not None:
        return rule(node, context)
    if kind in CLAUSES or kind in context.dialect.clauses:
        return None
    if isinstance(node, exp.Func) and ("start" in node.meta or _kept(node, context.dialect)):
        return None
    while node.parent is not None and _is_unknown(node.parent, rules, context):
        node = node.parent
    raise context.refuse(node, "it is not known to mean the same")


def _is_unknown(node: exp.Expr, rules: Mapping[type[exp.Expr], Rule], context: Context) -> bool:
    kind = type(node)
    if kind in rules or kind in CLAUSES or kind in context.dialect.clauses or function_name(node) is not None:
        return False
    return not isinstance(node, exp.Func) or not _kept(node, context.dialect)


def _kept(node: exp.Func, dialect: Dialect) -> bool:
    return any(name.upper() in dialect.kept for name in node.sql_names())


def _nearest(name: str, dialect: Dialect) -> str | None:
    return did_you_mean(name.lower(), sorted(one.lower() for one in (*dialect.functions, *dialect.kept)))


def _signature(statement: exp.Expr, dialect: str) -> str:
    """A digest of the tree as it was read: not of comments, white space, and the case of names without quotes."""
    digest = hashlib.blake2b(f"{VERSION} {_version.__version__} {dialect}\n".encode(), digest_size=16)
    for line in _described(statement):
        digest.update(line.encode())
    return digest.hexdigest()


def _described(statement: exp.Expr) -> Iterator[str]:
    for node in statement.walk(bfs=False):
        fields = []
        for name, value in sorted(node.args.items()):
            if value is None or value is False:
                continue
            if isinstance(value, exp.Expr):
                fields.append(f"{name}=*")
                continue
            if isinstance(value, list):
                fields.append(f"{name}={['*' if isinstance(one, exp.Expr) else repr(one) for one in value]}")
                continue
            folded = (
                value.lower()
                if isinstance(value, str) and isinstance(node, exp.Identifier | exp.Anonymous)
                else value
            )
            fields.append(f"{name}={folded!r}")
        yield f"{type(node).__name__}({node.arg_key}|{';'.join(fields)})\n"
