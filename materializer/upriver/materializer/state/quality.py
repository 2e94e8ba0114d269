"""Verdicts of checks, refused artifacts and accepted failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.materializer.model import Acceptance, Refusal, Verdict
from upriver.materializer.ports import Approval, KeptProfile, Lease
from upriver.materializer.state.database import Database
from upriver.materializer.state.rows import check_lease, columns_of, decode, encode, increase

KEPT = 300
"""So many profiles are kept of an asset."""


class Quality:
    """The part of the state that remembers what checks have found and decided."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def verdicts(self, ids: Iterable[str]) -> Mapping[str, Verdict]:
        """The verdicts with these ids, as far as they are known."""
        asked = msgspec.json.encode(list(ids)).decode()
        found = self._database.query(
            "select v.id, v.body from json_each(?) j join verdicts v on v.id = j.value", (asked,)
        )
        return {id_: decode(body, Verdict) for id_, body in found}

    def verdict_history(self, asset: Key, check: str, limit: int = 20) -> Sequence[Verdict]:
        """The verdicts of one check, newest first."""
        found = self._database.query(
            "select body from verdicts where asset = ? and name = ? order by at desc limit ?",
            (asset, check, limit),
        )
        return [decode(body, Verdict) for (body,) in found]

    def samples(self) -> frozenset[str]:
        """The ids of the artifacts that hold offenders."""
        bodies = self._database.query("select body from verdicts")
        found = (decode(body, Verdict).sample for (body,) in bodies)
        return frozenset(sample.id for sample in found if sample is not None)

    def remember_verdicts(self, verdicts: Mapping[str, Verdict]) -> None:
        """Keep verdicts, each under an id of what was read. A verdict under another id holds for that as well."""
        if not verdicts:
            return
        with self._database.write() as connection:
            connection.executemany(
                "insert or replace into verdicts (id, asset, name, at, body) values (?, ?, ?, ?, ?)",
                [(id_, one.asset, one.check, one.at, encode(one)) for id_, one in verdicts.items()],
            )
            increase(connection, "revision")

    def profile(self, version: str) -> KeptProfile | None:
        """The profile of a content, if it was taken."""
        found = self._database.query("select body from profiles where version = ?", (version,))
        return decode(found[0][0], KeptProfile) if found else None

    def profiles(self, asset: Key, limit: int = 50) -> Sequence[KeptProfile]:
        """The profiles of the contents that an asset had, newest first."""
        found = self._database.query(
            "select body from profiles where asset = ? order by at desc limit ?", (asset, limit)
        )
        return [decode(body, KeptProfile) for (body,) in found]

    def remember_profiles(self, profiles: Iterable[KeptProfile]) -> None:
        """Keep profiles; of each asset the newest :data:`KEPT`. They are not part of what a revision tells: nothing is
        decided by them.
        """
        kept = list(profiles)
        if not kept:
            return
        with self._database.write() as connection:
            connection.executemany(
                "insert or replace into profiles (version, asset, at, body) values (?, ?, ?, ?)",
                [(one.version, one.asset, one.at, encode(one)) for one in kept],
            )
            for asset in {one.asset for one in kept}:
                connection.execute(
                    "delete from profiles where asset = ?1 and version in"
                    " (select version from profiles where asset = ?1 order by at desc limit -1 offset ?2)",
                    (asset, KEPT),
                )

    def refusals(self, environment: str | None = None) -> Mapping[Node, Refusal]:
        """The artifacts that were made and not published, in *environment* or (None) in any."""
        found = self._database.query(
            "select asset, partition, body from refusals where ?1 is null or environment = ?1", (environment,)
        )
        return {Node(asset, partition or None): decode(body, Refusal) for asset, partition, body in found}

    def acceptances(self, environment: str) -> Mapping[str, Acceptance]:
        """The failures that were accepted in *environment*, by the id of the verdict."""
        found = self._database.query(
            "select verdict, body from acceptances where environment = ?", (environment,)
        )
        return {verdict: decode(body, Acceptance) for verdict, body in found}

    def approvals(self, environment: str) -> Sequence[Approval]:
        """What was approved in *environment*, the latest first."""
        found = self._database.query("select body from approvals where environment = ?", (environment,))
        return sorted((decode(body, Approval) for (body,) in found), key=lambda one: -one.at)

    def approve(self, environment: str, approval: Approval) -> None:
        """Record that a person has approved what a node is made from."""
        with self._database.write() as connection:
            connection.execute(
                "insert or replace into approvals values (?, ?, ?, ?, ?)",
                (environment, *columns_of(approval.node), approval.inputs, encode(approval)),
            )
            increase(connection, "revision")

    def record_refusal(self, lease: Lease, environment: str, refusal: Refusal) -> None:
        """Remember that an artifact, which is recorded already, was not published."""
        with self._database.write() as connection:
            check_lease(connection, lease)
            connection.execute(
                "insert or replace into refusals values (?, ?, ?, ?)",
                (environment, *columns_of(refusal.node), encode(refusal)),
            )
            increase(connection, "revision")

    def accept(self, lease: Lease, environment: str, acceptances: Iterable[Acceptance]) -> None:
        """Record exceptions: these failures don't stop their content in *environment*."""
        with self._database.write() as connection:
            check_lease(connection, lease)
            connection.executemany(
                "insert or replace into acceptances values (?, ?, ?, ?)",
                [(environment, one.verdict, one.asset, encode(one)) for one in acceptances],
            )
            increase(connection, "revision")
