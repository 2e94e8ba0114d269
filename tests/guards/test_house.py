"""The house keeps its shape: four parts, one namespace, light doors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import upriver

ROOT = Path(__file__).parents[2]
PARTS = ("assets", "lineage", "materializer", "tui")


def test_the_namespace_is_exactly_the_four_parts() -> None:
    """A fifth root, or an ``__init__.py``, would hide parts from each other."""
    assert sorted(Path(path) for path in upriver.__path__) == sorted(
        ROOT / part / "upriver" for part in PARTS
    )
    assert not any((ROOT / part / "upriver" / "__init__.py").exists() for part in PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_each_root_holds_only_its_part(part: str) -> None:
    """And says that it is typed."""
    found = {entry.name for entry in (ROOT / part / "upriver").iterdir() if entry.name != "__pycache__"}
    beside = {"__main__.py", "project.py", "pytest_plugin.py"}
    assert found == ({part, *beside} if part == "tui" else {part})
    assert (ROOT / part / "upriver" / part / "py.typed").exists()


def test_imports_go_one_way() -> None:
    """The contracts in pyproject.toml hold."""
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
