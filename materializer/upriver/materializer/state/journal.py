"""The journal: every commit once more, as a line of text in the store, from which a lost database is rebuilt.

``store/journal/commits.jsonl``; each line is ``<BLAKE2b-64 of the JSON, hex> <JSON>``. A line is written and
synced inside the database's transaction, before its commit; so the journal holds at least what the database
holds. A line whose checksum does not match (torn by a power cut, damaged) is skipped when reading: the lines
after it are still good, and pointing at an older materialization is always safe, because a trace is verified
before it is trusted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from upriver.assets.errors import StoreError
from upriver.assets.model import Key, Value
from upriver.assets.support.checksum import BrokenSealError, seal, unseal
from upriver.materializer.model import Materialization
from upriver.materializer.storage.durable_files import FilePort, OsFiles, disk_error

NAME = "commits.jsonl"


class Pointer(Value, frozen=True, array_like=True):
    """In some environment, *asset* (and *partition*, "" for none) is at *materialization*."""

    asset: Key
    partition: str
    materialization: str


class Committed(Value, frozen=True, tag="commit"):
    """What one commit recorded. *sequence* counts commits; *token* is that of the lease."""

    sequence: int
    token: int
    environment: str
    made: tuple[Materialization, ...]
    pointed: tuple[Pointer, ...]


class Dropped(Value, frozen=True, tag="drop"):
    """Materializations that a collection or a repair forgot."""

    sequence: int
    token: int
    ids: tuple[str, ...]


Entry: TypeAlias = Committed | Dropped


class Bad(Value, frozen=True):
    """A line that can't be trusted. *line* counts from 1."""

    line: int
    cause: str


class Journal:
    """The journal in *folder*. The caller holds the database's write lock while writing."""

    def __init__(self, folder: Path, files: FilePort | None = None) -> None:
        self.folder = folder
        self.path = folder / NAME
        self._files: FilePort = OsFiles() if files is None else files
        self._named = False  # whether this process has synced the folder

    def append(self, entry: Entry) -> int:
        """Write one line and sync it. Returns the journal's length before, for :meth:`undo`. Raises
        StoreError.
        """
        try:
            self._make_folder()
            info = self._files.info(self.path)
            before = info.size if info else 0
            # Whoever wrote last may have died within a line: end that line, so that it spoils only itself.
            torn = before > 0 and self._files.read(self.path, before - 1) != b"\n"
            try:
                self._files.append(self.path, (b"\n" if torn else b"") + encode(entry))
            except BaseException:
                self.undo(before)
                raise
            if not self._named:
                self._files.sync_folder(self.folder)
                self._named = True
        except OSError as error:
            raise disk_error("write the journal", self.path, error) from error
        return before

    def undo(self, before: int) -> None:
        """Take back the line that was appended at *before*, because the database refused the commit."""
        # Failing to is harmless: what the line tells is complete, and later lines override it.
        with contextlib.suppress(OSError):
            info = self._files.info(self.path)
            if info is not None and info.size > before:
                self._files.truncate(self.path, before)

    def _make_folder(self) -> None:
        if self._named:
            return
        missing: list[Path] = []
        folder = self.folder
        while self._files.info(folder) is None:
            missing.append(folder)
            folder = folder.parent
        for folder in reversed(missing):
            self._files.make_folder(folder)
            self._files.sync_folder(folder.parent)
        info = self._files.info(self.folder)
        if info is None or info.kind != "folder":
            raise StoreError(f"{self.folder} is a link or a file, not a folder\n  hint: move it away")

    def exists(self) -> bool:
        """Whether there is a journal at all."""
        return self._files.info(self.path) is not None

    def read(self) -> tuple[list[Entry], list[Bad]]:
        """All good entries in order, and the lines that are not. Raises StoreError when the file can't be
        read.
        """
        try:
            if self._files.info(self.path) is None:
                return [], []
            return parse(self._files.read(self.path))
        except OSError as error:
            raise disk_error("read the journal", self.path, error) from error

    def rewrite(self, entries: Iterable[Entry]) -> None:
        """Replace the journal, atomically, by one that holds just *entries*."""
        draft = self.folder / (NAME + ".part")
        try:
            self._make_folder()
            self._files.remove(draft)
            self._files.write(draft, b"".join(encode(entry) for entry in entries))
            self._files.sync(draft)
            self._files.replace(draft, self.path)
            self._files.sync_folder(self.folder)
        except OSError as error:
            raise disk_error("rewrite the journal", self.path, error) from error

    def size(self) -> int:
        """Length in bytes."""
        info = self._files.info(self.path)
        return info.size if info else 0

    def entries_after(self, offset: int) -> int:
        """How many good entries there are from byte *offset* on. Raises StoreError."""
        try:
            return len(parse(self._files.read(self.path, offset))[0])
        except OSError as error:
            raise disk_error("read the journal", self.path, error) from error


def encode(entry: Entry) -> bytes:
    """One line with its checksum."""
    return seal(msgspec.json.encode(entry)) + b"\n"


def parse(data: bytes) -> tuple[list[Entry], list[Bad]]:
    """The entries of a journal's bytes, and its bad lines."""
    entries: list[Entry] = []
    bad: list[Bad] = []
    decoder = msgspec.json.Decoder[Entry](Entry)
    lines: Sequence[bytes] = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        if number == len(lines):
            bad.append(Bad(number, "the last line has no end: it was being written when the power failed"))
            continue
        try:
            entries.append(decoder.decode(unseal(line)))
        except BrokenSealError as error:
            bad.append(Bad(number, str(error)))
        except msgspec.DecodeError as error:
            bad.append(Bad(number, f"not an entry that this Upriver knows: {error}"))
    return entries, bad
