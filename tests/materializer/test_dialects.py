"""Queries in other dialects, built: their rows, what makes them stale, and how they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.materializer.model import Outcome
from upriver.materializer.session import Session


class Folder:
    """A project over one CSV file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "upriver.toml").write_text('[project]\nname = "d"\n')
        (root / "assets").mkdir()
        (root / "data").mkdir()
        self.numbers("7", "-7", "3")

    def numbers(self, *values: str) -> None:
        """Write the CSV file."""
        lines = [f"{index},{value}" for index, value in enumerate(values)]
        (self.root / "data/n.csv").write_text("\n".join(["id,n", *lines, ""]))

    def asset(self, name: str, dialect: str, sql: str) -> None:
        """Write an asset in another dialect."""
        (self.root / f"assets/{name}.sql").write_text(f"/* upriver:\ndialect: {dialect}\n*/\n{sql}\n")

    def build(self) -> dict[str, Outcome]:
        """What was done with each asset."""
        session = Session(self.root)
        result = session.build()
        session.close()
        return {one.asset: one.action for one in result.assets}

    def rows(self, query: str) -> list[tuple[object, ...]]:
        session = Session(self.root)
        rows = list(session.sql(query).rows)
        session.close()
        return rows


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A project with whole numbers."""
    folder = Folder(tmp_path)
    (tmp_path / "assets/numbers.sql").write_text("select * from 'data/n.csv'")
    return folder


def test_each_dialect_divides_as_it_does_at_home(folder: Folder) -> None:
    answers = {
        "postgres": 3,
        "redshift": 3,
        "trino": 3,
        "tsql": 3,
        "sqlite": 3,
        "bigquery": 3.5,
        "mysql": 3.5,
        "snowflake": 3.5,
        "spark": 3.5,
    }
    for dialect in answers:
        folder.asset(dialect, dialect, "select id, n / 2 as h from numbers")
    assert set(folder.build().values()) == {Outcome.BUILT}
    for dialect, answer in answers.items():
        ((found,),) = folder.rows(f"select h from {dialect} where id = 0")
        assert float(str(found)) == answer, dialect


def test_dates_and_texts_come_out_as_in_the_dialect(folder: Folder) -> None:
    folder.asset(
        "pg",
        "postgres",
        "select to_char(date '2024-12-01', 'Mon Day') as m, extract(dow from date '2024-12-01') as w",
    )
    folder.asset("bq", "bigquery", "select extract(dayofweek from date '2024-12-01') as w")
    folder.asset("ms", "tsql", "select len('ab  ') as l")
    folder.build()
    assert folder.rows("select m, w from pg") == [("Dec Sunday   ", 0)]
    assert folder.rows("select w from bq") == [(1,)]
    assert folder.rows("select l from ms") == [(2,)]


def test_a_changed_type_upstream_rebuilds_what_it_translates_otherwise(folder: Folder) -> None:
    folder.asset("half", "postgres", "select sum(n / 2) as h from numbers")
    folder.build()
    assert folder.rows("select h from half") == [(1,)]
    assert folder.build()["half"] is Outcome.FRESH
    (folder.root / "assets/numbers.sql").write_text("select id, n::double as n from 'data/n.csv'")
    assert folder.build()["half"] is Outcome.BUILT
    assert folder.rows("select h from half") == [(1.5,)]
    assert folder.build()["half"] is Outcome.FRESH


def test_a_comment_rebuilds_nothing_and_another_dialect_does(folder: Folder) -> None:
    folder.asset("half", "postgres", "select n / 2 as h from numbers")
    folder.build()
    folder.asset("half", "postgres", "select n / 2 as h -- half\nfrom numbers")
    assert folder.build()["half"] is Outcome.FRESH
    folder.asset("half", "mysql", "select n / 2 as h from numbers")
    assert folder.build()["half"] is Outcome.BUILT


def test_a_column_that_is_not_read_rebuilds_nothing(folder: Folder) -> None:
    folder.asset("half", "postgres", "select n / 2 as h from numbers")
    folder.build()
    (folder.root / "assets/numbers.sql").write_text("select id + 1 as id, n from 'data/n.csv'")
    assert folder.build()["half"] is Outcome.FRESH


@pytest.mark.parametrize(
    ("dialect", "sql", "place", "said"),
    [
        (
            "postgres",
            "select id,\n  mystery(n) as m\nfrom numbers",
            "assets/bad.sql:5:3",
            "'mystery' of postgres",
        ),
        (
            "mysql",
            "select id,\n  cast(n as char) = '7' as m\nfrom numbers",
            "assets/bad.sql:5:19",
            "collation",
        ),
    ],
)
def test_what_is_refused_breaks_its_asset_alone_and_is_told_at_its_place(
    dialect: str, sql: str, place: str, said: str, folder: Folder
) -> None:
    folder.asset("bad", dialect, sql)
    session = Session(folder.root)
    result = session.build()
    session.close()
    bad, numbers = (one for one in sorted(result.assets, key=lambda one: one.asset))
    assert (bad.action, numbers.action) == (Outcome.BROKEN, Outcome.BUILT)
    assert said in str(bad)
    line, column = place.split(":")[1:]
    assert f"line={line}, column={column}" in str(bad)
