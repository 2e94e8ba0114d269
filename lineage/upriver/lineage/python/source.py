"""Project source files, parsed once, and the way from an object at run time back to its syntax tree."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.util import decode_source
from pathlib import Path
from types import CodeType
from typing import Any, TypeAlias

from upriver.lineage.python.canonical import constant_bytes

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages", "dist-packages", "venv", "env"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass
class SourceFile:
    """One file of Python text with its syntax tree and an index of what it defines."""

    path: str
    text: str
    tree: ast.Module

    def __post_init__(self) -> None:
        self._lines = self.text.splitlines(keepends=True)
        self._functions: dict[tuple[int, str], list[FunctionNode]] = {}
        self._classes: dict[str, list[ast.ClassDef]] = {}
        self._bindings: dict[str, list[ast.stmt]] = {}
        self._compiled: dict[tuple[int, str], set[bytes]] | None = None
        self._index(self.tree)
        for statement in module_statements(self.tree.body):
            for name in bound_names(statement):
                self._bindings.setdefault(name, []).append(statement)

    def _index(self, tree: ast.Module) -> None:
        waiting: list[tuple[ast.AST, str]] = [(tree, "")]
        while waiting:
            node, prefix = waiting.pop()
            inner = prefix
            if isinstance(node, _FUNCTIONS):
                name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
                self._functions.setdefault((first_line(node), name), []).append(node)
                inner = f"{prefix}{name}.<locals>."
            elif isinstance(node, ast.ClassDef):
                self._classes.setdefault(prefix + node.name, []).append(node)
                inner = f"{prefix}{node.name}."
            waiting += reversed([(child, inner) for child in ast.iter_child_nodes(node)])

    def function_nodes(self, code: CodeType) -> list[FunctionNode]:
        """The definitions that *code* was compiled from: one, or all lambdas of its line that look alike.

        Empty when this text is not what *code* was compiled from (edited since, or rewritten on import).
        """
        place = (code.co_firstlineno, code.co_name)
        nodes = self._functions.get(place, [])
        if not nodes or code_digest(code) not in self._compilation().get(place, ()):
            return []
        run = set(code.co_positions())
        return [n for n in nodes if isinstance(n, ast.Lambda) and _span(n.body) in run] or nodes

    def _compilation(self) -> dict[tuple[int, str], set[bytes]]:
        if self._compiled is None:
            self._compiled = {}
            # Of the text: a tree is taken apart on Python's stack.
            for code in _nested(compile(self.text, self.path, "exec", dont_inherit=True)):
                self._compiled.setdefault((code.co_firstlineno, code.co_name), set()).add(code_digest(code))
        return self._compiled

    def class_nodes(self, qualname: str) -> list[ast.ClassDef]:
        """The definitions of the class *qualname*; several when it is defined conditionally."""
        return self._classes.get(qualname, [])

    def binding(self, name: str) -> list[ast.stmt]:
        """The statements at module level that give *name* its value."""
        return self._bindings.get(name, [])

    def segment(self, node: ast.stmt | ast.expr) -> str:
        """The text of *node* with its decorators, whole lines for statements."""
        if isinstance(node, ast.expr):
            return ast.get_source_segment(self.text, node) or ""
        return "".join(self._lines[first_line(node) - 1 : node.end_lineno])


def _span(node: ast.expr) -> tuple[int | None, ...]:
    return (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)


class Sources:
    """The project's files as read so far. One per pass: a file is taken to stay as it is while it lasts."""

    def __init__(self) -> None:
        self._files: dict[str, SourceFile | None] = {}
        self._names: dict[str, frozenset[str]] = {}

    def get(self, filename: str) -> SourceFile | None:
        """The parsed file, or None when it is no readable Python text."""
        path = os.path.realpath(filename)
        if path not in self._files:
            self._files[path] = _read(path)
        return self._files[path]

    def names(self, root: str) -> frozenset[str]:
        """What the files and folders of the project at *root* that hold Python text are called."""
        if root not in self._names:
            parts = (Path(path).relative_to(root).with_suffix("").parts for path in project_files(root))
            self._names[root] = frozenset(name for names in parts for name in names)
        return self._names[root]


def project_files(root: str) -> Iterator[str]:
    """The Python files of the project at *root*, without hidden folders and virtual environments."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _SKIPPED_FOLDERS
            and not (Path(folder) / name / "pyvenv.cfg").exists()
        )
        yield from (str(Path(folder) / name) for name in sorted(files) if name.endswith(".py"))


def _read(path: str) -> SourceFile | None:
    try:
        data = Path(path).read_bytes()
        tree = ast.parse(data, path)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return SourceFile(path, decode_source(data), tree)


def first_line(node: ast.stmt | ast.expr) -> int:
    """Where *node* begins, counting its decorators."""
    decorators = getattr(node, "decorator_list", ())
    return min((d.lineno for d in decorators), default=node.lineno)


def module_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported, those inside ``if``, ``try`` and ``with`` too."""
    waiting = list(reversed(body))
    while waiting:
        statement = waiting.pop()
        yield statement
        inner: list[ast.stmt] = []
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for name in ("body", "orelse", "finalbody"):
                inner += getattr(statement, name, [])
        for part in getattr(statement, "handlers", []) + getattr(statement, "cases", []):
            inner += part.body
        waiting += reversed(inner)


def bound_names(statement: ast.stmt) -> Iterator[str]:
    """The names that *statement* itself binds (not those bound by statements inside it)."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            for alias in names:
                yield alias.asname or alias.name.partition(".")[0]
        case ast.If() | ast.Try() | ast.While() | ast.Match():
            return
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for item in items:
                yield from _stored(item)
        case ast.For(target=target) | ast.AsyncFor(target=target):
            yield from _stored(target)
        case _:
            yield from _stored(statement)


def imported_module(statement: ast.ImportFrom, namespace: Mapping[str, Any]) -> str:
    """The full name of the module that *statement* imports from, in a module with *namespace*."""
    base = [statement.module] if statement.module else []
    if not statement.level:
        return ".".join(base)
    package = str(namespace.get("__package__") or "").split(".")
    return ".".join([*package[: len(package) - statement.level + 1], *base])


def _stored(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


@lru_cache(maxsize=4096)
def code_digest(code: CodeType) -> bytes:
    """A digest of compiled code: what runs, without names of files and numbers of lines."""
    digest = blake2b(digest_size=16)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_name)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    digest.update(repr((counts, names)).encode())
    digest.update(code.co_code)
    digest.update(code.co_exceptiontable)
    for constant in code.co_consts:
        digest.update(_constant(constant))
    return digest.digest()


def _constant(value: object) -> bytes:
    match value:
        case CodeType():
            return b"code" + code_digest(value)
        case tuple():
            return b"(" + b",".join(_constant(v) for v in value) + b")"
        case frozenset():
            return b"{" + b",".join(sorted(_constant(v) for v in value)) + b"}"
        case _:
            return constant_bytes(value)
