"""Distrust: what was made from an artifact that turned out to be damaged is forgotten, so that it is made again."""

from __future__ import annotations

from collections.abc import Collection

from upriver.materializer.model import Failure, Materialization
from upriver.materializer.ports import Lease, StateStore


def distrust_readers(
    state: StateStore, lease: Lease, damaged: Collection[str], run: str, now: float
) -> tuple[Materialization, ...]:
    """Forget every materialization that has read one of the artifacts *damaged* (ids); these.

    When the bytes went wrong is not known: each of them may have been made from the wrong ones. Where one was current,
    the reason why it is missing is recorded. Fingerprints of the damaged artifacts are forgotten as well.
    """
    history = state.history(limit=-1)
    # A version of several artifacts has an id of its own.
    damaged = {*damaged} | {
        one.version.id for one in history if any(ref.id in damaged for ref in one.artifacts)
    }
    readers = {one.id: one for one in history if any(read.version in damaged for read in one.trace.reads)}
    # Slices are carried over from one materialization to the next, and with them what was made of wrong bytes.
    assets = {one.asset for one in readers.values()}
    readers |= {one.id: one for one in history if one.slices is not None and one.asset in assets}
    pointed = [
        (environment, readers[pointer.materialization])
        for environment, pointer in state.pointers()
        if pointer.materialization in readers
    ]
    state.distrust_fingerprints(damaged)
    state.drop(lease, list(readers))
    for environment, one in pointed:
        read = (
            ", ".join(read.upstream for read in one.trace.reads if read.version in damaged) or "an upstream"
        )
        reason = f"it may have been made from wrong bytes: the artifact of {read} that it read was damaged"
        failure = Failure(
            one.asset,
            run,
            one.trace.recipe,
            now,
            reason,
            attempts=0,
            partition=one.partition,
            distrusted=True,
        )
        state.record_failure(lease, environment, failure)
    return tuple(readers.values())
