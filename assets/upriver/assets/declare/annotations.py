"""Annotations of recipes: the :class:`Frame` that each means, decided without importing Polars, PyArrow or DuckDB.

An annotation is a class, or text (``from __future__ import annotations``, or quoted). Text is looked up in
the function's module; a name imported there only for type checkers is looked up in the module's import
statements.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import linecache
import sys
import types
import typing
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from upriver.assets.declare.asset import innermost
from upriver.assets.model import Frame

POSSIBLE = (
    "pl.LazyFrame, pl.DataFrame, pa.Table, pa.RecordBatchReader, pd.DataFrame, duckdb.DuckDBPyRelation, "
    "pathlib.Path or bytes"
)
_CLASSES = {
    ("polars", "LazyFrame"): Frame.LAZY,
    ("polars", "DataFrame"): Frame.EAGER,
    ("pyarrow", "Table"): Frame.ARROW,
    ("pyarrow", "RecordBatchReader"): Frame.READER,
    ("duckdb", "DuckDBPyRelation"): Frame.RELATION,
    ("pandas", "DataFrame"): Frame.PANDAS,
    ("pathlib", "Path"): Frame.PATH,
    ("builtins", "bytes"): Frame.BYTES,
    ("typing", "Any"): Frame.ANY,
    ("builtins", "object"): Frame.ANY,
}
_USUAL_NAMES = {"pl": "polars", "pa": "pyarrow", "pd": "pandas"}
FILES = frozenset({Frame.PATH, Frame.BYTES})
_MISSING = object()


def parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The parameters of the recipe *function*, annotations as written."""
    return _signature(function).parameters


def frame_of_parameter(function: Callable[..., Any], parameter: inspect.Parameter) -> Frame:
    """What *parameter* of *function* receives. Raises ValueError for any other annotation."""
    frames = _Reader(function).frames(parameter.annotation)
    if len(frames) != 1:
        raise ValueError(f"it may be one of {_listed(frames)}; say one")
    return frames.pop()


def frame_of_result(function: Callable[..., Any]) -> Frame:
    """What *function* returns; ANY for one of several kinds of tables. Raises ValueError as above."""
    annotation = _signature(function).return_annotation
    if annotation in (None, types.NoneType, "None"):
        raise ValueError("nothing is returned; an asset returns its table, or its file as bytes or a path")
    frames = _Reader(function).frames(annotation)
    if len(frames) == 1:
        return frames.pop()
    if frames & FILES:
        raise ValueError(f"it may be one of {_listed(frames)}; say one")
    return Frame.ANY


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        import annotationlib

        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(function)


def _listed(frames: set[Frame]) -> str:
    return " or ".join(sorted(frames))


class _Reader:
    """Reads the annotations of one function in the light of its module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = innermost(function)

    def frames(self, annotation: object) -> set[Frame]:
        """All kinds that *annotation* allows."""
        if annotation is inspect.Parameter.empty:
            return {Frame.ANY}
        if isinstance(annotation, str):
            return self._frames_of_text(annotation)
        if isinstance(annotation, typing.ForwardRef):
            return self._frames_of_text(annotation.__forward_arg__)
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            return self.frames(typing.get_args(annotation)[0])
        if origin in (typing.Union, types.UnionType):
            return set().union(*(self.frames(member) for member in typing.get_args(annotation)))
        module = getattr(annotation, "__module__", None)
        name = getattr(annotation, "__qualname__", None) or getattr(annotation, "_name", None)
        return {_class(str(module), str(name))}

    def _frames_of_text(self, text: str) -> set[Frame]:
        try:
            node = ast.parse(text.strip(), mode="eval").body
        except SyntaxError:
            raise ValueError(f"the annotation {text!r} is not valid Python") from None
        return self._frames_of_node(node)

    def _frames_of_node(self, node: ast.expr) -> set[Frame]:
        match node:
            case ast.Constant(value=str(text)):
                return self._frames_of_text(text)
            case ast.Constant(value=None):
                return {_class("builtins", "NoneType")}
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self._frames_of_node(left) | self._frames_of_node(right)
            case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
                members = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                if name == "Annotated":
                    return self._frames_of_node(members[0])
                if name == "Union":
                    return set().union(*(self._frames_of_node(member) for member in members))
            case ast.Name() | ast.Attribute():
                return self._frames_of_name(ast.unparse(node))
        raise _unknown(ast.unparse(node))

    def _frames_of_name(self, dotted: str) -> set[Frame]:
        first, *rest = dotted.split(".")
        found: object = self._function.__globals__.get(first, _MISSING)
        if found is _MISSING:
            found = vars(typing).get("Any") if dotted == "Any" else vars(_builtins()).get(first, _MISSING)
        for name in rest:
            found = getattr(found, name, _MISSING)
        if found is not _MISSING:
            return self.frames(found)
        imported = _imported("".join(linecache.getlines(self._function.__code__.co_filename)))
        origin = imported.get(first) or _USUAL_NAMES.get(first, first)
        module, _, name = ".".join([origin, *rest]).rpartition(".")
        if not module:  # a bare name which is imported nowhere: only one that can mean one thing is taken
            module = next((known for known, class_ in _CLASSES if class_ == name), "")
        return {_class(module, name)}


@lru_cache(maxsize=4)
def _imported(source: str) -> Mapping[str, str]:
    """What the import statements of a module bind, also those that only a type checker executes."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    bound: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            bound |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            bound |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return bound


def _builtins() -> types.ModuleType:
    return sys.modules["builtins"]


def _class(module: str, name: str) -> Frame:
    package = module.partition(".")[0].lstrip("_")
    frame = _CLASSES.get((package, name))
    if frame is None or (frame is Frame.PANDAS and not installed("pandas")):
        raise _unknown(
            name if package in ("builtins", "") else f"{module}.{name}", pandas=package == "pandas"
        )
    return frame


def installed(package: str) -> bool:
    """Whether *package* can be imported. Nothing is imported for it."""
    return importlib.util.find_spec(package) is not None


def _unknown(annotation: str, pandas: bool = False) -> ValueError:
    advice = "; for pandas take pd.DataFrame" if pandas else ""
    if pandas and not installed("pandas"):
        advice = "; pandas is not installed"
    return ValueError(f"{annotation} is not one of {POSSIBLE}{advice}")
