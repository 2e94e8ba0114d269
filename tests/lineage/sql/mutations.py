"""Queries changed by one token: most mean something else, some nothing, some nothing at all."""

from __future__ import annotations

import random

from upriver.lineage.sql.text.tokens import Token, tokens

_OTHER_WORDS = {
    "asc": ("desc",),
    "desc": ("asc",),
    "and": ("or",),
    "or": ("and",),
    "union": ("except", "intersect"),
    "left": ("right", "full", "semi", "anti", "inner"),
    "inner": ("left",),
    "sum": ("max", "min", "avg", "count"),
    "max": ("min",),
    "min": ("max", "sum"),
    "rows": ("range", "groups"),
    "first": ("last",),
    "all": ("", "distinct"),
    "distinct": ("",),
    "not": ("",),
    "in": ("not in",),
    "row_number": ("rank",),
    "rank": ("dense_rank",),
    "lag": ("lead",),
    "day": ("month",),
    "month": ("day", "year"),
    "preceding": ("following",),
    "cube": ("rollup",),
    "rollup": ("cube",),
    "varchar": ("integer",),
    "integer": ("bigint", "varchar", "double"),
    "<": ("<=", ">"),
    ">": (">=", "<"),
    "=": ("<>", ">="),
    "+": ("-", "*"),
    "-": ("+",),
    "*": ("+",),
}


def mutated(sql: str, rng: random.Random) -> str:
    """*sql* with one token put otherwise. It may no longer be a query."""
    words = list(tokens(sql))
    at = rng.choice(words)
    return sql[: at.start] + rng.choice(_others(at, words, rng)) + sql[at.end :]


def _others(token: Token, words: list[Token], rng: random.Random) -> tuple[str, ...]:
    text = token.text.lower()
    match token.kind:
        case "number":
            return (str(rng.randrange(4)), token.text + ".0", token.text + "0")
        case "string":
            return ("'q'", "''", token.text[:-1] + "z'")
        case _ if text in _OTHER_WORDS:
            return _OTHER_WORDS[text]
        case "word":
            return (rng.choice(words).text, token.text.upper(), f'"{token.text}"', f"({token.text})")
    return (token.text * 2, "")
