"""The form that texts of equal meaning share.

The base is DuckDB's own syntax tree, so that comments, white space, the case of keywords and redundant parentheses
are gone, and precedence is the engine's. On top of it, case is dropped where no output column can take
its name from it, and common table expressions are numbered where nothing can tell their name. What a
table's alias is called can matter only with the schemas known: see ``alias_equivalence`` and ``Analysis.binding``.

The rule of this module: **equal canonical text means equal meaning.** Everything that is not known to be safe stays.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from upriver.assets.support.json_trees import encode
from upriver.lineage.sql.parse.files import file_of
from upriver.lineage.sql.parse.scope import Node, nodes_of
from upriver.lineage.sql.text.tokens import tokens

VERSION = "sql-2"
"""Part of every fingerprint: to be changed when this module changes what a canonical text looks like."""

_POSITIONS = frozenset({"query_location", "query_location_length"})
_SPELLED_TWICE = frozenset(
    {
        "qualified_name",
        "schema_name",
        "table_name",
        "catalog_name",
        "schema",
        "catalog",
        "function_name",
        "type_name",
    }
)
_CLAUSES_WITHOUT_NAMES = frozenset(
    {"where_clause", "having", "qualify", "group_expressions", "condition", "modifiers"}
)
_NAMING_FUNCTIONS = ("struct", "row", "union", "map", "list_zip", "json", "to_json", "array_to_json")


class _Part(NamedTuple):
    """A part of a tree whose canonical form belongs at *place* of *target*.

    *ctes* are the common table expressions that can be named in it, with their new names; with *fold* the case of
    column names means nothing. An *entry* is the definition of a common table expression.
    """

    target: Any
    place: int | str
    value: Any
    ctes: dict[str, str]
    fold: bool
    entry: bool = False


class _Canonical:
    """One walk over a tree. *mentioned* are the names that could tell how a common table expression is called.

    Every container is made before what it holds, and its parts wait on a stack: a tree may be of any depth.
    """

    def __init__(self, statement: Node) -> None:
        self.mentioned: set[str] = set()
        self.relations: set[str] = set()
        self.ctes = 0
        _collect(statement, self.mentioned, self.relations)

    def clean(self, root: Node) -> Any:
        """The canonical form of the tree below *root*."""
        result = [None]
        waiting = [_Part(result, 0, root, {}, False)]
        while waiting:
            part = waiting.pop()
            parts: list[_Part] = []
            part.target[part.place] = self._cleaned(part, parts)
            waiting += reversed(parts)
        return result[0]

    def _cleaned(self, part: _Part, parts: list[_Part]) -> Any:
        """The canonical form of one part, whose own *parts* are still to be put in."""
        _, _, value, ctes, fold, entry = part
        if entry:
            return self._definition(value, ctes, parts)
        if isinstance(value, list):
            cleaned = list(value)
            for index, item in enumerate(value):
                if isinstance(item, dict | list):
                    parts.append(_Part(cleaned, index, item, ctes, fold))
            return cleaned
        return self._node(value, ctes, fold, parts)

    def _node(self, node: Node, ctes: dict[str, str], fold: bool, parts: list[_Part]) -> Any:
        kind = node.get("type")
        match kind:
            case "COLUMN_REF":
                names = [name.lower() for name in node["column_names"]] if fold else node["column_names"]
                return [names, node["alias"]] if node["alias"] else names
            case "BASE_TABLE":
                return self._table(node, ctes, parts)
            case "SELECT_NODE" | "SET_OPERATION_NODE":
                return self._query(node, ctes, parts)
            case "LAMBDA" | "PIVOT" | "TABLE_FUNCTION":
                fold = False
            case "FUNCTION" if node["function_name"].lower().startswith(_NAMING_FUNCTIONS):
                fold = False
        cleaned: Node = {}
        spelled = kind in ("FUNCTION", "TYPE")
        for name, value in node.items():
            if (not value and value != 0) or value is False or name in _POSITIONS:
                continue
            if spelled and name in _SPELLED_TWICE:
                if name == "qualified_name":
                    cleaned["path"] = [part.lower() for part in value["path"]]
            else:
                _put(cleaned, name, value, ctes, fold or name in _CLAUSES_WITHOUT_NAMES, parts)
        return cleaned

    def _table(self, node: Node, ctes: dict[str, str], parts: list[_Part]) -> Node:
        path = node["qualified_name"]["path"]
        folded = [part.lower() for part in path]
        cleaned: Node = {"type": "BASE_TABLE"}
        if len(path) == 1 and file_of(path[0]) is not None:
            cleaned["file"] = path[0]
        elif len(path) == 1 and folded[0] in ctes:
            cleaned["cte"] = ctes[folded[0]]
        elif len(path) == 2 and folded[0] == "recurring" and folded[1] in ctes:
            cleaned["recurring"] = ctes[folded[1]]
        else:
            cleaned["path"] = folded
        for name, value in node.items():
            if value and name not in _POSITIONS and name not in _SPELLED_TWICE and name != "type":
                _put(cleaned, name, value.lower() if name == "alias" else value, ctes, False, parts)
        return cleaned

    def _query(self, node: Node, ctes: dict[str, str], parts: list[_Part]) -> Node:
        cleaned: Node = {}
        if entries := node["cte_map"]["map"]:
            ctes = dict(ctes)  # each definition adds its name, for those after it and for the query itself
            definitions = cleaned["ctes"] = [None] * len(entries)
            for index, entry in enumerate(entries):
                parts.append(_Part(definitions, index, entry, ctes, False, entry=True))
        for name, value in node.items():
            if not value or name == "cte_map":
                continue
            if name == "select_list":
                selected = cleaned[name] = [None] * len(value)
                for index, item in enumerate(value):
                    parts.append(_Part(selected, index, item, ctes, self._named_otherwise(item)))
            else:
                _put(cleaned, name, value, ctes, name in _CLAUSES_WITHOUT_NAMES, parts)
        return cleaned

    def _named_otherwise(self, item: Node) -> bool:
        """Whether an output column has its name from an alias or, where it stands alone, from its table."""
        names = item.get("column_names")
        bare = names is not None and len(names) == 1 and names[0].lower() not in self.relations
        return bool(item["alias"]) or bare

    def _definition(self, entry: Node, ctes: dict[str, str], parts: list[_Part]) -> list[Any]:
        """A common table expression; only the second part of a recursive one sees itself."""
        name, definition = entry["key"].lower(), dict(entry["value"])
        new_name = self._new_name(name)
        before = dict(ctes)
        ctes[name] = new_name
        query = definition.pop("query_node")
        cleaned: list[Any] = [new_name, None, None]
        if query.get("type") == "RECURSIVE_CTE_NODE":
            rest: Node = {}
            cleaned[2] = {"start": None, "step": None, "rest": rest}
            parts.append(_Part(cleaned[2], "start", query["left"], before, False))
            parts.append(_Part(cleaned[2], "step", query["right"], {**before, name: new_name}, False))
            for key, value in query.items():
                if key not in ("left", "right", "cte_name") and value:
                    _put(rest, key, value, before, False, parts)
        else:
            parts.append(_Part(cleaned, 2, query, before, False))
        parts.append(_Part(cleaned, 1, definition, before, False))
        return cleaned

    def _new_name(self, name: str) -> str:
        if name in self.mentioned:
            return name
        self.ctes += 1
        return f"\0{self.ctes}"  # no identifier can hold a NUL


def _put(cleaned: Node, name: str, value: Any, ctes: dict[str, str], fold: bool, parts: list[_Part]) -> None:
    """Put *value* into *cleaned*, what it holds later."""
    cleaned[name] = value
    if isinstance(value, dict | list):
        parts.append(_Part(cleaned, name, value, ctes, fold))


def _collect(statement: Node, mentioned: set[str], relations: set[str]) -> None:
    """Gather the names used in expressions, and those that name relations or expressions."""
    for value in nodes_of(statement):
        if names := value.get("column_names"):
            mentioned.update(name.lower() for name in names)
        if alias := value.get("alias"):
            mentioned.add(alias.lower())
            relations.add(alias.lower())
        if star := value.get("relation_name"):
            mentioned.add(star.lower())
        if value.get("type") == "BASE_TABLE":
            path = value["qualified_name"]["path"]
            relations.add(path[-1].lower().split("/")[-1].split(".")[0])
            relations.add(path[-1].lower())
            if len(path) > 1 and path[0].lower() != "recurring":
                mentioned.add(path[-1].lower())
        elif (function := value.get("function_name")) is not None:
            relations.add(function.lower())


def canonical_tree(statement: Node, text: str) -> str:
    """The canonical text of a parsed *statement* with the source *text*.

    The literals of the text follow the tree, so that none can be lost should a tree not hold it.
    """
    tree = _Canonical(statement).clean(statement["node"])
    literals = [token.text for token in tokens(text) if token.kind in ("string", "number")]
    return encode([tree, literals])


def canonical_tokens(text: str) -> str:
    """The canonical text where there is no tree: the words as written, without comments and space."""
    return encode([[token.kind, token.text] for token in tokens(text)])


def fingerprint(canonical: str) -> str:
    """128 bits in hex for a canonical text."""
    return hashlib.blake2b(f"{VERSION}\n{canonical}".encode(), digest_size=16).hexdigest()
