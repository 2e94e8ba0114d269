"""What random projects hold and read, found out without Upriver: a DuckDB connection and the texts of the recipes.

What each kind of recipe reads is written down by hand. Where it is written down wider than it is, a needless rebuild
goes unnoticed; it is never narrower.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import duckdb
import polars as pl
from tests.materializer.projects import COLUMNS, Node, RandomProject, python_text, sql_text

ORDERED_KINDS = frozenset({"eager", "lazy_shift"})
"""Kinds that take their rows in order, or may seem to."""

_READS: dict[str, tuple[tuple[str, ...] | None, tuple[str, ...] | None]] = {
    "copy": (COLUMNS, None),
    "narrow": (("id", "v"), None),
    "filter": (COLUMNS, None),
    "aggregate": (("id", "k", "v"), None),
    "join": (("id", "k", "w"), ("id", "k", "v")),
    "left": (("id", "k", "w"), ("id", "v")),
    "union": (COLUMNS, COLUMNS),
    "by_name": (COLUMNS, COLUMNS),
    "window": (COLUMNS, None),
    "distinct": (("k",), None),
    "star": (("*",), None),
    "except": (COLUMNS, COLUMNS),
    "exists": (COLUMNS, ("k", "v")),
    "top": (COLUMNS, None),
    "rank": (("id", "k", "v"), None),
    "lazy_rank": (("id", "k", "v"), None),
    "lazy_filter": (COLUMNS, None),
    "lazy_group": (COLUMNS, None),
    "lazy_join": (("id", "k", "w"), ("id", "v")),
    "lazy_over": (COLUMNS, None),
    "lazy_concat": (COLUMNS, COLUMNS),
    "lazy_narrow": (("id", "v"), None),
    "helper": (COLUMNS, None),
    "eager": (("*",), None),
    "lazy_shift": (COLUMNS, None),
}
"""By kind: the columns read of the first and of the second upstream."""


def meaning(project: RandomProject, node: Node) -> str:
    """The recipe without its comments, and what it uses of the shared module."""
    text = python_text(node) if node.kind in RandomProject.PYTHON_KINDS else sql_text(node)
    lines = [line for line in text.splitlines() if not line.startswith("# note")]
    helper = project.helper if node.kind == "helper" else 0
    return "\n".join([*lines, f"scale by {helper}"])


class Yardstick:
    """The contents of *project* as it is now, each asset computed from its text over those before it."""

    def __init__(self, project: RandomProject) -> None:
        self._project = project
        self._connection = duckdb.connect()
        run = self._connection.execute
        run("set threads = 1")
        run("create schema raw")
        run("create schema m")
        for name in project.rows:
            path = project.root / "data" / f"{name}.csv"
            run(f"create table raw.{name} as from read_csv('{path}', sample_size = -1)")
        for node in project.nodes.values():
            if node.kind in RandomProject.PYTHON_KINDS:
                found = self._python(node)
                self._connection.register("found", found)
                run(f"create table m.{node.name} as from found")
                self._connection.unregister("found")
            else:
                run(f"create table m.{node.name} as {sql_text(node)}")

    def __enter__(self) -> Yardstick:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def _python(self, node: Node) -> Any:
        code = python_text(node).replace("from shared import scale\nfrom upriver.assets import asset\n", "")
        factor = self._project.helper
        namespace: dict[str, Any] = {
            "scale": lambda x: x * factor,
            "asset": lambda **_: lambda function: function,
        }
        exec(code, namespace)
        reads = {"a": node.reads[0], **({"b": node.reads[-1]} if node.reads[-1] != node.reads[0] else {})}
        frames = {name: self._connection.sql(f"from {key}").pl().lazy() for name, key in reads.items()}
        found = namespace[node.name](**frames)
        return (found.collect() if isinstance(found, pl.LazyFrame) else found).to_arrow()

    def contents(self, keys: Iterable[str]) -> dict[str, Counter[tuple[object, ...]]]:
        """The rows of assets as bags, with their column names."""
        found = {}
        for key in keys:
            relation = self._connection.sql(f"from {key}")
            found[key] = Counter([("columns", *relation.columns), *relation.fetchall()])
        return found

    def as_read(self, node: Node) -> str:
        """A digest of what *node* reads of its upstreams now: columns with their types, and rows as a bag, or in order where
        it numbers them.
        """
        first, second = _READS[node.kind]
        wanted = [(node.reads[0], first)]
        if second is not None:
            wanted.append((node.reads[-1], second))
        parts = []
        for key, columns in wanted:
            assert columns is not None
            condition = ""
            if node.kind in RandomProject.FILTER_KINDS:
                condition = f" where v > {node.constant}"
            query = f"select {', '.join(columns)} from {key}{condition}"
            described = self._connection.execute(f"describe {query}").fetchall()
            rows = list(map(repr, self._connection.execute(query).fetchall()))
            if node.kind not in RandomProject.RANK_KINDS:
                rows.sort()
            parts.append((key, described, rows))
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def above(project: RandomProject, names: Iterable[str]) -> set[str]:
    """The assets *names* and all that they read, however far."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [key.removeprefix("m.") for key in project.nodes[name].reads if key.startswith("m.")]
    return found
