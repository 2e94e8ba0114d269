"""Variables of ``upriver.toml`` as something that recipes read: by SQL and by Python, in several environments."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.assets.errors import Diagnosis
from upriver.materializer.model import Outcome
from upriver.materializer.session import Session

RECIPES = {
    "large.sql": "select x from numbers where x >= getvariable('least')",
    "doubled.sql": "select x * 2 as y from large",
    "computed.sql": "select getvariable('le' || 'ast') as least",
    "named.py": """
import polars as pl
from upriver.assets import asset

@asset(variables=["label"])
def named(numbers: pl.LazyFrame, label: str) -> pl.LazyFrame:
    return numbers.with_columns(label=pl.lit(label))

@asset
def untouched(numbers: pl.LazyFrame, label: str = "its own") -> pl.LazyFrame:
    return numbers.with_columns(label=pl.lit(label))
""",
}


class Folder:
    """A small project whose variables can be set."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "assets").mkdir()
        (root / "assets/numbers.sql").write_text("select unnest(range(5)) as x")
        for name, text in RECIPES.items():
            (root / "assets" / name).write_text(text)

    def set(self, least: int, label: str, prod: int = 3) -> None:
        """Write ``upriver.toml``."""
        text = f'[variables]\nleast = {least}\nlabel = "{label}"\n[environments.prod.variables]\nleast = {prod}\n'
        (self.root / "upriver.toml").write_text(text)

    def build(self, environment: str = "dev") -> dict[str, Outcome]:
        """What was not fresh, and what was done with it."""
        session = Session(self.root, environment)
        result = session.build()
        session.close()
        return {one.asset: one.action for one in result.assets if one.action is not Outcome.FRESH}

    def problems(self) -> tuple[Diagnosis, ...]:
        """What a plan says is broken."""
        session = Session(self.root)
        found = session.plan().diagnoses
        session.close()
        return found

    def rows(self, query: str, environment: str = "dev") -> list[tuple[object, ...]]:
        session = Session(self.root, environment)
        rows = list(session.sql(query).rows)
        session.close()
        return rows


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


BUILT, REUSED = Outcome.BUILT, Outcome.REUSED
EACH_TIME = {"computed": BUILT}


def test_a_changed_variable_rebuilds_what_reads_it_and_a_change_back_nothing(folder: Folder) -> None:
    folder.set(2, "a")
    assert set(folder.build().values()) == {BUILT}
    assert folder.rows("select x from large order by x") == [(2,), (3,), (4,)]
    assert folder.rows("select distinct label from named") == [("a",)]
    assert folder.rows("select distinct label from untouched") == [("its own",)]
    assert folder.build() == EACH_TIME

    folder.set(3, "a")
    assert folder.build() == {"large": BUILT, "doubled": BUILT} | EACH_TIME
    assert folder.rows("select y from doubled order by y") == [(6,), (8,)]

    folder.set(3, "b")
    assert folder.build() == {"named": BUILT} | EACH_TIME
    assert folder.rows("select distinct label from named") == [("b",)]

    folder.set(2, "a")
    assert folder.build() == {"large": REUSED, "doubled": REUSED, "named": REUSED} | EACH_TIME


def test_an_environment_has_its_own_value_and_shares_what_does_not_depend_on_it(folder: Folder) -> None:
    folder.set(2, "a", prod=4)
    folder.build()
    built = folder.build("prod")
    assert {key for key, action in built.items() if action is BUILT} == {"large", "doubled", "computed"}
    assert folder.rows("select x from large", "prod") == [(4,)]
    assert folder.rows("select count(*) from large") == [(3,)]
    assert folder.rows("select getvariable('least')", "prod") == [(4,)]


def test_a_variable_that_upriver_toml_does_not_have_is_told_before_anything_runs(folder: Folder) -> None:
    folder.set(2, "a")
    (folder.root / "assets/large.sql").write_text("select getvariable('lesat') as x")
    (problem,) = folder.problems()
    assert problem.key == "large"
    assert "'lesat'" in problem.message
    assert problem.hint == "did you mean 'least'?"


def test_a_parameter_is_either_an_upstream_or_a_variable(folder: Folder) -> None:
    folder.set(2, "a")
    (folder.root / "assets/named.py").write_text(
        "import polars as pl\nfrom upriver.assets import asset\n"
        "@asset(variables=['label'], inputs={'label': 'numbers'})\n"
        "def named(label: str) -> pl.LazyFrame:\n    raise AssertionError\n"
    )
    (problem,) = folder.problems()
    assert "parameter 'label' receives the variable of that name" in str(problem)
