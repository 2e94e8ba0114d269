"""The meaning of source text: an AST without what does not change what the program does.

Left out: positions, comments, formatting, docstrings (unless asked for), ``pass`` and other statements that
do nothing, and annotations of local variables, which Python neither evaluates nor stores.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_SKIPPED = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_BODIES = frozenset({"body", "orelse", "finalbody"})


def canonical(node: ast.AST, docstrings: bool) -> bytes:
    """A byte string that is equal for two syntax trees exactly when they mean the same to Python.

    Fields that are empty are left out, so that a field added by a newer Python changes nothing.
    """
    return b"".join(_written(node, docstrings))


def canonical_all(nodes: Iterable[ast.AST], docstrings: bool) -> bytes:
    """The canonical forms of *nodes*, in order."""
    return b"|".join(canonical(node, docstrings) for node in nodes)


def constant_bytes(value: object) -> bytes:
    """A literal with its type, since ``1``, ``1.0`` and ``True`` are equal but mean different things."""
    match value:
        case str():
            data = value.encode("utf-8", "surrogatepass")
        case bytes():
            data = value
        case _:
            data = repr(value).encode()
    return b"%s:%d:%s" % (type(value).__name__.encode(), len(data), data)


def is_idle(statement: ast.stmt) -> bool:
    """Whether *statement* does nothing: ``pass``, or a literal that stands alone."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


class _Open(NamedTuple):
    """A part of a tree to be written; *local*: directly in the body of a function, not of a class or module."""

    value: object
    local: bool


def _written(root: ast.AST, docstrings: bool) -> Iterator[bytes]:
    """The pieces of the canonical form. Parts wait on a stack: a tree may be deeper than Python's own."""
    waiting: list[bytes | _Open] = [_Open(root, local=False)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, bytes):
            yield part
        else:
            waiting += reversed(_pieces(part.value, part.local, docstrings))


def _pieces(value: object, local: bool, docstrings: bool) -> list[bytes | _Open]:
    match value:
        case ast.Constant():
            return [constant_bytes(value.value)]
        case ast.AnnAssign() if local and isinstance(value.target, ast.Name):
            # Of a local's annotation only the fact remains that the name is local.
            if value.value is None:
                return [b"(Local ", value.target.id.encode(), b")"]
            target, assigned = _Open(value.target, local), _Open(value.value, local)
            return [b"(Assign targets=[", target, b"]value=", assigned, b")"]
        case ast.AST():
            return _node(value, local, docstrings)
        case list():
            return [b"[", *(_Open(item, local) for item in value), b"]"]
    return [constant_bytes(value)]


def _node(node: ast.AST, local: bool, docstrings: bool) -> list[bytes | _Open]:
    pieces: list[bytes | _Open] = [b"(%s " % type(node).__name__.encode()]
    inner = local
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        inner = True
    elif isinstance(node, ast.ClassDef | ast.Module):
        inner = False
    for name in node._fields:
        value = getattr(node, name, None)
        if name in _SKIPPED or value in (None, []):
            continue
        pieces.append(b"%s=" % name.encode())
        if name in _BODIES and isinstance(value, list):
            kept = [_Open(statement, inner) for statement in _doing(node, value, docstrings)]
            pieces += [b"[", *kept, b"]"]
        else:
            pieces.append(_Open(value, local))
    pieces.append(b")")
    return pieces


def _doing(node: ast.AST, body: list[ast.stmt], docstrings: bool) -> Iterator[ast.stmt]:
    """The statements of a *body* that do something. The first of it may be a docstring."""
    documented = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module)
    for position, statement in enumerate(body):
        if not is_idle(statement) or (not position and docstrings and documented):
            yield statement
