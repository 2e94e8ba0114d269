"""Processes that load, plan or run project code, forked from one process in which Polars is imported already.

What runs in them is what always runs in them; only how they come about differs, which takes a twentieth of the time.
The file is also the program of that one process: it reads a request a line, and writes an answer a line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from upriver.assets.model import Key, PythonRecipe, Schema
from upriver.assets.project.config import Scalar
from upriver.lineage.analysis.analyzer import PlansPython
from upriver.lineage.analysis.planner_process import Answer, Hypothesis, Request, _answer_one, opaque
from upriver.lineage.model import Analysis
from upriver.lineage.project.describe_process import describe_project
from upriver.lineage.project.manifest import Described
from upriver.materializer.execution.local.messages import Job, Result
from upriver.materializer.execution.local.pool import Ended


class Forks:
    """The handle on that process; one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "POLARS_MAX_THREADS": "1"},
        )

    def ask(self, kind: str, root: str, request: bytes) -> bytes:
        """The answer of a process forked for this."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(msgspec.json.encode((kind, root, msgspec.Raw(request))) + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            if answer != b"\n":  # which says that the fork has ended; alone, that it has not answered
                self._process.stdout.readline()
            return answer

    @contextmanager
    def describing(self, root: Path, _starter: object = None) -> Iterator[Callable[[], Described]]:
        """See :func:`upriver.lineage.project.python_modules.describing`."""
        yield lambda: msgspec.json.decode(self.ask("describe", str(root), b"null"), type=Described)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


class ForkedWorkers:
    """In the place of :class:`upriver.materializer.execution.local.pool.WorkerPool`, and of each of its workers."""

    def __init__(self, forks: Forks) -> None:
        self._forks = forks

    def expect(self, count: int) -> None:
        """There is nothing to start ahead."""

    def take(self) -> ForkedWorkers:
        """A worker."""
        return self

    def run(self, job: Job, *, output: Callable[[str, str], None], **_limits: object) -> Ended:
        """See :meth:`upriver.materializer.execution.local.pool.Worker.run`."""
        answer = self._forks.ask("job", job.root, msgspec.json.encode(job))
        if not answer.strip():
            return Ended(cause="its process ended")
        return Ended(msgspec.json.decode(answer, type=Result))

    def close(self) -> None:
        """No worker waits."""


class ForkedPlanner:
    """In the place of :class:`upriver.lineage.analysis.planner_process.Planner`."""

    def __init__(self, forks: Forks, root: Path) -> None:
        self._forks = forks
        self._root = root

    def plan(
        self,
        recipe: PythonRecipe,
        schemas: Mapping[Key, Schema],
        settings: Mapping[str, Scalar],
        hypothesis: Hypothesis | None = None,
    ) -> Analysis:
        """See :meth:`upriver.lineage.analysis.planner_process.Planner.plan`."""
        inputs = tuple((one, schemas[one.key]) for one in recipe.inputs if one.key is not None)
        if any(not schema for _, schema in inputs):
            return opaque("it reads a file, or an upstream whose columns are not known yet")
        request = msgspec.json.encode(Request(recipe, inputs, dict(settings), hypothesis))
        answer = msgspec.json.decode(self._forks.ask("plan", str(self._root), request), type=Answer)
        assert answer.problem is None, answer.problem  # no recipe here reads what is not there
        assert answer.analysis is not None
        return answer.analysis

    def close(self) -> None:
        """No process waits."""


_PLANNER: Callable[[Forks, Path], PlansPython] = ForkedPlanner


def _answer(kind: str, root: str, request: bytes) -> bytes:
    if kind == "describe":
        return msgspec.json.encode(describe_project(Path(root)))
    if kind == "plan":
        return msgspec.json.encode(_answer_one(Path(root), request))
    from upriver.materializer.execution.local.worker import run

    return msgspec.json.encode(run(msgspec.json.decode(request, type=Job)))


def main() -> None:
    """Answer requests until there are no more."""
    # Imported, and not used: threads would not be there after the fork.
    import duckdb  # noqa: F401
    import polars  # noqa: F401

    import upriver.lineage.analysis.load_function
    import upriver.lineage.polars.dtypes
    import upriver.lineage.polars.empty
    import upriver.lineage.polars.plan_lineage
    import upriver.materializer.execution.local.frames
    import upriver.materializer.execution.local.undeclared_reads
    import upriver.materializer.execution.local.worker  # noqa: F401

    answers = os.dup(1)
    os.dup2(2, 1)  # recipes may print
    decoder = msgspec.json.Decoder(tuple[str, str, msgspec.Raw])
    for line in sys.stdin.buffer:
        kind, root, request = decoder.decode(line)
        child = os.fork()
        if child == 0:
            try:
                text = memoryview(_answer(kind, root, bytes(request)) + b"\n")
                while text:
                    text = text[os.write(answers, text) :]
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.write(answers, b"\n")


if __name__ == "__main__":
    main()
