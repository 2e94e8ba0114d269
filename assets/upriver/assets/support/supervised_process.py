"""Supervised processes for project code: each ends with the process that started it, and leaves nothing running.

Such a process splits in two before it does anything else (:func:`supervise`): a *keeper*, which never runs foreign
code, and its child, which does. The keeper learns when its starter asks for the end (a signal) or is
gone (a pipe that only they hold is hung up), and when its child has ended, in whatever way. Then it ends all
that was started below it, and itself as its child ended.

On Linux nothing gets away: the keeper is the reaper of orphans below it, so that daemons in other sessions
stay its descendants, and the kernel ends the child when the keeper is killed. Elsewhere the child's process
group is ended. A :class:`SupervisedProcess` is the handle for the process that starts one; there are two ways to
start: :class:`Spawn` here, which starts an interpreter, and forking (see
:mod:`upriver.assets.support.forked_process`).
"""

from __future__ import annotations

import functools
import os
import select
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any, BinaryIO, NoReturn, TypeAlias

from upriver.assets.support.process_tree import (
    descendants,
    end_descendants,
    kill,
    kill_group,
    started_at,
)

GRACE = 1.0
"""Seconds between asking a recipe's process group to end (SIGTERM) and ending it (SIGKILL)."""

Program: TypeAlias = Callable[[BinaryIO, Sequence[str]], None]
"""What a module that is run in a supervised process calls ``work``: it is given the pipe from the starter, and its
arguments; the numbers of the descriptors that it was handed come last among these.
"""

FIXED = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
"""Variables of every such process. The order of sets of texts must not differ from run to run: what a recipe makes
would.
"""

_GENTLY = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_AT_ONCE = signal.SIGUSR1
_ONLY_WAKING = {int(signal.SIGCHLD), int(signal.SIGCONT)}
WATCHED = (*_GENTLY, _AT_ONCE, signal.SIGCHLD, signal.SIGCONT)
"""The signals that a keeper has handlers of its own for."""
SET_PARENT_DEATH_SIGNAL = 1
SET_CHILD_SUBREAPER = 36


# -- in the process that is started --------------------------------------------------------------------------
def run_program(work: Program) -> None:
    """Run *work* in the child of this process, which was started by :class:`Spawn`."""
    with os.fdopen(supervise(), "rb") as pipe:
        work(pipe, sys.argv[1:])


def supervise(handlers: Mapping[int, Any] | None = None) -> int:
    """Split this process; returns in the child that is to run foreign code. Call it before any thread starts.

    What the starter sends is read from the descriptor that is returned; standard input is at its end. *handlers* are
    those that the child gets for signals; without them, those that are set now.
    """
    starter = os.getppid()
    forbid_core_dumps()
    prctl(SET_CHILD_SUBREAPER, 1)
    # A recipe that stops its keeper, and then its starter dies: the kernel lets the keeper go on.
    prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGCONT)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    before = {number: signal.signal(number, lambda *_: None) for number in WATCHED} | dict(handlers or {})
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    keeper = os.getpid()
    child = os.fork()
    if child:
        _Keeper(child, starter, woken, wake).work()
    prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != keeper:  # it died before the line above
        os._exit(1)
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)
    os.close(woken)
    os.close(wake)
    _go_first_when_memory_runs_out()
    received = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0, inheritable=True)
    os.close(nothing)
    return received


class _Keeper:
    """Waits for the child's end, or for the wish to end it. Descriptor 0 is the pipe to the starter."""

    def __init__(self, child: int, starter: int, woken: int, wake: int) -> None:
        self._child = child
        self._starter = starter
        self._woken = woken
        self._status: int | None = None
        self._hung_up = False
        self._asked: set[int] = set()
        # A reader of the child's output must see its end with the child's, not with ours.
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        kept = sorted({woken, wake})
        for low, high in zip((2, *kept), (*kept, os.sysconf("SC_OPEN_MAX")), strict=True):
            os.closerange(low + 1, high)
        self._poll = select.poll()
        self._poll.register(0, 0)  # nothing but its hanging up
        self._poll.register(woken, select.POLLIN)

    def work(self) -> NoReturn:
        try:
            while self._status is None and not self._wanted():
                self._look(None)
            if self._status is None and _AT_ONCE not in self._asked:
                self._ask_child()
        finally:  # also when this is defective
            self._end_all()
            self._end_like_child()

    def _wanted(self) -> bool:
        # Who has started it may be the fork parent, and is not the one at the other end of the pipe then.
        return self._hung_up or bool(self._asked) or os.getppid() != self._starter

    def _look(self, seconds: float | None) -> None:
        for descriptor, _ in self._poll.poll(None if seconds is None else seconds * 1000):
            if descriptor == 0:
                self._hung_up = True
                self._poll.unregister(0)
            else:
                self._asked |= set(os.read(self._woken, 4096)) - _ONLY_WAKING
        self._reap()

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._child:
                    self._status = status

    def _ask_child(self) -> None:
        kill_group(self._child, signal.SIGTERM)
        kill_group(self._child, signal.SIGCONT)
        until = time.monotonic() + GRACE
        while self._status is None and _AT_ONCE not in self._asked:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._look(left)

    def _end_all(self) -> None:
        kill_group(self._child, signal.SIGKILL)
        end_descendants(os.getpid(), self._reap)

    def _end_like_child(self) -> NoReturn:
        status = self._status
        if status is not None and os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            with suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        os._exit(os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else 1)


