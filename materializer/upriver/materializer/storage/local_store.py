"""Immutable artifacts, named by the BLAKE3 of their bytes: ``root/ab/<id><suffix>``.

The order that makes publishing safe against a power cut at any moment::

    the engine writes staging/<session>/<n>.parquet
    stage      hash the bytes, make the file read-only, fsync it       (the bytes are on disk)
    publish    link under the final name, drop the staged name         (all of it or nothing of it)
               fsync each folder once                                  (the names are on disk)
    commit     the state database points at the id                     (see state/)

A staged file belongs to a process (see process_folders.py): what a dead process has staged can be told and removed.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from upriver.assets.errors import BusyError, StoreError
from upriver.materializer.model import ArtifactRef
from upriver.materializer.ports import Clock, Staged, Stored
from upriver.materializer.storage.clock import MACHINE
from upriver.materializer.storage.durable_files import FileInfo, FilePort, OsFiles, disk_error
from upriver.materializer.storage.locks import FileLock, poll, reading
from upriver.materializer.storage.process_folders import Sessions
from upriver.materializer.storage.quarantine import set_aside
from upriver.materializer.storage.verified import Verified

STAGING = "staging"
JOURNAL = "journal"
"""The folder in the store that is left to the state's journal, which travels with the artifacts."""
GC_LOCK = "gc.lock"
VERIFIED = "cache/verified"
_ID = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"(\.[A-Za-z0-9_-]{1,32}){0,4}")
_SHARD = re.compile(r"[0-9a-f]{2}")
_NAME = re.compile(r"([0-9a-f]{64})((?:\.[A-Za-z0-9_-]{1,32}){0,4})")
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS)


