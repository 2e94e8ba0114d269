"""View of the last runs of each asset, for the sparkline of the list."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from upriver.assets.model import Key
from upriver.materializer.answers import HistoryEntry, RunEntry
from upriver.materializer.model import Outcome
from upriver.materializer.operations import ProjectApi

KEPT = 8
_TOLD = (Outcome.BUILT, Outcome.FAILED, Outcome.BROKEN, Outcome.BLOCKED, Outcome.CANCELLED)


class Past(NamedTuple):
    """One outcome of an asset: in which run, how it ended, how long it took."""

    run: str
    outcome: Outcome
    seconds: float
    at: float


class Recent:
    """The last outcomes of every asset, oldest first. Runs that did nothing to an asset do not count."""

    def __init__(self) -> None:
        self._by_asset: dict[Key, tuple[Past, ...]] = {}
        self._runs: set[str] = set()
        self._looked_up: set[Key] = set()
        self.newest: RunEntry | None = None

    @property
    def known_runs(self) -> frozenset[str]:
        """The runs already taken in."""
        return frozenset(self._runs)

    def of(self, key: Key) -> tuple[Past, ...]:
        """At most eight outcomes of *key*, oldest first."""
        return self._by_asset.get(key, ())

    def unknown(self, keys: Iterable[Key]) -> list[Key]:
        """Those of *keys* whose older history has not been looked up yet."""
        return [key for key in keys if key not in self._looked_up and len(self._by_asset.get(key, ())) < KEPT]

    def add_runs(self, entries: Iterable[RunEntry]) -> set[Key]:
        """Take in finished runs; the keys concerned."""
        touched: set[Key] = set()
        for entry in entries:
            if entry.id in self._runs or entry.finished is None:
                continue
            self._runs.add(entry.id)
            if self.newest is None or entry.started > self.newest.started:
                # Its ten thousand results are folded into what is kept of each asset.
                self.newest = msgspec.structs.replace(entry, assets=())
            for result in entry.assets:
                if result.action in _TOLD:
                    at = entry.started
                    self._add(result.asset, Past(entry.id, result.action, result.seconds, at), surely=True)
                    touched.add(result.asset)
        return touched

    def add_history(self, key: Key, entries: Iterable[HistoryEntry]) -> None:
        """Take in the history of one asset."""
        self._looked_up.add(key)
        for entry in entries:
            self._add(key, Past(entry.run, Outcome.BUILT, entry.seconds, entry.materialized_at))

    def _add(self, key: Key, past: Past, *, surely: bool = False) -> None:
        """What a run says of itself (*surely*) replaces what is only inferred from materializations."""
        known = {other.run: other for other in self._by_asset.get(key, ())}
        if surely or past.run not in known:
            known[past.run] = past
        self._by_asset[key] = tuple(sorted(known.values(), key=lambda other: other.at)[-KEPT:])


SLOW = 0.05
"""Seconds for one asset's history beyond which the others are not worth their time."""


def read_histories(session: ProjectApi, keys: Sequence[Key]) -> dict[Key, tuple[HistoryEntry, ...]]:
    """The last materializations of *keys*; of the first alone where that takes long. In a worker thread."""
    found: dict[Key, tuple[HistoryEntry, ...]] = {}
    for key in keys:
        begun = time.perf_counter()
        found[key] = session.history(key, KEPT)
        if time.perf_counter() - begun > SLOW:
            break
    return found


def read_runs(session: ProjectApi, known: frozenset[str]) -> tuple[RunEntry, ...]:
    """The last finished runs with their assets, without those already *known*. Runs in a worker thread."""
    entries = []
    for entry in session.runs(KEPT):
        if entry.finished is not None and entry.id not in known:
            full = entry if entry.assets else session.run(entry.id)
            # Of a run that found ten thousand assets fresh nothing is kept: not all eight have to be here at once.
            told = tuple(result for result in full.assets if result.action in _TOLD)
            entries.append(msgspec.structs.replace(full, assets=told))
    return tuple(entries)
