"""Files on object stores and behind HTTP: listed with their ETags, fetched, and read as local files are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from glob import escape, has_magic
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from upriver.assets.errors import UsageError
from upriver.materializer.model import Trust
from upriver.materializer.ports.system import (
    Address,
    Fetched,
    Moment,
    Sighting,
    System,
    SystemFault,
    SystemObject,
    Wanted,
)
from upriver.materializer.sources.systems.opening import require

_PIECE = 8 << 20


class _File(NamedTuple):
    path: str
    size: int
    etag: str
    changed: str

    @property
    def strong(self) -> bool:
        """Whether the ETag names the bytes: a weak one names what the server takes for the same."""
        return bool(self.etag) and not self.etag.startswith("W/")


def connect(address: Address) -> System:
    """The store at *address*: ``s3://bucket/prefix``, ``gs://…``, ``az://…``, ``https://host/folder``. Raises
    NotInstalled.
    """
    require("obstore", "s3", "An object store")
    return ObjectStore(address)


class ObjectStore:
    """A store of files. See :class:`upriver.materializer.ports.system.System`."""

    def __init__(self, address: Address) -> None:
        from obstore.store import HTTPStore, from_url

        self._address = address
        self._listed = not address.url.startswith("http")
        settings: dict[str, Any] = dict(address.settings)
        options: dict[str, Any] = {"timeout": "60s"}
        plain = address.url.startswith("http://") or settings.get("endpoint", "").startswith("http://")
        if plain:
            options["allow_http"] = True
        if self._listed:
            self.store: Any = from_url(address.url, config=settings, client_options=options)  # type: ignore[call-overload]
        else:
            if settings:
                raise UsageError(
                    f"connection {address.name} has no setting {next(iter(settings))!r}; http has none"
                )
            self.store = HTTPStore.from_url(address.url, client_options=options)  # type: ignore[arg-type]

    def answer(self) -> str:
        """The place, and whether it can be listed."""
        parts = urlsplit(self._address.url)
        if self._listed:
            next(iter(self.store.list(chunk_size=1)), None)
            return f"{parts.scheme}://{parts.netloc}{parts.path} can be listed"
        return f"{parts.scheme}://{parts.netloc}{parts.path} (files are asked for by name)"

    def objects(self, like: str) -> Iterator[SystemObject]:
        """The files whose paths *like* fits."""
        if not self._listed:
            raise UsageError(f"the files of {self._address.url} are not listed; name them")
        for one in sorted(self._files(like if has_magic(like) else f"{like}*"), key=lambda file: file.path):
            yield SystemObject(one.path, "file")

    @contextmanager
    def moment(self) -> Iterator[Moment]:
        """One listing a source: a store has no moment of several files."""
        yield _Listing(self)

    def close(self) -> None:
        """Nothing is open."""

    def found(self, wanted: Wanted) -> tuple[_File, ...]:
        """The files that are there now, sorted by path. Raises SystemFault."""
        if not wanted.patterns:
            raise UsageError("files are read by their location, not by table= or query=")
        files: dict[str, _File] = {}
        for pattern in wanted.patterns:
            for one in self._files(pattern):
                files[one.path] = one
        return tuple(files[path] for path in sorted(files))

    def _files(self, pattern: str) -> Iterator[_File]:
        if not has_magic(pattern):
            try:
                yield _file(self.store.head(pattern))
            except FileNotFoundError:
                return
            return
        if not self._listed:
            raise UsageError(
                f"{pattern!r}: the files of {self._address.url} are not listed; name each of them"
            )
        fixed = pattern[: min(pattern.index(one) for one in "*?[" if one in pattern)].rpartition("/")[0]
        for piece in self.store.list(prefix=fixed or None):
            for one in piece:
                if _fits(str(one["path"]), pattern):
                    yield _file(one)


class _Listing:
    """The files that one operation has found; fetching one of another ETag is an error."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._found: dict[Wanted, tuple[_File, ...]] = {}

    def sight(self, wanted: Wanted, before: Sighting | None) -> Sighting | None:
        """Their names, sizes and ETags; where a server tells no strong ETag, a hash of the bytes."""
        files = self._found[wanted] = self._store.found(wanted)
        if not files:
            return None
        size = sum(one.size for one in files)
        whole = hashlib.sha256()
        if all(one.strong for one in files):
            for one in files:
                whole.update(f"{one.path}\0{one.etag}\0{one.size}\n".encode())
            return Sighting(whole.hexdigest(), Trust.VERSION, f"the ETags of {len(files)} files", size)
        for one in files:
            digest = hashlib.sha256()
            for piece in self._store.store.get(one.path).stream(min_chunk_size=_PIECE):
                digest.update(bytes(piece))
            whole.update(f"{one.path}\0{digest.hexdigest()}\n".encode())
        return Sighting(
            whole.hexdigest(), Trust.CONTENT, f"the bytes of {len(files)} files: there are no ETags", size
        )

    @contextmanager
    def read(self, wanted: Wanted, scratch: Path) -> Iterator[Fetched]:
        """Fetch them into *scratch*, below their own names."""
        files = self._found.get(wanted) or self._store.found(wanted)
        names = []
        for one in files:
            target = scratch / one.path
            if not target.resolve().is_relative_to(scratch.resolve()):
                raise SystemFault(f"{one.path} can't be the name of a file here")
            target.parent.mkdir(parents=True, exist_ok=True)
            got = self._store.store.get(one.path)
            if one.etag and got.meta["e_tag"] != one.etag:
                raise SystemFault(
                    f"{one.path} was changed while it was fetched; build again when that has ended"
                )
            with target.open("wb") as file:
                for piece in got.stream(min_chunk_size=_PIECE):
                    file.write(bytes(piece))
            names.append(escape(one.path))
        yield Fetched(scratch, tuple(names))


def _file(meta: Any) -> _File:
    return _File(str(meta["path"]), int(meta["size"]), str(meta["e_tag"] or ""), str(meta["last_modified"]))


def _fits(path: str, pattern: str) -> bool:
    """As globs do: ``*`` stays in a folder, ``**`` does not."""
    parts, wanted = path.split("/"), pattern.split("/")
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_fits("/".join(parts[start:]), "/".join(wanted[1:])) for start in range(len(parts)))
    if not parts or not fnmatchcase(parts[0], wanted[0]):
        return False
    if len(parts) == 1 or len(wanted) == 1:
        return len(parts) == len(wanted)
    return _fits("/".join(parts[1:]), "/".join(wanted[1:]))
