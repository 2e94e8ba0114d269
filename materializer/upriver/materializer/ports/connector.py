"""The connector port: what a source holds, which columns it has, and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from upriver.assets.errors import UpriverError
from upriver.assets.model import Schema
from upriver.materializer.model import FileStamp


class SourceMissing(UpriverError):
    """Nothing is where the source is declared to be."""


class SourceChanging(UpriverError):
    """A source was changed while it was being read."""


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

    def schema(self) -> Schema:
        """The columns, found without reading the rows; empty when that can't be. Raises SourceMissing, UpriverError."""
        ...

    def measure(self, observed: tuple[FileStamp, ...]) -> tuple[Schema, int]:
        """Columns and number of rows of a source that is read in place. Raises UpriverError."""
        ...

    def scan(self, observed: tuple[FileStamp, ...], target: Path) -> tuple[Schema, int]:
        """Copy the rows into a Parquet file at *target*; columns and number of rows. Raises UpriverError."""
        ...

    def folders(self) -> Iterator[Path]:
        """The folders that an engine has to be let into to read the source in place."""
        ...
