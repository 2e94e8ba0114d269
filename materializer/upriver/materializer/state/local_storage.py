"""The storage of a project on this machine, for a check and a repair: database, journal and store in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from upriver.assets.errors import BusyError
from upriver.materializer.ports import Clock
from upriver.materializer.state.builders import hold_files
from upriver.materializer.state.journal import Journal
from upriver.materializer.state.opening import STATE, STORE, open_state, rebuild_from_store
from upriver.materializer.state.sqlite import SqliteState
from upriver.materializer.storage.clock import MACHINE
from upriver.materializer.storage.durable_files import FilePort, OsFiles, disk_error
from upriver.materializer.storage.local_store import JOURNAL, LocalStore
from upriver.materializer.storage.locks import BUILDERS
from upriver.materializer.storage.quarantine import set_aside


class LocalStorage:
    """See :class:`upriver.materializer.ports.ProjectStorage`. *folder* is the project's ``.upriver``."""

    def __init__(self, folder: Path, files: FilePort | None = None, clock: Clock = MACHINE) -> None:
        self.folder = folder
        self._files = files or OsFiles()
        self.clock = clock

    @cached_property
    def store(self) -> LocalStore:
        """The artifacts, in the folder ``store``."""
        return LocalStore(self.folder / STORE, self._files, self.clock)

    @cached_property
    def journal(self) -> Journal:
        """The journal, which travels with the artifacts."""
        return Journal(self.folder / STORE / JOURNAL, self._files)

    @property
    def state_place(self) -> str:
        """The database file."""
        return str(self.folder / STATE)

    def open_state(self, *, readonly: bool) -> SqliteState:
        """The state in ``state.db``. Raises Damaged."""
        return open_state(
            self.folder / STATE, readonly, store=self.store, files=self._files, clock=self.clock
        )

    def rebuild_state(self) -> Sequence[str]:
        """Set the damaged database aside and rebuild it from the journal; what was done, in sentences."""
        # The database can't grant a lease now; nor can it to another process.
        try:
            held = hold_files(self.folder / BUILDERS, "fsck --repair", clock=self.clock)
        except BusyError:
            raise
        except OSError as error:
            raise disk_error("lock", self.folder / BUILDERS, error) from error
        actions = []
        try:
            for ending in ("", "-wal", "-shm", "-journal"):
                path = self.folder / (STATE + ending)
                if self._files.info(path) is not None:
                    actions.append(f"moved {path.name} to {self.set_aside(path)}")
            rebuilt = rebuild_from_store(self.folder / STATE, store=self.store, files=self._files)
        finally:
            held.release()
        lost = f"; {len(rebuilt.missing)} had lost their artifact" if rebuilt.missing else ""
        actions.append(
            f"rebuilt the state from the journal: {rebuilt.materializations} materializations, "
            f"{rebuilt.pointers} pointers{lost}"
        )
        return actions

    def set_aside(self, path: Path) -> str:
        """Move a file of the folder into its quarantine; where it is then."""
        return str(set_aside(self.folder, path, self._files))
