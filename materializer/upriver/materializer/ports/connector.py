"""The connector port: what a source holds, which columns it has, and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from upriver.assets.errors import Diagnosis, UpriverError
from upriver.assets.model import Column, Schema, Value
from upriver.materializer.model import FileStamp


class SourceMissing(UpriverError):
    """Nothing is where the source is declared to be."""


class SourceChanging(UpriverError):
    """A source was changed while it was being read."""


class SourceMisfit(UpriverError):
    """A source that is there, but not as it was: *diagnoses* say where, what it was, and what it is now."""

    def __init__(self, diagnoses: tuple[Diagnosis, ...]) -> None:
        self.diagnoses = diagnoses
        super().__init__("\n\n".join(map(str, diagnoses)))


class Shape(Value, frozen=True, omit_defaults=True):
    """The shape of a text source: how its text is taken apart, and its columns with their types.

    *read* is how the source is declared to be read: under another declaration it has another shape. A column of type
    ``"NULL"`` held no value yet. *header* is None where columns are named in every row (NDJSON).
    """

    read: str
    columns: tuple[Column, ...]
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    comment: str | None = None
    header: bool | None = None
    skip: int = 0
    date_format: str | None = None
    timestamp_format: str | None = None
    encoding: str = "utf-8"


class Scanned(NamedTuple):
    """What copying a source has told. *shape* is to be kept of a text source, *notes* are to be told once."""

    schema: Schema
    rows: int
    shape: Shape | None = None
    notes: tuple[str, ...] = ()


class Places(Value, frozen=True):
    """What an engine may read besides the store: whole *folders*, and single *files* that links lead to."""

    folders: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()


class Connector(Protocol):
    """One declared source, on one kind of system. A connector looks when it is asked and remembers nothing.

    :meth:`observe` is cheap and notices change; :meth:`name_content` says whether it is another content. Rows are
    read in place, when :attr:`in_place` is true, or copied once by :meth:`scan`.
    """

    @property
    def in_place(self) -> bool:
        """Whether recipes read the source itself; else they read a copy of its rows in the store."""
        ...

    @property
    def has_columns(self) -> bool:
        """Whether the source is a table; else its files are handed over as they are."""
        ...

    @property
    def shaped(self) -> bool:
        """Whether the source is text, which has the types that a reader finds in it: its shape is to be kept."""
        ...

    def describe(self) -> str:
        """Where the source is, in one line; another line means another declaration."""
        ...

    def missing(self) -> str:
        """The sentence for a source of which nothing is there."""
        ...

    def observe(self) -> tuple[FileStamp, ...]:
        """What can be seen of it without reading it, sorted; empty when nothing is there."""
        ...

    def name_content(self, observed: tuple[FileStamp, ...]) -> str:
        """A digest of what was observed, by its bytes. Raises StoreError when they can't be read."""
        ...

    def schema(self, shape: Shape | None) -> Schema:
        """The columns of a source with *shape* (None: not known yet), found without copying the rows; empty when that
        can't be. Raises SourceMissing, SourceMisfit, UpriverError.
        """
        ...

    def measure(self, observed: tuple[FileStamp, ...]) -> tuple[Schema, int]:
        """Columns and number of rows of a source that is read in place. Raises UpriverError."""
        ...

    def scan(self, observed: tuple[FileStamp, ...], target: Path, shape: Shape | None) -> Scanned:
        """Copy the rows into a Parquet file at *target*. Raises SourceMisfit when they don't fit *shape* (None: not
        known yet), UpriverError.
        """
        ...

    def folders(self) -> Iterator[Path]:
        """The folders that an engine has to be let into to read the source in place."""
        ...

    def linked(self) -> Iterator[Path]:
        """The files beyond them that links of the source lead to now, where it may read them."""
        ...
