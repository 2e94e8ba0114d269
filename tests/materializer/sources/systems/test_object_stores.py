"""Files on an object store and behind HTTP: known by their ETags, or by their bytes; read as local files are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.heavy import reason
from tests.materializer.sources.systems.conftest import Shop, opened

pytest.importorskip("obstore", reason=reason("s3"))
pytest.importorskip("moto", reason=reason("s3"))
pytest.importorskip("flask", reason=reason("s3"))

import obstore
from moto.server import ThreadedMotoServer

pytestmark = pytest.mark.s3
SETTINGS = (
    'access_key_id = "test"\nsecret_access_key = {{secret = "STORE_KEY"}}\nregion = "us-east-1"\n'
    'endpoint = "{endpoint}"\nvirtual_hosted_style_request = false\n'
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server that speaks S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(endpoint: str, shop: Shop, monkeypatch: pytest.MonkeyPatch, request: Any) -> Any:
    """An empty bucket, and a project that reads it."""
    import boto3

    bucket = f"bucket-{abs(hash(request.node.name)) % 10**8}"
    made = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="geheimnis9",
        region_name="us-east-1",
    )
    made.create_bucket(Bucket=bucket)
    monkeypatch.setenv("STORE_KEY", "geheimnis9")
    shop.config(f'[connections.lake]\nurl = "s3://{bucket}/data"\n' + SETTINGS.format(endpoint=endpoint))
    return obstore.store.S3Store(
        bucket,
        prefix="data",
        access_key_id="test",
        secret_access_key="geheimnis9",
        region="us-east-1",
        endpoint=endpoint,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def test_files_of_a_store_are_one_table(store: Any, shop: Shop) -> None:
    """A new file, another content and a file that goes are seen; the same bytes again rebuild nothing."""
    store.put("orders/2024/a.csv", b"id,name\n1,x\n")
    store.put("orders/2024/b.csv", b"id,name\n2,y\n")
    store.put("orders/readme.md", b"no")
    shop.sources('source("raw.orders", "orders/**/*.csv", connection="lake")')
    shop.write("assets/all_ids.sql", "select sum(id) as ids, count(*) as n from raw.orders\n")
    assert shop.built() == {"all_ids": "built"}
    assert shop.rows("from all_ids") == [(3, 2)]
    assert shop.built() == {"all_ids": "fresh"}
    store.put("orders/2024/b.csv", b"id,name\n2,y\n")
    assert shop.built() == {"all_ids": "fresh"}
    store.put("orders/2025/c.csv", b"id,name\n4,z\n")
    assert shop.built() == {"all_ids": "built"}
    store.delete("orders/2024/a.csv")
    assert shop.built() == {"all_ids": "built"}
    assert shop.rows("from all_ids") == [(6, 2)]
    with opened(shop.root) as session:
        assert [one.name for one in session.objects("lake", "orders/**/*.csv")] == [
            "orders/2024/b.csv",
            "orders/2025/c.csv",
        ]
        (trust,) = session.trust()
        assert trust.edges[0].trust.value == "version"


def test_text_keeps_its_shape_wherever_it_lies(store: Any, shop: Shop) -> None:
    """What no longer fits is broken, until it is accepted."""
    store.put("a.csv", b"id,amount\n1,2\n")
    shop.sources('source("raw.a", "a.csv", connection="lake")')
    shop.write("assets/rows.sql", "from raw.a\n")
    shop.built()
    store.put("a.csv", b"id,amount\n1,sixty\n")
    action, error = shop.build()["rows"]
    assert action.value in ("broken", "blocked")
    assert "sixty" in str(error) or action.value == "blocked"
    with opened(shop.root) as session:
        (accepted,) = session.accept(["raw.a"])
    assert accepted.changes == ("amount was BIGINT, now VARCHAR",)
    assert shop.built() == {"rows": "built"}
    assert shop.rows("from rows") == [(1, "sixty")]


class _Server(SimpleHTTPRequestHandler):
    etags = True

    def end_headers(self) -> None:
        if self.etags and self.command in ("GET", "HEAD") and Path(self.translate_path(self.path)).is_file():
            import hashlib

            digest = hashlib.md5(Path(self.translate_path(self.path)).read_bytes()).hexdigest()
            self.send_header("ETag", f'"{digest}"')
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.mark.parametrize("etags", [True, False])
def test_a_file_behind_http_is_known_by_its_etag_or_its_bytes(
    etags: bool, tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time is never enough."""
    monkeypatch.setattr(_Server, "etags", etags)
    served = tmp_path / "served"
    served.mkdir()
    (served / "a.csv").write_text("id\n1\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Server, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        shop.config(f'[connections.web]\nurl = "http://127.0.0.1:{server.server_port}/"\n')
        shop.sources('source("raw.a", "a.csv", connection="web")')
        shop.write("assets/ids.sql", "select sum(id) as ids from raw.a\n")
        assert shop.built() == {"ids": "built"}
        assert shop.built() == {"ids": "fresh"}
        import os

        before = (served / "a.csv").stat()
        (served / "a.csv").write_text("id\n7\n")
        os.utime(served / "a.csv", ns=(before.st_atime_ns, before.st_mtime_ns))
        assert shop.built() == {"ids": "built"}
        assert shop.rows("from ids") == [(7,)]
        with opened(shop.root) as session:
            (trust,) = session.trust()
        assert trust.edges[0].trust.value == ("version" if etags else "content")
        (served / "a.csv").unlink()
        assert shop.build()["ids"][0].value == "failed"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
