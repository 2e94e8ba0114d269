"""Every part keeps its floor plan: few rooms, short files, no circles, each room named in ARCHITECTURE.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.guards.imports import PARTS, ROOT, circles, imports, modules

ROOMS, MODULES = 14, 8
PRODUCT, TESTS = 400, 700
NAMED = re.compile(r"(?<![\w./-])upriver(?:\.(?:assets|lineage|materializer|tui))(?:\.\w+)+")
CONCRETE = {
    "upriver.materializer.state.sqlite": "SQLite",
    "upriver.materializer.state.local_storage": "SQLite beside the store",
    "upriver.materializer.storage.local_store": "the disk",
    "upriver.materializer.engines.duckdb": "DuckDB",
    "upriver.materializer.execution.local.executor": "the executor of this machine",
    "upriver.materializer.execution.local.pool": "processes",
}
"""Modules that hold a concrete state, store, engine and executor."""


@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_few_entries_at_its_top(part: str) -> None:
    """A stranger reads the list of rooms at one glance."""
    top = [path for path in (ROOT / part / "upriver" / part).iterdir() if path.name != "__pycache__"]
    rooms = [path.name for path in top if path.is_dir()]
    files = [path.name for path in top if path.suffix == ".py" and path.name != "__init__.py"]
    assert len(rooms) <= ROOMS, rooms
    assert len(files) <= MODULES, files


@pytest.mark.parametrize("part", PARTS)
def test_every_room_says_what_it_is(part: str) -> None:
    """Each has an ``__init__.py`` with a sentence, and a line in ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    base = ROOT / part / "upriver" / part
    section = text[text.index(f"\n## {part}: ") :].split("\n## ", 2)[1]
    folders = {path.parent for path in base.rglob("*.py")} - {base}
    for folder in sorted(folders):
        init = folder / "__init__.py"
        assert init.exists(), folder
        assert ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))), init
        assert f"`{folder.relative_to(base).as_posix()}/`" in section, folder
    for path in base.glob("*.py"):
        assert path.name == "__init__.py" or f"`{path.name}`" in section, path


def test_no_file_is_too_long_to_be_one_room() -> None:
    """What grows past this is two things."""
    long = {
        str(path.relative_to(ROOT)): lines
        for folder, limit in [*((part, PRODUCT) for part in PARTS), ("tests", TESTS), ("benchmarks", TESTS)]
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > limit
    }
    assert long == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not under TYPE_CHECKING and not inside a function either: a circle is one module in two files."""
    assert circles(imports()) == []


def test_a_circle_would_be_found() -> None:
    """The guard itself works."""
    graph = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"a", "d"}), "d": frozenset[str]()}
    assert circles(graph) == [["a", "b", "c"]]


def test_only_the_composition_names_what_stands_behind_the_ports() -> None:
    """Another store, state, engine or executor is named in one place more: there."""
    allowed = {"upriver.materializer.composition"}
    rooms = {name.rpartition(".")[0] for name in CONCRETE}
    outside = {
        (name, used)
        for name, used_here in imports().items()
        if name not in allowed and name.rpartition(".")[0] not in rooms and name not in rooms
        for used in used_here & CONCRETE.keys()
    }
    assert outside == set()


def named_in_strings() -> Iterator[tuple[Path, str]]:
    """Every module or member of one that stands in a string, with the file."""
    for folder in (*PARTS, "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from ((path, name) for name in NAMED.findall(node.value))
    for path in (ROOT / "pyproject.toml", *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        for name in NAMED.findall(path.read_text(encoding="utf-8")):
            yield path, name


def test_every_module_that_is_named_in_a_string_is_there() -> None:
    """``python -m`` targets, preloads, the entry point, documentation: a move must not leave one behind."""
    known = modules()

    def there(name: str) -> bool:
        if name in known:
            return True
        while "." in name:  # a member: a class, a function, an attribute of one
            name, _, member = name.rpartition(".")
            if name in known:
                return re.search(
                    rf"\b{member}\b", known[name].read_text(encoding="utf-8")
                ) is not None or any(other.startswith(f"{name}.") for other in known if f".{member}" in other)
        return False

    missing = {(str(path.relative_to(ROOT)), name) for path, name in named_in_strings() if not there(name)}
    assert missing == set()
