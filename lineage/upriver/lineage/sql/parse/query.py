"""A parsed query as a value, and its text with other relation names in it."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import PurePosixPath

from upriver.assets.model import Key, Place, Value
from upriver.lineage.sql.names import quote
from upriver.lineage.sql.text.tokens import tokens


class Reference(Value, frozen=True):
    """A table name in a query. *parts* are spelled as the user did, *key* is their lower-case dotted form.

    *start* and *end* are offsets in ``Query.executable``; *place* is in the user's file. *alias* is the alias
    that the user gave, None when there is none. After a *bare* name (``table x``) no alias can stand.
    """

    key: Key
    parts: tuple[str, ...]
    start: int
    end: int
    place: Place
    alias: str | None = None
    bare: bool = False


class FileRead(Value, frozen=True):
    """Files read in a query: ``from 'data/x.csv'``, ``read_parquet([...])``.

    *format* is one of ``FileLocation.format``. *call* is the table expression as written; *scan* is it with
    ``{files}`` for the list of files, None when the plain form for *format* reads the same.
    *name* is how the query can call the table when it gives no alias.
    """

    patterns: tuple[str, ...]
    format: str
    call: str
    scan: str | None
    start: int
    end: int
    place: Place
    name: str
    alias: str | None = None

    @property
    def key(self) -> Key:
        """The key of the source that these files become: the same files read the same way have the same key."""
        return _files_key(self.patterns, self.format, self.scan)

    @property
    def remote(self) -> bool:
        """True when a pattern is a URL: its content can't be compared without reading it."""
        return any("://" in pattern for pattern in self.patterns)


@lru_cache(maxsize=4096)
def _files_key(patterns: tuple[str, ...], format: str, scan: str | None) -> Key:
    # Asked for at every command, for all queries; often thousands read the same files.
    digest = hashlib.blake2b(repr((patterns, format, scan)).encode(), digest_size=4).hexdigest()
    first = patterns[0].partition("://")[2] or patterns[0]
    slug = re.sub(r"[^a-z0-9]+", "_", PurePosixPath(first).name.lower()).strip("_") or "files"
    return f"files.{'_' if slug[0].isdigit() else ''}{slug[:80]}_{digest}"


class Qualifier(Value, frozen=True):
    """The table part of a column name such as ``staging.flights.delay``: what may have to follow a new table name."""

    parts: tuple[str, ...]
    start: int
    end: int


class Query(Value, frozen=True):
    """One SELECT-like statement.

    *executable* is DuckDB text without a closing semicolon or trailing comments: the user's own, to the character,
    when the dialect is DuckDB's, else its translation. *fingerprint*, a 128-bit hash, is equal only for texts of
    equal meaning. *unfollowed* names table functions that read what Upriver does not follow.
    *dynamic* is the cause why DuckDB can't plan the query, None when it can.
    """

    text: str
    executable: str
    fingerprint: str
    references: tuple[Reference, ...] = ()
    files: tuple[FileRead, ...] = ()
    qualifiers: tuple[Qualifier, ...] = ()
    unfollowed: tuple[str, ...] = ()
    dynamic: str | None = None
    dialect: str = "duckdb"
    path: str | None = None
    first_line: int = 1

    def keys(self) -> tuple[Key, ...]:
        """The keys of everything read, sorted, each once."""
        return tuple(sorted({r.key for r in self.references} | {f.key for f in self.files}))

    def bound_text(self, relation_of: Callable[[Key], str]) -> str:
        """The executable text with each table name and file read replaced by ``relation_of(key)``."""
        return self.bound(relation_of).text

    def bound(self, relation_of: Callable[[Key], str]) -> BoundText:
        """As *bound_text*, with the way back from positions in it."""
        return substitute(self, relation_of)


class Edit(Value, frozen=True):
    """Characters *start* to *end* of a text become *replacement*."""

    start: int
    end: int
    replacement: str


class BoundText:
    """A text after edits, and where its characters come from."""

    def __init__(self, original: str, edits: list[Edit]) -> None:
        pieces: list[str] = []
        self._marks: list[tuple[int, int, bool]] = []  # (offset in text, offset in original, inside an edit)
        position = length = 0
        for edit in sorted(edits, key=lambda e: e.start):
            for piece, inside in ((original[position : edit.start], False), (edit.replacement, True)):
                self._marks.append((length, edit.start if inside else position, inside))
                pieces.append(piece)
                length += len(piece)
            position = edit.end
        self._marks.append((length, position, False))
        pieces.append(original[position:])
        self.text = "".join(pieces)

    def origin(self, offset: int) -> int:
        """The offset in the original text that *offset* of this text comes from."""
        at = bisect_right(self._marks, offset, key=lambda mark: mark[0]) - 1
        start, origin, inside = self._marks[max(at, 0)]
        return origin if inside else origin + offset - start

    @cached_property
    def _byte_offsets(self) -> list[int] | None:
        if self.text.isascii():
            return None
        offsets, total = [], 0
        for character in self.text:
            offsets.append(total)
            total += len(character.encode())
        return offsets

    def from_byte(self, offset: int) -> int:
        """The character offset of byte *offset* of the text in UTF-8, which is how DuckDB counts."""
        return offset if self._byte_offsets is None else max(bisect_right(self._byte_offsets, offset) - 1, 0)


def substitute(query: Query, relation_of: Callable[[Key], str]) -> BoundText:
    """The text after :func:`substitutions`."""
    return BoundText(query.executable, substitutions(query, relation_of))


def substitutions(query: Query, relation_of: Callable[[Key], str]) -> list[Edit]:
    """Replace names by exact span, so that whatever bound before binds again.

    A table that is called otherwise now gets its old name as alias, and columns that were qualified with
    more than that name (``staging.flights.delay``) are qualified with what is valid now.
    """
    edits: list[Edit] = []
    qualified: dict[tuple[str, ...], str] = {}
    for reference in query.references:
        relation = relation_of(reference.key)
        old, new = _folded(reference.parts), _folded(_name_parts(relation))
        if new in (old, ("main", *old)):
            continue  # the same name; left as it is, for columns without alias take their names from the text
        keeps_name = reference.bare or reference.alias is not None or new[-1:] == old[-1:]
        qualified[old] = relation if new[-1:] == old[-1:] else quote(reference.parts[-1])
        alias = None if keeps_name else reference.parts[-1]
        edits.append(Edit(reference.start, reference.end, _with_alias(relation, alias)))
    for file in query.files:
        relation = relation_of(file.key)
        keeps_name = file.alias is not None or _folded(_name_parts(relation))[-1:] == _folded((file.name,))
        edits.append(Edit(file.start, file.end, _with_alias(relation, None if keeps_name else file.name)))
    for qualifier in query.qualifiers:
        if (becomes := qualified.get(_folded(qualifier.parts))) is not None:
            edits.append(Edit(qualifier.start, qualifier.end, becomes))
    return edits


def _with_alias(relation: str, alias: str | None) -> str:
    return relation if alias is None else f"{relation} as {quote(alias)}"


def _folded(parts: tuple[str, ...]) -> tuple[str, ...]:
    """DuckDB compares names without case."""
    return tuple(part.lower() for part in parts)


def _name_parts(relation: str) -> tuple[str, ...]:
    """The parts of a dotted name; none when *relation* is another table expression, such as a call."""
    parts = []
    for index, token in enumerate(tokens(relation)):
        if index % 2 == 0 and token.kind in ("word", "quoted"):
            parts.append(token.name)
        elif index % 2 == 0 or token.text != ".":
            return ()
    return tuple(parts)
