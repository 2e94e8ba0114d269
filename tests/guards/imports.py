"""The product's modules and who imports whom, read from the source: type-checking and lazy imports count too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("assets", "lineage", "materializer", "tui")


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the four parts, by its dotted name."""
    found = {}
    for part in PARTS:
        base = ROOT / part / "upriver"
        for path in base.rglob("*.py"):
            name = ".".join(("upriver", *path.relative_to(base).with_suffix("").parts))
            found[name.removesuffix(".__init__")] = path
    return found


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """The modules that each module imports, wherever the import stands; a package that holds the module is left out."""
    known = modules()
    graph = {}
    for name, path in known.items():
        used = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for imported in _names(node):
                if imported in known and imported != name and not name.startswith(f"{imported}."):
                    used.add(imported)
        graph[name] = frozenset(used)
    return graph


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), names=names, level=0):
            yield module
            yield from (f"{module}.{alias.name}" for alias in names)
        case _:
            pass


def circles(graph: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Modules that reach each other, as sorted groups (Tarjan's strongly connected components, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []
    for start in graph:
        if start in index:
            continue
        work = [(start, iter(sorted(graph[start])))]
        index[start] = low[start] = len(index)
        stack.append(start)
        while work:
            name, rest = work[-1]
            for used in rest:
                if used not in index:
                    index[used] = low[used] = len(index)
                    stack.append(used)
                    work.append((used, iter(sorted(graph[used]))))
                    break
                if used in stack:
                    low[name] = min(low[name], index[used])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    at = stack.index(name)
                    group, stack[at:] = sorted(stack[at:]), []
                    if len(group) > 1:
                        found.append(group)
    return found
