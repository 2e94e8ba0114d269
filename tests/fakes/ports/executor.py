"""An executor for tests: recipes that are told instead of run, in the time of a clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from upriver.assets.model import Key
from upriver.lineage.model import Footprint
from upriver.materializer.execution.cancel import LOOK
from upriver.materializer.model import Version
from upriver.materializer.ports import AttemptResult, Clock, NotProduced, PythonAttempt, Watching


@dataclass(frozen=True)
class Told:
    """What a recipe does: it prints, takes *seconds* and *memory* (bytes), then fails with *error* or gives *content*
    made of the versions of its parameters.
    """

    content: Callable[[Mapping[str, Version]], bytes] = lambda inputs: b"rows"
    prints: tuple[str, ...] = ()
    seconds: float = 0.0
    memory: int = 0
    error: str = ""


class ToldExecutor:
    """Does what is told of each asset. See :class:`upriver.materializer.ports.Executor`.

    *code* is the identity of the project whose recipes are told; *write* leaves an artifact at its target.
    """

    def __init__(
        self,
        code: str,
        told: Mapping[Key, Told],
        clock: Clock,
        *,
        jobs: int = 1,
        write: Callable[[Path, bytes], object] = Path.write_bytes,
    ) -> None:
        self._code = code
        self._told = told
        self._clock = clock
        self._jobs = jobs
        self._write = write
        self.expected: list[int] = []
        self.closed = False

    def capacity(self) -> int:
        return self._jobs

    def expect(self, count: int) -> None:
        self.expected.append(count)

    def run(self, attempt: PythonAttempt, target: Path, watching: Watching) -> AttemptResult | NotProduced:
        if attempt.code != self._code:
            return NotProduced("the project's code is not what the recipe was fingerprinted from", final=True)
        told = self._told[attempt.node.asset]
        for line in told.prints:
            watching.output("stdout", line)
        if (ended := self._pass(told, attempt, watching)) is not None:
            return ended
        if told.error:
            traceback = f'File "{attempt.recipe.module}", in {attempt.recipe.qualname}\n{told.error}'
            return NotProduced(told.error, traceback)
        self._write(target, told.content({one.parameter: one.version for one in attempt.inputs}))
        reads = tuple((key, Footprint()) for key in dict.fromkeys(one.key for one in attempt.inputs))
        return AttemptResult(reads, None, peak_memory=told.memory)

    def _pass(self, told: Told, attempt: PythonAttempt, watching: Watching) -> NotProduced | None:
        """Let the time of the recipe pass; how it had to be ended, if it had to."""
        never, began = threading.Event(), self._clock.monotonic()
        while True:
            passed = self._clock.monotonic() - began
            if watching.cancelled():
                return NotProduced("cancelled", cancelled=True)
            if attempt.timeout is not None and passed > attempt.timeout:
                return NotProduced(f"it ran longer than its timeout of {attempt.timeout:g} s")
            if attempt.memory is not None and told.memory > attempt.memory:
                return NotProduced(
                    f"it used {told.memory >> 20:,} MiB, more than its memory limit of"
                    f" {attempt.memory >> 20:,} MiB"
                )
            if passed >= told.seconds:
                return None
            watching.progress(None, told.memory)
            self._clock.wait(never, LOOK)

    def close(self) -> None:
        self.closed = True
