"""A SELECT taken apart by its words: its list, what it selects from, its common table expressions.

For display only, so it may give up: what it does not know has no parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from upriver.lineage.sql.text.tokens import Token

Tokens: TypeAlias = Sequence[Token]

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_END_OF_LIST = frozenset({"from", "using", "sample"})
_END_OF_FROM = frozenset(
    {
        "where", "group", "having", "window", "qualify", "order", "limit", "offset", "union", "intersect", "except",
        "select", "fetch",
    }
)  # fmt: skip
_NO_ALIAS = frozenset(
    {
        "on", "using", "join", "left", "right", "full", "inner", "cross", "natural", "semi", "anti", "asof",
        "positional", "lateral", "tablesample", "with", "outer",
    }
)  # fmt: skip


@dataclass(frozen=True)
class From:
    """One table expression: a *name* or the tokens of a *query*, neither when it is something else."""

    alias: str
    name: tuple[str, ...] = ()
    query: Tokens | None = None


@dataclass
class Block:
    """One SELECT. *ctes* are the tokens of each common table expression before it, in their order."""

    items: list[Tokens] = field(default_factory=list)
    sources: list[From] = field(default_factory=list)
    ctes: dict[str, Tokens] = field(default_factory=dict)


def word(token: Token) -> str:
    """A word in lower case, other tokens as they are."""
    return token.text.lower() if token.kind == "word" else token.text


def closing(tokens: Tokens, at: int) -> int:
    """The index of the bracket that closes the one at *at*; the end when there is none."""
    depth = 0
    for index in range(at, len(tokens)):
        if tokens[index].kind == "other":
            depth += (tokens[index].text in _CLOSING) - (tokens[index].text in _CLOSING.values())
            if depth == 0:
                return index
    return len(tokens)


def read_block(tokens: Tokens) -> Block:
    """The first SELECT of a query."""
    block, at = Block(), 0
    while True:
        if tokens and word(tokens[0]) == "with":
            at = _read_ctes(tokens, block)
        if at >= len(tokens) or tokens[at].text != "(":
            break
        tokens, at = tokens[at + 1 : closing(tokens, at)], 0  # all of it, or the first of several queries
    if at < len(tokens) and word(tokens[at]) == "from":
        at = _read_from(tokens, at + 1, block)
        if at >= len(tokens) or word(tokens[at]) != "select":
            block.items = [(Token("other", "*", 0, 0),)]
            return block
    if at < len(tokens) and word(tokens[at]) == "select":
        at = _read_items(tokens, at + 1, block)
        if at < len(tokens) and word(tokens[at]) == "from" and not block.sources:
            _read_from(tokens, at + 1, block)
    return block


def _read_ctes(tokens: Tokens, block: Block) -> int:
    at = 1
    if at < len(tokens) and word(tokens[at]) == "recursive":
        at += 1
    while at < len(tokens):
        name, renamed = tokens[at].name.lower(), False
        at += 1
        while at < len(tokens) and word(tokens[at]) != "as":
            renamed |= tokens[at].text == "("
            at = closing(tokens, at) + 1 if tokens[at].text == "(" else at + 1
        while at < len(tokens) and tokens[at].text != "(":
            at += 1
        end = closing(tokens, at)
        block.ctes[name] = () if renamed else tokens[at + 1 : end]
        at = end + 1
        if at >= len(tokens) or tokens[at].text != ",":
            break
        at += 1
    return at


def _read_items(tokens: Tokens, at: int, block: Block) -> int:
    if at < len(tokens) and word(tokens[at]) in ("distinct", "all"):
        at += 1
        if at + 1 < len(tokens) and word(tokens[at]) == "on" and tokens[at + 1].text == "(":
            at = closing(tokens, at + 1) + 1
    start = at
    while at < len(tokens):
        now = word(tokens[at])
        compared = now == "from" and at > start and word(tokens[at - 1]) == "distinct"  # IS DISTINCT FROM
        if now == "," or (now in _END_OF_LIST | _END_OF_FROM and not compared):
            if at > start:
                block.items.append(tokens[start:at])
            if now != ",":
                return at
            start = at + 1
        at = closing(tokens, at) + 1 if now in _CLOSING else at + 1
    if at > start:
        block.items.append(tokens[start:at])
    return at


def _read_from(tokens: Tokens, at: int, block: Block) -> int:
    expected = True
    while at < len(tokens):
        now = word(tokens[at])
        if now in _END_OF_FROM:
            return at
        if now in ("pivot", "unpivot"):
            block.sources = [From("")]  # other columns than those of what is before it
            return len(tokens)
        if expected and now != "lateral":
            at = _read_source(tokens, at, block)
            expected = False
            continue
        expected = expected or now in (",", "join")
        at = closing(tokens, at) + 1 if now in _CLOSING else at + 1
    return at


def _read_source(tokens: Tokens, at: int, block: Block) -> int:
    name: list[str] = []
    query: Tokens | None = None
    if tokens[at].text == "(":
        end = closing(tokens, at)
        inner = tokens[at + 1 : end]
        query = inner if inner and word(inner[0]) in ("select", "with", "from", "(") else None
        at = end + 1
    else:
        while at < len(tokens) and tokens[at].kind in ("word", "quoted", "string"):
            name.append(tokens[at].name.lower())
            at += 1
            if at >= len(tokens) or tokens[at].text != ".":
                break
            at += 1
        if at < len(tokens) and tokens[at].text == "(":  # a table function
            name, at = [], closing(tokens, at) + 1
    alias = name[-1] if name else ""
    if at < len(tokens) and word(tokens[at]) == "as":
        at += 1
    if at < len(tokens) and _is_alias(tokens[at]):
        alias = tokens[at].name.lower()
        at += 1
        if at < len(tokens) and tokens[at].text == "(":  # its columns have other names
            name, query, at = [], None, closing(tokens, at) + 1
    block.sources.append(From(alias, tuple(name), query))
    return max(at, 1)


def _is_alias(token: Token) -> bool:
    return token.kind == "quoted" or (
        token.kind == "word" and word(token) not in _NO_ALIAS | _END_OF_FROM | {"pivot", "unpivot"}
    )
