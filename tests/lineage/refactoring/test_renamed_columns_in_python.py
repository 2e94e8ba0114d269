"""Another name for a column that a Polars recipe reads or makes: which texts of its code are written otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.assets.model import Column
from upriver.lineage.analysis.analyzer import AnalysisCache, Analyzer
from upriver.lineage.analysis.planner_process import Planner
from upriver.lineage.project.derive import derive
from upriver.lineage.project.project import Project
from upriver.lineage.refactoring.rename.columns.python import PythonColumns
from upriver.lineage.refactoring.rename.values import ByHand, edited

TABLE = (Column("id", "BIGINT"), Column("amount", "BIGINT"))
SCHEMAS = {"up": TABLE, "other": TABLE}

READ = {
    # name: the code, what it becomes, and whether its own column is called so too
    "filtered": ('o.filter(pl.col("amount") > 1)', 'o.filter(pl.col("usd") > 1)', True),
    "selected": ("o.select('id', 'amount')", "o.select('id', 'usd')", True),
    "attribute": ("o.select(k=pl.col.amount)", "o.select(k=pl.col.usd)", False),
    "doubled": (
        'o.with_columns(double=pl.col("amount") * 2)',
        'o.with_columns(double=pl.col("usd") * 2)',
        True,
    ),
    "kept": ('o.select(pl.col("amount").alias("x"))', 'o.select(pl.col("usd").alias("x"))', False),
    "renamed": ('o.rename({"amount": "x"})', 'o.rename({"usd": "x"})', False),
    "summed": (
        'o.group_by("id").agg(amount=pl.col("amount").sum()).sort("amount")',
        'o.group_by("id").agg(amount=pl.col("usd").sum()).sort("amount")',
        False,
    ),
    "made_again": (
        'o.select(a="amount").with_columns(amount=pl.col("a")).select("amount")',
        'o.select(a="usd").with_columns(amount=pl.col("a")).select("amount")',
        False,
    ),
    "replaced": (
        'o.with_columns(amount=pl.col("amount") * 2).filter(pl.col("amount") > 1)',
        'o.with_columns(usd=pl.col("usd") * 2).filter(pl.col("usd") > 1)',
        True,
    ),
    "dropped": ('o.drop("amount")', 'o.drop("usd")', False),
    "unique": ('o.unique(subset=["amount"])', 'o.unique(subset=["usd"])', True),
    "text_is_no_column": (
        'o.select(pl.col("amount"), pl.lit("amount").alias("k"), m=pl.lit("amount") == "amount")',
        'o.select(pl.col("usd"), pl.lit("amount").alias("k"), m=pl.lit("amount") == "amount")',
        True,
    ),
    "of_another_input": (
        'o.join(p.rename({"amount": "a2"}), on="id").select("id", "amount", "a2")',
        'o.join(p.rename({"amount": "a2"}), on="id").select("id", "usd", "a2")',
        True,
    ),
    "unread": ('o.select("id")', 'o.select("id")', False),
    "constant": ("o.select(COLUMNS)", "o.select(COLUMNS)", True),
}
GIVEN_BACK = {
    "joined": ('o.join(p, on="amount")', "no column 'usd'"),
    "suffix": ('o.join(p, on="id").select("amount_right")', "amount_right"),
    "struct": ('o.select(pl.struct("id", "amount").alias("s"))', "STRUCT"),
    "put_together": ('o.select(f"{chr(97)}mount")', "no column 'amount'"),
    "pattern": ('o.select(pl.col("^am.*$"))', "other columns"),
    "names_as_data": ('o.unpivot(["amount"], index="id")', "something else"),
    "all_names_as_data": ('o.unpivot(index="id")', "something else"),
    "stacked": ('o.select("id", "amount").pipe(lambda f: pl.concat([f, p.select("id", "amount")]))', ""),
    "collected": ('o.collect().select("amount").lazy()', "it collects up inside the function"),
}
REFUSED = {
    "reassigned": '(o := o.collect()).select("amount").lazy()',
    "in_a_text": 'o.collect().select(f"{o.collect_schema().names()[1]}").lazy()',
    "by_its_name": 'locals()["o"].select("amount").collect().lazy()',
}
MADE = {
    "aliased": ('o.select(pl.col("id").alias("amount"))', 'o.select(pl.col("id").alias("usd"))'),
    "keyword": (
        'o.group_by("id").agg(amount=pl.col("amount").sum()).sort("amount")',
        'o.group_by("id").agg(usd=pl.col("amount").sum()).sort("usd")',
    ),
    "item": ('o.select("id", "amount")', 'o.select("id", pl.col("amount").alias("usd"))'),
    "passing": ('o.filter(pl.col("amount") > 1)', 'o.filter(pl.col("amount") > 1).rename({"amount": "usd"})'),
}
CODE = {
    **{name: code for name, (code, *_) in READ.items()},
    **{name: code for name, (code, _) in GIVEN_BACK.items()},
    **REFUSED,
    **{f"{name}_made": code for name, (code, _) in MADE.items()},
}


class Bench:
    """A project of all these recipes, and one process that plans them."""

    def __init__(self, root: Path) -> None:
        functions = [
            f'@asset(inputs={{"o": "up", "p": "other"}})\n'
            f"def {name}(o: pl.LazyFrame, p: pl.LazyFrame) -> pl.LazyFrame:\n    return {code}\n"
            for name, code in CODE.items()
        ]
        head = (
            'import polars as pl\n\nfrom upriver.assets import asset\n\nCOLUMNS = ["id", "amount"]  # größe\n'
        )
        (root / "assets").mkdir()
        (root / "upriver.toml").write_text("")
        (root / "assets" / "recipes.py").write_text("\n\n".join([head, *functions]))
        for name in SCHEMAS:
            (root / "assets" / f"{name}.sql").write_text("select 1::bigint as id, 2::bigint as amount")
        self.project: Project = derive(root)
        assert not self.project.diagnoses
        self.planner = Planner(root)
        analyzer = Analyzer(self.project, AnalysisCache(root / "none"), lambda: self.planner)
        self.columns = PythonColumns(root, analyzer.what_if, self.project.parts)
        self.path = root / "assets" / "recipes.py"

    def renamed(self, name: str, *upstreams: str, new: str = "usd") -> tuple[str, bool] | str:
        """The function's code afterwards and whether its own column is called so, or why it can't be."""
        found = self.columns.adapted(self.project.assets[name], SCHEMAS, frozenset(upstreams), "amount", new)
        if isinstance(found, ByHand):
            return found.why
        text = edited(self.path.read_bytes(), list(found.edits)).decode()
        code = re.search(rf"def {name}\(.*\n    return (.*)\n", text)
        assert code is not None
        return code[1], found.passes


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One for all: starting the process takes longer than all plans."""
    bench = Bench(tmp_path_factory.mktemp("recipes"))
    yield bench
    bench.planner.close()


