"""Sources observed: noticed by their stamps, named by their bytes, and read as one consistent content.

Parquet files are read in place. Everything else (CSV, NDJSON, Arrow, database tables) is read once into a
Parquet snapshot in the store, so that all readers see the same rows and types, and old contents can still be
compared. Text is read as the shape says that is kept of it in ``sources.lock``; one that does not fit is a misfit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from upriver.assets.errors import UsageError
from upriver.assets.model import Key, Source
from upriver.assets.project.connections import Connection
from upriver.materializer.context import Context
from upriver.materializer.model import FileStamp, Version
from upriver.materializer.ports import (
    Connector,
    Shape,
    SourceChanging,
    SourceMisfit,
    SourceMissing,
    SourceRecord,
    StateStore,
    Store,
)
from upriver.materializer.sources.lock import LOCK, SourcesLock
from upriver.materializer.sources.reading import SourceReader
from upriver.materializer.sources.registry import connector_of
from upriver.materializer.sources.shape import digest
from upriver.materializer.sources.stamps import digest_of_stamps, settled
from upriver.materializer.sources.systems.looking import Asking, SystemLooks
from upriver.materializer.storage.locator import Locator

_TYPED = "typed"
"""The name of the shape of what has types itself, since all of them are recorded."""
ATTEMPTS = 3
"""How often a source that changes while it is read is read again before that is an error."""


def sources_of(context: Context, *, verify: bool = False, asking: Asking = Asking.NEVER) -> Sources:
    """The sources of the project as last derived, not looked at yet. *asking* says when systems are asked."""
    project = context.project(refresh=False)
    return Sources(
        context.root,
        project.sources,
        context.state,
        context.store,
        clock=context.clock.now,
        verify=verify,
        connections=project.config.connections,
        asking=asking,
    )


class Sources:
    """The current versions of a project's sources, looked at when first asked for.

    *clock* gives seconds since the epoch. With *verify*, every byte is hashed whatever the stamps say.
    """

    def __init__(
        self,
        root: Path,
        sources: Mapping[Key, Source],
        state: StateStore,
        store: Store,
        *,
        clock: Callable[[], float],
        verify: bool = False,
        connections: Mapping[str, Connection] | None = None,
        asking: Asking = Asking.NEVER,
    ) -> None:
        self._root = root
        self._sources = sources
        self._state = state
        self._store = store
        self._locator = Locator(root, store)
        self._clock = clock
        self._verify = verify
        self._records: dict[Key, SourceRecord] | None = None
        self._looked: dict[Key, SourceRecord] = {}
        self._reader = SourceReader()
        self._lock = SourcesLock(root)
        self._misfits: dict[Key, tuple[tuple[FileStamp, ...], str, SourceMisfit]] = {}
        self._systems = SystemLooks(
            root,
            sources,
            connections or {},
            state,
            store,
            known=self.known,
            clock=clock,
            asking=asking,
            verify=verify,
        )

    def expect(self, keys: Collection[Key]) -> None:
        """These will be asked for: those of one system are then seen as of one moment."""
        self._systems.expect(keys)

    def version(self, key: Key) -> Version:
        """What the source holds now. Raises SourceMissing, SourceMisfit, SourceChanging, StoreError, UpriverError."""
        if key not in self._looked:
            self._looked[key] = self._look(self._sources[key])
        return self._looked[key].version

    def renew(self, key: Key) -> None:
        """Look again now. Raises as :meth:`version`."""
        self._systems.forget(key)
        self._looked[key] = self._look(self._sources[key])

    def forget(self, key: Key) -> None:
        """Look again at the next question."""
        self._looked.pop(key, None)
        self._systems.forget(key)

    def take_notes(self) -> tuple[tuple[Key, str], ...]:
        """What was noticed of the sources that were looked at and that a person should know; told once."""
        untold = {key: record for key, record in self._looked.items() if record.notes}
        told = {key: msgspec.structs.replace(record, notes=()) for key, record in untold.items()}
        self._looked.update(told)
        if told:
            self._state.remember_sources(told.values())
        return tuple((key, note) for key, record in untold.items() for note in record.notes)

    def accept(self, key: Key) -> tuple[Shape | None, Shape]:
        """Take the text source *key* as it is now: the shape that was kept of it, and the one that is.

        Raises as :meth:`version`, UsageError for a source that is not text, OSError where the shape can't be written.
        """
        source = self._sources[key]
        if self._systems.covers(key):
            before, after, self._looked[key] = self._systems.accept(key)
            return before, after
        connector = self._connector(source)
        if not connector.shaped:
            raise UsageError(
                f"{key} is no text ({connector.describe()}): it has its types itself, and no shape is kept"
            )
        then = self._lock.shape(key)
        self._misfits.pop(key, None)
        if not connector.observe():
            raise SourceMissing(connector.missing())
        seen, now = self._read(key, connector, None, None)
        assert now is not None, "text has a shape"
        self._lock.keep({key: now})
        self._state.remember_sources([seen])
        self._looked[key] = seen
        return then, now

    def unchanged_since_look(self, key: Key, version: Version) -> bool:
        """Whether the files of *version* are what they were when :meth:`version` gave it.

        A snapshot is, whatever becomes of the files behind it; files that are read in place are as long as
        their stamps are.
        """
        if self._systems.covers(key):
            return True
        connector = self._connector(self._sources[key])
        if connector.has_columns and not connector.in_place:
            return True
        looked = self._looked.get(key)
        # Another look may have been taken since, at other content.
        if looked is None or looked.version.id != version.id:
            return False
        return connector.observe() == looked.stamps

    def looked(self, key: Key) -> SourceRecord | None:
        """What was seen in this process, without looking; None when nothing has asked for *key*."""
        return self._looked.get(key)

    def known(self, key: Key) -> SourceRecord | None:
        """What was last seen, in this or an earlier process, without looking."""
        if key in self._looked:
            return self._looked[key]
        if self._records is None:
            self._records = dict(self._state.sources())
        return self._records.get(key)

    def _connector(self, source: Source) -> Connector:
        return connector_of(self._root, source, self._reader)

    def _look(self, source: Source) -> SourceRecord:
        if self._systems.covers(source.key):
            return self._systems.look(source.key)
        connector = self._connector(source)
        now = connector.observe()
        if not now:
            raise SourceMissing(connector.missing())
        shape = self._lock.shape(source.key) if connector.shaped else None
        kept = _TYPED if shape is None else digest(shape)
        record = self.known(source.key)
        if record is not None and (
            record.location != connector.describe()
            or (connector.shaped and shape is None)
            or (connector.has_columns and record.shape != kept)
            or not self._locator.there(record.version)
        ):
            record = None
        if record and record.stamps == now and not self._verify and settled(now, record.observed):
            return record
        if (known := self._misfits.get(source.key)) and known[:2] == (now, kept):
            raise known[2]  # it was read whole to find that
        try:
            seen, found = self._read(source.key, connector, record, shape)
        except SourceMisfit as misfit:
            self._misfits[source.key] = (now, kept, misfit)
            raise
        if found is not None and found != shape:
            seen = self._keep(seen, found)
        self._state.remember_sources([seen])
        return seen

    def _keep(self, seen: SourceRecord, shape: Shape) -> SourceRecord:
        """Keep *shape* for what was *seen*. Where that can't be written, what was read is right all the same."""
        try:
            self._lock.keep({seen.key: shape})
        except OSError as error:
            note = f"the shape of {seen.key} could not be written to {LOCK}: {error.strerror or error}"
            return msgspec.structs.replace(seen, notes=(*seen.notes, note))
        return seen

    def _read(
        self, key: Key, connector: Connector, record: SourceRecord | None, shape: Shape | None
    ) -> tuple[SourceRecord, Shape | None]:
        location = connector.describe()
        for _ in range(ATTEMPTS):
            observed = self._clock()
            before = connector.observe()
            named = self._name_content(connector, before, record, observed)
            same = record is not None and record.digest == named
            if record is not None and same:
                read = _Read(record.version, shape, record.notes)
            else:
                read = self._scan(connector, before, named, shape)
            if before and connector.observe() == before:
                kept = _TYPED if read.shape is None else digest(read.shape)
                seen = SourceRecord(key, location, before, read.version, observed, named, kept, read.notes)
                return seen, read.shape
        raise SourceChanging(
            f"source {key} ({location}) changes while it is being read; "
            "nothing was recorded. Build again when its writer has finished."
        )

    def _name_content(
        self,
        connector: Connector,
        stamped: tuple[FileStamp, ...],
        record: SourceRecord | None,
        observed: float,
    ) -> str:
        """A digest that differs when the content does.

        Hashing the bytes of what is read in place would cost as much as comparing what is read of it, so
        there the stamps name the content, once they can be believed: a touched file is looked at again, and
        found to be the same.
        """
        known = record is not None and record.stamps == stamped
        if connector.in_place and not self._verify and not known and settled(stamped, observed):
            return digest_of_stamps(stamped)
        return connector.name_content(stamped)

    def _scan(
        self, connector: Connector, stamped: tuple[FileStamp, ...], named: str, shape: Shape | None
    ) -> _Read:
        size = sum(stamp.size for stamp in stamped)
        names = tuple(stamp.path for stamp in stamped)
        if not connector.has_columns:
            return _Read(Version(named, (), None, size, in_place=names))
        if connector.in_place:
            schema, rows = connector.measure(stamped)
            return _Read(Version(named, schema, rows, size, in_place=names))
        target = self._store.reserve(".parquet")
        found = connector.scan(stamped, target, shape)
        staged = self._store.stage(target, ".parquet")
        self._store.publish([staged])
        # Named by the snapshot, not by the files: the same bytes read with other options are another content.
        version = Version(staged.id, found.schema, found.rows, size, (staged.ref,))
        return _Read(version, found.shape, found.notes)


class _Read(NamedTuple):
    """What a source was read as."""

    version: Version
    shape: Shape | None = None
    notes: tuple[str, ...] = ()