def forbid_core_dumps() -> None:
    """They would be large, and hold whatever secrets the process holds."""
    import resource

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _go_first_when_memory_runs_out() -> None:
    """Let the kernel end this process rather than the build, or a program that has nothing to do with it."""
    with suppress(OSError):
        file = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, b"1000")
        finally:
            os.close(file)


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        import ctypes

        _library().prctl(option, ctypes.c_ulong(value), 0, 0, 0)


@functools.cache
def _library() -> Any:
    import ctypes

    return ctypes.CDLL(None)


# -- in the process that starts it ---------------------------------------------------------------------------
class SupervisedProcess(ABC):
    """Handle on a process that has split by :func:`supervise`: *pid* is the keeper's."""

    def __init__(self) -> None:
        self._seen: dict[int, str] = {}

    stdout: IO[bytes] | None
    stderr: IO[bytes] | None
    pipe: IO[bytes]
    """What is written here is read from what :func:`supervise` returns. It also tells the keeper that we live."""

    @property
    @abstractmethod
    def pid(self) -> int | None:
        """The keeper's number; None while it is not started."""

    @property
    @abstractmethod
    def code(self) -> int | None:
        """How it has ended (negative: by that signal), None while it has not."""

    @property
    def lost(self) -> bool:
        """Whether it ended because of what it was started from, and not by itself."""
        return False

    @property
    def problem(self) -> str | None:
        """In words, why it is not what was asked for; None when it is."""
        return None

    processor_seconds: float | None = None
    """What it and all that it has waited for have taken, where that is known at its end."""

    shared: int = 0
    """Bytes of memory that it may share with what it was forked from."""

    @abstractmethod
    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, up to *seconds*. Whether it has ended."""

    @abstractmethod
    def send_signal(self, number: int) -> None:
        """Send a signal to the keeper, if it lives."""

    @abstractmethod
    def release(self) -> None:
        """Let go of what only this handle needs; it has ended."""

    def begun(self, seconds: float) -> bool:
        """Wait until it is there, up to *seconds*. Whether it is, or has ended."""
        return self.pid is not None or self.wait(seconds)

    def running(self) -> bool:
        """Whether it has not ended."""
        return not self.wait(0)

    def below(self) -> list[int]:
        """The processes below the keeper now. They are remembered, for the case that the keeper is killed."""
        if self.pid is None:
            return []
        found = descendants(self.pid)[1:]
        for pid in found:
            if pid not in self._seen:
                self._seen[pid] = started_at(pid)
        return found

    def end(self, *, at_once: bool = False) -> int:
        """End it and all that was started below it; returns when all are gone, with how the child ended.

        It is asked first, and has :data:`GRACE` seconds, unless *at_once*.
        """
        if self.running():
            for number in (signal.SIGCONT, _AT_ONCE if at_once else signal.SIGTERM):
                self.send_signal(number)
            self.wait((0.0 if at_once else GRACE) + 0.5)
        if self.running():  # the keeper can't: it was stopped, or the machine is very slow
            if self.pid is not None:
                end_descendants(self.pid)
            self.send_signal(signal.SIGKILL)
        self.wait()
        self._end_remembered()
        with suppress(OSError):  # what was not sent is not wanted any more
            self.pipe.close()
        assert self.code is not None
        return self.code

    def close(self) -> None:
        """End it at once, and let go of its output."""
        self.end(at_once=True)
        for pipe in (self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()
        self.release()

    def _end_remembered(self) -> None:
        """What the keeper has not ended because it was killed itself."""
        for pid, started in self._seen.items():
            now = started_at(pid)
            if now not in ("", started):
                continue  # the number has a new owner
            kill_group(pid)
            if now:
                kill(pid)
