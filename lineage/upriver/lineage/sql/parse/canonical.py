"""The form that texts of equal meaning share.

The base is DuckDB's own syntax tree, so that comments, white space, the case of keywords and redundant parentheses
are gone, and precedence is the engine's. On top of it, case is dropped where no output column can take
its name from it, and common table expressions are numbered where nothing can tell their name. What a
table's alias is called can matter only with the schemas known: see ``respelling`` and ``Analysis.binding``.

The rule of this module: **equal canonical text means equal meaning.** Everything that is not known to be safe stays.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from upriver.lineage.sql.parse.files import file_of
from upriver.lineage.sql.parse.scope import Node
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
_encode = msgspec.json.Encoder().encode


class _Canonical:
    """One walk over a tree. *mentioned* are the names that could tell how a common table expression is called."""

    def __init__(self, statement: Node) -> None:
        self.mentioned: set[str] = set()
        self.relations: set[str] = set()
        self.ctes = 0
        _collect(statement, self.mentioned, self.relations)

    def clean(self, value: Any, ctes: dict[str, str], fold: bool) -> Any:
        if isinstance(value, list):
            return [self.clean(v, ctes, fold) if isinstance(v, dict | list) else v for v in value]
        return self._node(value, ctes, fold) if isinstance(value, dict) else value

    def _node(self, node: Node, ctes: dict[str, str], fold: bool) -> Any:
        kind = node.get("type")
        match kind:
            case "COLUMN_REF":
                names = [name.lower() for name in node["column_names"]] if fold else node["column_names"]
                return [names, node["alias"]] if node["alias"] else names
            case "BASE_TABLE":
                return self._table(node, ctes)
            case "SELECT_NODE" | "SET_OPERATION_NODE":
                return self._query(node, ctes)
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
            elif isinstance(value, dict | list):
                cleaned[name] = self.clean(value, ctes, fold or name in _CLAUSES_WITHOUT_NAMES)
            else:
                cleaned[name] = value
        return cleaned

    def _table(self, node: Node, ctes: dict[str, str]) -> Node:
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
                cleaned[name] = value.lower() if name == "alias" else self.clean(value, ctes, False)
        return cleaned

    def _query(self, node: Node, ctes: dict[str, str]) -> Node:
        cleaned: Node = {}
        if node["cte_map"]["map"]:
            ctes = dict(ctes)
            definitions = []
            for entry in node["cte_map"]["map"]:
                name, definition = entry["key"].lower(), dict(entry["value"])
                new_name = self._new_name(name)
                body = self._body(definition.pop("query_node"), ctes, name, new_name)
                definitions.append([new_name, self._node(definition, ctes, False), body])
                ctes[name] = new_name
            cleaned["ctes"] = definitions
        for name, value in node.items():
            if not value or name == "cte_map":
                continue
            if name == "select_list":
                cleaned[name] = [self._selected(item, ctes) for item in value]
            elif isinstance(value, dict | list):
                cleaned[name] = self.clean(value, ctes, name in _CLAUSES_WITHOUT_NAMES)
            else:
                cleaned[name] = value
        return cleaned

    def _selected(self, item: Node, ctes: dict[str, str]) -> Any:
        """An output column with an alias has its name from there; a bare column has it from its table."""
        names = item.get("column_names")
        bare = names is not None and len(names) == 1 and names[0].lower() not in self.relations
        return self._node(item, ctes, bool(item["alias"]) or bare)

    def _body(self, node: Node, ctes: dict[str, str], name: str, new_name: str) -> Any:
        """The query of a common table expression; only the second part of a recursive one sees itself."""
        if node.get("type") != "RECURSIVE_CTE_NODE":
            return self.clean(node, ctes, False)
        own = ("left", "right", "cte_name")
        return {
            "start": self.clean(node["left"], ctes, False),
            "step": self.clean(node["right"], {**ctes, name: new_name}, False),
            "rest": {k: self.clean(v, ctes, False) for k, v in node.items() if k not in own and v},
        }

    def _new_name(self, name: str) -> str:
        if name in self.mentioned:
            return name
        self.ctes += 1
        return f"\0{self.ctes}"  # no identifier can hold a NUL


def _collect(value: Any, mentioned: set[str], relations: set[str]) -> None:
    """Gather the names used in expressions, and those that name relations or expressions."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                _collect(item, mentioned, relations)
        return
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
    for item in value.values():
        if item and isinstance(item, dict | list):
            _collect(item, mentioned, relations)


def canonical_tree(statement: Node, text: str) -> str:
    """The canonical text of a parsed *statement* with the source *text*.

    The literals of the text follow the tree, so that none can be lost should a tree not hold it.
    """
    tree = _Canonical(statement).clean(statement["node"], {}, False)
    literals = [token.text for token in tokens(text) if token.kind in ("string", "number")]
    return str(_encode([tree, literals]).decode())


def canonical_tokens(text: str) -> str:
    """The canonical text where there is no tree: the words as written, without comments and space."""
    return str(_encode([[token.kind, token.text] for token in tokens(text)]).decode())


def fingerprint(canonical: str) -> str:
    """128 bits in hex for a canonical text."""
    return hashlib.blake2b(f"{VERSION}\n{canonical}".encode(), digest_size=16).hexdigest()
