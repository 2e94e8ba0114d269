"""The few file operations that durability depends on, as a port: so that a test can cut the power between any
two.

:class:`OsFiles` is the real thing; ``fakes.MemoryFiles`` (forgets what was not synced) and
``fakes.FaultyFiles`` (fails or dies at the n-th call) stand beside it. No operation follows a symbolic link
in the last part of a path.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

from upriver.assets.errors import StoreError
from upriver.assets.model import Value
from upriver.materializer.storage.locks import FileLock

_CHUNK = 1 << 20
_TOLD = Path("/proc/self/status").exists()


class FileInfo(Value, frozen=True):
    """What stands at a path (a symbolic link is not followed). *modified* is seconds since the epoch.

    *stamp* is another one after whatever is written to the file; "" where the files have none.
    """

    kind: str  # "file" | "folder" | "other"
    size: int
    names: int
    modified: float
    stamp: str = ""


class Held(Protocol):
    """A lock that is held until it is closed or its process ends."""

    def close(self) -> None:
        """Give the lock back."""
        ...


class FilePort(Protocol):
    """System calls that the store and the journal make. All raise OSError."""

    def info(self, path: Path) -> FileInfo | None:
        """What stands at *path*, or None when nothing does."""
        ...

    def are_files(self, paths: Sequence[str]) -> list[bool]:
        """Whether a regular file is at each of *paths*: asked for every asset at every command."""
        ...

    def names(self, folder: Path) -> list[str]:
        """The sorted names in *folder*; empty when there is no such folder."""
        ...

    def digest(self, path: Path, *, older: bool = False) -> tuple[str, int]:
        """BLAKE3 (64 hex digits) and size in bytes of the regular file at *path*; with *older* SHA-256, by which
        artifacts were named before: it took a thirtieth of a whole build.
        """
        ...

    def sync(self, path: Path) -> None:
        """Wait until the file's bytes are on the disk. After a failure nothing is known about them."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Wait until the names in *folder* are on the disk."""
        ...

    def protect(self, path: Path) -> None:
        """Make the file read-only."""
        ...

    def link(self, source: Path, target: Path) -> None:
        """Give the file at *source* a second name; FileExistsError when *target* exists."""
        ...

    def replace(self, source: Path, target: Path) -> None:
        """Rename *source* to *target*, atomically in the place of whatever file was there."""
        ...

    def remove(self, path: Path) -> None:
        """Remove the name; nothing happens when it does not exist."""
        ...

    def make_folder(self, folder: Path) -> bool:
        """Create one folder. False when it existed."""
        ...

    def remove_folder(self, folder: Path) -> None:
        """Remove an empty folder; nothing happens when it does not exist or is not empty."""
        ...

    def read(self, path: Path, offset: int = 0) -> bytes:
        """The bytes of the regular file at *path* from *offset* on."""
        ...

    def write(self, path: Path, data: bytes) -> None:
        """Create *path* with *data* (not synced); FileExistsError when it exists."""
        ...

    def append(self, path: Path, data: bytes) -> None:
        """Add *data* at the end of *path*, created if missing, and sync the file."""
        ...

    def truncate(self, path: Path, size: int) -> None:
        """Cut the file to *size* bytes and sync it."""
        ...

    def try_lock(self, path: Path, create: bool = True) -> Held | None:
        """Lock the file at *path* for this process alone, or return None when another one holds it."""
        ...


