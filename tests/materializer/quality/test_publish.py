"""Write, audit, publish: no pointer moves to an artifact that failed a check, unless that was accepted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.assets.errors import UsageError
from upriver.materializer.model import CheckOutcome, Outcome, RunStatus, State
from upriver.materializer.session import Session
from upriver.materializer.upkeep.gc import Keep

ORDERS = """/* upriver:
columns:
  id: {unique: true}
  region: {accepted_values: [north, south], severity: warn}
checks:
  - row_count: {min: 1}
  - relationship: {column: region, to: regions.name}
*/
select * from 'orders.csv'
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text("")
    (tmp_path / "orders.csv").write_text("id,region,amount\n1,north,3\n2,south,4\n")
    (tmp_path / "regions.csv").write_text("name\nnorth\nsouth\n")
    (tmp_path / "assets" / "orders.sql").write_text(ORDERS)
    (tmp_path / "assets" / "regions.sql").write_text("select * from 'regions.csv'")
    (tmp_path / "assets" / "totals.sql").write_text("select region, sum(amount) as s from orders group by 1")
    return tmp_path


@pytest.fixture
def session(root: Path) -> Iterator[Session]:
    with contextlib.closing(Session(root)) as session:
        yield session


def outcomes(session: Session, **options: object) -> dict[str, Outcome]:
    return {one.asset: one.action for one in session.build(**options).assets}  # type: ignore[arg-type]


def ids(session: Session) -> list[object]:
    return [row[0] for row in session.sql("select id from orders order by all").rows]


def states(session: Session) -> dict[str, State]:
    return {one.asset: one.state for one in session.status() if one.kind != "source"}


def test_what_passes_is_published(session: Session) -> None:
    result = session.build()
    assert result.status is RunStatus.SUCCESS
    found = {one.check: one.outcome for asset in result.assets for one in asset.checks}
    assert set(found.values()) == {CheckOutcome.PASSED}
    assert set(found) == {
        "unique(id)", "accepted_values(region)", "row_count", "relationship(region)"
    }  # fmt: skip
    assert set(states(session).values()) == {State.FRESH}


def test_what_fails_is_not_published(session: Session, root: Path) -> None:
    """The last good artifact stays served, what reads it is blocked, and the build fails."""
    session.build()
    with (root / "orders.csv").open("a") as file:
        file.write("2,south,5\n")
    result = session.build()
    assert result.status is RunStatus.FAILED
    found = {one.asset: one for one in result.assets}
    assert found["orders"].action is Outcome.FAILED
    assert found["orders"].error == "a check failed: unique(id): 1 of 3 rows offends"
    assert found["totals"].action is Outcome.BLOCKED
    assert ids(session) == [1, 2]
    assert states(session) == {"orders": State.FAILED, "totals": State.BLOCKED, "regions": State.FRESH}


def test_what_was_refused_is_not_made_again(session: Session, root: Path) -> None:
    """The next build audits the kept artifact, and no check runs twice on it."""
    (root / "orders.csv").write_text("id,region,amount\n1,north,3\n1,north,3\n")
    session.build()
    made = len(session.history("orders"))
    again = {one.asset: one for one in session.build().assets}["orders"]
    assert again.action is Outcome.FAILED
    assert [one.ran for one in again.checks] == [False] * 4
    assert len(session.history("orders")) == made


def test_a_mended_check_publishes_what_was_refused(session: Session, root: Path) -> None:
    (root / "orders.csv").write_text("id,region,amount\n1,north,3\n1,north,3\n")
    session.build()
    (root / "assets" / "orders.sql").write_text(ORDERS.replace("{unique: true}", "{not_null: true}"))
    assert outcomes(session)["orders"] is Outcome.REUSED
    assert ids(session) == [1, 1]


def test_a_warning_publishes_and_tells(session: Session, root: Path) -> None:
    (root / "regions.csv").write_text("name\nnorth\nwest\n")
    (root / "orders.csv").write_text("id,region,amount\n1,north,3\n2,west,4\n")
    result = session.build()
    assert result.status is RunStatus.SUCCESS
    told = [one for asset in result.assets for one in asset.checks if one.outcome is CheckOutcome.WARNED]
    assert [(one.check, one.detail) for one in told] == [("accepted_values(region)", "1 of 2 rows offends")]


def test_a_new_check_fails_what_is_served(session: Session, root: Path) -> None:
    """It keeps what is served, makes the asset failed and blocks what is downstream; mended, all is fresh again."""
    session.build()
    before = ids(session)
    (root / "assets" / "orders.sql").write_text(ORDERS.replace("{min: 1}", "{min: 5}"))
    assert states(session)["orders"] is State.PENDING
    with (root / "assets" / "totals.sql").open("a") as file:
        file.write(" having s > 0")
    assert outcomes(session) == {
        "orders": Outcome.FAILED, "totals": Outcome.BLOCKED, "regions": Outcome.FRESH
    }  # fmt: skip
    assert ids(session) == before
    assert states(session)["orders"] is State.FAILED
    (root / "assets" / "orders.sql").write_text(ORDERS)
    assert states(session)["orders"] is State.FRESH
    assert outcomes(session)["totals"] is Outcome.BUILT


def test_the_other_side_of_a_relationship_is_read_after_its_decision(session: Session, root: Path) -> None:
    """A value that goes from there fails what is served here, though nothing of it has changed."""
    session.build()
    (root / "regions.csv").write_text("name\nnorth\n")
    found = {one.asset: one for one in session.build().assets}
    assert found["orders"].action is Outcome.FAILED
    assert "relationship(region): 1 of 2 rows offends" in (found["orders"].error or "")
    assert [one.check for one in found["orders"].checks if one.ran] == ["relationship(region)"]
    (root / "regions.csv").write_text("name\nnorth\nsouth\neast\n")
    assert outcomes(session)["orders"] is Outcome.FRESH


