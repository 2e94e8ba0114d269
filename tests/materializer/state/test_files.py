"""The state on disk: damaged, foreign, newer, older, read-only, deleted, cut at any length."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import apsw
import pytest
from tests.fakes.ports import FaultyFiles, MemoryFiles, PowerCutError

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.model import Column
from upriver.materializer.model import Materialization, Run, RunStatus, Trace, Version
from upriver.materializer.ports import Committed, Pointer
from upriver.materializer.state import Damaged, SqliteState, open_state, rebuild_from_store, schema
from upriver.materializer.state.database import Database
from upriver.materializer.state.journal import Journal, encode, parse
from upriver.materializer.storage.durable_files import OsFiles
from upriver.materializer.storage.local_store import LocalStore

RUN = Run("run", RunStatus.RUNNING, 1.0)


def materialization(store: LocalStore, name: str) -> Materialization:
    path = store.reserve(".parquet")
    path.write_bytes(name.encode())
    staged = store.stage(path, ".parquet")
    store.publish([staged])
    version = Version(staged.id, (Column("a", "INTEGER"),), 1, staged.bytes, (staged.ref,))
    return Materialization(name, f"marts.{name}", None, "run", Trace("r", "b", ()), version, 1.0, 2.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A state database with three commits, closed."""
    path = tmp_path / ".upriver" / "state.db"
    state = open_state(path)
    store = LocalStore(path.parent / "store")
    lease = state.acquire(RUN)
    for name in "abc":
        state.commit(lease, "dev", [materialization(store, name)])
    state.finish(lease, "run", RunStatus.SUCCESS, 2.0)
    lease.release()
    store.close()
    state.close()
    return path


def names(path: Path) -> list[str]:
    state = open_state(path, readonly=True)
    try:
        return sorted(one.id for one in state.current("dev").values())
    finally:
        state.close()


