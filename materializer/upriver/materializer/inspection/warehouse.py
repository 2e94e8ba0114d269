"""``.upriver/warehouse.duckdb``: a view for every table asset and source, for any DuckDB client."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from upriver.assets.errors import StoreError
from upriver.assets.model import Column, Key, Value
from upriver.assets.support import checksum
from upriver.lineage.sql.names import literal, quote, relation_name, relation_parts
from upriver.materializer.context import Context
from upriver.materializer.engines.types import from_stored
from upriver.materializer.inspection.versions import recorded_versions
from upriver.materializer.model import Located
from upriver.materializer.ports import Clock
from upriver.materializer.storage.locks import FileLock, poll

if TYPE_CHECKING:
    import duckdb

    from upriver.materializer.ports import Engine

WAREHOUSE = "warehouse.duckdb"
_NOTES = "warehouse.json"
_PATIENCE = 60.0
"""Seconds to wait for another build that publishes."""
_FORM = from_stored(("file",), (Column("a", "BIGINT"), Column("b", "HUGEINT")))
"""What views look like: when a later Upriver writes them otherwise, all are written anew."""


def refresh_warehouse(context: Context) -> None:
    """Write ``.upriver/warehouse.duckdb`` anew: a view for every table, for any DuckDB client.

    It replaces the old file in one step, so that a client sees the old views or the new ones. A client that
    has it open keeps the old. When nothing that it shows has changed it is left alone.
    """
    target = context.folder / WAREHOUSE
    if _noted_of(context, target).moment == _moment(context):
        return  # most builds find nothing to do, and this does not take longer for more assets
    with _alone(context.folder / "warehouse.lock", context.clock):
        _refresh(context, target)


@contextmanager
def _alone(path: Path, clock: Clock) -> Iterator[None]:
    """Publish after others, never beside them: the last one shows the newest. Raises StoreError."""
    lock = FileLock(path)
    try:
        for _ in poll(_PATIENCE, clock):
            if lock.try_exclusive():
                break
        else:
            raise StoreError(
                f"the build is done and recorded, but another one has written {WAREHOUSE} for {_PATIENCE:.0f} s"
                f" and does not end ({path})\n  hint: the next build writes it again"
            )
        yield
    finally:
        lock.close()


def _noted_of(context: Context, target: Path) -> _Notes:
    """What *target* was written with; nothing when it is gone, or not the one that was written here."""
    noted = _noted(context.folder / "cache" / _NOTES)
    return noted if noted.stamp == _stamp(target) else _NOTHING


def _refresh(context: Context, target: Path) -> None:
    notes = context.folder / "cache" / _NOTES
    noted, moment = _noted_of(context, target), _moment(context)
    if noted.moment == moment:
        return  # another build has just written it
    recorded = recorded_versions(context)
    there = context.locator.those_there(recorded)
    versions = {key: context.locator.located(version) for key, version in there.items()}
    if len(versions) < len(recorded):
        moment = ""  # a file that is gone may come back at any time
    before, now = noted.views, {key: _definition(version) for key, version in versions.items()}
    if before == now and noted is not _NOTHING:
        with suppress(OSError):
            _note(notes, msgspec.structs.replace(noted, moment=moment))
        return
    changed = [key for key, definition in now.items() if before.get(key) != definition]
    temporary = context.parts.scratch() / WAREHOUSE
    unreadable: list[Key] = []
    try:
        if 2 * len(changed) > len(now) or not _amended(
            context.engine(), target, temporary, versions, changed, before
        ):
            temporary.unlink(missing_ok=True)
            unreadable = _written(context.engine(), temporary, versions)
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        notes.parent.mkdir(parents=True, exist_ok=True)
        notes.unlink(
            missing_ok=True
        )  # a crash between the two steps must not leave notes that describe another file
        now = {key: definition for key, definition in now.items() if key not in unreadable}
        # Taken before it has its name: another build that ends at this moment may put its own in the place of it.
        digest, stamp = hashlib.sha256(temporary.read_bytes()).hexdigest(), _stamp(temporary)
        temporary.replace(target)
        _note(notes, _Notes("" if unreadable else moment, now, stamp, digest))
    except (OSError, _UnwrittenError) as error:
        cause = error.strerror if isinstance(error, OSError) else error
        where = error.filename if isinstance(error, OSError) and error.filename else target
        raise StoreError(
            f"the build is done and recorded, but {where} could not be written: {cause}\n"
            "  hint: the next build writes it again"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    # A source that can't be read is told by those that read it.
    broken = [key for key in unreadable if key in context.project(refresh=False).assets]
    if broken:
        raise StoreError(
            f"the build is done and recorded, but the artifacts of {', '.join(sorted(broken))} can't be read\n"
            f"  {WAREHOUSE} has no views of them; the other views are in place.\n"
            "  hint: `upriver fsck --repair` sets damaged artifacts aside, and the next build makes them again"
        )


class _Notes(Value, frozen=True):
    """What the warehouse was last written with: when, and a digest of each view; and how to know it again."""

    moment: str
    views: dict[Key, str]
    stamp: str = ""
    digest: str = ""


_NOTHING = _Notes("", {})
_ATTACHED = "upriver_warehouse"


def _stamp(target: Path) -> str:
    """Differs for a file that another program has written; says nothing of a bad disk, see ``fsck``."""
    try:
        stat = target.stat()
    except OSError:
        return "missing"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _note(notes: Path, noted: _Notes) -> None:
    notes.write_bytes(checksum.write(msgspec.json.encode(noted)))


def damaged_warehouse(folder: Path) -> Path | None:
    """The warehouse in *folder* (``.upriver``) when its bytes are not those that were written."""
    target = folder / WAREHOUSE
    noted = _noted(folder / "cache" / _NOTES)
    if noted is _NOTHING or noted.stamp != _stamp(target):
        return None  # the next build writes it anew
    return None if hashlib.sha256(target.read_bytes()).hexdigest() == noted.digest else target


def _moment(context: Context) -> str:
    """Equal as long as no view can have changed: the last commit, what is declared, what sources hold."""
    project = context.project(refresh=False)
    readable = project.readable_sources
    seen = {key: record.version for key, record in context.state.sources().items() if key in readable}
    there = context.locator.those_there(seen)
    sources = [
        (key, version.artifacts, version.in_place, version.schema, key in there)
        for key, version in seen.items()
    ]
    place = (str(context.root), context.environment, context.state.journal_sequence())
    text = msgspec.json.encode((_FORM, place, [*project.assets, *project.broken], sources))
    return hashlib.blake2b(text, digest_size=12).hexdigest()


def _definition(version: Located) -> str:
    """A digest of what decides how the view of *version* reads."""
    text = msgspec.json.encode((_FORM, version.files, version.schema))
    return hashlib.blake2b(text, digest_size=12).hexdigest()


def _noted(notes: Path) -> _Notes:
    """What the warehouse was last written with; nothing when that is not known."""
    with suppress(OSError, checksum.ChecksumError, msgspec.DecodeError):
        return msgspec.json.decode(checksum.read(notes.read_bytes()), type=_Notes)
    return _NOTHING


def _amended(
    engine: Engine,
    old: Path,
    new: Path,
    versions: Mapping[Key, Located],
    changed: Iterable[Key],
    before: Iterable[Key],
) -> bool:
    """Make *new* a copy of *old* with the views *changed*; False when that can't be done with it."""
    import duckdb

    lost = [f"drop view if exists {relation_name(key)}" for key in before if key not in versions]
    kept = {relation_parts(key)[0] for key in versions}
    lost += [
        f"drop schema if exists {quote(schema)}"
        for schema in sorted({relation_parts(key)[0] for key in before} - kept - {"main"})
    ]
    try:
        shutil.copyfile(old, new)
        _run(engine, new, [*lost, *_created(sorted(changed), versions)])
        return _views(engine, new) == {relation_parts(key) for key in versions}
    except (duckdb.Error, OSError):  # another program has changed it, or it is damaged
        return False


