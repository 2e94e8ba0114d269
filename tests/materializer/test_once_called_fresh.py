"""Kinds of changes that were once missed or once rebuilt too much, from the project's files to what a build holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from upriver.materializer.model import Outcome
from upriver.materializer.session import Session

HEAD = "import polars as pl\nfrom pathlib import Path\nfrom upriver.assets import asset, source\n\n"


class Shop:
    """A project folder and sessions on it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def build(self) -> dict[str, Outcome]:
        """What one build does with each asset."""
        with closing(Session(self.root)) as session:
            result = session.build()
            assert [one.error for one in result.assets if one.error] == []
            return {one.asset: one.action for one in result.assets}

    def rows(self, key: str) -> list[tuple[object, ...]]:
        """What *key* holds."""
        with duckdb.connect(str(self.root / ".upriver/warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(f'from "{key}"').fetchall()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "p")
    made.write("upriver.toml", "")
    return made


def _from_scratch(shop: Shop, to: Path) -> Shop:
    """What a build from scratch of the same project on the same sources gives."""
    shutil.copytree(shop.root, to, ignore=shutil.ignore_patterns(".upriver"))
    scratch = Shop(to)
    scratch.build()
    return scratch


def test_what_comes_after_is_decided_again_once_its_predecessor_has_run(shop: Shop) -> None:
    """one build publishes what a build from scratch does."""
    shop.write("rate.txt", "1")
    shop.write(
        "assets/m.py",
        HEAD + '@asset(reads=["rate.txt"], writes=["out/*.txt"])\n'
        "def first() -> pl.DataFrame:\n"
        '    text = open("rate.txt").read()\n'
        '    Path("out/told.txt").write_text(text)\n'
        '    return pl.DataFrame({"x": [1]})\n\n'
        '@asset(after=["first"], reads=["out/told.txt"])\n'
        "def declared() -> pl.DataFrame:\n"
        '    return pl.DataFrame({"x": [open("out/told.txt").read()]})\n\n'
        '@asset(after=["first"])\n'
        "def undeclared() -> pl.DataFrame:\n"
        '    return pl.DataFrame({"x": [open("out/told.txt").read()]})\n',
    )
    shop.build()
    assert shop.rows("declared") == shop.rows("undeclared") == [("1",)]
    shop.write("rate.txt", "2")
    shop.build()
    assert shop.rows("declared") == shop.rows("undeclared") == [("2",)]
    assert set(shop.build().values()) == {Outcome.FRESH}


ORDERED = [
    "select max(g) as g, w from t group by w",
    "select distinct w from t",
    "select w from t union select w from t",
    "select w from t except select 5.0::double",
    "select max(w, 1) as w from t",
    "select quantile_disc(w, 0.5) as w from t",
    "select histogram(w) as w from t",
    "select list(w order by w) as w from t",
    "select w from t order by w limit 1",
    "select distinct [w] as w from t",
    "select {'a': w} as w from t group by all",
    "select mode(w) as w from t",
    "select min(w) as w from t",
    "select distinct on (w) w from t order by w",
    "select first_value(w) over (order by w) as w from t",
    "select w from t intersect select w from t",
]


def _signed(path: Path, values: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select unnest([1, 2, 3]) as g, unnest([{values}]) as w) to '{path}' (format parquet)"
        )


def _texts(rows: list[tuple[object, ...]]) -> list[str]:
    return sorted(map(repr, rows))


def test_zeros_of_both_signs_that_change_places_give_what_a_build_from_scratch_gives(
    shop: Shop, tmp_path: Path
) -> None:
    """equal values that are written differently."""
    (shop.root / "data").mkdir()
    _signed(shop.root / "data/t.parquet", "'-0.0'::double, 0.0::double, 7.0")
    for number, query in enumerate(ORDERED):
        shop.write(f"assets/q{number}.sql", query.replace("from t", "from 'data/t.parquet'"))
    shop.build()
    _signed(shop.root / "data/t.parquet", "0.0::double, '-0.0'::double, 7.0")
    shop.build()
    scratch = _from_scratch(shop, tmp_path / "scratch")
    for number, query in enumerate(ORDERED):
        assert _texts(shop.rows(f"q{number}")) == _texts(scratch.rows(f"q{number}")), query


FRAMES = {
    "grouped": 't.group_by("w", maintain_order=True).agg(pl.col("g").max())',
    "unique": 't.select("w").unique()',
    "counted": 't.collect()["w"].value_counts().lazy()',
    "sorted": 't.sort("w").head(1).select("w")',
    "top": 't.select(pl.col("w").bottom_k(1))',
    "mode": 't.select(pl.col("w").mode())',
    "quantile": 't.select(pl.col("w").quantile(0.3, "lower"))',
    "least": 't.select(pl.col("w").min())',
}


def test_zeros_of_both_signs_in_polars_recipes(shop: Shop, tmp_path: Path) -> None:
    (shop.root / "data").mkdir()
    _signed(shop.root / "data/t.parquet", "'-0.0'::double, 0.0::double, 7.0")
    parts = [
        f"@asset\ndef {name}(t: pl.LazyFrame) -> pl.LazyFrame:\n    return {text}\n"
        for name, text in FRAMES.items()
    ]
    shop.write("assets/m.py", HEAD + 'source("t", "data/t.parquet")\n\n' + "\n".join(parts))
    shop.build()
    _signed(shop.root / "data/t.parquet", "0.0::double, '-0.0'::double, 7.0")
    shop.build()
    scratch = _from_scratch(shop, tmp_path / "scratch")
    for name in FRAMES:
        assert _texts(shop.rows(name)) == _texts(scratch.rows(name)), name


def test_equal_intervals_that_are_written_differently_in_a_recursion(shop: Shop, tmp_path: Path) -> None:
    """30 days and a month are equal, and print differently."""
    (shop.root / "data").mkdir()

    def write(first: str, second: str) -> None:
        with duckdb.connect() as connection:
            connection.execute(
                f"copy (select unnest(['{first}', '{second}']) as s) to '{shop.root}/data/t.parquet' (format parquet)"
            )

    write("1 month", "30 days")
    query = (
        "with recursive r as (select s::interval as i, 1 as n from 'data/t.parquet' "
        "union select i, n from r where n < 1) select i::varchar as i from r"
    )
    shop.write("assets/q.sql", query)
    shop.write(
        "assets/d.sql",
        "select distinct_i::varchar as i from (select distinct s::interval as distinct_i from 'data/t.parquet')",
    )
    shop.build()
    write("30 days", "1 month")
    shop.build()
    scratch = _from_scratch(shop, tmp_path / "scratch")
    for key in ("q", "d"):
        assert _texts(shop.rows(key)) == _texts(scratch.rows(key))


def test_another_suffix_with_the_same_bytes_is_another_input(shop: Shop) -> None:
    text = (
        HEAD
        + '@asset(kind="file", suffix=".txt")\ndef made() -> bytes:\n    return b"1"\n\n'
        + '@asset\ndef told(made: Path) -> pl.DataFrame:\n    return pl.DataFrame({"x": [made.suffix]})\n'
    )
    shop.write("assets/m.py", text)
    shop.build()
    assert shop.rows("told") == [(".txt",)]
    shop.write("assets/m.py", text.replace(".txt", ".json"))
    shop.build()
    assert shop.rows("told") == [(".json",)]


def test_the_default_of_a_context_variable_is_part_of_what_reads_it(shop: Shop) -> None:
    shop.write("helper.py", 'from contextvars import ContextVar\nV = ContextVar("v", default=1)\n')
    shop.write(
        "assets/m.py",
        HEAD
        + 'import helper\n\n@asset\ndef a() -> pl.DataFrame:\n    return pl.DataFrame({"x": [helper.V.get()]})\n',
    )
    shop.build()
    shop.write("helper.py", 'from contextvars import ContextVar\nV = ContextVar("v", default=2)\n')
    shop.build()
    assert shop.rows("a") == [(2,)]


def _copied(shop: Shop, to: Path) -> Shop:
    shutil.copytree(shop.root, to, symlinks=True)
    return Shop(to)


def _moved(shop: Shop, to: Path) -> Shop:
    shop.root.rename(to)
    return Shop(to)


def _with_a_file(shop: Shop, to: Path) -> Shop:
    shop.write("assets/more/notes.txt", "")
    shop.write("assets/other.py", "X = 1\n")
    shop.write("beside.py", "X = 1\n")
    return shop


@pytest.mark.parametrize("change", [_copied, _moved, _with_a_file])
def test_what_the_import_system_looks_at_is_no_question_of_a_recipe(
    shop: Shop, tmp_path: Path, change: Callable[[Shop, Path], Shop]
) -> None:
    """a copied or moved project, or one with more files, is fresh."""
    shop.write("package/__init__.py", "")
    shop.write("package/inner.py", "Y = 1\n")
    shop.write(
        "assets/m.py",
        HEAD
        + "import package.inner\n\n@asset\ndef a() -> pl.DataFrame:\n    import json, package.inner as p\n"
        '    return pl.DataFrame({"x": [p.Y]})\n',
    )
    shop.build()
    changed = change(shop, tmp_path / "elsewhere")
    assert changed.build() == {"a": Outcome.FRESH}
