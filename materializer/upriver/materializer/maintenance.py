"""What surrounds builds: noticing change cheaply, and the database of views for other tools."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from os.path import exists
from pathlib import Path

import msgspec

from upriver.assets.discover import discover
from upriver.assets.errors import StoreError
from upriver.assets.model import Column, Key, Source, Value
from upriver.assets.seal import BrokenSealError, seal, unseal
from upriver.lineage.sql.names import quote, relation_name, relation_parts
from upriver.materializer.engines.types import from_stored
from upriver.materializer.model import Version
from upriver.materializer.sources import stamped_paths
from upriver.materializer.workspace import Workspace

WAREHOUSE = "warehouse.duckdb"
_NOTES = "warehouse.json"
_FORM = from_stored(("file",), (Column("a", "BIGINT"), Column("b", "HUGEINT")))
"""What views look like: when a later Upriver writes them otherwise, all are written anew."""


def revision(workspace: Workspace) -> str:
    """A digest of the stamps of all project files and sources, and of the state's revision."""
    return revision_of(workspace, workspace.project(refresh=False).sources.values())


def revision_of(workspace: Workspace, sources: Iterable[Source]) -> str:
    """The same for a project that reads *sources*, which is not derived for it."""
    files = discover(workspace.root)
    digest = hashlib.blake2b(digest_size=16)
    for file in (*files.sql, *files.python, *files.helpers, *((files.config,) if files.config else ())):
        digest.update(f"{file.path}\0{file.size} {file.mtime} {file.ctime} {file.inode}\n".encode())
    digest.update(contents_revision(workspace, sources).encode())
    return digest.hexdigest()


def contents_revision(workspace: Workspace, sources: Iterable[Source]) -> str:
    """A digest of the stamps of *sources* and of the state's revision: what there is, whatever is declared."""
    digest = hashlib.blake2b(digest_size=16)
    for stamp in stamped_paths(workspace.root, sources):
        digest.update(f"{stamp.path}\0{stamp.size} {stamp.mtime} {stamp.ctime} {stamp.inode}\n".encode())
    # Opening the state would make it: a project that is only looked at stays as it is.
    if (workspace.folder / "state.db").exists():
        digest.update(str(workspace.state.revision()).encode())
    return digest.hexdigest()


def current_versions(workspace: Workspace, keys: Collection[Key]) -> dict[Key, Version]:
    """What those table assets and sources among *keys* hold that are built or were looked at; files are absolute."""
    return _there(_recorded_versions(workspace, keys))


def _there(versions: Mapping[Key, Version]) -> dict[Key, Version]:
    return {key: version for key, version in versions.items() if all(map(exists, version.files))}


def _recorded_versions(workspace: Workspace, keys: Collection[Key] | None = None) -> dict[Key, Version]:
    project = workspace.project(refresh=False)
    found = {
        key: record.version
        for key, record in workspace.state.sources().items()
        if key in project.sources and (keys is None or key in keys)
    }
    found |= {
        key: record.version
        for key, record in workspace.state.current(workspace.environment, keys).items()
        if key in project.assets
    }
    return {key: version.located(workspace.root) for key, version in found.items() if version.schema}


def refresh_warehouse(workspace: Workspace) -> None:
    """Write ``.upriver/warehouse.duckdb`` anew: a view for every table, for any DuckDB client.

    It replaces the old file in one step, so that a client sees the old views or the new ones. A client that
    has it open keeps the old. When nothing that it shows has changed it is left alone.
    """
    target = workspace.folder / WAREHOUSE
    notes = workspace.folder / "cache" / _NOTES
    noted = _noted(notes)
    if noted.stamp != _stamp(target):
        noted = _NOTHING  # it is gone, or not the one that was written here
    moment = _moment(workspace)
    if noted.moment == moment:
        return  # most builds find nothing to do, and this does not take longer for more assets
    recorded = _recorded_versions(workspace)
    versions = _there(recorded)
    if len(versions) < len(recorded):
        moment = ""  # a file that is gone may come back at any time
    before, now = noted.views, {key: _definition(version) for key, version in versions.items()}
    if before == now and noted is not _NOTHING:
        with suppress(OSError):
            _note(notes, msgspec.structs.replace(noted, moment=moment))
        return
    changed = [key for key, definition in now.items() if before.get(key) != definition]
    temporary = workspace.scratch.own() / WAREHOUSE
    unreadable: list[Key] = []
    try:
        if 2 * len(changed) > len(now) or not _amended(target, temporary, versions, changed, before):
            temporary.unlink(missing_ok=True)
            unreadable = _written(temporary, versions)
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        notes.parent.mkdir(parents=True, exist_ok=True)
        notes.unlink(missing_ok=True)  # a death between the two must not leave notes of another file
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
    broken = [key for key in unreadable if key in workspace.project(refresh=False).assets]
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


