"""The system port: a database, a lake, a store of files or an API that sources are read from.

A third party offers a connector as an entry point of the group ``upriver.connectors``, named by the scheme of its urls:
a callable that takes an :class:`Address` and gives a :class:`System`. ``docs/connectors.md`` is its guide, and
``upriver.materializer.sources.systems.contract`` holds it against the contract.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from upriver.assets.errors import UpriverError
from upriver.assets.model import Column, Value
from upriver.materializer.model import Trust

if TYPE_CHECKING:
    import pyarrow as pa


class SystemFault(UpriverError):
    """A system that can't be reached, refuses, or has failed."""


class NotInstalled(UpriverError):
    """A system whose connector needs a package that is not installed."""


class Address(NamedTuple):
    """Where a system is. *settings* are those of ``[connections.NAME]`` with secrets revealed, but for the url.

    *root* is the folder of the project. With *hinted*, a hint of the system may stand for a hash of the rows.
    """

    name: str
    url: str
    settings: Mapping[str, str]
    root: Path
    hinted: bool = False


class Wanted(Value, frozen=True):
    """What is looked at in a system: a *table*, the rows of a *query*, or files that *patterns* fit.

    *columns* are those to be read, none for all. *version* is one of the past.
    """

    table: str = ""
    query: str = ""
    patterns: tuple[str, ...] = ()
    format: str = ""
    version: str = ""
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        at = f" at version {self.version}" if self.version else ""
        if self.patterns:
            return ", ".join(self.patterns) + at
        return (f"table {self.table}" if self.table else f"query {self.query[:60]!r}") + at


class Sighting(Value, frozen=True):
    """What was seen of something in a system at one moment.

    *version* is another when the content is another, as far as *trust* goes; *detail* says how that is known. *hint*
    is what the system tells of change without a look at the rows.
    """

    version: str
    trust: Trust
    detail: str
    bytes: int = 0
    hint: str = ""


class Rows(NamedTuple):
    """Rows as they are read. *casts* are DuckDB types of columns that Arrow carries as text; *notes* are to be told."""

    reader: pa.RecordBatchReader
    casts: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()


class Fetched(NamedTuple):
    """Files that were brought into a folder, to be read as local ones. *patterns* are relative to it."""

    folder: Path
    patterns: tuple[str, ...]


class SystemObject(Value, frozen=True):
    """Something that a source can be declared of. *name* is as ``table=`` takes it."""

    name: str
    kind: str = "table"
    rows: int | None = None
    columns: tuple[Column, ...] = ()


class ConnectionEntry(Value, frozen=True):
    """A connection, for listing: its *url* (empty where that is secret), and the *sources* that are of it. *answer* is
    what the system says of itself, *error* why it does not answer; both None when it was not asked.
    """

    name: str
    url: str
    sources: tuple[str, ...] = ()
    answer: str | None = None
    error: str | None = None


class Moment(Protocol):
    """One state of a system: what is seen and read in it belongs together, as far as the system can do that."""

    def sight(self, wanted: Wanted, before: Sighting | None) -> Sighting | None:
        """What is there; None when nothing is. *before* is what was seen last. Raises UpriverError."""
        ...

    def read(self, wanted: Wanted, scratch: Path) -> AbstractContextManager[Rows | Fetched]:
        """The rows, or files in *scratch*, of what was sighted. Raises UpriverError."""
        ...


class System(Protocol):
    """A system that is connected to. Used by one thread."""

    def answer(self) -> str:
        """Who answers, in one line. Raises SystemFault."""
        ...

    def objects(self, like: str) -> Iterator[SystemObject]:
        """What there is whose name *like* fits (``*`` for any characters), sorted. Raises SystemFault."""
        ...

    def moment(self) -> AbstractContextManager[Moment]:
        """The present state of the system, held until the block ends. Raises SystemFault."""
        ...

    def close(self) -> None:
        """Leave the system."""
        ...
