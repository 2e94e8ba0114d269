"""Approvals: what is made from unapproved content waits for a person, and serves what was approved before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.assets.errors import UsageError
from upriver.assets.model import Key
from upriver.materializer.automation.model import GoalCause
from upriver.materializer.model import Cause, Outcome, RunStatus, State
from upriver.materializer.session import Session


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Prices, what is published of them after an approval, a reader of each."""
    write(tmp_path, "upriver.toml", '[goals]\n"shop" = { fresh_within = "1h" }\n')
    write(tmp_path, "data/x.csv", "a,b\n1,1\n")
    write(tmp_path, "assets/prices.sql", "select a from 'data/x.csv'\n")
    write(tmp_path, "assets/direct.sql", "select sum(a)::int as s from prices\n")
    write(tmp_path, "assets/published.sql", "/* upriver:\napproval: true\n*/\nfrom prices\n")
    write(tmp_path, "assets/shop.sql", "select sum(a)::int as s from published\n")
    with contextlib.closing(Session(tmp_path)) as found:
        yield found


def build(session: Session) -> dict[Key, Outcome]:
    result = session.build()
    assert result.status is RunStatus.SUCCESS  # waiting for a person is no failure
    return {one.asset: one.action for one in result.assets}


def test_nothing_is_made_of_what_is_not_approved(session: Session) -> None:
    """What reads it waits as well; direct readers of the content are not concerned."""
    assert build(session) == {
        "prices": Outcome.BUILT,
        "direct": Outcome.BUILT,
        "published": Outcome.BLOCKED,
        "shop": Outcome.BLOCKED,
    }
    states = {one.asset: one for one in session.status() if one.kind != "source"}
    assert states["published"].state is State.BLOCKED
    assert next(reason.kind for reason in states["published"].reasons) is Cause.APPROVAL
    (waits,) = session.approvals()
    assert (waits.asset, waits.waiting, waits.of, waits.approved) == ("published", True, ("prices",), None)
    assert session.goals().goals[0].cause in (GoalCause.APPROVAL, GoalCause.WAITING)


def test_what_was_approved_last_is_served_until_other_content_is(session: Session) -> None:
    """Other content needs another word; equal content needs none."""
    build(session)
    given = session.approve("published", by="ann", note="checked")
    assert given.approved is not None
    assert (given.approved.by, given.approved.note, given.waiting) == ("ann", "checked", False)
    assert build(session)["shop"] is Outcome.BUILT

    write(session.root, "data/x.csv", "a,b\n1,2\n")  # not read
    assert build(session)["published"] is Outcome.FRESH
    write(session.root, "assets/prices.sql", "select a + 0 as a from 'data/x.csv'\n")
    assert build(session)["published"] in (Outcome.FRESH, Outcome.BLOCKED)

    write(session.root, "assets/prices.sql", "select a from 'data/x.csv'\n")
    write(session.root, "data/x.csv", "a,b\n5,1\n")
    ends = build(session)
    assert (ends["direct"], ends["published"], ends["shop"]) == (
        Outcome.BUILT,
        Outcome.BLOCKED,
        Outcome.BLOCKED,
    )
    assert session.sql("from shop").rows == ((1,),)
    assert session.sql("from direct").rows == ((5,),)
    session.approve("published", by="bob")
    build(session)
    assert session.sql("from shop").rows == ((5,),)

    write(session.root, "data/x.csv", "a,b\n1,1\n")  # as it was approved before
    assert build(session)["shop"] in (Outcome.BUILT, Outcome.REUSED)
    assert session.sql("from shop").rows == ((1,),)


def test_force_does_not_overrule_a_person(session: Session) -> None:
    """Nor does a build of that asset alone."""
    ends = {one.asset: one.action for one in session.build(["published"], force=True).assets}
    assert ends["published"] is Outcome.BLOCKED


def test_only_what_waits_can_be_approved(session: Session) -> None:
    """Whatever else is asked for is refused with words."""
    with pytest.raises(UsageError, match="wants no approval"):
        session.approve("prices", by="ann")
    with pytest.raises(UsageError, match="nothing of published waits"):
        session.approve("published", by="ann")  # what it reads is not made yet
