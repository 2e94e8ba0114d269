"""The fork parent: a process that has imported what recipes need, and forks a supervised process for each request.

``python -m upriver.assets.support.fork_parent FD MODULE…`` imports the modules (of ``MODULE:FUNCTION`` it also calls
the function) and then reads requests from the socket FD. A request is nothing but descriptors (see :class:`Handed`):
what the new process is to do is read by that process itself, so nothing of a user ever gets into this one. It runs no
project code, has an empty working directory and a base environment, starts no thread, and ends with its builder, taking
everything along that was started below it.
"""

from __future__ import annotations

import errno
import gc
import importlib
import os
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

from upriver.assets.support.process_tree import children, descendants, end_descendants, kill, kill_group
from upriver.assets.support.supervised_process import (
    GRACE,
    SET_CHILD_SUBREAPER,
    SET_PARENT_DEATH_SIGNAL,
    WATCHED,
    forbid_core_dumps,
    prctl,
    supervise,
)

_GENTLY = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_MOST_DESCRIPTORS = 64
_ORPHANS_PATIENCE = 5.0


class Handed(NamedTuple):
    """The descriptors of a request, in this order; more may follow, which are for the program.

    *pipe* becomes the one between starter and keeper, *out* and *err* standard output and error. Into *status* is
    written what becomes of the process, in lines: ``pid PID``, then ``end STATUS USER SYSTEM PEAK`` (as ``wait4``
    gives them: seconds, kibibytes), or ``error NUMBER``. *order* is what to do (see :func:`order`).
    """

    pipe: int
    out: int
    err: int
    status: int
    order: int


def order(module: str, folder: str, arguments: Sequence[str], environment: dict[bytes, bytes]) -> bytes:
    """What a new process is told: names, a number and texts, each ended by a zero byte as in ``/proc/PID/environ``."""
    parts = [module, folder, str(len(arguments)), *arguments]
    pairs = [name + b"=" + value for name, value in environment.items()]
    return b"".join(part + b"\0" for part in [*map(os.fsencode, parts), *pairs])


class _ForkParent:
    """Serves requests from *control* until it is hung up.

    *handlers* are those for signals of a new interpreter, *added* the variables that libraries have set on import.
    """

    def __init__(
        self, control: socket.socket, woken: int, handlers: Mapping[int, Any], added: Mapping[bytes, bytes]
    ) -> None:
        self._control = control
        self._added = added
        self._woken = woken
        self._handlers = handlers
        self._keepers: dict[int, int] = {}
        self._ended: list[tuple[int, bytes]] = []
        self._orphaned = 0.0
        self._asked = False
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._poll.register(woken, select.POLLIN)

    def work(self) -> None:
        """Returns when the builder is gone, or the end is asked for."""
        serving = True
        while serving and not self._asked:
            for descriptor, _ in self._poll.poll(5 if self._ended else None):
                if descriptor == self._woken:
                    self._asked = not _GENTLY.isdisjoint(os.read(descriptor, 4096))
                else:
                    serving = self._serve()
            self._reap()
            self._report()

    def end(self) -> None:
        """End every keeper and what is left below it. Those of a builder that is gone are ending by themselves."""
        if self._asked:
            for keeper in self._keepers:
                kill(keeper, signal.SIGTERM)
        until = time.monotonic() + GRACE + 1.0
        while self._keepers and time.monotonic() < until:
            time.sleep(0.01)
            self._reap()
        end_descendants(os.getpid(), self._reap)

    def _serve(self) -> bool:
        """Fork for one request. False when the other end is closed."""
        try:
            data, received, _, _ = socket.recv_fds(self._control, 16, _MOST_DESCRIPTORS)
        except ConnectionError:
            return False
        if not data:
            return False
        handed, more = Handed(*received[: len(Handed._fields)]), received[len(Handed._fields) :]
        try:
            pid = _fork()
        except OSError as error:
            _tell(handed.status, b"error %d\n" % (error.errno or errno.EAGAIN))
            received.remove(handed.status)
            os.close(handed.status)
        else:
            if pid == 0:
                self._become(handed, more)
            received.remove(handed.status)
            self._keepers[pid] = handed.status
            _tell(handed.status, b"pid %d\n" % pid)
        for descriptor in received:
            os.close(descriptor)
        return True

    def _become(self, handed: Handed, more: Sequence[int]) -> NoReturn:
        """Become a supervised process, in the child of a fork."""
        code = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            self._control.detach()  # closed below, with all that is the parent's alone
            for target, descriptor in enumerate((handed.pipe, handed.out, handed.err)):
                os.dup2(descriptor, target)
            _close_all_but({0, 1, 2, handed.order, *more})
            code = _run(supervise(self._handlers), handed.order, more, self._added)
        finally:
            # Neither threads nor exit handlers may hold it back.
            os._exit(code)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if pid == 0:
                    return
                if (told := self._keepers.pop(pid, None)) is not None:
                    line = f"end {status} {usage.ru_utime:.6f} {usage.ru_stime:.6f} {usage.ru_maxrss}\n"
                    self._ended.append((told, line.encode()))
                    self._orphaned = time.monotonic()

    def _report(self) -> None:
        """Report the children that have ended, once nothing is left below a keeper that was killed."""
        if not self._ended or self._asked:
            return
        orphans = [one for one in children(os.getpid()) if one not in self._keepers]
        for orphan in orphans:
            for one in descendants(orphan):
                kill_group(one)
                kill(one)
        if orphans and time.monotonic() - self._orphaned < _ORPHANS_PATIENCE:
            return
        for status, line in self._ended:
            _tell(status, line)
            os.close(status)
        self._ended.clear()