def _created(keys: Iterable[Key], versions: Mapping[Key, Located]) -> list[str]:
    keys = tuple(keys)
    schemas = sorted({relation_parts(key)[0] for key in keys} - {"main"})
    return [f"create schema if not exists {quote(schema)}" for schema in schemas] + [
        f"create or replace view {relation_name(key)} as"
        f" {from_stored(versions[key].files, versions[key].schema)}"
        for key in keys
    ]


class _UnwrittenError(Exception):
    """DuckDB could not write the database of views."""


def _written(engine: Engine, path: Path, versions: Mapping[Key, Located]) -> list[Key]:
    """Write the warehouse anew; returns the keys whose files can't be read, which get no view."""
    import duckdb

    unreadable: list[Key] = []
    try:
        try:
            _run(engine, path, _created(sorted(versions), versions))
        except duckdb.Error:
            unreadable = [key for key in sorted(versions) if not _readable(versions[key])]
            if not unreadable:
                raise
            path.unlink(missing_ok=True)
            _run(engine, path, _created(sorted(versions.keys() - set(unreadable)), versions))
        there = _views(engine, path)
    except duckdb.Error as error:
        raise _UnwrittenError(str(error).split("\n", 1)[0]) from error
    if there != {relation_parts(key) for key in versions if key not in unreadable}:
        raise _UnwrittenError("what DuckDB wrote does not have all views")
    return unreadable


def _readable(version: Located) -> bool:
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute(f"describe {from_stored(version.files, version.schema)}")
        except duckdb.Error:
            return False
    return True


def _views(engine: Engine, path: Path) -> set[tuple[str, str]]:
    """The views that a client finds in the database at *path*, as schema and name: read from the disk again."""
    with _attached(engine, path, "read_only") as cursor:
        listed = f"select schema_name, view_name from duckdb_views() where database_name = '{_ATTACHED}'"
        found = cursor.execute(f"{listed} and not internal").fetchall()
        return {(str(schema), str(view)) for schema, view in found}


def _run(engine: Engine, path: Path, statements: Iterable[str]) -> None:
    with _attached(engine, path, "read_write") as cursor:
        # Closing writes too, but says nothing of a disk that was full.
        ends = "commit", f"checkpoint {_ATTACHED}"
        cursor.execute(";\n".join((f"use {_ATTACHED}", "begin", *statements, *ends)))


@contextmanager
def _attached(engine: Engine, path: Path, access: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor of the engine that is open anyway, with the database at *path* beside it; another DuckDB takes longer
    to open than all views to write.
    """
    import duckdb

    with engine.new_cursor() as cursor:
        cursor.execute(f"attach {literal(str(path))} as {_ATTACHED} ({access})")
        try:
            yield cursor
        finally:
            with suppress(duckdb.Error):  # there is none, but after an error
                cursor.execute("rollback")
            with suppress(duckdb.Error):  # what could not be written can't be closed either
                cursor.execute(f"use memory; detach {_ATTACHED}")
