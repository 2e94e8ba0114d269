"""The process that holds a project open for a ``SessionClient`` (session_client.py).

Started as ``python -m upriver.materializer.session.remote.session_server ROOT ENVIRONMENT``. It reads questions from
standard input and writes answers to standard output (see protocol.py), and ends when the client has gone.

This module is imported before everything else when the terminal UI starts: it imports only what costs little.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upriver.materializer.operations import ProjectApi
    from upriver.materializer.session.remote.protocol import Answer


def start(root: Path, environment: str) -> subprocess.Popen[bytes]:
    """Start the process. It begins to read the project at once."""
    return subprocess.Popen(
        # -P: files in the current folder must not be taken for Python's own modules.
        [
            sys.executable,
            "-P",
            "-m",
            "upriver.materializer.session.remote.session_server",
            str(root),
            environment,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # ^C and the end of the terminal are for the client
    )


def main() -> None:
    """Answer until the client has gone."""
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # whatever a library prints must not come between the answers
    os.close(nothing)
    threading.Thread(target=_end_with_client, name="upriver-client", daemon=True).start()
    from upriver.materializer.session import Session
    from upriver.materializer.session.remote import protocol

    session = Session(Path(sys.argv[1]), sys.argv[2], watched=True)
    with suppress(
        Exception
    ):  # the client, which is still importing, asks for the same next and gets the error then
        session.revision()
    try:
        while True:
            protocol.send(answers, answer(session, protocol.receive(questions)))
    except (EOFError, BrokenPipeError):
        session.close()


def answer(session: ProjectApi, text: bytes) -> Answer:
    """The answer of *session* to the question *text*."""
    from upriver.materializer.operation import RunsIn
    from upriver.materializer.session.remote import protocol

    try:
        asked, arguments = protocol.read_question(text)
        if asked.runs_in is not RunsIn.SESSION_SERVER:
            raise LookupError(f"a session server does not carry out {asked.name}")
        value = getattr(session, asked.name)
        return protocol.answer(value(**arguments) if callable(value) else value)
    except Exception as error:  # noqa: BLE001 - raised again by the client
        return protocol.failure(error)


def _end_with_client() -> None:
    """End at once when the client has gone, also amid a long query: its answer is not wanted any more."""
    poll = select.poll()
    poll.register(0, 0)  # nothing but its hanging up
    poll.poll()
    os._exit(0)


if __name__ == "__main__":
    main()
