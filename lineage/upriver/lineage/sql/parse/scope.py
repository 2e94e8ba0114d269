"""Scopes of names in DuckDB's syntax tree: which are tables, which common table expressions, which files.

The tree is what ``json_serialize_sql`` gives, decoded. Its offsets count bytes; callers pass a function that
turns them into character offsets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from upriver.assets.model import Place
from upriver.lineage.sql.parse.files import (
    PLAIN_READERS,
    PURE_TABLE_FUNCTIONS,
    READERS,
    file_of,
    first_argument,
    is_constant,
    string_constants,
)
from upriver.lineage.sql.parse.query import FileRead, Qualifier, Reference
from upriver.lineage.sql.text.tokens import call_end, name_end, tokens

Node: TypeAlias = dict[str, Any]

NOWHERE = 18446744073709551615
"""DuckDB's offset for a part of the tree that no text stands for."""


def nodes_of(tree: Any) -> Iterator[Node]:
    """All nodes of a syntax tree, each before what it holds."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += [item for item in reversed(value) if isinstance(item, dict | list)]
        else:
            yield value
            waiting += [item for item in reversed(value.values()) if item and isinstance(item, dict | list)]


@dataclass(slots=True)
class Problem:
    """Something that a query must not hold: *code* and *message* of the diagnosis to be, and where."""

    code: str
    message: str
    offset: int | None
    hint: str | None = None


@dataclass(slots=True)
class Names:
    """What a tree reads."""

    references: list[Reference] = field(default_factory=list)
    files: list[FileRead] = field(default_factory=list)
    columns: list[tuple[tuple[str, ...], int]] = field(default_factory=list)
    unfollowed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def qualifiers(self, text: str) -> tuple[Qualifier, ...]:
        """The table parts of those column names that spell out a dotted table name."""
        dotted = {tuple(p.lower() for p in r.parts) for r in self.references if len(r.parts) > 1}
        found = []
        for names, start in self.columns if dotted else ():
            for length in range(2, len(names)):
                if tuple(name.lower() for name in names[:length]) not in dotted:
                    continue
                if (end := name_end(text, start, length)) is not None:
                    found.append(Qualifier(names[:length], start, end))
                    break
        return tuple(found)


class _Reader:
    def __init__(self, text: str, offset_of: Callable[[int], int], place_of: Callable[[int], Place]) -> None:
        self.text = text
        self.offset_of = offset_of
        self.place_of = place_of
        self.names = Names()

    def visit(self, root: Node) -> None:
        """Read all names below *root*, in the order of the tree."""
        waiting: list[tuple[Any, frozenset[str]]] = [(root, frozenset())]
        while waiting:
            value, ctes = waiting.pop()
            if isinstance(value, list):
                waiting += [(item, ctes) for item in reversed(value) if isinstance(item, dict | list)]
            else:
                waiting += reversed(list(self._node(value, ctes)))

    def _node(self, node: Node, ctes: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
        """Read one node; what it holds, each with the common table expressions that can be named there."""
        kind = node.get("type")
        match kind:
            case "BASE_TABLE":
                self._table(node, ctes)
                if node["at_clause"] is not None:
                    self._problem(
                        node, "sql-unsupported", "AT (time travel) reads another state of a table", None
                    )
                return
            case "COLUMN_REF":
                if len(node["column_names"]) > 2 and node["query_location"] != NOWHERE:
                    self.names.columns.append(
                        (tuple(node["column_names"]), self.offset_of(node["query_location"]))
                    )
                return
            case "VALUE_CONSTANT":
                return
            case "TABLE_FUNCTION":
                self._table_function(node)
            case "SHOW_REF" if node.get("show_type") not in ("DESCRIBE", "SUMMARY"):
                self._problem(
                    node, "sql-statement", "SHOW lists the engine's catalog; it reads no asset", None
                )
            case "VALUE_PARAMETER":
                hint = "write the value, or use a variable of upriver.toml"
                self._problem(node, "sql-parameter", "a query of an asset can't have parameters", hint)
                return
            case "RECURSIVE_CTE_NODE":
                name = node["cte_name"].lower()
                yield node["left"], ctes
                yield node["right"], ctes | {name, "recurring." + name}
                return
            case str() if kind.endswith("_QUERY_NODE"):
                self._problem(
                    node, "sql-statement", "a query of an asset only reads; it can't change tables", None
                )
                return
        if "cte_map" in node:
            for entry in node["cte_map"]["map"]:
                yield entry["value"]["query_node"], ctes
                ctes = ctes | {entry["key"].lower()}
        for name, value in node.items():
            if name != "cte_map" and isinstance(value, dict | list) and value:
                yield value, ctes

    def _problem(self, node: Node, code: str, message: str, hint: str | None) -> None:
        self.names.problems.append(Problem(code, message, self._start(node), hint))

    def _start(self, node: Node) -> int | None:
        location = node.get("query_location", NOWHERE)
        return None if location == NOWHERE else self.offset_of(location)

    def _table(self, node: Node, ctes: frozenset[str]) -> None:
        path: list[str] = node["qualified_name"]["path"]
        key = ".".join(path).lower()
        if key in ctes and (len(path) == 1 or key.startswith("recurring.")):
            return
        span = self._name_span(node, path)
        if span is None:
            message = f"the place of table {key!r} in the query was not found"
            self._problem(node, "sql-unsupported", message, "write it as: from " + key)
            return
        start, end = span
        if len(path) == 1 and (file := file_of(path[0])) is not None:
            format_, scan = file
            call, name = self.text[start:end], PurePosixPath(path[0]).name.split(".")[0] or "files"
            self._file((path[0],), format_, scan, call, start, end, name, node["alias"])
            return
        alias = node["alias"] or None
        bare = self._start(node) is None
        self.names.references.append(
            Reference(key, tuple(path), start, end, self.place_of(start), alias, bare)
        )

    def _name_span(self, node: Node, path: list[str]) -> tuple[int, int] | None:
        start = self._start(node)
        if start is None:
            return self._search(path)
        end = name_end(self.text, start, len(path))
        return None if end is None else (start, end)

    def _search(self, path: list[str]) -> tuple[int, int] | None:
        """DuckDB forgets the place of ``table x`` and ``describe x``: look for the name, which must be there once."""
        words = [part.lower() for part in path]
        spans = []
        previous = ""
        for token in tokens(self.text):
            if (
                previous in ("table", "describe", "summarize", "desc", "show")
                and token.name.lower() == words[0]
            ):
                end = name_end(self.text, token.start, len(path))
                if end is not None:
                    spans.append((token.start, end))
            previous = token.text.lower()
        taken = {reference.start for reference in self.names.references}
        return next((span for span in spans if span[0] not in taken), None)

    def _file(
        self,
        patterns: tuple[str, ...],
        format_: str,
        scan: str | None,
        call: str,
        start: int,
        end: int,
        name: str,
        alias: str,
    ) -> None:
        place = self.place_of(start)
        self.names.files.append(
            FileRead(patterns, format_, call, scan, start, end, place, name=name, alias=alias or None)
        )

    def _table_function(self, node: Node) -> None:
        function = node["function"]
        name = function["function_name"].lower()
        if name in PURE_TABLE_FUNCTIONS:
            return
        if name in ("query", "query_table"):
            hint = "write the table or the query itself"
            self._problem(node, "sql-hidden-read", f"{name}() hides from lineage what is read", hint)
            return
        start = self._start(node)
        end = None if start is None else call_end(self.text, start)
        arguments = [argument["expression"] for argument in function.get("arguments", ())]
        patterns = string_constants(arguments[0]) if arguments else ()
        constant = all(is_constant(argument) for argument in arguments)
        if name not in READERS or start is None or end is None or not patterns or not constant:
            self.names.unfollowed.append(name)
            return
        scan = None
        if name not in PLAIN_READERS or len(arguments) > 1:
            first, first_end = first_argument(self.text, start)
            scan = self.text[start:first] + "{files}" + self.text[first_end:end]
        self._file(patterns, READERS[name], scan, self.text[start:end], start, end, name, node["alias"])


def read_names(
    statement: Node, text: str, offset_of: Callable[[int], int], place_of: Callable[[int], Place]
) -> Names:
    """The tables, files and column qualifiers of *statement*, in the order of the text."""
    reader = _Reader(text, offset_of, place_of)
    reader.visit(statement["node"])
    reader.names.references.sort(key=lambda r: r.start)
    reader.names.files.sort(key=lambda f: f.start)
    return reader.names
