"""Worker processes: forked or started ahead, watched, and ended with everything that they have started."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from upriver.assets.model import Value
from upriver.assets.support.redaction import Redactor
from upriver.assets.support.spawned_process import Starter
from upriver.assets.support.supervised_process import SupervisedProcess
from upriver.materializer.execution.cancel import LOOK
from upriver.materializer.execution.local.memory import AttemptMemory
from upriver.materializer.execution.local.messages import Job, Result
from upriver.materializer.execution.local.pipes import Pipes, Reports


class Ended(Value, frozen=True):
    """How a worker ended: with a result, or with the cause that there is none.

    *lost*: it is no fault of the recipe, and another worker may do it. *processor_seconds* are those of the process
    and of all that it has waited for, where they are known.
    """

    result: Result | None = None
    cause: str | None = None
    cancelled: bool = False
    peak_memory: int = 0
    lost: bool = False
    processor_seconds: float | None = None


class Worker:
    """One worker process, waiting for its one job. *redactor* learns the secrets that it is told."""

    def __init__(self, starter: Starter, root: Path, preload: tuple[str, ...], redactor: Redactor) -> None:
        self._redactor = redactor
        self._receive, send = os.pipe()
        try:
            self.process = starter.start(
                "upriver.materializer.execution.local.worker",
                preload,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                folder=root,
                descriptors=(send,),
            )
        except BaseException:
            os.close(self._receive)
            raise
        finally:
            os.close(send)

    def run(
        self,
        job: Job,
        *,
        timeout: float | None,
        memory: int | None,
        output: Callable[[str, str], None],
        cancelled: Callable[[], bool],
        progress: Callable[[int], None] = lambda memory: None,
    ) -> Ended:
        """Send *job* and wait for its end, passing lines of output to ``output(stream, line)``.

        *timeout* is in seconds, *memory* in bytes of the whole process tree. Always leaves no process behind.
        """
        process = self.process
        job = msgspec.structs.replace(job, token=secrets.token_hex(8))
        watch = _Watch(process, memory, timeout, cancelled, progress)
        reports = Reports(job.token.encode(), self._redactor)
        pipes = Pipes(process, self._receive, reports, self._redactor, output)
        try:
            while not process.begun(LOOK):
                if (ended := watch.look()) is not None:
                    return ended
            with suppress(OSError):  # died before its job: the wait below tells how
                process.pipe.write(msgspec.json.encode(job) + b"\n")
                process.pipe.flush()
            # Not only the pipe's end counts: a child of the recipe may hold it open after the worker is gone.
            while pipes.read(LOOK) and process.running():
                if (ended := watch.look()) is not None:
                    return ended
            while not process.wait(LOOK):  # it has reported; the end itself may take a moment
                if (ended := watch.look()) is not None:
                    return ended
        finally:
            code = process.end()
            pipes.close()
            problem = process.problem
            process.close()
        if reports.result is not None:
            return Ended(reports.result, peak_memory=watch.peak, processor_seconds=process.processor_seconds)
        return Ended(
            cause=problem or exit_cause(code),
            peak_memory=watch.peak,
            lost=process.lost,
            processor_seconds=process.processor_seconds,
        )

    def discard(self) -> None:
        """End a worker that got no job."""
        self.process.close()
        os.close(self._receive)


class _Watch:
    """Looks after a running worker; says how it ended when it had to be ended."""

    def __init__(
        self,
        process: SupervisedProcess,
        memory: int | None,
        timeout: float | None,
        cancelled: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> None:
        self._process = process
        self._memory = memory
        self._timeout = timeout
        self._cancelled = cancelled
        self._progress = progress
        self._looked = self._reported = self._started = time.monotonic()
        self._used: AttemptMemory | None = None
        self.peak = 0

    def look(self) -> Ended | None:
        if self._cancelled():
            return Ended(cancelled=True, cause="cancelled", peak_memory=self.peak)
        now = time.monotonic()
        if self._process.pid is None:
            self._started = now  # what it is forked from may still be importing
        if self._timeout is not None and now - self._started > self._timeout:
            cause = f"it ran longer than its timeout of {self._timeout:g} s"
            return Ended(cause=cause, peak_memory=self.peak)
        if now - self._looked < LOOK:
            return None
        self._looked = now
        if self._used is None:
            self._used = AttemptMemory(self._process.shared, self._memory)
        used = self._used.used(self._process.below())
        self.peak = max(self.peak, used)
        if self._memory is not None and used > self._memory:
            cause = f"it used {used >> 20:,} MiB, more than its memory limit of {self._memory >> 20:,} MiB"
            return Ended(cause=cause, peak_memory=self.peak)
        if now - self._reported > 0.5:
            self._reported = now
            self._progress(used)
        return None


def exit_cause(code: int) -> str:
    """In words, how a process ended that has reported nothing."""
    if code >= 0:
        return f"its process ended with exit code {code} before it had reported a result (os._exit?)"
    number = -code
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    words = {
        signal.SIGSEGV: "a segmentation fault in native code",
        signal.SIGABRT: "an abort in native code",
        signal.SIGKILL: "killed from outside; when memory ran out, by the kernel",
        signal.SIGBUS: "a bus error in native code",
        signal.SIGFPE: "an arithmetic fault in native code",
    }
    explained = words.get(signal.Signals(number)) if name.startswith("SIG") else None
    return f"its process was ended by {name}" + (f" ({explained})" if explained else "")


class WorkerPool:
    """Hands out workers. A secret that is told to one of them is hidden in what all of them print.

    *starter* starts them. Where that is not quick, up to *spare* are kept started and waiting, since importing Polars
    (*preload*) takes a while.
    """

    def __init__(self, root: Path, preload: tuple[str, ...], spare: int, starter: Starter) -> None:
        self._root = root
        self._preload = preload
        self._spare = spare
        self._starter = starter
        self._redactor = Redactor()
        self._waiting: list[Worker] = []
        self._lock = threading.Lock()
        self._closed = False

    def _start(self) -> Worker:
        return Worker(self._starter, self._root, self._preload, self._redactor)

    def expect(self, count: int) -> None:
        """Have up to *count* workers ready (never more than *spare*)."""
        if count:
            self._starter.warm()
        if self._starter.quick:
            return
        with self._lock:
            while not self._closed and len(self._waiting) < min(count, self._spare):
                self._waiting.append(self._start())

    def take(self) -> Worker | ForkedWorker:
        """A worker, started ahead if there is one."""
        if self._starter.quick:
            return ForkedWorker(self._starter, self._root, self._redactor)
        with self._lock:
            while self._waiting:
                worker = self._waiting.pop(0)
                if worker.process.running():
                    return worker
                worker.discard()
        return self._start()

    def close(self) -> None:
        """End the workers that wait."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, []
        for worker in waiting:
            worker.discard()


class ForkedWorker:
    """A worker that is forked when its job is there, and once more when what it was forked from is killed meanwhile."""

    def __init__(self, starter: Starter, root: Path, redactor: Redactor) -> None:
        self._starter = starter
        self._root = root
        self._redactor = redactor

    def run(
        self,
        job: Job,
        *,
        timeout: float | None,
        memory: int | None,
        output: Callable[[str, str], None],
        cancelled: Callable[[], bool],
        progress: Callable[[int], None] = lambda memory: None,
    ) -> Ended:
        """See :meth:`Worker.run`."""

        def once(starter: Starter) -> Ended:
            return Worker(starter, self._root, (), self._redactor).run(
                job, timeout=timeout, memory=memory, output=output, cancelled=cancelled, progress=progress
            )

        ended = once(self._starter)
        if not ended.lost:
            return ended
        # Another attempt may have ended what it was forked from, or this one has: the second time nothing is shared.
        with suppress(FileNotFoundError):
            os.unlink(job.target)  # noqa: PTH108 -- of the one that was lost
        apart = self._starter.apart()
        try:
            return once(apart)
        finally:
            apart.close()
