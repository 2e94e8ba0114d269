"""A disk for tests: in memory, with a power switch, and with a fault at any call."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, cast

from blake3 import blake3

from upriver.materializer.storage.durable_files import FileInfo, FilePort, Held


@dataclass
class _File:
    data: bytes = b""
    durable: bytes = b""
    names: int = 1
    read_only: bool = False


@dataclass
class _Folder:
    pass


class _Lock:
    def __init__(self, locked: set[Path], path: Path) -> None:
        self._locked, self._path = locked, path
        locked.add(path)

    def close(self) -> None:
        self._locked.discard(self._path)


class MemoryFiles:
    """A file system in memory that remembers what has been synced; a ``files.FilePort``.

    :meth:`cut_power` leaves the synced bytes and names, and of the others whatever *random* decides: each new
    name may have survived or not, each file's bytes may be the synced ones, the newest ones or a torn
    mixture.
    """

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, _File | _Folder]] = {Path("/"): {}}
        self._durable: dict[Path, dict[str, _File | _Folder]] = {Path("/"): {}}
        self._locked: set[Path] = set()

    def cut_power(self, random: Random) -> None:
        """Forget what was not synced, or part of it."""
        survived: dict[Path, dict[str, _File | _Folder]] = {}
        for folder in {**self._folders, **self._durable}:
            now, synced = self._folders.get(folder, {}), self._durable.get(folder, {})
            names = {}
            for name in {**now, **synced}:
                entry = random.choice([now.get(name), synced.get(name)])
                if entry is not None:
                    names[name] = entry
            survived[folder] = names
        self._folders = {Path("/"): survived[Path("/")]}
        for folder in sorted(survived, key=lambda path: len(path.parts)):
            parent = self._folders.get(folder.parent, {})
            if isinstance(parent.get(folder.name), _Folder):
                self._folders[folder] = survived[folder]
        for names in self._folders.values():
            for entry in names.values():
                if isinstance(entry, _File) and entry.data != entry.durable:
                    torn = entry.data[: random.randint(0, len(entry.data))]
                    entry.data = entry.durable = random.choice([entry.durable, entry.data, torn])
        self._durable = {folder: dict(names) for folder, names in self._folders.items()}
        self._locked.clear()

    def _entry(self, path: Path) -> _File | _Folder | None:
        return self._folders.get(path.parent, {}).get(path.name)

    def _file(self, path: Path) -> _File:
        entry = self._entry(path)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        if not isinstance(entry, _File):
            raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
        return entry

    def _names(self, folder: Path) -> dict[str, _File | _Folder]:
        if folder not in self._folders:
            raise FileNotFoundError(errno.ENOENT, "no such folder", str(folder))
        return self._folders[folder]

    def info(self, path: Path) -> FileInfo | None:
        entry = self._entry(path)
        if entry is None:
            return FileInfo("folder", 0, 1, 0.0) if path == Path("/") else None
        if isinstance(entry, _Folder):
            return FileInfo("folder", 0, 1, 0.0)
        return FileInfo("file", len(entry.data), entry.names, 0.0)

    def are_files(self, paths: Sequence[str]) -> list[bool]:
        return [isinstance(self._entry(Path(path)), _File) for path in paths]

    def names(self, folder: Path) -> list[str]:
        return sorted(self._folders.get(folder, {}))

    def digest(self, path: Path, *, older: bool = False) -> tuple[str, int]:
        data = self._file(path).data
        return (hashlib.sha256(data) if older else blake3(data)).hexdigest(), len(data)

    def sync(self, path: Path) -> None:
        entry = self._file(path)
        entry.durable = entry.data

    def sync_folder(self, folder: Path) -> None:
        self._durable[folder] = dict(self._names(folder))

    def protect(self, path: Path) -> None:
        self._file(path).read_only = True

    def link(self, source: Path, target: Path) -> None:
        entry = self._file(source)
        if target.name in self._names(target.parent):
            raise FileExistsError(errno.EEXIST, "exists", str(target))
        entry.names += 1
        self._folders[target.parent][target.name] = entry

    def replace(self, source: Path, target: Path) -> None:
        entry = self._file(source)
        self.remove(target)
        self._names(target.parent)[target.name] = entry
        del self._folders[source.parent][source.name]

    def remove(self, path: Path) -> None:
        entry = self._folders.get(path.parent, {}).pop(path.name, None)
        if isinstance(entry, _File):
            entry.names -= 1

    def make_folder(self, folder: Path) -> bool:
        if folder.name in self._names(folder.parent):
            return False
        self._folders[folder.parent][folder.name] = _Folder()
        self._folders[folder] = {}
        return True

    def remove_folder(self, folder: Path) -> None:
        if folder in self._folders and not self._folders[folder]:
            del self._folders[folder]
            del self._folders[folder.parent][folder.name]

    def read(self, path: Path, offset: int = 0) -> bytes:
        return self._file(path).data[offset:]

    def write(self, path: Path, data: bytes) -> None:
        if path.name in self._names(path.parent):
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        self._folders[path.parent][path.name] = _File(data)

    def append(self, path: Path, data: bytes) -> None:
        if self._entry(path) is None:
            self.write(path, b"")
        self._file(path).data += data
        self.sync(path)

    def truncate(self, path: Path, size: int) -> None:
        entry = self._file(path)
        entry.data = entry.durable = entry.data[:size]

    def try_lock(self, path: Path, create: bool = True) -> Held | None:
        if self._entry(path) is None:
            if not create:
                raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
            self.write(path, b"")
        return None if path in self._locked else _Lock(self._locked, path)

    def flip_bit(self, path: Path, position: int) -> None:
        """Damage the file at *path* as a bad disk would."""
        entry = self._file(path)
        data = bytearray(entry.data)
        data[position // 8] ^= 1 << position % 8
        entry.data = entry.durable = bytes(data)


class PowerCutError(BaseException):
    """The process is gone. No handler can do anything any more: every later call raises it too."""


class FaultyFiles:
    """Passes calls on to *files*; the *at*-th (from 0) fails with *error*, before or *after* its effect.

    With a PowerCutError all later calls fail as well. ``calls`` holds the name and arguments of each call.
    """

    def __init__(self, files: FilePort, at: int, error: BaseException, after: bool = False) -> None:
        self._files = files
        self._at = at
        self._error = error
        self._after = after
        self.calls: list[tuple[str, tuple[object, ...]]] = []

    def fail_next(self, error: BaseException) -> None:
        """Let the next call fail, instead of the one chosen before."""
        self._at, self._error = len(self.calls), error

    def as_port(self) -> FilePort:
        """The same, for the type checker: the calls are passed on dynamically."""
        return cast("FilePort", self)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        real = getattr(self._files, name)

        def call(*arguments: object, **options: object) -> Any:
            number = len(self.calls)
            self.calls.append((name, arguments))
            if isinstance(self._error, PowerCutError) and number > self._at:
                raise self._error
            if number == self._at and not self._after:
                raise self._error
            result = real(*arguments, **options)
            if number == self._at:
                raise self._error
            return result

        return call
