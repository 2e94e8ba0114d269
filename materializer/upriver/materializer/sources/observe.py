"""Sources observed: noticed by their stamps, named by their bytes, and read as one consistent content.

Parquet files are read in place. Everything else (CSV, NDJSON, Arrow, database tables) is read once into a
Parquet snapshot in the store, so that all readers see the same rows and types, and old contents can still be
compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from upriver.assets.model import Key, Source
from upriver.materializer.context import Context
from upriver.materializer.model import FileStamp, Version
from upriver.materializer.ports import (
    Connector,
    SourceChanging,
    SourceMissing,
    SourceRecord,
    StateStore,
    Store,
)
from upriver.materializer.sources.reading import SourceReader
from upriver.materializer.sources.registry import connector_of
from upriver.materializer.sources.stamps import digest_of_stamps, settled
from upriver.materializer.storage.locator import Locator

ATTEMPTS = 3
"""How often a source that changes while it is read is read again before that is an error."""


def sources_of(context: Context, *, verify: bool = False) -> Sources:
    """The sources of the project as last derived, not looked at yet."""
    declared = context.project(refresh=False).sources
    return Sources(
        context.root, declared, context.state, context.store, clock=context.clock.now, verify=verify
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

    def version(self, key: Key) -> Version:
        """What the source holds now. Raises SourceMissing, SourceChanging, StoreError, UpriverError."""
        if key not in self._looked:
            self._looked[key] = self._look(self._sources[key])
        return self._looked[key].version

    def renew(self, key: Key) -> None:
        """Look again now. Raises as :meth:`version`."""
        self._looked[key] = self._look(self._sources[key])

    def forget(self, key: Key) -> None:
        """Look again at the next question."""
        self._looked.pop(key, None)

    def unchanged_since_look(self, key: Key, version: Version) -> bool:
        """Whether who reads the files of *version* reads what they were when :meth:`version` gave it.

        A snapshot is, whatever becomes of the files behind it; files that are read in place are as long as
        their stamps are.
        """
        connector = self._connector(self._sources[key])
        if connector.has_columns and not connector.in_place:
            return True
        looked = self._looked.get(key)
        # Another look may have been taken since, at other content.
        if looked is None or looked.version.id != version.id:
            return False
        return connector.observe() == looked.stamps

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
        connector = self._connector(source)
        now = connector.observe()
        if not now:
            raise SourceMissing(connector.missing())
        record = self.known(source.key)
        if record is not None and (
            record.location != connector.describe() or not self._locator.there(record.version)
        ):
            record = None
        if record and record.stamps == now and not self._verify and settled(now, record.observed):
            return record
        seen = self._read(source.key, connector, record)
        self._state.remember_sources([seen])
        return seen

    def _read(self, key: Key, connector: Connector, record: SourceRecord | None) -> SourceRecord:
        location = connector.describe()
        for _ in range(ATTEMPTS):
            observed = self._clock()
            before = connector.observe()
            digest = self._name_content(connector, before, record, observed)
            same = record is not None and record.digest == digest
            version = record.version if record and same else self._version(connector, before, digest)
            if before and connector.observe() == before:
                return SourceRecord(key, location, before, version, observed, digest)
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

    def _version(self, connector: Connector, stamped: tuple[FileStamp, ...], digest: str) -> Version:
        size = sum(stamp.size for stamp in stamped)
        names = tuple(stamp.path for stamp in stamped)
        if not connector.has_columns:
            return Version(digest, (), None, size, in_place=names)
        if connector.in_place:
            schema, rows = connector.measure(stamped)
            return Version(digest, schema, rows, size, in_place=names)
        target = self._store.reserve(".parquet")
        schema, rows = connector.scan(stamped, target)
        staged = self._store.stage(target, ".parquet")
        self._store.publish([staged])
        # Named by the snapshot, not by the files: the same bytes read with other options are another content.
        return Version(staged.id, schema, rows, size, (staged.ref,))
