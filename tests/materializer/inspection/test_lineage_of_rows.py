"""The rows of an asset are a node of lineage: what decides them, and what they decide, two assets further on."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.materializer.session import Session

BIG = "select id from t where a > 1"
SQL = {
    "count": "select count(*) as n from big",
    "cross_join": "select u.c as n from u, big",
    "constant": "select 1 as n from big",
    "row_number": "select row_number() over () as n from big",
    "scalar_count": "select (select count(*) from big) as n from u",
    "limited": "select c as n from u order by c limit (select count(*) from big)",
    "union_all": "select c as n from u union all select 7 from big",
    "existing": "select c as n from u where exists (from big)",
    "not_existing": "select c as n from u where not exists (select 1 from big)",
    "sum_of_ones": "select sum(1) as n from big",
    "count_of_all": "select c as n from (select u.c, count(*) over () as k from u, big) where k > 0",
    "lateral": "select c as n from u, lateral (select 1 from big limit 1)",
    "pivoted": "select * from (pivot (select id % 2 as p, 1 as o from big) on p in (0, 1) using count(*))",
    "nested": "with w as (select 1 as x from big) select count(*) as n from w, u",
}
POLARS = {
    "len": "big.select(n=pl.len())",
    "index": "big.with_row_index('n').select('n')",
    "literal": "big.select(pl.lit(1).alias('n'), 'id').select('n')",
    "cross": "u.join(big, how='cross').select(n='c')",
    "grouped_len": "big.group_by(pl.lit(1).alias('g')).agg(n=pl.len()).select('n')",
}
MODULE = """
import polars as pl
from upriver.assets import asset

@asset
def last(big: pl.LazyFrame, u: pl.LazyFrame) -> pl.LazyFrame:
    return {}
"""


def session(root: Path, **files: str) -> Session:
    for path, text in {
        "upriver.toml": "",
        "assets/sources.py": "from upriver.assets import source\n"
        "t = source('t', 'data/t.csv')\nu = source('u', 'data/u.csv')\n",
        "data/t.csv": "id,a\n1,2\n2,3\n3,0\n",
        "data/u.csv": "c\n5\n6\n",
        "assets/big.sql": BIG,
        **files,
    }.items():
        target = root / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
    return Session(root)


def leads_from_t_to_last(found: Session) -> None:
    """The value of ``t.a`` decides which rows ``big`` has, and by them the last asset."""
    down = found.lineage("t", "a", upstream=False)
    assert "last" in {node.asset for node in down.nodes}
    outputs = [node.column for node in found.lineage("last", columns=True).nodes if node.asset == "last"]
    for column in outputs:
        if column is None:
            continue
        up = found.lineage("last", column, downstream=False)
        assert ("t", "a") in {(node.asset, node.column) for node in up.nodes}, column
        assert column in {node.column for node in down.nodes if node.asset == "last"}


@pytest.mark.parametrize("name", SQL)
def test_a_query_that_only_reads_rows_comes_from_what_decides_them(tmp_path: Path, name: str) -> None:
    found = session(tmp_path, **{"assets/last.sql": SQL[name]})
    leads_from_t_to_last(found)
    found.close()


@pytest.mark.parametrize("name", POLARS)
def test_a_plan_that_only_reads_rows_comes_from_what_decides_them(tmp_path: Path, name: str) -> None:
    found = session(tmp_path, **{"assets/last.py": MODULE.format(POLARS[name])})
    leads_from_t_to_last(found)
    found.close()


def test_what_is_read_of_an_opaque_query_leads_on_by_its_rows(tmp_path: Path) -> None:
    text = "select n from (pivot big on id using count(*)), (select count(*) as n from big)"
    found = session(tmp_path, **{"assets/last.sql": text})
    found.build()
    leads_from_t_to_last(found)
    found.close()


def test_rows_have_no_column_and_stand_beside_the_columns(tmp_path: Path) -> None:
    found = session(tmp_path, **{"assets/last.sql": SQL["count"]})
    view = found.lineage("last", "n", downstream=False)
    ends = {
        ((e.source.asset, e.source.column), (e.target.asset, e.target.column), e.kind.value, e.how)
        for e in view.edges
    }
    assert ends == {
        (("big", None), ("last", "n"), "value", "aggregate"),
        (("t", None), ("big", None), "influence", "rows"),
        (("t", "a"), ("big", None), "influence", "filter"),
    }
    found.close()


def test_what_a_changed_column_does_to_rows_is_told_of_the_rows(tmp_path: Path) -> None:
    base = "select id, a{} as a from t"
    files = {"assets/base.sql": base.format(""), "assets/big.sql": "select id from base where a > 1"}
    found = session(tmp_path, **files)
    found.build()
    (tmp_path / "assets/base.sql").write_text(base.format("::double"))
    assert {(one.asset, one.column) for one in found.impact()} == {("big", "id"), ("big", None)}
    found.close()
