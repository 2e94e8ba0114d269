"""Deliveries: what a build has made or found fresh, written to the tables of other systems that assets name as sinks.

The receipt in the target decides: it is written in the transaction of the rows, and read before. A build that was
killed between two systems repeats nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from upriver.assets.errors import UpriverError, UsageError
from upriver.assets.identity import Node
from upriver.assets.model import Asset, Key, Kind, Sink
from upriver.lineage.project.project import Project
from upriver.materializer.answers import AssetResult
from upriver.materializer.context import Context
from upriver.materializer.engines.types import from_stored
from upriver.materializer.model import Outcome, Version
from upriver.materializer.ports.target import Delivery, Target
from upriver.materializer.sources.reading import SourceReader
from upriver.materializer.sources.systems.opening import opened

if TYPE_CHECKING:
    import pyarrow as pa


class Notes(list[tuple[Key, str]]):
    """What deliveries have to tell, by asset."""


def deliver(
    context: Context, project: Project, results: Sequence[AssetResult]
) -> tuple[tuple[AssetResult, ...], Notes]:
    """Write what is current of the assets with a sink; *results*, with those as failed whose delivery has failed."""
    notes = Notes()
    sinks = dict(_sinks(project.assets, results))
    if not sinks:
        return tuple(results), notes
    records = context.state.current(context.environment, [Node(key) for key in sinks])
    failed: dict[Key, str] = {}
    for key, sink in sinks.items():
        record = records.get(Node(key))
        if record is None:
            continue
        try:
            told = _deliver(context, project, key, sink, record.version)
        except UpriverError as error:
            failed[key] = (
                f"it was built, and could not be written to {sink.table} of {sink.connection}: {error}"
            )
            continue
        if told:
            notes.append((key, told))
    ended = (
        msgspec.structs.replace(one, action=Outcome.FAILED, error=failed[one.asset])
        if one.asset in failed
        else one
        for one in results
    )
    return tuple(ended), notes


def _sinks(assets: Mapping[Key, Asset], results: Iterable[AssetResult]) -> Iterator[tuple[Key, Sink]]:
    usable = {Outcome.BUILT, Outcome.REUSED, Outcome.FRESH}
    for result in results:
        asset = assets.get(result.asset)
        if (
            asset is not None
            and asset.sink is not None
            and result.partition is None
            and result.action in usable
        ):
            yield result.asset, asset.sink


def _deliver(context: Context, project: Project, key: Key, sink: Sink, version: Version) -> str:
    """What is to be told of the delivery, if anything. Raises UpriverError."""
    connection = project.config.connections.get(sink.connection)
    if connection is None:
        raise UsageError(f"there is no connection {sink.connection!r} in upriver.toml")
    if project.assets[key].kind is Kind.FILE:
        raise UsageError("a file is no table")
    how = f"{sink.table}|{sink.mode}|{','.join(sink.key)}"
    delivery = Delivery(
        f"{project.config.name}/{context.environment}/{key}", f"{version.id}|{how}", sink, version.schema
    )
    files = context.locator.files(version)
    with opened(connection, context.root) as system:
        if not isinstance(system, Target):
            raise UsageError(f"{connection.scheme} can't be written to")
        done = system.deliver(delivery, lambda query: _rows(files, version, query))
    written = f"wrote {done.rows:,} rows to {sink.table} of {sink.connection}" if done.written else ""
    return done.note or written


@contextmanager
def _rows(files: tuple[str, ...], version: Version, query: str) -> Iterator[pa.RecordBatchReader]:
    with SourceReader().cursor() as cursor:
        cursor.execute(f"create temp view delivery as {from_stored(files, version.schema)}")
        yield cursor.sql(query).to_arrow_reader(100_000)
