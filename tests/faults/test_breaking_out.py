"""Queries that reach for what is not theirs, and data files that lie about themselves."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.faults.project import Project

from upriver.materializer.engines.duckdb import DuckDBEngine

OUTSIDE = (
    "copy (select 1) to '{out}/new.csv'",
    "copy (select 1) to '{in}/../new.csv'",
    "attach '{out}/new.db'",
    "export database '{out}/new'",
    "from read_text('{out}/secret.txt')",
    "from read_text('{in}/../secret.txt')",
    "from read_text('{in}/link.txt')",
    "from read_csv('{out}/secret.txt')",
    "from glob('{out}/*')",
    "from sniff_csv('{out}/secret.txt')",
    "from query('from read_text(''{out}/secret.txt'')')",
    "from json_execute_serialized_sql(json_serialize_sql('select * from read_text(''{out}/secret.txt'')'))",
    "select getenv('HOME')",
    "install httpfs",
    "load httpfs",
    "create secret s (type s3)",
    "set lock_configuration = false",
    "set enable_external_access = true",
    "reset enable_external_access",
    "set global allowed_directories = ['/']",
    "set memory_limit = '100GB'",
    "set threads = 64",
    "set home_directory = '/'",
    "pragma enable_profiling",
    "set profile_output = '{out}/new.json'",
    "call enable_logging()",
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DuckDBEngine, Path]]:
    """An engine that may read ``in``, and the folder around that."""
    out = tmp_path_factory.mktemp("out")
    (out / "in").mkdir()
    (out / "secret.txt").write_text("hush\n")
    (out / "in" / "link.txt").symlink_to(out / "secret.txt")
    (out / "in" / "open.txt").write_text("hello")
    engine = DuckDBEngine([out / "in"], None)
    yield engine, out
    engine.close()


@pytest.mark.parametrize("statement", OUTSIDE)
def test_no_query_reaches_beyond_what_it_was_given(engine: tuple[DuckDBEngine, Path], statement: str) -> None:
    """Also when it gets past the check that an asset is one SELECT."""
    inside, out = engine
    before = sorted(path.name for path in out.iterdir())
    query = statement.replace("{in}", f"{out}/in").replace("{out}", str(out))
    with pytest.raises(duckdb.Error) as caught:
        inside.cursor().execute(query).fetchall()
    assert "hush" not in str(caught.value)
    assert sorted(path.name for path in out.iterdir()) == before
    assert inside.cursor().execute(f"select content from read_text('{out}/in/open.txt')").fetchall() == [
        ("hello",)
    ]


ROWS = 1000


def lies(data: bytes) -> dict[str, bytes]:
    """Parquet files made of *data*, whose footers do not tell what is there."""
    length = struct.unpack("<I", data[-8:-4])[0]
    body, footer = data[: -8 - length], data[-8 - length : -8]

    def with_footer(changed: bytes) -> bytes:
        assert changed != footer
        return body + changed + struct.pack("<I", len(changed)) + b"PAR1"

    def counting(rows: int) -> bytes:
        return with_footer(footer.replace(varint(ROWS), varint(rows)))

    def counting_at(places: slice, rows: int) -> bytes:
        """Another number in some of the places: the whole, each column twice, the part."""
        parts = footer.split(varint(ROWS))
        between = [varint(ROWS)] * (len(parts) - 1)
        between[places] = [varint(rows)] * len(between[places])
        return with_footer(
            b"".join(part for pair in zip(parts, [*between, b""], strict=True) for part in pair)
        )

    return {
        "more_rows": counting(5 * ROWS),
        "fewer_rows_in_the_whole": counting_at(slice(0, 1), 10),
        "fewer_rows_in_the_part": counting_at(slice(-1, None), 10),
        "fewer_rows_in_the_part_and_its_columns": counting_at(slice(1, None), 10),
        "fewer_values_in_the_columns": counting_at(slice(1, -1), 10),
        "endless_rows": counting(1 << 60),
        "negative_rows": counting(-5),
        "length_beyond_file": data[:-8] + struct.pack("<I", 0xFFFFFFF0) + b"PAR1",
        "no_footer": data[:-8] + struct.pack("<I", 0) + b"PAR1",
        "cut_off": data[: len(data) // 2],
        "only_magic": b"PAR1PAR1",
        "text": b"hello",
        "columns_elsewhere": data[:4] + bytes(len(body) - 4) + data[len(body) :],
    }


def varint(number: int) -> bytes:
    """As Thrift's compact protocol writes an i64: zigzag, seven bits to a byte."""
    number = (number << 1) ^ (number >> 63)
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def test_a_data_file_that_lies_fails_what_reads_it_and_nothing_else(tmp_path: Path) -> None:
    """Each with a cause, none as a defect of the program; true files make all of it good."""
    project = Project(tmp_path / "p")
    project.write("upriver.toml", '[project]\nname = "liars"\n')
    honest = project.write("data/honest.parquet", "")
    table = pa.table({"id": range(ROWS), "name": [f"n{number}" for number in range(ROWS)]})
    pq.write_table(table, honest)
    false = lies(honest.read_bytes())
    for name, data in false.items():
        (project.root / f"data/{name}.parquet").write_bytes(data)
    (project.root / "data/arrow.arrow").write_bytes(b"ARROW1\0\0garbage")
    (project.root / "data/lines.ndjson").write_bytes(b'{"id": \xff\xfe, "name"')
    readers = {**{name: f"data/{name}.parquet" for name in false}, "lines": "data/lines.ndjson"}
    for name, path in {**readers, "fine": "data/honest.parquet"}.items():
        project.write(f"assets/{name}.sql", f"select sum(id) as id, max(name) as name from '{path}'\n")
    project.write(
        "assets/arrows.py", "from upriver.assets import source\nsource('raw.arrow', 'data/arrow.arrow')\n"
    )
    project.write("assets/arrow.sql", "select sum(id) as id, max(name) as name from raw.arrow\n")

    built = project.build()
    assert built.code == 2, "a text source that can't be read is broken"
    assert "should not have happened" not in built.said
    assert {key for key in built.errors if not key.startswith("files.")} == {*readers, "arrow"}
    assert all(error.strip() for error in built.errors.values())
    assert built.actions["fine"] == "built"
    assert project.problems() == []

    for name in false:
        (project.root / f"data/{name}.parquet").write_bytes(honest.read_bytes())
    (project.root / "data/lines.ndjson").write_text('{"id": 1, "name": "n"}\n')
    with (
        pa.OSFile(str(project.root / "data/arrow.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as out,
    ):
        out.write_table(table)
    project.settle()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a secret, links that lead to it and out of the project, and an honest file."""
    project = Project(tmp_path_factory.mktemp("guarded") / "p")
    project.write("upriver.toml", "")
    project.write("data/fine.csv", "a\n1\n")
    project.write(".upriver/secrets/TOKEN", "hush\n")
    (project.root.parent / "outside.csv").write_text("a\nhush\n")
    (project.root.parent / "elsewhere").mkdir()
    (project.root.parent / "elsewhere" / "x.csv").write_text("a\nhush\n")
    data = project.root / "data"
    (data / "l.txt").symlink_to("../.upriver/secrets/TOKEN")
    (data / "l.csv").symlink_to("l.txt")
    (data / "room").symlink_to("../.upriver")
    (data / "o.csv").symlink_to("../../outside.csv")
    (data / "folder").symlink_to("../../elsewhere")
    (project.root.parent / "declared.csv").write_text("a\nsaid\n")
    (data / "d.csv").symlink_to("../../declared.csv")
    with duckdb.connect(str(data / "views.duckdb")) as database:
        database.execute("create view v as select * from read_text('/etc/hostname')")
        database.execute(f"create view t as select * from read_text('{project.folder}/secrets/TOKEN')")
    project.write(
        "assets/sources.py",
        "from upriver.assets import source\n"
        "source('raw.view', 'data/views.duckdb', table='v')\n"
        "source('raw.token', 'data/views.duckdb', table='t')\n"
        "source('raw.linked', 'data/l.csv')\n"
        "source('raw.declared', 'data/d.csv')\n",
    )
    project.write("assets/fine.sql", "select a from 'data/fine.csv'\n")
    project.write("assets/declared.sql", "select a from raw.declared\n")
    return project


REACHES = (
    "from read_text('/proc/self/environ')",
    "from read_text('/etc/passwd')",
    "from '/etc/passwd'",
    "from read_csv('/etc/passwd')",
    "from read_csv(['data/fine.csv', '/etc/passwd'])",
    "from read_text('/proc/self/cwd/.upriver/secrets/TOKEN')",
    "from read_text('../outside.csv')",
    "from '../outside.csv'",
    "from read_csv('data/../../outside.csv')",
    "from read_csv('data/o.csv')",
    "from read_csv('data/folder/*.csv')",
    "from read_csv('data/f*/x.csv')",
    "from read_text('~/.bashrc')",
    "from read_text('file:///etc/passwd')",
    "from read_text('.upriver/secrets/TOKEN')",
    "from read_text('.up*/secrets/TOKEN')",
    "from read_text('.[u]priver/secrets/TOKEN')",
    "from read_blob('.?priver/*/TOKEN')",
    "from read_text('./data/../.upriver/secrets/*')",
    "from read_text('data/room/secrets/TOKEN')",
    "from read_text('data/room/**')",
    "from read_text('data/r*/secrets/*')",
    "from read_text('data/l.txt')",
    "from read_text('data/l*.txt')",
    "from read_csv('data/l.csv')",
    "from 'data/l.csv'",
    "from read_json_objects('data/l.txt')",
    "from parquet_scan('.up*/store/*/*.parquet')",
    "from parquet_schema('/etc/passwd')",
    "from glob('/etc/*')",
    "from glob('.upriver/secrets/*')",
    "from sniff_csv('/etc/passwd')",
    "from sniff_csv('data/l.csv')",
    "select (select content from read_text('/etc/passwd')) as c",
    "with x as (from read_text('data/l.txt')) from x",
    "describe '/etc/passwd'",
    "summarize 'data/l.csv'",
    "select getenv('HOME') as h",
    "from query('from read_text(''/etc/passwd'')')",
    "from read_text(getvariable('x'))",
    "from (values ('/etc/passwd')) t(p), read_text(p)",
    "from duckdb_secrets()",
    "attach '/etc/passwd' as x",
    "copy (select 1) to '/dev/null'",
    "from raw.view",
    "from raw.token",
    "from raw.linked",
)
"""Queries that reach out of the project, or into what is Upriver's own."""


def test_sql_assets_read_nothing_outside_of_the_project_and_its_sources(guarded: Project) -> None:
    """By whatever function, pattern, link or view: each says no with its place and the way to declare; others go on."""
    for number, query in enumerate(REACHES):
        guarded.write(f"assets/r{number:02}.sql", query + "\n")
    plan = guarded.here("plan", "--json")
    assert "hush" not in plan.said
    built = guarded.here("build", "--json")
    assert built.code in (1, 2)
    assert "should not have happened" not in built.said
    assert built.actions["fine"] == "built"
    assert built.actions["declared"] == "built"  # a person has said so
    told = {one["asset"]: json.dumps(one) for one in built.document["assets"]}
    for number, query in enumerate(REACHES):
        key = f"r{number:02}"
        assert built.actions.get(key) not in ("built", "reused", "fresh"), (query, told[key])
        assert "root:" not in told[key]
        assert "hush" not in told[key], query
    for artifact in guarded.artifacts():
        assert b"root:x" not in artifact.read_bytes()
        assert b"hush" not in artifact.read_bytes()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            "from read_text('/etc/passwd')",
            ("lies outside of the project", "source('raw.name', '/etc/passwd')"),
        ),
        ("from read_csv('data/o.csv')", ("leads out of the project", "source('raw.name', 'data/o.csv')")),
        ("from read_text('data/l.txt')", ("leads into .upriver", "read an asset by its name")),
        ("from raw.token", ("is a view over files", "declare the files as a source")),
    ],
)
def test_what_a_query_may_not_read_is_told_with_its_place_and_a_way(
    guarded: Project, tmp_path: Path, query: str, said: tuple[str, ...]
) -> None:
    """A query's place is its file's; a source has its name."""
    project = guarded.copy(tmp_path / "p")
    (tmp_path / "outside.csv").write_text("a\n1\n")
    for path in (project.root / "assets").glob("r[0-9]*.sql"):
        path.unlink()
    project.write("assets/reaching.sql", "\n" + query + "\n")
    done = project.here("build", "reaching")
    assert done.code in (1, 2), done.said
    for text in (*said, "raw.token" if "raw" in query else "assets/reaching.sql:2"):
        assert text in done.said, done.said
