"""A digest of a plan's meaning: equal for two plans that compute equal results from equal inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from io import BytesIO
from typing import Any

import polars as pl
from polars._plr import PyDataFrame, PySeries

from upriver.assets.model import Key
from upriver.lineage.polars.tree import Expression, Named, PlanNode

_BY_NAME = frozenset(
    {
        "scan",
        "project",
        "select",
        "with_columns",
        "filter",
        "sort",
        "slice",
        "distinct",
        "group_by",
        "join",
        "union",
    }
)
"""Nodes that know columns by their names alone (a union whose inputs differ in their order has no plan)."""


_LONG = 1_000_000
"""Each level of an expression quotes the text of what is inside: from this length on a digest stands for it."""


class _Unknown(Exception):
    """The plan holds something that can't be told by content."""


def binding(
    pruned: PlanNode,
    output: pl.Schema,
    key_of: Callable[[object], Key | None],
    called: Callable[[str], str] = str,
) -> str:
    """The digest of a plan without the columns that it does not need, and of its output columns.

    So a new column in an upstream changes nothing when nothing reads it, nor do columns that change places where all
    are known by their names. Empty when part of the plan is
    not known, which no digest can stand for. *called* gives columns another name, for a comparison with a plan in which
    they have it; what is data or text in the plan stays what it is.
    """
    digest = blake2b(digest_size=16)
    digest.update(repr([(called(name), dtype) for name, dtype in output.items()]).encode())
    try:
        for text in _Writer(key_of, by_name=_by_name(pruned), called=called).node(pruned):
            digest.update(text)
    except _Unknown:
        return ""
    return digest.hexdigest()


def _by_name(node: PlanNode) -> bool:
    known = node.op in _BY_NAME or (node.op == "map" and node.options.get("name") == "row_index")
    return known and all(map(_by_name, node.inputs))


class _Writer:
    def __init__(
        self, key_of: Callable[[object], Key | None], *, by_name: bool, called: Callable[[str], str]
    ) -> None:
        self._key_of = key_of
        self._by_name = by_name
        self._called = called

    def node(self, node: PlanNode) -> list[bytes]:
        if node.op in ("unknown", "file") or self._confuses(node):
            raise _Unknown
        if self._by_name and node.op == "project" and node.schema.keys() == node.inputs[0].schema.keys():
            return self.node(node.inputs[0])  # it only puts columns in another order
        options: list[Any] = []
        match node.op:
            case "scan":
                key = self._key_of(node.options["source"])
                if key is None:
                    raise _Unknown
                options = [key, self._columns(self._fields(node))]
            case "frame":
                options = [_data(node.options["frame"])]
            case "project":
                options = [self._columns(node.schema)]
            case "map":
                options = [
                    self._columns(node.schema),
                    node.options.get("name"),
                    self._arguments(node),
                ]
            case _:
                options = [self._value(name, value) for name, value in sorted(node.options.items())]
        out = [f"({node.op} {options!r}".encode()]
        for group in (node.expressions, node.keys, node.right_keys):
            out += [self._named(named) for named in group]
            out.append(b"/")
        for child in node.inputs:
            out += self.node(child)
        return [*out, b")"]

    def _confuses(self, node: PlanNode) -> bool:
        """Whether two names that are not the same would be called the same, where they meet."""
        if len({*map(self._called, node.schema)}) < len(node.schema):
            return True
        if node.op not in ("union", "hconcat", "merge_sorted"):
            return False
        named = {tuple(child.schema) for child in node.inputs}
        return len({tuple(map(self._called, names)) for names in named}) < len(named)

    def _columns(self, found: Iterable[Any]) -> list[Any]:
        named = [self._renamed(one) for one in found]
        return sorted(named) if self._by_name else named

    def _fields(self, node: PlanNode) -> list[tuple[str, str]]:
        return [(self._called(name), repr(dtype)) for name, dtype in node.schema.items()]

    def _arguments(self, node: PlanNode) -> Any:
        arguments: Any = node.options.get("arguments")
        if node.options.get("name") != "unpivot":
            return self._renamed(arguments)
        index, on, variable, value = arguments
        if on is None or not len(on):
            on = [name for name in node.inputs[0].schema if name not in (index or ())]
        # The names of what is unpivoted become data.
        return [self._renamed(index), on, self._called(variable), self._called(value)]

    def _value(self, name: str, value: Any) -> str:
        return f"{name}={self._renamed(value)!r}"

    def _renamed(self, value: Any) -> Any:
        """A node's option, which names columns where it holds texts."""
        if isinstance(value, str):
            return self._called(value)
        return type(value)(map(self._renamed, value)) if type(value) in (list, tuple) else value

    def _named(self, named: Named) -> bytes:
        return f"{self._called(named.name)!r}={self._expression(named.expression)}".encode()

    def _expression(self, expression: Expression) -> str:
        if expression.op == "unknown":
            raise _Unknown
        options = [_plain(option) for option in expression.options]
        inputs = [self._expression(inner) for inner in expression.inputs]
        # What a choice was called when digests were first recorded is what it is called in them.
        deciders = [
            ("expression" if how == "conditional" else how) + self._expression(inner)
            for how, inner in expression.deciders
        ]
        name = self._called(expression.name) if expression.op == "column" else expression.name
        text = f"{expression.op}:{name}:{expression.dtype!r}{options}({inputs}{deciders})"
        return text if len(text) < _LONG else blake2b(text.encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, PySeries | PyDataFrame):
        return _data(value).hex()
    text = repr(value)
    if " at 0x" in text:
        raise _Unknown
    return f"{type(value).__name__}:{text}"


def _data(value: Any) -> bytes:
    """The content of a frame or series that stands in the plan itself."""
    frame = pl.DataFrame._from_pydf(value) if isinstance(value, PyDataFrame) else None
    if frame is None:
        frame = pl.Series._from_pyseries(value).to_frame()
    out = BytesIO()
    try:
        frame.rechunk().write_ipc(out)
    except pl.exceptions.PolarsError as error:  # Python objects have no content that could be written
        raise _Unknown from error
    return blake2b(out.getvalue(), digest_size=16).digest()
