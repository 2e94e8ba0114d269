"""Diagnosis of a column that a Python recipe reads and no upstream has, at the line that names it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from upriver.assets.errors import Diagnosis, caret_excerpt, did_you_mean
from upriver.assets.model import Asset, CodePart, Key, Place, Schema


def diagnosis(name: str, asset: Asset, parts: Iterable[CodePart], schemas: Mapping[Key, Schema]) -> Diagnosis:
    """What to tell of the column *name*, which the recipe of *asset* looks for in upstreams with *schemas*."""
    keys = sorted(schemas)
    known = [column.name for key in keys for column in schemas[key]]
    facts = tuple(f"{key} has: {', '.join(column.name for column in schemas[key])}" for key in keys[:3])
    hint = did_you_mean(name, known)
    if name in known:
        message = f"there is no column {name!r} any more where it is read"
        facts, hint = ("the recipe itself has dropped or renamed it before",), None
    elif len(keys) == 1:
        message = f"upstream {keys[0]} has no column {name!r}"
    else:
        message = f"no upstream has a column {name!r}"
    place, excerpt = _place(name, parts) or (asset.place, None)
    return Diagnosis("unknown-column", message, place, facts, hint, excerpt, asset.key)


def _place(name: str, parts: Iterable[CodePart]) -> tuple[Place, str] | None:
    """The first place in *parts* that gives *name* as a string, an attribute (``pl.col.name``) or a keyword, and an
    excerpt with a caret; None when it stands nowhere, because it was put together.
    """
    for part in parts:
        try:
            tree = ast.parse(part.source)
        except SyntaxError:  # a piece of a class, which is no module by itself
            continue
        found = min(_named(tree, name), default=None)
        if found is None:
            continue
        line, byte, width = found
        column = len(part.source.splitlines()[line - 1].encode()[:byte].decode("utf-8", "ignore")) + 1
        place = Place(part.place.path, part.place.line + line - 1, column)
        return place, caret_excerpt(part.source, line, column, width, shown_line=place.line)
    return None


def _named(tree: ast.AST, name: str) -> Iterator[tuple[int, int, int]]:
    """Lines, from 1, bytes in them, from 0, and the width of what stands there. What a decorator is given is no part
    of what the function does.
    """
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Constant(value=str(value)) if value == name:
                yield node.lineno, node.col_offset, len(name) + 2
            case ast.Attribute(attr=attribute, end_lineno=int(line), end_col_offset=int(end)) if (
                attribute == name
            ):
                yield line, end - len(name.encode()), len(name)
            case ast.keyword(arg=argument) if argument == name:
                yield node.lineno, node.col_offset, len(name)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting += node.body
        else:
            waiting += ast.iter_child_nodes(node)