def _fork() -> int:
    with warnings.catch_warnings():
        # Python warns where there are threads. Those of here are of OpenBLAS and of jemalloc, which end, or lock, and
        # start them again around a fork by themselves; there are no others (see tests/assets/support).
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _tell(status: int, line: bytes) -> None:
    with suppress(BrokenPipeError):  # the builder does not want to know any more
        os.write(status, line)


def _close_all_but(kept: set[int]) -> None:
    numbers = sorted(kept)
    for low, high in zip(numbers, (*numbers[1:], os.sysconf("SC_OPEN_MAX")), strict=True):
        os.closerange(low + 1, high)


def _run(received: int, ordered: int, more: Sequence[int], added: Mapping[bytes, bytes]) -> int:
    """Do what was ordered, as a new interpreter would; the exit code."""
    with os.fdopen(ordered, "rb") as file:
        module, folder, count, *texts = file.read().split(b"\0")[:-1]
    arguments = [*map(os.fsdecode, texts[: int(count)]), *map(str, more)]
    _set_environment({**added, **dict(pair.partition(b"=")[::2] for pair in texts[int(count) :])})
    with suppress(OSError):  # it is gone: the program will say what it misses
        os.chdir(folder)
    name = os.fsdecode(module)
    sys.argv[:] = [name, *arguments]
    tempfile.tempdir = None
    try:
        with os.fdopen(received, "rb") as pipe:
            importlib.import_module(name).work(pipe, arguments)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 -- what an interpreter does with it
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # it may have been closed or replaced
            stream.flush()
    return code


def _set_environment(wanted: Mapping[bytes, bytes]) -> None:
    for name in os.environb.keys() - wanted.keys():
        del os.environb[name]
    for name, value in wanted.items():
        if os.environb.get(name) != value:
            os.environb[name] = value
    time.tzset()


def main() -> None:
    """Import the modules named, then serve."""
    control = socket.socket(fileno=int(sys.argv[1]))
    handlers: dict[int, Any] = {number: signal.getsignal(number) for number in WATCHED}
    forbid_core_dumps()
    prctl(SET_CHILD_SUBREAPER, 1)
    # When it was stopped, and the builder dies: the kernel lets it go on, and it finds the builder gone.
    prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGCONT)
    before = dict(os.environb)
    folder = tempfile.mkdtemp(prefix="upriver-")
    os.chdir(folder)
    for module, _, function in (one.partition(":") for one in sys.argv[2:]):
        with suppress(Exception):  # its user imports it again, and says what is wrong with it
            imported = importlib.import_module(module)
            if function:
                getattr(imported, function)()
    os.rmdir(folder)  # noqa: PTH106 -- nothing can be made in a folder that is gone
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    for number in handlers:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    gc.collect()
    gc.freeze()  # a collection in a new process would copy every page that has an object on it
    added = {name: value for name, value in os.environb.items() if before.get(name) != value}
    parent = _ForkParent(control, woken, handlers, added)
    try:
        parent.work()
    finally:  # also when this is defective
        parent.end()
        os._exit(0)


if __name__ == "__main__":
    main()
