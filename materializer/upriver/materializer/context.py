"""The context of an operation: one project folder in one environment, and the ports through which it is worked on.

A context holds ports only. The composition (see composition.py) says what stands behind them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from upriver.assets.errors import StoreError
from upriver.assets.project.config import Scalar
from upriver.lineage.analysis.analyzer import AnalysisCache, Analyzer
from upriver.lineage.project.derive import derive
from upriver.lineage.project.project import CACHE, Project
from upriver.materializer.ports import Clock, Engine, Executor, Places, ProjectStorage, StateStore, Store
from upriver.materializer.storage.links import refuse_links
from upriver.materializer.storage.locator import Locator

if TYPE_CHECKING:
    from upriver.assets.support.spawned_process import Starter
    from upriver.lineage.analysis.planner_process import Planner

FOLDER = ".upriver"


class Parts(Protocol):
    """What a context works with. Each part is made when it is asked for; the context keeps and closes it."""

    def state(self) -> StateStore:
        """The state. Raises StoreError when it is damaged or newer than this program."""
        ...

    def store(self) -> Store:
        """The artifacts."""
        ...

    def storage(self) -> ProjectStorage:
        """All that is stored, for a check or a repair; the state need not be sound."""
        ...

    def places(self, project: Project) -> Places:
        """Where the sources lie that are read in place."""
        ...

    def engine(self, project: Project, places: Places) -> Engine:
        """The engine of SQL assets, closed to everything but the store and *places*."""
        ...

    def engine_identity(self) -> str:
        """The identity that the engine has, told without making one."""
        ...

    def executor(self, project: Project, jobs: int) -> Executor:
        """Where attempts of Python recipes run, *jobs* at a time. The caller closes it."""
        ...

    def planner(self) -> Planner:
        """The process that plans Python recipes."""
        ...

    def starter(self) -> Starter:
        """What starts the processes in which project code runs."""
        ...

    def scratch(self) -> Path:
        """A folder of this process's own, on the file system of the project. Raises StoreError."""
        ...

    def sweep(self) -> None:
        """Remove scratch folders that dead processes have left."""
        ...

    def make_room(self) -> bool:
        """Remove what can be made again, where the disk has no room for what any change needs; whether it had none."""
        ...

    def close(self) -> None:
        """Release what no other method gives away."""
        ...


