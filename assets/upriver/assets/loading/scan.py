"""Scan of a module's namespace: finds declarations, and finds one again by the name it was found under.

A name is an attribute of the module, or a place in a list, tuple or dict that an attribute holds: ``daily``,
``REPORTS[2]``, ``BY_REGION[0][1]`` (a dict counts its values in order).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, cast

from upriver.assets.declare.asset import AssetFunction
from upriver.assets.declare.source import SourceDeclaration
from upriver.assets.errors import UsageError

_DEEPEST = 4
_NAME = re.compile(r"(\w+)((?:\[\d+\])*)")


def declarations(module: ModuleType) -> Iterator[tuple[str, AssetFunction[..., Any] | SourceDeclaration]]:
    """The asset functions and sources that *module* holds, each with the name it is found under."""
    for name, value in list(vars(module).items()):
        if name == "__builtins__":
            continue
        yield from _within(name, value, _DEEPEST)


def _within(
    name: str, value: object, depth: int
) -> Iterator[tuple[str, AssetFunction[..., Any] | SourceDeclaration]]:
    if issubclass(type(value), (AssetFunction, SourceDeclaration)):
        yield name, cast("AssetFunction[..., Any] | SourceDeclaration", value)
    elif depth and type(value) in (list, tuple, dict):
        for index, item in enumerate(_items(value)):
            yield from _within(f"{name}[{index}]", item, depth - 1)


def _items(container: Any) -> list[Any]:
    return list(container.values()) if isinstance(container, dict) else list(container)


def look_up(module: ModuleType, qualname: str) -> AssetFunction[..., Any]:
    """The asset function that *module* holds under *qualname*. Raises UsageError when there is none."""
    match = _NAME.fullmatch(qualname)
    found: Any = vars(module).get(match[1]) if match else None
    for index in re.findall(r"\d+", match[2]) if match else ():
        items = _items(found) if type(found) in (list, tuple, dict) else []
        found = items[int(index)] if int(index) < len(items) else None
    if not isinstance(found, AssetFunction):
        raise UsageError(f"module {module.__name__} has no asset function {qualname!r} any more")
    return found
