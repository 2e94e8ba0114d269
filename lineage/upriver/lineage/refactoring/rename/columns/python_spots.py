"""The places in a Python recipe's module where a column's name could have to be written otherwise.

Guesses by the syntax tree: a text, ``pl.col.name``, a keyword such as ``with_columns(name=…)``. What they do is judged
by the plan that the module gives with them (see ``search``).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from enum import Enum

from upriver.assets.model import CodePart
from upriver.lineage.refactoring.rename.columns.search import Spot
from upriver.lineage.refactoring.rename.python import Module

_NAMES = frozenset({"alias", "with_row_index", "with_row_count"})
_DATA = frozenset({"lit", "is_in", "contains", "starts_with", "ends_with", "replace", "fill_null"})


class Use(Enum):
    """What a place is good for, by what is around it."""

    READS = "reads"
    NAMES = "names"
    DATA = "data"


class Places:
    """The places of *module*, in the code *parts* of one recipe, that may mean column *old*; written as *new*."""

    def __init__(self, module: Module, parts: Iterable[CodePart], old: str, new: str) -> None:
        self._module = module
        self._old, self._new = old, new
        self.spots: list[tuple[Spot, Use]] = []
        self._cols = frozenset(_col_names(module.tree))
        ranges = [
            (part.place.line, part.place.line + part.source.rstrip("\n").count("\n"))
            for part in parts
            if part.place.path == module.path
        ]
        for node, use in _walk(module.tree, Use.READS):
            line = getattr(node, "lineno", 0)
            if any(first <= line <= last for first, last in ranges):
                self._take(node, use)
        self.spots.sort(key=lambda one: one[0].start)

    def items(self) -> list[Spot]:
        """Places in ``select("old")`` and the like, where the column could get another name as it passes."""
        found = []
        for node in ast.walk(self._module.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "select"
            ):
                for given in node.args:
                    if isinstance(given, ast.Constant) and given.value == self._old and (col := self._col()):
                        start, end = self._span(given)
                        old, new = self._literal(given), self._text(given)
                        if old is not None:
                            found.append(Spot(start, end, f"{col}({old}).alias({new})"))
        return found

    def _col(self) -> str | None:
        """How the module writes ``pl.col``."""
        for node in ast.walk(self._module.tree):
            if isinstance(node, ast.Import):
                for one in node.names:
                    if one.name == "polars":
                        return f"{one.asname or one.name}.col"
        return None

    def _take(self, node: ast.AST, use: Use) -> None:
        match node:
            case ast.Constant(value=value) if value == self._old and isinstance(value, str):
                if self._literal(node) is not None:
                    self.spots.append((Spot(*self._span(node), self._text(node)), use))
            case ast.Attribute(attr=attribute) if attribute == self._old and self._new.isidentifier():
                _, end = self._span(node)
                if ast.unparse(node.value).rpartition(".")[2] in self._cols and self._says(
                    end - len(self._old)
                ):
                    self.spots.append((Spot(end - len(self._old), end, self._new), use))
            case ast.keyword(arg=argument) if argument == self._old and self._new.isidentifier():
                start = self._offset(node.lineno, node.col_offset)
                if self._says(start):
                    self.spots.append((Spot(start, start + len(self._old), self._new), Use.NAMES))

    def _span(self, node: ast.expr) -> tuple[int, int]:
        content = self._module.content
        start, end = self._module.start(node), self._module.end(node)
        return len(content[:start].decode()), len(content[:end].decode())

    def _offset(self, line: int, column: int) -> int:
        return len(self._module.content[: self._module.offset(line, column)].decode())

    def _says(self, start: int) -> bool:
        """Whether the name really stands there: of what is in f-strings Python does not tell where it is."""
        return self._module.content.decode()[start:].startswith(self._old)

    def _literal(self, node: ast.Constant) -> str | None:
        """The text as it is written, None where that is no plain text on one line."""
        written = self._module.content[self._module.start(node) : self._module.end(node)].decode()
        plain = len(written) > 1 and written[0] in "\"'" and written[1:-1] == self._old
        return written if plain and written[0] == written[-1] else None

    def _text(self, node: ast.Constant) -> str:
        quote = (self._literal(node) or '"')[0]
        return quote + self._new.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def _col_names(tree: ast.Module) -> Iterator[str]:
    """What ``pl.col`` may be called in a module."""
    yield "col"
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="polars", names=names):
                yield from (one.asname for one in names if one.name == "col" and one.asname)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute(attr="col")):
                yield name


def _walk(node: ast.AST, use: Use) -> Iterator[tuple[ast.AST, Use]]:
    """Every node below with what it is good for; not what decorators are given."""
    yield node, use
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        below: Iterable[ast.AST] = node.body
    else:
        below = ast.iter_child_nodes(node)
    called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
    for child in below:
        inner = use
        if called in _NAMES and not _is_func(node, child):
            inner = Use.NAMES
        elif (called in _DATA and not _is_func(node, child)) or isinstance(node, ast.Compare | ast.Subscript):
            inner = Use.DATA if isinstance(child, ast.Constant) else use
        elif isinstance(node, ast.Dict):
            inner = Use.NAMES if any(child is value for value in node.values) else use
        yield from _walk(child, inner)


def _is_func(node: ast.AST, child: ast.AST) -> bool:
    return isinstance(node, ast.Call) and child is node.func


def function_at(module: Module, name: str, line: int) -> ast.FunctionDef | None:
    """The function *name* whose ``def`` or decorators are at *line*."""
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.FunctionDef)
            and node.name == name.rpartition(".")[2]
            and line in {node.lineno, *(one.lineno for one in node.decorator_list)}
        ):
            return node
    return None


def returned(function: ast.FunctionDef) -> list[ast.expr]:
    """What *function* returns, in each of its ``return`` statements."""
    return [one.value for one in _own(function) if isinstance(one, ast.Return) and one.value is not None]


def uses(function: ast.FunctionDef, parameter: str) -> list[ast.Name] | None:
    """Where *function* takes what it was given for *parameter*; None when that name may be something else somewhere."""
    found = []
    for statement in function.body:
        for node in ast.walk(statement):
            match node:
                case ast.Name(id=name, ctx=ast.Load()) if name == parameter:
                    found.append(node)
                case ast.Name(id=name) | ast.arg(arg=name) if name == parameter:
                    return None
                case ast.Global(names=names) | ast.Nonlocal(names=names) if parameter in names:
                    return None
                case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name) if (
                    name == parameter
                ):
                    return None
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if name == parameter:
                    return None
                case ast.Call(func=ast.Name(id="locals" | "vars" | "eval" | "exec")):
                    return None
                case ast.JoinedStr() if parameter in {
                    n.id for n in ast.walk(node) if isinstance(n, ast.Name)
                }:
                    return None  # where that stands Python does not tell
    return found


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