class Context:
    """One project folder, opened.

    *compose* makes the parts of a context, and is asked again for a context beside this one.
    """

    def __init__(
        self, root: Path, environment: str, clock: Clock, compose: Callable[[Context], Parts]
    ) -> None:
        self.root = Path(os.path.realpath(root))
        self.environment = environment
        self.clock = clock
        self.folder = self.root / FOLDER
        if self.folder.is_symlink() and not self.folder.is_dir():
            raise StoreError(
                f"{self.folder} is a link to {self.folder.readlink()}, where there is no folder\n"
                "  hint: mount the disk or make the folder that it leads to, or remove the link"
            )
        refuse_links(self.folder)
        self._compose = compose
        self._lock = threading.RLock()
        self._project: Project | None = None
        self._derived: Project | None = None
        self._planner: Planner | None = None
        self._planner_for: Project | None = None
        self._engine: Engine | None = None
        self._engine_for: Project | None = None
        self._engines_before: list[Engine] = []
        self._places: Places | None = None
        self._analyzer: Analyzer | None = None
        self._what_if: Analyzer | None = None

    @cached_property
    def parts(self) -> Parts:
        """What stands behind the ports."""
        return self._compose(self)

    def beside(self, root: Path | None = None) -> Context:
        """A new context of the same composition: of the same folder, or of the one at *root*. The caller closes it."""
        return Context(root or self.root, self.environment, self.clock, self._compose)

    # -- the project -------------------------------------------------------------------------------------
    def project(self, *, refresh: bool = True) -> Project:
        """The project as its files are now; with *refresh* False, as last derived here."""
        with self._lock:
            if self._project is None or refresh:
                last = self._derived
                self._derived = derive(self.root, clock=self.clock.now, last=last, starter=self.parts.starter)
                if self._project is None or (
                    self._derived is not last and self._derived.identity != self._project.identity
                ):
                    self._project = self._derived
                    self._analyzer = self._what_if = None
            return self._project

    def analyzer(self) -> Analyzer:
        """Analyses for the project as last derived."""
        with self._lock:
            if self._analyzer is None:
                cache = AnalysisCache(self.root / CACHE / "analyses.db")
                project = self.project(refresh=False)
                self._analyzer = Analyzer(project, cache, self.planner, self.variables(project))
            return self._analyzer

    def what_if(self) -> Analyzer:
        """Analyses for hypothetical schemas, such as a table without one of its columns; never cached."""
        with self._lock:
            if self._what_if is None:
                project = self.project(refresh=False)
                nowhere = AnalysisCache(self.root / CACHE / "nowhere")  # never flushed
                self._what_if = Analyzer(project, nowhere, self.planner, self.variables(project))
            return self._what_if

    def planner(self) -> Planner:
        """The process that plans Python recipes; replaced when project code has changed."""
        project = self.project(refresh=False)
        if self._planner is not None and self._planner_for is not project:
            self._planner.close()
            self._planner = None
        if self._planner is None:
            self._planner = self.parts.planner()
            self._planner_for = project
        return self._planner

    def variables(self, project: Project) -> Mapping[str, Scalar]:
        """The project's variables as they are in this environment."""
        here = project.config.environments.get(self.environment)
        return {**project.config.variables, **(here.variables if here is not None else {})}

    # -- what is stored ----------------------------------------------------------------------------------
    @cached_property
    def state(self) -> StateStore:
        """The state. Raises StoreError when it is damaged or newer than this program."""
        return self.parts.state()

    @cached_property
    def store(self) -> Store:
        """The artifacts."""
        return self.parts.store()

    @cached_property
    def locator(self) -> Locator:
        """Finds the files of versions."""
        return Locator(self.root, self.store)

    def sweep(self) -> None:
        """Remove what dead processes have left."""
        self.store.sweep()
        self.parts.sweep()
        for path in (self.root / CACHE).glob("*.json.*"):  # drafts; a live one that is lost is only not kept
            with suppress(OSError):
                path.unlink()

    @property
    def runs_folder(self) -> Path:
        """Where the events of runs are kept."""
        return self.folder / "runs"

    # -- engines -----------------------------------------------------------------------------------------
    def engine(self) -> Engine:
        """The engine of SQL assets, of the project as last derived."""
        with self._lock:
            project = self.project(refresh=False)
            if self._engine is None or self._engine_for is not project:
                places = self.parts.places(project)
                if self._engine is None or places != self._places:
                    if self._engine is not None:
                        self._engines_before.append(self._engine)  # other threads may still work with it
                    self._engine = self.parts.engine(project, places)
                self._engine_for, self._places = project, places
            return self._engine

    def open_engine_ahead(self) -> None:
        """Begin to open the engine, while something else is done that comes before it is used."""
        threading.Thread(target=self._open_engine, name="engine ahead", daemon=True).start()

    def _open_engine(self) -> None:
        with suppress(Exception):  # the first use meets the same error, and tells it
            self.engine().open()

    def close(self) -> None:
        """Release processes and files."""
        with self._lock:
            if self._planner is not None:
                self._planner.close()
                self._planner = None
            if self._engine is not None:
                for engine in (self._engine, *self._engines_before):
                    engine.close()
                self._engine = self._engine_for = None
                self._engines_before.clear()
            self.__dict__.pop("locator", None)
            for part in ("parts", "store", "state"):
                if part in self.__dict__:
                    getattr(self, part).close()
                    del self.__dict__[part]
