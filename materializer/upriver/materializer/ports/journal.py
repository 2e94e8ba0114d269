"""The journal's entries: every commit once more, in the order of the commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from upriver.assets.identity import Node
from upriver.assets.model import Key, Value
from upriver.materializer.model import Materialization


class Pointer(Value, frozen=True, array_like=True):
    """In some environment, *asset* (and *partition*, "" for none) is at *materialization*."""

    asset: Key
    partition: str
    materialization: str

    @property
    def node(self) -> Node:
        """The node that points."""
        return Node(self.asset, self.partition or None)


class Committed(Value, frozen=True, tag="commit"):
    """What one commit recorded. *sequence* counts commits; *token* is that of the lease.

    *form* is the version of the state in whose form *made* is written.
    """

    sequence: int
    token: int
    environment: str
    made: tuple[Materialization, ...]
    pointed: tuple[Pointer, ...]
    form: int = 2


class Dropped(Value, frozen=True, tag="drop"):
    """Materializations that a collection or a repair forgot."""

    sequence: int
    token: int
    ids: tuple[str, ...]


class Removed(Value, frozen=True, tag="remove_environment"):
    """An environment that was removed, with all its pointers."""

    sequence: int
    token: int
    environment: str


Entry: TypeAlias = Committed | Dropped | Removed


class Bad(Value, frozen=True):
    """A line that can't be trusted. *line* counts from 1."""

    line: int
    cause: str


class JournalReader(Protocol):
    """The journal, for a check of it."""

    @property
    def place(self) -> str:
        """Where it is kept, for a person."""
        ...

    def read(self) -> tuple[Sequence[Entry], Sequence[Bad]]:
        """All good entries in order, and the lines that are not. Raises StoreError when it can't be read."""
        ...
