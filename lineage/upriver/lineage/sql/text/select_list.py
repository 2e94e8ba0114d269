"""The text that makes each output column, as the user wrote it. For display only: nothing is decided by it.

A column that is only passed on is looked for in the subquery or common table expression that it comes from, through
``select *`` too.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice, pairwise

from upriver.lineage.sql.text.select_block import Block, From, Tokens, closing, read_block, word
from upriver.lineage.sql.text.tokens import tokens

_DEEPEST = 12


def output_expressions(text: str, names: tuple[str, ...]) -> tuple[str | None, ...]:
    """For each output column its expression, None where it is only a column of an upstream or is not known."""
    reader = _Reader()
    block = read_block(list(tokens(text)))
    count, wide = len(block.items), [i for i, item in enumerate(block.items) if expands(item)]
    if not wide and count == len(names):
        items: list[Tokens | None] = list(block.items)
    elif len(wide) == 1 and len(names) >= count - 1:
        before, after = wide[0], count - 1 - wide[0]
        between: list[Tokens | None] = [None] * (len(names) - before - after)
        items = [*block.items[:before], *between, *(block.items[-after:] if after else ())]
    else:
        items = [None] * len(names)
    known = _Scope(block.ctes)
    return tuple(
        reader.of_item(item, block, known, 0)
        if item is not None
        else reader.of_name(name.lower(), block, known, 0)
        for item, name in zip(items, names, strict=True)
    )


class _Scope:
    """The common table expressions that can be named somewhere."""

    def __init__(self, ctes: Mapping[str, Tokens], outer: _Scope | None = None) -> None:
        self._ctes = ctes
        self._outer = outer
        self._found: dict[str, tuple[Tokens, _Scope]] = {}

    def within(self, ctes: Mapping[str, Tokens]) -> _Scope:
        """With those of a query inside."""
        return _Scope(ctes, self) if ctes else self

    def find(self, name: str) -> tuple[Tokens, _Scope] | None:
        """The query of that name, and what can be named in it: those before it."""
        if name not in self._ctes:
            return self._outer.find(name) if self._outer is not None else None
        if name not in self._found:
            before = dict(islice(self._ctes.items(), list(self._ctes).index(name)))
            self._found[name] = (self._ctes[name], _Scope(before, self._outer))
        return self._found[name]


class _Reader:
    def __init__(self) -> None:
        self._blocks: dict[int, Block] = {}

    def of_item(self, item: Tokens, block: Block, scope: _Scope, depth: int) -> str | None:
        """What makes the column of one item of a select list."""
        made = without_alias(item)
        if not is_column(made):
            return _written(made)
        qualifier = made[-3].name.lower() if len(made) > 2 else None
        return self._below(made[-1].name.lower(), qualifier, block, scope, depth)

    def of_name(self, name: str, block: Block, scope: _Scope, depth: int) -> str | None:
        """What makes the column of that name."""
        named = [item for item in block.items if not expands(item) and name_of(item) == name]
        if named:
            return self.of_item(named[0], block, scope, depth) if len(named) == 1 else None
        found = set()
        for item in block.items:
            if item[0].text != "*" and item[-1].text != "*" and not (len(item) > 2 and item[2].text == "*"):
                continue
            qualifier = item[0].name.lower() if item[0].text != "*" else None
            found.add(self._of_star(name, item, qualifier, block, scope, depth))
        found.discard(None)
        return found.pop() if len(found) == 1 else None

    def _of_star(
        self, name: str, item: Tokens, qualifier: str | None, block: Block, scope: _Scope, depth: int
    ) -> str | None:
        for at, token in enumerate(item[:-1]):
            change = word(token)
            if change not in ("replace", "rename"):
                continue
            opened = item[at + 1].text == "("
            listed = item[at + 2 : closing(item, at + 1)] if opened else item[at + 1 :]
            for one in _parted(listed):
                if name_of(one) != name:
                    continue
                if change == "replace":
                    return self.of_item(one, block, scope, depth)
                name = one[0].name.lower()
        return self._below(name, qualifier, block, scope, depth)

    def _below(self, name: str, qualifier: str | None, block: Block, scope: _Scope, depth: int) -> str | None:
        if depth > _DEEPEST:
            return None
        found = set()
        for source in block.sources:
            if qualifier is None or source.alias == qualifier:
                inside = self._query_of(source, scope)
                if inside is not None:
                    below, inner = inside
                    found.add(self.of_name(name, below, inner, depth + 1))
        found.discard(None)
        return found.pop() if len(found) == 1 else None

    def _query_of(self, source: From, scope: _Scope) -> tuple[Block, _Scope] | None:
        if source.query is not None:
            query, inner = source.query, scope
        elif len(source.name) == 1 and (known := scope.find(source.name[0])) is not None:
            query, inner = known
        else:
            return None
        if not query:
            return None
        start = query[0].start
        if start not in self._blocks:
            self._blocks[start] = read_block(query)
        block = self._blocks[start]
        return block, inner.within(block.ctes)


def _written(item: Tokens) -> str:
    """An expression on one line, without comments."""
    words = [item[0].text]
    for before, token in pairwise(item):
        words += [" " if before.end < token.start else "", token.text]
    return " ".join("".join(words).split())


def _parted(listed: Tokens) -> list[Tokens]:
    parts, start, at = [], 0, 0
    while at < len(listed):
        if listed[at].text == ",":
            parts.append(listed[start:at])
            start = at + 1
        at = closing(listed, at) + 1 if listed[at].text in ("(", "[", "{") else at + 1
    return [part for part in [*parts, listed[start:]] if part]


def expands(item: Tokens) -> bool:
    """Whether an item may be several columns, or none."""
    starred = item[0].text == "*" or (len(item) > 2 and item[1].text == "." and item[2].text == "*")
    return starred or any(
        word(token) in ("columns", "unnest") and item[at + 1].text == "("
        for at, token in enumerate(item[:-1])
    )


def is_column(item: Tokens) -> bool:
    return len(item) % 2 == 1 and all(
        token.text == "." if index % 2 else token.kind in ("word", "quoted")
        for index, token in enumerate(item)
    )


def without_alias(item: Tokens) -> Tokens:
    if len(item) > 2 and item[-2].text.lower() == "as":
        return item[:-2]
    if len(item) > 2 and item[1].text == ":" and item[2].text != ":":
        return item[2:]
    last, rest = item[-1], item[:-1]
    if rest and last.kind in ("word", "quoted") and word(last) != "end" and not _wants_more(rest):
        return rest
    return item


# fmt: off
_UNFINISHED = frozenset({
    "and", "or", "not", "is", "in", "like", "ilike", "between", "distinct", "from", "then", "else", "when",
})
# fmt: on


def _wants_more(rest: Tokens) -> bool:
    """Whether a word after these belongs to the expression and is no alias."""
    last = rest[-1]
    if last.kind == "word":
        return word(last) in _UNFINISHED
    return last.kind == "other" and last.text not in ")]}"


def name_of(item: Tokens) -> str | None:
    """What the column of an item is called; None when it has no name of its own."""
    made = without_alias(item)
    if len(made) < len(item):
        named = item[0] if len(item) > 2 and item[1].text == ":" else item[-1]
        return named.name.lower()
    return made[-1].name.lower() if is_column(made) else None
