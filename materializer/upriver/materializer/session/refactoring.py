"""Operations that change a project's files, or tell what a change would do."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from upriver.assets.model import Key
from upriver.lineage.project.project import Project
from upriver.materializer.answers import Impacts
from upriver.materializer.context import Context
from upriver.materializer.operations import ProjectApi

if TYPE_CHECKING:
    from upriver.lineage.refactoring.fix import Fix
    from upriver.lineage.refactoring.freeze import Freezing
    from upriver.lineage.refactoring.rename.values import ColumnRenaming, Renaming


class Refactorings(ProjectApi):
    """The part of a session that refactors. The session gives the context, and takes turns."""

    context: Context
    _reading: threading.RLock

    @abstractmethod
    def _project(self, *, as_watched: bool = False) -> Project: ...

    @abstractmethod
    def _known(self, key: Key, *, as_watched: bool = True) -> Project: ...

    def impact(self, since: str | None = None) -> Impacts:
        from upriver.materializer.refactoring.impact import impact

        with self._reading:
            self._project()
            return impact(self.context, since)

    def dropping(self, key: Key, column: str) -> Impacts:
        from upriver.materializer.refactoring.drop_column import dropping

        with self._reading:
            self._known(key)
            return dropping(self.context, key, column)

    def renaming(self, old: Key, new: Key) -> Renaming:
        from upriver.materializer.refactoring.rename_asset import find_renaming

        with self._reading:
            return find_renaming(self.context, self._project(), old, new)

    def rename(self, renaming: Renaming) -> None:
        from upriver.materializer.refactoring.rename_asset import write_renaming

        with self._reading, self._whole_project("rename"):
            write_renaming(self.context, renaming)

    @contextmanager
    def _whole_project(self, purpose: str) -> Iterator[None]:
        """While it lasts, nothing is built: a build would read files of both names. Raises BusyError."""
        if not (self.context.folder / "state.db").exists():
            yield
            return
        lease = self.context.state.hold(purpose)
        try:
            yield
        finally:
            lease.release()

    def fix(self, key: Key) -> Fix:
        from upriver.materializer.refactoring.fix import find_fix

        with self._reading:
            return find_fix(self.context, key)

    def apply_fix(self, fix: Fix) -> None:
        from upriver.materializer.refactoring.fix import write_fix

        with self._reading:
            write_fix(self.context, fix)

    def freezing(self, key: Key, *, closed: bool = False) -> Freezing:
        from upriver.materializer.refactoring.freeze_contract import freezing

        with self._reading:
            self._known(key, as_watched=False)
            return freezing(self.context, key, closed=closed)

    def freeze(self, freezing: Freezing) -> None:
        from upriver.materializer.refactoring.freeze_contract import write_freezing

        with self._reading:
            write_freezing(self.context, freezing)

    def column_renaming(self, key: Key, column: str, new: str, *, leave: bool = False) -> ColumnRenaming:
        from upriver.materializer.refactoring.rename_column import find_column_renaming

        with self._reading:
            self._known(key, as_watched=False)
            return find_column_renaming(self.context, key, column, new, leave=leave)

    def rename_column(self, renaming: ColumnRenaming) -> None:
        from upriver.materializer.refactoring.rename_column import write_column_renaming

        with self._reading, self._whole_project("rename"):
            write_column_renaming(self.context, renaming)
