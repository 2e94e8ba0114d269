"""What every store promises: the folder of files, and the fake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3
from tests.fakes.ports import MemoryStore

from upriver.assets.errors import BusyError, StoreError
from upriver.materializer.model import ArtifactRef
from upriver.materializer.ports import Staged, Store
from upriver.materializer.storage.local_store import LocalStore

ROWS = ArtifactRef(blake3(b"rows").hexdigest(), ".parquet", 4)


class Shelf:
    """A store with what an engine does beside it."""

    def __init__(self, store: Store, write: Callable[[Path, bytes], object]) -> None:
        self.store = store
        self.write = write

    def put(self, data: bytes, suffix: str = ".parquet") -> Staged:
        """Stage *data*."""
        path = self.store.reserve(suffix)
        self.write(path, data)
        return self.store.stage(path, suffix)


@pytest.fixture(params=["folder", "fake"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    if request.param == "fake":
        fake = MemoryStore()
        return Shelf(fake, fake.write)
    (tmp_path / ".upriver").mkdir()
    return Shelf(LocalStore(tmp_path / ".upriver" / "store"), Path.write_bytes)


def test_an_artifact_is_there_once_it_is_published(shelf: Shelf) -> None:
    """Its reference tells the hash of its bytes, its suffix and its size; where it lies is found when it is asked."""
    staged = shelf.put(b"rows")
    assert staged.ref == ROWS
    assert shelf.store.exists_many([ROWS]) == frozenset()
    shelf.store.publish([staged])
    assert shelf.store.exists_many([ROWS, ArtifactRef("0" * 64, ".parquet", 4)]) == {ROWS}
    assert shelf.store.locate(ROWS).endswith(f"/{ROWS.id[:2]}/{ROWS.id}.parquet")
    assert [stored.ref for stored in shelf.store.list()] == [ROWS]


def test_nothing_is_staged_where_no_engine_wrote(shelf: Shelf) -> None:
    with pytest.raises(StoreError, match="wrote no file"):
        shelf.store.stage(shelf.store.reserve(".parquet"), ".parquet")


def test_the_same_bytes_are_one_artifact(shelf: Shelf) -> None:
    shelf.store.publish([shelf.put(b"rows")])
    shelf.store.publish([shelf.put(b"rows"), shelf.put(b"others", ".bin")])
    assert len(list(shelf.store.list())) == 2


def test_the_digest_of_a_sound_artifact_is_its_id(shelf: Shelf) -> None:
    shelf.store.publish([shelf.put(b"rows")])
    (stored,) = shelf.store.list()
    assert shelf.store.digest(stored) == ROWS.id


def test_what_is_removed_is_gone(shelf: Shelf) -> None:
    shelf.store.publish([shelf.put(b"rows")])
    shelf.store.remove(shelf.store.list())
    assert list(shelf.store.list()) == []
    assert shelf.store.exists_many([ROWS]) == frozenset()


def test_what_is_set_aside_can_be_put_back(shelf: Shelf) -> None:
    shelf.store.publish([shelf.put(b"rows")])
    (stored,) = shelf.store.list()
    place = shelf.store.set_aside(stored)
    assert list(shelf.store.list()) == []
    shelf.store.put_back(place, ROWS)
    assert shelf.store.exists_many([ROWS]) == {ROWS}


def test_nothing_is_collected_while_somebody_reads(shelf: Shelf) -> None:
    with (
        shelf.store.reading(),
        shelf.store.reading(),
        pytest.raises(BusyError, match="read"),
        shelf.store.collecting(0.0),
    ):
        pytest.fail("it did not wait")
    with shelf.store.collecting(0.0):
        pass


def test_what_this_process_staged_is_no_leftover(shelf: Shelf) -> None:
    shelf.put(b"rows")
    assert list(shelf.store.sweep()) == []
    shelf.store.close()
    shelf.store.close()
