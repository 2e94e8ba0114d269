"""Backfills: goals over slices that survive being interrupted, and make only what does not verify."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.assets.errors import UsageError
from upriver.materializer.events import AssetFinished, Event
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.model import RunStatus
from upriver.materializer.session import Session

DAYS = [f"2024-03-{day:02}" for day in range(1, 10)]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A project with nine days, made two at a time."""
    (tmp_path / "upriver.toml").write_text("[build]\nbatch = 2\n")
    (tmp_path / "assets").mkdir()
    (tmp_path / "raw.csv").write_text("d,v\n" + "".join(f"{day},{at}\n" for at, day in enumerate(DAYS)))
    header = "/* upriver:\npartition: {by: d, every: day}\n*/\n"
    (tmp_path / "assets" / "daily.sql").write_text(f"{header}select d, v from 'raw.csv' where v < 100\n")
    found = Session(tmp_path)
    yield found
    found.close()


def built(session: Session) -> list[str]:
    return [
        one.key for value in session.partitions(["daily"]) for one in value.slices if one.state == "fresh"
    ]


def test_the_newest_slices_of_a_range_are_made_first(session: Session) -> None:
    """In chunks, each of them published; what is outside stays."""
    made: list[list[str]] = []

    def look(event: Event) -> None:
        if isinstance(event, AssetFinished) and event.asset == "daily":
            made.append(built(session))

    found = session.backfill(["daily"], ["2024-03-03.."], on_event=look)
    assert (found.left, found.goal.built, found.ended) == (0, 7, RunStatus.SUCCESS)
    assert built(session) == DAYS[2:]
    assert made[0] == DAYS[-2:]
    assert session.backfills() == (), "it is done"


def test_one_that_was_interrupted_goes_on_with_what_is_left(session: Session) -> None:
    """Nothing of what was made is made again."""
    cancel = Cancel()

    def stop(event: Event) -> None:
        if isinstance(event, AssetFinished) and event.asset == "daily":
            cancel.request()

    found = session.backfill(["daily"], on_event=stop, cancel=cancel)
    assert found.ended is RunStatus.INTERRUPTED
    (goal,) = session.backfills()
    assert goal.left == found.left == 9 - len(built(session)) > 0
    session.build(["daily"], partition=["2024-03-01"])
    resumed = session.backfill(resume=goal.goal.id)
    assert (resumed.left, resumed.goal.built) == (0, 8)
    assert session.backfills() == ()


def test_one_can_be_given_up(session: Session) -> None:
    """What was made stays."""
    cancel = Cancel()
    cancel.request()
    session.backfill(["daily"], cancel=cancel)
    (goal,) = session.backfills()
    session.forget_backfill(goal.goal.id[:4])
    assert session.backfills() == ()
    with pytest.raises(UsageError, match="there is no backfill"):
        session.forget_backfill(goal.goal.id)


@pytest.mark.parametrize(("share", "range_"), [(0.0, "2024"), (1.0, "2024-03-09..2024-03-01")])
def test_a_wrong_one_is_never_recorded(session: Session, share: float, range_: str) -> None:
    """It is told at once."""
    with pytest.raises(UsageError):
        session.backfill(["daily"], [range_], share=share)
    assert session.backfills() == ()
