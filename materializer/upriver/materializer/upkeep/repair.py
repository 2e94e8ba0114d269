"""Putting right what :mod:`upriver.materializer.upkeep.fsck` finds, without deleting anything.

Damaged and foreign files move to ``.upriver/quarantine/``; materializations whose artifact is gone are
forgotten, so that the next build makes just those again, and so are those that have read a damaged one: they may have
been made from wrong bytes; a lost database is rebuilt from the store's journal,
a damaged journal from the database. Swapped artifacts are whole: each goes back where its bytes belong.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from upriver.assets.model import Value
from upriver.materializer.ports import Damaged, ProjectStorage, StateStore
from upriver.materializer.state.distrust import distrust_readers
from upriver.materializer.upkeep.fsck import Report, Survey, check

_WRONG = "it may have been made from wrong bytes, and is made again by the next build"


class Repaired(Value, frozen=True, tag=True):
    """What a repair did, in sentences, and what a check found before and after."""

    before: Report
    actions: tuple[str, ...]
    after: Report


def repair(storage: ProjectStorage, wait: float | None = 0.0) -> Repaired:
    """Put right what is wrong in *storage*. Raises BusyError while a build runs."""
    survey = Survey(storage)
    before, actions = survey.report(), list[str]()
    if survey.outdated:
        with contextlib.suppress(Damaged), contextlib.closing(storage.open_state(readonly=False)):
            actions.append("upgraded the state")
        survey = Survey(storage)
        survey.state_lost = survey.state_lost or survey.outdated  # it holds a record that can't be upgraded
    if survey.state_lost:
        actions += storage.rebuild_state()
        survey = Survey(storage)
    if survey.problems:
        with contextlib.closing(storage.open_state(readonly=False)) as state:
            lease = state.hold("fsck --repair", wait)
            try:
                survey = Survey(storage)  # again: a build may have ended since the first look
                actions += _set_aside(survey)
                if damaged := {one.id for one in survey.broken}:
                    distrusted = distrust_readers(state, lease, damaged, "", storage.clock.now())
                    actions += [f"forgot {one.node}: {_WRONG}" for one in distrusted]
                gone = [one for one in survey.unfounded if _lost(survey, state, one)]
                if gone:
                    state.drop(lease, gone)
                    actions.append(f"forgot {len(gone)} materializations whose artifact is gone")
                if survey.journal_bad:
                    state.compact_journal(lease)
                    actions.append("wrote the journal again from the database")
            finally:
                lease.release()
    return Repaired(before, tuple(actions), check(storage))


def _lost(survey: Survey, state: StateStore, id_: str) -> bool:
    """Whether the materialization is recorded, but not all of its artifact is there."""
    one = state.materialization(id_)
    if one is None:
        return False
    wanted = set(one.artifacts)
    return wanted != {stored.ref for stored in survey.store.list() if stored.ref in wanted}


def _set_aside(survey: Survey) -> list[str]:
    actions = []
    aside: dict[str, str] = {}
    for one in survey.broken:
        aside[one.digest] = survey.store.set_aside(one.stored)
        actions.append(f"moved {one.name} to {aside[one.digest]}")
    for stored in survey.foreign:
        actions.append(f"moved {Path(stored.place).name} to {survey.store.set_aside(stored)}")
    if (warehouse := survey.damaged_warehouse) is not None:
        actions.append(f"moved {warehouse.name} to {survey.storage.set_aside(warehouse)}")
    for one in survey.broken:
        if one.id in aside:
            survey.store.put_back(aside[one.id], one.ref)
            del aside[one.id]
            actions.append(f"put {one.name} back in its place")
    return actions
