"""What the store promises: whole artifacts or none, whatever happens at whatever moment."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from blake3 import blake3
from tests.fakes.ports import FaultyFiles, ManualClock, MemoryFiles, PowerCutError

from upriver.assets.errors import StoreError
from upriver.materializer.model import ArtifactRef
from upriver.materializer.ports import Staged
from upriver.materializer.storage.durable_files import FilePort, OsFiles
from upriver.materializer.storage.local_store import LocalStore

ROOT = Path("/project/.upriver/store")


def digest(data: bytes) -> str:
    return blake3(data).hexdigest()


def put(store: LocalStore, files: FilePort, data: bytes, suffix: str = ".parquet") -> Staged:
    path = store.reserve(suffix)
    files.write(path, data)
    return store.stage(path, suffix)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    found = LocalStore(tmp_path / "store")
    yield found
    found.close()


class TestPublishing:
    def test_an_artifact_is_found_by_the_hash_of_its_bytes(self, store: LocalStore) -> None:
        staged = put(store, OsFiles(), b"rows")
        assert staged.id == digest(b"rows")
        assert not store.exists_many([staged.ref])
        store.publish([staged])
        assert store.path(staged.id, ".parquet") == store.root / staged.id[:2] / f"{staged.id}.parquet"
        assert store.path(staged.id, ".parquet").read_bytes() == b"rows"
        assert store.exists_many([staged.ref])
        assert not Path(staged.path).exists()

    def test_artifacts_are_read_only(self, store: LocalStore) -> None:
        staged = put(store, OsFiles(), b"rows")
        store.publish([staged])
        assert stat.S_IMODE(store.path(staged.id, ".parquet").stat().st_mode) == 0o444

    def test_the_same_bytes_twice_are_one_artifact(self, store: LocalStore) -> None:
        first, second = put(store, OsFiles(), b"rows"), put(store, OsFiles(), b"rows")
        store.publish([first])
        inode = store.path(first.id, ".parquet").stat().st_ino
        store.publish([second])
        assert store.path(first.id, ".parquet").stat().st_ino == inode
        assert not Path(second.path).exists()

    def test_the_same_bytes_twice_in_one_group(self, store: LocalStore) -> None:
        store.publish([put(store, OsFiles(), b"rows"), put(store, OsFiles(), b"rows")])
        assert [one.ref for one in store.list()] == [ArtifactRef(digest(b"rows"), ".parquet", 4)]

    @pytest.mark.parametrize("damage", [b"", b"row", b"rows", b"rows and more"])
    def test_publishing_again_repairs_a_damaged_artifact(self, store: LocalStore, damage: bytes) -> None:
        store.publish([put(store, OsFiles(), b"rows")])
        path = store.path(digest(b"rows"), ".parquet")
        path.chmod(0o644)
        path.write_bytes(damage)
        store.publish([put(store, OsFiles(), b"rows")])
        assert path.read_bytes() == b"rows"

    def test_publishing_replaces_a_link_and_leaves_its_target_alone(
        self, store: LocalStore, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        outside.write_bytes(b"rows")
        path = store.path(digest(b"rows"), ".parquet")
        path.parent.mkdir(parents=True)
        path.symlink_to(outside)
        assert not store.exists_many([ArtifactRef(digest(b"rows"), ".parquet", 4)])
        store.publish([put(store, OsFiles(), b"rows")])
        assert path.is_file()
        assert not path.is_symlink()
        assert outside.read_bytes() == b"rows"

    def test_shards_that_are_links_are_refused(self, store: LocalStore, tmp_path: Path) -> None:
        staged = put(store, OsFiles(), b"rows")
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (store.root / staged.id[:2]).symlink_to(elsewhere)
        with pytest.raises(StoreError, match="link or a file"):
            store.publish([staged])
        assert list(elsewhere.iterdir()) == []

    def test_each_folder_is_synced_once_per_group(self) -> None:
        files = FaultyFiles(MemoryFiles(), -1, OSError())
        store = LocalStore(ROOT, files.as_port())
        group = [put(store, files.as_port(), str(n).encode()) for n in range(300)]
        files.calls.clear()
        store.publish(group)
        synced = [arguments[0] for name, arguments in files.calls if name == "sync_folder"]
        assert len(synced) == len(set(synced))
        above = {ROOT, ROOT.parent, ROOT.parent.parent}
        assert set(synced) == above | {ROOT / one.id[:2] for one in group}

    def test_threads_publish_at_the_same_time(self, store: LocalStore) -> None:
        def work(n: int) -> None:
            for m in range(20):
                store.publish(
                    [put(store, OsFiles(), f"{m}".encode()), put(store, OsFiles(), f"{n} {m}".encode())]
                )

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = [(Path(one.place), one.ref.id) for one in store.list() if one.ref]
        assert len(found) == 20 + 80
        assert all(digest(path.read_bytes()) == id_ for path, id_ in found)

    def test_a_file_system_without_hard_links_will_do(self) -> None:
        class NoLinks(MemoryFiles):
            def link(self, source: Path, target: Path) -> None:
                raise OSError(errno.EPERM, "no links here")

        files = NoLinks()
        store = LocalStore(ROOT, files)
        store.publish([put(store, files, b"rows")])
        assert files.read(store.path(digest(b"rows"), ".parquet")) == b"rows"


class TestStaging:
    @pytest.mark.parametrize("suffix", ["", ".json", ".tar.gz", ".parquet"])
    def test_suffixes(self, store: LocalStore, suffix: str) -> None:
        staged = put(store, OsFiles(), b"x", suffix)
        store.publish([staged])
        assert store.exists_many([staged.ref])
        assert [one.ref for one in store.list()] == [staged.ref]

    @pytest.mark.parametrize("suffix", ["json", "/../x", ".a/b", ".\0", ".a\n", ".." + "x" * 40, ". "])
    def test_suffixes_are_never_paths(self, store: LocalStore, suffix: str) -> None:
        with pytest.raises(StoreError, match="ending"):
            store.reserve(suffix)
        with pytest.raises(StoreError, match="ending"):
            store.path("0" * 64, suffix)

    @pytest.mark.parametrize("id_", ["", "..", "0" * 63, "0" * 65, "G" * 64, "../" + "0" * 61, "A" * 64])
    def test_ids_are_never_paths(self, store: LocalStore, id_: str) -> None:
        with pytest.raises(StoreError, match="not the id"):
            store.path(id_, ".parquet")

    def test_what_is_no_plain_file_is_refused(self, store: LocalStore, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(b"secret")
        link = store.reserve(".parquet")
        link.symlink_to(tmp_path / "secret")
        fifo = store.reserve(".parquet")
        os.mkfifo(fifo)
        hard = store.reserve(".parquet")
        hard.hardlink_to(tmp_path / "secret")
        for path in (link, fifo, hard, store.reserve(".parquet")):
            with pytest.raises(StoreError):
                store.stage(path, ".parquet")
            assert not path.is_symlink()
            assert not path.exists()
        assert (tmp_path / "secret").read_bytes() == b"secret"
        assert list(store.list()) == []

    @pytest.mark.parametrize(
        "code", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO, errno.EMFILE]
    )
    def test_every_cause_has_a_name_and_advice(self, code: int) -> None:
        for operation in range(40):
            memory = MemoryFiles()
            faulty = FaultyFiles(memory, operation, OSError(code, os.strerror(code), "x")).as_port()
            store = LocalStore(ROOT, faulty)
            try:
                path = store.reserve(".parquet")
                memory.write(path, b"rows")
                store.publish([store.stage(path, ".parquet")])
            except StoreError as error:
                message = str(error)
            else:
                assert operation > 15
                return
            assert errno.errorcode[code] in message
            assert "hint:" in message
            assert str(ROOT.parts[1]) in message
        pytest.fail("never got through")

    def test_a_failed_fsync_is_not_tried_again_and_the_file_is_abandoned(self) -> None:
        memory = MemoryFiles()
        store = LocalStore(ROOT, memory)
        path = store.reserve(".parquet")
        memory.write(path, b"rows")
        syncs = []

        def sync(path: Path) -> None:
            syncs.append(path)
            raise OSError(errno.EIO, "bad disk")

        memory.sync = sync  # type: ignore[method-assign]
        with pytest.raises(StoreError, match="EIO"):
            store.stage(path, ".parquet")
        assert syncs == [path]
        assert memory.info(path) is None


class TestPowerCuts:
    """Artifacts are published, one of them there before; the power fails at each call, before or after it."""

    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("seed", range(4))
    def test_what_was_acknowledged_is_there_and_nothing_is_half_there(self, after: bool, seed: int) -> None:
        for cut in range(200):
            memory = MemoryFiles()
            before = LocalStore(ROOT, memory)
            before.publish([put(before, memory, b"old")])
            before.close()
            store = LocalStore(ROOT, FaultyFiles(memory, cut, PowerCutError(), after).as_port())
            acknowledged = [b"old"]
            try:
                for data in (b"new", b"old", b"newer" * 100):
                    path = store.reserve(".parquet")
                    memory.write(path, data)
                    store.publish([store.stage(path, ".parquet")])
                    acknowledged.append(data)
            except PowerCutError:
                pass
            memory.cut_power(Random(seed))
            reopened = LocalStore(ROOT, memory)
            for data in acknowledged:
                assert memory.read(reopened.path(digest(data), ".parquet")) == data
            for one in reopened.list():
                assert one.ref is not None
                assert digest(memory.read(Path(one.place))) == one.ref.id
            reopened.publish([put(reopened, memory, data) for data in (b"new", b"old", b"newest")])
            if len(acknowledged) == 4:
                assert cut > 30
                return
        pytest.fail("never got through")

    @pytest.mark.parametrize("seed", range(3))
    def test_a_kill_and_then_a_power_cut(self, seed: int) -> None:
        """What the killed process had left unsynced is not taken to be durable by the next one."""
        for cut in range(200):
            memory = MemoryFiles()
            memory.make_folder(Path("/project"))
            memory.sync_folder(Path("/"))
            faulty = FaultyFiles(memory, cut, PowerCutError())
            killed = LocalStore(ROOT, faulty.as_port())
            with contextlib.suppress(PowerCutError):
                path = killed.reserve(".parquet")
                memory.write(path, b"new")
                killed.publish([killed.stage(path, ".parquet")])
            store = LocalStore(ROOT, memory)
            store.publish([put(store, memory, b"new")])
            memory.cut_power(Random(seed))
            assert memory.read(store.path(digest(b"new"), ".parquet")) == b"new"
            if len(faulty.calls) <= cut:
                return
        pytest.fail("never got through")


class TestSweeping:
    def test_leftovers_of_a_process_that_is_gone_are_removed_and_those_of_the_living_spared(
        self, store: LocalStore
    ) -> None:
        script = (
            "import sys; from pathlib import Path; from upriver.materializer.storage.local_store import LocalStore;"
            "store = LocalStore(Path(sys.argv[1]));"
            "path = store.reserve('.parquet'); path.write_bytes(b'x' * 10);"
            "print(path, flush=True); sys.stdin.read()"
        )
        alive = store.reserve(".parquet")
        alive.write_bytes(b"mine")
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(store.root)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
        assert process.stdout is not None
        theirs = Path(process.stdout.readline().strip())
        other = LocalStore(store.root)
        assert other.sweep() == []
        assert theirs.exists()
        process.kill()
        process.communicate()
        assert other.sweep(dry_run=True) == [str(theirs)]
        assert theirs.exists()
        assert other.sweep() == [str(theirs)]
        assert not theirs.parent.exists()
        assert alive.read_bytes() == b"mine"

    def test_closing_removes_what_was_not_published(self, store: LocalStore) -> None:
        path = store.reserve(".parquet")
        path.write_bytes(b"x")
        store.close()
        store.close()
        assert not path.exists()
        assert store.reserve(".parquet").parent != path.parent

    def test_a_session_without_a_lock_is_given_a_minute(self, store: LocalStore) -> None:
        young = store.root / "staging" / "young"
        young.mkdir(parents=True)
        (young / "x").write_bytes(b"x")
        assert store.sweep() == []
        later = LocalStore(store.root, clock=ManualClock(young.stat().st_mtime + 61))
        assert later.sweep() == [str(young / "x")]
        assert not young.exists()

    def test_a_forked_child_writes_into_its_own_folder(
        self, store: LocalStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mine = store.reserve(".parquet")
        monkeypatch.setattr(os, "getpid", lambda: 1)
        assert store.reserve(".parquet").parent != mine.parent


def test_reading_creates_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    assert not store.exists_many([ArtifactRef("0" * 64, ".parquet", 4)])
    assert list(store.list()) == []
    assert store.sweep() == []
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_belong_in_the_store_is_named(store: LocalStore) -> None:
    store.publish([put(store, OsFiles(), b"rows")])
    shard = store.path(digest(b"rows"), ".parquet").parent
    (shard / "notes.txt").write_text("hello")
    (store.root / "desktop.ini").write_text("")
    other = "00" if shard.name != "00" else "01"
    (store.root / other).mkdir()
    (store.root / other / f"{digest(b'rows')}.parquet").write_bytes(b"rows")
    foreign = {Path(one.place).name for one in store.list() if one.ref is None}
    assert foreign == {"notes.txt", "desktop.ini", f"{digest(b'rows')}.parquet"}