def _stamp(target: Path) -> str:
    """Differs for a file that somebody else has written; says nothing of a bad disk, see ``fsck``."""
    try:
        stat = target.stat()
    except OSError:
        return "missing"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _note(notes: Path, noted: _Notes) -> None:
    notes.write_bytes(seal(msgspec.json.encode(noted)))


def damaged_warehouse(folder: Path) -> Path | None:
    """The warehouse in *folder* (``.upriver``) when its bytes are not those that were written."""
    target = folder / WAREHOUSE
    noted = _noted(folder / "cache" / _NOTES)
    if noted is _NOTHING or noted.stamp != _stamp(target):
        return None  # the next build writes it anew
    return None if hashlib.sha256(target.read_bytes()).hexdigest() == noted.digest else target


def _moment(workspace: Workspace) -> str:
    """Equal as long as no view can have changed: the last commit, what is declared, what sources hold."""
    project = workspace.project(refresh=False)
    sources = [
        (key, record.version.files, record.version.schema, all(map(exists, version.files)))
        for key, record in workspace.state.sources().items()
        if key in project.sources and (version := record.version.located(workspace.root))
    ]
    place = (str(workspace.root), workspace.environment, workspace.state.journal_sequence())
    text = msgspec.json.encode((_FORM, place, list(project.assets), sources))
    return hashlib.blake2b(text, digest_size=12).hexdigest()


def _definition(version: Version) -> str:
    """A digest of what decides how the view of *version* reads."""
    text = msgspec.json.encode((_FORM, version.files, version.schema))
    return hashlib.blake2b(text, digest_size=12).hexdigest()


def _noted(notes: Path) -> _Notes:
    """What the warehouse was last written with; nothing when that is not known."""
    with suppress(OSError, BrokenSealError, msgspec.DecodeError):
        return msgspec.json.decode(unseal(notes.read_bytes()), type=_Notes)
    return _NOTHING


def _amended(
    old: Path, new: Path, versions: Mapping[Key, Version], changed: Iterable[Key], before: Iterable[Key]
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
        _run(new, [*lost, *_created(sorted(changed), versions)])
        return _views(new) == {relation_parts(key) for key in versions}
    except (duckdb.Error, OSError):  # somebody has changed it, or it is damaged
        return False


def _created(keys: Iterable[Key], versions: Mapping[Key, Version]) -> list[str]:
    keys = tuple(keys)
    schemas = sorted({relation_parts(key)[0] for key in keys} - {"main"})
    return [f"create schema if not exists {quote(schema)}" for schema in schemas] + [
        f"create or replace view {relation_name(key)} as"
        f" {from_stored(versions[key].files, versions[key].schema)}"
        for key in keys
    ]


class _UnwrittenError(Exception):
    """DuckDB could not write the database of views."""


def _written(path: Path, versions: Mapping[Key, Version]) -> list[Key]:
    """Write the warehouse anew; returns the keys whose files can't be read, which get no view."""
    import duckdb

    unreadable: list[Key] = []
    try:
        try:
            _run(path, _created(sorted(versions), versions))
        except duckdb.Error:
            unreadable = [key for key in sorted(versions) if not _readable(versions[key])]
            if not unreadable:
                raise
            path.unlink(missing_ok=True)
            _run(path, _created(sorted(versions.keys() - set(unreadable)), versions))
        there = _views(path)
    except duckdb.Error as error:
        raise _UnwrittenError(str(error).split("\n", 1)[0]) from error
    if there != {relation_parts(key) for key in versions if key not in unreadable}:
        raise _UnwrittenError("what DuckDB wrote does not have all views")
    return unreadable


def _readable(version: Version) -> bool:
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute(f"describe {from_stored(version.files, version.schema)}")
        except duckdb.Error:
            return False
    return True


def _views(path: Path) -> set[tuple[str, str]]:
    """The views that a client finds in the database at *path*, as schema and name."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        listed = "select schema_name, view_name from duckdb_views() where not internal"
        return {(str(schema), str(view)) for schema, view in connection.execute(listed).fetchall()}


def _run(path: Path, statements: Iterable[str]) -> None:
    import duckdb

    with duckdb.connect(str(path)) as connection:
        # Closing writes too, but says nothing of a disk that was full.
        connection.execute(";\n".join(("begin", *statements, "commit", "checkpoint")))
