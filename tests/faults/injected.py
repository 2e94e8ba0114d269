"""The command line with a fault in it: a program of its own, run as ``python injected.py``.

As ``injected.py PLAN WORD…`` it is ``upriver WORD…`` under the plan (JSON, see :class:`Plan`). As
``injected.py --forks`` it waits for orders, one JSON document a line, and forks a process for each: what is
loaded once need not be loaded for every attack. See :mod:`tests.faults.forks` for the other side.

What can fail or be the last thing that a process does are the system calls that durability depends on: syncs,
renames, links and removals, those that SQLite makes among them.
"""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAMES = (
    "fsync",
    "fdatasync",
    "replace",
    "rename",
    "link",
    "unlink",
    "rmdir",
    "mkdir",
    "truncate",
    "ftruncate",
)


class Plan:
    """What is to happen: at call number *at* (from 1) of those in *calls*, *how*.

    *how* is ``kill`` (SIGKILL of the process group before the call), ``stop`` (SIGSTOP of it), the name of an
    error number (the call fails with it), or ``count``. With *on* also, all later calls fail. *wall* and
    *monotonic* are added to the clocks, in seconds. *environment* and *folder* are the process's. *limit* is
    RLIMIT_FSIZE, in bytes. *trace* names a file that gets the calls, one a line.
    """

    def __init__(
        self,
        at: int = 0,
        how: str = "count",
        calls: tuple[str, ...] = NAMES,
        on: bool = False,
        wall: float = 0.0,
        monotonic: float = 0.0,
        limit: int = 0,
        trace: str = "",
    ) -> None:
        self.at = at
        self.how = how
        self.calls = frozenset(calls)
        self.on = on
        self.wall = wall
        self.monotonic = monotonic
        self.limit = limit
        self.trace = trace
        self.seen: list[str] = []
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def about_to(self, call: str, name: object) -> None:
        """A call is about to be made: die, stop, or raise OSError, if it is its turn."""
        if call not in self.calls or os.getpid() != self._owner:
            return
        with self._lock:
            self.seen.append(call)
            if self.trace:
                with Path(self.trace).open("a") as file:
                    file.write(f"{call} {name}\n")
            number = len(self.seen)
            if not (number == self.at or (self.on and self.at and number > self.at)):
                return
            if self.how == "kill":
                os.kill(self._owner, signal.SIGKILL)
                time.sleep(60)  # it arrives before this ends
            if self.how == "stop":
                os.kill(self._owner, signal.SIGSTOP)
                return
            if self.how != "count":
                code = getattr(errno, self.how)
                raise OSError(code, os.strerror(code))

    def begin(self) -> None:
        """From here on, in this process."""
        self._owner = os.getpid()
        for name in NAMES:
            setattr(os, name, self._wrapped(name, getattr(os, name)))
        self._wrap_sqlite()
        if self.limit:
            import resource

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, self.limit))

    def shift_clocks(self) -> None:
        """Before anything has taken hold of them."""
        if self.wall:
            now = time.time
            time.time = lambda: now() + self.wall
        if self.monotonic:
            monotonic = time.monotonic
            time.monotonic = lambda: monotonic() + self.monotonic

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            self.about_to(name, arguments[0])
            return call(*arguments, **options)

        return wrapper

    def _wrap_sqlite(self) -> None:
        import apsw

        plan, below = self, apsw.vfs_names()[0]

        class File(apsw.VFSFile):
            def __init__(self, inherit: str, name: Any, flags: list[int]) -> None:
                super().__init__(inherit, name, flags)
                self._name = name.filename() if isinstance(name, apsw.URIFilename) else name

            def xSync(self, flags: int) -> None:
                self._do("fsync")
                super().xSync(flags)

            def xTruncate(self, size: int) -> None:
                self._do("ftruncate")
                super().xTruncate(size)

            def _do(self, call: str) -> None:
                try:
                    plan.about_to(call, self._name)
                except OSError as error:
                    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
                    raise (apsw.FullError if full else apsw.IOError)(error.strerror) from None

        class Vfs(apsw.VFS):
            def __init__(self) -> None:
                super().__init__("injected", below, makedefault=True)

            def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
                return File(below, name, flags)

            def xDelete(self, name: str, sync: bool) -> None:
                plan.about_to("unlink", name)
                super().xDelete(name, sync)

        self._vfs = Vfs()


def _forks() -> None:
    for name in ("duckdb", "polars", *(f"upriver.tui.cli.commands.{name}" for name in ("build", "fsck"))):
        importlib.import_module(name)  # what a build would load; nothing of it starts a thread
    from upriver.tui.cli.main import execute

    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:  # not before all its threads are gone, and with them its locks
            print(os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1]), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.chdir(order["folder"])
            os.environ.update(order["environment"])
            signal.signal(signal.SIGINT, signal.default_int_handler)
            out, err = io.StringIO(), io.StringIO()
            code = 70
            try:
                plan = Plan(**order["plan"])
                plan.shift_clocks()
                plan.begin()
                code = execute(order["words"], out, err, os.environ)
                err.write("".join(f"\0{call}" for call in plan.seen))
            finally:
                answer = json.dumps([code, out.getvalue(), err.getvalue()])
                Path(order["answer"]).write_text(answer, encoding="utf-8")
                os._exit(code)
        print(pid, flush=True)


def _main() -> int:
    if sys.argv[1] == "--forks":
        _forks()
        return 0
    plan = Plan(**json.loads(sys.argv[1]))
    plan.shift_clocks()
    from upriver.tui.cli.main import main

    plan.begin()
    return main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(_main())
