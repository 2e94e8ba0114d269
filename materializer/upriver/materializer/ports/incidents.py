"""The part of the state port that incidents stand on: what is wrong for one root cause, and messages about it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from upriver.assets.model import Key, Place, Value


class IncidentKind(StrEnum):
    """The classes of root causes."""

    FAILED = "failed"
    CHECK = "check"
    BROKEN = "broken"
    SOURCE = "source"
    OVERDUE = "overdue"
    HELD = "held"
    IN_DOUBT = "in_doubt"


class IncidentState(StrEnum):
    """How far an incident has come."""

    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    RECOVERED = "recovered"


class Change(Value, frozen=True):
    """What is another since the last good content: *what* is ``code``, by line, or ``data``, by column and rows."""

    asset: Key
    what: str
    detail: str = ""
    columns: tuple[str, ...] = ()
    place: Place | None = None
    lines: tuple[str, ...] = ()


class LastGood(Value, frozen=True):
    """The latest materialization of the root that was good; whether it is *served* meanwhile."""

    id: str
    run: str
    at: float
    rows: int | None = None
    served: bool = True


class Affected(Value, frozen=True):
    """What suffers from a root cause. *columns* are pairs of asset and column."""

    assets: tuple[Key, ...] = ()
    columns: tuple[tuple[Key, str], ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()


class Healing(Value, frozen=True):
    """Whether a root cause may go away without a person; *at* is when that is tried or expected next."""

    by_itself: bool
    how: str
    at: float | None = None


class RootCause(Value, frozen=True):
    """What is wrong, *since* when (seconds since the epoch). *asset* is where; empty for the project as a whole."""

    asset: Key
    kind: IncidentKind
    message: str
    since: float
    affected: Affected
    healing: Healing
    changes: tuple[Change, ...] = ()
    last_good: LastGood | None = None


class Incident(Value, frozen=True):
    """One root cause from when it was noticed until it was gone. *occurrence* counts its like, this one included."""

    id: str
    environment: str
    cause: RootCause
    state: IncidentState
    opened: float
    acknowledged: float | None = None
    note: str = ""
    recovered: float | None = None
    occurrence: int = 1

    @property
    def open(self) -> bool:
        """Whether it is still so."""
        return self.state is not IncidentState.RECOVERED


class Message(Value, frozen=True):
    """One transition of an incident, for one target of alerts; a row of the outbox.

    *key* is the same however often it is sent; *target* names the target without its secrets. *due* is when it may be
    sent (again); None: it was delivered, or given up. *began* is when the latest attempt began whose outcome is
    unknown.
    """

    key: str
    target: str
    incident: Incident
    transition: IncidentState
    created: float
    due: float | None
    tries: int = 0
    began: float | None = None
    repeated: bool = False
    delivered: float | None = None
    error: str = ""


class Transition(Value, frozen=True):
    """An incident becomes another one (*before* None: it opens); *messages* are to be sent when it does."""

    before: Incident | None
    after: Incident
    messages: tuple[Message, ...] = ()


class IncidentRecords(Protocol):
    """Incidents, and the alerts that are still to be sent. No lease is needed: each change compares and sets."""

    def incidents(self, environment: str, *, open: bool = False, limit: int = 200) -> Sequence[Incident]:
        """Incidents, newest first; with *open* those that are still so, all of them."""
        ...

    def record_transitions(self, transitions: Sequence[Transition]) -> Sequence[Transition]:
        """Record those whose incident is still as it was before, each with its messages; which ones."""
        ...

    def messages(self, environment: str, *, due: float | None = None, limit: int = 1000) -> Sequence[Message]:
        """Messages, oldest first: those to be sent by *due*, or (None) all that are remembered."""
        ...

    def change_message(self, before: Message, after: Message) -> bool:
        """Let *after* stand for *before*; False when that is another by now."""
        ...
