"""Processes in which project code runs: none outlives who started it, and none leaves anything running.

Such a process splits in two before it does anything else (:func:`keep`): a *keeper*, which never runs foreign
code, and its child, which does. The keeper learns when whoever started it asks for the end (a signal) or is
gone (a pipe that only they hold is hung up), and when its child has ended, in whatever way. Then it ends all
that was started below it, and itself as its child ended.

On Linux nothing gets away: the keeper is the reaper of orphans below it, so that daemons in other sessions
stay its descendants, and the kernel ends the child when the keeper is killed. Elsewhere the child's process
group is ended. :class:`Kept` is the handle for whoever starts such a process.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

GRACE = 1.0
"""Seconds between asking a recipe's process group to end (SIGTERM) and ending it (SIGKILL)."""

_GENTLY = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_AT_ONCE = signal.SIGUSR1
_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36


# -- in the process that is started --------------------------------------------------------------------------
def keep() -> int:
    """Split this process; returns in the child that is to run foreign code. Call it before any thread starts.

    What :class:`Kept` sends is read from the descriptor that is returned; standard input is at its end.
    """
    _forbid_core_dumps()
    _prctl(_SET_CHILD_SUBREAPER, 1)
    # A recipe that stops its keeper, and then its starter dies: the kernel lets the keeper go on.
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGCONT)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    numbers = (*_GENTLY, _AT_ONCE, signal.SIGCHLD)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    keeper = os.getpid()
    child = os.fork()
    if child:
        _Keeper(child, woken, wake).work()
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
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
    """Waits for the child's end, or for somebody to want it. Descriptor 0 is the pipe to the starter."""

    def __init__(self, child: int, woken: int, wake: int) -> None:
        self._child = child
        self._woken = woken
        self._status: int | None = None
        self._hung_up = False
        self._asked: set[int] = set()
        # Whoever reads the child's output must see its end with the child's, not with ours.
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
        return self._hung_up or bool(self._asked)

    def _look(self, seconds: float | None) -> None:
        for descriptor, _ in self._poll.poll(None if seconds is None else seconds * 1000):
            if descriptor == 0:
                self._hung_up = True
                self._poll.unregister(0)
            else:
                self._asked |= set(os.read(self._woken, 4096)) - {int(signal.SIGCHLD)}
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
        _signal_group(self._child, signal.SIGTERM)
        _signal_group(self._child, signal.SIGCONT)
        until = time.monotonic() + GRACE
        while self._status is None and _AT_ONCE not in self._asked:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._look(left)

    def _end_all(self) -> None:
        _signal_group(self._child, signal.SIGKILL)
        end_descendants(os.getpid(), self._reap)

    def _end_like_child(self) -> NoReturn:
        status = self._status
        if status is not None and os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            with suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        os._exit(os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else 1)


def _forbid_core_dumps() -> None:
    """They would be large, and hold whatever secrets the process holds."""
    import resource

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _go_first_when_memory_runs_out() -> None:
    """Let the kernel end this process rather than the build, or a program that has nothing to do with it."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)


# -- in the process that starts it ---------------------------------------------------------------------------
class Kept:
    """A process that calls :func:`keep`: ``python -m MODULE ARGUMENTS``, in a session of its own.

    Its standard input is the pipe that tells it that we live.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        folder: Path | None = None,
        descriptors: Sequence[int] = (),
    ) -> None:
        self._seen: dict[int, str] = {}
        self.process = subprocess.Popen(
            # -P: files in the current folder must not be taken for Python's own modules.
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            # The order of sets of texts must not differ from run to run: what a recipe makes would.
            env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
            pass_fds=descriptors,
            start_new_session=True,
        )

    @property
    def pipe(self) -> IO[bytes]:
        """What is written here is read from the descriptor that :func:`keep` returns."""
        assert self.process.stdin is not None
        return self.process.stdin

    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def below(self) -> list[int]:
        """The processes below the keeper now. They are remembered, for the case that the keeper is killed."""
        found = descendants(self.process.pid)[1:]
        for pid in found:
            if pid not in self._seen:
                self._seen[pid] = _started(pid)
        return found

    def end(self, *, at_once: bool = False) -> int:
        """End it and all that was started below it; returns when all are gone, with how the child ended.

        The recipe is asked first, and has :data:`GRACE` seconds, unless *at_once*.
        """
        process = self.process
        if process.poll() is None:
            for number in (signal.SIGCONT, _AT_ONCE if at_once else signal.SIGTERM):
                with suppress(ProcessLookupError):
                    process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait((0.0 if at_once else GRACE) + 0.5)
        if process.poll() is None:  # the keeper can't: somebody has stopped it, or the machine is very slow
            end_descendants(process.pid)
            process.kill()
        code = process.wait()
        self._end_remembered()
        with suppress(OSError):  # what was not sent is not wanted any more
            self.pipe.close()
        return code

    def close(self) -> None:
        """End it at once, and let go of its output."""
        self.end(at_once=True)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def _end_remembered(self) -> None:
        """What the keeper has not ended because it was killed itself."""
        for pid, started in self._seen.items():
            now = _started(pid)
            if now not in ("", started):
                continue  # the number has a new owner
            _signal_group(pid, signal.SIGKILL)  # a group outlives its first process
            if now:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)


# -- looking at processes ------------------------------------------------------------------------------------
def end_descendants(pid: int, reap: Callable[[], None] = lambda: None, *, patience: float = 5.0) -> None:
    """``kill -9`` of everything below *pid*, again and again until nothing is left (Linux)."""
    until = time.monotonic() + patience
    while (found := descendants(pid)[1:]) and time.monotonic() < until:
        for one in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
        reap()
        time.sleep(0.002)


def descendants(pid: int) -> list[int]:
    """*pid* and the processes started below it that still have their parents (Linux; elsewhere only *pid*)."""
    found = [pid]
    for one in found:
        try:
            for thread in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{thread}/children") as file:  # noqa: PTH123
                    found.extend(int(child) for child in file.read().split())
        except OSError:
            continue
    return found


def _started(pid: int) -> str:
    """When *pid* was started, in the kernel's ticks; empty when there is no such process, or no telling."""
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 -- as above
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
