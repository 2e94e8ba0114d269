"""A collection drops what is old and what nothing points at, and never what somebody needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from tests.fakes.ports import FaultyFiles, PowerCutError

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.identity import Node
from upriver.assets.model import Column
from upriver.lineage.model import Footprint
from upriver.materializer.model import Materialization, Read, Run, RunStatus, Trace, Version
from upriver.materializer.ports import SourceRecord
from upriver.materializer.state import SqliteState, open_state
from upriver.materializer.state.local_storage import LocalStorage
from upriver.materializer.storage.durable_files import OsFiles
from upriver.materializer.storage.local_store import LocalStore
from upriver.materializer.storage.locks import FileLock, reading
from upriver.materializer.upkeep import gc
from upriver.materializer.upkeep.fsck import check
from upriver.materializer.upkeep.gc import Collected, Keep

DAY = 86_400.0
NOTHING_OLD = Keep(days=0.0, count=0)


class Project:
    """Builds materializations on given days, and collects on day 100."""

    def __init__(self, root: Path) -> None:
        self.folder = root / ".upriver"
        self.store = LocalStore(self.folder / "store")
        self.state: SqliteState = open_state(self.folder / "state.db")
        self.run = Run("run", RunStatus.RUNNING, 1.0)

    def make(
        self,
        name: str,
        asset: str = "a",
        day: float = 0.0,
        size: int = 10,
        environment: str = "dev",
        reads: tuple[Read, ...] = (),
    ) -> Materialization:
        path = self.store.reserve(".parquet")
        path.write_bytes(name.encode().ljust(size))
        staged = self.store.stage(path, ".parquet")
        self.store.publish([staged])
        version = Version(staged.id, (Column("a", "INTEGER"),), 1, staged.bytes, (staged.ref,))
        one = Materialization(name, asset, None, "run", Trace("r", "b", reads), version, day * DAY, day * DAY)
        lease = self.state.hold("test")
        self.state.commit(lease, environment, [one])
        lease.release()
        return one

    def collect(self, keep: Keep, dry_run: bool = False) -> Collected:
        return gc.collect(self.state, self.store, keep, 100 * DAY, dry_run=dry_run)

    def left(self) -> set[str]:
        return {Path(one.place).read_text().strip() for one in self.store.list()}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.state.close()
    made.store.close()


def test_what_is_current_anywhere_stays(project: Project) -> None:
    project.make("old", day=1, environment="prod")
    project.make("older", day=0)
    project.make("new", day=2)
    done = project.collect(NOTHING_OLD)
    assert done.materializations == ("older",)
    assert project.left() == {"old", "new"}
    assert project.state.current("prod")[Node("a")].id == "old"
    assert project.state.current("dev")[Node("a")].id == "new"
    assert check(LocalStorage(project.folder)).ok


def test_what_is_young_stays(project: Project) -> None:
    for day in (69, 71, 99):
        project.make(f"day {day}", day=day)
    assert project.collect(Keep(days=30, count=0)).materializations == ("day 69",)


def test_the_newest_of_each_asset_stay(project: Project) -> None:
    for n in range(4):
        project.make(f"a{n}")
        project.make(f"b{n}", "b")
    assert set(project.collect(Keep(days=0, count=2)).materializations) == {"a0", "a1", "b0", "b1"}


def test_beyond_the_total_the_oldest_go(project: Project) -> None:
    for n in range(5):
        project.make(f"a{n}", size=100)
    done = project.collect(Keep(days=None, count=9, total=250))
    assert set(done.materializations) == {"a0", "a1", "a2"}
    assert (done.freed, done.kept) == (300, 200)


def test_a_total_that_can_not_be_reached_spares_what_is_current(project: Project) -> None:
    project.make("old", size=100)
    project.make("new", size=100)
    assert project.collect(Keep(total=1)).kept == 100
    assert project.left() == {"new"}


def test_an_artifact_that_several_share_goes_with_the_last(project: Project) -> None:
    project.make("same")
    one = project.state.current("dev")[Node("a")]
    project.make("other", day=50)
    lease = project.state.hold("test")
    project.state.commit(
        lease, "dev", [Materialization("twin", "b", None, "run", one.trace, one.version, 0.0, 0.0)]
    )
    lease.release()
    project.collect(NOTHING_OLD)
    assert project.left() == {"same", "other"}


def test_orphans_and_leftovers_go(project: Project) -> None:
    path = project.store.reserve(".parquet")
    path.write_bytes(b"orphan")
    project.store.publish([project.store.stage(path, ".parquet")])
    dead = project.store.root / "staging" / "dead"
    dead.mkdir(parents=True)
    (dead / "lock").touch()
    (dead / "0.parquet").touch()
    done = project.collect(Keep())
    assert done.artifacts == (project.store.path(_digest(b"orphan"), ".parquet").name,)
    assert done.leftovers == (str(dead / "0.parquet"),)
    assert done.freed == 6
    assert not dead.exists()
    assert project.left() == set()


def _digest(data: bytes) -> str:
    return blake3(data).hexdigest()


def test_a_dry_run_tells_the_same_and_changes_nothing(project: Project) -> None:
    project.make("old")
    project.make("new")
    would = project.collect(NOTHING_OLD, dry_run=True)
    assert project.left() == {"old", "new"}
    assert project.collect(NOTHING_OLD) == would
    assert project.left() == {"new"}


def test_what_a_current_asset_was_made_from_stays_until_its_fingerprint_is_known(project: Project) -> None:
    upstream = project.make("up1", "up")
    footprint = Footprint(("a",), None, ordered=False)
    project.make("down", "down", reads=(Read("up", footprint, upstream.version.id, "s"),))
    project.make("up2", "up", day=1)
    project.collect(NOTHING_OLD)
    assert project.left() == {"up1", "up2", "down"}
    project.state.remember_fingerprints({(upstream.version.id, footprint): "1:f"})
    project.collect(NOTHING_OLD)
    assert project.left() == {"up2", "down"}
    known = project.state.fingerprints([upstream.version.id])
    assert dict(known) == {
        (upstream.version.id, footprint): "1:f"
    }  # still needed, although the artifact is gone


def test_facts_about_what_is_gone_go_too(project: Project) -> None:
    old = project.make("old")
    footprint = Footprint(("a",), None, ordered=False)
    project.state.remember_fingerprints({(old.version.id, footprint): "1:f"})
    project.state.remember_fingerprints({("some old version of a source", footprint): "1:f"})
    new = project.make("new")
    project.state.remember_fingerprints({(new.version.id, footprint): "1:f"})
    project.collect(NOTHING_OLD)
    kept = project.state.fingerprints([old.version.id, "some old version of a source", new.version.id])
    assert list(kept) == [(new.version.id, footprint)]


def test_the_snapshot_of_a_source_stays(project: Project) -> None:
    snapshot = project.make("snapshot", "helper").version
    project.make("other", "helper")
    version = Version("digest of the csv", snapshot.schema, 1, 10, snapshot.artifacts)
    project.state.remember_sources([SourceRecord("raw.x", "data/x.csv", (), version, 0.0)])
    project.state.remember_fingerprints({(version.id, Footprint(("a",))): "1:f"})
    project.collect(NOTHING_OLD)
    assert project.left() == {"snapshot", "other"}
    assert check(LocalStorage(project.folder)).ok
    assert check(LocalStorage(project.folder)).notes == ()
    assert dict(project.state.fingerprints([version.id])) == {(version.id, Footprint(("a",))): "1:f"}


def test_a_build_keeps_a_collection_out(project: Project) -> None:
    project.make("old")
    project.make("new")
    lease = project.state.acquire(project.run)
    with pytest.raises(BusyError, match="run run"):
        project.collect(NOTHING_OLD)
    lease.release()
    assert project.left() == {"old", "new"}


def test_a_reader_keeps_a_collection_out_and_readers_do_not_mind_each_other(project: Project) -> None:
    project.make("old")
    project.make("new")
    lock = project.folder / "gc.lock"
    with reading(lock), reading(lock, wait=0.0), pytest.raises(BusyError, match="being read"):
        project.collect(NOTHING_OLD)
    assert project.left() == {"old", "new"}
    project.collect(NOTHING_OLD)
    with reading(lock):
        assert project.left() == {"new"}


def test_a_reader_waits_for_a_collection(tmp_path: Path) -> None:
    collecting = FileLock(tmp_path / "gc.lock")
    assert collecting.try_exclusive()
    with pytest.raises(StoreError, match="collection"), reading(tmp_path / "gc.lock", wait=0.1):
        pytest.fail("it did not wait")
    threading.Timer(0.2, collecting.close).start()
    with reading(tmp_path / "gc.lock", wait=10.0):
        pass


def test_reading_needs_no_writable_folder(tmp_path: Path) -> None:
    with reading(tmp_path / "no" / "such" / "folder" / "gc.lock"):
        pass


def test_a_collection_cut_short_leaves_orphans_at_worst(project: Project) -> None:
    for n in range(4):
        project.make(f"a{n}")
    for cut in range(100):
        files = FaultyFiles(OsFiles(), cut, PowerCutError())
        try:
            store = LocalStore(project.store.root, files.as_port())
            gc.collect(project.state, store, NOTHING_OLD, 100 * DAY)
        except PowerCutError:
            assert check(LocalStorage(project.folder)).ok
            assert "a3" in project.left()
        else:
            assert project.left() == {"a3"}
            return
    pytest.fail("never got through")


def test_the_journal_shrinks_with_what_is_dropped(project: Project) -> None:
    for n in range(30):
        project.make(f"a{n}")
    journal = project.state.journal
    assert journal is not None
    before = journal.size()
    project.collect(NOTHING_OLD)
    assert journal.size() < before / 10
    assert check(LocalStorage(project.folder)).ok
