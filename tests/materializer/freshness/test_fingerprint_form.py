"""The way of computing is pinned: whoever changes it has to raise the number in its name."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from upriver.assets.errors import StoreError
from upriver.assets.model import Column
from upriver.lineage.model import Footprint
from upriver.materializer.engines.types import to_stored
from upriver.materializer.freshness.fingerprint import (
    Fingerprinter,
    _duckdb_version,
    algorithm,
    covered,
    exact_forms,
    fingerprint_sql,
)
from upriver.materializer.model import Located

SHIFT = "'~!@#'"
SORTED = f"{SHIFT}::blob || create_sort_key(\"c\", 'ASC NULLS LAST')"
TEXT = f'{SHIFT} || "c"::varchar'


@pytest.mark.parametrize(
    ("type", "forms"),
    [
        ("BIGINT", ('"c"',)),
        ("TIMESTAMP WITH TIME ZONE", ('"c"',)),
        ("VARCHAR", (f'{SHIFT} || "c"',)),
        ("JSON", (f'{SHIFT} || "c"',)),
        ("BLOB", (f'{SHIFT}::blob || "c"',)),
        ("BIT", (SORTED,)),
        ("BIGNUM", (SORTED,)),
        ("DOUBLE", ('"c"', 'signbit("c")')),
        ("FLOAT", ('"c"', 'signbit("c")')),
        ("HUGEINT", (TEXT,)),
        ("UUID", (TEXT,)),
        ("DECIMAL(4,2)", ('"c"',)),
        ("DECIMAL(18,2)", ('"c"',)),
        ("DECIMAL(19,2)", (TEXT,)),
        ("DECIMAL(38,0)", (TEXT,)),
        ("DECIMAL(18,2)[]", (SORTED,)),
        ("ENUM('a', 'b')", (TEXT,)),
        ("ENUM('a', 'b')[]", (SORTED,)),
        ("INTERVAL", (SORTED,)),
        ("INTEGER[]", (SORTED,)),
        ("INTEGER[3]", (SORTED,)),
        ("STRUCT(a INTEGER)", (SORTED,)),
        ("MAP(VARCHAR, INTEGER)", (SORTED,)),
        ("UNION(a INTEGER)", (SORTED,)),
        ("DOUBLE[]", (SORTED, TEXT)),
        ("STRUCT(a FLOAT)", (SORTED, TEXT)),
        ("STRUCT(a VARIANT)", (SORTED, TEXT)),
        ("GEOMETRY", (SORTED, TEXT)),
        ("A TYPE OF THE FUTURE", (SORTED, TEXT)),
    ],
)
def test_each_type_has_its_form_in_the_second_lane(type: str, forms: tuple[str, ...]) -> None:
    assert exact_forms(Column("c", type)) == forms
    assert exact_forms(Column("c", type.lower())) == forms


def test_the_statement_is_as_it_was() -> None:
    schema = (Column("c", "BIGINT"), Column("d", "VARCHAR"))
    bag, row = Footprint(("c",), None, ordered=False), Footprint(("c", "d"), None, ordered=True)
    assert fingerprint_sql("t", schema, [bag, row], "n") == (
        'select count(*), sum(hash(hash("c"))), sum(hash(hash(7, "c"))), '
        'count(*), sum(hash(hash(n, "c", "d"))), sum(hash(hash(7, n, "c", \'~!@#\' || "d"))) from t'
    )
    some = Footprint(("c",), '"c" > 1', ordered=False)
    assert fingerprint_sql("t", schema, [some]) == (
        'select count(*), sum(hash(hash("c"))), sum(hash(hash(7, "c"))) from t where ("c" > 1\n)'
    )
    assert fingerprint_sql("t", schema, [bag, some]).count("filter") == 3
    assert fingerprint_sql("t", schema, []) == "select  from t"
    floats = tuple(Column(name, "DOUBLE") for name in ("delay", "xdelay", "delayx"))
    low, row = Footprint(("delay",), "DELAY < 1", ordered=False), Footprint(("delay",), None, ordered=True)
    statement = fingerprint_sql("t", floats, [low, row], "n")
    assert statement.endswith(
        ' from (select * replace (if(random() < 2, "delay", null) as "delay"), n as "upriver row number kept" from t)'
    )
    assert 'sum(hash(hash("upriver row number kept", "delay")))' in statement
    low = Footprint(("delay",), '"delay" < 1', ordered=True)
    assert "row number kept" not in fingerprint_sql("t", floats, [low], "n")
    gone = Footprint(("gone",), None, ordered=True)
    assert fingerprint_sql("t", schema, [gone], "n") == "select count(*) from t"


def test_the_name_of_the_algorithm_has_its_form_and_the_version_of_duckdb() -> None:
    import duckdb

    assert algorithm() == f"2/duckdb-{duckdb.__version__}"


@pytest.mark.parametrize(
    ("folders", "version"),
    [
        (("duckdb-9.8.7.dist-info",), "9.8.7"),
        (("duckdb-9.8.7.dist-info", "duckdb-9.8.6.dist-info"), "what is installed"),
        ((), "what is installed"),
    ],
)
def test_the_version_of_duckdb_is_read_off_its_folder_if_that_tells(
    folders: tuple[str, ...], version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("duckdb", *folders):
        (tmp_path / name).mkdir()
    spec = ModuleSpec("duckdb", None, origin=str(tmp_path / "duckdb" / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "what is installed")
    assert _duckdb_version() == version
    for unknown in (None, ModuleSpec("duckdb", None)):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, found=unknown: found)
        assert _duckdb_version() == "what is installed"


def test_what_no_engine_computes_is_as_it_was() -> None:
    fingerprinter = Fingerprinter(lambda: pytest.fail("nothing has to be looked at"))
    table = Located("v", (Column("c", "BIGINT"),), 3, 1, ("gone.parquet",))
    count = Footprint((), None, ordered=False)
    assert fingerprinter.compute(table, [count]) == {count: "3:7c631d94cd956a1203e4788d89d5df41"}
    file = Located("v", (), 3, 1, ("gone.bin",))
    assert fingerprinter.compute(file, [count]) == {count: "3:835365ab2c237d9719444d0653f3a7f5"}


@pytest.mark.parametrize(
    "type", ["HUGEINT", "TIMESTAMP_S", "TIMESTAMP_MS", "BIT", "ENUM('1', '2')", "BIGINT"]
)
def test_a_filter_means_the_types_that_were_computed(type: str, tmp_path: Path) -> None:
    import duckdb

    schema = (Column("c", type),)
    path = tmp_path / "one.parquet"
    of_that_type = Footprint(("c",), f"typeof(\"c\") = '{type.replace(chr(39), chr(39) * 2)}'", ordered=False)
    with duckdb.connect() as connection:
        value = "'2024-01-01'" if "TIME" in type else "'1'"
        query = f"select cast({value} as {type}) as c"
        connection.execute(f"copy ({to_stored(query, schema)}) to '{path}' (format parquet)")
        fingerprinter = Fingerprinter(connection.cursor)
        found = fingerprinter.compute(Located("v", schema, None, 1, (str(path),)), [of_that_type])
    assert found[of_that_type].startswith("1:")


@pytest.mark.parametrize(
    ("predicates", "passes"),
    [((None, "c > 1", "c > 2"), 1), (("c > 1", "c > 2", "c > 1"), 2), ((None, None), 1)],
)
def test_who_reads_all_rows_takes_filters_along(
    predicates: tuple[str | None, ...], passes: int, tmp_path: Path
) -> None:
    import duckdb

    path = tmp_path / "one.parquet"
    begun = []
    with duckdb.connect() as connection:
        connection.execute(f"copy (select 1 as c, 2 as d) to '{path}' (format parquet)")
        fingerprinter = Fingerprinter(lambda: begun.append(1) or connection.cursor())  # type: ignore[func-returns-value]
        columns = ("c", "d", "c")
        asked = [Footprint((c,), p, ordered=False) for c, p in zip(columns, predicates, strict=False)]
        schema = (Column("c", "INTEGER"), Column("d", "INTEGER"))
        assert len(fingerprinter.compute(Located("v", schema, None, 1, (str(path),)), asked)) == len(
            set(asked)
        )
    assert len(begun) == passes


def test_a_column_is_found_by_its_name_then_by_its_letters() -> None:
    schema = (Column("A", "BIGINT"), Column("a", "VARCHAR"), Column("B", "DATE"))
    assert covered(schema, Footprint(("a", "b", "c"), None, ordered=False)) == (
        schema[1],
        schema[2],
        Column("c", ""),
    )
    assert covered(schema, Footprint(None, None, ordered=False)) == schema


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (("/gone/1.parquet",), "can't read the content of /gone/1.parquet: "),
        (("/gone/1.parquet", "/gone/2.parquet"), "can't read the content of /gone/1.parquet and 1 more: "),
        (("/gone/1", "/gone/2", "/gone/3"), "can't read the content of /gone/1 and 2 more: "),
    ],
)
def test_what_can_not_be_read_is_named_in_one_line(files: tuple[str, ...], said: str) -> None:
    import duckdb

    with duckdb.connect() as connection:
        fingerprinter = Fingerprinter(connection.cursor)
        version = Located("v", (Column("c", "BIGINT"),), 1, 1, files)
        with pytest.raises(StoreError) as caught:
            fingerprinter.compute(version, [Footprint(("c",), None, ordered=False)])
    first, hint = str(caught.value).split("\n", 1)
    assert first.startswith(said)
    assert first.removeprefix(said)
    assert hint.startswith("  hint: ")


def test_a_file_is_named_by_its_version_and_counts_no_rows() -> None:
    fingerprinter = Fingerprinter(lambda: pytest.fail("a file has no rows to look at"))
    asked = Footprint(None, None, ordered=True)
    found = {
        (id_, rows): fingerprinter.compute(Located(id_, (), rows, 1, ()), [asked])[asked]
        for id_ in ("v1", "v2")
        for rows in (None, 3)
    }
    assert found["v1", None] != found["v2", None]
    assert found["v1", None].startswith("0:")
    assert found["v1", 3].startswith("3:")
