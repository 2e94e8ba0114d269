"""Describer of classes: what is in the digest of one, and of an instance."""

from __future__ import annotations

import ast
import copy
import enum
from collections.abc import Iterator
from types import FunctionType
from typing import Any, Generic

from upriver.lineage.python.canonical import canonical, is_idle
from upriver.lineage.python.functions import is_declaration
from upriver.lineage.python.names import mentions
from upriver.lineage.python.resolve import Resolver
from upriver.lineage.python.source import SourceFile, first_line
from upriver.lineage.python.values import Sink
from upriver.lineage.python.walk import Piece, Walk

_MADE_BY_PYTHON = frozenset(
    {
        "__module__", "__dict__", "__weakref__", "__doc__", "__qualname__", "__firstlineno__", "__annotate__",
        "__static_attributes__", "__annotations__", "__abstractmethods__", "__parameters__", "__orig_bases__",
        "__annotate_func__", "__annotations_cache__", "_abc_impl", "__classdictcell__", "__hash__",
    }
)  # fmt: skip
_STATELESS: tuple[Any, ...] = (object, Generic)
_BUILT_IN_CONTENT: tuple[Any, ...] = (dict, list, tuple, set, frozenset, str, bytes, int, float, complex)


def describe_class(walk: Walk, piece: Piece, sink: Sink) -> None:
    """A project class: its bases, its body in order, its methods by name, and what was put on it later."""
    cls: type = piece.value
    sink.put(cls.__qualname__.encode())
    walk.write(sink, (*cls.__bases__, type(cls)), piece.module, f"a base of {piece.name}")
    file, namespace = _home(walk, cls)
    nodes = file.class_nodes(cls.__qualname__) if file is not None else []
    stated: set[str] = set()
    if nodes and file is not None:
        stated = _class_text(walk, piece, sink, nodes, namespace)
    for name, value in sorted(vars(cls).items(), key=lambda pair: pair[0]):
        if _counts(walk, cls, name, value, stated, bool(nodes)):
            sink.put(b"member " + name.encode())
            walk.write(sink, value, piece.module, f"{piece.name}.{name}")
    if nodes and file is not None:
        source = "\n".join(file.segment(node) for node in nodes)
        walk.add_part(piece, sink, file.path, first_line(nodes[0]), source)


def _home(walk: Walk, cls: type) -> tuple[SourceFile | None, dict[str, Any]]:
    module = walk.origins.module(cls.__module__)
    if module is not None:
        namespace = vars(module)
    else:
        functions = (f for f in vars(cls).values() if isinstance(f, FunctionType))
        namespace = next((f.__globals__ for f in functions), {})
    filename = namespace.get("__file__")
    return (walk.sources.get(filename) if isinstance(filename, str) else None), namespace


def _class_text(
    walk: Walk, piece: Piece, sink: Sink, nodes: list[ast.ClassDef], namespace: dict[str, Any]
) -> set[str]:
    resolver = Resolver(walk, sink, namespace, piece.name)
    stated: set[str] = set()
    for node in nodes:
        functions = [s for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)]
        rest = [s for s in node.body if s not in functions and not is_idle(s)]
        bare = copy.copy(node)
        bare.decorator_list = [d for d in node.decorator_list if not is_declaration(walk, d, namespace)]
        bare.body = rest
        sink.put(canonical(bare, walk.docstrings))
        if walk.docstrings:
            sink.put(repr(ast.get_docstring(node)).encode())
        found = mentions([bare])
        resolver.watch_attributes(found.attributes)
        stated.update(found.stored, (f.name for f in functions))
        parameters = {
            a.arg for n in ast.walk(bare) if isinstance(n, ast.arguments) for a in (*n.posonlyargs, *n.args)
        }
        local = {*stated, *parameters, *vars(piece.value)}
        for reference in found.references:
            # What a class inside a function takes from there is among its members as well.
            mentioned = reference.name in namespace or "<locals>" not in piece.value.__qualname__
            if mentioned and reference.name not in local:
                resolver.follow(reference)
    return stated


def _counts(walk: Walk, cls: type, name: str, value: object, stated: set[str], has_text: bool) -> bool:
    if name in stated:
        return True
    if name in _MADE_BY_PYTHON:
        return False
    if not has_text:
        return True
    if name.startswith("__") and name.endswith("__"):
        # Made by a decorator or metaclass from what the text states, unless a function was put there.
        return (
            isinstance(value, FunctionType)
            and not value.__code__.co_filename.startswith("<")
            and (walk.is_project_function(value))
        )
    # What an enumeration keeps of its members.
    return not (issubclass(cls, enum.Enum) and name.startswith("_") and name.endswith("_"))


def describe_instance(walk: Walk, piece: Piece, sink: Sink) -> None:
    """An instance of a project class: the class, its attributes, and what a built-in base class holds."""
    value = piece.value
    name = piece.name.removesuffix("()")
    walk.klass(sink, type(value))
    for attribute, item in sorted(_state(value), key=lambda pair: pair[0]):
        sink.put(b"attribute " + attribute.encode())
        walk.write(sink, item, None, f"attribute {attribute!r} of a {name}")
    for base in _BUILT_IN_CONTENT:
        if isinstance(value, base):
            walk.write(sink, base(value), None, f"a {name}")
            return
    if not all(base in _STATELESS or walk.is_project_class(base) for base in type(value).__mro__):
        _library_state(walk, value, sink, f"a {name}")


def _state(value: object) -> Iterator[tuple[str, object]]:
    yield from getattr(value, "__dict__", {}).items()
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            private = name.startswith("__") and not name.endswith("__")
            mangled = f"_{cls.__name__.lstrip('_')}{name}" if private else name
            if name not in ("__dict__", "__weakref__") and hasattr(value, mangled):
                yield name, getattr(value, mangled)


def _library_state(walk: Walk, value: Any, sink: Sink, what: str) -> None:
    """What a library's base class keeps out of sight (in C), as far as pickling shows it."""
    try:
        state = value.__reduce_ex__(2)
    except Exception:  # noqa: BLE001  # any class may refuse; what its own attributes say was written above
        return
    match state:
        case (_, arguments, *_):
            walk.write(sink, arguments, None, what)
