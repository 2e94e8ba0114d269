"""Every connector keeps the contract, on the real thing; one of a third party is found by its entry point."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.materializer.sources.systems.conftest import Shop, opened
from tests.servers.postgres import PostgresServer

from upriver.materializer.ports.system import Address, Wanted
from upriver.materializer.sources.systems.contract import check_connector

THIRD = '''
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow as pa

from upriver.materializer.model import Trust
from upriver.materializer.ports.system import Rows, Sighting, SystemObject


class Notes:
    """A system of notes: a text file is a table of its lines."""

    def __init__(self, address):
        self.folder = address.root / address.url.partition("://")[2]
        self.token = address.settings.get("token", "")

    def answer(self):
        return f"notes in {self.folder.name}"

    def objects(self, like):
        for path in sorted(self.folder.glob("*.txt")):
            if fnmatchcase(path.stem, like):
                yield SystemObject(path.stem)

    @contextmanager
    def moment(self):
        yield Moment({path.stem: path.read_text().splitlines() for path in self.folder.glob("*.txt")})

    def close(self):
        pass


class Moment:
    def __init__(self, texts):
        self.texts = texts

    def sight(self, wanted, before):
        lines = self.texts.get(wanted.table)
        if lines is None:
            return None
        return Sighting(repr(lines), Trust.CONTENT, f"all {len(lines)} lines")

    @contextmanager
    def read(self, wanted, scratch):
        table = pa.table({"line": pa.array(self.texts[wanted.table], pa.string())})
        yield Rows(table.to_reader())
'''


@pytest.fixture
def third(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution of a third party, installed."""
    site = tmp_path / "site"
    (site / "notes_connector-1.0.dist-info").mkdir(parents=True)
    (site / "notes_connector.py").write_text(THIRD)
    (site / "notes_connector-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: notes-connector\nVersion: 1.0\n"
    )
    (site / "notes_connector-1.0.dist-info" / "entry_points.txt").write_text(
        "[upriver.connectors]\nnotes = notes_connector:Notes\n"
    )
    monkeypatch.syspath_prepend(str(site))


def test_a_connector_of_a_third_party_is_one_like_all(third: None, shop: Shop) -> None:
    """Found by the scheme of its urls, and held against the same contract."""
    shop.write("notes/a.txt", "one\ntwo\n")
    shop.config('[connections.n]\nurl = "notes://notes"\n')
    shop.sources('source("raw.a", connection="n", table="a")')
    shop.write("assets/longest.sql", "select max(line) as line from raw.a\n")
    assert shop.built() == {"longest": "built"}
    assert shop.rows("from longest") == [("two",)]
    assert shop.built() == {"longest": "fresh"}
    shop.write("notes/a.txt", "zero\n")
    assert shop.built() == {"longest": "built"}
    with opened(shop.root) as session:
        assert [one.name for one in session.objects("n")] == ["a"]
    notes_connector: Any = importlib.import_module("notes_connector")

    check_connector(
        notes_connector.Notes,
        Address("n", "notes://notes", {}, shop.root),
        Wanted(table="a"),
        Wanted(table="b"),
        [lambda: shop.write("notes/a.txt", "1"), lambda: shop.write("notes/a.txt", "2")],
    )


def test_the_contract_finds_what_is_broken(third: None, shop: Shop) -> None:
    """A version that stands still, and a moment that does not."""
    shop.write("notes/a.txt", "one\n")
    notes_connector: Any = importlib.import_module("notes_connector")

    class Still(notes_connector.Moment):  # type: ignore[misc]
        def sight(self, wanted: Wanted, before: object) -> object:
            found = super().sight(wanted, before)
            return None if found is None else type(found)("1", found.trust, "a time")

    address = Address("n", "notes://notes", {}, shop.root)
    changes: list[Callable[[], object]] = [lambda: shop.write("notes/a.txt", "1")]
    right = notes_connector.Moment
    notes_connector.Moment = Still
    try:
        with pytest.raises(AssertionError, match="change 1 was not seen"):
            check_connector(notes_connector.Notes, address, Wanted(table="a"), Wanted(table="b"), changes)
    finally:
        notes_connector.Moment = right