class LocalStore:
    """The store in a folder of a local file system. See :class:`upriver.materializer.ports.Store`.

    Threads may stage and publish at the same time; so may processes. Nothing is created before the first
    write.
    """

    def __init__(self, root: Path, files: FilePort | None = None, clock: Clock = MACHINE) -> None:
        self.root = root
        self._text = str(root)
        self._files: FilePort = OsFiles() if files is None else files
        self._clock = clock
        self._staging = Sessions(root / STAGING, self._files, clock)
        self._verified = Verified(root.parent / VERIFIED)
        self._anchored = False
        self._counter = itertools.count()

    # -- writing ---------------------------------------------------------------------------------------

    def reserve(self, suffix: str) -> Path:
        """A fresh name in this process's staging folder, for an engine to write to."""
        _check_suffix(suffix)
        if not self._anchored:
            try:
                self._make_root()
            except OSError as error:
                raise disk_error("create", self.root, error) from error
        return self._staging.own() / f"{next(self._counter):06d}{suffix}"

    def stage(self, path: Path, suffix: str) -> Staged:
        """Hash the file at *path*, make it read-only and wait until its bytes are on disk.

        A failed fsync is never tried again (the kernel may have dropped the bytes and forgotten the error):
        the file is abandoned. On any error the file is removed and StoreError raised.
        """
        _check_suffix(suffix)
        try:
            info = self._files.info(path)
            if info is None:
                raise StoreError(f"the engine reported success but wrote no file at {path}")
            if info.kind != "file":
                raise StoreError(
                    f"what the engine left at {path} is not a regular file; links are not followed"
                )
            if info.names != 1:
                raise StoreError(
                    f"the file at {path} has {info.names} names (hard links): "
                    "it could be changed from outside later"
                )
            digest, size = self._files.digest(path)
            self._files.protect(path)
            self._files.sync(path)
        except OSError as error:
            self._abandon(path)
            raise disk_error("write the artifact to disk at", path, error) from error
        except BaseException:
            self._abandon(path)
            raise
        return Staged(str(path), digest, size, suffix)

    def publish(self, staged: Sequence[Staged]) -> None:
        """Give the files their final names, then fsync each folder once.

        An artifact that is there already and intact is left alone; one whose bytes do not match its name is
        repaired by atomically replacing it. Raises StoreError; files published before the error stay as
        orphans.
        """
        place = self.root
        try:
            folders = dict.fromkeys(self.path(one.id, one.suffix).parent for one in staged)
            made = [place for place in folders if self._make_shard(place)]
            for one in staged:
                place = self.path(one.id, one.suffix)
                self._publish_one(one, place)
            # Also for files that were there before: their writer may have died before this point.
            for place in folders:
                self._files.sync_folder(place)
            if made or not self._anchored:
                place = self.root
                self._files.sync_folder(self.root)
            if not self._anchored:
                # The process that made these folders may have been killed before it had synced the names of them.
                above = self.root.parent.resolve()  # that one may be a link to where there is more room
                for place in (above, above.parent):
                    self._files.sync_folder(place)
                self._anchored = True
        except OSError as error:
            raise disk_error("publish", place, error) from error
        self._verified.add((f"{one.id}{one.suffix}", self._stamp(one)) for one in staged)

    def _stamp(self, one: Staged) -> str:
        """The stamp of the artifact that was just published from *one*, whose bytes were hashed."""
        try:
            found = self._files.info(self.path(one.id, one.suffix))
        except OSError:  # it is there all the same, and is hashed when it is read
            return ""
        return found.stamp if found is not None and found.size == one.bytes else ""

    def _publish_one(self, one: Staged, target: Path) -> None:
        source = Path(one.path)
        existing = self._files.info(target)
        if existing is None:
            try:
                self._files.link(source, target)
            except FileExistsError:
                existing = self._files.info(target)
            except OSError as error:
                if error.errno not in _NO_LINKS:  # exFAT and some network file systems have no hard links
                    raise
            else:
                self._files.remove(source)
                return
        if existing is not None and existing.kind == "folder":
            raise StoreError(f"a folder stands where the artifact {target} belongs\n  hint: move it away")
        if self._intact(target, one, existing):
            self._files.remove(source)
        else:
            self._files.replace(source, target)

    def _intact(self, target: Path, one: Staged, existing: FileInfo | None) -> bool:
        if existing is None or existing.kind != "file" or existing.size != one.bytes:
            return False
        # Equal size is not enough: a flipped bit would survive every rebuild that gives the same bytes.
        return self._files.digest(target)[0] == one.id

    def _make_shard(self, shard: Path) -> bool:
        self._make_root()
        if self._files.make_folder(shard):
            return True
        info = self._files.info(shard)
        if info is None or info.kind != "folder":
            raise StoreError(
                f"{shard} is a link or a file, not a folder: artifacts are never written through links\n"
                "  hint: move it away, then build again"
            )
        return False

    def _make_root(self) -> None:
        missing = []
        folder = self.root
        while self._files.info(folder) is None and folder != folder.parent:
            missing.append(folder)
            folder = folder.parent
        for folder in reversed(missing):
            if self._files.make_folder(folder):
                self._files.sync_folder(folder.parent.resolve())
        info = self._files.info(self.root)
        if info is None or info.kind != "folder":
            raise StoreError(
                f"{self.root} is a link or a file, not a folder: artifacts are never written through links\n"
                f"  hint: move it away; {self.root.parent} as a whole may be a link to where there is more room"
            )

    def _abandon(self, path: Path) -> None:
        # The first error is the one to report; what stays behind is cleaned up by the next session.
        with contextlib.suppress(OSError):
            info = self._files.info(path)
            if info is not None and info.kind != "folder":
                self._files.remove(path)

    # -- reading ---------------------------------------------------------------------------------------

    def path(self, id: str, suffix: str) -> Path:
        """Where the artifact *id* is, or would be."""
        return Path(self._place(id, suffix))

    def _place(self, id: str, suffix: str) -> str:
        _check_suffix(suffix)
        if not _ID.fullmatch(id):
            raise StoreError(
                f"{id!r} is not the id of an artifact (64 hexadecimal digits): the record is damaged"
            )
        return f"{self._text}/{id[:2]}/{id}{suffix}"

    def locate(self, ref: ArtifactRef) -> str:
        """Where a reader finds the artifact's bytes: an absolute path."""
        return self._place(ref.id, ref.suffix)

    def exists_many(self, refs: Iterable[ArtifactRef]) -> frozenset[ArtifactRef]:
        """Those of *refs* that are there as plain files (their bytes are not checked)."""
        asked = list(refs)
        there = self._files.are_files([self._place(ref.id, ref.suffix) for ref in asked])
        return frozenset(ref for ref, found in zip(asked, there, strict=True) if found)

    def list(self) -> Iterator[Stored]:
        """Everything in the shards, also what does not belong there."""
        for shard in self._files.names(self.root):
            folder = self.root / shard
            if shard in (STAGING, JOURNAL):
                continue
            info = self._files.info(folder)
            if not _SHARD.fullmatch(shard) or info is None or info.kind != "folder":
                yield Stored(str(folder), None, plain=False)
                continue
            for name in self._files.names(folder):
                path = folder / name
                match = _NAME.fullmatch(name)
                if match is None or not name.startswith(shard):
                    yield Stored(str(path), None)
                    continue
                found = self._files.info(path)
                plain = found is not None and found.kind == "file"
                size = found.size if found is not None and plain else 0
                yield Stored(str(path), ArtifactRef(match[1], match[2], size), plain)

    def digest(self, stored: Stored) -> str:
        """The BLAKE3 of the bytes of *stored*, or its own id when an earlier program has named it. Raises OSError."""
        path = Path(stored.place)
        digest, _ = self._files.digest(path)
        id_ = stored.ref.id if stored.ref is not None else digest
        return id_ if digest != id_ and self._files.digest(path, older=True)[0] == id_ else digest

    def damaged(self, refs: Iterable[ArtifactRef]) -> Sequence[Stored]:
        """Those of *refs* whose bytes are not those that their names say. What is not there is not named.

        Bytes are hashed once: while its stamp stays the same, a file holds what it held.
        """
        found, sound = [], []
        for ref in dict.fromkeys((ref.id, ref.suffix) for ref in refs):
            path, name = self.path(*ref), f"{ref[0]}{ref[1]}"
            info = self._files.info(path)
            if info is None or info.kind != "file" or self._verified.knows(name, info.stamp):
                continue
            stored = Stored(str(path), ArtifactRef(*ref, info.size))
            try:
                digest = self.digest(stored)
            except OSError:  # a bad sector
                digest = ""
            if digest == ref[0]:
                sound.append((name, info.stamp))
            else:
                found.append(stored)
        self._verified.add(sound)
        return found

    # -- removing --------------------------------------------------------------------------------------

    def remove(self, stored: Iterable[Stored]) -> None:
        """Delete artifacts. Raises StoreError."""
        gone = []
        for one in stored:
            try:
                self._files.remove(Path(one.place))
            except OSError as error:
                raise disk_error("remove", Path(one.place), error) from error
            gone.append(Path(one.place).name)
        if gone:
            self._verified.forget(gone)

    def set_aside(self, stored: Stored) -> str:
        """Move *stored* into ``quarantine`` beside the store; where it is then."""
        return str(set_aside(self.root.parent, Path(stored.place), self._files))

    def put_back(self, place: str, ref: ArtifactRef) -> None:
        """Move what was set aside at *place* to where the artifact *ref* belongs."""
        target = self.path(ref.id, ref.suffix)
        try:
            self._files.replace(Path(place), target)
            self._files.sync_folder(target.parent)
        except OSError as error:
            raise disk_error("put back", target, error) from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """While it lasts, no artifact is removed. Raises StoreError when a collection does not end."""
        if not self.root.parent.exists():
            yield
            return
        with reading(self.root.parent / GC_LOCK, clock=self._clock):
            yield

    @contextlib.contextmanager
    def collecting(self, wait: float | None) -> Iterator[None]:
        """While it lasts, no reader begins. Raises BusyError when one does not end within *wait* seconds."""
        path = self.root.parent / GC_LOCK
        lock = FileLock(path)
        try:
            for _ in poll(wait, self._clock):
                if lock.try_exclusive():
                    break
            else:
                raise BusyError(
                    "artifacts are being read (by the terminal UI, a query or a preview)\n"
                    "  Nothing was dropped.\n  hint: close it, or try again later"
                )
            yield
        except OSError as error:
            raise disk_error("lock", path, error) from error
        finally:
            lock.close()

    # -- staging sessions --------------------------------------------------------------------------------

    def sweep(self, dry_run: bool = False) -> Sequence[str]:
        """Remove what processes that are gone left in the staging folder; return the paths. Live sessions are
        spared.
        """
        return [str(path) for path in self._staging.sweep(dry_run)]

    def close(self) -> None:
        """Drop this process's staging session with whatever was not published. Safe to call twice."""
        self._staging.close()


def _check_suffix(suffix: str) -> None:
    if not _SUFFIX.fullmatch(suffix):
        raise StoreError(
            f"{suffix!r} can't be the ending of an artifact's file name\n"
            "  hint: use a dot and letters, digits, - or _, such as .json"
        )
