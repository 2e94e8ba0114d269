"""Delta and Iceberg as sources: exact versions, of now and of the past; what would be read wrongly is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.heavy import reason
from tests.materializer.sources.systems.conftest import Shop, opened

pytest.importorskip("deltalake", reason=reason("lakes"))
pytest.importorskip("pyiceberg", reason=reason("lakes"))

import deltalake
from pyiceberg.catalog import load_catalog

pytestmark = pytest.mark.lakes


def numbers(first: int, last: int) -> pa.Table:
    """Rows with an id and a part."""
    ids = list(range(first, last))
    return pa.table({"id": pa.array(ids, pa.int64()), "part": [f"p{one % 2}" for one in ids]})


class Delta:
    """A Delta table in the project."""

    config = '[connections.lake]\nurl = "delta:///data/lake"\n'
    table = "orders"

    def __init__(self, root: Path) -> None:
        self.path = str(root / "data" / "lake" / "orders")

    def write(self, rows: pa.Table, mode: str) -> str:
        """Write *rows*; the version that it made."""
        deltalake.write_deltalake(self.path, rows, mode=mode)  # type: ignore[call-overload]
        return str(deltalake.DeltaTable(self.path).version())

    def compact(self) -> None:
        """Put small files together."""
        assert deltalake.DeltaTable(self.path).optimize.compact()["numFilesRemoved"] > 1


class Iceberg:
    """An Iceberg table in the project."""

    config = '[connections.lake]\nurl = "iceberg+sqlite:data/catalog.db"\ncatalog = "t"\n'
    table = "shop.orders"

    def __init__(self, root: Path) -> None:
        (root / "data").mkdir(parents=True, exist_ok=True)
        self._catalog = load_catalog(
            "t",
            type="sql",
            uri=f"sqlite:///{root}/data/catalog.db",
            warehouse=f"file://{root}/data/warehouse",
        )
        self._catalog.create_namespace("shop")
        self._table: Any = None

    def write(self, rows: pa.Table, mode: str) -> str:
        """Write *rows*; the snapshot that it made."""
        if self._table is None:
            self._table = self._catalog.create_table("shop.orders", rows.schema)
        getattr(self._table, mode)(rows)
        return str(self._table.current_snapshot().snapshot_id)


@pytest.mark.parametrize("kind", [Delta, Iceberg])
def test_a_table_is_read_at_exact_versions(kind: type[Delta] | type[Iceberg], shop: Shop) -> None:
    """Of now, and beside it of the past; status asks nothing, and nothing is read twice."""
    lake = kind(shop.root)
    first = lake.write(numbers(0, 4), "append")
    shop.config(lake.config)
    shop.sources(
        f'source("raw.orders", connection="lake", table="{lake.table}")',
        f'source("raw.before", connection="lake", table="{lake.table}", version={first!r})',
    )
    shop.write("assets/now.sql", "select count(*) as n, sum(id) as ids from raw.orders\n")
    shop.write("assets/past.sql", "select count(*) as n from raw.before\n")
    assert shop.built() == {"now": "built", "past": "built"}
    assert shop.built() == {"now": "fresh", "past": "fresh"}
    lake.write(numbers(4, 6), "append")
    assert shop.status()["now"].state == "fresh"
    assert shop.built() == {"now": "built", "past": "fresh"}
    assert shop.rows("select now.*, past.n from now, past") == [(6, 15, 4)]
    lake.write(numbers(10, 11), "overwrite")
    assert shop.built() == {"now": "built", "past": "fresh"}
    assert shop.rows("select now.* from now") == [(1, 10)]
    with opened(shop.root) as session:
        assert {edge.trust.value for one in session.trust() for edge in one.edges} == {"version"}
        assert [one.name for one in session.objects("lake")] == [lake.table]
        (entry,) = session.connections(test=True)
        assert entry.error is None


def test_the_same_rows_in_another_version_rebuild_nothing(shop: Shop) -> None:
    """A compaction, and a table that is dropped and written again with as many versions."""
    lake = Delta(shop.root)
    for one in range(3):
        lake.write(numbers(one, one + 1), "append")
    shop.config(lake.config)
    shop.sources('source("raw.orders", connection="lake", table="orders")')
    shop.write("assets/now.sql", "select id from raw.orders\n")
    shop.built()
    lake.compact()
    assert shop.built() == {"now": "fresh"}
    import shutil

    shutil.rmtree(lake.path)
    for one in (7, 8, 9, 9):
        lake.write(numbers(one, one + 1), "append")
    assert shop.built() == {"now": "built"}


def test_what_would_be_read_wrongly_is_refused(shop: Shop) -> None:
    """An empty text in a partition column is null to some readers; a path leads out; a version is none."""
    lake = Delta(shop.root)
    rows = pa.table({"id": [1, 2], "part": ["", "a"]})
    deltalake.write_deltalake(lake.path, rows, partition_by=["part"])
    shop.config(lake.config)
    shop.sources(
        'source("raw.empty", connection="lake", table="orders")',
        'source("raw.away", connection="lake", table="../x")',
        'source("raw.none", connection="lake", table="nothing")',
        'source("raw.asked", connection="lake", query="select 1")',
        'source("raw.word", connection="lake", table="orders", version="latest")',
    )
    told = {
        "empty": "partition column part holds an empty text",
        "away": "leads out of",
        "none": "there is no table nothing",
        "asked": "read by table=",
        "word": "no number of a version",
    }
    for name in told:
        shop.write(f"assets/read_{name}.sql", f"from raw.{name}\n")
    done = shop.build()
    for name, text in told.items():
        assert text in str(done[f"read_{name}"][1]), name
