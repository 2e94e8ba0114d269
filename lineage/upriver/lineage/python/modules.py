"""Describers of modules: what is in the digest of a name of a module, of a whole module, and of the whole project."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from upriver.lineage.python.canonical import canonical
from upriver.lineage.python.source import SourceFile, first_line, imported_module, project_files
from upriver.lineage.python.values import Sink, Unwritable, ValueWriter
from upriver.lineage.python.walk import Piece, Walk


def describe_binding(walk: Walk, piece: Piece, sink: Sink) -> None:
    """A name of a project module, with its value when the project was loaded."""
    maker, file, statements = _definition(walk, piece.module, piece.attribute)
    walk.write(sink, piece.value, maker, piece.name)
    defined = any(isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for s in statements)
    if file is not None and statements and not defined:
        source = "".join(file.segment(s) for s in statements)
        walk.add_part(piece, sink, file.path, first_line(statements[0]), source)


def _definition(
    walk: Walk, module: str, name: str, met: frozenset[tuple[str, str]] = frozenset()
) -> tuple[str, SourceFile | None, list[ast.stmt]]:
    """The module that makes, rather than imports, what *module* calls *name*, and the statements that do.

    *met* are the modules and names that were asked before: modules may import from each other.
    """
    loaded = walk.origins.module(module)
    namespace = vars(loaded) if loaded is not None else {}
    filename = namespace.get("__file__")
    file = walk.sources.get(filename) if isinstance(filename, str) else None
    statements = file.binding(name) if file is not None else []
    imports = [s for s in statements or (file.binding("*") if file else []) if isinstance(s, ast.ImportFrom)]
    for statement in imports:
        origin = imported_module(statement, namespace)
        original = next((a.name for a in statement.names if (a.asname or a.name) == name), name)
        source = walk.origins.module(origin)
        if source is not None and original in vars(source) and (origin, original) not in met:
            return _definition(walk, origin, original, met.union([(origin, original)]))
    return module, file, statements


def describe_module(walk: Walk, piece: Piece, sink: Sink) -> None:
    """All of a project module: its text, and everything in its namespace."""
    module = piece.value
    namespace: dict[str, Any] = vars(module) if module is not None else {}
    filename = namespace.get("__file__")
    file = walk.sources.get(filename) if isinstance(filename, str) else None
    if file is not None:
        sink.put(canonical(file.tree, docstrings=True))
        walk.add_part(piece, sink, file.path, 1, file.text)
    elif isinstance(filename, str) and Path(filename).is_file():
        sink.put(Path(filename).read_bytes())  # an extension module of the project
    for name, value in sorted(namespace.items()):
        if name.startswith("__") and name.endswith("__") and name not in ("__getattr__", "__all__"):
            continue
        sink.put(b"name " + name.encode())
        inner = Sink()
        try:
            ValueWriter(walk, inner).write(value)
        except Exception as error:  # noqa: BLE001 -- values may raise anything when they are looked at
            sink.put(b"made by the text")
            maker, _, _ = _definition(walk, piece.module, name)
            if maker != piece.module:
                held = error if isinstance(error, Unwritable) else f"a value that can't be read ({error!r})"
                walk.widen(sink, maker, f"{piece.name}.{name} holds {held}")
        else:
            sink.absorb(inner)


def describe_everything(walk: Walk, piece: Piece, sink: Sink) -> None:
    """The meaning of every Python file in the project, and everything in the modules loaded so far."""
    for path in project_files(walk.origins.root):
        file = walk.sources.get(path)
        sink.put(walk.origins.relative(path).encode("utf-8", "surrogateescape"))
        sink.put(canonical(file.tree, docstrings=True) if file is not None else Path(path).read_bytes())
