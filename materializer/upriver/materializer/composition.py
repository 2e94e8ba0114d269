"""The composition: the one place that names SQLite, DuckDB, the local disk and worker processes."""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from upriver.assets.errors import StoreError, UsageError
from upriver.assets.support.machine import default_memory
from upriver.lineage.project.project import Project
from upriver.materializer.context import Context
from upriver.materializer.engines.types import DUCKDB
from upriver.materializer.freshness.fingerprint import algorithm
from upriver.materializer.ports import Clock, Engine, Executor, Places
from upriver.materializer.sources.registry import read_in_place
from upriver.materializer.state import open_state
from upriver.materializer.state.local_storage import LocalStorage
from upriver.materializer.storage.clock import SystemClock
from upriver.materializer.storage.local_store import LocalStore
from upriver.materializer.storage.locator import Locator
from upriver.materializer.storage.process_folders import Sessions
from upriver.materializer.storage.room import is_full

if TYPE_CHECKING:
    from upriver.assets.support.spawned_process import Starter
    from upriver.lineage.analysis.planner_process import Planner
    from upriver.materializer.execution.local.pool import WorkerPool
    from upriver.materializer.state import SqliteState

_ENVIRONMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_PRELOAD = ("polars", "upriver.materializer.execution.local.frames", "upriver.lineage.analysis.load_function")


PRELOADED = (
    "upriver.lineage.polars.after_fork:prepare",  # before all that imports Polars
    "polars._utils.parquet",  # which Polars imports when it first writes
    "encodings.ascii",
    "pyarrow.parquet",
    "duckdb",
    "upriver.lineage.analysis.load_function",
    "upriver.lineage.analysis.planner_process",
    "upriver.lineage.polars.dtypes",
    "upriver.lineage.polars.empty",
    "upriver.lineage.project.describe_process",
    "upriver.materializer.execution.local.confinement.apply:prepare",
    "upriver.materializer.execution.local.frames",
    "upriver.materializer.execution.local.undeclared_reads",
    "upriver.materializer.execution.local.worker",
    "upriver.materializer.execution.local.spill:prepare",
    "upriver.assets.loading.native_reads:prepare",  # after it: it replaces the same functions
    "upriver.assets.loading.preloaded:note_preloaded",  # after all
)
"""What each recipe needs anyway, imported once in the process that they are forked from."""


class Processes:
    """What starts processes for the contexts that share it; closed with the last of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._starter: Starter | None = None

    def starter(self) -> Starter:
        """Forks where that is an option; else starts an interpreter for each process."""
        from upriver.assets.support.forked_process import ForkParent, can_fork
        from upriver.assets.support.spawned_process import Spawn

        with self._lock:
            if self._starter is None:
                self._starter = ForkParent(PRELOADED) if can_fork() else Spawn()
            return self._starter

    def enter(self) -> None:
        """One more context shares it."""
        with self._lock:
            self._users += 1

    def leave(self) -> None:
        """One less does."""
        with self._lock:
            self._users -= 1
            if self._users:
                return
            starter, self._starter = self._starter, None
        if starter is not None:
            starter.close()


class LocalParts:
    """A project on this machine: SQLite, a folder of artifacts, DuckDB, worker processes that *processes* starts."""

    def __init__(self, context: Context, processes: Processes | None = None) -> None:
        self._processes = processes or Processes()
        self._processes.enter()
        self._context = context
        self._root = context.root
        self._folder = context.folder
        self._clock = context.clock
        self._scratch = Sessions(self._folder / "tmp", clock=self._clock)

    @cached_property
    def _readonly(self) -> bool:
        place = self._folder if self._folder.exists() else self._root
        return not os.access(place, os.W_OK)

    def state(self) -> SqliteState:
        """The state in ``state.db``."""
        return open_state(self._folder / "state.db", self._readonly, algorithm=algorithm(), clock=self._clock)

    def store(self) -> LocalStore:
        """The artifacts in the folder ``store``."""
        return LocalStore(self._folder / "store", clock=self._clock)

    def storage(self) -> LocalStorage:
        """Database, journal and store in one folder."""
        return LocalStorage(self._folder, clock=self._clock)

    def places(self, project: Project) -> Places:
        """The folders of sources, and where their links lead."""
        return read_in_place(self._root, project.readable_sources.values())

    def engine(self, project: Project, places: Places) -> Engine:
        """DuckDB in this process."""
        from upriver.materializer.engines.duckdb import DuckDBEngine

        temporary = None
        if self._folder.is_dir() and not self._readonly:
            with suppress(StoreError):  # a full disk: what fits into memory can be read all the same
                temporary = self._scratch.own()
        return DuckDBEngine(
            (self._folder / "store", *places.folders),
            temporary,
            files=places.files,
            memory=project.config.memory or default_memory(),
        )

    def engine_identity(self) -> str:
        """That of DuckDB."""
        return DUCKDB

    def executor(self, project: Project, jobs: int) -> Executor:
        """Worker processes on this machine. Raises UsageError when the project demands what this machine can't do."""
        from upriver.materializer.execution.local.executor import LocalExecutor
        from upriver.materializer.execution.local.isolation import isolation

        files = project.files
        return LocalExecutor(
            self._root,
            files.code_digest(),
            (*files.python, *files.helpers),
            self.workers(jobs),
            Locator(self._root, self._context.store),
            self._scratch.own,
            isolation(project.config),
            jobs,
            self._clock,
            memory=default_memory(),
        )

    def workers(self, jobs: int) -> WorkerPool:
        """The processes that an executor hands its jobs to."""
        from upriver.materializer.execution.local.pool import WorkerPool

        return WorkerPool(self._root, _PRELOAD, spare=jobs, starter=self.starter())

    def planner(self) -> Planner:
        """A process that runs project code on empty frames."""
        from upriver.lineage.analysis.planner_process import Planner

        return Planner(self._root, self.starter())

    def starter(self) -> Starter:
        """Shared with the other contexts of the composition."""
        return self._processes.starter()

    def scratch(self) -> Path:
        """A folder below ``tmp``."""
        return self._scratch.own()

    def sweep(self) -> None:
        """Remove folders below ``tmp`` whose process is gone."""
        self._scratch.sweep()

    def make_room(self) -> bool:
        """Remove what can be made again, where the disk has no room for what any change needs; whether it had none."""
        if not is_full(self._folder):
            return False
        with suppress(StoreError):
            self.sweep()
        for path in (self._folder / "warehouse.duckdb", *(self._folder / "cache").glob("*")):
            with suppress(OSError):
                path.unlink()
        return True

    def close(self) -> None:
        """Give up the scratch folder, and the processes that no other context uses."""
        self._processes.leave()
        self._scratch.close()


def open_context(root: Path, environment: str, clock: Clock | None = None) -> Context:
    """The project at *root*, composed of what this machine has. Raises StoreError, UsageError for a bad name of an
    environment.
    """
    if not _ENVIRONMENT.fullmatch(environment):
        raise UsageError(
            f"{environment!r} can't be the name of an environment: letters, digits, _, . and - only"
        )
    return Context(root, environment, clock or SystemClock(), partial(LocalParts, processes=Processes()))
