"""Running a Python recipe, and again for each undeclared read that it was denied and can be granted."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import msgspec

from upriver.assets.declare.paths import base_folder
from upriver.assets.model import Permissions, Value
from upriver.materializer.execution.local.denials import Act, Denied, denials_in
from upriver.materializer.execution.local.grants import (
    MOST_REPETITIONS,
    Granted,
    given_by,
    grantable,
    learned,
    values_of,
)
from upriver.materializer.execution.local.isolation import Isolation
from upriver.materializer.execution.local.messages import Confinement, Job, Result
from upriver.materializer.execution.local.pool import Ended, WorkerPool
from upriver.materializer.execution.local.refusal import advice, refusals, too_many
from upriver.materializer.freshness.decide import ENFORCED, ISOLATION, OBSERVED, VARIABLE
from upriver.materializer.freshness.external_inputs import UNSTEADY, variable_digest
from upriver.materializer.ports import Clock, Watching

_MOST_LINES = 200


class Ran(Value, frozen=True):
    """A recipe has run, and was denied nothing. *external* is what it could read besides its upstreams, *repeated* the
    seconds that went into what was made again, *target* the artifact in *scratch*.
    """

    result: Result
    ended: Ended
    external: tuple[tuple[str, str], ...]
    repeated: float
    target: Path
    scratch: Path


class NotRun(Value, frozen=True):
    """A recipe has failed. *final* says that it would again."""

    message: str
    traceback: str = ""
    cancelled: bool = False
    final: bool = False


Limits: TypeAlias = tuple[float | None, int | None]
"""Seconds and bytes that one repetition may take."""


class Repetitions:
    """Runs jobs in worker processes, confined where that is asked for. *scratch* gives a folder of this process."""

    def __init__(
        self,
        root: Path,
        workers: WorkerPool,
        scratch: Callable[[], Path],
        isolation: Isolation,
        clock: Clock,
    ) -> None:
        self._root = root
        self._workers = workers
        self._scratch = scratch
        self._isolation = isolation
        self._clock = clock
        self._numbers = itertools.count(1)

    def run(
        self,
        job: Job,
        suffix: str,
        limits: Limits,
        granted: Granted,
        declared: tuple[str, ...],
        watching: Watching,
    ) -> Ran | NotRun:
        """Run *job*, whose target and scratch folder are set here. *granted* is what it is known to read undeclared,
        *declared* the names (as in a trace) of what it declares to read.
        """
        began = self._clock.monotonic()
        refused: list[Denied] = []
        for _ in range(MOST_REPETITIONS + 1):
            started = self._clock.monotonic()
            outcome = self._once(job, suffix, limits, (granted, declared), watching)
            if isinstance(outcome, Ran):
                _tell(outcome, refused, self._root, watching)
                return msgspec.structs.replace(outcome, repeated=started - began)
            if isinstance(outcome, NotRun):
                return outcome
            refused += outcome.denied
            granted = learned(granted, outcome.denied, self._root)
        return NotRun(too_many(granted), final=True)

    def _once(
        self,
        job: Job,
        suffix: str,
        limits: Limits,
        reads: tuple[Granted, tuple[str, ...]],
        watching: Watching,
    ) -> Ran | NotRun | _Wanting:
        scratch = self._scratch() / f"attempt-{next(self._numbers)}"
        scratch.mkdir()
        outcome: Ran | NotRun | _Wanting | None = None
        try:
            target = str(scratch / f"artifact{suffix}")
            attempted = msgspec.structs.replace(job, target=target, scratch=str(scratch))
            outcome = _Repetition(self, attempted, *reads).run(limits, watching)
            return outcome
        finally:
            if not isinstance(outcome, Ran):  # else the caller takes the artifact out of it first
                discard(scratch)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self._root

    @property
    def workers(self) -> WorkerPool:
        """Where jobs run."""
        return self._workers

    @property
    def isolation(self) -> Isolation:
        """How jobs are isolated."""
        return self._isolation


class _Wanting(Value, frozen=True):
    """A repetition was denied what it can be granted."""

    denied: tuple[Denied, ...]


class _Repetition:
    """One run of a job with what is granted so far."""

    def __init__(self, runs: Repetitions, job: Job, granted: Granted, declared: tuple[str, ...]) -> None:
        self._runs = runs
        self._root = runs.root
        self._granted = granted
        self._enforced = runs.isolation.enforced
        self._names = (*declared, *granted.names()) if self._enforced else declared
        self._job = job
        self._said: list[str] = []

    def run(self, limits: Limits, watching: Watching) -> Ran | NotRun | _Wanting:
        job = self._job
        values: Mapping[str, str] = values_of(self._names, self._root)
        if self._enforced:
            _make_folders(self._root, job.permissions)
            given = given_by(self._granted, job.permissions.reads, self._root)
            confinement = Confinement(
                given.files, given.folders, self._runs.isolation.outside, dict(given.shown)
            )
            job = msgspec.structs.replace(job, confinement=confinement)
        ended = self._runs.workers.take().run(
            job,
            timeout=limits[0],
            memory=limits[1],
            output=lambda stream, line: self._output(watching, stream, line),
            cancelled=watching.cancelled,
            progress=lambda memory: watching.progress(None, memory),
        )
        if ended.cancelled:
            return NotRun("cancelled", cancelled=True)
        result = ended.result
        error = ended.cause or "its process ended" if result is None else result.error
        denied = self._denied(result, failed=error is not None)
        wanting = [one for one in denied if grantable(one, self._root)]
        if learned(self._granted, wanting, self._root) != self._granted:
            return _Wanting(tuple(wanting))
        if final := refusals((one for one in denied if one.told and one not in wanting), str(self._root)):
            return NotRun("\n".join((*final, *([error] if error else []))), _traceback(result), final=True)
        if error is not None:
            hint = advice(error, job.permissions, confined=self._enforced)
            return NotRun(error + hint, _traceback(result))
        assert result is not None
        if lasting := [one for one in denied if one.told]:  # granted, and denied all the same
            return NotRun(f"{lasting[0].path} can't be read although it is granted", final=True)
        external = dict(result.external) | self._steady(values)
        external[ISOLATION] = ENFORCED if self._enforced else OBSERVED
        if self._enforced:  # native code knows the time zone
            external.setdefault(f"{VARIABLE}TZ", variable_digest(os.environ.get("TZ")))
        return Ran(result, ended, tuple(sorted(external.items())), 0.0, Path(job.target), Path(job.scratch))

    def _output(self, watching: Watching, stream: str, line: str) -> None:
        if len(self._said) < _MOST_LINES and "denied" in line.lower():
            self._said.append(line)
        watching.output(stream, line)

    def _denied(self, result: Result | None, *, failed: bool) -> tuple[Denied, ...]:
        """What was seen to be denied; of a failed attempt, also what its programs have said of that."""
        if not self._enforced:
            return ()
        found = dict.fromkeys(result.denied if result is not None else ())
        if failed:
            seen = {one.real for one in found}
            for line in self._said:
                for one in denials_in(line, str(self._root)):
                    if one.real not in seen:
                        found[one] = None
        return tuple(found)

    def _steady(self, values: Mapping[str, str]) -> dict[str, str]:
        """What could be read, by the values from before; what has changed since then gets one that nothing equals."""
        now = values_of(self._names, self._root)
        return {name: value if now[name] == value else UNSTEADY for name, value in values.items()}


def _traceback(result: Result | None) -> str:
    return "" if result is None else result.traceback


def _make_folders(root: Path, permissions: Permissions) -> None:
    for pattern in permissions.writes:
        (root / base_folder(pattern)).mkdir(parents=True, exist_ok=True)


def _tell(ran: Ran, granted: list[Denied], root: Path, watching: Watching) -> None:
    """Tell of undeclared reads: those that the attempt was seen to make, and those that were found by denying them."""
    for warning in ran.result.warnings:
        watching.output("warning", warning)
    for one in granted:
        shown = os.path.relpath(one.path, root)
        if one.act is Act.READ and not any(f" {shown}" in warning for warning in ran.result.warnings):
            watching.output(
                "warning",
                f"{one.line or 'it'} reads {shown}, which is not declared as a source: it counts as a whole, "
                "and is not in the lineage",
            )


def discard(scratch: Path) -> None:
    """Remove an attempt's folder. What can't be removed is left to the sweep after this process."""
    shutil.rmtree(scratch, onerror=_open_up)


def _open_up(function: Callable[..., object], path: str, _: object) -> None:
    """A recipe may have shut its own folders: open them, and try again."""
    with suppress(OSError):
        for place in (Path(path).parent, Path(path)):
            if not place.is_symlink():  # whose target may be anywhere
                place.chmod(0o700)
    with suppress(OSError):
        function(path)
