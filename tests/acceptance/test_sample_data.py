"""After an edit of sample_data, exactly what reads the edited thing is rebuilt, and it holds what it should.

The edits of the table in sample_data/README.md are here, row by row, and those that a working day brings besides.
Each test edits a copy of one built project, asks the real command line what it would do and then what it did, and
compares every table and file that the edit could reach with those of a project built from scratch after it.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.acceptance.command import Project
from tests.acceptance.contents import differences
from tests.acceptance.copies import copied, from_scratch
from tests.acceptance.flights import LAST_MONTH, last_month, write_flights

pytestmark = pytest.mark.science  # its model

FILES = ("models.late_arrival_model", "reports.late_arrivals")
LESS_THE_MODEL = ("staging.*", "core.*", "marts.*", "finance.*", "quality.*", "features.*")

Apply = Callable[[Project], None]


@dataclass(frozen=True)
class Edit:
    """An edit, and exactly what follows from it."""

    name: str
    apply: Apply
    cause: tuple[str, str] | None = None
    """The kind of the reason, and the asset or source that it names."""
    stale: tuple[str, ...] = ()
    """Known to be stale before anything is built."""
    rebuilt: tuple[str, ...] = ()
    """Rebuilt too, because what they read of a stale one has changed."""
    spared: tuple[str, ...] = ()
    """Read a stale one, and turn out fresh."""
    reach: tuple[str, ...] = ()
    """SELECT: everything below whatever imports the edited file or reads the edited feed, however little of it."""

    @property
    def plan(self) -> dict[str, str]:
        """What ``plan`` says."""
        return dict.fromkeys(self.stale, "build") | dict.fromkeys((*self.rebuilt, *self.spared), "maybe")

    @property
    def build(self) -> dict[str, str]:
        """What ``build`` does."""
        return dict.fromkeys((*self.stale, *self.rebuilt), "built")


def replace(path: str, old: str, new: str) -> Apply:
    """An edit of a text file."""
    return lambda project: project.replace(path, old, new)


def edit_airport(column: str, value: str) -> Apply:
    """An edit of one value of Newark in the airports' feed."""

    def apply(project: Project) -> None:
        path = project.root / "data/airports.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        (newark,) = (row for row in rows if row["faa"] == "EWR")
        assert newark[column] != value
        newark[column] = value
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    return apply


def edit_yen(project: Project) -> None:
    """A corrected yen rate of a day in the two months."""
    path = project.root / "data/fx_rates.ndjson"
    rates = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    (rate,) = (one for one in rates if (one["date"], one["currency"]) == ("2013-10-02", "JPY"))
    rate["per_eur"] += 1
    path.write_text("".join(json.dumps(one) + "\n" for one in rates), encoding="utf-8")


def touch_sources(project: Project) -> None:
    """Every feed gets a new time, and keeps its bytes."""
    for path in (project.root / "data").rglob("*.*"):
        os.utime(path, (2_000_000_000, 2_000_000_000))


def reverse_flights(project: Project) -> None:
    """The rows of a feed in another order: the file has other bytes and the same content."""
    table = pq.read_table(project.root / LAST_MONTH)
    pq.write_table(table.take(list(range(table.num_rows))[::-1]), project.root / LAST_MONTH)


def append_flights(project: Project) -> None:
    """The last day of the month arrives."""
    before = pq.read_table(project.root / LAST_MONTH).num_rows
    pq.write_table(last_month(), project.root / LAST_MONTH)
    assert last_month().num_rows - before == 922


def comment_everywhere(project: Project) -> None:
    """A comment and a blank line more in every file of code; lines move."""
    for folder in ("assets", "flightlib"):
        for path in (project.root / folder).rglob("*.py"):
            path.write_text("# A remark.\n\n" + path.read_text(encoding="utf-8") + "\n\n# Another.\n")
        for path in (project.root / folder).rglob("*.sql"):
            header, end, query = path.read_text(encoding="utf-8").partition("*/")
            path.write_text(f"{header}{end}\n\n-- A remark.\n{query}\n/* Another. */\n")


