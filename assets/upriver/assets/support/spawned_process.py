"""Starting supervised processes: the port, and processes that are started anew each time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from upriver.assets.support.supervised_process import FIXED, SupervisedProcess


class Starter(Protocol):
    """A way to start supervised processes."""

    @property
    def quick(self) -> bool:
        """Whether starting takes so little that nothing need be started ahead."""

    def apart(self) -> Starter:
        """One of this kind that shares nothing with it."""

    def close(self) -> None:
        """Nothing more will be started."""

    def warm(self) -> None:
        """Get ready: something will soon be started."""

    def start(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        folder: Path | None = None,
        descriptors: Sequence[int] = (),
    ) -> SupervisedProcess:
        """Run the :data:`Program` called ``work`` of *module* in *folder*, with *descriptors* handed to it.

        *stdout* and *stderr* are ``DEVNULL`` or ``PIPE`` of :mod:`subprocess`. Raises OSError.
        """
        ...


class Spawn:
    """Starts an interpreter for each process: ``python -m MODULE ARGUMENTS``, in a session of its own."""

    quick = False

    def warm(self) -> None:
        """There is nothing to get ready."""

    def apart(self) -> Spawn:
        """Nothing is shared anyway."""
        return self

    def close(self) -> None:
        """There is nothing to let go of."""

    def start(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        folder: Path | None = None,
        descriptors: Sequence[int] = (),
    ) -> SupervisedProcess:
        """See :meth:`Starter.start`."""
        process = subprocess.Popen(
            # -P: files in the current folder must not be taken for Python's own modules.
            [sys.executable, "-P", "-m", module, *arguments, *map(str, descriptors)],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            env={**os.environ, **FIXED},
            pass_fds=descriptors,
            start_new_session=True,
        )
        return SpawnedProcess(process)


class SpawnedProcess(SupervisedProcess):
    """An interpreter that has called :func:`run_program`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__()
        assert process.stdin is not None
        self._process = process
        self.pipe, self.stdout, self.stderr = process.stdin, process.stdout, process.stderr

    @property
    def pid(self) -> int | None:
        """See :class:`SupervisedProcess`."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """See :class:`SupervisedProcess`."""
        return self._process.returncode

    def wait(self, seconds: float | None = None) -> bool:
        """See :class:`SupervisedProcess`."""
        if seconds == 0:
            return self._process.poll() is not None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is not None

    def send_signal(self, number: int) -> None:
        """See :class:`SupervisedProcess`."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def release(self) -> None:
        """See :class:`SupervisedProcess`."""
