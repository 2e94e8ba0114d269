"""The process that answers a :class:`upriver.materializer.remote.session_client.DistantSession`.

Started as ``python -m upriver.materializer.remote.session_server ROOT ENVIRONMENT``. It reads questions from standard
input and writes answers to standard output (see protocol.py), and ends when the client has gone.

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
    from upriver.materializer.remote.protocol import Answer
    from upriver.materializer.session import Session


def start(root: Path, environment: str) -> subprocess.Popen[bytes]:
    """Start the process. It begins to read the project at once."""
    return subprocess.Popen(
        # -P: files in the current folder must not be taken for Python's own modules.
        [sys.executable, "-P", "-m", "upriver.materializer.remote.session_server", str(root), environment],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # ^C and the end of the terminal are for the asker
    )


def main() -> None:
    """Answer until the asker has gone."""
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # whatever a library prints must not come between the answers
    os.close(nothing)
    threading.Thread(target=_end_with_asker, name="upriver-asker", daemon=True).start()
    from upriver.materializer.remote import protocol as wire
    from upriver.materializer.session import Session

    session = Session(Path(sys.argv[1]), sys.argv[2], watched=True)
    with suppress(Exception):  # it will be asked for, and told, next; the asker is still importing
        session.revision()
    try:
        while True:
            name, arguments, options = wire.read_question(wire.receive(questions))
            wire.send(answers, _answer(session, name, arguments, options))
    except (EOFError, BrokenPipeError):
        session.close()


def _answer(session: Session, name: str, arguments: tuple[object, ...], options: dict[str, object]) -> Answer:
    from upriver.materializer.remote import protocol as wire

    try:
        if name not in wire.ANSWERS:
            raise AttributeError(f"a session is not asked for {name}")
        value = getattr(session, name)
        return wire.answer(value(*arguments, **options) if callable(value) else value)
    except Exception as error:  # noqa: BLE001 - raised again where it was asked
        return wire.failure(error)


def _end_with_asker() -> None:
    """End at once when the asker has gone, also amid a long query: nobody waits for it any more."""
    poll = select.poll()
    poll.register(0, 0)  # nothing but its hanging up
    poll.poll()
    os._exit(0)


if __name__ == "__main__":
    main()
