"""The files that a rename changes, and those that only mention what is renamed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from upriver.assets.errors import UsageError
from upriver.assets.model import Place
from upriver.lineage.project.project import Project
from upriver.lineage.refactoring.rename.values import Edit, FileChange, edited, line_changes

_LOOKED_THROUGH = (".sql", ".py", ".toml", ".yaml", ".yml", ".md", ".txt", ".sh", ".json")
_LARGEST = 1_000_000
_NOT_OURS = frozenset({"venv", "node_modules", "__pycache__"})


def read(project: Project, path: str) -> bytes:
    """The content of a file that is to change. Raises UsageError when it can't be read or is a link."""
    place = project.root / path
    if place.is_symlink():
        raise UsageError(f"{path} is a link: rename what it leads to by hand")
    try:
        return place.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error


def change(path: str, becomes: str, content: bytes, edits: list[Edit]) -> FileChange:
    """What becomes of the file at *path*, whose content is *content*."""
    after = edited(content, edits)
    digest = hashlib.sha256(content).hexdigest()
    return FileChange(path, becomes, digest, after, len(edits), line_changes(content, after))


def mentions(root: Path, name: str, files: dict[str, FileChange]) -> tuple[Place, ...]:
    """Where the dotted *name* still stands when all edits of *files* are made, sorted."""
    return tuple(sorted(_mentions(root, name, files), key=lambda one: (one.path, one.line, one.column or 0)))


def _mentions(root: Path, name: str, files: dict[str, FileChange]) -> Iterable[Place]:
    pattern = re.compile(rf"(?<![\w.]){re.escape(name)}(?![\w.]*\w)".encode())
    for path in _texts(root):
        content = files[path].content if path in files else None
        if content is None:
            try:
                content = (root / path).read_bytes()
            except OSError:
                continue  # it has gone meanwhile
        place = files[path].becomes if path in files else path
        for found in pattern.finditer(content):
            line_start = content.rfind(b"\n", 0, found.start()) + 1
            yield Place(place, content.count(b"\n", 0, found.start()) + 1, found.start() - line_start + 1)


def _texts(root: Path) -> Iterable[str]:
    waiting = [root]
    while waiting:
        for entry in sorted(waiting.pop().iterdir()):
            if entry.name.startswith(".") or entry.name in _NOT_OURS or entry.is_symlink():
                continue
            if entry.is_dir():
                waiting.append(entry)
            elif entry.suffix.lower() in _LOOKED_THROUGH and entry.stat().st_size <= _LARGEST:
                yield entry.relative_to(root).as_posix()
