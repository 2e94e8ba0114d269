"""The places of a query where a column's name could have to be written otherwise, in any dialect.

These are guesses by the text and its syntax tree. What they do is judged by the engine (see ``search``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from upriver.assets.model import Schema
from upriver.lineage.refactoring.rename.columns.search import Spot
from upriver.lineage.sql.dialects.known import grammar_of
from upriver.lineage.sql.names import quote
from upriver.lineage.sql.parse.parse import syntax_tree
from upriver.lineage.sql.parse.query import BoundText, Query
from upriver.lineage.sql.parse.scope import NOWHERE
from upriver.lineage.sql.text.select_block import Block, From, Tokens, read_block, word
from upriver.lineage.sql.text.select_list import expands, is_column, name_of, without_alias
from upriver.lineage.sql.text.tokens import Token, name_end, tokens

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_DEEPEST = 12


class Words:
    """The words of *query* as its author wrote them, and how names are written in its dialect."""

    def __init__(self, query: Query, keywords: frozenset[str]) -> None:
        self.query = query
        self._keywords = keywords
        duckdb = query.dialect == "duckdb"
        self.tokens = tuple(tokens(query.executable)) if duckdb else _foreign_tokens(query)
        found = _columns(query.executable) if duckdb else _foreign_columns(query)
        self._columns, self._items = frozenset(found), frozenset(end for end, item in found.items() if item)

    def written(self, name: str, *, quoted: bool = False) -> str:
        """*name* as it is written in the query, in quotes where it has to be or where it was (*quoted*)."""
        if not quoted and _PLAIN.fullmatch(name) and name.lower() not in self._keywords:
            return name
        if self.query.dialect == "duckdb":
            return quote(name)
        from sqlglot import exp

        return exp.to_identifier(name, quoted=True).sql(dialect=grammar_of(self.query.dialect))

    def bare(self, quoted: re.Match[str]) -> str:
        """A quoted name, without its quotes where it needs none."""
        return self.written(quoted[1])

    def named(self, name: str) -> list[Token]:
        """The words that could be the column *name*."""
        wanted = name.lower()
        return [t for t in self.tokens if t.kind in ("word", "quoted") and t.name.lower() == wanted]

    def is_item(self, token: Token) -> bool:
        """Whether *token* ends a column that is an item of a select list by itself, and so names its column."""
        if token.end not in self._items:
            return False
        at = self.tokens.index(token)
        while at > 1 and self.tokens[at - 1].text == ".":
            at -= 2
        return at == 0 or self.tokens[at - 1].text != "("  # in parentheses no name can follow it

    def is_column(self, token: Token) -> bool:
        """Whether *token* is part of the name of a column that is read, not a name that is given."""
        return token.end in self._columns

    def block(self) -> Block:
        """The outermost SELECT, as far as it is understood."""
        return read_block(self.tokens)


def reading_spots(words: Words, old: str, new: str, called: str, schema: Schema) -> list[Spot]:
    """Where an upstream's column *old* may be read that is called *new* from now on.

    A select list goes on giving its column the name *called*; *schema* is that of the output.
    """
    spots = []
    for token in words.named(old):
        text = words.written(new, quoted=token.kind == "quoted")
        if words.is_item(token):
            text += f" as {words.written(called, quoted=token.kind == 'quoted')}"
        spots.append(Spot(token.start, token.end, text))
    for index, item in _plain_items(words.block(), len(schema)).items():
        made = without_alias(item)
        if len(made) == len(item) and not is_column(made) and item[-1].end:
            text = f" as {words.written(schema[index].name)}"
            spots.append(Spot(item[-1].end, item[-1].end, text, index))
    return sorted(spots, key=lambda spot: (spot.start, spot.end))


def making_spots(words: Words, old: str, new: str, index: int, width: int) -> Iterator[list[Spot]]:
    """Where output column *index* of *width* may get its name *old*, one way after the other: lists of spots that have
    to be taken together for it to be called *new*.
    """
    block = words.block()
    item = _plain_items(block, width).get(index)
    if item is not None and item[-1].end:
        yield [_renamed_item(words, item, new)]
    for spot in _origins(words, block, {}, old, new, 0):
        yield [spot]
    if words.query.dialect == "duckdb" and word(words.tokens[0]) == "from" and not block.items[0][-1].end:
        text = f"select * rename ({words.written(old)} as {words.written(new)}) "
        yield [Spot(words.tokens[0].start, words.tokens[0].start, text)]
    by_name = [
        Spot(token.start, token.end, words.written(new, quoted=token.kind == "quoted"))
        for before, token in zip((None, *words.tokens), words.tokens, strict=False)
        if before is not None and word(before) == "as" and token in words.named(old)
    ]
    items = [Spot(t.end, t.end, f" as {words.written(new)}") for t in words.named(old) if words.is_item(t)]
    if by_name or items:
        yield [*by_name, *items]  # UNION BY NAME: a branch of another name would be another column


def following_spots(words: Words, old: str, new: str, taken: list[Spot]) -> list[Spot]:
    """Where the column may be read again in the query that makes it: ORDER BY, a query around it."""
    starts = {spot.start for spot in taken if spot.end > spot.start}
    return [
        Spot(token.start, token.end, words.written(new, quoted=token.kind == "quoted"))
        for token in words.named(old)
        if token.start not in starts
    ]


def _plain_items(block: Block, width: int) -> dict[int, Tokens]:
    """Items of a select list by the output column that each makes, where one is one."""
    wide = [number for number, item in enumerate(block.items) if expands(item)]
    count = len(block.items)
    if not wide and count == width:
        return dict(enumerate(block.items))
    if len(wide) == 1 and width >= count - 1:
        shift = width - count
        return {
            number if number < wide[0] else number + shift: item
            for number, item in enumerate(block.items)
            if number != wide[0]
        }
    return {}


def _renamed_item(words: Words, item: Tokens, new: str) -> Spot:
    made = without_alias(item)
    if len(made) == len(item):
        return Spot(item[-1].end, item[-1].end, f" as {words.written(new)}")
    alias = item[0] if len(item) > 2 and item[1].text == ":" else item[-1]
    return Spot(alias.start, alias.end, words.written(new, quoted=alias.kind == "quoted"))


def _origins(
    words: Words, block: Block, ctes: Mapping[str, Tokens], old: str, new: str, depth: int
) -> Iterator[Spot]:
    """What may give column *old* of a query its name: an item of it, of a query that it selects everything from, or
    everything of an upstream.
    """
    ctes = {**ctes, **block.ctes}
    for item in block.items:
        if not expands(item) and name_of(item) == old.lower():
            yield _renamed_item(words, item, new)
    stars = [item for item in block.items if expands(item)]
    for source in block.sources if stars and depth < _DEEPEST else ():
        inside = _query_of(source, ctes)
        if inside:
            yield from _origins(words, read_block(inside), ctes, old, new, depth + 1)
    for star in stars:
        if words.query.dialect == "duckdb" and star[-1].end:
            text = f" rename ({words.written(old)} as {words.written(new)})"
            yield Spot(star[-1].end, star[-1].end, text)


def _query_of(source: From, ctes: Mapping[str, Tokens]) -> Tokens | None:
    if source.query is not None:
        return source.query
    return ctes.get(source.name[0]) if len(source.name) == 1 else None


# -- DuckDB's own words --------------------------------------------------------------------------------------
def _columns(text: str) -> dict[int, bool]:
    """The ends of the parts of all column names that are read; whether it ends an item of a select list that is nothing
    but that column, without a name of its own.
    """
    offset = BoundText(text, []).from_byte
    found: dict[int, bool] = {}
    items: set[int] = set()
    for node in _nodes(syntax_tree(text)):
        if node.get("class") != "COLUMN_REF" or node["query_location"] == NOWHERE:
            for item in node.get("select_list") or ():
                if item.get("class") == "COLUMN_REF" and not item["alias"]:
                    items.add(item["query_location"])
            continue
        start, parts = offset(node["query_location"]), len(node["column_names"])
        for number in range(1, parts + 1):
            if (end := name_end(text, start, number)) is not None:
                found[end] = found.get(end, False) or (number == parts and node["query_location"] in items)
    return found


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)
    elif isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _nodes(item)


# -- other dialects ------------------------------------------------------------------------------------------
def _foreign_tokens(query: Query) -> tuple[Token, ...]:
    from sqlglot import Dialect, TokenType

    strings = {kind for kind in TokenType if kind.name.endswith("STRING")}
    found = []
    for token in Dialect.get_or_raise(grammar_of(query.dialect)).tokenize(query.text):
        start, end = token.start, token.end + 1
        text = query.text[start:end]
        if token.token_type is TokenType.IDENTIFIER:
            kind = "quoted"
        elif token.token_type in strings:
            kind = "string"
        elif token.token_type is TokenType.NUMBER:
            kind = "number"
        else:
            kind = "word" if re.match(r"\w", text) else "other"
        found.append(_Foreign(kind, text, start, end))
    return tuple(found)


class _Foreign(Token):
    """A token of another dialect, whose quotes may be others."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The identifier that it spells."""
        return self.text[1:-1] if self.kind == "quoted" else self.text


def _foreign_columns(query: Query) -> dict[int, bool]:
    import sqlglot
    from sqlglot import exp

    found = {}
    for column in sqlglot.parse_one(query.text, read=grammar_of(query.dialect)).find_all(exp.Column):
        if (end := column.this.meta.get("end")) is not None:
            in_list = isinstance(column.parent, exp.Select) and column.arg_key == "expressions"
            found[int(end) + 1] = in_list
    return found
