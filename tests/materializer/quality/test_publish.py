"""Write, audit, publish: no pointer moves to an artifact that failed a check, unless that was accepted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.materializer.model import CheckOutcome, Outcome, RunStatus, State
from upriver.materializer.session import Session

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
