"""The places of a SQL module that name an asset: table names and their qualifiers, ``key`` and ``after`` of its header.

Whatever is rewritten is parsed again, and has to read the same but for the name.
"""

from __future__ import annotations

import re

from upriver.assets.errors import Diagnosis
from upriver.assets.loading.sql_header import Header, find_header
from upriver.assets.model import Key, Place
from upriver.lineage.refactoring.rename.quality import Naming, edits_of, in_header, target_of
from upriver.lineage.refactoring.rename.values import ByHand, Edit
from upriver.lineage.sql.names import quote
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.text.tokens import tokens


def sql_edits(path: str, content: bytes, query: Query, old: Key, new: Key) -> list[Edit] | ByHand:
    """What to rewrite in the module at *path* so that it names *new* where it names *old*."""
    text = content.decode()
    body = body_offset(text, query.text)
    found: list[tuple[int, int, str]] = []
    header = find_header(path, text.removeprefix("\ufeff"))
    if header is not None:
        shift = len(text) - len(text.removeprefix("\ufeff"))
        found += [(s + shift, e + shift, t) for s, e, t in _header_edits(header, old, new)]
    quality = edits_of(in_header(path, content), Naming(target_of(old, new)), Place(path, 1), content)
    if isinstance(quality, ByHand):
        return quality
    if any(reference.key == old for reference in query.references):
        in_query = _query_edits(query, old, new)
        if in_query is None:
            place = next(one.place for one in query.references if one.key == old)
            return ByHand(place, f"the query can't be rewritten so that it reads {new} and means the same")
        found += [(start + body, end + body, written) for start, end, written in in_query]
    edits = [Edit(len(text[:s].encode()), len(text[:e].encode()), written) for s, e, written in found]
    return [*edits, *quality]


def body_offset(text: str, body: str) -> int:
    """Where the query's text begins in the file's; the spaces that stand for the end of the header count before it."""
    padding = 0
    while not text.endswith(body[padding:]):
        padding += 1
    return len(text) - len(body)


def _header_edits(header: Header, old: Key, new: Key) -> list[tuple[int, int, str]]:
    import yaml

    root = yaml.compose(header.text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return []
    nodes: list[yaml.Node] = []
    for name, node in root.value:
        if name.value in ("key", "after", "of"):
            nodes += node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [
        (header.start + node.start_mark.index, header.start + node.end_mark.index, new)
        for node in nodes
        if isinstance(node, yaml.ScalarNode) and node.value == old
    ]


def _query_edits(query: Query, old: Key, new: Key) -> list[tuple[int, int, str]] | None:
    """Edits of ``Query.text``; None when no way of writing the new name gives a query that means the same."""
    for name in (new, ".".join(quote(part) for part in new.split("."))):  # a part can be a word of SQL
        edits = (
            _spelled(query, old, new, name) if query.dialect == "duckdb" else _searched(query, old, new, name)
        )
        if edits is not None and _means_the_same(query, edits, old, new):
            return edits
    return None


def _spelled(query: Query, old: Key, new: Key, name: str) -> list[tuple[int, int, str]]:
    """The table under its new name; where that could be felt elsewhere in the query, with its old name as alias."""
    keeps_name = _unfelt(query, old, new)
    edits: list[tuple[int, int, str]] = []
    becomes: dict[tuple[str, ...], str] = {}
    for one in query.references:
        if one.key != old:
            continue
        needs = not (keeps_name or one.bare or one.alias is not None)
        alias = one.parts[-1] if one.parts[-1].isidentifier() else quote(one.parts[-1])
        edits.append((one.start, one.end, f"{name} as {alias}" if needs else name))
        becomes[_folded(one.parts)] = alias if needs else name
    for qualifier in query.qualifiers:
        if (known := becomes.get(_folded(qualifier.parts))) is not None:
            edits.append((qualifier.start, qualifier.end, known))
    return edits


def _searched(query: Query, old: Key, new: Key, name: str) -> list[tuple[int, int, str]] | None:
    """The same in another dialect. The parser has seen a translation, so the user's own text is searched."""
    if not _unfelt(query, old, new):
        return None
    parts = r"\s*\.\s*".join(rf"[\"`\[]?{re.escape(part)}[\"`\]]?" for part in old.split("."))
    pattern = rf"(?<![\w.\"`\['-]){parts}(?![\w.\"`\]'(])"
    return [(found.start(), found.end(), name) for found in re.finditer(pattern, query.text, re.IGNORECASE)]


def _unfelt(query: Query, old: Key, new: Key) -> bool:
    """Whether what the table is called in the query stays the same, or is said nowhere else in it."""
    last = {old.rpartition(".")[2], new.rpartition(".")[2]}
    spans = [(one.start, one.end) for one in query.references]
    spans += [(one.start, one.end) for one in query.qualifiers]
    return len(last) == 1 or not any(
        token.kind in ("word", "quoted")
        and token.name.lower() in last
        and not any(start <= token.start < end for start, end in spans)
        for token in tokens(query.executable)
    )


def _folded(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.lower() for part in parts)


def _means_the_same(query: Query, edits: list[tuple[int, int, str]], old: Key, new: Key) -> bool:
    """Whether the same places are tables afterwards, under their new names: none is taken for one of a WITH."""
    text = query.text
    for start, end, written in sorted(edits, reverse=True):
        text = text[:start] + written + text[end:]
    after = parse_query(text, query.dialect, query.path, query.first_line)
    if isinstance(after, Diagnosis):
        return False
    expected = [new if one.key == old else one.key for one in query.references]
    return [one.key for one in after.references] == expected and len(after.qualifiers) <= len(
        query.qualifiers
    )
