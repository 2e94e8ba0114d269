"""Describer of functions: what is in the digest of one."""

from __future__ import annotations

import ast
import copy
from types import FunctionType, ModuleType
from typing import Any

from upriver.lineage.python.canonical import canonical_all
from upriver.lineage.python.names import Mentions, class_locals, global_names, mentions
from upriver.lineage.python.origin import attribute, is_upriver
from upriver.lineage.python.resolve import Resolver
from upriver.lineage.python.source import FunctionNode, code_digest, first_line
from upriver.lineage.python.values import Sink
from upriver.lineage.python.walk import Piece, Walk


def describe_function(walk: Walk, piece: Piece, sink: Sink) -> None:
    """A project function: its syntax tree, what it holds (defaults, closure), what it mentions."""
    function: FunctionType = piece.value
    code, namespace = function.__code__, function.__globals__
    file = walk.sources.get(code.co_filename)
    nodes = file.function_nodes(code) if file is not None else []
    resolver = Resolver(walk, sink, namespace, piece.name)
    if nodes and file is not None:
        found = _function_text(walk, sink, resolver, nodes, namespace)
    else:
        found = Mentions()
        sink.put(b"code" + code_digest(code))
        resolver.watch_attributes(set(code.co_names))
        if not code.co_filename.startswith("<"):
            walk.note(f"{piece.name} is not what its file says now; its compiled code was taken")
    _function_mentions(resolver, found, function)
    _holdings(walk, piece, sink, function)
    if nodes and file is not None:
        source = "\n".join(file.segment(node) for node in nodes)
        walk.add_part(piece, sink, file.path, first_line(nodes[0]), source)


def _function_text(
    walk: Walk, sink: Sink, resolver: Resolver, nodes: list[FunctionNode], namespace: dict[str, Any]
) -> Mentions:
    bare = [_without_held(walk, node, namespace) for node in nodes]
    sink.put(canonical_all(bare, walk.docstrings))
    found = mentions(bare)
    resolver.watch_attributes(found.attributes)
    return found


def _function_mentions(resolver: Resolver, found: Mentions, function: FunctionType) -> None:
    code = function.__code__
    looked_up = global_names(code)
    used: set[str] = set()
    resolver.load_imports(found)
    for reference in found.references:
        used.add(reference.name)
        if reference.name in found.imports:
            for target in found.imports[reference.name]:
                resolver.follow_import(target, reference.attributes, reference)
        if reference.name in looked_up or (reference.annotation and reference.name not in code.co_freevars):
            resolver.follow(reference)
    # Names that the text does not show as such: private names that a class mangles, or code without text.
    for name in sorted(looked_up - used - class_locals(code)):
        resolver.follow_plain(name)


def _without_held(walk: Walk, node: FunctionNode, namespace: dict[str, Any]) -> FunctionNode:
    """*node* without defaults, which the function object tells better, and without Upriver's decorators."""
    bare = copy.copy(node)
    bare.args = copy.copy(node.args)
    bare.args.defaults = []
    bare.args.kw_defaults = [None for _ in node.args.kw_defaults]
    if isinstance(bare, ast.FunctionDef | ast.AsyncFunctionDef):
        bare.decorator_list = [d for d in bare.decorator_list if not is_declaration(walk, d, namespace)]
    return bare


def is_declaration(walk: Walk, expression: ast.expr, namespace: dict[str, Any]) -> bool:
    """Whether *expression* calls or names something of Upriver's: how an asset is declared is no recipe."""
    while isinstance(expression, ast.Call | ast.Attribute):
        expression = expression.func if isinstance(expression, ast.Call) else expression.value
    if not isinstance(expression, ast.Name):
        return False
    value = namespace.get(expression.id)
    if isinstance(value, ModuleType):
        return is_upriver(value.__name__)
    home = attribute(value, "__module__") if callable(value) else None
    return isinstance(home, str) and is_upriver(home)


def _holdings(walk: Walk, piece: Piece, sink: Sink, function: FunctionType) -> None:
    sink.put(b"holds")
    walk.write(sink, function.__defaults__, None, f"a default of {piece.name}")
    walk.write(sink, function.__kwdefaults__, None, f"a default of {piece.name}")
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        sink.put(b"cell " + name.encode())
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            sink.put(b"empty")
        else:
            walk.write(sink, value, None, f"variable {name!r} of {piece.name}")
    for name, value in sorted(vars(function).items()):
        sink.put(b"attribute " + name.encode())
        walk.write(sink, value, None, f"attribute {name!r} of {piece.name}")


def describe_held(walk: Walk, piece: Piece, sink: Sink) -> None:
    """A library's function: only what it was given to hold (a decorator's wrapper holds what it wraps)."""
    match vars(piece.value):
        case {"registry": registry, "dispatch": _}:
            # functools.singledispatch: its closure also has a cache, which says nothing.
            walk.write(sink, dict(registry), None, f"the registry of {piece.name}")
        case _:
            _holdings(walk, piece, sink, piece.value)
