"""Another name for one column of an upstream: the rewritten recipe over the renamed table gives what the recipe gave.

Tried on the recipes of the corpus, for the columns that they name: what Polars computes is the oracle.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.lineage.polars.recipes import carriers, flights

from upriver.assets.model import Key
from upriver.lineage.analysis.analyzer import AnalysisCache, Analyzer
from upriver.lineage.analysis.planner_process import Planner
from upriver.lineage.polars.dtypes import schema_of
from upriver.lineage.project.derive import derive
from upriver.lineage.refactoring.rename.columns.python import PythonColumns
from upriver.lineage.refactoring.rename.values import ByHand, edited

SOURCE = Path(__file__).parents[1] / "polars" / "recipes.py"
HEAD = """\
import datetime as dt
import random
import polars as pl
from polars import col as c
from polars import selectors as cs
from upriver.assets import asset
DAY = dt.date(2024, 1, 1)
"""
EVERY = 8
"""Of so many columns one is tried each time; all of them at length."""


def bodies() -> dict[str, str]:
    """The recipes of the corpus that are one expression, by a name for a function."""
    for node in ast.parse(SOURCE.read_text()).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "RECIPES":
            assert isinstance(node.value, ast.Dict)
            return {
                "r_" + "".join(one if one.isalnum() else "_" for one in key.value): ast.unparse(value.body)
                for key, value in zip(node.value.keys, node.value.values, strict=True)
                if isinstance(key, ast.Constant)
                and isinstance(key.value, str)
                and isinstance(value, ast.Lambda)
            }
    raise AssertionError("the corpus has no RECIPES")


def module_text(recipes: Mapping[str, str]) -> str:
    """A module of a project with these recipes as assets, and the functions that they call."""
    helpers = [
        ast.unparse(node)
        for node in ast.parse(SOURCE.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name not in ("flights", "carriers")
    ]
    assets = [
        f'@asset(inputs={{"f": "flights", "k": "carriers"}})\n'
        f"def {name}(f: pl.LazyFrame, k: pl.LazyFrame) -> pl.LazyFrame:\n    return {body}"
        for name, body in recipes.items()
    ]
    return "\n\n".join([HEAD, *helpers, *assets]) + "\n"


class Bench:
    """The project, and one process that plans its recipes."""

    def __init__(self, root: Path) -> None:
        self.recipes = bodies()
        self.text = module_text(self.recipes)
        (root / "assets").mkdir()
        (root / "upriver.toml").write_text("")
        (root / "assets" / "recipes.py").write_text(self.text)
        self.tables: dict[Key, pl.DataFrame] = {"flights": flights(), "carriers": carriers()}
        for name in self.tables:
            (root / "assets" / f"{name}.sql").write_text("select 1 as one")
        self.project = derive(root)
        assert not self.project.diagnoses
        self.planner = Planner(root)
        analyzer = Analyzer(self.project, AnalysisCache(root / "none"), lambda: self.planner)
        self.columns = PythonColumns(root, analyzer.what_if, self.project.parts)

    def tries(self) -> list[tuple[str, Key, str]]:
        """Recipe, upstream and column that it names."""
        return [
            (name, key, column)
            for name, body in self.recipes.items()
            for key, table in self.tables.items()
            for column in table.columns
            if column in body
        ]

    def renamed(self, name: str, key: Key, column: str, new: str) -> bool:
        """Whether the column can be called *new*; what the recipe gives then is what it gave."""
        schemas = {one: schema_of(table.schema) for one, table in self.tables.items()}
        found = self.columns.adapted(self.project.assets[name], schemas, frozenset({key}), column, new)
        if isinstance(found, ByHand):
            return False
        text = edited(self.text.encode(), list(found.edits)).decode()
        tables = {**self.tables, key: self.tables[key].rename({column: new})}
        after = given(text, name, tables)
        if found.passes:
            assert isinstance(after, pl.DataFrame), (name, key, column, after)
            after = after.rename({new: column})
        assert bag(after) == bag(given(self.text, name, self.tables)), (name, key, column)
        return True


def given(text: str, name: str, tables: Mapping[Key, pl.DataFrame]) -> pl.DataFrame | str:
    """What a recipe of a module gives, or the kind of its failure."""
    module: dict[str, Any] = {"__name__": "recipes"}
    exec(compile(text, "recipes.py", "exec"), module)
    function: Callable[..., pl.LazyFrame] = module[name]
    try:
        return function(tables["flights"].lazy(), tables["carriers"].lazy()).collect()
    except pl.exceptions.PolarsError as error:
        return type(error).__name__


def bag(result: pl.DataFrame | str) -> object:
    """Rows in any order, without the last bits of floating point numbers."""
    if isinstance(result, str):
        return result
    rows = [[float(f"{v:.7g}") if isinstance(v, float) else v for v in row] for row in result.rows()]
    return result.columns, sorted(map(repr, rows))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One for all."""
    bench = Bench(tmp_path_factory.mktemp("recipes"))
    yield bench
    bench.planner.close()


def test_a_recipe_over_a_renamed_column_gives_what_it_gave(bench: Bench) -> None:
    tried = [bench.renamed(*one, "usd") for one in bench.tries()[::EVERY]]
    assert sum(tried) > 0.9 * len(tried)


@pytest.mark.soak
@pytest.mark.parametrize("new", ["usd", "my col", "double", "name"])
def test_every_recipe_over_any_renamed_column_gives_what_it_gave(new: str, bench: Bench) -> None:
    """Also under names that stand for something else in many of them."""
    tries = [one for one in bench.tries() if new not in bench.tables[one[1]].columns]
    done = sum(bench.renamed(*one, new) for one in tries)
    assert done > 0.9 * len(tries)