def reformat(project: Project) -> None:
    """A query by the hand of someone with other habits."""
    path = project.root / "assets/marts/cancellations.sql"
    header, end, query = path.read_text(encoding="utf-8").partition("*/")
    query = "\n".join(line for line in query.splitlines() if not line.startswith("--"))
    for word in ("select", "from", "where", "group by", "as", "count", "distinct"):
        query = query.replace(f"{word} ", f"{word.upper()} ").replace(f"{word}(", f"{word.upper()}(")
    path.write_text(f"{header}{end}\n{' '.join(query.split())};\n", encoding="utf-8")
    assert "COUNT(DISTINCT carrier) AS carriers FROM staging.flights WHERE cancelled" in path.read_text()


NOTHING_FOLLOWS = (
    Edit("nothing", lambda project: None),
    Edit("touch every source", touch_sources),
    Edit(
        "edit a comment in a SQL file",
        replace("assets/marts/carrier_delays.sql", "-- Fifteen minutes is", "-- A quarter of an hour is"),
    ),
    Edit("reformat a SQL file", reformat),
    Edit("a comment or the layout of any file of code", comment_everywhere),
    Edit(
        "an unrelated function in the module of a helper",
        replace("flightlib/airtime.py", "distance_miles / air_hours(minutes)", "distance_miles / minutes"),
    ),
    Edit("an alt in airports.csv", edit_airport("alt", "19")),
)

SOMETHING_FOLLOWS = (
    Edit(
        "a helper function of one Polars asset",
        replace("flightlib/airtime.py", "return minutes / MINUTES_PER_HOUR", "return minutes / 59"),
        cause=("recipe", "marts.aircraft_utilisation"),
        stale=("marts.aircraft_utilisation",),
        reach=("marts.aircraft_utilisation",),
    ),
    Edit(
        "BUSY_HOURS_PER_DAY",
        replace("flightlib/airtime.py", "BUSY_HOURS_PER_DAY = 4", "BUSY_HOURS_PER_DAY = 3"),
        cause=("recipe", "marts.aircraft_utilisation"),
        stale=("marts.aircraft_utilisation",),
        reach=("marts.aircraft_utilisation",),
    ),
    Edit(
        "STRONG_WIND_KNOTS",
        replace("flightlib/weather.py", "STRONG_WIND_KNOTS = 20", "STRONG_WIND_KNOTS = 15"),
        cause=("recipe", "marts.weather_delays"),
        stale=("marts.weather_delays",),
        reach=("marts.weather_delays", "features.departures"),
    ),
    Edit(
        "TRAINING_ENDS",
        replace("assets/models/late_arrival.py", "date(2013, 10, 1)", "date(2013, 10, 8)"),
        cause=("recipe", "models.late_arrival_model"),
        stale=("models.late_arrival_model",),
        rebuilt=("models.late_arrival_scores", "reports.calibration", "reports.late_arrivals"),
        reach=("models.*", "reports.*"),
    ),
    Edit(
        "USD_CENTS_PER_MILE",
        replace("assets/finance/fares.py", "USD_CENTS_PER_MILE = 12", "USD_CENTS_PER_MILE = 13"),
        cause=("recipe", "finance.estimated_fares"),
        stale=("finance.estimated_fares",),
        rebuilt=("finance.fares_by_currency",),
        reach=("finance.*",),
    ),
    Edit(
        "a lat in airports.csv",
        edit_airport("lat", "40.7"),
        cause=("data", "raw.airports"),
        stale=("staging.airports",),
        spared=("marts.busiest_routes", "quality.unmatched_references"),
        reach=("staging.airports", "marts.busiest_routes", "quality.*"),
    ),
    Edit(
        "a JPY rate of a day in fx_rates.ndjson",
        edit_yen,
        cause=("data", "raw.fx_rates"),
        stale=("staging.fx_rates",),
        rebuilt=("finance.fares_by_currency",),
        spared=("finance.estimated_fares",),
        reach=("staging.fx_rates", "finance.*"),
    ),
    Edit(
        "append rows to one month",
        append_flights,
        cause=("data", "raw.flights"),
        stale=("staging.flights",),
        rebuilt=(
            "core.flight_weather",
            "features.departures",
            "finance.estimated_fares",
            "finance.fares_by_currency",
            "marts.aircraft_utilisation",
            "marts.busiest_routes",
            "marts.cancellations",
            "marts.carrier_delays",
            "marts.daily_operations",
            "marts.fleet_age",
            "marts.hourly_departures",
            "marts.route_punctuality",
            "marts.weather_delays",
            "models.late_arrival_scores",
            "quality.unmatched_references",
            "reports.calibration",
            "reports.late_arrivals",
        ),
        spared=("models.late_arrival_model",),  # reads the months before this one only
        reach=("*",),
    ),
)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after its first build. Never edited: tests take copies."""
    project = write_flights(tmp_path_factory.mktemp("built") / "flights")
    assert set(project.plan().values()) == {"build"}
    done = project.build()
    assert (len(done), set(done.values())) == (24, {"built"})
    return project


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A copy of the built project, to be edited."""
    return copied(built, tmp_path / "flights")


