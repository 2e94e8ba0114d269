"""What a session works with, opened when first needed: the derived project, state, store, engine, worker
processes.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from upriver.assets.errors import StoreError
from upriver.assets.model import Key, PythonRecipe, Source, TableLocation
from upriver.assets.project.config import Scalar
from upriver.lineage.analysis.analyzer import AnalysisCache, Analyzer, settings_of
from upriver.lineage.project.derive import derive
from upriver.lineage.project.distributions import installed_version, release_series
from upriver.lineage.project.project import CACHE, Project
from upriver.materializer.freshness.comparison import LiveContents
from upriver.materializer.freshness.decide import VARIABLE, Subject
from upriver.materializer.freshness.external_inputs import Outside, variable_digest
from upriver.materializer.freshness.fingerprint import Fingerprinter, algorithm
from upriver.materializer.sources.observe import Sources
from upriver.materializer.state import open_state
from upriver.materializer.storage.local_store import LocalStore
from upriver.materializer.storage.process_folders import Sessions

if TYPE_CHECKING:
    from upriver.lineage.analysis.planner_process import Planner
    from upriver.materializer.engines.duckdb import DuckDBEngine
    from upriver.materializer.execution.local.pool import WorkerPool
    from upriver.materializer.state import SqliteState

FOLDER = ".upriver"
_PRELOAD = ("polars", "upriver.materializer.execution.local.frames", "upriver.lineage.analysis.load_function")


class Workspace:
    """One project folder, opened. *clock* gives seconds since the epoch."""

    def __init__(self, root: Path, environment: str, clock: Callable[[], float] = time.time) -> None:
        self.root = Path(os.path.realpath(root))
        self.environment = environment
        self.clock = clock
        self.folder = self.root / FOLDER
        if self.folder.is_symlink() and not self.folder.is_dir():
            raise StoreError(
                f"{self.folder} is a link to {self.folder.readlink()}, where there is no folder\n"
                "  hint: mount the disk or make the folder that it leads to, or remove the link"
            )
        self._lock = threading.RLock()
        self._project: Project | None = None
        self._derived: Project | None = None
        self._planner: Planner | None = None
        self._planner_for: Project | None = None
        self._engine: DuckDBEngine | None = None
        self._analyzer: Analyzer | None = None
        self._supposing: Analyzer | None = None
        self.scratch = Sessions(self.folder / "tmp")

    # -- the project -------------------------------------------------------------------------------------
    def project(self, *, refresh: bool = True) -> Project:
        """The project as its files are now; with *refresh* False, as last derived here."""
        with self._lock:
            if self._project is None or refresh:
                last, self._derived = self._derived, derive(self.root, clock=self.clock, last=self._derived)
                if self._project is None or (
                    self._derived is not last and self._derived.identity != self._project.identity
                ):
                    self._project = self._derived
                    self._analyzer = self._supposing = None
            return self._project

    def analyzer(self) -> Analyzer:
        """Analyses for the project as last derived."""
        with self._lock:
            if self._analyzer is None:
                cache = AnalysisCache(self.root / CACHE / "analyses.db")
                project = self.project(refresh=False)
                self._analyzer = Analyzer(project, cache, self.planner, self.variables(project))
            return self._analyzer

    def supposing(self) -> Analyzer:
        """Analyses of what is only supposed, such as a table without one of its columns: they are kept nowhere."""
        with self._lock:
            if self._supposing is None:
                project = self.project(refresh=False)
                nowhere = AnalysisCache(self.root / CACHE / "nowhere")  # never flushed
                self._supposing = Analyzer(project, nowhere, self.planner, self.variables(project))
            return self._supposing

    def planner(self) -> Planner:
        """The process that plans Python recipes; replaced when project code has changed."""
        from upriver.lineage.analysis.planner_process import Planner

        project = self.project(refresh=False)
        if self._planner is not None and self._planner_for is not project:
            self._planner.close()
            self._planner = None
        if self._planner is None:
            self._planner = Planner(self.root)
            self._planner_for = project
        return self._planner

    # -- disk --------------------------------------------------------------------------------------------
    @cached_property
    def readonly(self) -> bool:
        """Whether nothing can be written here."""
        place = self.folder if self.folder.exists() else self.root
        return not os.access(place, os.W_OK)

    @cached_property
    def state(self) -> SqliteState:
        """The state. Raises StoreError when it is damaged or newer than this program."""
        return open_state(self.folder / "state.db", self.readonly, algorithm=algorithm(), clock=self.clock)

    @cached_property
    def store(self) -> LocalStore:
        """The artifacts."""
        return LocalStore(self.folder / "store")

    def sweep(self) -> None:
        """Remove what dead processes have left."""
        self.store.sweep()
        self.scratch.sweep()
        for path in (self.root / CACHE).glob("*.json.*"):  # drafts; a live one that is lost is only not kept
            with suppress(OSError):
                path.unlink()

    @property
    def runs_folder(self) -> Path:
        """Where the events of runs are kept."""
        return self.folder / "runs"

    # -- engines -----------------------------------------------------------------------------------------
    def engine(self) -> DuckDBEngine:
        """DuckDB, closed to everything but the store and the sources that are read in place."""
        with self._lock:
            if self._engine is None:
                from upriver.materializer.engines.duckdb import DuckDBEngine

                project = self.project(refresh=False)
                folders = {self.folder / "store", *source_folders(self.root, project.sources)}
                temporary = self.scratch.own() if self.folder.is_dir() and not self.readonly else None
                memory = project.config.memory
                self._engine = DuckDBEngine(sorted(folders), temporary, memory=memory)
            return self._engine

    def open_engine_ahead(self) -> None:
        """Begin to open the engine, while something else is done that comes before it is used."""
        threading.Thread(target=self._open_engine, name="engine ahead", daemon=True).start()

    def _open_engine(self) -> None:
        with suppress(Exception):  # who uses it meets the same, and tells it
            self.engine().open()

    def workers(self, jobs: int) -> WorkerPool:
        """Processes for Python recipes."""
        from upriver.materializer.execution.local.pool import WorkerPool

        return WorkerPool(self.root, _PRELOAD, spare=jobs)

    def contents(self) -> LiveContents:
        """Comparisons over the state as it is now."""
        fingerprints = Fingerprinter(lambda: self.engine().new_cursor())
        return LiveContents(
            self.root, self.state, self.store, fingerprints, LazyBinder(self), Outside(self.root, os.environ)
        )

    def sources(self, *, verify: bool = False) -> Sources:
        """The sources, not looked at yet."""
        project = self.project(refresh=False)
        return Sources(self.root, project.sources, self.state, self.store, clock=self.clock, verify=verify)

    # -- what assets are now -----------------------------------------------------------------------------
    def subjects(self, ordered: Collection[Key] = ()) -> dict[Key, Subject]:
        """Every asset's recipe and what it takes from outside, now. *ordered* are those whose order counts."""
        project = self.project(refresh=False)
        return {
            key: Subject(
                key,
                project.fingerprints[key],
                project.reads[key],
                self._outside(project, key),
                key in ordered,
            )
            for key in project.assets
        }

    def _outside(self, project: Project, key: Key) -> tuple[tuple[str, str], ...]:
        asset = project.assets[key]
        if not asset.environment and not asset.variables and not isinstance(asset.recipe, PythonRecipe):
            return ()
        found = [(f"{VARIABLE}{name}", variable_digest(os.environ.get(name))) for name in asset.environment]
        values = settings_of(asset.variables, self.variables(project))
        found += [(f"variable {name}", repr(values.get(name))) for name in asset.variables]
        if isinstance(asset.recipe, PythonRecipe):
            found += [
                (name, release_series(version)) for name, version in asset.recipe.packages if name == "Python"
            ]
            found += [
                (name, release_series(installed_version(name)))
                for name, _ in asset.recipe.packages
                if name != "Python"
            ]
        return tuple(sorted(found))

    def variables(self, project: Project) -> Mapping[str, Scalar]:
        """The project's variables as they are in this environment."""
        here = project.config.environments.get(self.environment)
        return {**project.config.variables, **(here.variables if here is not None else {})}

    def today(self) -> str:
        """The date that ``current_date`` gives, here and in UTC: when either changes, the answer may."""
        now = self.clock()
        local = datetime.fromtimestamp(now).date().isoformat()
        utc = datetime.fromtimestamp(now, UTC).date().isoformat()
        return local if local == utc else f"{local} (UTC {utc})"

    def close(self) -> None:
        """Release processes and files."""
        with self._lock:
            if self._planner is not None:
                self._planner.close()
                self._planner = None
            if self._engine is not None:
                self._engine.close()
                self._engine = None
            self.scratch.close()
            if "store" in self.__dict__:
                self.store.close()
                del self.__dict__["store"]
            if "state" in self.__dict__:
                self.state.close()
                del self.__dict__["state"]


class LazyBinder:
    """Binds with the analyzer of the moment (see :class:`upriver.materializer.freshness.comparison.Binds`)."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def binding(self, asset: Key, upstreams: Mapping[Key, tuple]) -> str | None:  # type: ignore[type-arg]
        """The digest of the bound recipe."""
        return self._workspace.analyzer().binding(asset, upstreams)

    def respelled(self, asset: Key, text: str, fingerprint: str) -> bool:
        """Whether only names of tables differ."""
        return self._workspace.analyzer().respelled(asset, text, fingerprint)


def source_folders(root: Path, sources: Mapping[Key, Source]) -> set[Path]:
    """The folders in which sources that are read in place lie."""
    folders = set()
    for source in sources.values():
        location = source.location
        if isinstance(location, TableLocation) or location.format != "parquet" or location.scan is not None:
            continue  # these are read through their snapshots in the store
        for pattern in location.patterns:
            fixed = Path(pattern)
            while any(char in str(fixed) for char in "*?["):
                fixed = fixed.parent
            place = root / fixed
            folders.add(place if place.is_dir() else place.parent)
    return folders
