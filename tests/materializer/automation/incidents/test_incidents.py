"""Incidents in a real project: one a root cause, with what suffers, what has changed, and how it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.assets.errors import UsageError
from upriver.materializer.ports import Incident, IncidentKind, IncidentState
from upriver.materializer.session import Session


def write(root: Path, path: str, text: str) -> None:
    """Write a file of the project."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A source, an asset that reads it, and two behind that, of which the last has a goal."""
    write(tmp_path, "upriver.toml", "")
    write(tmp_path, "data/x.csv", "a,b\n1,2\n")
    write(tmp_path, "assets/first.sql", "/* upriver:\nowner: eng\n*/\nselect a, b from 'data/x.csv'\n")
    write(tmp_path, "assets/second.sql", "select a + 1 as c from first\n")
    write(tmp_path, "assets/last.sql", "/* upriver:\nfresh_within: 1h\n*/\nselect c * 2 as d from second\n")
    with contextlib.closing(Session(tmp_path)) as found:
        found.build()
        yield found


def only(session: Session) -> Incident:
    """The one incident that is open."""
    (found,) = session.incidents()
    return found


def test_all_is_well_is_no_incident(session: Session) -> None:
    """Nothing is opened for what is merely stale or fresh."""
    write(session.root, "data/x.csv", "a,b\n7,2\n")
    assert session.incidents() == ()
    assert session.incidents(everything=True) == ()


def test_a_failed_build_is_one_incident_with_all_that_suffers(session: Session) -> None:
    """What is blocked belongs to the cause: assets, columns, owners, goals; and what has changed since it was good."""
    write(session.root, "data/x.csv", "a,b\n7,2\n8,3\n")
    write(
        session.root,
        "assets/first.sql",
        "/* upriver:\nowner: eng\n*/\nselect a, error('no') as b from 'data/x.csv'\n",
    )
    session.build()
    (found,) = session.context.state.incidents("dev")  # the build has opened it
    assert (found.cause.asset, found.cause.kind) == ("first", IncidentKind.FAILED)
    affected = found.cause.affected
    assert affected.assets == ("first", "second", "last")
    assert affected.owners == ("eng",)
    assert {("second", "c"), ("last", "d")} <= set(affected.columns)
    code, data = found.cause.changes
    assert (code.what, [line for line in code.lines if line[:1] in "+-"]) == (
        "code", ["-select a, b from 'data/x.csv'", "+select a, error('no') as b from 'data/x.csv'"],
    )  # fmt: skip
    assert (data.what, data.detail) == ("data", "+1 row")
    good = found.cause.last_good
    assert good is not None
    assert (good.rows, good.served) == (1, True)
    assert only(session).cause.affected.goals == ("last/fresh_within",)  # now that goals were looked at, too
    assert only(session).id == found.id

    write(session.root, "assets/first.sql", "/* upriver:\nowner: eng\n*/\nselect a, b from 'data/x.csv'\n")
    session.build()
    assert session.incidents() == ()
    (over,) = session.incidents(everything=True)
    assert (over.id, over.state) == (found.id, IncidentState.RECOVERED)


def test_what_comes_back_is_told_from_what_is_new(session: Session) -> None:
    """Another incident with another id, that counts the earlier ones."""
    for time in (1, 2):
        write(session.root, "assets/second.sql", f"select error('no {time}') as c from first\n")
        session.build()
        assert only(session).occurrence == time
        write(session.root, "assets/second.sql", "select a + 1 as c from first\n")
        session.build()
    ids = [one.id for one in session.incidents(everything=True)]
    assert len(set(ids)) == 2


