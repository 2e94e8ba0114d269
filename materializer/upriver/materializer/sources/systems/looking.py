"""Looks at sources of systems: who is asked when, of which moment, and what is remembered of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Enum
from pathlib import Path

import msgspec

from upriver.assets.errors import UpriverError, UsageError
from upriver.assets.model import FileLocation, Key, Source, SystemLocation
from upriver.assets.project.connections import Connection
from upriver.lineage.sql.names import quote
from upriver.materializer.model import Version
from upriver.materializer.ports import SourceMissing, SourceRecord, StateStore, Store
from upriver.materializer.ports.connector import Scanned, Shape
from upriver.materializer.ports.system import Moment, Rows, Sighting, Wanted
from upriver.materializer.sources.files import FileConnector
from upriver.materializer.sources.lock import LOCK, SourcesLock
from upriver.materializer.sources.options import shaped
from upriver.materializer.sources.reach import Reach
from upriver.materializer.sources.reading import SourceReader, copy_relation, told_of
from upriver.materializer.sources.shape import digest
from upriver.materializer.sources.systems.opening import faults_of, opened
from upriver.materializer.storage.locator import Locator

LOOK_EVERY = 300.0
"""Seconds between two looks of a loop at what says nothing itself."""


class Asking(Enum):
    """When systems are asked."""

    NEVER = "never"
    """What was seen last counts, however long ago. A status costs a system nothing."""
    FIRST = "first"
    """Only of what was never seen."""
    DUE = "due"
    """Of whatever was not seen for as long as its declaration allows; without one, each time."""
    WATCHING = "watching"
    """As :attr:`DUE`; without a declaration every :data:`LOOK_EVERY` seconds."""


def wanted_of(location: SystemLocation) -> Wanted:
    """What *location* means to its system."""
    return Wanted(location.table, location.query, location.patterns, location.format, location.version)


def described(location: SystemLocation, connections: Mapping[str, Connection]) -> str:
    """Where a source is, in one line without secrets; another line means another declaration."""
    connection = connections.get(location.connection)
    where = location.connection
    if connection is not None and connection.url:
        where += f" ({connection.url})"
    read = f" as {location.scan}" if location.scan else ""
    query = f": {location.query}" if location.query else ""
    return f"{wanted_of(location)}{read} of {where}{query}"


class SystemLooks:
    """The looks of one operation. *known* gives what was last seen, *clock* seconds since the epoch."""

    def __init__(
        self,
        root: Path,
        sources: Mapping[Key, Source],
        connections: Mapping[str, Connection],
        state: StateStore,
        store: Store,
        *,
        known: Callable[[Key], SourceRecord | None],
        clock: Callable[[], float],
        asking: Asking,
        verify: bool,
    ) -> None:
        self._root = root
        self._connections = connections
        self._state = state
        self._store = store
        self._locator = Locator(root, store)
        self._known = known
        self._clock = clock
        self._asking = asking
        self._verify = verify
        self._locations = {
            key: one.location for key, one in sources.items() if isinstance(one.location, SystemLocation)
        }
        self._places = {key: sources[key].place for key in self._locations}
        self._lock = SourcesLock(root)
        self._expected: frozenset[Key] = frozenset()
        self._failed: dict[Key, UpriverError] = {}
        self._seen: dict[Key, SourceRecord] = {}

    def covers(self, key: Key) -> bool:
        """Whether *key* is a source of a system."""
        return key in self._locations

    def expect(self, keys: Collection[Key]) -> None:
        """These will be asked for: those of one system are then seen as of one moment."""
        self._expected = frozenset(key for key in keys if key in self._locations)

    def forget(self, key: Key) -> None:
        """Ask again at the next question."""
        self._failed.pop(key, None)
        self._seen.pop(key, None)

    def look(self, key: Key) -> SourceRecord:
        """What *key* holds. Raises SourceMissing, SystemFault, UpriverError."""
        if key not in self._seen and key not in self._failed:
            location = self._locations[key]
            record = self._usable(key)
            if not self._due(location, record):
                if record is None:
                    raise SourceMissing(
                        f"source {key} ({self.describe(key)}) was never looked at: `upriver build` asks its system"
                    )
                return record
            others = (
                one
                for one in sorted(self._expected - {key})
                if self._locations[one].connection == location.connection
                and one not in self._seen
                and one not in self._failed
                and self._due(self._locations[one], self._usable(one))
            )
            self._ask(location.connection, (key, *others))
        if key in self._failed:
            raise self._failed[key]
        return self._seen[key]

    def describe(self, key: Key) -> str:
        """Where *key* is."""
        return described(self._locations[key], self._connections)

    def _usable(self, key: Key) -> SourceRecord | None:
        """What was last seen, when that was of the same declaration and is still kept."""
        record = self._known(key)
        if record is None or record.location != self.describe(key) or not self._locator.there(record.version):
            return None
        shape = self._shape(key)
        if _shaped(self._locations[key]) and (shape is None or record.shape != digest(shape)):
            return None
        return record

    def _shape(self, key: Key) -> Shape | None:
        return self._lock.shape(key) if _shaped(self._locations[key]) else None

    def accept(self, key: Key) -> tuple[Shape | None, Shape, SourceRecord]:
        """Take the text source *key* as it is now: the shape that was kept of it, the one that is, and what was seen.

        Raises as :meth:`look`, UsageError for a source that is not text, OSError where the shape can't be written.
        """
        location = self._locations[key]
        if not _shaped(location):
            raise UsageError(
                f"{key} is no text ({self.describe(key)}): it has its types itself, and no shape is kept"
            )
        then = self._shape(key)
        connection = self._connections[location.connection]
        with opened(connection, self._root) as system, system.moment() as moment:
            at = self._clock()
            sighted = moment.sight(wanted_of(location), None)
            if sighted is None:
                raise SourceMissing(f"source {key}: there is no {self.describe(key)}")
            version, scanned = self._read(key, moment, wanted_of(location), sighted, None)
        assert scanned.shape is not None, "text has a shape"
        self._lock.keep({key: scanned.shape})
        record = self._record(key, version, at, sighted, scanned)
        self._state.remember_sources([record])
        self._seen[key] = record
        self._failed.pop(key, None)
        return then, scanned.shape, record

    def _due(self, location: SystemLocation, record: SourceRecord | None) -> bool:
        if self._asking is Asking.NEVER:
            return self._verify
        if record is None or self._verify:
            return True
        if self._asking is Asking.FIRST:
            return False
        connection = self._connections.get(location.connection)
        every = location.observe_every
        if every is None and connection is not None:
            every = connection.observe_every
        if every is None:
            every = LOOK_EVERY if self._asking is Asking.WATCHING else 0.0
        age = self._clock() - record.observed
        return not 0 <= age < every  # a clock that was set back proves nothing

    def _ask(self, name: str, keys: tuple[Key, ...]) -> None:
        """See all of *keys* as of one moment. What fails of one of them is told when it is asked for."""
        try:
            connection = self._connections[name]
            with opened(connection, self._root) as system, system.moment() as moment:
                at = self._clock()
                for key in keys:
                    try:
                        with faults_of(name):
                            self._seen[key] = self._see(key, moment, at)
                    except UpriverError as error:
                        self._failed[key] = error
        except UpriverError as error:
            for key in keys:
                if key not in self._seen:
                    self._failed.setdefault(key, error)
        except KeyError:
            for key in keys:
                self._failed[key] = UpriverError(f"source {key}: there is no connection {name!r}")
        self._state.remember_sources([self._seen[key] for key in keys if key in self._seen])

    def _see(self, key: Key, moment: Moment, at: float) -> SourceRecord:
        location, record = self._locations[key], self._usable(key)
        before = None
        if record is not None and not self._verify:
            before = Sighting(record.digest, record.trust, record.detail, record.version.bytes, record.hint)
        wanted = wanted_of(location)
        sighted = moment.sight(wanted, before)
        if sighted is None:
            raise SourceMissing(f"source {key}: there is no {self.describe(key)}")
        if record is not None and record.digest == sighted.version:
            return msgspec.structs.replace(
                record, observed=at, trust=sighted.trust, detail=sighted.detail, hint=sighted.hint
            )
        shape = self._shape(key)
        version, scanned = self._read(key, moment, wanted, sighted, shape)
        if scanned.shape is not None and scanned.shape != shape:
            scanned = self._keep(key, scanned, scanned.shape)
        return self._record(key, version, at, sighted, scanned)

    def _keep(self, key: Key, scanned: Scanned, shape: Shape) -> Scanned:
        """Keep *shape*. Where that can't be written, what was read is right all the same."""
        try:
            self._lock.keep({key: shape})
        except OSError as error:
            note = f"the shape of {key} could not be written to {LOCK}: {error.strerror or error}"
            return scanned._replace(notes=(*scanned.notes, note))
        return scanned

    def _record(
        self, key: Key, version: Version, at: float, sighted: Sighting, scanned: Scanned
    ) -> SourceRecord:
        return SourceRecord(
            key,
            self.describe(key),
            (),
            version,
            at,
            sighted.version,
            "" if scanned.shape is None else digest(scanned.shape),
            notes=scanned.notes,
            trust=sighted.trust,
            detail=sighted.detail,
            hint=sighted.hint,
        )

    def _read(
        self, key: Key, moment: Moment, wanted: Wanted, sighted: Sighting, shape: Shape | None
    ) -> tuple[Version, Scanned]:
        target = self._store.reserve(".parquet")
        with (
            tempfile.TemporaryDirectory(prefix="upriver-fetched-") as scratch,
            moment.read(wanted, Path(scratch)) as found,
            told_of(key, self.describe(key)),
        ):
            if isinstance(found, Rows):
                scanned = copy_rows(found, target)
            else:
                location = self._locations[key]
                files = FileLocation(found.patterns, location.format, location.scan)
                reach = Reach(key, False, self._places[key])
                connector = FileConnector(found.folder, key, files, SourceReader(), reach)
                scanned = connector.scan(connector.observe(), target, shape)
        staged = self._store.stage(target, ".parquet")
        self._store.publish([staged])
        size = sighted.bytes or staged.bytes
        return Version(staged.id, scanned.schema, scanned.rows, size, (staged.ref,)), scanned


def _shaped(location: SystemLocation) -> bool:
    """Whether a reader finds out the types of the files there."""
    return bool(location.patterns) and shaped(FileLocation(location.patterns, location.format, location.scan))


def copy_rows(rows: Rows, target: Path) -> Scanned:
    """Write *rows* into a Parquet file at *target*, batch by batch."""
    with SourceReader().cursor() as cursor:
        cursor.register("system_rows", rows.reader)
        names = list(_columns(rows))
        listed = ", ".join(names)
        relation = f"(select {listed} from system_rows)" if rows.casts else "system_rows"
        schema, count = copy_relation(cursor, relation, target)
        return Scanned(schema, count, notes=rows.notes)


def _columns(rows: Rows) -> Iterator[str]:
    for name in rows.reader.schema.names:
        column = quote(name)
        # A value that the type can't hold is an error of the cast, never another value.
        yield f"cast({column} as {rows.casts[name]}) as {column}" if name in rows.casts else column
