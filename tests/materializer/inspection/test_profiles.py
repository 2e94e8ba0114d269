"""Profiles: as plain queries give them, kept with the content, and described along unchanged columns."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from upriver.materializer.quality.profiles import detailed, profiled
from upriver.materializer.session import Session


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text("")
    return tmp_path


@pytest.fixture
def session(root: Path) -> Iterator[Session]:
    with contextlib.closing(Session(root)) as session:
        yield session


VALUES = """
select * from (values
    (1, 1.5::double, 'b', date '2013-01-01', [1], null::integer, true, 'nan'::double),
    (2, null, 'a', null, null, null, false, 1.0),
    (300, 'inf'::double, null, date '2013-02-01', [2, 3], null, true, 2.0)
) as t(i, f, s, d, l, n, b, x)
"""


def test_numbers_are_those_of_plain_queries(session: Session, root: Path) -> None:
    """Nulls, extremes, distinct values; medians and histograms of finite numbers."""
    (root / "assets" / "a.sql").write_text(VALUES)
    session.build()
    found = {one.name: one for one in session.profile("a").columns}
    assert {n: (c.nulls, c.distinct, c.low, c.high) for n, c in found.items()} == {
        "i": (0, 3, "1", "300"),
        "f": (1, 2, "1.5", "inf"),
        "s": (1, 2, "a", "b"),
        "d": (1, 2, "2013-01-01", "2013-02-01"),
        "l": (1, 0, None, None),
        "n": (3, 0, None, None),
        "b": (0, 2, "false", "true"),
        "x": (0, 3, "1.0", "nan"),
    }
    assert found["i"].middle == "2.0"
    assert found["i"].histogram == (2, *[0] * 14, 1)
    assert found["f"].histogram == (1, *[0] * 15)
    assert found["x"].histogram == (1, *[0] * 14, 1)


def test_a_profile_is_kept_with_its_content(session: Session, root: Path) -> None:
    """The numbers of an earlier content are there for as long as it is; those of the past are kept for trends."""
    (root / "assets" / "a.sql").write_text("select unnest(range(3)) as x")
    session.build()
    first = session.profile("a")
    (root / "assets" / "a.sql").write_text("select unnest(range(4)) as x")
    session.build()
    second = session.profile("a")
    assert (first.rows, second.rows) == (3, 4)
    assert session.profile("a", at="before") == first
    assert [one.rows for one in session.context.state.profiles("a")] == [4, 3]
    assert session.profile("a", quantiles=False).columns[0].middle is None


def test_a_large_artifact_is_put_in_numbers_when_it_is_made(session: Session, root: Path) -> None:
    (root / "assets" / "a.sql").write_text("select hash(i) as x, i::varchar as y from range(60000) as t(i)")
    (root / "assets" / "b.sql").write_text("select 1 as x")
    session.build()
    (kept,) = session.context.state.profiles("a")
    assert (kept.rows, kept.columns[1].low, kept.detailed) == (60000, "0", False)
    assert not session.context.state.profiles("b")
    assert session.profile("a").columns[1].high == "9999"


def test_very_many_columns_are_put_in_numbers_without_medians(session: Session, root: Path) -> None:
    """Unless they are asked for; in queries of some columns each, which is faster than one of all."""
    columns = ", ".join(f"i + {n} as c{n}" for n in range(600))
    (root / "assets" / "a.sql").write_text(f"select {columns} from range(3) as t(i)")
    session.build()
    found = session.profile("a").columns
    assert [(one.low, one.high, one.middle) for one in (found[0], found[599])] == [
        ("0", "2", None),
        ("599", "601", None),
    ]
    assert session.profile("a", quantiles=True).columns[599].middle == "600.0"


def test_no_rows_and_odd_names_are_no_trouble() -> None:
    with duckdb.connect() as connection:
        connection.execute('create table t ("a""b" integer, "select" varchar)')

        def fetch(query: str) -> list[tuple[object, ...]]:
            return connection.execute(query).fetchall()

        from upriver.assets.model import Column

        schema = (Column('a"b', "INTEGER"), Column("select", "VARCHAR"))
        rows, columns = profiled("t", schema, fetch)
        assert rows == 0
        assert [(one.nulls, one.low) for one in detailed("t", columns, schema, fetch)] == [
            (0, None),
            (0, None),
        ]


def test_descriptions_come_along_with_columns_that_are_passed_on(session: Session, root: Path) -> None:
    """Renamed, too; not through an expression; an asset's own words come first."""
    (root / "assets" / "a.sql").write_text(
        "/* upriver:\ncolumns:\n  id: {description: One order}\n  n: {description: How many}\n*/\nselect 1 as id, 2 as n"
    )
    (root / "assets" / "b.sql").write_text("select id as order_id, n + 1 as n, n as same from a where n > 0")
    (root / "assets" / "c.sql").write_text(
        "/* upriver:\ncolumns:\n  same: {description: Mine}\n*/\nselect * from b"
    )
    session.build()
    assert {one.name: one.description for one in session.profile("c").columns} == {
        "order_id": "One order",
        "n": "",
        "same": "Mine",
    }
