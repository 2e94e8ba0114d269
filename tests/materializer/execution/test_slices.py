"""Slices that are built: what fails, what is tolerated, what is kept, what is made as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fakes.ports.clock import ManualClock

from upriver.assets.errors import UsageError
from upriver.lineage.partitions.slices import SliceCounts
from upriver.materializer.answers import AssetResult, BuildResult
from upriver.materializer.model import Cause, Outcome, State
from upriver.materializer.session import Session

DAYS = [f"2024-03-{day:02}" for day in range(1, 9)]


class Project:
    """A project with one file of days and values, and an asset that is cut into days."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.values = dict.fromkeys(DAYS, "1")
        (root / "upriver.toml").write_text("")
        (root / "assets").mkdir()
        self.write()
        self.asset("daily", "select d, v::integer as v from 'raw.csv'")
        self.session = Session(root)

    def write(self) -> None:
        lines = [f"{day},{value}" for day, value in self.values.items()]
        (self.root / "raw.csv").write_text("\n".join(["d,v", *lines, "2024-03-01,x9"]) + "\n")

    def asset(self, name: str, query: str, partition: str = "{by: d, every: day}") -> None:
        header = f"/* upriver:\npartition: {partition}\n*/\n" if partition else ""
        (self.root / "assets" / f"{name}.sql").write_text(f"{header}{query}\n")

    def build(self, *select: str, partition: tuple[str, ...] = ()) -> BuildResult:
        return self.session.build(select, partition=partition)

    def rows(self, name: str = "daily") -> list[tuple[str, ...]]:
        return sorted(tuple(map(str, row)) for row in self.session.sql(f"select * from {name}").rows)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project, closed in the end."""
    found = Project(tmp_path)
    yield found
    found.session.close()


def result_of(result: BuildResult, asset: str) -> AssetResult:
    return next(one for one in result.assets if one.asset == asset)


def counts(result: BuildResult, asset: str = "daily") -> SliceCounts:
    found = result_of(result, asset).slices
    assert found is not None
    return found


def test_a_slice_that_fails_keeps_no_other_from_being_published(project: Project) -> None:
    """The guilty one is found; what reads all of them waits."""
    project.asset("total", "select count(*) as n from daily", "")
    result = project.build()
    assert result_of(result, "daily").action is Outcome.FAILED
    assert counts(result).failed == ("2024-03-01",)
    assert "2024-03-01" in (result_of(result, "daily").error or "")
    assert "x9" in (result_of(result, "daily").error or "")
    assert [row[0] for row in project.rows()] == DAYS[1:]
    assert result_of(result, "total").action is Outcome.BLOCKED
    states = {
        one.key: one.state
        for (one_asset,) in [project.session.partitions(["daily"])]
        for one in one_asset.slices
    }
    assert states == {**dict.fromkeys(DAYS, "fresh"), "2024-03-01": "failed"}


def test_what_is_tolerated_lets_readers_go_on_and_is_never_fresh(project: Project) -> None:
    """Asset and reader say so."""
    project.asset("daily", "select d, v::integer as v from 'raw.csv'", "{by: d, every: day, tolerate: 20 %}")
    project.asset("total", "select count(*) as n from daily", "")
    result = project.build()
    assert {one.action for one in result.assets} == {Outcome.BUILT}
    assert project.rows("total") == [("7",)]
    states = {one.asset: one for one in project.session.status()}
    assert states["daily"].state is State.STALE
    assert states["total"].state is not State.FRESH
    project.asset(
        "daily", "select d, try_cast(v as integer) as v from 'raw.csv'", "{by: d, every: day, tolerate: 20 %}"
    )
    project.build()
    assert {one.state for one in project.session.status()} == {State.FRESH}
    assert project.rows("total") == [("9",)]


def test_what_is_not_kept_any_more_is_dropped(project: Project) -> None:
    """The day is part of the content, as a change of data is."""
    project.asset(
        "daily", "select d, try_cast(v as integer) as v from 'raw.csv'", "{by: d, every: day, keep: 5d}"
    )
    project.asset("monthly", "select * from daily", "{by: d, every: month}")
    project.session.close()
    clock = ManualClock(datetime(2024, 3, 8, 12, tzinfo=UTC).timestamp(), hurrying=True)
    project.session = Session(project.root, clock=clock)
    project.build()
    assert [row[0] for row in project.rows()] == DAYS[2:]
    clock.advance(2 * 86_400)
    assert {one.kind for one in project.session.status(["daily"])[0].reasons} == {Cause.ENVIRONMENT}
    result = project.build()
    assert counts(result).made == 0
    assert [row[0] for row in project.rows()] == [row[0] for row in project.rows("monthly")] == DAYS[4:]


def test_a_whole_is_computed_and_only_the_range_published(project: Project) -> None:
    """With a warning."""
    project.asset("daily", "select d, count(*) over () as n from 'raw.csv'")
    result = project.build("daily", partition=("2024-03-02..2024-03-03",))
    assert counts(result).whole is not None
    assert [row[0] for row in project.rows()] == DAYS[1:3]
    assert project.session.status(["daily"])[0].state is State.STALE
    project.build()
    assert len(project.rows()) == 9
    assert project.session.status(["daily"])[0].state is State.FRESH


def test_python_code_is_split_and_unchanged_slices_stop_the_work(project: Project) -> None:
    """It is computed as a whole; what reads it slice by slice sees which slices changed."""
    project.asset("daily", "select d, try_cast(v as integer) as v from 'raw.csv'")
    (project.root / "assets" / "python.py").write_text(
        "import polars as pl\nfrom upriver.assets import asset, by\n"
        '@asset(partition=by("d", every="day"))\n'
        "def doubled(daily: pl.LazyFrame) -> pl.LazyFrame:\n    return daily.with_columns(pl.col('v') * 2)\n"
    )
    project.asset("after", "select d, sum(v)::bigint as v from doubled group by d")
    project.build()
    project.values["2024-03-05"] = "5"
    project.write()
    result = project.build()
    assert counts(result, "doubled").unchanged == 7
    assert counts(result, "after").ranges == (("2024-03-05", "2024-03-05"),)
    assert ("2024-03-05", "10") in project.rows("after")


def test_another_type_of_the_key_makes_all_slices_again(project: Project) -> None:
    """Their keys are not what they were."""
    project.asset("daily", "select d, try_cast(v as integer) as v from 'raw.csv'")
    project.build()
    project.asset("daily", "select d::timestamp as d, try_cast(v as integer) as v from 'raw.csv'")
    assert counts(project.build()).made == 8


def test_batches_are_limited_by_the_settings(project: Project) -> None:
    """What comes out is the same."""
    (project.root / "upriver.toml").write_text("[build]\nbatch = 3\n")
    project.asset("daily", "select d, try_cast(v as integer) as v from 'raw.csv'")
    assert counts(project.build()).made == 8
    assert len(project.rows()) == 9


def test_declaring_a_partition_rebuilds_nothing(project: Project) -> None:
    """What an asset holds does not depend on it."""
    project.asset("daily", "select d, try_cast(v as integer) as v from 'raw.csv'", "")
    project.build()
    project.asset("daily", "select d, try_cast(v as integer) as v from 'raw.csv'")
    assert result_of(project.build(), "daily").action is Outcome.FRESH


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2024-03-09..2024-03-02", "backwards"),
        ("2025-01-01", "go from 2024-03-01 to 2024-03-08"),
        ("2024-13-01", "2024-13-01"),
        ("carrier=AA", "carrier=AA"),
    ],
)
def test_slices_that_can_not_be_are_refused(project: Project, text: str, words: str) -> None:
    """Before anything runs."""
    project.asset("daily", "select d, try_cast(v as integer) as v from 'raw.csv'")
    with pytest.raises(UsageError, match=words):
        project.build("daily", partition=(text,))


def test_an_unknown_value_is_refused_with_what_may_be_meant(project: Project) -> None:
    """Of the values that there are."""
    project.asset("daily", "select d, v, 'carrier ' || v as c from 'raw.csv'", "{by: c}")
    with pytest.raises(UsageError, match="carrier 1"):
        project.build("daily", partition=("c=carrier 2",))


def test_rows_of_some_slices_are_shown(project: Project) -> None:
    """By the condition that their keys make of the columns."""
    project.asset("daily", "select d, try_cast(v as integer) as v from 'raw.csv'")
    project.build()
    where = project.session.slice_filter("daily", ["2024-03-02..2024-03-03"])
    shown = project.session.preview("daily", where=where)
    assert sorted(str(row[0]) for row in shown.rows) == DAYS[1:3]
    with pytest.raises(UsageError, match="go from"):
        project.session.slice_filter("daily", ["2025"])
