"""Random projects: what they declare, and the texts of their recipes. They are edited by :mod:`edits`."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests.materializer.random_builds.shapes import VALUES, Kept

COLUMNS = ("id", "k", "v", "w")
CAP = "limit 30"
"""Joins upon joins would grow without bound; the order that decides which rows stay is over all columns."""

FORMATS = {"one": ("csv", "ndjson"), "two": ("parquet", "arrow")}
"""The sources: text, which is held to its shape, and what has types of its own. A project has one of each kind."""

TEXT = ("csv", "ndjson")

Row: TypeAlias = tuple[int | None, ...]


@dataclass
class Node:
    """One asset of a random project: the kind of its recipe, what it reads, and a constant in it."""

    name: str
    kind: str
    reads: list[str]
    constant: int = 1
    comment: int = 0

    @property
    def python(self) -> bool:
        """Whether the recipe is a function."""
        return self.kind in RandomProject.PYTHON_KINDS


@dataclass
class RandomProject:
    """A project folder that can be edited at random. All tables have the columns of COLUMNS, as integers.

    Only ``v`` may be null. *extras* are more columns of a source, each with its one value; *headers* the order of all.
    *kept* are the columns that text sources are held to, *lock* the file that says so, when the project was saved.
    """

    root: Path
    nodes: dict[str, Node] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    helper: int = 1
    unrelated: int = 0
    extras: dict[str, dict[str, object]] = field(default_factory=dict)
    headers: dict[str, int] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)
    lock: str | None = None

    SQL_KINDS = (
        "copy", "filter", "aggregate", "join", "union", "window", "distinct", "star", "except", "top", "left",
        "narrow", "exists", "by_name", "rank", "swap", "first", "dialect", "deep", "chain",
    )  # fmt: skip
    PYTHON_KINDS = (
        "lazy_filter", "lazy_group", "lazy_join", "eager", "helper", "lazy_shift", "lazy_over", "lazy_concat",
        "lazy_narrow", "lazy_rank", "lazy_swap", "lazy_star",
    )  # fmt: skip

    RANK_KINDS = ("rank", "lazy_rank", "first")
    """Kinds that take their rows as they come. They read sources, and what hands on the order of sources."""

    STEADY_KINDS = (
        "copy", "filter", "narrow", "swap", "rank", "first", "helper", "lazy_filter", "lazy_narrow", "lazy_rank",
        "lazy_swap", "lazy_star",
    )  # fmt: skip
    """Kinds that hand on the order of their rows."""

    FILTER_KINDS = ("filter", "lazy_filter")

    def write(self) -> None:
        """Write all files anew (files whose text is the same keep their bytes)."""
        put(self.root / "upriver.toml", '[project]\nname = "random"\n')
        for name in self.rows:
            self.write_source(name)
        declared = "".join(
            f'{n} = source("raw.{n}", "data/{self.data_file(n).name}")\n' for n in sorted(self.rows)
        )
        put(self.root / "assets" / "sources.py", f"from upriver.assets import source\n\n{declared}")
        self.write_shared()
        for node in self.nodes.values():
            self.write_node(node)

    def write_shared(self) -> None:
        """Write the module that assets import."""
        put(
            self.root / "shared.py",
            f"def scale(x):\n    return x * {self.helper}\n\n\ndef unrelated():\n    return {self.unrelated}\n",
        )

    def data_file(self, name: str) -> Path:
        """Where a source's rows are."""
        return self.root / "data" / f"{name}.{self.formats[name]}"

    def texts(self) -> list[str]:
        """The sources that are text."""
        return [name for name, format in self.formats.items() if format in TEXT]

    def table(self, name: str) -> dict[str, list[object]]:
        """A source's columns."""
        columns: dict[str, list[object]] = {
            column: [row[i] for row in self.rows[name]] for i, column in enumerate(COLUMNS)
        }
        if self.formats[name] in TEXT and set(columns["v"]) == {None}:
            columns["v"][0] = (
                0  # a column of a text file without any value is text, which no recipe takes for a number
            )
        for column, value in self.extras.get(name, {}).items():
            columns[column] = [value] * len(self.rows[name])
        turn = self.headers.get(name, 0) % len(columns)
        names = list(columns)
        return {column: columns[column] for column in [*names[turn:], *names[:turn]]}

    def write_source(self, name: str) -> None:
        """Write one source's file."""
        columns = self.table(name)
        rows = zip(*columns.values(), strict=True)
        match self.formats[name]:
            case "csv":
                lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
                put(self.data_file(name), "\n".join([",".join(columns), *lines]) + "\n")
            case "ndjson":
                lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
                put(self.data_file(name), "\n".join(lines) + "\n")
            case format:
                self._write_typed(name, format, columns)

    def _write_typed(self, name: str, format: str, columns: dict[str, list[object]]) -> None:
        import pyarrow as pa
        import pyarrow.feather as feather
        import pyarrow.parquet as pq

        path = self.data_file(name)
        path.parent.mkdir(exist_ok=True)
        numbers = {column: pa.int64() for column in COLUMNS}
        made = pa.table({c: pa.array(values, numbers.get(c)) for c, values in columns.items()})
        draft = path.with_suffix(".draft")
        if format == "parquet":
            pq.write_table(made, draft)
        else:
            feather.write_feather(made, draft)
        if path.exists() and draft.read_bytes() == path.read_bytes():
            draft.unlink()
        else:
            draft.replace(path)

    def write_node(self, node: Node) -> None:
        """Write one asset's module."""
        note = f"\n-- note {node.comment}\n" if node.comment else ""
        sql, python = (self.root / "assets" / "m" / f"{node.name}.{suffix}" for suffix in ("sql", "py"))
        if node.python:
            sql.unlink(missing_ok=True)
            put(python, python_text(node))
        else:
            python.unlink(missing_ok=True)
            put(sql, sql_text(node) + note + "\n")

    def remove_node_files(self, name: str) -> None:
        """Take an asset's module away."""
        for suffix in ("sql", "py"):
            (self.root / "assets" / "m" / f"{name}.{suffix}").unlink(missing_ok=True)

    def put_right(self, name: str) -> None:
        """Give a text source the columns that it is held to."""
        extras = self.extras.setdefault(name, {})
        for column, type in self.kept[name].items():
            if column not in COLUMNS and type != "VARCHAR":
                extras[column] = VALUES[type]
            elif column not in COLUMNS:
                extras.setdefault(column, VALUES[type])
        self.write_source(name)

    def read_lock(self) -> None:
        """Take down what text sources are held to."""
        path = self.root / "sources.lock"
        self.lock = path.read_text() if path.exists() else None

    def write_lock(self) -> None:
        """Hold text sources to what was taken down: the file goes with the project."""
        path = self.root / "sources.lock"
        if self.lock is None:
            path.unlink(missing_ok=True)
        else:
            put(path, self.lock)

    def touch(self, name: str) -> None:
        """Same bytes, another time."""
        os.utime(self.data_file(name))


