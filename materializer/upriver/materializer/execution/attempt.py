"""One attempt of one asset, by the engine that its recipe needs. Everything that can go wrong ends in
AttemptFailed.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeAlias, TypeVar

from upriver.assets.errors import Diagnosis, UpriverError
from upriver.assets.identity import Node
from upriver.assets.model import Asset, Column, Key, Kind, PythonRecipe, Schema, SqlRecipe, Value
from upriver.assets.project.config import Scalar
from upriver.assets.support.encodable import encodable
from upriver.lineage.analysis.analyzer import settings_of
from upriver.lineage.model import Analysis, Footprint
from upriver.lineage.sql.names import relation_name
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.bind_errors import run_diagnosis
from upriver.materializer.execution.cancel import LOOK
from upriver.materializer.model import Version
from upriver.materializer.ports import (
    AttemptInput,
    AttemptResult,
    Clock,
    Engine,
    Executor,
    NotProduced,
    PythonAttempt,
    Staged,
    Store,
    Watching,
)
from upriver.materializer.storage.durable_files import disk_error
from upriver.materializer.storage.locator import Locator


class AttemptFailed(UpriverError):
    """An attempt ended without an artifact. *traceback* is the user's part of it; *cancelled* when it was
    asked to end.

    *final* says that another attempt would end the same way. With a *diagnosis* the recipe does not fit what it reads.
    """

    def __init__(
        self,
        message: str,
        traceback: str = "",
        *,
        cancelled: bool = False,
        final: bool = False,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        super().__init__(encodable(message))
        self.diagnosis = diagnosis
        self.traceback = encodable(traceback)
        self.cancelled = cancelled
        self.final = final


class Known(Value, frozen=True):
    """What a Python recipe is known to read besides its upstreams, by names as in a trace: what it *declared*, and what
    its last attempt could read.
    """

    declared: tuple[str, ...] = ()
    remembered: tuple[str, ...] = ()


_UNKNOWN = Known()


class Analyses(Protocol):
    """Binds recipes (see :mod:`upriver.lineage.analysis.analyzer`)."""

    def analyze(self, key: Key, schemas: Mapping[Key, Schema]) -> Analysis | Diagnosis:
        """The analysis of an asset's recipe against its upstreams' schemas."""
        ...

    def bound_query(self, key: Key, schemas: Mapping[Key, Schema]) -> Query | Diagnosis:
        """The query of a SQL asset as the engine runs it over upstreams of these *schemas*."""
        ...


_QUICKLY_HASHED = 1 << 20
"""Bytes below which a thread takes longer than it saves."""

_WORTH_MEASURING = 1 << 20
"""Bytes of input below which a query is not expected to need memory to speak of, unless it is known to be slow."""

Yielded: TypeAlias = tuple[AttemptResult, Staged, Version]

Meanwhile: TypeAlias = Callable[[tuple[tuple[Key, Footprint], ...]], None]


class Watchdog:
    """Interrupts queries that have to end: DuckDB does not return to Python until it is done.

    One thread looks after all of them; a small query is over before it would look for the first time.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._never = threading.Event()
        self._lock = threading.Lock()
        self._watched: dict[threading.Event, tuple[float | None, Callable[[], bool], threading.Event]] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, limit: float | None, cancelled: Callable[[], bool]) -> Iterator[threading.Event]:
        """End this thread's query after *limit* seconds (the yielded event is set then) or when *cancelled*
        says so.
        """
        expired = threading.Event()
        with self._engine.interruptible() as token:
            deadline = None if limit is None else self._clock.monotonic() + limit
            with self._lock:
                self._watched[token] = (deadline, cancelled, expired)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._look, name="query watchdog", daemon=True)
                    self._thread.start()
            try:
                yield expired
            finally:
                with self._lock:
                    del self._watched[token]

    def _look(self) -> None:
        idle = 0
        while idle < 100:
            self._clock.wait(self._never, LOOK)
            with self._lock:
                watched = list(self._watched.items())
                idle = 0 if watched else idle + 1
                if idle >= 100:
                    self._thread = None
            for token, (deadline, cancelled, expired) in watched:
                if deadline is not None and self._clock.monotonic() > deadline:
                    expired.set()
                if expired.is_set() or cancelled():
                    self._engine.interrupt(token)


