"""Starting supervised processes by forking them from a fork parent, and the handles on them.

Importing Polars and Arrow takes a quarter of a second; a fork of a process that has imported them, two thousandths.
See :mod:`upriver.assets.support.fork_parent` for the other end.
"""

from __future__ import annotations

import os
import re
import select
import signal
import site
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, TypeAlias

from upriver.assets.support.fork_parent import Handed, order
from upriver.assets.support.process_tree import end_descendants, kill, resident_bytes, started_at
from upriver.assets.support.supervised_process import FIXED, GRACE, SupervisedProcess

PATIENCE = 30.0
"""Seconds after which a fork parent that does not answer is ended."""

_LATE = 2.0
_LOOK = 0.05

_BASE = re.compile(
    # Where programs and what they say are looked for.
    r"PATH|LANG|LANGUAGE|LC_\w+|TZ|TZDIR"
    # What the interpreter and the libraries look at when they are imported.
    r"|PYTHON\w+|LD_\w+|DYLD_\w+|MALLOC_\w+|GLIBC_TUNABLES|\w*MALLOC_CONF"
    r"|POLARS_\w+|ARROW_\w+|NPY_\w+|NUMPY_\w+|OPENBLAS_\w+|OMP_\w+|GOTO_\w+|MKL_\w+|BLIS_\w+|RAYON_\w+|RUST_\w+"
)
"""Variables that a fork parent is started with. It is another one when one of their values is."""

Identity: TypeAlias = tuple[object, ...]


def can_fork() -> bool:
    """Whether processes can be forked from one that has imported libraries: on macOS these do not survive it."""
    return sys.platform == "linux" and os.path.isdir("/proc/self/task")  # noqa: PTH112


class ForkParent:
    """Starts a fork parent when it is first needed, and another when it was lost or no longer is what it should be.

    Safe from several threads. *preload* are the modules that it imports: none of a project.
    """

    quick = True

    def __init__(self, preload: Sequence[str]) -> None:
        self._preload = tuple(preload)
        self._lock = threading.Lock()
        self._current: _Server | None = None

    def warm(self) -> None:
        """Have a fork parent started, for what will soon be asked of it."""
        with self._lock:
            self._server()

    def start(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        folder: Path | None = None,
        descriptors: Sequence[int] = (),
    ) -> ForkedProcess:
        """See :meth:`upriver.assets.support.spawned_process.Starter.start`."""
        environment = {**os.environb, **{os.fsencode(n): os.fsencode(v) for n, v in FIXED.items()}}
        told = order(
            module, str(folder) if folder is not None else _working_directory(), arguments, environment
        )
        with self._lock:
            try:
                return ForkedProcess(self._server(), told, (stdout, stderr), descriptors)
            except (BrokenPipeError, ConnectionError):  # it was killed since it was last used
                return ForkedProcess(self._server(), told, (stdout, stderr), descriptors)

    def apart(self) -> ForkParent:
        """Another one, which starts a fork parent of its own."""
        return ForkParent(self._preload)

    def close(self) -> None:
        """End the fork parent, and what was forked from it."""
        with self._lock:
            server, self._current = self._current, None
        if server is not None:
            server.close()

    def _server(self) -> _Server:
        environment = _base_environment()
        identity = (sys.executable, _distributions(), tuple(sorted(environment.items())))
        current = self._current
        if current is not None and (current.identity != identity or current.gone()):
            current.retire()
            current = None
        if current is None:
            current = self._current = _Server(identity, environment, self._preload)
        return current

    @property
    def pid(self) -> int | None:
        """The fork parent's number, if there is one."""
        return None if self._current is None else self._current.pid


