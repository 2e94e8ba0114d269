"""The process that answers a :class:`upriver.materializer.distant.DistantSession`.

Started as ``python -m upriver.materializer.reader ROOT ENVIRONMENT``. It reads questions from standard input and
writes answers to standard output, both as :func:`send` writes them, and ends when the asker has gone.

This module is imported before everything else when the terminal UI starts: it imports only what that costs little.
"""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from upriver.materializer.session import Session

_LENGTH = 8


def start(root: Path, environment: str) -> subprocess.Popen[bytes]:
    """Start the process. It begins to read the project at once."""
    return subprocess.Popen(
        # -P: files in the current folder must not be taken for Python's own modules.
        [sys.executable, "-P", "-m", "upriver.materializer.reader", str(root), environment],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # ^C and the end of the terminal are for the asker
    )


def send(pipe: IO[bytes], value: object) -> None:
    """Write *value*. Raises OSError when nobody reads, and whatever pickle raises, with nothing written."""
    text = pickle.dumps(value, protocol=5)
    pipe.write(len(text).to_bytes(_LENGTH, "little") + text)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """What :func:`send` has written at the other end. Raises EOFError when that has ended."""
    length = pipe.read(_LENGTH)
    if len(length) < _LENGTH:
        raise EOFError
    text = pipe.read(int.from_bytes(length, "little"))
    return pickle.loads(text)  # noqa: S301 - both ends are this program, and nobody else has the pipe


def main() -> None:
    """Answer until the asker has gone."""
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # whatever a library prints must not come between the answers
    os.close(nothing)
    threading.Thread(target=_end_with_asker, name="upriver-asker", daemon=True).start()
    from upriver.materializer.session import Session

    session = Session(Path(sys.argv[1]), sys.argv[2], watched=True)
    try:
        answer(session, "revision", (), {})  # it will be asked for next; the asker is still importing
        while True:
            name, arguments, options = receive(questions)
            _reply(answers, answer(session, name, arguments, options))
    except (EOFError, BrokenPipeError):
        session.close()


def answer(
    session: Session, name: str, arguments: tuple[object, ...], options: dict[str, object]
) -> tuple[object, Exception | None]:
    """What *session* has under *name*, called if it is to be called; or what that raised."""
    try:
        value = getattr(session, name)
        return (value(*arguments, **options) if callable(value) else value), None
    except Exception as error:  # noqa: BLE001 - raised again where it was asked
        return None, error


def _reply(answers: IO[bytes], found: tuple[object, Exception | None]) -> None:
    value, error = found
    if error is not None:
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301 - our own, a moment ago
        except Exception:  # noqa: BLE001 - an error of a library that can't travel is told by its words
            error = RuntimeError(f"{type(error).__name__}: {error}")
    try:
        send(answers, (value, error))
    except (pickle.PicklingError, TypeError, AttributeError) as problem:
        send(answers, (None, RuntimeError(f"the answer can't be brought over: {problem}")))


def _end_with_asker() -> None:
    """End at once when the asker has gone, also amid a long query: nobody waits for it any more."""
    poll = select.poll()
    poll.register(0, 0)  # nothing but its hanging up
    poll.poll()
    os._exit(0)


if __name__ == "__main__":
    main()