class OsFiles:
    """The operating system's files. What is made of them has the mode that the umask leaves."""

    @cached_property
    def _umask(self) -> int:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if _TOLD else ():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
        os.umask(umask := os.umask(0o077))  # for a moment another thread's files would be only ours
        return umask

    def info(self, path: Path) -> FileInfo | None:
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        kind = "file" if stat.S_ISREG(found.st_mode) else "folder" if stat.S_ISDIR(found.st_mode) else "other"
        stamp = f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}-{found.st_ino}"
        return FileInfo(kind, found.st_size, found.st_nlink, found.st_mtime, stamp)

    def are_files(self, paths: Sequence[str]) -> list[bool]:
        found = []
        for path in paths:
            try:
                found.append(stat.S_ISREG(os.lstat(path).st_mode))
            except OSError:
                found.append(False)
        return found

    def names(self, folder: Path) -> list[str]:
        try:
            return sorted(os.listdir(folder))
        except FileNotFoundError:
            return []

    def digest(self, path: Path, *, older: bool = False) -> tuple[str, int]:
        from blake3 import blake3  # here, because a build that finds nothing to do hashes nothing

        hasher, size = hashlib.sha256() if older else blake3(), 0
        descriptor = _open_regular(path, os.O_RDONLY)
        try:
            buffer = bytearray(_CHUNK)
            view = memoryview(buffer)
            while count := os.readv(descriptor, [buffer]):
                hasher.update(view[:count])
                size += count
        finally:
            os.close(descriptor)
        return hasher.hexdigest(), size

    def sync(self, path: Path) -> None:
        descriptor = _open_regular(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def protect(self, path: Path) -> None:
        descriptor = _open_regular(path, os.O_RDONLY)
        try:
            os.fchmod(descriptor, 0o444 & ~self._umask)
        finally:
            os.close(descriptor)

    def link(self, source: Path, target: Path) -> None:
        os.link(source, target, follow_symlinks=False)

    def replace(self, source: Path, target: Path) -> None:
        source.replace(target)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def make_folder(self, folder: Path) -> bool:
        try:
            folder.mkdir()
        except FileExistsError:
            return False
        return True

    def remove_folder(self, folder: Path) -> None:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise

    def read(self, path: Path, offset: int = 0) -> bytes:
        with open(_open_regular(path, os.O_RDONLY), "rb") as file:
            file.seek(offset)
            return file.read()

    def write(self, path: Path, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, flags, 0o666), "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(data)

    def append(self, path: Path, data: bytes) -> None:
        descriptor = _open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def truncate(self, path: Path, size: int) -> None:
        descriptor = _open_regular(path, os.O_RDWR)
        try:
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def try_lock(self, path: Path, create: bool = True) -> Held | None:
        lock = FileLock(path, create)
        if lock.try_exclusive():
            return lock
        lock.close()
        return None


def _open_regular(path: Path, flags: int) -> int:
    # O_NONBLOCK: opening a FIFO must not hang.
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


_CAUSES: dict[int, tuple[str, str]] = {
    errno.ENOSPC: (
        "the disk is full",
        "free some space (`upriver gc` drops old artifacts), then build again",
    ),
    errno.EDQUOT: (
        "your disk quota is used up",
        "free some space (`upriver gc` drops old artifacts), then build again",
    ),
    errno.EFBIG: (
        "the file is larger than this process may write",
        "raise the limit (`ulimit -f`), then build again",
    ),
    errno.EACCES: ("permission denied", "make the folder writable for you, or run as its owner"),
    errno.EPERM: ("the operation is not permitted", "check the owner and the flags of the folder"),
    errno.EROFS: ("the file system is read-only", "remount it writable, or copy the project elsewhere"),
    errno.EIO: (
        "the disk reported an input/output error",
        "look at the kernel log; copy the project to a sound disk, then run `upriver fsck`",
    ),
    errno.ELOOP: (
        "it is a symbolic link, and none is followed here",
        "put a plain file or folder in its place",
    ),
    errno.ENOTDIR: ("a file stands where a folder is needed", "move that file away"),
    errno.EMFILE: ("too many files are open", "raise the limit (`ulimit -n`) or lower --jobs"),
    errno.ENFILE: ("the whole system has too many open files", "close programs, then try again"),
    errno.ENAMETOOLONG: ("the path is too long", "move the project to a folder with a shorter path"),
    errno.EXDEV: ("the staging folder is on another file system", "keep .upriver/store on one file system"),
    errno.EINVAL: ("it is not a regular file", "put a plain file in its place"),
    errno.ENOENT: ("it does not exist", "run `upriver fsck` to see what else is missing"),
    errno.ESTALE: ("the network file system lost the file", "check the mount, then build again"),
}

UNHARMED = "What was acknowledged before is still in place."


def disk_error(doing: str, path: Path, error: OSError, unharmed: str = UNHARMED) -> StoreError:
    """A StoreError that says what failed, where, why in words, what is still fine, and what to do."""
    cause, advice = _CAUSES.get(
        error.errno or 0, (error.strerror or str(error), "run `upriver fsck`, then build again")
    )
    name = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return StoreError(f"can't {doing} {path}: {cause} ({name})\n  {unharmed}\n  hint: {advice}")
