"""The places of a Python module that name an asset: keys in ``@asset``, ``inputs=`` and ``after=``, and ``source(…)``.

Functions, their parameters and their bodies stay as they are: a parameter that would mean something else, or nothing,
under the new names gets its key in ``inputs=``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from upriver.assets.model import Asset, Key, Place, PythonRecipe, Source
from upriver.lineage.project.names import Names
from upriver.lineage.refactoring.rename.values import ByHand, Edit


class Module:
    """A module's text and tree, and the edits that have been found."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.content = content
        self.tree = ast.parse(content)
        self.edits: list[Edit] = []
        self.by_hand: list[ByHand] = []
        lines = content.splitlines(keepends=True)
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line))
        if content.startswith(b"\xef\xbb\xbf"):
            self._starts[0] = 3

    def offset(self, line: int, column: int) -> int:
        """The offset of byte *column*, from 0, of *line*, from 1."""
        return self._starts[line - 1] + column

    def start(self, node: ast.expr) -> int:
        """The offset of a node's first byte."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr) -> int:
        """The offset after a node's last byte."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def replace(self, node: ast.expr, text: str) -> None:
        """Write *text* in the place of *node*."""
        self.edits.append(Edit(self.start(node), self.end(node), text))

    def insert(self, at: int, text: str) -> None:
        """Write *text* at offset *at*."""
        self.edits.append(Edit(at, at, text))

    def hand(self, line: int, why: str) -> None:
        """Leave a place to a person."""
        self.by_hand.append(ByHand(Place(self.path, line), why))


def rename_in_asset(module: Module, asset: Asset, old: Key, new: Key, before: Names, after: Names) -> None:
    """Find what to rewrite in the declaration of *asset*, whose inputs are as declared: None where not given."""
    assert isinstance(asset.recipe, PythonRecipe)
    own = asset.key == old
    given = [one.parameter for one in asset.recipe.inputs if one.key == old]
    added = dict(_unclear(asset, asset.recipe, old, new, before, after))
    late = old in asset.after
    if not own and not given and not added and not late:
        return
    decorator = decorator_of(module.tree, asset.recipe.qualname, asset.place.line)
    if decorator is None:
        module.hand(asset.place.line, f"{asset.key} is not declared by an @asset right above its function")
        return
    call = decorator if isinstance(decorator, ast.Call) else None
    more: list[str] = []
    if own:
        more += _own_key(module, call, old, new, asset.place.line)
    if given:
        _given_inputs(module, call, given, old, new, asset.place.line)
    if added:
        more += _added_inputs(module, call, added, asset.place.line)
    if late:
        _after(module, call, old, new, asset.place.line)
    if more:
        _add_arguments(module, decorator, more)


def _unclear(
    asset: Asset, recipe: PythonRecipe, old: Key, new: Key, before: Names, after: Names
) -> Iterable[tuple[str, Key]]:
    """Parameters without a key that do not mean by themselves what they meant."""
    own = new if asset.key == old else asset.key
    for one in recipe.inputs:
        if one.key is None:
            meant = before.of_parameter(one.parameter, asset.key)
            if len(meant) == 1:
                means = next(new if key == old else key for key in meant)
                if after.of_parameter(one.parameter, own) != {means}:
                    yield one.parameter, means


def decorator_of(tree: ast.Module, name: str, line: int) -> ast.expr | None:
    """The ``@asset`` of the function *name* at *line*, None where it is not right above it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name.rpartition(".")[2]:
            lines = {node.lineno, *(one.lineno for one in node.decorator_list)}
            found = [one for one in node.decorator_list if _is_named(one, "asset", tree)]
            if line in lines and len(found) == 1:
                return found[0]
    return None


def _is_named(node: ast.expr, name: str, tree: ast.Module) -> bool:
    """Whether *node* is ``asset``, ``assets.asset``, a name that it was imported as, or a call of one."""
    called = node.func if isinstance(node, ast.Call) else node
    if isinstance(called, ast.Attribute):
        return called.attr == name
    names = {name}
    for one in ast.walk(tree):
        if isinstance(one, ast.ImportFrom) and one.module == "upriver.assets":
            names |= {alias.asname for alias in one.names if alias.name == name and alias.asname}
    return isinstance(called, ast.Name) and called.id in names


def keyword(call: ast.Call | None, name: str) -> ast.expr | None:
    """What a call gives by *name*."""
    return next((one.value for one in call.keywords if one.arg == name), None) if call is not None else None


def _is_text(node: ast.expr | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def _own_key(module: Module, call: ast.Call | None, old: Key, new: Key, line: int) -> list[str]:
    """Rewrite the key that is given, or return the argument that gives it."""
    given = call.args[0] if call is not None and call.args else keyword(call, "key")
    if given is None:
        return [f'"{new}"']
    if _is_text(given, old):
        module.replace(given, f'"{new}"')
    else:
        module.hand(line, "its key is put together by code")
    return []


def _given_inputs(
    module: Module, call: ast.Call | None, parameters: list[str], old: Key, new: Key, line: int
) -> None:
    """Rewrite keys in ``inputs={…}``. What is given as a declaration follows by itself."""
    given = keyword(call, "inputs")
    if not isinstance(given, ast.Dict):
        module.hand(line, "its inputs are put together by code")
        return
    for name, value in zip(given.keys, given.values, strict=True):
        if isinstance(name, ast.Constant) and name.value in parameters and _is_text(value, old):
            module.replace(value, f'"{new}"')


def _added_inputs(module: Module, call: ast.Call | None, added: Mapping[str, Key], line: int) -> list[str]:
    """Give parameters their keys: in the ``inputs`` that are there, or in an argument, which is returned."""
    written = ", ".join(f'"{name}": "{key}"' for name, key in added.items())
    given = keyword(call, "inputs")
    if given is None:
        return [f"inputs={{{written}}}"]
    if isinstance(given, ast.Dict):
        module.insert(module.start(given) + 1, f"{written}, " if given.keys else written)
    else:
        module.hand(line, "its inputs are put together by code")
    return []


def _after(module: Module, call: ast.Call | None, old: Key, new: Key, line: int) -> None:
    given = keyword(call, "after")
    if isinstance(given, ast.List | ast.Tuple | ast.Set):
        for one in given.elts:
            if _is_text(one, old):
                module.replace(one, f'"{new}"')
    elif not isinstance(given, ast.Name | ast.Attribute):
        module.hand(line, "what it comes after is put together by code")


def _add_arguments(module: Module, decorator: ast.expr, more: list[str]) -> None:
    if not isinstance(decorator, ast.Call):
        module.insert(module.end(decorator), f"({', '.join(more)})")
        return
    first, others = (
        [one for one in more if one.startswith('"')],
        [one for one in more if not one.startswith('"')],
    )
    held = [*decorator.args, *(one.value for one in decorator.keywords)]
    opening = module.content.index(b"(", module.end(decorator.func)) + 1
    if not held:
        module.insert(opening, ", ".join(more))
        return
    if first:  # a positional argument comes first
        module.insert(opening, f"{first[0]}, ")
    if others:
        last = max(held, key=module.end)
        module.insert(module.end(last), "".join(f", {one}" for one in others))


def rename_source(module: Module, source: Source, new: Key) -> None:
    """Find the key in the declaration of *source*."""
    found = [
        given
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _is_named(node, "source", module.tree)
        for given in [node.args[0] if node.args else keyword(node, "key")]
        if _is_text(given, source.key)
    ]
    if len(found) == 1 and found[0] is not None:
        module.replace(found[0], f'"{new}"')
    else:
        module.hand(source.place.line, "its key is put together by code")
