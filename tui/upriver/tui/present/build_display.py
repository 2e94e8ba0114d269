"""Display of a build while it runs: a live region on a terminal, plain lines elsewhere.

The live region is a few lines below everything that has been printed. A painter thread redraws it at most ten
times a second; events only change :class:`Progress` and queue finished lines. The cursor is never hidden and
no alternate screen is used, so a kill at any moment leaves the terminal usable.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from upriver.assets.model import Key
from upriver.materializer.answers import AssetResult
from upriver.materializer.events import AssetFinished, AssetOutput, AssetRetrying, Event
from upriver.materializer.model import Outcome
from upriver.tui.present.console import Console
from upriver.tui.present.progress import Progress
from upriver.tui.present.spans import Line, Page, line, width
from upriver.tui.present.text.progress import finished_lines, frame, output_line, retry_line
from upriver.tui.present.words import first_line

INTERVAL = 0.1
WARNING = "warning"
"""Stream of Upriver's own messages about a recipe: shown without being asked for."""
FIRST_PAINT = 0.2
"""Seconds before anything live is drawn: a build that finds everything fresh flashes nothing."""


class Display(Protocol):
    """Shows a run's events."""

    progress: Progress
    told: set[Key]
    """What was shown with all that is known of why it ended badly."""

    def __call__(self, event: Event) -> None:
        """Take in one event, from any thread."""
        ...

    def notice(self, text: str) -> None:
        """Say something at once; safe in a signal handler."""
        ...

    def __enter__(self) -> Display:
        """Begin."""
        ...

    def __exit__(self, *_: object) -> None:
        """Stop drawing and leave only what is finished."""
        ...


def lines_of(
    event: Event, progress: Progress, page: Callable[[], Page], verbosity: int, *, fresh: bool = True
) -> list[Line]:
    """What an event leaves in the scrollback. *verbosity*: -1 quiet, 0, or 1 with output and (*fresh*) fresh assets.

    *page* is only asked for when there is a line to write: of ten thousand events of a build that finds nothing to do
    none leaves one.
    """
    match event:
        case AssetFinished(result=AssetResult(action=Outcome.FRESH)) if verbosity < 1 or not fresh:
            return []
        case AssetFinished(result=AssetResult(action=Outcome.CANCELLED)) if (
            event.asset not in progress.attempted
        ):
            return []
        case AssetFinished(result=result) if verbosity >= 0 or result.action is Outcome.FAILED:
            return finished_lines(result, progress.key_width, page())
        case AssetOutput() if verbosity > 0 or (event.stream == WARNING and verbosity == 0):
            return [output_line(event, progress.key_width)]
        case AssetRetrying() if verbosity >= 0:
            return [retry_line(event, progress.key_width)]
        case _:
            return []


class _Repeats:
    """Failures of one cause: the first few are told when they happen, all of them together at the end; so is what is
    *blocked*.
    """

    def __init__(self, most: int = 5, *, blocked: int) -> None:
        self._most = most
        self._blocked = blocked
        self._seen: Counter[str] = Counter()

    def left_out(self, event: Event) -> bool:
        """Whether *event* is one of many, which the summary tells in groups."""
        match event:
            case AssetFinished(result=AssetResult(action=Outcome.BLOCKED)):  # one failure may block hundreds
                self._blocked -= 1
                return self._blocked < 0
            case AssetFinished(result=AssetResult(asset=asset, action=Outcome.FAILED, error=error)):
                cause = first_line(error or "").replace(asset, "\0")
                self._seen[cause] += 1
                return self._seen[cause] > self._most
            case _:
                return False


def _told(event: Event) -> set[Key]:
    """The asset whose failure the lines of *event* tell, or whose place among the broken ones they do."""
    match event:
        case AssetFinished(result=AssetResult(action=Outcome.FAILED | Outcome.BROKEN)):
            return {event.asset}
        case _:
            return set()


