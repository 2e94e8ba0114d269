"""Values are compared and kept in sets, and handed from thread to thread: none may change."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

from upriver.assets.model import Value

MODULES = (
    "upriver.assets.model",
    "upriver.assets.location",
    "upriver.assets.project.connections",
    "upriver.lineage.model",
    "upriver.lineage.python.reach",
    "upriver.materializer.model",
    "upriver.materializer.freshness.decide",
    "upriver.materializer.freshness.decider",
    "upriver.materializer.answers",
)


def _values(base: type[Value]) -> Iterator[type[Value]]:
    for one in base.__subclasses__():
        yield one
        yield from _values(one)


@pytest.mark.parametrize("module", MODULES)
def test_no_value_can_be_changed(module: str) -> None:
    importlib.import_module(module)
    found = [one for one in _values(Value) if one.__module__ == module]
    assert found
    assert not [one.__name__ for one in found if not one.__struct_config__.frozen]