def put(path: Path, text: str) -> None:
    """Write *text* to *path*, if it does not hold it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


DIALECTS = {
    "postgres": ("v / 2 as v, (w + {c})::bigint as w from {a}", "v // 2 as v, w + {c} as w from {a}"),
    "redshift": ("v / 2 as v, nvl(w, 0) as w from {a}", "v // 2 as v, w from {a}"),
    "snowflake": (
        "iff(o.v > {c}, o.v, o.w) as v, nvl(o.w, 0) as w from {a} as o where zeroifnull(o.v) < 5",
        "if(v > {c}, v, w) as v, w from {a} where coalesce(v, 0) < 5",
    ),
    "bigquery": ("if(v > {c}, v, 0) as v, div(w, 2) as w from {a}", "if(v > {c}, v, 0) as v, w // 2 as w from {a}"),
    "trino": ("v / 2 as v, if(w > {c}, w, k) as w from {a}", "v // 2 as v, if(w > {c}, w, k) as w from {a}"),
    "tsql": ("v / 2 as v, iif(w > {c}, w, k) as w from {a}", "v // 2 as v, if(w > {c}, w, k) as w from {a}"),
    "mysql": ("v div 2 as v, ifnull(w, 0) + {c} as w from {a}", "v // 2 as v, w + {c} as w from {a}"),
    "sqlite": ("v / 2 as v, ifnull(w, 0) + {c} as w from {a}", "v // 2 as v, w + {c} as w from {a}"),
    "spark": ("v div 2 as v, if(w > {c}, w, k) as w from {a}", "v // 2 as v, if(w > {c}, w, k) as w from {a}"),
}  # fmt: skip
"""By dialect: a query that means something else in DuckDB, or nothing, and what it means. Both go on after the keys."""

DEEP = 60
"""So many operations one in another, or queries one over another."""


def plain_text(node: Node) -> str:
    """The query of a node as DuckDB has it."""
    if node.kind != "dialect":
        return sql_text(node)
    return f"select id, k, {_dialect(node)[2]}"


def _dialect(node: Node) -> tuple[str, str, str]:
    name = list(DIALECTS)[(int(node.name[1:]) + node.constant) % len(DIALECTS)]
    written, means = (text.format(a=node.reads[0], c=node.constant) for text in DIALECTS[name])
    return name, written, means


def sql_text(node: Node) -> str:
    """The query of a node, over the relations that it reads."""
    a, b = node.reads[0], node.reads[-1]
    c = node.constant
    match node.kind:
        case "dialect":
            dialect, written, _ = _dialect(node)
            return f"/* upriver:\ndialect: {dialect}\n*/\nselect id, k, {written}"
        case "deep":
            return f"select id, k, {'(' * DEEP}v{' + 1)' * DEEP} as v, w + {c} as w from {a}"
        case "chain":
            steps = "".join(
                f", c{n} as (select * from c{n - 1} where id <> {n + 90})" for n in range(1, DEEP)
            )
            return f"with c0 as (select id, k, v, w + {c} as w from {a}){steps} select * from c{DEEP - 1}"
        case "copy":
            return f"select id, k, v + {c} as v, w from {a}"
        case "narrow":
            return f"select id, 0 as k, v, {c} as w from {a}"
        case "filter":
            return f"select id, k, v, w from {a} where v > {c} and k is not null"
        case "aggregate":
            sums = f"min(id) as id, k, cast(sum(v) as bigint) as v, count(*) + {c} as w"
            return f"select {sums} from {a} group by k"
        case "join":
            return f"select a.id, a.k, b.v, a.w + {c} as w from {a} as a join {b} as b on a.k = b.k and a.id <= b.id order by all {CAP}"
        case "left":
            return f"select a.id, a.k, coalesce(b.v, {c}) as v, a.w from {a} as a left join {b} as b on a.id = b.id order by all {CAP}"
        case "union":
            return f"select id, k, v, w from {a} union select id, k, v + {c}, w from {b}"
        case "by_name":
            return f"select * from (select id, k, v, w from {a} union all by name select w, v, k, id + {c} as id from {b}) order by all {CAP}"
        case "window":
            return f"select id, k, cast(sum(v) over (partition by k order by id, v, w) as bigint) as v, {c} as w from {a}"
        case "distinct":
            return f"select distinct k as id, k, 0 as v, {c} as w from {a}"
        case "star":
            return f"select * from (select distinct * from {a}) where id <> {c}"
        case "except":
            return f"select id, k, v, w from {a} except select id, k, v, w from {b} where id > {c}"
        case "rank":
            return f"select id, k, v, cast(row_number() over () as bigint) + {c} as w from {a}"
        case "first":
            return f"select id, k, v, w from {a} limit {c + 1}"
        case "exists":
            return f"select id, k, v, w from {a} as o where exists (select 1 from {b} as i where i.k = o.k and i.v > {c})"
        case "swap":
            one, other = ("k", "w") if c % 2 else ("w", "k")
            return f"select id, {one} as k, v, {other} as w from {a}"
        case _:
            return f"select id, k, v, w from {a} order by v desc, id, k, w limit {c + 2}"


def python_text(node: Node) -> str:
    """The module of a Python node."""
    a, b = node.reads[0], node.reads[-1]
    c = node.constant
    two = b != a
    parameters = "a: pl.LazyFrame" + (", b: pl.LazyFrame" if two else "")
    second = "b" if two else "a"
    inputs = {"a": a, **({"b": b} if two else {})}
    swapped = ("k", "w") if c % 2 else ("w", "k")
    body = {
        "lazy_filter": f"return a.filter(pl.col('v') > {c}).select('id', 'k', 'v', 'w')",
        "lazy_group": f"return a.group_by('k').agg(pl.col('id').min(), pl.col('v').sum() + {c}, pl.col('w').max())"
        ".select('id', 'k', 'v', 'w')",
        "lazy_join": f"return a.join({second}.group_by('id').agg(most=pl.col('v').max()), on='id').select('id', 'k', v=pl.col('most') + {c}, w='w')",
        "eager": f"return a.collect().select('id', 'k', 'v', 'w').with_columns(pl.col('w') + {c})",
        "helper": "return a.select('id', 'k', 'w', v=scale(pl.col('v')))",
        "lazy_over": f"return a.select('id', 'k', v=pl.col('v').sum().over('k') + {c}, w='w')",
        "lazy_concat": f"return pl.concat([a.select('id', 'k', 'v', 'w'), {second}.select('id', 'k', 'v', w=pl.col('w') + {c})], how='vertical_relaxed')",
        "lazy_narrow": f"return a.select('id', k=pl.lit(0, pl.Int64), v=pl.col('v') + {c}, w=pl.lit(0, pl.Int64))",
        "lazy_rank": f"return a.select('id', 'k', 'v').with_row_index('w').select('id', 'k', 'v', w=pl.col('w').cast(pl.Int64) + {c})",
        "lazy_shift": f"return a.sort('id', 'k', 'v', 'w').select('id', 'k', v=pl.col('v').shift({c % 3}), w='w')",
        "lazy_star": f"return a.filter(pl.col('id') != {c})",
        "lazy_swap": f"return a.rename({{{swapped[0]!r}: 'k', {swapped[1]!r}: 'w'}}).select('id', 'k', 'v', 'w')",
    }[node.kind]
    returns = "pl.DataFrame" if node.kind == "eager" else "pl.LazyFrame"
    return (
        "import polars as pl\n\nfrom shared import scale\nfrom upriver.assets import asset\n\n\n"
        f"# note {node.comment}\n@asset(inputs={inputs!r})\ndef {node.name}({parameters}) -> {returns}:\n"
        f"    {body}\n"
    )


def random_project(root: Path, choose: random.Random, *, size: int, python_share: float) -> RandomProject:
    """A project of *size* assets over two sources."""
    project = RandomProject(root)
    for name, formats in FORMATS.items():
        project.formats[name] = choose.choice(formats)
        project.rows[name] = [random_row(choose, n) for n in range(choose.randrange(3, 12))]
    # Whatever else there is, of one source rows are left out, numbered, and columns left out, or all taken.
    python = choose.random() < python_share
    kinds = (
        ("lazy_filter", "lazy_rank", "lazy_narrow", "lazy_star", "helper")
        if python
        else ("filter", "rank", "narrow", "star")
    )
    source = choose.choice(("raw.one", "raw.two"))
    for number, kind in enumerate(kinds):
        project.nodes[f"t{number}"] = Node(f"t{number}", kind, [source], choose.randrange(1, 4))
    name = f"t{len(kinds)}"  # and of what is left over the order is taken
    project.nodes[name] = Node(name, "lazy_rank" if python else "rank", ["m.t0"])
    for number in range(len(project.nodes), size):
        add_node(project, choose, f"t{number}", python_share)
    project.write()
    return project


def random_row(choose: random.Random, number: int) -> Row:
    """A row with few distinct values, so that joins and groups meet."""
    return (number, choose.randrange(4), choose.choice((0, 1, 2, 3, 4, 5, None)), choose.randrange(3))


def add_node(project: RandomProject, choose: random.Random, name: str, python_share: float) -> None:
    """Add an asset that reads one or two of those there are."""
    readable = [*(f"raw.{n}" for n in project.rows), *(f"m.{n}" for n in project.nodes)]
    python = choose.random() < python_share
    kinds = RandomProject.PYTHON_KINDS if python else RandomProject.SQL_KINDS
    reads = choose.sample(readable, k=min(len(readable), choose.choice((1, 2))))
    project.nodes[name] = Node(name, choose.choice(kinds), reads, choose.randrange(4))
    settle(project)


def settle(project: RandomProject) -> list[Node]:
    """Let all who take their rows as they come read of something that has an order; those that read otherwise before."""
    steady = {f"raw.{name}" for name in project.rows}
    changed = []
    for node in project.nodes.values():
        if node.kind in RandomProject.RANK_KINDS and node.reads[0] not in steady:
            node.reads = ["raw.one", *(key for key in node.reads[1:] if key != "raw.one")]
            changed.append(node)
        if node.kind in RandomProject.STEADY_KINDS and node.reads[0] in steady:
            steady.add(f"m.{node.name}")
    return changed
