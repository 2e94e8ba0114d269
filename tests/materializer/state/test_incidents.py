"""What every state store promises of incidents and the outbox: the SQLite one on disk, and the fake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.fakes.incidents import INCIDENTS
from tests.fakes.ports import ManualClock, MemoryState

from upriver.materializer.ports import IncidentRecords, IncidentState, Message, Transition
from upriver.materializer.state import open_state

ONE, OTHER = INCIDENTS


@pytest.fixture(params=["disk", "fake"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IncidentRecords]:
    if request.param == "fake":
        yield MemoryState()
        return
    found = open_state(tmp_path / ".upriver" / "state.db", clock=ManualClock(77.0))
    yield found
    assert found.check() == []
    found.close()


def message(key: str, created: float = 1.0, due: float | None = 1.0) -> Message:
    return Message(key, "target", ONE, IncidentState.OPENED, created, due)


def test_one_incident_of_a_cause_is_open_at_a_time(state: IncidentRecords) -> None:
    """Whoever notices it second has not opened it, and sends nothing."""
    first = Transition(None, ONE, (message("k1"),))
    assert state.record_transitions([first, Transition(None, OTHER)]) == [first, Transition(None, OTHER)]
    again = msgspec.structs.replace(ONE, id="another", opened=ONE.opened + 1)
    assert state.record_transitions([Transition(None, again, (message("k2"),))]) == []
    assert [one.key for one in state.messages("dev")] == ["k1"]
    assert [one.id for one in state.incidents("dev")] == [ONE.id, OTHER.id]
    assert state.incidents("prod") == []


def test_a_transition_is_recorded_once(state: IncidentRecords) -> None:
    """It goes from what was known; another may open when it is over."""
    state.record_transitions([Transition(None, ONE)])
    over = msgspec.structs.replace(ONE, state=IncidentState.RECOVERED, recovered=9.0)
    assert len(state.record_transitions([Transition(ONE, over)])) == 1
    assert state.record_transitions([Transition(ONE, over)]) == []
    assert state.incidents("dev", open=True) == []
    again = msgspec.structs.replace(ONE, id="another", opened=ONE.opened + 1)
    assert len(state.record_transitions([Transition(None, again)])) == 1


def test_messages_are_due_until_they_are_delivered(state: IncidentRecords) -> None:
    """Of two that would change one, one does."""
    rows = (message("k1", 1.0, 5.0), message("k2", 2.0, 9.0))
    state.record_transitions([Transition(None, ONE, rows)])
    assert [one.key for one in state.messages("dev", due=5.0)] == ["k1"]
    taken = msgspec.structs.replace(rows[0], due=50.0, began=5.0, tries=1)
    assert state.change_message(rows[0], taken)
    assert not state.change_message(rows[0], taken)
    assert state.messages("dev", due=9.0) == [rows[1]]
    assert state.change_message(taken, msgspec.structs.replace(taken, due=None, delivered=6.0))
    assert [one.key for one in state.messages("dev", due=1e9)] == ["k2"]
    assert len(state.messages("dev")) == 2
