"""Incidents and the outbox of messages about them. See :class:`upriver.materializer.ports.IncidentRecords`."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from upriver.materializer.ports import Incident, Message, Transition
from upriver.materializer.state.database import Database
from upriver.materializer.state.rows import decode, encode, increase

_KEPT = 1000
"""So many incidents that are over are remembered, and as many messages that were sent."""


class Incidents:
    """The part of the state that remembers what is or was wrong."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def incidents(self, environment: str, *, open: bool = False, limit: int = 200) -> Sequence[Incident]:
        """Incidents, newest first; with *open* those that are still so, all of them."""
        found = self._database.query(
            "select body from incidents where environment = ?1 and (open or not ?2) order by opened desc, id limit ?3",
            (environment, open, -1 if open else limit),
        )
        return [decode(body, Incident) for (body,) in found]

    def record_transitions(self, transitions: Sequence[Transition]) -> Sequence[Transition]:
        """Record those whose incident is still as it was before, each with its messages; which ones."""
        if not transitions:
            return []
        done = []
        with self._database.write() as connection:
            for one in transitions:
                if _set(connection, one):
                    done.append(one)
                    connection.executemany(
                        "insert or ignore into outbox values (?, ?, ?, ?, ?)",
                        [
                            (each.key, one.after.environment, each.created, each.due, encode(each))
                            for each in one.messages
                        ],
                    )
            if done:
                _forget(connection)
                increase(connection, "revision")
        return done

    def messages(self, environment: str, *, due: float | None = None, limit: int = 1000) -> Sequence[Message]:
        """Messages, oldest first: those to be sent by *due*, or (None) all that are remembered."""
        found = self._database.query(
            "select body from outbox where environment = ?1 and (?2 is null or due <= ?2)"
            " order by created, key limit ?3",
            (environment, due, limit),
        )
        return [decode(body, Message) for (body,) in found]

    def change_message(self, before: Message, after: Message) -> bool:
        """Let *after* stand for *before*; False when that is another by now."""
        with self._database.write() as connection:
            connection.execute(
                "update outbox set due = ?, body = ? where key = ? and body = ?",
                (after.due, encode(after), before.key, encode(before)),
            )
            return connection.changes() == 1


def _set(connection: apsw.Connection, one: Transition) -> bool:
    after = one.after
    if one.before is None:
        connection.execute(
            "insert or ignore into incidents values (?, ?, ?, ?, ?, ?, ?)",
            (after.id, after.environment, after.cause.asset, after.cause.kind.value, after.open, after.opened,
             encode(after)),
        )  # fmt: skip
    else:
        connection.execute(
            "update incidents set open = ?, body = ? where id = ? and body = ?",
            (after.open, encode(after), after.id, encode(one.before)),
        )
    return connection.changes() == 1


def _forget(connection: apsw.Connection) -> None:
    connection.execute(
        "delete from incidents where not open and id not in"
        f" (select id from incidents where not open order by opened desc limit {_KEPT})"
    )
    connection.execute(
        "delete from outbox where due is null and key not in"
        f" (select key from outbox where due is null order by created desc limit {_KEPT})"
    )
