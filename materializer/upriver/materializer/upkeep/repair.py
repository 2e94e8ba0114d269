"""Putting right what :mod:`upriver.materializer.upkeep.fsck` finds, without deleting anything.

Damaged and foreign files move to ``.upriver/quarantine/``; materializations whose artifact is gone are
forgotten, so that the next build makes just those again; a lost database is rebuilt from the store's journal,
a damaged journal from the database. Swapped artifacts are whole: each goes back where its bytes belong.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from upriver.assets.errors import StoreError
from upriver.assets.model import Value
from upriver.materializer.state import SqliteState, open_state, rebuild_from_store
from upriver.materializer.state.opening import BUILD_LOCK, QUARANTINE, STATE
from upriver.materializer.storage import locks
from upriver.materializer.storage.durable_files import FilePort, OsFiles, disk_error
from upriver.materializer.storage.local_store import artifact_name
from upriver.materializer.storage.locks import BuildLock
from upriver.materializer.upkeep.fsck import Report, Survey, check


class Repaired(Value, frozen=True):
    """What a repair did, in sentences, and what a check found before and after."""

    before: Report
    actions: tuple[str, ...]
    after: Report


def repair(folder: Path, files: FilePort | None = None, wait: float | None = 0.0) -> Repaired:
    """Put right what is wrong in *folder* (``.upriver``). Raises BusyError during a build."""
    port = files or OsFiles()
    survey = Survey(folder, port)
    before, actions = survey.report(), list[str]()
    if survey.state_lost:
        actions += _rebuild(folder, port)
        survey = Survey(folder, port)
    if survey.problems:
        with contextlib.closing(open_state(folder / STATE, files=port)) as state:
            lease = state.hold("fsck --repair", wait)
            try:
                survey = Survey(folder, port)  # again: a build may have ended since the first look
                actions += _set_aside(survey)
                gone = [one for one in survey.unfounded if not _there(survey, state, one)]
                if gone:
                    state.drop(lease, gone)
                    actions.append(f"forgot {len(gone)} materializations whose artifact is gone")
                if survey.journal_bad:
                    state.compact_journal(lease)
                    actions.append("wrote the journal again from the database")
            finally:
                lease.release()
    return Repaired(before, tuple(actions), check(folder, port))


def _there(survey: Survey, state: SqliteState, id_: str) -> bool:
    one = state.materialization(id_)
    if one is None:
        return False
    info = survey.files.info(survey.store.root / one.version.id[:2] / artifact_name(one.version))
    return info is not None and info.kind == "file" and info.size == one.version.bytes


def _rebuild(folder: Path, files: FilePort) -> list[str]:
    # The database can't grant a lease now; nor can it to anybody else.
    lock = BuildLock(folder / BUILD_LOCK)
    try:
        holder = lock.try_take()
    except OSError as error:
        raise disk_error("lock", lock.path, error) from error
    if holder is not None:
        raise locks.busy(holder)
    actions = []
    try:
        for ending in ("", "-wal", "-shm", "-journal"):
            path = folder / (STATE + ending)
            if files.info(path) is not None:
                actions.append(f"moved {path.name} to {_quarantine(folder, path, files)}")
        rebuilt = rebuild_from_store(folder / STATE, files=files)
    finally:
        lock.release()
    lost = f"; {len(rebuilt.missing)} had lost their artifact" if rebuilt.missing else ""
    actions.append(
        f"rebuilt the state from the journal: {rebuilt.materializations} materializations, "
        f"{rebuilt.pointers} pointers{lost}"
    )
    return actions


def _set_aside(survey: Survey) -> list[str]:
    actions = []
    aside: dict[str, Path] = {}
    for one in survey.broken:
        aside[one.digest] = _quarantine(survey.folder, one.path, survey.files)
        actions.append(f"moved {one.path.name} to {aside[one.digest]}")
    aside_too = () if survey.damaged_warehouse is None else (survey.damaged_warehouse,)
    for path in (*survey.foreign, *aside_too):
        actions.append(f"moved {path.name} to {_quarantine(survey.folder, path, survey.files)}")
    for one in survey.broken:
        if one.id in aside:
            try:
                survey.files.replace(aside[one.id], one.path)
                survey.files.sync_folder(one.path.parent)
            except OSError as error:
                raise disk_error("put back", one.path, error) from error
            del aside[one.id]
            actions.append(f"put {one.path.name} back in its place")
    return actions


def _quarantine(folder: Path, path: Path, files: FilePort) -> Path:
    place = folder / QUARANTINE
    try:
        files.make_folder(place)
        info = files.info(place)
        if info is None or info.kind != "folder":
            raise StoreError(f"{place} is a link or a file, not a folder\n  hint: move it away")
        stamp, number = time.strftime("%Y%m%d-%H%M%S"), 0
        while files.info(target := place / f"{stamp}-{number}-{path.name}") is not None:
            number += 1
        files.replace(path, target)
        files.sync_folder(place)
        files.sync_folder(path.parent)
    except OSError as error:
        raise disk_error("set aside", path, error) from error
    return target
