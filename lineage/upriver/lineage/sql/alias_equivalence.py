"""Equivalence of two queries up to the aliases of their tables.

Renaming a table's alias changes no meaning, except where the old or the new name could be taken for something else: a
column that holds structs, a schema, a row as a whole. So the texts have to be the same token by token but for names
that are aliases and nothing else in both. Even then ``a.x`` can be a field of a column ``a``, which only the schemas
tell: the caller has to compare ``Analysis.binding`` as well.
"""

from __future__ import annotations

from collections import Counter

from upriver.lineage.sql.parse.parse import syntax_tree
from upriver.lineage.sql.parse.scope import Node, nodes_of
from upriver.lineage.sql.text.tokens import tokens

_TABLES = frozenset({"BASE_TABLE", "SUBQUERY", "TABLE_FUNCTION", "EXPRESSION_LIST"})


def only_aliases_differ(one: str, other: str) -> bool:
    """Whether *one* becomes *other*, comments and space aside, when aliases of tables get other names.

    False for equal texts and whenever there is a doubt.
    """
    before, after = list(tokens(one)), list(tokens(other))
    if len(before) != len(after):
        return False
    names: dict[str, str] = {}
    for then, now in zip(before, after, strict=True):
        old, new = then.name.lower(), now.name.lower()
        if then.text != now.text and (old == new or not {then.kind, now.kind} <= {"word", "quoted"}):
            return False
        if then.kind in ("word", "quoted") and names.setdefault(old, new) != new:
            return False
    renamed = {then: now for then, now in names.items() if then != now}
    if not renamed or len(set(names.values())) < len(names):
        return False
    return _only_aliases(one, set(renamed)) and _only_aliases(other, set(renamed.values()))


def _only_aliases(text: str, names: set[str]) -> bool:
    """Whether each of *names* is the alias of a table in *text*, or in front of a column, wherever it stands."""
    tree = syntax_tree(text)
    if tree is None:
        return False
    aliases: Counter[str] = Counter()
    qualifiers: Counter[str] = Counter()
    _count(tree, aliases, qualifiers)
    written = Counter(token.name.lower() for token in tokens(text) if token.kind in ("word", "quoted"))
    return all(aliases[name] and written[name] == aliases[name] + qualifiers[name] for name in names)


def _count(tree: Node, aliases: Counter[str], qualifiers: Counter[str]) -> None:
    for node in nodes_of(tree):
        if node.get("type") in _TABLES and "class" not in node and (alias := node.get("alias")):
            aliases[alias.lower()] += 1
        names: list[str] = node.get("column_names") or []
        if len(names) > 1:
            qualifiers[names[0].lower()] += 1
        if relation := node.get("relation_name"):
            qualifiers[relation.lower()] += 1