class _Server:
    """A fork parent that runs, and the socket to it."""

    def __init__(self, identity: Identity, environment: Mapping[str, str], preload: Sequence[str]) -> None:
        self.identity = identity
        self._lock = threading.Lock()
        self._forked = 0
        self._retired = False
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 -- open as long as it runs
        self.control.settimeout(PATIENCE)
        with theirs:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "upriver.assets.support.fork_parent",
                    str(theirs.fileno()),
                    *preload,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                cwd="/",
                env={**environment, **FIXED},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self.pid = process.pid
        self._process = process
        self.close = weakref.finalize(self, _end, self.control, process, self._said)

    def gone(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def cause(self) -> str:
        """In words, how it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        last = ""
        if not self._said.closed:
            self._said.seek(0)
            last = self._said.read()[-2000:].decode("utf-8", "replace").strip().rpartition("\n")[2]
        return f"exit code {self._process.returncode}" + (f": {last}" if last else "")

    def forked(self) -> None:
        """One more process is handled."""
        with self._lock:
            self._forked += 1

    def released(self) -> None:
        """One less is."""
        with self._lock:
            self._forked -= 1
            last = self._retired and self._forked == 0
        if last:
            self.close()

    def retire(self) -> None:
        """End it once all that was forked from it has ended."""
        with self._lock:
            self._retired = True
            last = self._forked == 0
        if last or self.gone():
            self.close()

    def send(self, descriptors: Sequence[int]) -> None:
        """Ask for a process. Raises OSError."""
        try:
            socket.send_fds(self.control, [b"\n"], descriptors)
        except TimeoutError:
            self.hurry(PATIENCE)
            raise

    def hurry(self, waited: float) -> None:
        """A caller has *waited* for so many seconds: let it go on if it was stopped; in the end, end it."""
        if waited >= _LATE:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL if waited >= PATIENCE else signal.SIGCONT)


def _end(control: socket.socket, process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    """End a fork parent: it learns of it by its socket, and by force where that does not do."""
    control.close()
    said.close()
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
    try:
        process.wait(GRACE + 3.0)
    except subprocess.TimeoutExpired:
        end_descendants(process.pid)
        process.kill()
        process.wait()


class ForkedProcess(SupervisedProcess):
    """A process that was asked of a fork parent; it may take a moment until it is there."""

    def __init__(
        self, server: _Server, told: bytes, streams: tuple[int, int], descriptors: Sequence[int]
    ) -> None:
        super().__init__()
        self._server = server
        self._code: int | None = None
        self._lost = False
        self._error: int | None = None
        self._pid: int | None = None
        self._started = ""
        self._told = b""
        self._since = time.monotonic()
        self._let_go = False
        with ExitStack() as passed, ExitStack() as ours:

            def handed(descriptor: int) -> int:
                passed.callback(os.close, descriptor)
                return descriptor

            def stream(wanted: int) -> tuple[IO[bytes] | None, int]:
                if wanted == subprocess.DEVNULL:
                    return None, handed(os.open(os.devnull, os.O_WRONLY))
                read, write = os.pipe()
                return ours.enter_context(os.fdopen(read, "rb")), handed(write)

            read, write = os.pipe()
            self.pipe = ours.enter_context(os.fdopen(write, "wb"))
            self.stdout, out = stream(streams[0])
            self.stderr, err = stream(streams[1])
            status, theirs = os.pipe()
            self._status = ours.enter_context(os.fdopen(status, "rb", buffering=0))
            ordered = handed(os.memfd_create("order"))
            os.write(ordered, told)
            os.lseek(ordered, 0, os.SEEK_SET)
            request = Handed(pipe=handed(read), out=out, err=err, status=handed(theirs), order=ordered)
            server.send([*request, *descriptors])
            ours.pop_all()
        self._ready = select.poll()
        self._ready.register(self._status, select.POLLIN)
        server.forked()

    @property
    def pid(self) -> int | None:
        """See :class:`SupervisedProcess`."""
        if self._pid is None and not self._let_go:
            self.begun(0)
        return self._pid

    @property
    def code(self) -> int | None:
        """See :class:`SupervisedProcess`."""
        return self._code

    @property
    def lost(self) -> bool:
        """See :class:`SupervisedProcess`."""
        return self._lost

    @property
    def problem(self) -> str | None:
        """See :class:`SupervisedProcess`."""
        if self._error is not None:
            return f"its process can't be started: {os.strerror(self._error)}"
        if self._lost:
            return f"the process that it was forked from has ended ({self._server.cause()})"
        return None

    def begun(self, seconds: float) -> bool:
        """See :class:`SupervisedProcess`."""
        return self._wait(lambda: self._pid is not None or self._code is not None, seconds)

    def wait(self, seconds: float | None = None) -> bool:
        """See :class:`SupervisedProcess`."""
        return self._wait(lambda: self._code is not None, seconds)

    def _wait(self, done: Callable[[], bool], seconds: float | None) -> bool:
        until = None if seconds is None else time.monotonic() + seconds
        while not done():
            left = _LOOK if until is None else until - time.monotonic()
            if self._ready.poll(max(0.0, min(left, _LOOK)) * 1000):
                self._take()
            elif self._parent_is_late():
                self._server.hurry(time.monotonic() - self._since)
            if left <= 0:
                break
        return done()

    def send_signal(self, number: int) -> None:
        """See :class:`SupervisedProcess`."""
        if self._pid is None:  # once it is there, it finds the other end closed
            with suppress(OSError):
                self.pipe.close()
        elif self._code is None and started_at(self._pid) == self._started:
            kill(self._pid, number)

    def release(self) -> None:
        """See :class:`SupervisedProcess`."""
        if not self._let_go:
            self._let_go = True
            self._status.close()
            self._server.released()

    def _take(self) -> None:
        """Take what the fork parent tells."""
        data = self._status.read(4096)
        if not data:
            self._lose()
            return
        *lines, self._told = (self._told + data).split(b"\n")
        for line in lines:
            match line.split():
                case [b"pid", number]:
                    self._pid = int(number)
                    self._started = started_at(self._pid)
                    self._since = time.monotonic()
                    self.shared = resident_bytes(self._server.pid)
                case [b"end", status, user, system, _]:
                    self._code = os.waitstatus_to_exitcode(int(status))
                    self.processor_seconds = float(user) + float(system)
                case [b"error", number]:
                    self._error, self._code = int(number), 1

    def _lose(self) -> None:
        """The fork parent is gone: its keepers end by themselves."""
        self._lost = True
        if self._pid is not None and self._started:
            until = time.monotonic() + GRACE + 1.0
            while started_at(self._pid) == self._started and time.monotonic() < until:
                time.sleep(0.005)
            if started_at(self._pid) == self._started:
                end_descendants(self._pid)
                kill(self._pid)
        self._code = -signal.SIGKILL

    def _parent_is_late(self) -> bool:
        """Whether the fork parent should have told something by now, or is about to."""
        if self._pid is not None and self._started and started_at(self._pid) == self._started:
            self._since = time.monotonic()  # the process lives: there is nothing to tell
            return False
        return True


def _base_environment() -> dict[str, str]:
    found = {name: value for name, value in os.environ.items() if _BASE.fullmatch(name)}
    if "PYTHONPATH" in found:  # it has another working directory
        entries = found["PYTHONPATH"].split(os.pathsep)
        found["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in entries)  # noqa: PTH100
    if site.ENABLE_USER_SITE:  # which is below HOME, unless this says where
        found["PYTHONUSERBASE"] = site.getuserbase()
    return found


def _distributions() -> tuple[tuple[str, int], ...]:
    """The folders that modules are imported from, and when something was last added to or removed from each."""
    found = []
    for folder in sys.path:
        try:
            found.append((folder, os.stat(folder).st_mtime_ns))  # noqa: PTH116 -- for each process
        except OSError:
            continue
    return tuple(found)


def _working_directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 -- for each process
    except OSError:  # it was removed
        return "/"
