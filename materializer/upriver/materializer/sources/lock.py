"""The file ``sources.lock`` beside ``upriver.toml``: the shapes of text sources, one block a source.

It is JSON, sorted and written in one way, so that it merges well and differs only where a shape does. The last line
of the object says by which form it is written; as it sorts behind every key, each block ends alike.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Column, Key, Place
from upriver.materializer.ports.connector import Shape, SourceMisfit
from upriver.materializer.storage.locks import FileLock, poll

LOCK = "sources.lock"
_FORM = "~form"
_WAIT = 10.0
"""Seconds to wait for another process that writes the file."""


class _Block(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A shape as it is written: columns as pairs, one a line, so that a diff shows the one that changed."""

    read: str
    columns: list[tuple[str, str]]
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    comment: str | None = None
    header: bool | None = None
    skip: int = 0
    date_format: str | None = None
    timestamp_format: str | None = None
    encoding: str = "utf-8"


class SourcesLock:
    """The shapes that are kept for the project at *root*. Read once for each content of the file."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / LOCK
        self._seen: tuple[int, ...] | None = None
        self._shapes: dict[Key, Shape] = {}

    def shape(self, key: Key) -> Shape | None:
        """What is kept of *key*. Raises SourceMisfit when the file can't be read."""
        return self._read().get(key)

    def keep(self, shapes: Mapping[Key, Shape]) -> None:
        """Keep *shapes*, and all others as they are now. Raises OSError where the file can't be written, SourceMisfit
        when it can't be read.
        """
        guard = self._guard()
        try:
            self._seen = None
            now = self._read()
            if all(now.get(key) == shape for key, shape in shapes.items()):
                return
            draft = self._path.with_name(f".{LOCK}.{os.getpid()}")
            try:
                with draft.open("w", encoding="utf-8") as file:
                    file.write(_text({**now, **shapes}))
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self._path)
            finally:
                with suppress(FileNotFoundError):
                    draft.unlink()
        finally:
            guard.close()
        self._seen = None

    def _guard(self) -> FileLock:
        folder = self._root / ".upriver"
        folder.mkdir(exist_ok=True)
        guard = FileLock(folder / f"{LOCK}.guard")
        for _ in poll(_WAIT):
            if guard.try_exclusive():
                return guard
        guard.close()
        raise BlockingIOError(f"another process is writing {LOCK}")

    def _read(self) -> Mapping[Key, Shape]:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._seen, self._shapes = None, {}
            return self._shapes
        stamp = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        if stamp != self._seen:
            self._shapes = self._parse()
            self._seen = stamp
        return self._shapes

    def _parse(self) -> dict[Key, Shape]:
        try:
            content = self._path.read_bytes()
            found = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
            found.pop(_FORM, None)
            return {key: _shape(msgspec.json.decode(raw, type=_Block)) for key, raw in found.items()}
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SourceMisfit((self._unreadable(error),)) from error

    def _unreadable(self, error: Exception) -> Diagnosis:
        line, what = 1, str(error)
        with suppress(OSError, UnicodeDecodeError):  # then what was found first is told
            try:
                json.loads(self._path.read_bytes())
            except json.JSONDecodeError as mistake:
                line, what = mistake.lineno, mistake.msg
        return Diagnosis(
            "unreadable-lock",
            f"{LOCK} can't be read, so it is not known which shape text sources had: {what}",
            Place(LOCK, line),
            hint="resolve a merge conflict, restore the file from version control, or delete it to take all text "
            "sources as they are now",
        )


def renamed(content: bytes, old: Key, new: Key) -> bytes | None:
    """The text of the file with the shape of *old* under the key *new*; None where it holds none."""
    try:
        found = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        found.pop(_FORM, None)
        if old not in found:
            return None
        shapes = {
            new if key == old else key: _shape(msgspec.json.decode(raw, type=_Block))
            for key, raw in found.items()
        }
    except msgspec.MsgspecError:
        return None  # it is told when a source is read
    return _text(shapes).encode()


def _shape(block: _Block) -> Shape:
    fields = msgspec.structs.asdict(block)
    fields["columns"] = tuple(Column(name, type) for name, type in block.columns)
    return Shape(**fields)


def _text(shapes: Mapping[Key, Shape]) -> str:
    blocks: dict[str, object] = {}
    for key, shape in sorted(shapes.items()):
        fields = msgspec.structs.asdict(shape)
        fields["columns"] = [(column.name, column.type) for column in shape.columns]
        blocks[key] = msgspec.to_builtins(_Block(**fields))
    parts = []
    for key, block in blocks.items():
        assert isinstance(block, dict)
        lines = []
        for name, value in block.items():
            if name == "columns":
                columns = ",\n".join(f"      {json.dumps(pair, ensure_ascii=False)}" for pair in value)
                lines.append(f'    "columns": [\n{columns}\n    ]' if value else '    "columns": []')
            else:
                lines.append(f"    {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
        parts.append(f"  {json.dumps(key)}: {{\n" + ",\n".join(lines) + "\n  },\n")
    return "{\n" + "".join(parts) + f'  "{_FORM}": 1\n}}\n'
