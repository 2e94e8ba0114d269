"""Writer of the static pages: a folder, written beside its place and put there whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from upriver.assets.errors import UsageError
from upriver.assets.model import Key, Value
from upriver.materializer.operations import ProjectApi
from upriver.tui.site.documents import index, parts

MARK = "upriver-site.txt"
"""Tells that a folder is one of these, and may be replaced."""

PAGES = ("index.html", "site.css", "format.js", "drawing.js", "site.js")


class Written(Value, frozen=True):
    """What was written: how many assets, files and bytes."""

    assets: int
    files: int
    bytes: int


def write_site(session: ProjectApi, folder: Path, *, now: float, version: str, code: bool = True) -> Written:
    """Write the pages of a project to *folder*; *code* tells whether they show recipes.

    Raises UsageError when the folder holds something else, or can't be written.
    """
    if folder.is_symlink() or (folder.exists() and not _replaceable(folder)):
        raise UsageError(
            f"{folder} is not empty, and no folder of such pages: name another, or remove what is in it"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            made = Path(scratch) / "site"
            made.mkdir()
            count = _write(session, made, now, version, code)
            if folder.exists():
                folder.rename(Path(scratch) / "before")
            made.rename(folder)
            shown = [path for path in folder.rglob("*") if path.is_file()]
            return Written(count, len(shown), sum(path.stat().st_size for path in shown))
    except OSError as error:
        raise UsageError(f"{error.filename or folder} can't be written: {error.strerror}") from error


def _replaceable(folder: Path) -> bool:
    return folder.is_dir() and ((folder / MARK).is_file() or not os.listdir(folder))


def _write(session: ProjectApi, folder: Path, now: float, version: str, code: bool) -> int:
    statuses = session.status()
    entries = session.catalogue()
    goals = session.goals().goals
    by_key = {one.asset: one for one in statuses}
    data = folder / "data"
    data.mkdir()
    place: dict[Key, int] = {}
    known = (entry for entry in entries if entry.asset in by_key)
    for number, part in enumerate(parts(known, by_key, goals, code=code)):
        place |= dict.fromkeys(part, number)
        with (data / f"{number}.js").open("wb") as file:
            file.writelines(_script(f"upriver.part({number}, ", part))
    shown = [one for one in statuses if one.asset in place]
    document = index(session.name, session.environment, shown, place, made=now, version=version)
    (data / "index.js").write_bytes(_call("upriver.index(", document))
    for page in PAGES:
        shutil.copyfile(str(files("upriver.tui.site") / "pages" / page), folder / page)
    (folder / MARK).write_text(
        "Pages of an Upriver project; `upriver export site` writes them.\n", encoding="utf-8"
    )
    return len(shown)


def _call(function: str, document: Mapping[str, Any]) -> bytes:
    return function.encode() + msgspec.json.encode(document) + b");\n"


def _script(function: str, part: Mapping[Key, bytes]) -> Iterator[bytes]:
    yield function.encode() + b"{"
    for number, (key, text) in enumerate(part.items()):
        yield b"%s\n%s:%s" % (b"," if number else b"", msgspec.json.encode(key), text)
    yield b"});\n"
