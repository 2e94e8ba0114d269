"""The project's operations served by child processes, so that the thread of a UI never blocks.

Reading a large project takes a second of one processor, and the engines take a hundred megabytes. Python runs one
thread at a time: in the UI's own process each key would wait for its turn, and the memory would never come back.
The session server is started when it is first needed, and ends when nothing was asked for a while.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from upriver.assets.errors import UpriverError
from upriver.assets.model import Source
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.operation import RunsIn
from upriver.materializer.operations import ProjectApi, implement
from upriver.materializer.ports import Clock
from upriver.materializer.session import Session
from upriver.materializer.session.remote import protocol, session_server
from upriver.materializer.session.remote.build_client import run_build
from upriver.materializer.session.remote.operation_table import operation

REST = 120.0
"""Seconds without a question after which the session server ends; the next question starts another."""


class SessionClient(ProjectApi):
    """A :class:`ProjectApi` whose operations run where the table of operations says. Made with :meth:`open`.

    Every method that is not written here is generated from the table. *files* answers what the table leaves to the
    caller: whether a run goes on, and what its log holds. Each build has a process of its own, which outlives this one.
    The caller must call :meth:`revision` whenever a file was touched: see *watched* of :class:`Session`.
    """

    builds_detached = True

    def __init__(self, files: Session, process: subprocess.Popen[bytes] | None, rest: float) -> None:
        self.root, self.environment = files.root, files.environment
        self.files = files
        self._process = process
        self._turn = threading.Lock()
        self._rest = rest
        self._clock = files.context.clock
        self._asked_at = self._clock.monotonic()
        self._resting = threading.Event()
        self._revision = ""
        self._sources: Sequence[Source] | None = None
        self._closed = threading.Event()

    @classmethod
    def open(
        cls,
        root: Path,
        environment: str = "dev",
        *,
        clock: Clock | None = None,
        process: subprocess.Popen[bytes] | None = None,
        rest: float = REST,
    ) -> SessionClient:
        """A client for the project in *root*. *process* is a session server that was started for the same project;
        *rest* is in seconds.
        """
        return cls(Session(root, environment, clock=clock), process, rest)

    # -- the session server ------------------------------------------------------------------------------
    def ask(
        self, name: str, arguments: Sequence[object] = (), options: Mapping[str, object] | None = None
    ) -> object:
        """The answer of the session server to the operation *name*. Raises what the operation raises, and UpriverError
        when the process ends amid it.
        """
        asked = operation(name)
        bound = asked.bind(arguments, options or {})
        with self._turn:
            if self._closed.is_set():
                raise UpriverError("the session is closed")
            process = self._awake()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                protocol.send(process.stdin, protocol.question(asked, bound))
                answer = protocol.receive(process.stdout)
            except (EOFError, OSError):
                code = self._end()
                raise UpriverError(
                    f"the process that reads the project has ended amid its work (exit status {code})\n"
                    "  hint: it is started again when something is asked; is there enough memory?"
                ) from None
            finally:
                if name != "revision":  # looking whether anything has changed goes on all day, used or not
                    self._asked_at = self._clock.monotonic()
            return protocol.read_answer(asked, answer)

    def _awake(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._end()  # killed between two questions: nothing was lost
        if self._process is None:
            self._process = session_server.start(self.root, self.environment)
        if not self._resting.is_set():
            self._resting.set()
            threading.Thread(target=self._let_rest, name="upriver-rest", daemon=True).start()
        return self._process

    def _let_rest(self) -> None:
        """End the process when nothing has been asked for long."""
        while True:
            due = self._asked_at + self._rest - self._clock.monotonic()
            self._clock.wait(self._closed, max(0.01, due))
            with self._turn:
                if self._closed.is_set() or self._process is None:
                    self._resting.clear()
                    return
                if self._clock.monotonic() >= self._asked_at + self._rest:
                    self._sources = self._where_sources_are()
                    self._end()
                    self._resting.clear()
                    return

    def _where_sources_are(self) -> Sequence[Source] | None:
        """What :meth:`revision` looks at besides the project's files; None when it is not known."""
        process = self._process
        if process is None or process.poll() is not None or process.stdin is None or process.stdout is None:
            return None
        asked = operation("sources")
        try:
            protocol.send(process.stdin, protocol.question(asked, {}))
            return cast("Sequence[Source]", protocol.read_answer(asked, protocol.receive(process.stdout)))
        except (EOFError, OSError, UpriverError, RuntimeError):
            return None  # the next look starts the process again

    def _end(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not sent is not wanted any more
                    pipe.close()
        try:
            return process.wait(2.0)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    @property
    def resting(self) -> bool:
        """Whether the session server has ended because nothing was asked."""
        return self._process is None

    # -- operations that the client adds something to ------------------------------------------------------
    def revision(self) -> str:
        """See :meth:`ProjectApi.revision`. Does not start the session server when nothing has changed since."""
        with self._turn:
            sources = self._sources if self._process is None else None
        if sources is not None:
            from upriver.materializer.inspection.change_token import revision_of

            found = revision_of(self.files.context, sources)
            if found == self._revision:
                return found
        self._revision = cast(str, self.ask("revision"))
        return self._revision

    def close(self) -> None:
        """End the session server; release files."""
        # A question that waits for its answer does not get it: leaving must not wait for a query.
        process = self._process
        self._closed.set()
        if process is not None and process.poll() is None:
            process.kill()
        with self._turn:
            self._end()
        self.files.close()


# -- operations that are generated from the table --------------------------------------------------------------
def _asking(name: str) -> Callable[..., object]:
    def ask(self: SessionClient, /, *arguments: object, **options: object) -> object:
        return self.ask(name, arguments, options)

    return ask


def _building(name: str) -> Callable[..., object]:
    def build(self: SessionClient, /, *arguments: object, **options: object) -> object:
        asked = operation(name)
        bound: dict[str, Any] = asked.bind(arguments, options)
        cancel = bound["cancel"] or Cancel()
        return run_build(self.root, self.environment, asked, bound, bound["on_event"], cancel)

    return build


def _here(name: str) -> Callable[..., object]:
    def call(self: SessionClient, /, *arguments: object, **options: object) -> object:
        return cast(object, getattr(self.files, name)(*arguments, **options))

    return call


_MADE_BY: Mapping[RunsIn, Callable[[str], Callable[..., object]]] = {
    RunsIn.CALLER: _here,
    RunsIn.SESSION_SERVER: _asking,
    RunsIn.BUILD_SERVER: _building,
}


implement(SessionClient, lambda name, runs_in: _MADE_BY[runs_in](name))
