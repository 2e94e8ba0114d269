"""Records that goals stand on: observations and pauses. See :class:`upriver.materializer.ports.GoalRecords`."""

from __future__ import annotations

from collections.abc import Mapping

import apsw

from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.materializer.ports import Backfill, Pause
from upriver.materializer.state.database import Database
from upriver.materializer.state.rows import decode, encode

_KEPT = 50
"""So many versions of each key are remembered: what was read longer ago is not current in any case."""


def _count(connection: apsw.Connection) -> int:
    return int(str(connection.execute("select count(*) from observations").fetchall()[0][0]))


class Goals:
    """The part of the state that remembers what was observed when."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def observations(self, environment: str) -> Mapping[tuple[Key, str], float]:
        """When each version was last observed: of sources in any environment, of assets in this one."""
        found = self._database.query(
            "select asset, version, at from observations where environment in ('', ?) and partition = ''"
            " order by environment",
            (environment,),
        )
        return {(asset, version): at for asset, version, at in found}

    def remember_observations(self, environment: str, seen: Mapping[tuple[Key, str], float]) -> None:
        """Keep *seen* in place of what was known."""
        if not seen:
            return
        with self._database.write() as connection:
            before = _count(connection)
            connection.executemany(
                "insert or replace into observations values (?, ?, '', ?, ?)",
                [(environment, key, version, at) for (key, version), at in seen.items()],
            )
            if _count(connection) > before:
                connection.executemany(
                    "delete from observations where environment = ?1 and asset = ?2 and partition = ''"
                    " and version not in (select version from observations where environment = ?1 and asset = ?2"
                    f" and partition = '' order by at desc limit {_KEPT})",
                    [(environment, key) for key in dict.fromkeys(key for key, _ in seen)],
                )

    def pauses(self, environment: str) -> Mapping[Key, Pause]:
        """The assets whose goals wait."""
        found = self._database.query(
            "select asset, since, until from pauses where environment = ?", (environment,)
        )
        return {asset: Pause(since, until) for asset, since, until in found}

    def set_pauses(self, environment: str, pauses: Mapping[Key, Pause | None]) -> None:
        """Pause the goals of assets, or let them go on."""
        with self._database.write() as connection:
            for key, pause in pauses.items():
                if pause is None:
                    connection.execute(
                        "delete from pauses where environment = ? and asset = ?", (environment, key)
                    )
                else:
                    connection.execute(
                        "insert or replace into pauses values (?, ?, ?, ?)",
                        (environment, key, pause.since, pause.until),
                    )

    def duration_ranges(self, environment: str) -> Mapping[Node, tuple[float, float]]:
        """The least and the most seconds of each node's last few materializations."""
        found = {}
        for asset, partition, body in self._database.query(
            "select asset, partition, recent from durations where environment = ?", (environment,)
        ):
            seconds = [one for one, _ in decode(body, list[tuple[float, int | None]])]
            found[Node(asset, partition or None)] = min(seconds), max(seconds)
        return found

    def backfills(self, environment: str) -> tuple[Backfill, ...]:
        """The backfills that are not done."""
        found = self._database.query(
            "select body from backfills where environment = ? order by at, id", (environment,)
        )
        return tuple(decode(body, Backfill) for (body,) in found)

    def record_backfill(self, environment: str, goal: Backfill) -> None:
        """Keep *goal*."""
        with self._database.write() as connection:
            connection.execute(
                "insert or replace into backfills values (?, ?, ?, ?)",
                (environment, goal.id, goal.at, encode(goal)),
            )

    def forget_backfill(self, environment: str, id: str) -> None:
        """It is done."""
        with self._database.write() as connection:
            connection.execute("delete from backfills where environment = ? and id = ?", (environment, id))