class PlainDisplay:
    """One line for each finished asset, for logs and pipes."""

    def __init__(self, console: Console, verbosity: int = 0, *, fresh: bool = True) -> None:
        self.console = console
        self.verbosity = verbosity
        self.fresh = fresh
        self.progress = Progress()
        self.told: set[Key] = set()
        self._repeats = _Repeats(blocked=5)
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self.progress.apply(event)
            if self.verbosity < 1 and self._repeats.left_out(event):
                return
            lines = lines_of(
                event, self.progress, lambda: self.console.page, self.verbosity, fresh=self.fresh
            )
            if lines:
                self.told |= _told(event)
                self.console.write(*lines)
                self.console.flush()

    def notice(self, text: str) -> None:
        if self.verbosity >= 0:
            write_at_once(self.console, text)

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        return


class LiveDisplay:
    """The live region. *clock* gives seconds since the epoch, as the events do."""

    def __init__(
        self,
        console: Console,
        verbosity: int = 0,
        clock: Callable[[], float] = time.time,
        *,
        fresh: bool = True,
    ) -> None:
        self.console = console
        self.verbosity = verbosity
        self.fresh = fresh
        self.clock = clock
        self.progress = Progress()
        self.told: set[Key] = set()
        self._repeats = _Repeats(blocked=0)
        self._notice = ""
        self._waiting: list[Line] = []
        self._drawn: list[int] = []
        self._tick = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._painter = threading.Thread(
            target=self._paint_until_stopped, name="upriver-display", daemon=True
        )

    def __call__(self, event: Event) -> None:
        with self._lock:
            self.progress.apply(event)
            if self._repeats.left_out(event):
                return
            lines = lines_of(event, self.progress, self._page, self.verbosity, fresh=self.fresh)
            if lines:
                self.told |= _told(event)
                self._waiting += lines

    def _page(self) -> Page:
        return Page(self.console.size()[0] - 1, not self.console.unicode)

    def notice(self, text: str) -> None:
        # No lock here: a signal handler may interrupt the thread that holds it. The painter shows it.
        self._notice = text

    def __enter__(self) -> LiveDisplay:
        self._painter.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._painter.join()
        with self._lock:
            self._draw([])
        self.console.flush()

    def _paint_until_stopped(self) -> None:
        pause = FIRST_PAINT
        while not self._stopped.wait(pause):
            pause = INTERVAL
            with self._lock:
                self._draw(self._frame())

    def _frame(self) -> list[Line]:
        columns, height = self.console.size()
        self._tick += 1
        # The last column stays empty: some terminals wrap as soon as it is filled.
        page = Page(columns - 1, not self.console.unicode)
        return frame(
            self.progress,
            page,
            now=self.clock(),
            height=max(1, height - 1),
            tick=self._tick,
            notice=self._notice,
        )

    def _draw(self, live: list[Line]) -> None:
        """Finished lines over the old region, the new region below them, in one write."""
        columns = self.console.size()[0]
        # After a resize the terminal has wrapped the old lines: count the rows that they take now.
        above = sum(max(1, -(-drawn // columns)) for drawn in self._drawn) - 1
        out = ["\r"]
        if above > 0:
            out.append(f"\x1b[{above}A")
        out += [f"{self.console.painted(text)}\x1b[K\n" for text in self._waiting]
        out.append("\x1b[K\n".join(self.console.painted(text) for text in live))
        out.append("\x1b[J")
        if self._waiting or live or self._drawn:
            self.console.raw("".join(out))
            self.console.flush()
        self._waiting = []
        self._drawn = [width(text) for text in live]


def write_at_once(console: Console, text: str) -> None:
    """Write a line past all buffers, which a signal handler must not touch."""
    characters = console.painted(line(text)) + "\n"
    try:
        os.write(console.stream.fileno(), characters.encode(console.stream.encoding or "utf-8", "replace"))
    except (OSError, ValueError):
        return
