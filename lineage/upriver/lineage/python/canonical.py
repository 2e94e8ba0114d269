"""The meaning of source text: an AST without what does not change what the program does.

Left out: positions, comments, formatting, docstrings (unless asked for), ``pass`` and other statements that
do nothing, and annotations of local variables, which Python neither evaluates nor stores.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

_SKIPPED = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_BODIES = frozenset({"body", "orelse", "finalbody"})


def canonical(node: ast.AST, docstrings: bool) -> bytes:
    """A byte string that is equal for two syntax trees exactly when they mean the same to Python.

    Fields that are empty are left out, so that a field added by a newer Python changes nothing.
    """
    out: list[bytes] = []
    _Writer(out, docstrings).write(node, local=False)
    return b"".join(out)


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


class _Writer:
    def __init__(self, out: list[bytes], docstrings: bool) -> None:
        self._out = out
        self._docstrings = docstrings

    def write(self, value: object, local: bool) -> None:
        """*local* says that the node stands directly in a function's body, not in a class or module."""
        out = self._out
        match value:
            case ast.Constant():
                out.append(constant_bytes(value.value))
            case ast.AnnAssign() if local and isinstance(value.target, ast.Name):
                # Of a local's annotation only the fact remains that the name is local.
                if value.value is None:
                    out += (b"(Local ", value.target.id.encode(), b")")
                else:
                    out.append(b"(Assign targets=[")
                    self.write(value.target, local)
                    out.append(b"]value=")
                    self.write(value.value, local)
                    out.append(b")")
            case ast.AST():
                self._node(value, local)
            case list():
                out.append(b"[")
                for item in value:
                    self.write(item, local)
                out.append(b"]")
            case _:
                out.append(constant_bytes(value))

    def _node(self, node: ast.AST, local: bool) -> None:
        out = self._out
        out.append(b"(%s " % type(node).__name__.encode())
        inner = local
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inner = True
        elif isinstance(node, ast.ClassDef | ast.Module):
            inner = False
        for name in node._fields:
            value = getattr(node, name, None)
            if name in _SKIPPED or value in (None, []):
                continue
            out.append(b"%s=" % name.encode())
            if name in _BODIES and isinstance(value, list):
                self._body(node, value, inner)
            else:
                self.write(value, local)
        out.append(b")")

    def _body(self, node: ast.AST, body: list[ast.stmt], inner: bool) -> None:
        self._out.append(b"[")
        documented = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module)
        for position, statement in enumerate(body):
            # The first may be a docstring.
            if is_idle(statement) and (position or not (self._docstrings and documented)):
                continue
            self.write(statement, inner)
        self._out.append(b"]")
