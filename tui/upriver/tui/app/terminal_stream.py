"""Stream of a run to the ordinary terminal, as `upriver build -v` prints it: it stays there, and can be scrolled."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from textual.app import SuspendNotSupported

from upriver.materializer.events import RunFinished
from upriver.materializer.operations import ProjectApi
from upriver.tui.app.host import Host
from upriver.tui.present.build_display import Display, LiveDisplay, PlainDisplay
from upriver.tui.present.console import Console
from upriver.tui.present.spans import Span, line
from upriver.tui.present.views.live import how_it_went

BACK = frozenset("sq\x1b\x03\r\n")
"""Keys that lead back to the window: s again, q, escape, ^c, enter."""


def stream_run(host: Host, run: str, *, live: bool) -> None:
    """Leave the window for the ordinary terminal, print *run* there from its beginning, come back with a key."""
    try:
        with host.suspend():
            # An error must not leave this block: Textual would not take the terminal back.
            try:
                _stream(host.session, run, live=live, ascii=host.ascii)
            except Exception as error:  # noqa: BLE001 - said in the window
                problem: str | None = f"the run can't be printed: {error}"
            else:
                problem = None
    except SuspendNotSupported:
        problem = "there is no ordinary terminal to print in"
    if problem is not None:
        host.say(problem, wrong=True)


def _stream(session: ProjectApi, run: str, *, live: bool, ascii: bool) -> None:
    environ = {**os.environ, "UPRIVER_ASCII": "1"} if ascii else os.environ
    console = Console(sys.__stdout__ or sys.stdout, environ, forgiving=True)
    console.write(line(Span(f"run {run}", "bold"), Span("   s returns to the window", "dim")))
    display: Display = (LiveDisplay if live else PlainDisplay)(console, 1, fresh=False)
    with _single_keys() as keys:
        left = threading.Event()
        printer = threading.Thread(
            target=_print, args=(session, run, display, left, console), name="upriver-stream", daemon=True
        )
        printer.start()
        while BACK.isdisjoint(os.read(keys, 64).decode("ascii", "replace")):
            pass
        left.set()
        printer.join(5.0)
    console.flush()


def _print(session: ProjectApi, run: str, display: Display, left: threading.Event, console: Console) -> None:
    """Events from the first on, until the run has ended or the user has *left*."""
    end: str | None = None
    try:
        with display:
            for event in session.follow(run, left.is_set):
                display(event)
                if isinstance(event, RunFinished):
                    end = how_it_went(run, event.status, display.progress.counts)
    except Exception as error:  # noqa: BLE001 - printed, in a thread of its own
        end = f"the rest can't be read: {error}"
    if not left.is_set():
        console.write(
            line(Span(end or f"run {run} is over", "bold"), Span("   s returns to the window", "dim"))
        )
    console.flush()


@contextmanager
def _single_keys() -> Iterator[int]:
    """Keys one by one, none shown, ^c among them; the terminal is as before afterwards."""
    keys = sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
    before = termios.tcgetattr(keys)
    raw = termios.tcgetattr(keys)
    raw[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
    termios.tcsetattr(keys, termios.TCSADRAIN, raw)
    try:
        yield keys
    finally:
        while select.select([keys], [], [], 0)[0] and os.read(keys, 64):
            pass  # what was typed for here is nothing for the window
        termios.tcsetattr(keys, termios.TCSADRAIN, before)