@pytest.mark.parametrize("name", READ)
def test_what_means_the_column_follows(name: str, bench: Bench) -> None:
    _, code, passes = READ[name]
    assert bench.renamed(name, "up") == (code, passes)


@pytest.mark.parametrize("name", GIVEN_BACK)
def test_where_it_is_not_certain_the_frame_gets_its_old_name_back(name: str, bench: Bench) -> None:
    """Then all the rest of the code sees what it saw; why is told."""
    code, why = GIVEN_BACK[name]
    assert bench.renamed(name, "up") == ('o.rename({"usd": "amount"})' + code.removeprefix("o"), False)
    found = bench.columns.adapted(bench.project.assets[name], SCHEMAS, frozenset({"up"}), "amount", "usd")
    assert not isinstance(found, ByHand)
    assert why in found.because


@pytest.mark.parametrize("name", REFUSED)
def test_where_the_frame_itself_can_not_be_followed_it_is_left_to_a_person(name: str, bench: Bench) -> None:
    why = bench.renamed(name, "up")
    assert isinstance(why, str), why
    assert "it can't be told" in why


@pytest.mark.parametrize("name", MADE)
def test_a_column_is_renamed_where_it_gets_its_name(name: str, bench: Bench) -> None:
    assert bench.renamed(f"{name}_made") == (MADE[name][1], True)


@pytest.mark.parametrize("new", ["größe", 'we"ird', "back\\slash", "two words", "class"])
def test_any_name_is_written_as_a_text(new: str, bench: Bench) -> None:
    """Where it can be no keyword, a rename of what is returned gives it."""
    assert isinstance(bench.renamed("filtered", "up", new=new), tuple)
    assert isinstance(bench.renamed("selected", "up", new=new), tuple)
    assert isinstance(bench.renamed("keyword_made", new=new), tuple)


def test_a_constant_of_the_module_is_code_of_the_recipe(bench: Bench) -> None:
    found = bench.columns.adapted(
        bench.project.assets["constant"], SCHEMAS, frozenset({"up"}), "amount", "usd"
    )
    assert not isinstance(found, ByHand)
    text = edited(bench.path.read_bytes(), list(found.edits)).decode()
    assert 'COLUMNS = ["id", "usd"]  # größe' in text
