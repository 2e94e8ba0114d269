"""The executor of this machine: attempts in worker processes, confined, repeated for what they may be granted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from upriver.assets.project.files import ProjectFile
from upriver.materializer.execution.local.grants import granted_before
from upriver.materializer.execution.local.isolation import Isolation
from upriver.materializer.execution.local.messages import Job, JobInput
from upriver.materializer.execution.local.pool import WorkerPool
from upriver.materializer.execution.local.repetition import NotRun, Repetitions, discard
from upriver.materializer.ports import AttemptResult, Clock, NotProduced, PythonAttempt, Watching
from upriver.materializer.storage.locator import Locator


class LocalExecutor:
    """Runs attempts in processes below this one. See :class:`upriver.materializer.ports.Executor`.

    *identity* names the project's code, of which *code* are the Python files as they were when it was derived. *memory*
    in bytes is the limit of attempts that declare none.
    """

    def __init__(
        self,
        root: Path,
        identity: str,
        code: tuple[ProjectFile, ...],
        workers: WorkerPool,
        locator: Locator,
        scratch: Callable[[], Path],
        isolation: Isolation,
        jobs: int,
        clock: Clock,
        *,
        memory: int | None = None,
    ) -> None:
        self._root = root
        self._identity = identity
        self._code = code
        self._workers = workers
        self._locator = locator
        self._repetitions = Repetitions(root, workers, scratch, isolation, clock)
        self._jobs = jobs
        self._memory = memory

    def capacity(self) -> int:
        """As many as were asked for when it was made."""
        return self._jobs

    def expect(self, count: int) -> None:
        """Start processes ahead where that takes long."""
        self._workers.expect(count)

    def run(self, attempt: PythonAttempt, target: Path, watching: Watching) -> AttemptResult | NotProduced:
        """Run one attempt."""
        if attempt.code != self._identity:
            return NotProduced("the project's code is not what the recipe was fingerprinted from", final=True)
        inputs = []
        for one in attempt.inputs:
            located = self._locator.located(one.version)
            inputs.append(JobInput(one.parameter, one.key, one.frame, located.files, located.schema))
        job = Job(
            root=str(self._root),
            asset=attempt.node.asset,
            partition=attempt.node.partition,
            recipe=attempt.recipe,
            inputs=tuple(inputs),
            file_asset=attempt.file_asset,
            target=str(target),
            ordered=attempt.ordered,
            code=self._code,
            environment=attempt.environment,
            settings=attempt.settings,
            permissions=attempt.permissions,
            moment=attempt.moment,
            check=attempt.check,
        )
        granted = granted_before(attempt.remembered, attempt.declared, self._root)
        limits = attempt.timeout, attempt.memory or self._memory
        ran = self._repetitions.run(job, attempt.suffix, limits, granted, attempt.declared, watching)
        if isinstance(ran, NotRun):
            return NotProduced(ran.message, ran.traceback, ran.cancelled, ran.final)
        try:
            ran.target.rename(target)
        finally:
            discard(ran.scratch)
        result = ran.result
        peak = max(result.peak_memory, ran.ended.peak_memory)
        return AttemptResult(
            result.reads,
            result.analysis,
            ran.external,
            peak,
            ran.repeated,
            result.logical,
            message=result.message,
        )

    def close(self) -> None:
        """End the processes that wait."""
        self._workers.close()
