"""The target port: a system that tables are written to, each content once, with a receipt in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from upriver.assets.errors import UpriverError
from upriver.assets.model import Schema, Sink, Value

if TYPE_CHECKING:
    import pyarrow as pa

RECEIPTS = "_upriver_receipts"
"""The table of a database that holds the receipts: one row a sink."""


class NotKept(UpriverError):
    """Rows that a target can't keep as they are; no row was written."""


class Delivery(Value, frozen=True):
    """One content on its way into a table. *id* names the sink, *input* the content and how it is to be written."""

    id: str
    input: str
    sink: Sink
    schema: Schema


class Delivered(Value, frozen=True):
    """What a delivery came to: *written* is False where the receipt says that it is there already. *note* is to be
    told.
    """

    written: bool
    rows: int
    note: str = ""


Read = Callable[[str], "AbstractContextManager[pa.RecordBatchReader]"]
"""Gives the rows of a query over the table ``delivery``."""


@runtime_checkable
class Target(Protocol):
    """A system that can be written to."""

    def deliver(self, delivery: Delivery, read: Read) -> Delivered:
        """Write the rows unless the receipt says that they are there. Raises NotKept, SystemFault."""
        ...
