"""A build in a process of its own, seen from the one that asked for it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from upriver.assets.errors import UpriverError
from upriver.assets.model import Key
from upriver.materializer.answers import BuildResult
from upriver.materializer.events import Event
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.remote import build_server as builder
from upriver.materializer.remote import protocol as wire

_LOOKS = 0.05
"""Seconds between two looks at whether the build was asked to stop."""


def build_apart(
    root: Path,
    environment: str,
    select: tuple[str, ...],
    options: Mapping[str, object],
    on_event: Callable[[Event], None],
    cancel: Cancel,
) -> BuildResult:
    """Have it built, and wait for the end. Raises what the build raises, and UpriverError when its process ends amid
    it; what that had finished is kept.
    """
    process = builder.start(root, environment)
    assert process.stdin is not None
    assert process.stdout is not None
    over = threading.Event()
    word = threading.Thread(
        target=_pass_on, args=(process.stdin, cancel, over), name="upriver-word", daemon=True
    )
    try:
        wire.send(process.stdin, wire.question("build", [list(select)], options))
        word.start()
        while True:
            told = wire.read_told(wire.receive(process.stdout))
            if not isinstance(told, wire.Told):
                return wire.build_result(told)
            on_event(told.event)
    except (EOFError, OSError):
        code = process.wait()
        raise UpriverError(
            f"the process that builds has ended amid its work (exit status {code})\n"
            "  hint: what it had finished is kept; is there enough memory?"
        ) from None
    finally:
        over.set()
        _let_go(process)


def _pass_on(pipe: IO[bytes], cancel: Cancel, over: threading.Event) -> None:
    """Tell the other process what *cancel* is asked for."""
    level, dropped = 0, frozenset[Key]()
    with suppress(OSError, ValueError):  # the process has ended
        while not over.wait(_LOOKS):
            for key in cancel.dropped - dropped:
                wire.send(pipe, wire.question(builder.DROP, [key], {}))
            dropped = cancel.dropped
            while level < cancel.level:
                wire.send(pipe, wire.question(builder.STOP, [], {}))
                level += 1


def _let_go(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(2.0)
