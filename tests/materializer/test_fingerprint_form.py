"""The way of computing is pinned: whoever changes it has to raise the number in its name."""

from __future__ import annotations

import pytest

from upriver.assets.errors import StoreError
from upriver.assets.model import Column
from upriver.lineage.model import Footprint
from upriver.materializer.fingerprint import (
    Fingerprinter,
    algorithm,
    covered,
    exact_forms,
    fingerprint_sql,
)
from upriver.materializer.model import Version

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
    gone = Footprint(("gone",), None, ordered=True)
    assert fingerprint_sql("t", schema, [gone], "n") == "select count(*) from t"


def test_the_name_of_the_algorithm_has_its_form_and_the_version_of_duckdb() -> None:
    import duckdb

    assert algorithm() == f"2/duckdb-{duckdb.__version__}"


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
        version = Version("v", (Column("c", "BIGINT"),), 1, 1, files)
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
        (id_, rows): fingerprinter.compute(Version(id_, (), rows, 1, ()), [asked])[asked]
        for id_ in ("v1", "v2")
        for rows in (None, 3)
    }
    assert found["v1", None] != found["v2", None]
    assert found["v1", None].startswith("0:")
    assert found["v1", 3].startswith("3:")
