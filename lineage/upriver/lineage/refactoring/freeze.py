"""Freezing of a contract: the columns that an asset has become those that its declaration promises."""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
from pathlib import Path

import yaml

from upriver.assets.errors import UsageError
from upriver.assets.loading.sql_header import HeaderError, find_header
from upriver.assets.model import Asset, Key, PythonRecipe, Schema, Value
from upriver.lineage.project.contracts import canonical_type
from upriver.lineage.refactoring.rename.values import FileChange

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TYPE = re.compile(r"[A-Z][A-Z0-9_ ]*", re.ASCII)
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


class Freezing(Value, frozen=True):
    """A contract to be written: the columns of *asset* that it will promise, and the file that changes. *diff* are the
    lines that differ, each behind its sign.
    """

    asset: Key
    schema: Schema
    closed: bool
    file: FileChange
    diff: tuple[str, ...]


class _Edits:
    """Texts to be put into a text, each in place of what stands from one offset to another."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._edits: list[tuple[int, int, str]] = []

    def put(self, start: int, end: int, text: str) -> None:
        self._edits.append((start, end, text))

    def done(self) -> str:
        pieces, position = [], 0
        for start, end, text in sorted(self._edits, key=lambda one: one[:2]):
            pieces += [self._text[position:start], text]
            position = end
        return "".join([*pieces, self._text[position:]])


def freeze(root: Path, asset: Asset, schema: Schema, *, closed: bool) -> Freezing:
    """The edit that lets *asset* promise the columns *schema*; with *closed*, and no others. Nothing is written. What
    is declared of a column besides its type stays.

    Raises UsageError where its declaration is not written in a way that can be added to.
    """
    path = root / asset.place.path
    if path.is_symlink() or not path.is_file():
        raise UsageError(f"{asset.place.path} is not a file of the project itself")
    content = path.read_bytes()
    text = content.decode("utf-8", "surrogateescape")
    if isinstance(asset.recipe, PythonRecipe):
        after = _python(text, asset, schema, closed)
    else:
        after = _sql(asset, text, schema, closed)
    lines = difflib.unified_diff(text.splitlines(), after.splitlines(), n=0, lineterm="")
    diff = tuple(line for line in lines if not line.startswith(("---", "+++", "@@")))
    change = FileChange(
        asset.place.path,
        asset.place.path,
        hashlib.sha256(content).hexdigest(),
        after.encode("utf-8", "surrogateescape"),
        1,
    )
    return Freezing(asset.key, schema, closed, change, diff)


# -- the header of a SQL module -------------------------------------------------------------------------


def _sql(asset: Asset, text: str, schema: Schema, closed: bool) -> str:
    start = 1 if text.startswith("\ufeff") else 0
    try:
        header = find_header(asset.place.path, text[start:])
    except HeaderError as error:
        raise UsageError(str(error.diagnosis)) from None
    newline = "\r\n" if "\r\n" in text else "\n"
    if header is None:
        block = ["/* upriver:", *_block(schema, closed), "*/", ""]
        return text[:start] + newline.join(block) + text[start:]
    edits = _Edits(text)
    base = start + header.start
    node = yaml.compose(header.text, Loader=yaml.SafeLoader)
    if node is None:
        edits.put(base, base + len(header.text), newline + newline.join([*_block(schema, closed), ""]))
        return edits.done()
    if not isinstance(node, yaml.MappingNode):
        raise UsageError(f"the header of {asset.key} has no options to which columns can be added")
    fields = {name.value: (name, value) for name, value in node.value}
    if closed and "contract" in fields:
        given = fields["contract"][1]
        edits.put(base + given.start_mark.index, base + given.end_mark.index, "closed")
    if "columns" in fields:
        columns = fields["columns"][1]
        if not isinstance(columns, yaml.MappingNode) or not columns.value:
            raise UsageError(
                f"`columns:` of {asset.key} has no columns to which others can be added: remove it first"
            )
        _add_columns(edits, base, header.text, columns, schema, newline)
        more = ["contract: closed"] if closed and "contract" not in fields else []
    else:
        more = _block(schema, closed and "contract" not in fields)
    if more and node.flow_style:
        inside = ", ".join(["columns: {" + ", ".join(_entry(one.name, one.type) for one in schema) + "}"])
        closing = base + node.end_mark.index - 1
        edits.put(closing, closing, f", {inside}{', contract: closed' if closed else ''}")
    elif more:
        first = node.value[0][0].start_mark
        indent = " " * first.column
        # At the end of the options, whatever stands behind them.
        body = header.text.rstrip()
        at = base + len(body)
        edits.put(at, at, "".join(f"{newline}{indent}{line}" for line in more))
        if "\n" not in header.text[len(body) :]:
            edits.put(at, at, newline)
    return edits.done()


def _block(schema: Schema, closed: bool) -> list[str]:
    lines = ["contract: closed"] if closed else []
    return [*lines, "columns:", *(f"  {_entry(one.name, one.type)}" for one in schema)]


def _entry(name: str, type: str) -> str:
    return f"{_scalar(name)}: {{type: {_scalar(type)}}}"


def _scalar(text: str) -> str:
    """*text* as YAML reads it back, also inside of brackets."""
    if (_PLAIN.fullmatch(text) or _TYPE.fullmatch(text)) and text.lower() not in _WORDS:
        return text
    return "'" + text.replace("'", "''") + "'"


def _add_columns(
    edits: _Edits, base: int, text: str, columns: yaml.MappingNode, schema: Schema, newline: str
) -> None:
    """Give every column of *schema* its type, those that are not there at the end."""
    declared = {str(name.value).lower(): (name, value) for name, value in columns.value}
    last = columns.value[-1]
    new = [one for one in schema if one.name.lower() not in declared]
    for one in schema:
        if one.name.lower() in declared:
            _type_of(edits, base, text, *declared[one.name.lower()], one.type, newline)
    if not new:
        return
    if columns.flow_style:
        closing = base + columns.end_mark.index - 1
        edits.put(closing, closing, "".join(f", {_entry(one.name, one.type)}" for one in new))
        return
    indent = " " * columns.value[0][0].start_mark.column
    # Behind the last entry: a block ends where the next token is, so its own text tells.
    end = max(last[0].end_mark.index + 1, last[1].end_mark.index)
    at = base + len(text[:end].rstrip())
    edits.put(at, at, "".join(f"{newline}{indent}{_entry(one.name, one.type)}" for one in new))


def _type_of(
    edits: _Edits, base: int, text: str, name: yaml.Node, value: yaml.Node, type: str, newline: str
) -> None:
    written = _scalar(type)
    if isinstance(value, yaml.ScalarNode):
        null = value.tag == "tag:yaml.org,2002:null"
        if null and value.start_mark.index == value.end_mark.index:
            at = base + name.end_mark.index + 1
            edits.put(at, at, f" {{type: {written}}}")
        elif null or _canonical(str(value.value)) != type:
            edits.put(base + value.start_mark.index, base + value.end_mark.index, f"{{type: {written}}}")
        return
    assert isinstance(value, yaml.MappingNode)
    given = next((two for one, two in value.value if one.value == "type"), None)
    if given is not None:
        if _canonical(str(given.value)) != type:
            edits.put(base + given.start_mark.index, base + given.end_mark.index, written)
    elif value.flow_style:
        at = base + value.start_mark.index + 1
        edits.put(at, at, f"type: {written}{', ' if value.value else ''}")
    else:
        first = value.value[0][0].start_mark
        at = base + first.index
        edits.put(at, at, f"type: {written}{newline}{' ' * first.column}")


def _canonical(type: str) -> str | None:
    return canonical_type(type)


# -- the decorator of a function ------------------------------------------------------------------------


def _python(text: str, asset: Asset, schema: Schema, closed: bool) -> str:
    call = _decorator(text, asset)
    offset = _Offsets(text)
    edits = _Edits(text)
    if not isinstance(call, ast.Call):
        end = offset.end(call)
        edits.put(end, end, f"({_argument(schema)}{', contract=' + repr('closed') if closed else ''})")
        return edits.done()
    given = {one.arg: one.value for one in call.keywords if one.arg is not None}
    more: list[str] = []
    if "columns" in given:
        columns = given["columns"]
        if not isinstance(columns, ast.Dict) or not columns.keys:
            raise _by_hand(asset, "its columns are not written as a dict")
        _add_to_dict(edits, offset, asset, columns, schema)
    else:
        more.append(_argument(schema))
    if closed and "contract" in given:
        edits.put(offset.start(given["contract"]), offset.end(given["contract"]), '"closed"')
    elif closed:
        more.append('contract="closed"')
    if more:
        closing = offset.end(call) - 1
        before = text[offset.end(call.func) + 1 : closing].rstrip()
        comma = "" if not before or before.endswith(",") else ", "
        edits.put(closing, closing, comma + ", ".join(more))
    return edits.done()


def _argument(schema: Schema) -> str:
    inside = ", ".join(f'{one.name!r}: {{"type": {one.type!r}}}' for one in schema)
    return f"columns={{{inside}}}"


def _add_to_dict(edits: _Edits, offset: _Offsets, asset: Asset, columns: ast.Dict, schema: Schema) -> None:
    declared: dict[str, ast.expr] = {}
    for name, value in zip(columns.keys, columns.values, strict=True):
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            raise _by_hand(asset, "not all of its columns are written as texts")
        declared[name.value.lower()] = value
    for one in schema:
        value_ = declared.get(one.name.lower())
        match value_:
            case None:
                pass
            case ast.Constant(value=str(type)):
                if canonical_type(type) != one.type:
                    edits.put(offset.start(value_), offset.end(value_), repr(one.type))
            case ast.Dict(keys=names, values=values):
                told = {n.value: v for n, v in zip(names, values, strict=True) if isinstance(n, ast.Constant)}
                given = told.get("type")
                if given is None:
                    at = offset.start(value_) + 1
                    edits.put(at, at, f'"type": {one.type!r}{", " if names else ""}')
                elif not (isinstance(given, ast.Constant) and canonical_type(str(given.value)) == one.type):
                    edits.put(offset.start(given), offset.end(given), repr(one.type))
            case _:
                raise _by_hand(asset, f"what it says of {one.name} is computed")
    new = "".join(
        f', {one.name!r}: {{"type": {one.type!r}}}' for one in schema if one.name.lower() not in declared
    )
    at = offset.end(columns.values[-1])
    edits.put(at, at, new)


def _decorator(text: str, asset: Asset) -> ast.expr:
    """The ``@asset`` of the function that *asset* is declared by."""
    assert isinstance(asset.recipe, PythonRecipe)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        raise _by_hand(asset, "its module can't be parsed") from None
    functions = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == asset.recipe.qualname
    ]
    for node in functions[-1:]:
        for one in node.decorator_list:
            called = one.func if isinstance(one, ast.Call) else one
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name == "asset":
                return one
    raise _by_hand(asset, "no @asset stands above its function")


def _by_hand(asset: Asset, why: str) -> UsageError:
    return UsageError(
        f"the contract of {asset.key} can't be written by itself: {why}\n  hint: open {asset.place}, and write it"
    )


class _Offsets:
    """Offsets of syntax nodes, which count lines and bytes, in a text."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def start(self, node: ast.expr) -> int:
        return self._at(node.lineno, node.col_offset)

    def end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._at(node.end_lineno, node.end_col_offset)

    def _at(self, line: int, column: int) -> int:
        before = self._lines[line - 1].encode("utf-8", "surrogateescape")[:column]
        return self._starts[line - 1] + len(before.decode("utf-8", "surrogateescape"))
