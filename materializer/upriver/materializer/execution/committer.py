"""The one place where finished work becomes durable: many small assets share one publish and one transaction."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from upriver.assets.identity import Node
from upriver.assets.model import Value
from upriver.lineage.partitions.slices import SliceCounts
from upriver.materializer.execution.inbox import Inbox
from upriver.materializer.model import Materialization, Refusal
from upriver.materializer.ports import Clock, Lease, Seen, Staged, StateWriter, Store
from upriver.materializer.quality.audit import Audit

LINGER = 0.05
"""Seconds that a commit may wait for company while assets wait for a slot: then nothing could start sooner for it, and
each commit costs several syncs, whatever its size."""


class Materialized(Value, frozen=True):
    """One materialization that is to be committed: *staged* is None when an earlier artifact is reused, *changed* says
    whether the content differs from before.
    """

    materialization: Materialization
    staged: Staged | None
    changed: bool = True
    audit: Audit = Audit()
    """How its checks stand on it: with a refusal it is recorded, and not published."""
    more: tuple[Staged, ...] = ()
    """What is published beside *staged*: further segments, and the tables of slices."""
    failure: str | None = None
    """What went wrong with some of its slices, whose others are published all the same."""
    slices: SliceCounts | None = None
    """What was done with its slices; an attempt at slices may have found all of them in earlier files."""

    @property
    def made(self) -> bool:
        """Whether it is new, and no earlier one that is taken again."""
        return self.staged is not None or self.slices is not None

    @property
    def files(self) -> tuple[Staged, ...]:
        """What is published with it."""
        return (*(() if self.staged is None else (self.staged,)), *self.more)

    @property
    def node(self) -> Node:
        """The node that it is of."""
        return self.materialization.node


class Committer:
    """Commits in the order given, as many at once as have come together meanwhile.

    *committed* is called, in the committer's thread, with each group that is durable; *lost* with what another build
    has overtaken: it is recorded, but its node points elsewhere; *failed* with a group
    that could not be committed and the error. Nothing is committed after a failure that says the lease is
    lost. *saturated* tells whether there is more work than slots: then a commit waits a moment for company.
    """

    def __init__(
        self,
        store: Store,
        state: StateWriter,
        lease: Lease,
        environment: str,
        *,
        committed: Callable[[Sequence[Materialized]], None],
        lost: Callable[[Sequence[Materialized]], None],
        failed: Callable[[Sequence[Materialized], Exception], None],
        clock: Clock,
        limit: int = 256,
        saturated: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._state = state
        self._lease = lease
        self._environment = environment
        self._committed = committed
        self._lost = lost
        self._failed = failed
        self._clock = clock
        self._limit = limit
        self._saturated = saturated
        self._queue: Inbox[tuple[Materialized, Seen] | None] = Inbox(clock)
        self._thread = threading.Thread(target=self._work, name="committer", daemon=True)
        self._thread.start()

    def put(self, made: Materialized, seen: Seen) -> None:
        """Hand over one materialization, with what the run took as given for it; returns at once."""
        self._queue.put((made, seen))

    def close(self) -> None:
        """Commit what was handed over, then end."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        ending = False
        while not ending:
            group: list[tuple[Materialized, Seen]] = []
            item = self._queue.get()
            while True:
                if item is None:
                    ending = True
                    break
                if not group:
                    until = self._clock.monotonic() + LINGER
                group.append(item)
                if len(group) >= self._limit:
                    break
                wait = max(0.0, until - self._clock.monotonic()) if self._saturated() else 0.0
                try:
                    item = self._queue.get(wait)
                except queue.Empty:
                    break
            if group:
                self._commit(group)

    def _commit(self, handed_over: Sequence[tuple[Materialized, Seen]]) -> None:
        group = [made for made, _ in handed_over]
        try:
            self._store.publish([file for one in group for file in one.files])
            lost = self._state.commit(
                self._lease,
                self._environment,
                made=[one.materialization for one in group if one.made],
                reused=[one.materialization for one in group if not one.made],
                seen={made.node: seen for made, seen in handed_over},
                refused={
                    one.node: Refusal(
                        one.materialization, one.audit.failed, self._clock.now(), one.materialization.run
                    )
                    for one in group
                    if one.audit.refusal
                },
            )
        except Exception as error:  # noqa: BLE001 -- whatever it is, the run has to hear of it, not this thread
            self._failed(group, error)
        else:
            if kept := [one for one in group if one.node not in lost]:
                self._committed(kept)
            if overtaken := [one for one in group if one.node in lost]:
                self._lost(overtaken)