def test_a_check_that_fails_on_what_is_served(session: Session) -> None:
    """The cause is the check; the last good is the content before, and the change is what was read since."""
    write(session.root, "data/x.csv", "a,b\n7,2\n,3\n")
    session.build()
    write(
        session.root,
        "assets/first.sql",
        "/* upriver:\nowner: eng\nchecks:\n  - not_null: a\n*/\nselect a, b from 'data/x.csv'\n",
    )
    session.check()
    found = only(session)
    assert (found.cause.asset, found.cause.kind) == ("first", IncidentKind.CHECK)
    assert found.cause.last_good is not None
    assert not found.cause.last_good.served
    (change,) = found.cause.changes
    assert (change.what, change.asset) == ("data", session.context.project().reads["first"][0])


def test_a_broken_file_is_one_incident_however_many_assets_it_declares(session: Session) -> None:
    """And it does not heal by itself."""
    write(session.root, "assets/second.sql", "select a + as c from first\n")
    found = only(session)
    assert (found.cause.asset, found.cause.kind) == ("second", IncidentKind.BROKEN)
    assert not found.cause.healing.by_itself
    assert "last" in found.cause.affected.assets


def test_a_source_that_is_gone_may_come_back(session: Session) -> None:
    """The root is the source; what reads it suffers."""
    text = (session.root / "data/x.csv").read_text()
    (session.root / "data/x.csv").unlink()
    found = only(session)
    assert found.cause.kind is IncidentKind.SOURCE
    assert found.cause.healing.by_itself
    assert {"first", "second", "last"} <= set(found.cause.affected.assets)
    write(session.root, "data/x.csv", text)
    assert session.incidents() == ()


def test_goals_that_are_late_together_are_one_incident(session: Session) -> None:
    """The root is the one that the others wait for; lateness of something that failed is no second incident."""
    write(session.root, "upriver.toml", '[goals]\n"*" = { fresh_within = "1h" }\n')
    write(session.root, "assets/first.sql", "select a, b + 1 as b, 'new' as n from 'data/x.csv'\n")
    write(session.root, "assets/second.sql", "select a + 2 as c from first\n")
    late = only(session)
    assert (late.cause.asset, late.cause.kind) == ("first", IncidentKind.OVERDUE)
    assert set(late.cause.affected.assets) == {"first", "second", "last"}
    assert len(late.cause.affected.goals) == 3
    write(session.root, "assets/first.sql", "select a, error('no') as b from 'data/x.csv'\n")
    session.build()
    found = only(session)
    assert (found.id, found.cause.kind) == (
        late.id,
        IncidentKind.FAILED,
    )  # the same trouble, now with its reason


def test_a_look_at_a_part_ends_nothing_elsewhere(session: Session) -> None:
    """A build of one asset does not know whether another has recovered."""
    write(session.root, "assets/second.sql", "select error('no') as c from first\n")
    session.build()
    found = only(session)
    session.build(["first"])
    assert session.context.state.incidents("dev", open=True) == [found]


def test_a_person_takes_notice(session: Session) -> None:
    """By the beginning of its id, with a note; it stays open until it is over."""
    write(session.root, "assets/second.sql", "select a + as c from first\n")
    found = only(session)
    known = session.acknowledge(found.id[:4], "on it")
    assert (known.state, known.note) == (IncidentState.ACKNOWLEDGED, "on it")
    assert only(session).state is IncidentState.ACKNOWLEDGED
    with pytest.raises(UsageError, match="there is no incident"):
        session.acknowledge("zzz")
    write(session.root, "assets/second.sql", "select a + 1 as c from first\n")
    session.build()
    with pytest.raises(UsageError, match="is over"):
        session.acknowledge(found.id)


def test_settings_that_cannot_be_read_are_an_incident_of_the_project(session: Session) -> None:
    """Nothing else is known then, so that nothing recovers."""
    write(session.root, "assets/second.sql", "select error('no') as c from first\n")
    session.build()
    write(session.root, "upriver.toml", "[goals\n")
    assert {(one.cause.asset, one.cause.kind) for one in session.incidents()} == {
        ("", IncidentKind.BROKEN),
        ("second", IncidentKind.FAILED),
    }
    write(session.root, "upriver.toml", "")
    assert only(session).cause.asset == "second"
