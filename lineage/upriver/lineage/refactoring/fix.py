"""Fix of what a diagnosis says is surely meant, as an edit of exactly that name in exactly that file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from upriver.assets.errors import Correction, Diagnosis, UsageError
from upriver.assets.model import Key, Place, Value
from upriver.lineage.refactoring.rename.values import Edit, FileChange, edited, line_changes
from upriver.lineage.sql.names import quote
from upriver.lineage.sql.text.tokens import Token, tokens

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Fix(Value, frozen=True):
    """One name in one file that becomes another: *written* becomes *meant* at *place*.

    *problem* is what is wrong now, *remains* what would still be wrong with the asset afterwards, as far as that can
    be told without running it.
    """

    asset: Key
    problem: str
    place: Place
    written: str
    meant: str
    file: FileChange
    remains: str = ""


def fix(root: Path, asset: Key, diagnosis: Diagnosis, still_wrong: Callable[[str], Diagnosis | None]) -> Fix:
    """The edit that *diagnosis* asks for. *still_wrong* tells what is wrong with the asset when its file has
    another text. Nothing is written.

    Raises UsageError when it is not certain what is meant, or where it stands.
    """
    place, correction = diagnosis.place, diagnosis.correction
    if correction is None or place is None or place.column is None:
        hint = f" ({diagnosis.hint})" if diagnosis.hint else ""
        raise _uncertain(asset, f"only you can tell what is meant{hint}")
    path = root / place.path
    if path.is_symlink() or not path.is_file():
        raise _uncertain(asset, f"{place.path} is not a file of the project itself")
    content = path.read_bytes()
    text = content.decode("utf-8", "surrogateescape")
    span = _span(text, place, correction, column=diagnosis.code == "unknown-column")
    if span is None:
        raise _uncertain(asset, f"{correction.written!r} does not stand at {place} as it is told")
    after = edited(content, [Edit(*span)])
    problem = still_wrong(after.decode("utf-8", "surrogateescape"))
    if problem is not None and (problem.code == "sql-syntax" or _same(problem, diagnosis)):
        raise _uncertain(
            asset, f"{correction.meant!r} in its place would be wrong as well: {problem.message}"
        )
    change = FileChange(
        place.path, place.path, hashlib.sha256(content).hexdigest(), after, 1, line_changes(content, after)
    )
    remains = "" if problem is None else str(msgspec.structs.replace(problem, excerpt=None, facts=()))
    return Fix(asset, diagnosis.message, place, correction.written, correction.meant, change, remains)


def _uncertain(asset: Key, why: str) -> UsageError:
    return UsageError(f"{asset} can't be fixed by itself: {why}\n  hint: open it at its place, and edit it")


def _same(one: Diagnosis, other: Diagnosis) -> bool:
    return (one.code, one.place) == (other.code, other.place)


def _span(text: str, place: Place, correction: Correction, *, column: bool) -> tuple[int, int, str] | None:
    """The bytes to replace and what by; None when the name does not stand at *place*."""
    starts = [int(text.startswith("\ufeff")), *(found.end() for found in re.finditer("\n", text))]
    if not 0 < place.line <= len(starts) or place.column is None:
        return None
    names = _dotted(text, starts[place.line - 1] + place.column - 1)
    parts = correction.meant.split(".")
    if column:
        # It stands behind the name of its table, or before those of its fields.
        names = [token for token in names if token.name.lower() == correction.written.lower()]
        parts = [correction.meant]
    elif ".".join(token.name.lower() for token in names) != correction.written:
        return None
    if not names or (column and len(names) > 1):
        return None
    plain = all(token.kind == "word" for token in names)
    spelled = ".".join(part if plain and _PLAIN.fullmatch(part) else quote(part) for part in parts)
    return _bytes(text[: names[0].start]), _bytes(text[: names[-1].end]), spelled


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _dotted(text: str, start: int) -> list[Token]:
    """The names of ``a.b.c`` that begins at *start*."""
    names: list[Token] = []
    for index, token in enumerate(tokens(text, start)):
        if index == 0 and token.start != start:
            break
        if index % 2 == 0 and token.kind in ("word", "quoted"):
            names.append(token)
        elif index % 2 == 0 or token.text != ".":
            break
    return names
