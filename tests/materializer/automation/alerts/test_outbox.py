"""The outbox: each message arrives at least once, under one key, and says so when it may be a repetition."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.incidents import INCIDENTS
from tests.fakes.ports import ManualClock, MemoryState

from upriver.assets.project.alerts import Alert, Quiet
from upriver.materializer.automation.alerts.outbox import LEASE, Ending, Outbox
from upriver.materializer.automation.alerts.routing import Target, open_at, outgoing, targets, wants
from upriver.materializer.ports import IncidentState, Message, Transition

DAY = 86_400.0
NOON = 20_000 * DAY + DAY / 2
FAILED, SOURCE = INCIDENTS


class Killed(BaseException):
    """The process ends in the middle of an attempt."""


class Receiver:
    """A sender that notes what arrives and ends as it is told; *ends* are taken in order, then all is well."""

    def __init__(self, *ends: Ending | BaseException) -> None:
        self.ends = list(ends)
        self.arrived: list[tuple[Message, ...]] = []

    def __call__(self, target: Target, messages: Sequence[Message]) -> tuple[Ending, str]:
        end = self.ends.pop(0) if self.ends else Ending.DELIVERED
        if end is not Ending.FAILED:
            self.arrived.append(tuple(messages))
        if isinstance(end, BaseException):
            raise end
        return end, "why"


class World:
    """An outbox over a state in memory, with a clock that the test sets."""

    def __init__(self, alert: Alert, *ends: Ending | BaseException) -> None:
        self.clock = ManualClock(NOON)
        self.state = MemoryState()
        self.receiver = Receiver(*ends)
        self.targets = targets([alert])
        self.outbox = Outbox(
            lambda: self.state, "dev", lambda: self.targets, self.receiver, self.clock, "UTC"
        )

    def opens(self, *incidents: int) -> None:
        """Record that these incidents of the fake project have opened."""
        route = outgoing(self.targets, "dev", "UTC", self.clock.now())
        for number in incidents:
            after = msgspec.structs.replace(
                FAILED,
                id=f"i{number}",
                cause=msgspec.structs.replace(FAILED.cause, asset=f"a{number}"),
                opened=self.clock.now(),
            )
            bare = Transition(None, after)
            self.state.record_transitions([msgspec.structs.replace(bare, messages=tuple(route(bare)))])

    def sent(self) -> list[list[str]]:
        """The keys of each delivery."""
        return [[one.key for one in batch] for batch in self.receiver.arrived]


def test_what_is_delivered_is_not_sent_again() -> None:
    """And nothing is due any more."""
    world = World(Alert(command=("page",)))
    world.opens(1, 2)
    assert world.outbox.send_due() is None
    world.clock.advance(DAY)
    world.outbox.send_due()
    assert [len(batch) for batch in world.sent()] == [1, 1]


def test_a_known_failure_is_sent_again_with_the_same_key() -> None:
    """Later each time, and not marked: nothing had arrived."""
    world = World(Alert(command=("page",)), Ending.FAILED, Ending.FAILED)
    world.opens(1)
    for _ in range(3):
        due = world.outbox.send_due()
        world.clock.advance(0 if due is None else due - world.clock.now())
    ((message,),) = world.receiver.arrived
    assert (message.tries, message.repeated) == (3, False)


@pytest.mark.parametrize("end", [Ending.UNKNOWN, Killed()])
def test_an_unknown_outcome_is_sent_again_and_marked(end: Ending | BaseException) -> None:
    """Also when the process that made the attempt was killed: it was recorded before."""
    world = World(Alert(command=("page",)), end)
    world.opens(1)
    with contextlib.suppress(Killed):
        world.outbox.send_due()
    world.clock.advance(LEASE + 1)
    world.outbox.send_due()
    (first,), (second,) = world.receiver.arrived
    assert first.key == second.key
    assert (first.repeated, second.repeated) == (False, True)


def test_two_processes_send_one_message_once() -> None:
    """What another has taken is left to it."""
    world = World(Alert(command=("page",)))
    world.opens(1)
    (message,) = world.state.messages("dev")
    assert world.state.change_message(message, msgspec.structs.replace(message, due=NOON + LEASE, began=NOON))
    world.outbox.send_due()
    assert world.sent() == []


def test_grouped_messages_come_together() -> None:
    """One delivery for all of the time that they are collected."""
    world = World(Alert(command=("page",), group=300.0))
    world.opens(1, 2)
    assert world.outbox.send_due() == NOON + 300
    world.clock.advance(301)
    world.outbox.send_due()
    assert [len(batch) for batch in world.sent()] == [2]


def test_a_rate_holds_back_and_loses_nothing() -> None:
    """What is too much for an hour comes together, or after it."""
    world = World(Alert(command=("page",), rate=2))
    world.opens(1)
    world.outbox.send_due()
    world.clock.advance(1)
    world.opens(2, 3, 4)
    world.outbox.send_due()
    world.clock.advance(1)
    world.opens(5)
    due = world.outbox.send_due()
    assert due == NOON + 3600
    world.clock.advance(3600)
    world.outbox.send_due()
    assert [len(batch) for batch in world.sent()] == [1, 3, 1]


@given(st.floats(NOON, NOON + 40 * DAY), st.integers(0, 1439), st.integers(0, 1439))
def test_nothing_is_sent_in_quiet_hours(at: float, start: int, end: int) -> None:
    """Whatever the hours: the moment found is not before, not quiet, and at most a day later."""
    if start == end:
        return
    alert = Alert(command=("page",), quiet=Quiet(start, end, "Europe/Berlin"))
    found = open_at(alert, at, "UTC")
    assert at <= found <= at + DAY + 3600
    assert open_at(alert, found, "UTC") == found


def test_a_target_that_is_declared_no_more_is_given_up() -> None:
    """Its messages stay to be read."""
    world = World(Alert(command=("page",)))
    world.opens(1)
    world.targets = {}
    assert world.outbox.send_due() is None
    (left,) = world.state.messages("dev")
    assert (left.due, left.delivered, left.error) == (None, None, "its target is not declared any more")


@pytest.mark.parametrize(
    ("alert", "told"),
    [
        (Alert(), True),
        (Alert(owners=("eng",)), True),
        (Alert(owners=("ops",)), False),
        (Alert(tags=("marts", "x")), True),
        (Alert(tags=("x",)), False),
        (Alert(kinds=("source",)), False),
        (Alert(kinds=("source", "failed")), True),
        (Alert(environments=("prod",)), False),
        (Alert(transitions=("recovered",)), False),
    ],
)
def test_who_is_told_of_what(alert: Alert, told: bool) -> None:
    """By owner, tag, kind, transition and environment."""
    assert wants(alert, Transition(None, FAILED), "dev") == told


def test_a_target_has_a_name_without_its_secrets() -> None:
    """The same at every start, another for another address."""
    alert = Alert(
        to=("mailto://me:hunter22@example.com", "json://example.com/token"), command=("./bin/page", "x")
    )
    names = list(targets([alert]))
    assert names == list(targets([alert]))
    assert [name.partition(":")[0] for name in names] == ["mailto", "json", "command page"]
    assert not any(secret in name for name in names for secret in ("hunter", "token", "me"))


def test_a_recovery_has_a_key_of_its_own() -> None:
    """One row for each transition and target."""
    route = outgoing(targets([Alert(command=("page",))]), "dev", "UTC", NOON)
    over = msgspec.structs.replace(FAILED, state=IncidentState.RECOVERED, recovered=NOON)
    (first,), (second,) = route(Transition(None, FAILED)), route(Transition(FAILED, over))
    assert first.key != second.key
    assert first.target == second.target
    assert SOURCE.id not in first.key
