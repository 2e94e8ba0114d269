"""Registry of connectors by kind of location: the one place that takes a location apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import assert_never

from upriver.assets.errors import UpriverError
from upriver.assets.model import FileLocation, Schema, Source, SystemLocation, TableLocation
from upriver.materializer.model import FileStamp
from upriver.materializer.ports.connector import Connector, Places
from upriver.materializer.sources.files import FileConnector
from upriver.materializer.sources.lock import SourcesLock
from upriver.materializer.sources.reach import Reach
from upriver.materializer.sources.reading import SourceReader
from upriver.materializer.sources.tables import TableConnector


def connector_of(root: Path, source: Source, reader: SourceReader | None = None) -> Connector:
    """The connector of *source* in the project at *root*; *reader* is shared where many are looked at.

    Raises UpriverError for a source of a system.
    """
    shared = reader or SourceReader()
    reach = Reach(source.key, source.derived, source.place)
    match source.location:
        case FileLocation() as location:
            return FileConnector(root, source.key, location, shared, reach)
        case TableLocation() as location:
            return TableConnector(root, source.key, location, shared, reach)
        case SystemLocation():
            raise UpriverError(f"source {source.key} is of a system, which is asked by a build alone")
        case other:
            assert_never(other)


def source_schema(root: Path, source: Source) -> Schema:
    """The source's columns, found without copying its rows. Raises SourceMissing, SourceMisfit, UpriverError."""
    connector = connector_of(root, source)
    return connector.schema(SourcesLock(root).shape(source.key) if connector.shaped else None)


def stamps(root: Path, source: Source) -> tuple[FileStamp, ...]:
    """What can be seen of the source without reading it; empty when nothing is there, or nothing that may be read."""
    try:
        return connector_of(root, source).observe()
    except UpriverError:  # told by whatever reads it
        return ()


def stamped_paths(root: Path, sources: Iterable[Source]) -> Iterator[FileStamp]:
    """All stamps of all sources; for noticing change cheaply."""
    for source in sources:
        yield from stamps(root, source)


def read_in_place(root: Path, sources: Iterable[Source]) -> Places:
    """Where the sources lie that are read in place."""
    local = (source for source in sources if not isinstance(source.location, SystemLocation))
    connectors = [connector_of(root, source) for source in local]
    inside = [connector for connector in connectors if connector.in_place]
    return Places(
        tuple(sorted({folder for connector in inside for folder in connector.folders()})),
        tuple(sorted({file for connector in inside for file in connector.linked()})),
    )
