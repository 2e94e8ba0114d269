"""The process that carries out one build for a ``SessionClient`` (session_client.py).

Started as ``python -m upriver.materializer.session.remote.build_server ROOT ENVIRONMENT``. It reads one question from
standard input, writes the events of the build to standard output (see protocol.py), and then its answer. While it
builds, it reads requests from standard input: to stop, or to leave one asset out. When the client has gone it builds
on: other processes see it as any other build, and stop it with SIGTERM. If it dies, the client goes on.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from upriver.materializer.events import Event
    from upriver.materializer.execution.cancel import Cancel
    from upriver.materializer.session.remote.protocol import Answer, Happened


def start(root: Path, environment: str) -> subprocess.Popen[bytes]:
    """Start the process. It builds when it is asked."""
    return subprocess.Popen(
        # -P: files in the current folder must not be taken for Python's own modules.
        [
            sys.executable,
            "-P",
            "-m",
            "upriver.materializer.session.remote.build_server",
            str(root),
            environment,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # ^C and the end of the terminal are for the client
    )


class _Client:
    """The other end of the pipe, as long as it is open."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._gone = False

    def send_event(self, event: Event) -> None:
        from upriver.materializer.session.remote import protocol

        self.send(protocol.Happened(event))

    def send(self, message: Answer | Happened) -> None:
        from upriver.materializer.session.remote import protocol

        if self._gone:
            return
        try:
            protocol.send(self._pipe, message)
        except OSError:
            self._gone = True  # the run's log keeps everything


def main() -> None:
    """Carry out the build that is asked for."""
    gc.set_threshold(100_000)  # as for the command line: a large project is a great many objects that stay
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # whatever a library prints must not come between the answers
    os.close(nothing)
    from upriver.materializer.execution.cancel import Cancel
    from upriver.materializer.session.remote import protocol

    cancel = Cancel()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: cancel.request(number))
    try:
        text = protocol.receive(questions)
    except EOFError:
        return
    threading.Thread(
        target=_listen, args=(questions, cancel), name="upriver-build-requests", daemon=True
    ).start()
    client = _Client(answers)
    client.send(_answer(text, client, cancel))
    gc.freeze()  # the process ends; Python would go through all of it once more


def _answer(text: bytes, client: _Client, cancel: Cancel) -> Answer:
    from upriver.materializer.operation import RunsIn
    from upriver.materializer.session import Session
    from upriver.materializer.session.remote import protocol

    try:
        asked, arguments = protocol.read_question(text)
        if asked.runs_in is not RunsIn.BUILD_SERVER:
            raise LookupError(f"a build server does not carry out {asked.name}")
        session = Session(Path(sys.argv[1]), sys.argv[2])
        try:
            build = getattr(session, asked.name)
            return protocol.answer(build(**arguments, on_event=client.send_event, cancel=cancel))
        finally:
            session.close()
    except Exception as error:  # noqa: BLE001 - raised again by the client
        return protocol.failure(error)


def _listen(requests: IO[bytes], cancel: Cancel) -> None:
    from upriver.materializer.session.remote import protocol

    try:
        while True:
            match protocol.read_request(protocol.receive(requests)):
                case protocol.Drop(asset):
                    cancel.drop(asset)
                case protocol.Stop():
                    cancel.request()
    except (EOFError, OSError):
        return  # the client has gone: the build goes on


if __name__ == "__main__":
    main()
