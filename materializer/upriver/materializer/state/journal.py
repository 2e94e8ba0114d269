"""The journal: every commit once more, as a line of text, from which a lost database is rebuilt.

``commits.jsonl`` in a folder of its own, today in the store's so that it travels with the artifacts; each line is
``<BLAKE2b-64 of the JSON, hex> <JSON>``. A line is written and
synced inside the database's transaction, before its commit; so the journal holds at least what the database
holds. A line whose checksum does not match (torn by a power cut, damaged) is skipped when reading: the lines
after it are still good, and pointing at an older materialization is always safe, because a trace is verified
before it is trusted. A line says by its *form* in which version of the state it was written; those of version 1 are
read as well.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from upriver.assets.errors import StoreError
from upriver.assets.support import checksum
from upriver.materializer.ports import Bad, Entry
from upriver.materializer.state.migrations import v2
from upriver.materializer.storage.durable_files import FilePort, OsFiles, disk_error

NAME = "commits.jsonl"
FORM = 2
"""The form in which commits are written now."""


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
            # The last writer may have died within a line: end that line, so that it spoils only itself.
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

    @property
    def place(self) -> str:
        """Where it is kept, for a person."""
        return str(self.path)

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
    return checksum.write(msgspec.json.encode(entry)) + b"\n"


def parse(data: bytes) -> tuple[list[Entry], list[Bad]]:
    """The entries of a journal's bytes, and its bad lines."""
    entries: list[Entry] = []
    bad: list[Bad] = []
    decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)
    lines: Sequence[bytes] = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        if number == len(lines):
            bad.append(Bad(number, "the last line has no end: it was being written when the power failed"))
            continue
        try:
            text = checksum.read(line)
            entries.append(decoder.decode(text if _form(text) == FORM else _renewed(text)))
        except checksum.ChecksumError as error:
            bad.append(Bad(number, str(error)))
        except (msgspec.DecodeError, LookupError, TypeError, ValueError) as error:
            bad.append(Bad(number, f"not an entry that this Upriver knows: {error}"))
    return entries, bad


class _Written(msgspec.Struct):
    """What tells the form of a line; only commits have more than one."""

    type: str
    form: int = 1


_WRITTEN = msgspec.json.Decoder(_Written)


def _form(text: bytes) -> int:
    written = _WRITTEN.decode(text)
    return FORM if written.type != "commit" else written.form


def _renewed(text: bytes) -> bytes:
    """A commit of version 1 as it would be written now. Raises DecodeError for one of a newer form."""
    entry = msgspec.json.decode(text)
    if entry.get("form", 1) != 1:
        raise msgspec.DecodeError(f"it is of form {entry['form']}; this one knows {FORM}")
    made = [v2.materialization(one) for one in entry["made"]]
    return msgspec.json.encode({**entry, "made": made, "form": FORM})
