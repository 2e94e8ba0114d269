"""Remembered facts: safe to lose, cheap to recompute, true whichever process writes them. No lease is needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from upriver.assets.model import CodePart, Key
from upriver.lineage.model import Footprint
from upriver.materializer.ports import SourceRecord
from upriver.materializer.state.database import Database, FullDisk
from upriver.materializer.state.rows import decode, decode_json, encode


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


class Facts:
    """See :class:`upriver.materializer.ports.FactCache`."""

    def __init__(self, database: Database, algorithm: str) -> None:
        self._database = database
        self._algorithm = algorithm

    def fingerprints(self, versions: Iterable[str]) -> Mapping[tuple[str, Footprint], str]:
        """Known fingerprints, by (version id, footprint), for these versions and the present algorithm."""
        found = self._database.query(
            "select version, footprint, f.value from json_each(?) j"
            " join fingerprints f on f.version = j.value where algorithm = ?",
            (_json(sorted(set(versions))), self._algorithm),
        )
        known: dict[str, Footprint] = {}  # a project has few distinct footprints, each for many versions
        for _, text, _ in found:
            if text not in known:
                known[text] = decode_json(text.encode(), Footprint)
        return {(version, known[text]): value for version, text, value in found}

    def remember_fingerprints(self, found: Mapping[tuple[str, Footprint], str]) -> None:
        """Add fingerprints."""
        self._remember(
            "insert or replace into fingerprints (version, algorithm, footprint, value) values (?, ?, ?, ?)",
            [
                (version, self._algorithm, _json(footprint), value)
                for (version, footprint), value in found.items()
            ],
        )

    def sources(self) -> Mapping[Key, SourceRecord]:
        """What was last seen of every source."""
        found = self._database.query("select key, body from sources")
        return {key: decode(body, SourceRecord) for key, body in found}

    def remember_sources(self, records: Iterable[SourceRecord]) -> None:
        """Replace what was last seen of these sources."""
        records = tuple(records)
        self._remember(
            "insert or replace into sources (key, version, body) values (?, ?, ?)",
            [(one.key, one.version.id, encode(one)) for one in records],
        )
        self._remember(
            "insert or replace into observations (environment, asset, version, at) values ('', ?, ?, ?)",
            [(one.key, one.version.id, one.observed) for one in records],
        )

    def recipe_parts(self, fingerprint: str) -> Sequence[CodePart]:
        """The code behind a recipe fingerprint, for showing a diff; empty when unknown."""
        found = self._database.query("select body from recipes where fingerprint = ?", (fingerprint,))
        return decode(found[0][0], list[CodePart]) if found else []

    def remember_recipes(self, recipes: Mapping[str, Sequence[CodePart]]) -> None:
        """Keep the code behind recipe fingerprints."""
        self._remember(
            "insert or replace into recipes values (?, ?)",
            [(fingerprint, encode(list(parts))) for fingerprint, parts in recipes.items()],
        )

    def forget_fingerprints(self, except_of: Iterable[str]) -> None:
        """Drop all fingerprints but those of the versions *except_of*."""
        self._remember(
            "delete from fingerprints where version not in (select value from json_each(?))",
            [(_json(sorted(except_of)),)],
        )

    def distrust_fingerprints(self, of: Iterable[str]) -> None:
        """Drop all fingerprints of the versions *of*."""
        self._remember(
            "delete from fingerprints where version in (select value from json_each(?))",
            [(_json(sorted(of)),)],
        )

    def _remember(self, sql: str, parameters: list[tuple[Any, ...]]) -> None:
        if not parameters or self._database.readonly:
            return
        with suppress(FullDisk), self._database.write() as connection:
            connection.executemany(sql, parameters)
