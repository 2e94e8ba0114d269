"""Changes that a rename would make, as values."""

from __future__ import annotations

from upriver.assets.model import Key, Place, Value


class Edit(Value, frozen=True):
    """Bytes *start* to *end* of a file's content become *text* (UTF-8)."""

    start: int
    end: int
    text: str


class LineChange(Value, frozen=True):
    """One line of a file, as it is and as it becomes."""

    line: int
    before: str
    after: str


class FileChange(Value, frozen=True):
    """A file that changes: its content (*digest* is of what it was, SHA-256), and its place when *becomes* is
    another than *path*. Both are relative to the project's root.
    """

    path: str
    becomes: str
    digest: str
    content: bytes
    edits: int
    lines: tuple[LineChange, ...] = ()


class Renaming(Value, frozen=True):
    """All that another key for *old* changes.

    *rebuilt* are the assets that will be built again because their recipes name it; what they hold stays the same, so
    nothing below them is. *mentions* are other places that name it, in comments, texts or data: these are left alone.
    """

    old: Key
    new: Key
    files: tuple[FileChange, ...]
    rebuilt: tuple[Key, ...] = ()
    mentions: tuple[Place, ...] = ()

    @property
    def edits(self) -> int:
        """How many places are rewritten, moves included."""
        return sum(file.edits + (file.path != file.becomes) for file in self.files)


class ByHand(Value, frozen=True):
    """A place that names the asset or column in a way that only a person can change, and why; *key* is the asset."""

    place: Place
    why: str
    key: Key = ""


class ColumnRenaming(Value, frozen=True):
    """All that another name for column *old* of *key* changes.

    *follows* are the assets that pass the column on as it is called (``select *``): theirs is called *new* as well. The
    column of every other asset keeps its name. *rebuilt* are the assets whose recipes change or whose column is called
    otherwise; what they hold stays the same. *kept* are assets whose code goes on calling it *old*, because it is given
    back under that name or renamed at the end, and why. *left* are places that a person has to change, without which
    their assets can't be built. *mentions* are other places that name the column, which are left alone.
    """

    key: Key
    old: str
    new: str
    files: tuple[FileChange, ...]
    follows: tuple[Key, ...] = ()
    rebuilt: tuple[Key, ...] = ()
    kept: tuple[ByHand, ...] = ()
    left: tuple[ByHand, ...] = ()
    mentions: tuple[Place, ...] = ()

    @property
    def edits(self) -> int:
        """How many places are rewritten."""
        return sum(file.edits for file in self.files)


def edited(content: bytes, edits: list[Edit]) -> bytes:
    """*content* after *edits*, which do not overlap."""
    pieces, position = [], 0
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):
        pieces += [content[position : edit.start], edit.text.encode()]
        position = edit.end
    return b"".join([*pieces, content[position:]])


def line_changes(before: bytes, after: bytes) -> tuple[LineChange, ...]:
    """The lines that differ. No edit here adds or removes a line."""
    pairs = zip(before.decode().split("\n"), after.decode().split("\n"), strict=True)
    return tuple(
        LineChange(number, old.rstrip("\r"), new.rstrip("\r"))
        for number, (old, new) in enumerate(pairs, start=1)
        if old != new
    )
