"""What random projects hold and read, found out without Upriver: a DuckDB connection and the texts of the recipes.

What each kind of recipe reads is written down by hand. Where it is written down wider than it is, a needless rebuild
goes unnoticed; it is never narrower.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl
import pyarrow.feather as feather
from tests.materializer.random_builds import shapes
from tests.materializer.random_builds.projects import (
    COLUMNS,
    TEXT,
    Node,
    RandomProject,
    plain_text,
    python_text,
    sql_text,
)

ORDERED_KINDS = frozenset({"eager", "lazy_shift"})
"""Kinds that take their rows in order, or may seem to, though what they give does not depend on it."""

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
    "first": (COLUMNS, None),
    "dialect": (COLUMNS, None),
    "deep": (COLUMNS, None),
    "chain": (COLUMNS, None),
    "swap": (COLUMNS, None),
    "lazy_rank": (("id", "k", "v"), None),
    "lazy_filter": (COLUMNS, None),
    "lazy_group": (COLUMNS, None),
    "lazy_join": (("id", "k", "w"), ("id", "v")),
    "lazy_over": (COLUMNS, None),
    "lazy_concat": (COLUMNS, COLUMNS),
    "lazy_narrow": (("id", "v"), None),
    "lazy_star": (("*",), None),
    "lazy_swap": (COLUMNS, None),
    "helper": (COLUMNS, None),
    "eager": (("*",), None),
    "lazy_shift": (COLUMNS, None),
}
"""By kind: the columns read of the first and of the second upstream."""


@dataclass(frozen=True)
class Content:
    """A table's columns with their types, and its rows as they come."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]

    def bag(self) -> tuple[tuple[str, ...], Counter[tuple[Any, ...]]]:
        """The rows in no order, with the names of the columns."""
        return tuple(name for name, _ in self.columns), Counter(self.rows)


def meaning(project: RandomProject, node: Node) -> str:
    """The recipe without its comments, and what it uses of the shared module."""
    text = python_text(node) if node.python else sql_text(node)
    lines = [line for line in text.splitlines() if not line.startswith("# note")]
    helper = project.helper if node.kind == "helper" else 0
    return "\n".join([*lines, f"scale by {helper}"])


class Yardstick:
    """The contents of *project*, each asset computed from its text over those before it.

    It is computed again whenever the text or any of the tables that it names is not what it was, whatever is read of
    them.
    """

    def __init__(self, project: RandomProject) -> None:
        self._project = project
        self._connection = duckdb.connect(config={"threads": "1"})
        self._connection.execute("create schema raw; create schema m")
        self._contents: dict[str, Content] = {}
        self._computed: dict[str, tuple[str, tuple[Content, ...]]] = {}

    def close(self) -> None:
        """Release the connection."""
        self._connection.close()

    def misfits(self) -> set[str]:
        """The text sources that are not as they are held to be."""
        return {f"raw.{name}" for name in self._project.texts() if self._shape(name) is None}

    def accept(self, name: str) -> None:
        """Hold a text source to what it is now."""
        self._project.kept.pop(name)

    def look(self, observed: Collection[str]) -> None:
        """Compute what *project* holds now. Of what does not fit, that is what it was; *observed* are the sources that
        were read, which are held from now on to what they are.
        """
        for name, format in self._project.formats.items():
            # Not from what was written, but from the file: what is written in it is for DuckDB to say.
            path = self._project.data_file(name)
            key, digest = f"raw.{name}", hashlib.sha256(path.read_bytes()).hexdigest()
            shape = self._shape(name) if format in TEXT else None
            if format in TEXT:
                if shape is None:
                    continue
                if key in observed:
                    self._project.kept[name] = shape
            text = f"{digest} {shape}"
            if self._computed.get(key) == (text, ()):
                continue
            if shape is not None:
                self._take(key, shapes.query(path, shape))
            elif format == "parquet":
                self._take(key, f"from read_parquet('{path}')")
            else:
                self._connection.register("found", feather.read_table(path, memory_map=False))
                self._take(key, "from found")
                self._connection.unregister("found")
            self._computed[key] = (text, ())
        for node in self._project.nodes.values():
            key, text = f"m.{node.name}", meaning(self._project, node)
            inputs = tuple(self._contents[one] for one in dict.fromkeys(node.reads))
            known = self._computed.get(key)
            if known is not None and known[0] == text and _are(known[1], inputs):
                continue
            if node.python:
                self._connection.register("found", self._python(node))
                self._take(key, "from found")
                self._connection.unregister("found")
            else:
                self._take(key, plain_text(node))
            self._computed[key] = (text, inputs)

    def _shape(self, name: str) -> shapes.Kept | None:
        path = self._project.data_file(name)
        now = shapes.found(self._connection, path)
        return shapes.merged(self._project.kept.get(name), now)

    def _take(self, key: str, query: str) -> None:
        self._connection.execute(f"create or replace table {key} as {query}")
        relation = self._connection.sql(f"from {key}")
        columns = zip(relation.columns, map(str, relation.types), strict=True)
        found = Content(tuple(columns), tuple(relation.fetchall()))
        if self._contents.get(key) != found:
            self._contents[key] = found

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

    def __getitem__(self, key: str) -> Content:
        """What *key* holds."""
        return self._contents[key]


def _are(some: Sequence[Content], others: Sequence[Content]) -> bool:
    return len(some) == len(others) and all(a is b for a, b in zip(some, others, strict=True))


def as_read(node: Node, contents: Mapping[str, Content] | Yardstick, *, ordered: bool) -> str:
    """A digest of what *node* reads of its upstreams: columns with their types, and rows, *ordered* or if it takes
    them as they come in order, else as a bag.
    """
    first, second = _READS[node.kind]
    wanted = [(node.reads[0], first)]
    if second is not None:
        wanted.append((node.reads[-1], second))
    parts = []
    for key, columns in wanted:
        assert columns is not None
        content = contents[key]
        names = [name for name, _ in content.columns]
        at = range(len(names)) if columns == ("*",) else [names.index(column) for column in columns]
        rows = content.rows
        if node.kind in RandomProject.FILTER_KINDS:
            v = names.index("v")
            rows = tuple(row for row in rows if row[v] is not None and row[v] > node.constant)
        taken = [repr([row[i] for i in at]) for row in rows]
        if not ordered and node.kind not in RandomProject.RANK_KINDS:
            taken.sort()
        parts.append((key, [content.columns[i] for i in at], taken))
    if (
        node.kind == "eager"
    ):  # which is not planned: it may have asked for the columns of whatever it was given
        parts += [(key, list(contents[key].columns), []) for key in node.reads]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def named(node: Node) -> list[str]:
    """What the recipe of *node* names: many kinds in SQL leave a second upstream out."""
    return node.reads if node.python or _READS[node.kind][1] is not None else node.reads[:1]


def below(project: RandomProject, sources: Collection[str]) -> set[str]:
    """All assets that read one of *sources*, however far."""
    found: set[str] = set()
    for node in project.nodes.values():
        if any(key in sources or key.removeprefix("m.") in found for key in named(node)):
            found.add(node.name)
    return found


def above(project: RandomProject, names: Iterable[str], *, surely: bool) -> set[str]:
    """All assets that the assets *names* read, however far; or only those that they *surely* read, where many kinds
    name a second upstream and take nothing of it.
    """
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        node = project.nodes[waiting.pop()]
        keys = node.reads[:1] if surely and _READS[node.kind][1] is None else node.reads
        new = {key.removeprefix("m.") for key in keys if key.startswith("m.")} - found
        found |= new
        waiting += new
    return found
