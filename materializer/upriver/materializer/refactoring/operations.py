"""Operations on declarations, a part of the table in materializer/operations.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from upriver.assets.model import Key
from upriver.materializer.operation import in_session_server

if TYPE_CHECKING:
    from upriver.lineage.refactoring.fix import Fix
    from upriver.lineage.refactoring.freeze import Freezing
    from upriver.lineage.refactoring.rename.values import ColumnRenaming, Renaming


class RefactoringOperations(Protocol):
    """What a face can have changed in a project's files."""

    @in_session_server
    def renaming(self, old: Key, new: Key) -> Renaming:
        """What calling the asset or source *old* *new* would change: files, lines, what is built again. Writes nothing.
        Raises UsageError when it can't be called that, or where only a person can change a place.
        """

    @in_session_server
    def rename(self, renaming: Renaming) -> None:
        """Write what :meth:`renaming` has found: all of it or nothing. Raises UsageError, BusyError."""

    @in_session_server
    def fix(self, key: Key) -> Fix:
        """The edit that puts right what is wrong with an asset's declaration or query. Writes nothing.
        Raises UsageError when nothing is wrong with it, or when it is not certain what is meant.
        """

    @in_session_server
    def apply_fix(self, fix: Fix) -> None:
        """Write what :meth:`fix` has found. Raises UsageError when the file was edited meanwhile."""

    @in_session_server
    def freezing(self, key: Key, *, closed: bool = False) -> Freezing:
        """The edit that lets *key* promise the columns that it has; with *closed*, and no others. Writes nothing.
        Raises UsageError when they are not known, or when the declaration can't be added to.
        """

    @in_session_server
    def freeze(self, freezing: Freezing) -> None:
        """Write what :meth:`freezing` has found. Raises UsageError when the file was edited meanwhile."""

    @in_session_server
    def column_renaming(self, key: Key, column: str, new: str, *, leave: bool = False) -> ColumnRenaming:
        """What calling *column* of the asset *key* *new* would change: files, lines, which assets pass the new name
        on, what is built again. It is proven on a copy that all else stays what it is. Writes nothing to the project.
        Raises UsageError when it can't be called that, or where only a person can change a place, unless that may be
        left to them (*leave*).
        """

    @in_session_server
    def rename_column(self, renaming: ColumnRenaming) -> None:
        """Write what :meth:`column_renaming` has found: all of it or nothing. Raises UsageError, BusyError."""
