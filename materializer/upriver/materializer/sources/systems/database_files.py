"""SQLite and DuckDB files, as far as a connection asks them: sources of them are looked at as files are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from pathlib import Path

from upriver.assets.project.connections import database_of
from upriver.lineage.sql.names import literal
from upriver.materializer.ports.system import Address, Moment, System, SystemFault, SystemObject
from upriver.materializer.sources.reading import SourceReader
from upriver.materializer.sources.systems.opening import unknown_settings


def connect(address: Address) -> System:
    """The file at *address*. Raises SystemFault where there is none."""
    unknown_settings(address, ())
    path = address.root / database_of(address.url)
    if not path.is_file():
        raise SystemFault(f"connection {address.name}: there is no file {path}")
    return DatabaseFile(address.url.partition(":")[0], path)


class DatabaseFile:
    """One file. See :class:`upriver.materializer.ports.system.System`."""

    def __init__(self, engine: str, path: Path) -> None:
        self._engine = engine
        self._path = path

    def answer(self) -> str:
        """What kind of file it is, and how many tables it holds."""
        return f"{self._engine} file {self._path.name}, {sum(1 for _ in self.objects('*'))} tables"

    def objects(self, like: str) -> Iterator[SystemObject]:
        """Its tables and views, those of the main schema without their schema."""
        for name, kind in self._names():
            if fnmatchcase(name, like):
                yield SystemObject(name, kind)

    def _names(self) -> list[tuple[str, str]]:
        if self._engine == "duckdb":
            with SourceReader().cursor() as cursor:
                cursor.execute(f"attach {literal(str(self._path))} as found (read_only)")
                query = (
                    "select case when table_schema = 'main' then '' else table_schema || '.' end || table_name, "
                    "case table_type when 'VIEW' then 'view' else 'table' end from information_schema.tables "
                    "where table_catalog = 'found' order by 1"
                )
                return [(str(name), str(kind)) for name, kind in cursor.execute(query).fetchall()]
        import apsw

        connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            query = (
                "select name, type from sqlite_schema where type in ('table', 'view') "
                "and name not like 'sqlite\\_%' escape '\\' order by 1"
            )
            return [(str(name), str(kind)) for name, kind in connection.execute(query)]
        finally:
            connection.close()

    def moment(self) -> AbstractContextManager[Moment]:
        """Never asked: sources of it are those of a file."""
        raise AssertionError(f"{self._path} is looked at as a file")

    def close(self) -> None:
        """Nothing is open."""
