"""Lakes: Delta and Iceberg tables, which name their versions themselves and keep those of the past."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from upriver.assets.errors import UsageError, did_you_mean
from upriver.assets.project.connections import database_of
from upriver.materializer.model import Trust
from upriver.materializer.ports.system import (
    Address,
    Moment,
    Rows,
    Sighting,
    System,
    SystemFault,
    SystemObject,
    Wanted,
)
from upriver.materializer.sources.systems.opening import require, unknown_settings

if TYPE_CHECKING:
    from deltalake import DeltaTable

_UNREAD = ("deletionVectors", "columnMapping")
"""Features of Delta that the reader of plain files would get wrong."""


class _Found(NamedTuple):
    """A table at one version: a *token* of it, how its rows are read, and its size, if it can be read rightly."""

    token: str
    read: Callable[[], Any]
    measure: Callable[[], int]


class _Lake:
    """What Delta and Iceberg have in common: each look finds a version, which is then read exactly."""

    def find(self, wanted: Wanted) -> _Found | None:
        """The table that is wanted, at its version; None when there is none. Raises SystemFault."""
        raise NotImplementedError

    @contextmanager
    def moment(self) -> Iterator[Moment]:
        """Each table by itself: a lake has no moment of several."""
        yield _Versions(self)

    def close(self) -> None:
        """Nothing is open."""


class _Versions:
    """The versions that one operation has found: what is read is what was sighted, whatever is written meanwhile."""

    def __init__(self, lake: _Lake) -> None:
        self._lake = lake
        self._found: dict[Wanted, _Found | None] = {}

    def sight(self, wanted: Wanted, before: Sighting | None) -> Sighting | None:
        """The version that the table has now, or the declared one."""
        if wanted.query or wanted.patterns:
            raise UsageError("a lake is read by table=")
        found = self._found[wanted] = self._lake.find(wanted)
        if found is None:
            return None
        # What was seen before was checked then.
        known = before is not None and before.version == found.token
        size = before.bytes if known and before is not None else found.measure()
        return Sighting(found.token, Trust.VERSION, f"version {found.token.rpartition(':')[2]}", size)

    @contextmanager
    def read(self, wanted: Wanted, scratch: Path) -> Iterator[Rows]:
        """All rows of the version that was sighted."""
        if wanted not in self._found:
            self.sight(wanted, None)
        found = self._found[wanted]
        if found is None:
            raise SystemFault(f"there is no {wanted}")
        yield Rows(found.read())


def _version_number(wanted: Wanted) -> int | None:
    if not wanted.version:
        return None
    if not re.fullmatch(r"\d{1,19}", wanted.version):
        raise UsageError(f"version={wanted.version!r} is no number of a version")
    return int(wanted.version)


# -- Delta -----------------------------------------------------------------------------------------------------
def connect_delta(address: Address) -> System:
    """The Delta tables at *address*: ``delta:data/lake``, ``delta+s3://bucket/lake``. Raises NotInstalled."""
    require("deltalake", "lakes", "Delta")
    return DeltaLake(address)


class DeltaLake(_Lake):
    """A folder of Delta tables. See :class:`upriver.materializer.ports.system.System`."""

    def __init__(self, address: Address) -> None:
        self._address = address
        scheme, _, rest = address.url.partition(":")
        self._options = dict(address.settings)
        self._folder: Path | None = None
        self._base = f"{scheme.removeprefix('delta+')}:{rest}".rstrip("/")
        if scheme == "delta":
            self._folder = address.root / database_of(address.url)
            self._base = str(self._folder)

    def answer(self) -> str:
        """How many tables there are, where they can be listed."""
        count = "" if self._folder is None else f": {sum(1 for _ in self.objects('*'))}"
        return f"Delta tables in {self._address.url}{count}"

    def objects(self, like: str) -> Iterator[SystemObject]:
        """The tables in the folder; those of an object store are not listed."""
        if self._folder is None:
            raise UsageError(f"the tables in {self._address.url} are not listed; name them by their folder")
        if not self._folder.is_dir():
            raise SystemFault(f"connection {self._address.name}: there is no folder {self._folder}")
        for log in sorted(self._folder.glob("**/_delta_log")):
            name = log.parent.relative_to(self._folder).as_posix()
            if fnmatchcase(name, like):
                yield SystemObject(name)

    def find(self, wanted: Wanted) -> _Found | None:
        """The table in the folder of that name. Raises SystemFault for a table that would be read wrongly."""
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        try:
            table = DeltaTable(
                self.place(wanted.table),
                version=_version_number(wanted),
                storage_options=self._options or None,
            )
        except TableNotFoundError:
            return None
        # A table that was dropped and written anew counts its versions from 0 again.
        token = f"{table.metadata().id}:{table.version()}"
        return _Found(
            token, lambda: table.to_pyarrow_dataset().scanner().to_reader(), lambda: _measured(wanted, table)
        )

    def place(self, table: str) -> str:
        """Where a table is. Raises UsageError for one that would lead elsewhere."""
        if ".." in table.split("/") or table.startswith("/"):
            raise UsageError(f"table={table!r} leads out of {self._address.url}")
        return f"{self._base}/{table}"


