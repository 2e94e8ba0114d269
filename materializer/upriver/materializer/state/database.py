"""The SQLite file beneath the state: opening it safely, transactions, and errors in words.

apsw brings its own SQLite, because those of many Pythons have the WAL-reset bug (https://sqlite.org/wal.html,
fixed in 3.51.3). Should an older library be linked after all, the journal mode is ``truncate`` instead of
WAL.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import apsw
import msgspec

from upriver.assets.errors import BusyError, StoreError
from upriver.materializer.ports import Damaged, Outdated
from upriver.materializer.state import schema
from upriver.materializer.state.backup import back_up
from upriver.materializer.state.migrations import MIGRATIONS, Migration
from upriver.materializer.storage.durable_files import UNHARMED, disk_error
from upriver.materializer.storage.locks import FileLock
from upriver.materializer.storage.room import is_full

WAL_SAFE_SINCE = (3, 51, 3)
BUSY_SECONDS = 10.0
REBUILD_HINT = "hint: `upriver fsck --repair` sets it aside and rebuilds the state from the store's journal"

_FULL = (
    "can't write {path}: the disk is full\n  " + UNHARMED + "\n"
    "  hint: free some space (`upriver gc` drops old artifacts), then build again"
)


class Unmade(Damaged):
    """The file holds no table: it was emptied, or its maker died before anything was in it."""


class FullDisk(StoreError):
    """There is no room for what was to be written. What is there can be read."""


class Database:
    """One open state database. All use is serialised by a lock, so that threads may share it."""

    def __init__(
        self,
        path: Path,
        readonly: bool = False,
        busy_seconds: float = BUSY_SECONDS,
        version: int = schema.VERSION,
        migrations: Mapping[int, Migration] = MIGRATIONS,
    ) -> None:
        self.path = path
        self.readonly = readonly
        self._version = version
        self._guard = threading.RLock()
        self._busy_seconds = busy_seconds
        self._busy_since = 0.0
        self._wal = False
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._full = False
        """Whether it is only read because the disk has no room for the index of the write-ahead log."""
        with self._translated():
            try:
                self._begin(migrations)
            except (apsw.IOError, apsw.FullError, apsw.CantOpenError):
                if self.readonly or self.memory or not is_full(path.parent) or not _holds_something(path):
                    raise
                self.readonly = self._full = True
                self._begin(migrations)

    def _begin(self, migrations: Mapping[int, Migration]) -> None:
        self._connection = self._open()
        try:
            self._prepare(migrations)
        except BaseException:
            self.close()
            raise

    @property
    def memory(self) -> bool:
        """Whether nothing of it is on disk."""
        return str(self.path) == ":memory:"

    # -- opening ---------------------------------------------------------------------------------------

    def _open(self) -> apsw.Connection:
        if self.memory:
            return self._configured(apsw.Connection(":memory:"))
        if not self.readonly:
            flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOFOLLOW
            return self._configured(
                apsw.Connection(str(self.path.parent.resolve() / self.path.name), flags=flags)
            )
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        try:
            connection = self._configured(apsw.Connection(self._uri(self.path), flags=flags))
            connection.execute("select count(*) from sqlite_schema").fetchall()
        except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.IOError, apsw.FullError) as error:
            if isinstance(error, apsw.IOError) and not is_full(self.path.parent):
                raise
            # A read-only or a full file system, where not even the WAL's index can be made.
            return self._configured(
                apsw.Connection(self._uri(self._unchanging_copy(), "immutable=1"), flags=flags)
            )
        return connection

    def _uri(self, path: Path, options: str = "mode=ro") -> str:
        return f"{path.absolute().as_uri()}?{options}"

    def _unchanging_copy(self) -> Path:
        log = self.path.with_name(self.path.name + "-wal")
        if not log.exists() or log.stat().st_size == 0:
            return self.path
        # "immutable" ignores the WAL, which may hold the newest commits: merge both in a private copy.
        self._copy = tempfile.TemporaryDirectory(prefix="upriver-state-")
        copy = Path(self._copy.name) / self.path.name
        shutil.copyfile(self.path, copy)
        shutil.copyfile(log, copy.with_name(log.name))
        merged = apsw.Connection(str(copy))
        merged.execute("pragma wal_checkpoint(truncate)").fetchall()
        merged.close()
        return copy

    def _configured(self, connection: apsw.Connection) -> apsw.Connection:
        connection.set_busy_handler(self._busy)
        return connection

    def _busy(self, attempt: int) -> bool:
        if attempt == 0:
            self._busy_since = time.monotonic()
        if time.monotonic() - self._busy_since > self._busy_seconds:
            return False
        time.sleep(random.uniform(0.001, 0.02))  # jitter: two waiting processes must not keep step
        return True

    def _prepare(self, migrations: Mapping[int, Migration]) -> None:
        version, kind, tables = self._identity()
        if kind != schema.APPLICATION_ID and (tables or kind or version):
            raise Damaged(
                f"{self.path} is a SQLite database, but not of Upriver (application id {kind:#x})\n"
                "  It was not touched.\n  hint: move it away; then `upriver fsck --repair` rebuilds the state"
            )
        if version > self._version:
            raise StoreError(
                f"{self.path} was written by a newer Upriver (state version {version}; "
                f"this one knows {self._version})\n"
                "  It was not touched.\n  hint: upgrade Upriver here, or use the newer one"
            )
        if self.readonly:
            if not tables:
                raise Unmade(f"{self.path} is empty\n  {UNHARMED}\n  {REBUILD_HINT}")
            if version < self._version:
                raise Outdated(
                    f"{self.path} was written by an older Upriver (state version {version}, "
                    f"needed {self._version})\n"
                    "  hint: `upriver build` upgrades it; a reading command can't"
                )
            return
        self._set_modes()
        if not tables:
            with self._exclusive():
                if not self._identity()[2]:
                    self._run_script(schema.SCHEMA, schema.VERSION)
            version = self._identity()[0]
        if version < self._version:
            self._migrate(migrations)

    def _identity(self) -> tuple[int, int, int]:
        # One snapshot: a database that is made at the same moment must not be seen half done.
        version, kind, tables = self._connection.execute(
            "select user_version, application_id, (select count(*) from sqlite_schema)"
            " from pragma_user_version, pragma_application_id"
        ).fetchall()[0]
        return int(str(version)), int(str(kind)), int(str(tables))

    def _set_modes(self) -> None:
        run = self._connection.execute
        known = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
        mode = "wal" if known >= WAL_SAFE_SINCE else "truncate"
        self._wal = mode == "wal"
        if not self.memory:
            self._set_journal_mode(mode)
        run("pragma synchronous = full").fetchall()
        run("pragma foreign_keys = on").fetchall()
        # Every transaction is followed by an fsync, F_FULLFSYNC where the system has it (macOS).
        run("pragma fullfsync = on").fetchall()
        # The schema is trusted with nothing: a foreign file must not run functions through triggers or views.
        run("pragma trusted_schema = off").fetchall()

    def _set_journal_mode(self, mode: str) -> None:
        """Wait until the file is closed by others: SQLite does not ask the busy handler about this pragma."""
        deadline = time.monotonic() + self._busy_seconds
        while True:
            try:
                self._connection.execute(f"pragma journal_mode = {mode}").fetchall()
            except apsw.BusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.001, 0.02))
            else:
                return

    def _migrate(self, migrations: Mapping[int, Migration]) -> None:
        with self._exclusive():
            version = self._identity()[0]
            if version >= self._version:
                return
            backup = back_up(self._connection, self.path, version)
            # A table that others refer to can only be made anew while references are not enforced; they are looked
            # at before each commit. https://sqlite.org/lang_altertable.html#otheralter
            self._connection.execute("pragma foreign_keys = off").fetchall()
            try:
                while version < self._version:
                    self._upgrade_from(version, migrations, backup)
                    version += 1
            finally:
                self._connection.execute("pragma foreign_keys = on").fetchall()

    def _upgrade_from(self, version: int, migrations: Mapping[int, Migration], backup: Path) -> None:
        if version not in migrations:
            raise StoreError(f"{self.path}: no way is known from state version {version} to {self._version}")
        try:
            self._run_script(migrations[version], version + 1)
        except (ValueError, TypeError, LookupError, msgspec.DecodeError) as error:
            raise Damaged(
                f"{self.path} holds a record that is damaged, so it could not be upgraded from state version"
                f" {version}: {error}\n  It is unchanged; a copy is in {backup}.\n  {REBUILD_HINT}"
            ) from error
        except (apsw.SQLError, apsw.ConstraintError) as error:
            raise StoreError(
                f"{self.path} could not be upgraded from state version {version}: {error}\n"
                f"  It is unchanged; a copy is in {backup}.\n"
                "  hint: use the older Upriver, and report this"
            ) from error

    def _run_script(self, script: Migration, version: int) -> None:
        self._connection.execute("begin immediate")
        try:
            if isinstance(script, str):
                self._connection.execute(script)
            else:
                script(self._connection)
            broken = self._connection.execute("pragma foreign_key_check").fetchall()
            if broken:
                raise apsw.ConstraintError(f"a row of {broken[0][0]} would point nowhere")
            self._connection.execute(f"pragma application_id = {schema.APPLICATION_ID}").fetchall()
            self._connection.execute(f"pragma user_version = {version}").fetchall()
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        if self.memory:
            yield
            return
        lock = FileLock(self.path.with_name(self.path.name + ".lock"))
        deadline = time.monotonic() + max(self._busy_seconds, 1.0)
        try:
            while not lock.try_exclusive():
                if time.monotonic() > deadline:
                    raise BusyError(f"another process is preparing {self.path}\n  hint: wait for it to end")
                time.sleep(random.uniform(0.01, 0.05))
            yield
        finally:
            lock.close()

    # -- use ---------------------------------------------------------------------------------------------

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a reading statement."""
        with self._guard, self._translated():
            return self._connection.execute(sql, parameters).fetchall()

    @contextlib.contextmanager
    def write(self, *, durable: bool = True) -> Iterator[apsw.Connection]:
        """A transaction that no other process's can overlap; durable when the block has ended without an error.

        With *durable* False a power cut may lose it, and with it nothing that was durable before: what only says
        which process does what at this moment need not wait for the disk. https://sqlite.org/pragma.html#pragma_synchronous
        """
        if self._full:
            raise FullDisk(_FULL.format(path=self.path))
        if self.readonly:
            raise StoreError(
                f"can't write {self.path}: it was opened for reading only, since its folder is read-only here\n"
                f"  {UNHARMED}\n  hint: make the folder writable for you; reading commands work without"
            )
        with self._guard, self._translated(), self._synchronous(durable):
            self._connection.execute("begin immediate")
            try:
                found = self._connection.execute("pragma user_version").fetchall()[0][0]
                if found != self._version:
                    raise StoreError(
                        f"{self.path} was upgraded by a newer Upriver while this one was running\n"
                        "  Nothing was written.\n  hint: start again with the newer one"
                    )
                yield self._connection
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise

    @contextlib.contextmanager
    def _synchronous(self, durable: bool) -> Iterator[None]:
        # Without a write-ahead log an unsynced transaction could harm the file.
        if durable or not self._wal:
            yield
            return
        self._connection.execute("pragma synchronous = normal").fetchall()
        try:
            yield
        finally:
            self._connection.execute("pragma synchronous = full").fetchall()

    def check(self) -> list[str]:
        """What is wrong with the file as a database; empty when all is well."""
        listing = "select type, name, sql from sqlite_schema where name not like 'sqlite_%' order by 1, 2"
        with contextlib.closing(apsw.Connection(":memory:")) as expected:
            expected.execute(schema.SCHEMA)
            wanted = set(expected.execute(listing).fetchall())
        found = [f"{kind} {name} is missing" for kind, name, _ in sorted(wanted - set(self.query(listing)))]
        found += [str(row[0]) for row in self.query("pragma integrity_check") if row[0] != "ok"]
        return found + [f"a row of {row[0]} points nowhere" for row in self.query("pragma foreign_key_check")]

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self._guard:
            with contextlib.suppress(apsw.Error, AttributeError):
                self._connection.close()
            if self._copy is not None:
                self._copy.cleanup()
                self._copy = None

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except apsw.BusyError as error:
            raise BusyError(
                f"another process has held {self.path} for more than {self._busy_seconds:.0f} s\n"
                "  Nothing was written.\n"
                "  hint: look for a stopped upriver process (`ps`), and wake or end it"
            ) from error
        except apsw.ReadOnlyError as error:
            raise StoreError(
                f"can't write {self.path}: the file or its file system is read-only\n  {UNHARMED}\n"
                "  hint: make it writable; reading commands work without"
            ) from error
        except apsw.FullError as error:
            raise FullDisk(_FULL.format(path=self.path)) from error
        except (apsw.NotADBError, apsw.CorruptError, UnicodeDecodeError) as error:
            raise Damaged(
                f"{self.path} is damaged: {error}\n"
                f"  The artifacts in the store are not concerned; the file was not touched.\n  {REBUILD_HINT}"
            ) from error
        except apsw.CantOpenError as error:
            raise StoreError(
                f"can't open {self.path}: {error}\n"
                "  hint: it must be a plain file (no link) in a folder that you may read and write"
            ) from error
        except apsw.IOError as error:
            if is_full(self.path.parent):
                raise FullDisk(_FULL.format(path=self.path)) from error
            raise StoreError(
                f"can't read or write {self.path}: the disk reported an error ({error})\n  {UNHARMED}\n"
                "  hint: look at the kernel log; copy the project to a sound disk, then run `upriver fsck`"
            ) from error
        except apsw.ConstraintError:
            raise
        except apsw.SQLError as error:
            if "transaction is active" in str(error):  # SQLite has rolled it back, after an error told before
                raise StoreError(
                    f"can't write {self.path}: {error}\n  {UNHARMED}\n  hint: build again"
                ) from error
            # The statements are ours and tested: what they don't fit is not the schema that we have made.
            raise Damaged(f"{self.path} is damaged: {error}\n  {REBUILD_HINT}") from error
        except OSError as error:
            raise disk_error("use", Path(error.filename or self.path), error) from error


def _holds_something(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