@pytest.mark.parametrize("edit", NOTHING_FOLLOWS, ids=lambda edit: edit.name)
def test_an_edit_of_what_nobody_reads_rebuilds_nothing(project: Project, edit: Edit) -> None:
    """`plan` says so, and `build` does so."""
    edit.apply(project)
    assert project.plan() == {}
    assert project.build() == {}


def test_what_such_edits_spare_holds_what_a_build_from_scratch_gives(
    project: Project, built: Project, tmp_path: Path
) -> None:
    """All of them at once: nothing is rebuilt, and rightly so."""
    for edit in NOTHING_FOLLOWS:
        edit.apply(project)
    assert project.build() == {}
    scratch = from_scratch(project, tmp_path / "scratch", *LESS_THE_MODEL)
    assert differences(project, scratch) == []
    assert differences(built, scratch) == ["raw.airports"]  # the altitude: a source is as it is


@pytest.mark.parametrize("edit", SOMETHING_FOLLOWS, ids=lambda edit: edit.name)
def test_an_edit_rebuilds_exactly_what_reads_it(project: Project, tmp_path: Path, edit: Edit) -> None:
    """`plan` names the cause and whom it may reach, `build` whom it did; contents are those of a first build."""
    edit.apply(project)
    steps = project.read("plan")["steps"]
    assert {step["asset"]: step["action"] for step in steps if step["action"] != "fresh"} == edit.plan
    for step in steps:
        if step["action"] == "build":
            assert [(reason["kind"], reason["asset"]) for reason in step["reasons"]] == [edit.cause]
    assert project.build() == edit.build
    scratch = from_scratch(project, tmp_path / "scratch", *edit.reach)
    files = FILES if "models.late_arrival_model" in edit.plan else ()
    assert differences(project, scratch, files) == []


def test_reverting_everything_recomputes_nothing(project: Project, built: Project) -> None:
    """Edit everything at once, build, go back as git does: what was made before is pointed at again."""
    edits = [
        edit for edit in SOMETHING_FOLLOWS if edit.name != "append rows to one month"
    ]  # would hide the rest
    for edit in (*NOTHING_FOLLOWS, *edits):
        edit.apply(project)
    edited = {asset for edit in edits for asset in edit.build}
    assert project.build() == dict.fromkeys(edited, "built")

    for folder in ("assets", "data", "flightlib"):
        shutil.rmtree(project.root / folder)
        shutil.copytree(built.root / folder, project.root / folder, copy_function=shutil.copyfile)

    assert "build" not in project.plan().values()
    assert project.build() == dict.fromkeys(edited, "reused")
    assert differences(built, project, FILES) == []
    assert project.run("fsck").code == 0


def test_its_unit_tests_pass(project: Project) -> None:
    """Six in five files, over SQL and Python recipes; none of them looks at what is built."""
    document = project.read("test")
    assert {one["outcome"] for one in document["tests"]} == {"passed"}
    assert len(document["tests"]) == 6
