"""Signal handling of a build: Ctrl-C, SIGTERM and SIGHUP stop it in order, instead of ending the program midway."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from upriver.materializer.execution.cancel import Cancel

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_GENTLE = "stopping; once more to stop at once"
_AT_ONCE = "stopping at once"


class Stopped(KeyboardInterrupt):
    """A signal came while nothing was running yet. *number* is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def stopping(cancel: Cancel, started: Callable[[], bool], notice: Callable[[str], None]) -> Iterator[None]:
    """While inside, signals call *cancel*; the third one ends the program as if this were not here.

    Before the build has *started*, while it waits for another one or makes its plan, there is nothing to stop
    gently: Stopped is raised at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, _frame: FrameType | None) -> None:
        cancel.request(number)
        if not started():
            raise Stopped(number)
        notice(_GENTLE if cancel.level == 1 else _AT_ONCE)
        if cancel.level >= 2:
            restore()

    for number in _SIGNALS:
        # A shell that started us with nohup or in the background ignores some; keep it so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        restore()


def exit_code(number: int | None) -> int:
    """What a shell expects of a program that a signal ended: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + (number or signal.SIGINT)
