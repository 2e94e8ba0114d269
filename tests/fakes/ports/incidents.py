"""Incidents and their messages in memory. See :class:`upriver.materializer.ports.IncidentRecords`."""

from __future__ import annotations

from collections.abc import Sequence

from upriver.materializer.ports import Incident, Message, Transition


class MemoryIncidents:
    """Dictionaries by id and by key."""

    def __init__(self) -> None:
        self._incidents: dict[str, Incident] = {}
        self._messages: dict[str, Message] = {}

    def incidents(self, environment: str, *, open: bool = False, limit: int = 200) -> Sequence[Incident]:
        found = [one for one in self._incidents.values() if one.environment == environment]
        found.sort(key=lambda one: (-one.opened, one.id))
        return [one for one in found if one.open] if open else found[:limit]

    def record_transitions(self, transitions: Sequence[Transition]) -> Sequence[Transition]:
        return [one for one in transitions if self._record(one)]

    def _record(self, one: Transition) -> bool:
        after = one.after
        place = (after.cause.asset, after.cause.kind)
        if one.before is None:
            open_now = self.incidents(after.environment, open=True)
            if after.id in self._incidents or place in [(i.cause.asset, i.cause.kind) for i in open_now]:
                return False
        elif self._incidents.get(after.id) != one.before:
            return False
        self._incidents[after.id] = after
        for message in one.messages:
            self._messages.setdefault(message.key, message)
        return True

    def messages(self, environment: str, *, due: float | None = None, limit: int = 1000) -> Sequence[Message]:
        found = [
            one
            for one in self._messages.values()
            if one.incident.environment == environment
            and (due is None or (one.due is not None and one.due <= due))
        ]
        return sorted(found, key=lambda one: (one.created, one.key))[:limit]

    def change_message(self, before: Message, after: Message) -> bool:
        if self._messages.get(before.key) != before:
            return False
        self._messages[before.key] = after
        return True

    def remove_environment(self, environment: str) -> None:
        """Forget what is of *environment*."""
        self._incidents = {k: one for k, one in self._incidents.items() if one.environment != environment}
        self._messages = {
            k: one for k, one in self._messages.items() if one.incident.environment != environment
        }
