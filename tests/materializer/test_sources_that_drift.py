"""A text source that no longer fits its shape is broken: downstream waits, the rest is built, the last good is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.materializer.test_broken_declarations import states, write

from upriver.assets.errors import UsageError
from upriver.materializer.events import AssetOutput, Event
from upriver.materializer.model import Outcome, State
from upriver.materializer.session import Session

FILES = {
    "upriver.toml": "",
    "data/visits.csv": "id,fee\n1,1.5\n2,2\n",
    "data/other.csv": "x\n1\n",
    "assets/s.py": "from upriver.assets import source\nsource('raw.visits', 'data/visits.csv')\n",
    "assets/fees.sql": "select sum(fee) as total from raw.visits",
    "assets/below.sql": "select total from fees",
    "assets/beside.sql": "select x from 'data/other.csv'",
}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A project that is built."""
    write(tmp_path, FILES)
    opened = Session(tmp_path)
    opened.build()
    yield opened
    opened.close()


def test_what_does_not_fit_blocks_what_reads_it_and_nothing_else(session: Session) -> None:
    """In status, why and build, with one diagnosis."""
    write(session.root, {"data/visits.csv": "id,fee\n1,1.5\n2,sixty\n", "data/other.csv": "x\n5\n"})
    (source,) = session.status(["raw.visits"])
    assert source.state is State.BROKEN
    told = "raw.visits.fee was DOUBLE, now VARCHAR: 'sixty' at data/visits.csv:3"
    assert source.diagnoses[0].message == told
    assert states(session) == {"fees": State.BLOCKED, "below": State.BLOCKED, "beside": State.STALE}
    result = session.build()
    assert result.broken
    assert {one.asset: one.action for one in result.assets} == {
        "raw.visits": Outcome.BROKEN,
        "fees": Outcome.BLOCKED,
        "below": Outcome.BLOCKED,
        "beside": Outcome.BUILT,
    }
    assert session.why("fees").state is State.BLOCKED
    assert session.why("raw.visits").diagnoses[0].message == told
    assert session.preview("fees").rows == ((3.5,),)
    write(session.root, {"data/visits.csv": FILES["data/visits.csv"]})
    assert set(states(session).values()) == {State.FRESH}


def test_accepting_lets_the_build_go_on(session: Session) -> None:
    """What reads the source is bound to what it is now."""
    write(session.root, {"data/visits.csv": "id,fee,more\n1,x,1\n"})
    (accepted,) = session.accept(["raw.visits"])
    assert set(accepted.changes) == {"fee was DOUBLE, now VARCHAR", "more (BIGINT) is new"}
    assert session.status(["raw.visits"])[0].state is State.FRESH
    assert states(session)["fees"] in (State.BROKEN, State.STALE)
    with pytest.raises(UsageError, match="is no source"):
        session.accept(["fees"])


def test_a_new_column_is_told_by_one_build(session: Session) -> None:
    """Whatever looked at the source before."""
    write(session.root, {"data/visits.csv": "id,fee,more\n1,1.5,1\n"})
    assert "new column more" in session.status(["raw.visits"])[0].notes[0]
    for expected in (1, 0):
        events: list[Event] = []
        session.build(on_event=events.append)
        told = [one for one in events if isinstance(one, AssetOutput) and "new column more" in one.text]
        assert len(told) == expected


def test_a_lock_that_is_edited_is_noticed(session: Session) -> None:
    """By the token that a face looks at."""
    before = session.revision()
    lock = session.root / "sources.lock"
    lock.write_text(lock.read_text().replace('"DOUBLE"', '"VARCHAR"'))
    assert session.revision() != before
    assert states(session)["fees"] is not State.FRESH
