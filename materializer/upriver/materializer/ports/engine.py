"""The engine port: runs the queries of SQL assets."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from upriver.assets.model import Key, Schema
from upriver.materializer.model import Located

if TYPE_CHECKING:
    from upriver.assets.project.config import Scalar


class Written(NamedTuple):
    """What a query gave. *peak_memory* is in bytes, None where it was not measured."""

    schema: Schema
    rows: int
    peak_memory: int | None


class Engine(Protocol):
    """Runs queries over versions of upstreams, in any number of threads."""

    def identity(self) -> str:
        """What computes: two engines of one identity give the same rows for the same query (``duckdb``)."""
        ...

    def open(self) -> None:
        """Have the engine ready. It takes a while, in which another thread can do other things."""
        ...

    def expose(self, key: Key, version: Located) -> None:
        """Make *version* what the relation of *key* shows."""
        ...

    def write(
        self,
        query: str,
        path: Path,
        schema: Schema | None,
        variables: Mapping[str, Scalar] = ...,
        *,
        measured: bool = False,
    ) -> Written:
        """Run *query* into a Parquet file at *path*. *schema* is what it was bound to, or None."""
        ...

    def create_view(self, name: str, query: str) -> None:
        """Have *query* under *name*, which is quoted and of no other view, for the queries of this process."""
        ...

    def drop_view(self, name: str) -> None:
        """Forget a view that :meth:`create_view` has made."""
        ...

    def describe(self, files: Sequence[str]) -> tuple[Schema, int]:
        """Schema and number of rows of Parquet files."""
        ...

    def fetch(
        self, query: str, parameters: Sequence[Any] = (), variables: Mapping[str, Scalar] = ...
    ) -> tuple[Schema, list[tuple[Any, ...]]]:
        """Run a query and fetch everything."""
        ...

    def new_cursor(self) -> Any:
        """A cursor of the engine's own kind, which the caller closes; for fingerprints and the warehouse."""
        ...

    def interruptible(self) -> AbstractContextManager[threading.Event]:
        """While inside, :meth:`interrupt` with the yielded token ends this thread's query."""
        ...

    def interrupt(self, token: threading.Event) -> None:
        """End the query that runs under *token*, if one still does."""
        ...

    def close(self) -> None:
        """Release the engine and its memory."""
        ...
