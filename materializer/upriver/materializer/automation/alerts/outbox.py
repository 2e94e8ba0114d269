"""Outbox: sends messages that are due, each recorded before it is sent, until it is known that they have arrived.

An attempt is recorded before it is made. One whose outcome is not known is made again under the same key, and
the message says that it is possibly repeated.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from upriver.assets.model import Value
from upriver.materializer.automation.alerts.routing import Target, open_at
from upriver.materializer.ports import Clock, IncidentRecords, Message

FIRST, MOST = 10.0, 3600.0
"""Seconds before the first repetition of what did not arrive, doubled each time, and the longest."""

LEASE = 180.0
"""Seconds after which an attempt whose process has said nothing more is taken for one whose end is unknown."""

HOUR = 3600.0


class Ending(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It is known that nothing has arrived."""
    UNKNOWN = "unknown"


class Delivery(Value, frozen=True):
    """What became of an attempt to deliver *messages* to *target*. *detail* holds no secret."""

    target: str
    messages: tuple[Message, ...]
    ending: Ending
    detail: str = ""


class Sender(Protocol):
    """What carries messages to a target."""

    def __call__(self, target: Target, messages: Sequence[Message]) -> tuple[Ending, str]:
        """Deliver *messages* together; how it ended, and a phrase about it without secrets. Does not raise."""
        ...


class Outbox:
    """The messages of one environment. *targets* tells the targets of now, *zone* that of quiet hours."""

    def __init__(
        self,
        records: Callable[[], IncidentRecords],
        environment: str,
        targets: Callable[[], Mapping[str, Target]],
        send: Sender,
        clock: Clock,
        zone: str,
        on_delivery: Callable[[Delivery], None] = lambda delivery: None,
    ) -> None:
        self._records = records
        self._environment = environment
        self._targets = targets
        self._send = send
        self._clock = clock
        self._zone = zone
        self._on_delivery = on_delivery
        self._turn = threading.Lock()

    def send_due(self) -> float | None:
        """Send what is due now, once each; when something will be due next."""
        with self._turn:
            now = self._clock.now()
            due: dict[str, list[Message]] = {}
            for message in self._records().messages(self._environment, due=now):
                due.setdefault(message.target, []).append(message)
            if due:
                known = self._targets()
                for name, messages in due.items():
                    self._serve(known.get(name), messages)
            left = [
                one.due
                for one in self._records().messages(self._environment, due=float("inf"))
                if one.due is not None
            ]
            return min(left, default=None)

    def _serve(self, target: Target | None, messages: list[Message]) -> None:
        now = self._clock.now()
        if target is None:
            for one in messages:
                self._set(one, due=None, error="its target is not declared any more")
            return
        opens = open_at(target.alert, now, self._zone)
        if opens > now:
            for one in messages:
                self._set(one, due=opens)
            return
        allowed, free = self._allowance(target, now)
        if allowed == 0:
            for one in messages:
                self._set(one, due=free)
            return
        together = target.alert.group > 0 or len(messages) > allowed
        for batch in [messages] if together else [[one] for one in messages]:
            self._attempt(target, batch)

    def _allowance(self, target: Target, now: float) -> tuple[int, float]:
        """How many deliveries its rate leaves for this hour, and when there is room for another."""
        if target.alert.rate is None:
            return 1 << 30, now
        sent = {
            one.delivered
            for one in self._records().messages(self._environment)
            if one.target == target.name and one.delivered is not None and now - HOUR < one.delivered <= now
        }
        return max(0, target.alert.rate - len(sent)), min(sent, default=now) + HOUR

    def _attempt(self, target: Target, messages: Sequence[Message]) -> None:
        now = self._clock.now()
        taken = []
        for one in messages:
            repeated = one.repeated or one.began is not None
            if mine := self._set(one, due=now + LEASE, began=now, tries=one.tries + 1, repeated=repeated):
                taken.append(mine)
        if not taken:
            return  # another process sends them
        ending, detail = self._send(target, taken)
        now = self._clock.now()
        for one in taken:
            if ending is Ending.DELIVERED:
                self._set(one, due=None, began=None, delivered=now, error="")
                continue
            due = now + min(MOST, FIRST * 2.0 ** min(one.tries - 1, 20))
            self._set(one, due=due, began=None if ending is Ending.FAILED else one.began, error=detail)
        self._on_delivery(Delivery(target.name, tuple(taken), ending, detail))

    def _set(self, message: Message, **changes: object) -> Message | None:
        after: Message = msgspec.structs.replace(message, **changes)
        return after if self._records().change_message(message, after) else None
