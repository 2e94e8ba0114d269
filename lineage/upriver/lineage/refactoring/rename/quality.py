"""The places of ``columns`` and ``checks``, in headers and in ``@asset``, that name a column or another asset."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from upriver.assets.declare.rules import KINDS
from upriver.assets.loading.sql_header import find_header
from upriver.assets.model import Asset, Key, Place, PythonRecipe
from upriver.lineage.refactoring.rename.python import Module, decorator_of, keyword
from upriver.lineage.refactoring.rename.values import ByHand, Edit

if TYPE_CHECKING:
    import yaml

OPTIONS = ("columns", "checks")


class Written(NamedTuple):
    """A text in a declaration, from byte *start* to *end* of its file; *spelled* writes another in its place."""

    text: str
    start: int
    end: int
    spelled: Callable[[str], str]


class Pairs(NamedTuple):
    """A mapping as it is written."""

    items: list[tuple[Tree, Tree]]


Tree: TypeAlias = "Written | Pairs | list[Tree] | None"
"""What an option holds; None for what is no text, or is put together by code."""


class Naming(NamedTuple):
    """What is called otherwise: *column* of the asset itself (before and after), and columns of others, where
    *target* gives ``KEY.COLUMN`` as it becomes. *expression* rewrites an SQL expression over the asset's columns; None
    where only a person can. All give None for what stays as it is.
    """

    target: Callable[[str], str | None]
    column: tuple[str, str] | None = None
    expression: Callable[[str], str | ByHand | None] | None = None

    def of_column(self, name: str) -> str | None:
        """What the asset's own column *name* is called then."""
        if self.column is None or name.lower() != self.column[0].lower():
            return None
        return self.column[1]


def edits_of(trees: dict[str, Tree], naming: Naming, place: Place, content: bytes) -> list[Edit] | ByHand:
    """What to write in the options *trees* of the declaration at *place*, which stands in *content*."""
    edits = []
    for written, becomes in _changes(trees, naming):
        if isinstance(becomes, ByHand):
            return ByHand(place, becomes.why)
        if b"\n" in content[written.start : written.end]:
            return ByHand(place, f"{written.text.strip()!r} in its checks is written on several lines")
        edits.append(Edit(written.start, written.end, written.spelled(becomes)))
    return edits


def _changes(trees: dict[str, Tree], naming: Naming) -> Iterator[tuple[Written, str | ByHand]]:
    for name, said in _pairs(trees.get("columns")):
        if isinstance(name, Written):
            yield from _of_text(name, naming.of_column)
        yield from _target(said, naming)
    checks = trees.get("checks")
    for check in checks if isinstance(checks, list) else []:
        for kind, said in _pairs(check):
            if not isinstance(kind, Written) or kind.text not in KINDS:
                continue
            if kind.text == "expression":
                yield from _of_text(said, naming.expression)
            elif isinstance(said, Pairs):
                for option, value in said.items:
                    if isinstance(option, Written) and option.text == "column":
                        yield from _of_text(value, naming.of_column)
                if kind.text == "relationship":
                    yield from _target(Pairs([(kind, said)]), naming)
            else:
                for one in said if isinstance(said, list) else [said]:
                    yield from _of_text(one, naming.of_column)


def _target(options: Tree, naming: Naming) -> Iterator[tuple[Written, str | ByHand]]:
    """The column of another asset that ``relationship`` of *options* names."""
    for kind, said in _pairs(options):
        if isinstance(kind, Written) and kind.text == "relationship":
            yield from _of_text(said, naming.target)
            for option, value in _pairs(said):
                if isinstance(option, Written) and option.text == "to":
                    yield from _of_text(value, naming.target)


def _pairs(tree: Tree) -> list[tuple[Tree, Tree]]:
    return tree.items if isinstance(tree, Pairs) else []


def _of_text(
    tree: Tree, becomes: Callable[[str], str | ByHand | None] | None
) -> Iterator[tuple[Written, str | ByHand]]:
    if isinstance(tree, Written) and becomes is not None and (found := becomes(tree.text)) is not None:
        yield tree, found


# -- as they are written --------------------------------------------------------------------------------


def in_header(path: str, content: bytes) -> dict[str, Tree]:
    """The options in the header of the SQL module *content*."""
    import yaml

    text = content.decode()
    shift = len(text) - len(text.removeprefix("\ufeff"))
    header = find_header(path, text[shift:])
    root = None if header is None else yaml.compose(header.text, Loader=yaml.SafeLoader)
    if header is None or not isinstance(root, yaml.MappingNode):
        return {}
    first = header.start + shift

    def offset(index: int) -> int:
        return len(text[: first + index].encode())

    return {
        str(name.value): _of_yaml(node, offset)
        for name, node in root.value
        if str(name.value) in (*OPTIONS, "of")
    }


def _of_yaml(node: yaml.Node, offset: Callable[[int], int]) -> Tree:
    import yaml

    if isinstance(node, yaml.ScalarNode):
        start, end = offset(node.start_mark.index), offset(node.end_mark.index)
        return Written(str(node.value), start, end, _as_yaml)
    if isinstance(node, yaml.SequenceNode):
        return [_of_yaml(one, offset) for one in node.value]
    return Pairs([(_of_yaml(name, offset), _of_yaml(value, offset)) for name, value in node.value])


def _as_yaml(text: str) -> str:
    """*text* as a scalar, without quotes where it is the same without."""
    import yaml

    for around in ("[{}]", "{{a: {}}}", "{{{}: a}}"):  # as an item, a value and a name
        try:
            root = yaml.compose(around.format(text), Loader=yaml.SafeLoader)
        except yaml.YAMLError:
            return json.dumps(text, ensure_ascii=False)
        scalars = [one.value for one in _scalars(root)]
        if text not in scalars or len(scalars) > 2:
            return json.dumps(text, ensure_ascii=False)
    return text


def _scalars(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    import yaml

    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _scalars(one)
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for one in pair:
                yield from _scalars(one)


def in_decorator(module: Module, asset: Asset) -> dict[str, Tree] | ByHand:
    """The options in the ``@asset`` of *asset*, which stands in *module*."""
    assert isinstance(asset.recipe, PythonRecipe)
    found = decorator_of(module.tree, asset.recipe.qualname, asset.place.line)
    call = found if isinstance(found, ast.Call) else None
    trees = {name: _of_code(keyword(call, name), module) for name in OPTIONS}
    if asset.quality != type(asset.quality)() and not any(trees.values()):
        return ByHand(asset.place, "its columns and checks are put together by code")
    return trees


def _of_code(node: ast.expr | None, module: Module) -> Tree:
    match node:
        case ast.Constant(value=str(text)):
            return Written(text, module.start(node), module.end(node), _as_code)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_of_code(one, module) for one in items]
        case ast.Dict(keys=names, values=values):
            return Pairs(
                [
                    (None if name is None else _of_code(name, module), _of_code(value, module))
                    for name, value in zip(names, values, strict=True)
                ]
            )
    return None


def _as_code(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def target_of(old: Key, new: Key) -> Callable[[str], str | None]:
    """What ``KEY.COLUMN`` becomes when the key *old* is *new*."""

    def target(text: str) -> str | None:
        key, _, column = text.strip().rpartition(".")
        return f"{new}.{column}" if key == old else None

    return target