class TestOpening:
    def test_a_project_that_was_never_built_is_empty(self, tmp_path: Path) -> None:
        state = open_state(tmp_path / ".upriver" / "state.db", readonly=True)
        assert dict(state.current("dev")) == {}
        assert state.revision() == 0
        state.close()
        assert list(tmp_path.iterdir()) == []

    def test_a_deleted_database_is_not_taken_for_an_empty_project(self, path: Path) -> None:
        path.unlink()
        for readonly in (True, False):
            with pytest.raises(Damaged, match=r"the store holds.*\n.*\n.*fsck --repair"):
                open_state(path, readonly)
        shutil.rmtree(path.parent / "store" / "journal")
        with pytest.raises(Damaged, match="the store holds artifacts"):
            open_state(path)
        assert not path.exists()
        state = open_state(path, fresh=True)
        assert dict(state.current("dev")) == {}
        state.close()

    def test_it_is_rebuilt_from_the_journal(self, path: Path) -> None:
        path.unlink()
        rebuilt = rebuild_from_store(path)
        assert (rebuilt.materializations, rebuilt.pointers, rebuilt.missing, rebuilt.bad) == (3, 3, (), ())
        assert names(path) == ["a", "b", "c"]
        with pytest.raises(StoreError, match="exists"):
            rebuild_from_store(path)

    def test_a_token_from_before_a_rebuild_opens_nothing(self, path: Path) -> None:
        state = open_state(path)
        old = state.acquire(Run("old", RunStatus.RUNNING, 1.0))
        old.release()
        state.close()
        path.unlink()
        rebuild_from_store(path)
        again = open_state(path)
        with pytest.raises(BusyError, match="lost its lease"):
            again.commit(old, "dev", list(again.current("dev").values()))
        again.close()

    def test_a_newer_state_is_refused_and_left_alone(self, path: Path) -> None:
        with_version(path, schema.VERSION + 1)
        before = path.read_bytes()
        for readonly in (True, False):
            with pytest.raises(StoreError, match=r"newer Upriver.*\n.*not touched.*\n.*upgrade"):
                open_state(path, readonly)
        assert path.read_bytes() == before

    def test_another_programs_database_is_refused_and_left_alone(self, path: Path) -> None:
        path.unlink()
        foreign = apsw.Connection(str(path))
        foreign.execute("create table t (a); insert into t values (1)")
        foreign.close()
        before = path.read_bytes()
        for readonly in (True, False):
            with pytest.raises(Damaged, match=r"not of Upriver"):
                open_state(path, readonly)
        assert path.read_bytes() == before

    def test_a_link_is_not_followed(self, path: Path) -> None:
        path.rename(path.with_name("elsewhere.db"))
        path.symlink_to(path.with_name("elsewhere.db"))
        for readonly in (True, False):
            with pytest.raises(Damaged, match="is a link, and none is followed"):
                open_state(path, readonly)

    def test_a_project_below_a_link_is_fine(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(path.parent)
        state = open_state(tmp_path / "link" / "state.db")
        assert len(state.current("dev")) == 3
        state.close()

    def test_reading_only_refuses_to_write(self, path: Path) -> None:
        state = open_state(path, readonly=True)
        with pytest.raises(StoreError, match="reading only"):
            state.acquire(RUN)
        state.close()

    def test_a_reader_sees_commits_made_after_it_opened(self, path: Path) -> None:
        reader, writer = open_state(path, readonly=True), open_state(path)
        store = LocalStore(path.parent / "store")
        revision = reader.revision()
        lease = writer.hold("test")
        writer.commit(lease, "dev", [materialization(store, "d")])
        assert reader.revision() > revision
        assert len(reader.current("dev")) == 4
        lease.release()
        writer.close()
        reader.close()

    def test_the_journal_mode_is_safe(self, path: Path) -> None:
        database = Database(path)
        assert database.query("pragma journal_mode") == [("wal",)]
        assert database.query("pragma synchronous") == [(2,)]
        assert tuple(int(n) for n in apsw.sqlite_lib_version().split(".")) >= (3, 51, 3)
        database.close()

    def test_an_old_sqlite_does_not_get_a_wal(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")
        database = Database(tmp_path / "state.db")
        assert database.query("pragma journal_mode") == [("truncate",)]
        database.close()


class TestTrouble:
    def test_a_full_disk_is_explained_and_nothing_is_half_written(self, path: Path) -> None:
        state = open_state(path)
        lease = state.hold("test")
        database = state._database
        pages = database.query("pragma page_count")[0][0]
        database.query(f"pragma max_page_count = {pages}")
        store = LocalStore(path.parent / "store")
        many = [materialization(store, f"n{n}") for n in range(50)]
        assert state.journal is not None
        before = state.journal.path.read_bytes()
        with pytest.raises(StoreError, match=r"disk is full\n.*acknowledged.*\n.*upriver gc"):
            state.commit(lease, "dev", many)
        assert state.journal.path.read_bytes() == before
        assert names(path) == ["a", "b", "c"]
        database.query("pragma max_page_count = 1000000")
        state.commit(lease, "dev", many)
        assert len(names(path)) == 53
        lease.release()
        state.close()

    def test_a_process_that_stands_still_in_a_transaction_is_explained(self, path: Path) -> None:
        blocker = apsw.Connection(str(path))
        blocker.execute("begin immediate")
        state = open_state(path, busy_seconds=0.1)
        with pytest.raises(BusyError, match=r"has held .*state\.db.*\n.*\n.*stopped upriver process"):
            state.acquire(RUN)
        assert len(state.current("dev")) == 3  # reading goes on
        blocker.execute("rollback")
        state.acquire(Run("next", RunStatus.RUNNING, 1.0)).release()
        state.close()
        blocker.close()

    def test_a_build_that_holds_the_database_long_is_named(self, path: Path) -> None:
        builder = open_state(path)
        lease = builder.hold("gc")
        blocker = apsw.Connection(str(path))
        blocker.execute("begin immediate")
        state = open_state(path, busy_seconds=0.1)
        with pytest.raises(BusyError, match=f"gc, process {os.getpid()}"):
            state.acquire(Run("next", RunStatus.RUNNING, 1.0))
        blocker.execute("rollback")
        blocker.close()
        lease.release()
        state.acquire(Run("next", RunStatus.RUNNING, 1.0)).release()
        state.close()
        builder.close()


class TestReadOnlyFileSystem:
    @pytest.fixture
    def mounted(self, path: Path, tmp_path: Path) -> Iterator[Path]:
        mount = tmp_path / "mount"
        mount.mkdir()
        target = str(mount)
        commands = [["mount", "--bind", str(path.parent), target], ["mount", "-o", "remount,ro,bind", target]]
        if os.geteuid() != 0 or any(subprocess.run(c, capture_output=True).returncode for c in commands):
            pytest.skip("can't mount here")
        yield mount / "state.db"
        subprocess.run(["umount", mount], check=True)

    def test_a_closed_state_can_be_read(self, mounted: Path) -> None:
        assert names(mounted) == ["a", "b", "c"]

    def test_commits_that_are_still_in_the_wal_are_seen(self, path: Path, mounted: Path) -> None:
        state = open_state(path)
        lease = state.hold("test")
        state.commit(lease, "dev", [materialization(LocalStore(path.parent / "store"), "d")])
        copy = {end: path.with_name(path.name + end).read_bytes() for end in ("", "-wal")}
        lease.release()
        state.close()
        for end, data in copy.items():  # as after a power cut
            path.with_name(path.name + end).write_bytes(data)
        assert names(mounted) == ["a", "b", "c", "d"]

    def test_writing_is_explained(self, mounted: Path) -> None:
        with pytest.raises(StoreError, match=r"(?s)read-only|can't open"):
            open_state(mounted).hold("test")


class TestDamage:
    def test_cut_at_any_length_it_is_refused_or_whole(self, path: Path, tmp_path: Path) -> None:
        data = path.read_bytes()
        copy = tmp_path / "copy" / "state.db"
        copy.parent.mkdir()
        (copy.parent / "store" / "journal").mkdir(parents=True)
        (copy.parent / "store" / "journal" / "commits.jsonl").touch()
        lengths = {*range(0, 120, 7), *range(0, len(data), 1499), len(data) - 1}
        for length in sorted(lengths):
            copy.write_bytes(data[:length])
            try:
                use(copy)
            except Damaged as error:
                refused = str(error)
            else:
                # What was cut off the last page was empty space.
                assert length > len(data) - 4096
                assert names(copy) == ["a", "b", "c"]
                continue
            assert "fsck --repair" in refused
            assert copy.stat().st_size == length

    def test_noise_never_escapes_as_another_error(self, path: Path, tmp_path: Path) -> None:
        data = path.read_bytes()
        copy = tmp_path / "copy" / "state.db"
        copy.parent.mkdir()
        refused = 0
        for seed in range(150):
            random = Random(seed)
            noisy = bytearray(data)
            for _ in range(random.choice([1, 10, 1000])):
                noisy[random.randrange(len(noisy))] = random.randrange(256)
            copy.write_bytes(noisy)
            for leftover in ("-wal", "-shm"):
                copy.with_name(copy.name + leftover).unlink(missing_ok=True)
            try:
                use(copy)
            except StoreError:
                refused += 1
        assert refused > 50


def use(path: Path) -> None:
    state = open_state(path, readonly=True)
    try:
        if state.check():
            raise Damaged("fsck --repair")
        dict(state.current("dev"))
        state.history()
        state.runs()
    finally:
        state.close()


def with_version(path: Path, version: int) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(f"pragma user_version = {version}").fetchall()
    connection.close()


class TestMigration:
    NEXT = schema.VERSION + 1
    SCRIPT = "create table more (a); insert into more select count(*) from materializations"

    def open(self, path: Path, script: str = SCRIPT) -> Database:
        return Database(path, version=self.NEXT, migrations={schema.VERSION: script})

    def test_an_older_state_is_upgraded_once_with_a_copy_beside(self, path: Path) -> None:
        self.open(path).close()
        database = self.open(path)
        assert database.query("select a from more") == [(3,)]
        database.close()
        backup = path.with_name(f"state.db.v{schema.VERSION}.backup")
        assert backup.exists()
        old = Database(backup)
        assert old.query("select count(*) from materializations") == [(3,)]
        old.close()
        with pytest.raises(StoreError, match="newer"):
            open_state(path)

    def test_two_at_the_same_time(self, path: Path) -> None:
        errors = []

        def work() -> None:
            try:
                self.open(path).close()
            except StoreError as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []

    def test_a_failing_upgrade_changes_nothing(self, path: Path) -> None:
        with pytest.raises(StoreError, match=r"could not be upgraded.*\n.*unchanged; a copy is in"):
            self.open(path, self.SCRIPT + "; insert into nowhere values (1)")
        assert names(path) == ["a", "b", "c"]

    def test_a_reader_does_not_upgrade(self, path: Path) -> None:
        with pytest.raises(StoreError, match="older Upriver"):
            Database(path, readonly=True, version=self.NEXT)

    def test_a_program_that_is_still_running_stops_writing(self, path: Path) -> None:
        old = open_state(path)
        self.open(path).close()
        with pytest.raises(StoreError, match="while this one was running"):
            old.hold("test")
        old.close()


class TestCreation:
    def test_many_at_the_same_time_make_one(self, tmp_path: Path) -> None:
        path = tmp_path / ".upriver" / "state.db"
        states: list[SqliteState] = []
        threads = [threading.Thread(target=lambda: states.append(open_state(path))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [state.revision() for state in states] == [0] * 6
        for state in states:
            state.close()

    def test_a_creation_that_was_cut_short_is_finished(self, tmp_path: Path) -> None:
        path = tmp_path / "state.db"
        connection = apsw.Connection(str(path))
        connection.execute("pragma journal_mode = wal").fetchall()
        connection.close()
        assert path.stat().st_size > 0
        state = open_state(path)
        assert state.revision() == 0
        state.close()


def entries() -> list[Committed]:
    version = Version("0" * 64, (), None, 3, in_place=("é\n.bin",))
    one = Materialization("m1", "a", None, "run", Trace("r", "b", ()), version, 1.0, 2.0)
    return [Committed(n, 1, "dev", (one,), (Pointer("a", "", "m1"),)) for n in range(3)]


class TestJournal:
    def test_cut_at_every_byte_it_loses_only_the_line_cut(self) -> None:
        whole = entries()
        data = b"".join(map(encode, whole))
        ends = [0]
        for entry in whole:
            ends.append(ends[-1] + len(encode(entry)))
        for length in range(len(data) + 1):
            found, bad = parse(data[:length])
            complete = sum(end <= length for end in ends[1:])
            assert found == whole[:complete]
            assert len(bad) == (length not in ends)

    def test_a_flipped_bit_costs_one_line(self) -> None:
        whole = entries()
        data = b"".join(map(encode, whole))
        for position in range(0, len(data) * 8, 13):
            noisy = bytearray(data)
            noisy[position // 8] ^= 1 << position % 8
            found, bad = parse(bytes(noisy))
            assert len(found) >= 1
            assert bad
            assert all(entry in whole for entry in found)

    @pytest.mark.parametrize("seed", range(3))
    def test_the_power_fails_at_any_call(self, seed: int) -> None:
        folder = Path("/p/.upriver/store/journal")
        first, second, third = entries()
        for after in (False, True):
            for cut in range(60):
                files = MemoryFiles()
                faulty = FaultyFiles(files, cut, PowerCutError(), after)
                journal = Journal(folder, faulty.as_port())
                kept = 0
                try:
                    for entry in (first, second):
                        journal.append(entry)
                        kept += 1
                except PowerCutError:
                    pass
                files.cut_power(Random(seed))
                again = Journal(folder, files)
                found, _ = again.read()
                assert found[:kept] == [first, second][:kept]
                again.append(third)
                assert again.read()[0][-1] == third
                if kept == 2:
                    break
            else:
                pytest.fail("never got through")

    @pytest.mark.parametrize("seed", range(3))
    def test_rewriting_is_all_or_nothing(self, seed: int) -> None:
        first, second, third = entries()
        for cut in range(20):
            files = MemoryFiles()
            Journal(Path("/journal"), files).append(first)
            faulty = FaultyFiles(files, cut, PowerCutError(), after=bool(seed % 2))
            try:
                Journal(Path("/journal"), faulty.as_port()).rewrite([second, third])
            except PowerCutError:
                files.cut_power(Random(seed))
                assert Journal(Path("/journal"), files).read() in (([first], []), ([second, third], []))
            else:
                files.cut_power(Random(seed))
                assert Journal(Path("/journal"), files).read() == ([second, third], [])
                return
        pytest.fail("never got through")


class TestCommitAndJournal:
    def test_a_journal_that_can_not_be_written_stops_the_commit(self, path: Path) -> None:
        broken = FaultyFiles(OsFiles(), 10**9, OSError())
        state = open_state(path, files=broken.as_port())
        lease = state.hold("test")
        store = LocalStore(path.parent / "store")
        one = materialization(store, "d")
        for code in (28, 5):
            broken.fail_next(OSError(code, os.strerror(code)))
            with pytest.raises(StoreError, match=r"journal.*\n.*hint|(?s:journal.*hint)"):
                state.commit(lease, "dev", [one])
            assert state.materialization("d") is None
        state.commit(lease, "dev", [one])
        assert state.journal is not None
        found, bad = state.journal.read()
        assert [entry.sequence for entry in found] == [1, 2, 3, 4]
        assert bad == []
        lease.release()
        state.close()

    def test_a_commit_that_the_database_refuses_is_taken_out_of_the_journal(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        state = open_state(path)
        lease = state.hold("test")
        assert state.journal is not None
        before = state.journal.path.read_bytes()
        real = Journal.append

        def append_then_fail(journal: Journal, entry: Committed) -> int:
            length = real(journal, entry)
            blocker = apsw.Connection(str(path))
            blocker.execute("pragma user_version").fetchall()
            state._database._connection.execute("rollback")  # as if the commit had failed
            blocker.close()
            return length

        monkeypatch.setattr(Journal, "append", append_then_fail)
        with pytest.raises(StoreError, match="cannot commit"):
            state.commit(lease, "dev", [materialization(LocalStore(path.parent / "store"), "d")])
        monkeypatch.undo()
        assert state.journal.path.read_bytes() == before
        assert state.materialization("d") is None
        lease.release()
        state.close()
