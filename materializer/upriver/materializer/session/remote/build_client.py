"""Client of a build that runs in its own process: sends the question, passes on events and requests to stop."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from upriver.assets.errors import UpriverError
from upriver.assets.model import Key
from upriver.materializer.events import Event
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.session.remote import build_server, protocol
from upriver.materializer.session.remote.operation_table import Operation

_INTERVAL = 0.05
"""Seconds between two looks at whether the build was asked to stop."""


def run_build(
    root: Path,
    environment: str,
    asked: Operation,
    arguments: Mapping[str, object],
    on_event: Callable[[Event], None],
    cancel: Cancel,
) -> object:
    """Run the operation *asked* in a build server, and wait for its answer.

    Raises what the build raises, and UpriverError when its process ends amid it; what that had finished is kept.
    """
    process = build_server.start(root, environment)
    assert process.stdin is not None
    assert process.stdout is not None
    over = threading.Event()
    requests = threading.Thread(
        target=_pass_on, args=(process.stdin, cancel, over), name="upriver-build-requests", daemon=True
    )
    try:
        protocol.send(process.stdin, protocol.question(asked, arguments))
        requests.start()
        while True:
            message = protocol.read_happened(protocol.receive(process.stdout))
            if isinstance(message, protocol.Answer):
                return protocol.value_of(asked, message)
            on_event(message.event)
    except (EOFError, OSError):
        code = process.wait()
        raise UpriverError(
            f"the process that builds has ended amid its work (exit status {code})\n"
            "  hint: what it had finished is kept; is there enough memory?"
        ) from None
    finally:
        over.set()
        _release(process)


def _pass_on(pipe: IO[bytes], cancel: Cancel, over: threading.Event) -> None:
    """Send what *cancel* requests, until the build is *over*."""
    level, dropped = 0, frozenset[Key]()
    with suppress(OSError, ValueError):  # the process has ended
        while not over.wait(_INTERVAL):
            for key in cancel.dropped - dropped:
                protocol.send(pipe, protocol.Drop(key))
            dropped = cancel.dropped
            while level < cancel.level:
                protocol.send(pipe, protocol.Stop())
                level += 1


def _release(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(2.0)
