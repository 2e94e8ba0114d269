"""Operations on connections: which there are, who answers, and what is there."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from upriver.assets.errors import UpriverError, UsageError, did_you_mean
from upriver.assets.model import SystemLocation, TableLocation
from upriver.materializer.context import Context
from upriver.materializer.operations import ProjectApi

if TYPE_CHECKING:
    from upriver.assets.project.connections import Connection
    from upriver.lineage.project.project import Project
    from upriver.materializer.ports.system import ConnectionEntry, SystemObject


class Connecting(ProjectApi):
    """The part of a session that asks systems. The session gives the context, and takes turns."""

    context: Context
    _reading: threading.RLock

    def connections(self, names: Sequence[str] = (), *, test: bool = False) -> tuple[ConnectionEntry, ...]:
        with self._reading:
            project = self.context.project()
            chosen = [_known(project, name) for name in names] or [*project.config.connections.values()]
            return tuple(self._entry(project, one, test) for one in chosen)

    def objects(self, connection: str, like: str = "*") -> tuple[SystemObject, ...]:
        from upriver.materializer.sources.systems.opening import opened

        with self._reading:
            found = _known(self.context.project(), connection)
            with opened(found, self.context.root) as system:
                return tuple(system.objects(like))

    def _entry(self, project: Project, connection: Connection, test: bool) -> ConnectionEntry:
        from upriver.materializer.ports.system import ConnectionEntry
        from upriver.materializer.sources.systems.opening import opened

        sources = []
        for key, source in project.sources.items():
            location = source.location
            of = isinstance(location, SystemLocation) and location.connection == connection.name
            if of or (isinstance(location, TableLocation) and location.path == connection.database):
                sources.append(key)
        answer = error = None
        if test:
            try:
                with opened(connection, self.context.root) as system:
                    answer = system.answer()
            except UpriverError as failure:
                error = str(failure)
        return ConnectionEntry(connection.name, connection.url, tuple(sorted(sources)), answer, error)


def _known(project: Project, name: str) -> Connection:
    known = project.config.connections
    if name not in known:
        hint = did_you_mean(name, known) or "upriver.toml declares " + (", ".join(known) or "none")
        raise UsageError(f"there is no connection {name!r}; {hint}")
    return known[name]
