"""A session whose heavy work is done by another process, for a face that must answer keys meanwhile.

Reading a large project takes a second of one processor, and the engines take a hundred megabytes. Python runs one
thread at a time: in the face's own process each key would wait for its turn, and the memory would never come back.
The process is started when first needed, and ends when nothing was asked for a while.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

from upriver.assets.errors import Diagnosis, UpriverError
from upriver.assets.model import Source
from upriver.materializer.answers import BuildResult
from upriver.materializer.events import Event
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.ports import Clock
from upriver.materializer.remote import protocol as wire
from upriver.materializer.remote import session_server as reader
from upriver.materializer.remote.build_client import build_apart
from upriver.materializer.session import Session

REST = 120.0
"""Seconds without a question after which the process ends; the next question starts another."""

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


def _asked(
    method: Callable[Concatenate[Session, _Given], _Found],
) -> Callable[Concatenate[DistantSession, _Given], _Found]:
    """*method*, carried out by the other process."""

    def ask(self: DistantSession, /, *arguments: _Given.args, **options: _Given.kwargs) -> _Found:
        return cast(_Found, self.ask(method.__name__, arguments, options))

    ask.__doc__ = method.__doc__
    return ask


class DistantSession(Session):
    """Like :class:`Session`. *process* is one that :func:`reader.start` has started for the same project.

    What costs little (is a run going on, what does it tell) is looked at in this process. Each build has a process of
    its own, which outlives this one.
    Somebody has to call :meth:`revision` whenever a file was touched: see *watched* of :class:`Session`.
    """

    builds_apart = True

    def __init__(
        self,
        root: Path,
        environment: str = "dev",
        *,
        clock: Clock | None = None,
        process: subprocess.Popen[bytes] | None = None,
        rest: float = REST,
    ) -> None:
        super().__init__(root, environment, clock=clock)
        self._process = process
        self._turn = threading.Lock()
        self._rest = rest
        self._asked_at = time.monotonic()
        self._resting = threading.Event()
        self._sources: Sequence[Source] | None = None
        self._closed = False

    # -- the other process -------------------------------------------------------------------------------
    def ask(
        self, name: str, arguments: Sequence[object] = (), options: Mapping[str, object] | None = None
    ) -> object:
        """What the session of the other process has under *name*. Raises what that raises, and UpriverError when
        the process ends amid it.
        """
        with self._turn:
            if self._closed:
                raise UpriverError("the session is closed")
            process = self._awake()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                wire.send(process.stdin, wire.question(name, arguments, options or {}))
                answer = wire.receive(process.stdout)
            except (EOFError, OSError):
                code = self._end()
                raise UpriverError(
                    f"the process that reads the project has ended amid its work (exit status {code})\n"
                    "  hint: it is started again when something is asked; is there enough memory?"
                ) from None
            finally:
                if name != "revision":  # looking whether anything has changed goes on all day, used or not
                    self._asked_at = time.monotonic()
            return cast(object, wire.read_answer(name, answer))

    def _awake(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._end()  # killed between two questions: nothing was lost
        if self._process is None:
            self._process = reader.start(self.root, self.environment)
        if not self._resting.is_set():
            self._resting.set()
            threading.Thread(target=self._let_rest, name="upriver-rest", daemon=True).start()
        return self._process

    def _let_rest(self) -> None:
        """End the process when nothing has been asked for long."""
        while True:
            time.sleep(max(0.01, self._asked_at + self._rest - time.monotonic()))
            with self._turn:
                if self._closed or self._process is None:
                    self._resting.clear()
                    return
                if time.monotonic() >= self._asked_at + self._rest:
                    self._sources = self._where_sources_are()
                    self._end()
                    self._resting.clear()
                    return

    def _where_sources_are(self) -> Sequence[Source] | None:
        """What has to be looked at for :meth:`revision` besides the project's files; None if that can't be told."""
        process = self._process
        if process is None or process.poll() is not None or process.stdin is None or process.stdout is None:
            return None
        try:
            wire.send(process.stdin, wire.question("sources", (), {}))
            return cast("Sequence[Source]", wire.read_answer("sources", wire.receive(process.stdout)))
        except (EOFError, OSError, UpriverError, RuntimeError):
            return None  # the next look wakes the process then

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
        """Whether the other process has ended because nothing was asked."""
        return self._process is None

    def close(self) -> None:
        """End the other process; release files."""
        # Whoever waits for an answer does not get it: leaving must not wait for a query.
        process = self._process
        self._closed = True
        if process is not None and process.poll() is None:
            process.kill()
        with self._turn:
            self._end()
        super().close()

    def build(
        self,
        select: Sequence[str] = (),
        *,
        force: bool = False,
        jobs: int | None = None,
        fail_fast: bool = False,
        wait: float | None = 0.0,
        on_event: Callable[[Event], None] = lambda event: None,
        cancel: Cancel | None = None,
    ) -> BuildResult:
        """See :meth:`Session.build`."""
        options = {"force": force, "jobs": jobs, "fail_fast": fail_fast, "wait": wait}
        asked = cancel or Cancel()
        return build_apart(self.root, self.environment, tuple(select), options, on_event, asked)

    # -- what is asked there -----------------------------------------------------------------------------
    @property
    def name(self) -> str:
        """The project's name."""
        return cast(str, self.ask("name"))

    def revision(self) -> str:
        """See :meth:`Session.revision`. Does not wake the other process when nothing has changed since."""
        with self._turn:
            sources = self._sources if self._process is None else None
        if sources is not None:
            from upriver.materializer.inspection import versions as maintenance

            found = maintenance.revision_of(self.context, sources)
            if found == self._revision:
                return found
        self._revision = cast(str, self.ask("revision"))
        return self._revision

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """Everything that is wrong with the declarations now; empty when the project can be used."""
        return cast("tuple[Diagnosis, ...]", self.ask("diagnoses"))

    keys = _asked(Session.keys)
    sources = _asked(Session.sources)
    status = _asked(Session.status)
    plan = _asked(Session.plan)
    why = _asked(Session.why)
    lineage = _asked(Session.lineage)
    renaming = _asked(Session.renaming)
    rename = _asked(Session.rename)
    fix = _asked(Session.fix)
    apply_fix = _asked(Session.apply_fix)
    column_renaming = _asked(Session.column_renaming)
    rename_column = _asked(Session.rename_column)
    impact = _asked(Session.impact)
    dropping = _asked(Session.dropping)
    columns = _asked(Session.columns)
    sql = _asked(Session.sql)
    preview = _asked(Session.preview)
    profile = _asked(Session.profile)
    compare = _asked(Session.compare)
    recipe_text = _asked(Session.recipe_text)
    history = _asked(Session.history)
    runs = _asked(Session.runs)
    run = _asked(Session.run)
    cost = _asked(Session.cost)
    log = _asked(Session.log)
