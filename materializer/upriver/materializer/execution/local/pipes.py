"""The pipes of a worker: what it prints, line by line without secrets, and what it reports."""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable
from contextlib import suppress

import msgspec

from upriver.assets.support.redaction import Redactor
from upriver.assets.support.supervised_process import SupervisedProcess
from upriver.materializer.execution.local.messages import Report, Result, Revealed

MAX_LINE = 65_536
"""Longer lines of output are cut into pieces of this many bytes."""

OUTPUT_LIMIT = 4 << 20
"""Bytes of output kept of one attempt, each line counting for some more; the rest is read and dropped."""

_LINE_COST = 128


class Reports:
    """What a worker has told through the pipe that is for this alone. Lines without *token* are not its own."""

    def __init__(self, token: bytes, redactor: Redactor) -> None:
        self._token = token
        self._redactor = redactor
        self._buffer = bytearray()
        self._decoder = msgspec.json.Decoder[Report](Report)
        self.result: Result | None = None

    def take(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            _, _, text = bytes(self._buffer[:end]).rpartition(self._token + b" ")
            del self._buffer[: end + 1]
            try:
                told = self._decoder.decode(text)
            except msgspec.DecodeError:
                continue  # of a recipe that writes wherever it can
            match told:
                case Revealed(name, value):
                    self._redactor.add(name, value)
                case Result():
                    self.result = _without_secrets(told, self._redactor)


class Pipes:
    """Standard output, standard error and the result pipe of a worker, read as they come."""

    def __init__(
        self,
        process: SupervisedProcess,
        receive: int,
        reports: Reports,
        redactor: Redactor,
        output: Callable[[str, str], None],
    ) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._reports = reports
        self._redactor = redactor
        self._output = output
        self._receive = receive
        self._buffers = {"stdout": bytearray(), "stderr": bytearray()}
        self._left = OUTPUT_LIMIT
        self._selector = selectors.DefaultSelector()
        for name, descriptor in (
            ("stdout", process.stdout.fileno()),
            ("stderr", process.stderr.fileno()),
            ("result", receive),
        ):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, name)

    def read(self, wait: float) -> bool:
        """Take what there is, waiting up to *wait* seconds. False once the result pipe is closed at the other
        end.
        """
        for key, _ in self._selector.select(wait):
            try:
                data = os.read(key.fd, 1 << 16)
            except BlockingIOError:
                continue
            if not data:
                self._selector.unregister(key.fd)
            elif key.data == "result":
                self._reports.take(data)
            else:
                self._take_reports()  # a secret is told before it can be printed
                self._take(key.data, data)
        return self._receive in {key.fd for key in self._selector.get_map().values()}

    def _take_reports(self) -> None:
        with suppress(BlockingIOError):
            while data := os.read(self._receive, 1 << 16):
                self._reports.take(data)

    def _take(self, stream: str, data: bytes) -> None:
        if self._left < 0:
            return
        buffer = self._buffers[stream]
        buffer += data
        *lines, rest = bytes(buffer).split(b"\n")
        for line in lines:
            self._tell(stream, line)
        beyond = 4 * self._redactor.longest  # bytes at the end that may be the head of a secret
        if len(rest) > MAX_LINE + beyond:
            rest = encoded(self._redactor.hide(decoded(rest)))
            while len(rest) > MAX_LINE + beyond:
                self._tell(stream, rest[:MAX_LINE])
                rest = rest[MAX_LINE:]
        buffer[:] = rest

    def _tell(self, stream: str, line: bytes) -> None:
        if self._left < 0:
            return
        text = self._redactor.hide(decoded(line)).rstrip("\r")
        for start in range(0, max(len(text), 1), MAX_LINE):
            piece = encoded(text[start : start + MAX_LINE])
            self._left -= len(piece) + _LINE_COST
            if self._left < 0:
                self._output(stream, f"[more output than {OUTPUT_LIMIT >> 20} MiB: the rest is not kept]")
                return
            self._output(stream, piece.decode("utf-8", "replace"))

    def close(self) -> None:
        """Take what is left. Every process that could write more has been ended."""
        while self._selector.get_map() and self._selector.select(0):
            self.read(0)
        for stream, buffer in self._buffers.items():
            if buffer:
                self._tell(stream, bytes(buffer))
        self._selector.close()
        os.close(self._receive)


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _without_secrets(result: Result, redactor: Redactor) -> Result:
    return msgspec.structs.replace(
        result,
        error=None if result.error is None else redactor.hide(result.error),
        traceback=redactor.hide(result.traceback),
        warnings=tuple(redactor.hide(warning) for warning in result.warnings),
    )
