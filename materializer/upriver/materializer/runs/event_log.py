"""The file in which a run's events are kept, for following it from elsewhere and replaying it later."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from upriver.assets.errors import UsageError
from upriver.assets.model import Key, Value
from upriver.materializer.answers import AssetResult
from upriver.materializer.events import AssetFinished, Event, RunFinished
from upriver.materializer.model import Outcome, Reasons
from upriver.materializer.ports import Clock

_EVENTS = "events.jsonl"
KEEP_RUNS = 200
KEEP_BYTES = 256 << 20
"""Logs of the oldest runs are removed when a new run begins, beyond so many or so many bytes."""


class RunLog:
    """Writes events of one run; also passes each on to *listener*. Safe from several threads.

    A log that can't be written (a full disk) ends where it is: no build fails for it.
    """

    def __init__(self, folder: Path, run_id: str, listener: Callable[[Event], None]) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._encoder = msgspec.json.Encoder()
        self._file: BinaryIO | None = None
        path = log_path(folder, run_id)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab")
            _rotate(folder, run_id)

    def emit(self, event: Event) -> None:
        """Write and pass on one event."""
        with self._lock:
            self._write(self._encoder.encode(event) + b"\n")
            self._listener(event)

    def emit_all(self, events: Sequence[AssetFinished]) -> None:
        """Write and pass on many events that are known at once."""
        with self._lock:
            self._write(self._encoder.encode_lines(events))
            for event in events:
                self._listener(event)

    def _write(self, data: bytes) -> None:
        if self._file is None:
            return
        try:
            self._file.write(data)
            self._file.flush()
        except OSError:
            # The line may be there in part: another one behind it could not be read.
            self._close()

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()


def log_path(folder: Path, run_id: str) -> Path:
    """The event file of a run. Raises UsageError for what can't be the id of a run."""
    if not run_id or not all(c.isascii() and (c.isalnum() or c in "-_") for c in run_id):
        raise UsageError(f"{run_id!r} is not the id of a run; `upriver history` lists them")
    return folder / run_id / _EVENTS


def read_events(folder: Path, run_id: str) -> tuple[Event, ...]:
    """The events recorded so far. A last line that is being written, or was cut off, is left out."""
    try:
        data = log_path(folder, run_id).read_bytes()
    except FileNotFoundError:
        return ()
    return tuple(_decoded(data.split(b"\n")[:-1]))


def follow_events(
    folder: Path,
    run_id: str,
    stop: Callable[[], bool],
    *,
    alive: Callable[[], bool],
    clock: Clock,
    pause: float = 0.1,
) -> Iterator[Event]:
    """Events as they are written, until the run has finished, *alive* says that it is gone, or *stop* says
    so.
    """
    path = log_path(folder, run_id)
    position, rest, last_look, never = 0, b"", False, threading.Event()
    while not stop():
        data = b""
        if path.exists():
            with path.open("rb") as file:
                file.seek(position)
                data = file.read()
                position = file.tell()
        *lines, rest = (rest + data).split(b"\n")
        for event in _decoded(lines):
            yield event
            if isinstance(event, RunFinished):
                return
        if not data:
            if last_look:
                return
            last_look = not alive()  # once more after its end: it may have written since
            clock.wait(never, pause)


class _EarlierFinished(Value, frozen=True, tag="asset_finished"):
    """The end of an asset as logs told it before they held the whole result."""

    at: float
    asset: Key
    outcome: Outcome
    changed: bool = False
    reasons: Reasons = ()
    rows: int | None = None
    bytes: int | None = None
    seconds: float = 0.0
    error: str | None = None

    def event(self) -> AssetFinished:
        """The same as it is told now."""
        return AssetFinished(
            self.at,
            AssetResult(
                self.asset,
                self.outcome,
                self.changed,
                self.reasons,
                self.rows,
                self.bytes,
                self.seconds,
                self.error,
            ),
        )


_DECODER = msgspec.json.Decoder(Event)
_EARLIER_DECODER = msgspec.json.Decoder(_EarlierFinished)


def _decoded(lines: list[bytes]) -> Iterator[Event]:
    for line in lines:
        with suppress(msgspec.DecodeError):  # a line cut off by a power cut, or an event of a newer version
            try:
                yield _DECODER.decode(line)
            except msgspec.ValidationError:
                yield _EARLIER_DECODER.decode(line).event()


def _rotate(folder: Path, own: str) -> None:
    """Remove the oldest logs. By their own times, not by their names: a clock that was set back must not make the
    run that begins the oldest of all. Links are not followed: what they lead to is not ours.
    """
    logs = []
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False) and entry.name != own:
            path = Path(entry.path) / _EVENTS
            with suppress(OSError):
                stat = path.lstat()
                logs.append((stat.st_mtime, stat.st_size, path))
    total = 0
    for number, (_, size, path) in enumerate(sorted(logs, reverse=True), 2):
        total += size
        if number > KEEP_RUNS or total > KEEP_BYTES:
            with suppress(OSError):  # whatever else is in there stays, and the folder with it
                path.unlink()
                path.parent.rmdir()
