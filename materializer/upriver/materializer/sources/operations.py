"""Operations on connections, a part of the table in materializer/operations.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from upriver.materializer.operation import in_session_server

if TYPE_CHECKING:
    from upriver.materializer.ports.system import ConnectionEntry, SystemObject


class SourceOperations(Protocol):
    """What a face can ask about the systems that sources are of."""

    @in_session_server
    def connections(self, names: Sequence[str] = (), *, test: bool = False) -> tuple[ConnectionEntry, ...]:
        """The connections that are declared, or those *names* of them; with *test* each system is asked who it is.
        Raises UsageError for an unknown name.
        """

    @in_session_server
    def objects(self, connection: str, like: str = "*") -> tuple[SystemObject, ...]:
        """What there is in the system of *connection* that a source can be declared of, and whose name *like* fits.
        Raises UsageError for an unknown name, SystemFault.
        """