def _measured(wanted: Wanted, table: DeltaTable) -> int:
    """The bytes of *table*. Raises SystemFault for one that would be read wrongly."""
    _refuse(wanted, table)
    return sum(int(one) for one in _column(table.get_add_actions(flatten=True), "size_bytes"))


def _refuse(wanted: Wanted, table: DeltaTable) -> None:
    protocol = table.protocol()
    features = [one for one in protocol.reader_features or () if one in _UNREAD]
    mapping = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    if features or mapping != "none":
        raise SystemFault(
            f"{wanted} uses {', '.join(features) or 'columnMapping'}, which is not read here\n"
            "  hint: rewrite the table without it (`REORG TABLE … APPLY (PURGE)` for deletion vectors)"
        )
    for part in table.partitions() if table.metadata().partition_columns else ():
        for column, value in part.items():
            if value == "":
                raise SystemFault(
                    f"{wanted}: the partition column {column} holds an empty text, which some readers take for null\n"
                    "  hint: write null, or another text"
                )


def _column(actions: Any, name: str) -> list[Any]:
    import pyarrow as pa

    table = pa.table(actions)
    return table.column(name).to_pylist() if name in table.column_names else []


# -- Iceberg ---------------------------------------------------------------------------------------------------
def connect_iceberg(address: Address) -> System:
    """The catalogue at *address*: ``iceberg+sqlite:data/catalog.db``, ``iceberg+https://host/catalog``. Raises
    NotInstalled.
    """
    require("pyiceberg.catalog", "lakes", "Iceberg")
    return IcebergCatalogue(address)


class IcebergCatalogue(_Lake):
    """An Iceberg catalogue. See :class:`upriver.materializer.ports.system.System`."""

    def __init__(self, address: Address) -> None:
        from pyiceberg.catalog import load_catalog

        scheme, _, rest = address.url.partition(":")
        kind = scheme.removeprefix("iceberg+")
        properties = dict(address.settings)
        name = properties.pop("catalog", address.name)
        if kind == "sqlite":
            path = address.root / (rest[3:] if rest.startswith("///") else rest)
            if not path.is_file():
                raise SystemFault(f"connection {address.name}: there is no catalogue {path}")
            properties |= {"type": "sql", "uri": f"sqlite:///{path}"}
        elif kind == "postgresql":
            properties |= {"type": "sql", "uri": f"postgresql+psycopg:{rest}"}
        elif kind in ("http", "https"):
            properties |= {"type": "rest", "uri": f"{kind}:{rest}"}
        else:
            unknown_settings(address, ())
            raise UsageError(
                f"connection {address.name}: a catalogue is sqlite, postgresql or https, not {kind!r}"
            )
        self._address = address
        self._catalog = load_catalog(name, **properties)

    def answer(self) -> str:
        """How many namespaces there are."""
        return f"Iceberg catalogue with {len(self._catalog.list_namespaces())} namespaces"

    def objects(self, like: str) -> Iterator[SystemObject]:
        """The tables of all namespaces."""
        for name in sorted(
            ".".join(table)
            for space in self._catalog.list_namespaces()
            for table in self._catalog.list_tables(space)
        ):
            if fnmatchcase(name, like):
                yield SystemObject(name)

    def find(self, wanted: Wanted) -> _Found | None:
        """The table of that name, at its current snapshot or the declared one."""
        from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

        try:
            table = self._catalog.load_table(wanted.table)
        except (NoSuchTableError, NoSuchNamespaceError):
            return None
        snapshot = _version_number(wanted)
        if snapshot is None:
            current = table.current_snapshot()
            snapshot = None if current is None else current.snapshot_id
        elif table.snapshot_by_id(snapshot) is None:
            known = [str(one.snapshot_id) for one in table.snapshots()]
            hint = did_you_mean(wanted.version, known) or f"there are {len(known)}"
            raise SystemFault(f"table {wanted.table} has no snapshot {wanted.version}; {hint}")
        # Columns may change without a snapshot.
        token = f"{table.metadata.table_uuid}:{table.schema().schema_id}:{snapshot or 'empty'}"
        scan = table.scan() if snapshot is None else table.scan(snapshot_id=snapshot)
        return _Found(token, scan.to_arrow_batch_reader, lambda: 0)