_Sliced = TypeVar("_Sliced")


class Attempts:
    """Makes attempts, in the caller's thread.

    *root* is the project's, *code* the identity of its code and *variables* its variables as they were when it was
    derived.
    *slow* are assets that took their time before: what their queries take of memory is measured, however little they
    read.
    """

    def __init__(
        self,
        root: Path,
        engine: Engine,
        store: Store,
        analyses: Analyses,
        code: str = "",
        variables: Mapping[str, Scalar] = MappingProxyType({}),
        slow: Container[Key] = (),
        *,
        executor: Executor,
        clock: Clock,
    ) -> None:
        self._root = root
        self._engine = engine
        self._executor = executor
        self._store = store
        self._locator = Locator(root, store)
        self._analyses = analyses
        self._code = code
        self._variables = variables
        self._slow = slow
        self.watchdog = Watchdog(engine, clock)

    def make(
        self,
        asset: Asset,
        upstreams: Mapping[Key, Version],
        watching: Watching,
        meanwhile: Meanwhile,
        known: Known = _UNKNOWN,
    ) -> Yielded:
        """Compute *asset* from *upstreams*: the result, its staged artifact, and the content. Raises AttemptFailed.

        *known* is what a Python recipe reads besides them. *meanwhile* is told what was read, while the artifact is
        hashed and goes to the disk; what it raises ends the attempt.
        """
        self._check(upstreams)
        suffix = asset.suffix if asset.kind is Kind.FILE else ".parquet"
        target = self._store.reserve(suffix)
        try:
            match asset.recipe:
                case SqlRecipe():
                    return self._sql(asset, upstreams, watching, meanwhile, target)
                case PythonRecipe() as recipe:
                    return self._python(asset, recipe, upstreams, watching, meanwhile, target, suffix, known)
        except BaseException as error:
            with suppress(OSError):
                target.unlink(missing_ok=True)
            failure = _failure(error, watching, target)
            if failure is error:
                raise
            raise failure from error

    def make_slices(
        self,
        asset: Asset,
        upstreams: Mapping[Key, Version],
        watching: Watching,
        run: Callable[[Query], _Sliced],
    ) -> _Sliced:
        """What *run* makes of the query of *asset*, whose upstreams are sound. Raises AttemptFailed."""
        self._check(upstreams)
        query = self._analyses.bound_query(asset.key, {key: one.schema for key, one in upstreams.items()})
        if isinstance(query, Diagnosis):
            raise AttemptFailed(str(query), final=True, diagnosis=query)
        try:
            return run(query)
        except BaseException as error:
            failure = _failure(error, watching, self._root)
            if failure is error:
                raise
            raise failure from error

    def _check(self, upstreams: Mapping[Key, Version]) -> None:
        """No recipe reads damaged bytes. A build sets them aside before it begins: this is for what came later."""
        for key, version in upstreams.items():
            if damaged := self._store.damaged(version.artifacts):
                raise AttemptFailed(
                    f"the artifact of {key} is damaged: {damaged[0].place}\n  Build again: it is made again first."
                )

    def _sql(
        self,
        asset: Asset,
        upstreams: Mapping[Key, Version],
        watching: Watching,
        meanwhile: Meanwhile,
        target: Path,
    ) -> Yielded:
        schemas = {key: version.schema for key, version in upstreams.items()}
        analysis = self._analyses.analyze(asset.key, schemas)
        if isinstance(analysis, Diagnosis):
            raise AttemptFailed(str(analysis), final=True, diagnosis=analysis)
        query = self._analyses.bound_query(asset.key, schemas)
        if isinstance(query, Diagnosis):
            raise AttemptFailed(str(query), final=True, diagnosis=query)
        for key in dict.fromkeys(query.keys()):
            self._engine.expose(key, self._locator.located(upstreams[key]))
        limit, bound = asset.execution.timeout, query.bound(relation_name)
        inputs = sum(version.bytes for version in upstreams.values())
        measured = not upstreams or inputs >= _WORTH_MEASURING or asset.key in self._slow
        with self.watchdog.watching(limit, watching.cancelled) as expired:
            try:
                schema, rows, peak = self._engine.write(
                    bound.text, target, analysis.schema, self._variables, measured=measured
                )
            except Exception as error:
                if expired.is_set():
                    raise AttemptFailed(f"it ran longer than its timeout of {limit:g} s") from error
                placed = None if watching.cancelled() else run_diagnosis(str(error), query, bound)
                if placed is None:
                    raise
                raise AttemptFailed(str(placed)) from error
        with self._staging(target, ".parquet") as staging:
            meanwhile(analysis.footprints)
        staged = staging.result()
        version = Version(staged.id, schema, rows, staged.bytes, (staged.ref,))
        result = AttemptResult(
            analysis.footprints, analysis, peak_memory=peak, engine=self._engine.identity()
        )
        return result, staged, version

    @contextmanager
    def _staging(self, target: Path, suffix: str) -> Iterator[Future[Staged]]:
        """While inside, the file at *target* is being staged."""
        staging: Future[Staged] = Future()

        def stage() -> None:
            try:
                staging.set_result(self._store.stage(target, suffix))
            except BaseException as error:  # noqa: BLE001 -- raised where the result is waited for
                staging.set_exception(error)

        try:
            size = target.lstat().st_size
        except OSError:
            size = 0  # the store says what is wrong with it
        if size < _QUICKLY_HASHED:
            yield staging
            stage()
            return
        thread = threading.Thread(target=stage, name=f"staging {target.name}")
        thread.start()
        try:
            yield staging
        finally:  # also on an error: no thread may still work on the file that is then removed
            thread.join()

    def _python(
        self,
        asset: Asset,
        recipe: PythonRecipe,
        upstreams: Mapping[Key, Version],
        watching: Watching,
        meanwhile: Meanwhile,
        target: Path,
        suffix: str,
        known: Known,
    ) -> Yielded:
        attempt = PythonAttempt(
            node=Node(asset.key),
            recipe=recipe,
            inputs=tuple(
                AttemptInput(one.parameter, one.key, one.frame, upstreams[one.key])
                for one in recipe.inputs
                if one.key is not None
            ),
            code=self._code,
            suffix=suffix,
            file_asset=asset.kind is Kind.FILE,
            ordered=asset.ordered,
            environment=asset.environment,
            settings=settings_of(recipe.settings, self._variables),
            permissions=asset.permissions,
            declared=known.declared,
            remembered=known.remembered,
            timeout=asset.execution.timeout,
            memory=asset.execution.memory,
        )
        ran = self._executor.run(attempt, target, watching)
        if isinstance(ran, NotProduced):
            raise AttemptFailed(ran.message, ran.traceback, cancelled=ran.cancelled, final=ran.final)
        with self._staging(target, suffix) as staging:
            meanwhile(ran.reads)
        staged = staging.result()
        if asset.kind is Kind.FILE:
            version = Version(staged.id, (), None, staged.bytes, (staged.ref,))
        else:
            described, rows = self._engine.describe((staged.path,))
            schema = tuple(Column(one.name, one.type, ran.logical.get(one.name, "")) for one in described)
            version = Version(staged.id, schema, rows, staged.bytes, (staged.ref,))
        return ran, staged, version


def _failure(error: BaseException, watching: Watching, target: Path) -> BaseException:
    """What went wrong, as the run understands it."""
    match error:
        case AttemptFailed():
            return error
        case UpriverError():
            return AttemptFailed(str(error))
        case OSError():
            return AttemptFailed(_disk_sentence(error))
        case Exception():
            if watching.cancelled():
                return AttemptFailed("cancelled", cancelled=True)
            return AttemptFailed(_engine_sentence(error, target))
        case _:
            return error


def _engine_sentence(error: Exception, target: Path) -> str:
    text = str(error).strip()
    if str(target) in text and (number := _NUMBER.search(text)):  # DuckDB's own words are a JSON document
        return str(disk_error("write", target, OSError(int(number[1]), os.strerror(int(number[1])))))
    return f"{type(error).__name__}: {text}" if type(error).__name__ not in text else text


_NUMBER = re.compile(r'"errno":"(\d+)"')


def _disk_sentence(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or error}{where}"
