"""Functions in the place of ``os.listdir`` and ``os.scandir``: they answer for folders that the process can't list
itself, and tell of questions that are put to the entries of a folder, of which Python has no audit events.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

from upriver.materializer.execution.local.opened_files import resolved

_real_listdir = os.listdir
_real_scandir = os.scandir


def watch_listings(
    shown: Mapping[str, Sequence[str]], listed: Callable[[str], None], asks: Callable[[object, str], None]
) -> None:
    """From now on answer for the folders in *shown* (by resolved path) with the names given there, telling *listed*,
    and call *asks* with each entry that is asked for its ``stat``.
    """

    def names(path: Any) -> Sequence[str] | None:
        if not shown or not isinstance(path, str | bytes | os.PathLike):
            return None
        real = resolved(os.fsdecode(path))
        if real in shown:
            listed(os.fsdecode(path))
        return shown.get(real)

    def listdir(path: Any = ".") -> Any:
        found = names("." if path is None else path)
        if found is None:
            return _real_listdir(path)
        given = os.fspath(path) if path is not None else "."
        return [os.fsencode(name) for name in found] if isinstance(given, bytes) else list(found)

    def scandir(path: Any = ".") -> Any:
        found = names("." if path is None else path)
        if found is None:
            scan = _real_scandir(path)
            return _Scan((_Entry(one, asks) for one in scan), scan.close)
        return _Scan((_Shown(os.fspath(path), name, asks) for name in found), lambda: None)

    os.listdir = listdir
    os.scandir = scandir


def watch_opens(opened: Callable[[str], None]) -> None:
    """From now on call *opened* with what ``os.open`` opens by its name in a folder that is open already: the audit
    event does not say in which.
    """
    real_open = os.open

    def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is not None and isinstance(path, str | bytes | os.PathLike):
            try:
                folder = os.readlink(f"/proc/self/fd/{dir_fd}")  # noqa: PTH115
            except OSError:
                folder = ""  # it is told by the name alone
            opened(os.path.join(folder, os.fsdecode(path)))  # noqa: PTH118 -- as it was written
        return real_open(path, flags, mode, dir_fd=dir_fd)

    os.open = open_


class _Scan:
    """What ``os.scandir`` gives."""

    def __init__(self, entries: Iterator[Any], close: Callable[[], None]) -> None:
        self._entries = entries
        self.close = close

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Entry(os.PathLike[Any]):
    """An entry of a folder that tells when it is asked for its size and times."""

    def __init__(self, real: os.DirEntry[Any], asks: Callable[[object, str], None]) -> None:
        self._real = real
        self._asks = asks
        self.name = real.name
        self.path = real.path

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        self._asks(self.path, "stat")
        return self._real.stat(follow_symlinks=follow_symlinks)

    def inode(self) -> int:
        return self._real.inode()

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self._real.is_dir(follow_symlinks=follow_symlinks)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return self._real.is_file(follow_symlinks=follow_symlinks)

    def is_symlink(self) -> bool:
        return self._real.is_symlink()

    def is_junction(self) -> bool:
        return False

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"


class _Shown(_Entry):
    """An entry of a folder whose names were taken before."""

    def __init__(self, folder: Any, name: str, asks: Callable[[object, str], None]) -> None:
        self._asks = asks
        self.name = os.fsencode(name) if isinstance(folder, bytes) else name
        self.path = os.path.join(folder, self.name)  # noqa: PTH118 -- as os.scandir does

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return os.stat(self.path, follow_symlinks=follow_symlinks)  # noqa: PTH116

    def inode(self) -> int:
        return self.stat(follow_symlinks=False).st_ino

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return os.path.isdir(self.path) and (follow_symlinks or not self.is_symlink())  # noqa: PTH112

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return os.path.isfile(self.path) and (follow_symlinks or not self.is_symlink())  # noqa: PTH113

    def is_symlink(self) -> bool:
        return os.path.islink(self.path)  # noqa: PTH114
