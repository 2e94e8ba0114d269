"""Verified artifacts: those whose bytes were hashed and found to be what their names say, remembered by stamp.

A stamp is what the file system tells of a file: size, times, number. Whatever is written to a file gives it another
one, so the bytes behind a stamp that is remembered need not be hashed again. What is remembered is safe to lose.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


class Verified:
    """Names of artifacts with the stamps that they had when they were verified, in the file at *path*.

    The file is read when it is first asked, and added to by whatever process verifies. A line that was cut short is
    no stamp of any file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamps: dict[str, str] = {}
        self._loaded = False
        self._lock = threading.Lock()

    def knows(self, name: str, stamp: str) -> bool:
        """Whether the artifact *name* was verified when it had this *stamp*."""
        with self._lock:
            if stamp and self._stamps.get(name) == stamp:
                return True
            self._load()
            return bool(stamp) and self._stamps.get(name) == stamp

    def add(self, found: Iterable[tuple[str, str]]) -> None:
        """Remember artifacts with their stamps."""
        new = [(name, stamp) for name, stamp in found if stamp]
        if not new:
            return
        with self._lock:
            self._stamps.update(new)
            # What can't be remembered (a full or read-only disk) is hashed again by the next command.
            with suppress(OSError):
                self._append("".join(f"{name} {stamp}\n" for name, stamp in new))

    def forget(self, names: Iterable[str]) -> None:
        """Forget artifacts that are gone."""
        with self._lock:
            self._load()
            for name in names:
                self._stamps.pop(name, None)
            draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            with suppress(OSError):
                if self._path.parent.is_symlink() or not self._path.exists():
                    return
                try:
                    draft.write_text("".join(f"{name} {stamp}\n" for name, stamp in self._stamps.items()))
                    draft.replace(self._path)
                finally:
                    draft.unlink(missing_ok=True)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        try:
            lines = self._path.read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            return
        read = dict(line.partition(" ")[::2] for line in lines)
        self._stamps = {**read, **self._stamps}

    def _append(self, text: str) -> None:
        folder = self._path.parent
        if folder.is_symlink():
            return
        folder.mkdir(exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o666)
        try:
            os.write(descriptor, text.encode("ascii"))
        finally:
            os.close(descriptor)
