"""Names that a piece of code mentions, and how it uses them."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType
from typing import NamedTuple

_GLOBAL_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})


class Reference(NamedTuple):
    """A name and the attributes taken of it: ``lib.config.RATE`` is ``("lib", ("config", "RATE"))``.

    *annotation* says that it stands in an annotation, where it may be missing at run time, *stored* that the last
    attribute is not asked for but set.
    """

    name: str
    attributes: tuple[str, ...]
    annotation: bool
    stored: bool


class LocalImport(NamedTuple):
    """An ``import`` inside a function: *module* (*level* dots before it) and, for ``from``, the *member*."""

    module: str
    level: int
    member: str | None


@dataclass
class Mentions:
    """Everything that some code mentions by name."""

    references: list[Reference] = field(default_factory=list)
    imports: dict[str, list[LocalImport]] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)


def mentions(nodes: Iterable[ast.AST]) -> Mentions:
    """The references in *nodes*, in the order of the text, each attribute chain once and in full."""
    found = Mentions()
    waiting = [_Part(node, annotation=False, local=False) for node in nodes]
    waiting.reverse()
    while waiting:
        waiting += reversed(list(_collect(waiting.pop(), found)))
    return found


class _Part(NamedTuple):
    """A node still to be looked at: whether it stands in an *annotation*, and in a function (*local*)."""

    node: ast.AST
    annotation: bool
    local: bool


def _collect(part: _Part, found: Mentions) -> Iterator[_Part]:
    """Add what a node mentions by itself; the parts of it that may mention more."""
    node, annotation, local = part
    match node:
        case ast.Name():
            if isinstance(node.ctx, ast.Load):
                found.references.append(Reference(node.id, (), annotation, stored=False))
            else:
                found.stored.add(node.id)
            return
        case ast.Attribute():
            found.attributes.add(node.attr)
            chain = _chain(node)
            if chain is not None:
                name, attributes = chain
                found.attributes.update(attributes)
                stored = not isinstance(node.ctx, ast.Load)
                found.references.append(Reference(name, attributes, annotation, stored))
                return
        case ast.Call(func=ast.Name(id="getattr"), args=[target, ast.Constant(value=str(attribute)), *rest]):
            # getattr with a literal name is an attribute chain in other words.
            chain = _chain(target)
            if chain is not None:
                found.attributes.add(attribute)
                found.references.append(Reference("getattr", (), annotation, stored=False))
                reference = Reference(chain[0], (*chain[1], attribute), annotation, stored=False)
                found.references.append(reference)
                yield from (_Part(inner, annotation, local) for inner in rest)
                return
        case ast.Import():
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                target_module = alias.name if alias.asname else bound
                found.imports.setdefault(bound, []).append(LocalImport(target_module, 0, None))
                # ``import a.b`` binds a, yet it is a.b that gets loaded.
                found.imports.setdefault("", []).append(LocalImport(alias.name, 0, None))
        case ast.ImportFrom():
            for alias in node.names:
                found.imports.setdefault(alias.asname or alias.name, []).append(
                    LocalImport(node.module or "", node.level, alias.name)
                )
        case ast.AnnAssign(target=ast.Name()) if local:
            # Python does not evaluate the annotations of local variables.
            yield from (_Part(p, annotation, local) for p in (node.target, node.value) if p is not None)
            return
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            local = True
        case ast.ClassDef():
            local = False
        case _:
            pass
    for name, value in ast.iter_fields(node):
        inside = annotation or name in ("annotation", "returns")
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, ast.AST):
                yield _Part(child, inside, local)


def _chain(node: ast.expr) -> tuple[str, tuple[str, ...]] | None:
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id, tuple(reversed(attributes))) if isinstance(node, ast.Name) else None


@lru_cache(maxsize=4096)
def global_names(code: CodeType) -> frozenset[str]:
    """The names that *code*, and the code inside it, looks up in its module or the builtins."""
    found: set[str] = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in _GLOBAL_LOADS:
            found.add(str(instruction.argval))
    for inner in _inner(code):
        found |= global_names(inner)
    return frozenset(found)


@lru_cache(maxsize=4096)
def class_locals(code: CodeType) -> frozenset[str]:
    """The names that class bodies inside *code* bind for themselves."""
    found = {str(i.argval) for i in dis.get_instructions(code) if i.opname == "STORE_NAME"}
    for inner in _inner(code):
        found |= class_locals(inner)
    return frozenset(found)


def _inner(code: CodeType) -> Iterator[CodeType]:
    return (constant for constant in code.co_consts if isinstance(constant, CodeType))