def test_a_scheme_that_nothing_knows_is_told(shop: Shop) -> None:
    shop.config('[connections.n]\nurl = "postgresq://h/b"\n')
    with opened(shop.root) as session:
        (entry,) = session.connections(test=True)
    assert "nothing here connects to postgresq://; did you mean 'postgres" in str(entry.error)


@pytest.mark.postgres
def test_postgresql_keeps_the_contract(postgres_server: PostgresServer, tmp_path: Path) -> None:
    import psycopg

    from upriver.materializer.sources.systems.postgres import connect

    address = postgres_server.database()
    with psycopg.connect(address, autocommit=True) as server:
        server.execute("create table t (id int, name text); insert into t values (1, 'a'), (2, null)")
        check_connector(
            connect,
            Address("p", address, {"application_name": "upriver-tests"}, tmp_path),
            Wanted(table="t"),
            Wanted(table="nothing"),
            [
                lambda: server.execute("update t set name = 'b' where id = 2"),
                lambda: server.execute("insert into t values (1, 'a')"),
            ],
        )


@pytest.mark.lakes
def test_delta_keeps_the_contract(tmp_path: Path) -> None:
    import deltalake
    import pyarrow as pa

    from upriver.materializer.sources.systems.lakes import connect_delta

    def write(mode: str = "append") -> None:
        deltalake.write_deltalake(str(tmp_path / "lake" / "t"), pa.table({"id": [1, 2]}), mode=mode)  # type: ignore[call-overload]

    write()
    address = Address("d", "delta:lake", {}, tmp_path)
    check_connector(
        connect_delta, address, Wanted(table="t"), Wanted(table="x"), [write, lambda: write("overwrite")]
    )


@pytest.mark.lakes
def test_iceberg_keeps_the_contract(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyiceberg.catalog import load_catalog

    from upriver.materializer.sources.systems.lakes import connect_iceberg

    uri, warehouse = f"sqlite:///{tmp_path}/c.db", f"file://{tmp_path}/w"
    catalog = load_catalog("i", type="sql", uri=uri, warehouse=warehouse)
    catalog.create_namespace("s")
    rows = pa.table({"id": [1, 2]})
    table = catalog.create_table("s.t", rows.schema)
    table.append(rows)
    check_connector(
        connect_iceberg,
        Address("i", "iceberg+sqlite:c.db", {}, tmp_path),
        Wanted(table="s.t"),
        Wanted(table="s.x"),
        [lambda: table.append(rows), lambda: table.overwrite(rows)],
    )


@pytest.mark.s3
def test_an_object_store_keeps_the_contract(tmp_path: Path) -> None:
    """It has no moment of several files: what is written between look and fetch is an error."""
    import boto3
    from moto.server import ThreadedMotoServer

    from upriver.materializer.sources.systems.object_stores import connect

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        settings = {"access_key_id": "test", "secret_access_key": "geheimnis9", "region": "us-east-1"}
        settings |= {"endpoint": f"http://{host}:{port}", "virtual_hosted_style_request": "false"}
        client = boto3.client(
            "s3",
            endpoint_url=settings["endpoint"],
            aws_access_key_id="test",
            aws_secret_access_key="geheimnis9",
            region_name="us-east-1",
        )
        client.create_bucket(Bucket="contract")
        written = iter(range(100))

        def put() -> None:
            client.put_object(Bucket="contract", Key="d/a.csv", Body=f"id\n{next(written)}\n".encode())

        put()
        address = Address("s", "s3://contract/d", settings, tmp_path)
        check_connector(
            connect,
            address,
            Wanted(patterns=("*.csv",), format="csv"),
            Wanted(patterns=("*.parquet",), format="parquet"),
            [put, put],
            snapshots=False,
        )
    finally:
        server.stop()
