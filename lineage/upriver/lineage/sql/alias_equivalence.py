"""Equivalence of two queries up to the aliases of their tables, and to where columns are written with them.

Renaming a table's alias changes no meaning, except where the old or the new name could be taken for something else: a
column that holds structs, a schema, a row as a whole. Nor does ``e.id`` for ``id`` where both are the same column. So
the texts have to be the same token by token but for names that are aliases and nothing else in both, and for names
of tables in front of columns. Even then ``a.x`` can be a field of a column ``a``, and ``x`` a column of another table,
which only the schemas tell: the caller has to compare ``Analysis.binding`` as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from upriver.lineage.sql.parse.files import file_of
from upriver.lineage.sql.parse.parse import syntax_tree
from upriver.lineage.sql.parse.scope import Node, nodes_of
from upriver.lineage.sql.text.tokens import Token, tokens

_TABLES = frozenset({"BASE_TABLE", "SUBQUERY", "TABLE_FUNCTION", "EXPRESSION_LIST"})
_NAMES = frozenset({"word", "quoted"})


def only_aliases_differ(one: str, other: str) -> bool:
    """Whether *one* becomes *other*, comments and space aside, when aliases of tables get other names, or come or go
    with the qualifiers of columns, or AS in front of an alias.

    False for equal texts and whenever there is a doubt.
    """
    aligned = _Alignment(list(tokens(one)), list(tokens(other)))
    if not aligned.complete():
        return False
    names = aligned.names
    renamed = {then: now for then, now in names.items() if then != now}
    if len(set(names.values())) < len(names) or not (
        renamed or aligned.dropped or aligned.added or aligned.worded
    ):
        return False
    return _only_aliases(one, set(renamed), aligned.dropped) and _only_aliases(
        other, set(renamed.values()), aligned.added
    )


class _Alignment:
    """Two texts side by side. *names* are the names of one by those of the other, *dropped* and *added* those that only
    one of them has, as qualifiers or as aliases; *worded* is whether one says AS where the other does not."""

    def __init__(self, before: Sequence[Token], after: Sequence[Token]) -> None:
        self._before, self._after = before, after
        self.names: dict[str, str] = {}
        self.dropped: set[str] = set()
        self.added: set[str] = set()
        self.worded = False

    def complete(self) -> bool:
        """Whether all of both texts find a counterpart."""
        before, after = self._before, self._after
        i = j = 0
        while i < len(before) or j < len(after):
            if (end := _alone(before, i, after, j)) is not None:
                self.dropped.add(_name_in(before[i:end]))
                i = end
            elif (end := _alone(after, j, before, i)) is not None:
                self.added.add(_name_in(after[j:end]))
                j = end
            elif _word(before, i) == "as" != _word(after, j):
                i, self.worded = i + 1, True
            elif _word(after, j) == "as" != _word(before, i):
                j, self.worded = j + 1, True
            elif i < len(before) and j < len(after) and self._pair(before[i], after[j]):
                i, j = i + 1, j + 1
            else:
                return False
        return True

    def _pair(self, then: Token, now: Token) -> bool:
        old, new = then.name.lower(), now.name.lower()
        if then.text != now.text and (old == new or not {then.kind, now.kind} <= _NAMES):
            return False
        return then.kind not in _NAMES or self.names.setdefault(old, new) == new


def _alone(one: Sequence[Token], at: int, other: Sequence[Token], there: int) -> int | None:
    """Where a qualifier or an alias ends that *one* has at a place where *other* has none; None when it has not."""
    if _dots(one, at) == _dots(other, there) + 1 and (at == 0 or one[at - 1].text != "."):
        return at + 2
    start = at + 1 if _word(one, at) == "as" else at
    if start < len(one) and one[start].kind in _NAMES and _word(one, at) != _word(other, there):
        return start + 1 if _word(one, start + 1) == _word(other, there) else None
    return None


def _dots(found: Sequence[Token], at: int) -> int:
    """How many names or stars follow the name at a place, each behind a dot."""
    count = 0
    while at < len(found) and found[at].kind in _NAMES and _word(found, at + 1) == ".":
        count, at = count + 1, at + 2
    return count


def _word(found: Sequence[Token], at: int) -> str | None:
    return found[at].name.lower() if at < len(found) else None


def _name_in(found: Sequence[Token]) -> str:
    return next(t.name.lower() for t in reversed(found) if t.kind in _NAMES)


def _only_aliases(text: str, names: set[str], of_tables: set[str]) -> bool:
    """Whether each of *names* is the alias of a table in *text*, or in front of a column, wherever it stands; and each
    of *of_tables* an alias or the name of a table itself."""
    tree = syntax_tree(text)
    if tree is None:
        return False
    aliases: Counter[str] = Counter()
    qualifiers: Counter[str] = Counter()
    tables: Counter[str] = Counter()
    _count(tree, aliases, qualifiers, tables)
    written = Counter(token.name.lower() for token in tokens(text) if token.kind in _NAMES)
    files = {PurePosixPath(name).stem for name in tables if file_of(name) is not None}
    return all(aliases[name] and written[name] == aliases[name] + qualifiers[name] for name in names) and all(
        (aliases[name] or tables[name] or name in files)
        and written[name] == aliases[name] + qualifiers[name] + tables[name]
        for name in of_tables
    )


def _count(tree: Node, aliases: Counter[str], qualifiers: Counter[str], tables: Counter[str]) -> None:
    for node in nodes_of(tree):
        if node.get("type") in _TABLES and "class" not in node:
            if alias := node.get("alias"):
                aliases[alias.lower()] += 1
            if node["type"] == "BASE_TABLE":
                tables[node["qualified_name"]["path"][-1].lower()] += 1
        if isinstance(definition := node.get("value"), dict) and "query_node" in definition:
            tables[node["key"].lower()] += 1
        names: list[str] = node.get("column_names") or []
        if len(names) > 1:
            qualifiers[names[0].lower()] += 1
        if relation := node.get("relation_name"):
            qualifiers[relation.lower()] += 1