def test_no_check_runs_whose_columns_are_the_same(session: Session, root: Path) -> None:
    """Another column changed: only the checks that count rows of it, or read it, run again."""
    session.build()
    (root / "orders.csv").write_text("id,region,amount\n1,north,3\n2,south,9\n")
    session.build()
    (root / "orders.csv").write_text("id,region,amount\n1,north,3\n2,south,8\n")
    found = {one.asset: one for one in session.build().assets}["orders"]
    assert found.action is Outcome.BUILT
    assert [one.ran for one in found.checks] == [False] * 4


def test_a_circle_through_checks_is_broken(session: Session, root: Path) -> None:
    (root / "assets" / "regions.sql").write_text(
        "/* upriver:\nchecks: [{relationship: {column: name, to: orders.region}}]\n*/\nselect * from 'regions.csv'"
    )
    result = session.build()
    assert result.broken
    told = {str(one) for asset in result.assets for one in asset.diagnoses}
    assert any("orders → regions → orders" in one or "regions → orders → regions" in one for one in told)
    assert any("the check relationship(name) of regions" in one for one in told)


def test_an_accepted_failure_is_published_and_recorded(session: Session, root: Path) -> None:
    """It counts for this content alone: the next one is audited as if nothing had been accepted."""
    (root / "orders.csv").write_text("id,region,amount\n1,north,3\n1,north,3\n")
    session.build()
    result = session.build(accept=["unique(id)"], because="twice billed, as agreed")
    found = {one.check: one for asset in result.assets for one in asset.checks}["unique(id)"]
    assert (found.outcome, found.because) == (CheckOutcome.ACCEPTED, "twice billed, as agreed")
    assert ids(session) == [1, 1]
    assert states(session)["orders"] is State.FRESH
    (root / "orders.csv").write_text("id,region,amount\n1,north,3\n1,north,3\n1,south,3\n")
    assert outcomes(session)["orders"] is Outcome.FAILED
    assert ids(session) == [1, 1]


def test_an_acceptance_needs_its_reason_and_a_check_that_is_there(session: Session) -> None:
    with pytest.raises(UsageError, match="--because"):
        session.build(accept=["unique(id)"])
    with pytest.raises(UsageError, match="did you mean"):
        session.build(accept=["uniqe(id)"], because="x")


def test_what_was_refused_and_what_offends_can_be_looked_at(session: Session, root: Path) -> None:
    session.build()
    (root / "orders.csv").write_text("id,region,amount\n1,north,3\n2,south,4\n2,south,5\n")
    session.build()
    refused = session.refused("orders")
    assert refused.checks == ("unique(id)",)
    assert len(session.preview("orders", at=refused.id).rows) == 3
    assert len(session.preview("orders").rows) == 2
    assert session.offenders("orders", "unique(id)").rows == ((2, "south", 4), (2, "south", 5))
    session.gc(Keep(days=0, count=0))
    assert len(session.preview("orders", at=refused.id).rows) == 3
    assert len(session.offenders("orders", "unique(id)").rows) == 2


def test_checks_run_by_themselves_when_they_are_due(session: Session, root: Path) -> None:
    """Nothing is built; a second look runs nothing, one that is forced runs all."""
    session.build()
    assert not any(one.ran for one in session.check().checks)
    assert all(one.ran for one in session.check(force=True).checks)
    (root / "assets" / "orders.sql").write_text(
        ORDERS.replace("unique: true", "unique: true, matches: '[2-9]'")
    )
    report = session.check(["orders"])
    assert report.failed
    assert [(one.check, one.detail) for one in report.checks if one.ran] == [
        ("matches(id)", "1 of 2 rows offends")
    ]
    assert states(session)["orders"] is State.FAILED


def test_a_check_in_a_file_gives_the_offenders(session: Session, root: Path) -> None:
    (root / "checks").mkdir()
    (root / "checks" / "no_gifts.sql").write_text(
        "/* upriver:\nof: orders\n*/\nselect o.* from orders o join regions r on r.name = o.region where amount < 4"
    )
    found = {one.asset: one for one in session.build().assets}["orders"]
    assert found.error == "a check failed: no_gifts: 1 row offends"
    assert session.offenders("orders", "no_gifts").rows == ((1, "north", 3),)


def test_a_check_in_a_file_that_can_t_be_used_breaks_its_asset(session: Session, root: Path) -> None:
    """What it would have kept back must not be published."""
    (root / "checks").mkdir()
    (root / "checks" / "wrong.sql").write_text("/* upriver:\nof: orders\n*/\nselect * from ordes")
    result = session.build()
    assert {one.asset: one.action for one in result.assets}["orders"] is Outcome.BROKEN
    told = [str(one) for asset in result.assets for one in asset.diagnoses]
    assert any("reads 'ordes', which is no asset or source" in one for one in told)


def test_a_check_that_can_t_be_run_refuses(session: Session, root: Path) -> None:
    (root / "assets" / "orders.sql").write_text(
        ORDERS.replace("- row_count: {min: 1}", "- expression: amuont > 0")
    )
    found = {one.asset: one for one in session.build().assets}["orders"]
    assert found.action is Outcome.FAILED
    assert "can't be run" in (found.error or "")
