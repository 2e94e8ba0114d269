"""The process that builds for a :class:`upriver.materializer.remote.session_client.DistantSession`.

Started as ``python -m upriver.materializer.remote.build_server ROOT ENVIRONMENT``. It is asked to build once,
tells what happens on standard output (see protocol.py), and then how it went. Meanwhile it takes word on standard
input: to stop, or to leave one asset out. When the client has gone it goes on by itself: others see it as any other
build, and
stop it with SIGTERM. Whatever becomes of it, the asker lives on.
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
    from upriver.materializer.remote.protocol import Answer, Told

STOP, DROP = "stop", "drop"
"""What the process is told meanwhile: stop; leave out the asset that comes with it."""


def start(root: Path, environment: str) -> subprocess.Popen[bytes]:
    """Start the process. It builds when it is asked."""
    return subprocess.Popen(
        # -P: files in the current folder must not be taken for Python's own modules.
        [sys.executable, "-P", "-m", "upriver.materializer.remote.build_server", str(root), environment],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # ^C and the end of the terminal are for the asker
    )


class _Asker:
    """The other end, as long as there is one."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._gone = False

    def tell(self, event: Event) -> None:
        from upriver.materializer.remote import protocol as wire

        self.send(wire.Told(event))

    def send(self, message: Answer | Told) -> None:
        from upriver.materializer.remote import protocol as wire

        if self._gone:
            return
        try:
            wire.send(self._pipe, message)
        except OSError:
            self._gone = True  # nobody listens any more; the log keeps everything


def main() -> None:
    """Build what is asked for."""
    gc.set_threshold(100_000)  # as for the command line: a large project is a great many objects that stay
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # whatever a library prints must not come between the answers
    os.close(nothing)
    from upriver.materializer.execution.cancel import Cancel
    from upriver.materializer.remote import protocol as wire
    from upriver.materializer.session import Session

    cancel = Cancel()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: cancel.request(number))
    try:
        _, arguments, options = wire.read_question(wire.receive(questions))
    except EOFError:
        return
    threading.Thread(target=_listen, args=(questions, cancel), name="upriver-word", daemon=True).start()
    asker = _Asker(answers)
    session = Session(Path(sys.argv[1]), sys.argv[2])
    try:
        answer = wire.answer(session.build(*arguments, **options, on_event=asker.tell, cancel=cancel))
    except Exception as error:  # noqa: BLE001 - raised again where it was asked
        answer = wire.failure(error)
    session.close()
    asker.send(answer)
    gc.freeze()  # the process ends; Python would go through all of it once more


def _listen(questions: IO[bytes], cancel: Cancel) -> None:
    from upriver.materializer.remote import protocol as wire

    try:
        while True:
            name, arguments, _ = wire.read_question(wire.receive(questions))
            if name == DROP:
                cancel.drop(str(arguments[0]))
            elif name == STOP:
                cancel.request()
    except (EOFError, OSError):
        return  # the asker has gone: the build goes on


if __name__ == "__main__":
    main()
