"""A query with its dynamic pivots masked, so that DuckDB's parser can say which tables it reads.

DuckDB turns ``PIVOT t ON x`` without a list of values into several statements and can't serialize them. Here such a
pivot becomes a plain scan of its source, in place and of the same length, so that all offsets stay valid:
``pivot t on x using sum(y)`` becomes ``from  t``. Subqueries for the list of values stay, as further sources.
"""

from __future__ import annotations

from upriver.lineage.sql.text.tokens import Token, tokens

_PIVOTS = frozenset({"pivot", "pivot_wider"})
_ENDS = frozenset({"union", "intersect", "except"})
_QUERY_STARTS = frozenset({"select", "from", "with", "values", "table"})


def without_dynamic_pivots(text: str) -> str | None:
    """*text* with each PIVOT statement turned into a scan of what it pivots; None when there is none."""
    words = list(tokens(text))
    characters = list(text)
    found = False
    for index, token in enumerate(words):
        if token.kind == "word" and token.text.lower() in _PIVOTS and _starts_statement(words, index):
            found = True
            characters[token.start : token.end] = "from".ljust(token.end - token.start)
            _mask_clauses(words, index, characters)
    return "".join(characters) if found else None


def _starts_statement(words: list[Token], index: int) -> bool:
    """A PIVOT statement stands at the start, after an opening parenthesis, after WITH's list or a set operation."""
    before = words[index - 1].text.lower() if index else "("
    return before in ("(", ")", "all", "by", "name") or before in _ENDS


def _mask_clauses(words: list[Token], index: int, characters: list[str]) -> None:
    """Blank what follows the pivot's source, up to the end of the statement."""
    depth, masking = 0, False
    at = index + 1
    while at < len(words):
        token = words[at]
        text = token.text.lower()
        if token.text in ("(", "[", "{"):
            if masking and at + 1 < len(words) and words[at + 1].text.lower() in _QUERY_STARTS:
                characters[token.start - 1] = ","
                at = _closing(words, at) + 1
                continue
            depth += 1
        elif token.text in (")", "]", "}"):
            depth -= 1
            if depth < 0:
                return
        elif depth == 0 and text in _ENDS:
            return
        elif depth == 0 and text in ("on", "using", "group"):
            masking = True
        if masking:
            characters[token.start : token.end] = " " * (token.end - token.start)
        at += 1


def _closing(words: list[Token], at: int) -> int:
    """The index of the parenthesis that closes the one at *at*."""
    depth = 0
    for index in range(at, len(words)):
        depth += {"(": 1, ")": -1}.get(words[index].text, 0)
        if depth == 0:
            return index
    return len(words) - 1
