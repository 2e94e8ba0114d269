"""What a content fingerprint must notice, and what it must not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from upriver.assets.errors import StoreError
from upriver.assets.model import Column
from upriver.lineage.model import Footprint
from upriver.materializer.freshness.fingerprint import Fingerprinter, algorithm, fingerprint_sql
from upriver.materializer.model import Located

BAG = Footprint(None, None, ordered=False)
SEQUENCE = Footprint(None, None, ordered=True)
SCHEMA = (Column("n", "INTEGER"), Column("s", "VARCHAR"), Column("x", "DOUBLE"), Column("m", "INTEGER"))
Engine: TypeAlias = duckdb.DuckDBPyConnection
Row: TypeAlias = tuple[int | None, str | None, float | None, int | None]

# The engine is shared on purpose, and the first statement of a test may be slow.
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        yield connection


def fingerprint(engine: Engine, rows: Sequence[Row], footprint: Footprint = BAG) -> tuple[object, ...]:
    """The three numbers that a fingerprint is made of, of rows that never were in a file."""
    engine.execute("create or replace temp table t (n integer, s varchar, x double, m integer)")
    if rows:
        engine.executemany("insert into t values (?, ?, ?, ?)", rows)
    found = engine.execute(fingerprint_sql("t", SCHEMA, [footprint], "rowid")).fetchone()
    assert found is not None
    return found


def write(engine: Engine, path: Path, query: str, options: str = "") -> Located:
    engine.execute(f"copy ({query}) to '{path}' (format parquet{options})")
    return version(engine, path)


def version(engine: Engine, *paths: Path) -> Located:
    described = engine.execute(f"describe from read_parquet({[str(path) for path in paths]})").fetchall()
    schema = tuple(Column(name, kind) for name, kind, *_ in described)
    return Located("v", schema, None, 0, tuple(str(path) for path in paths))


def compute(engine: Engine, version: Located, footprint: Footprint) -> str:
    return Fingerprinter(engine.cursor).compute(version, [footprint])[footprint]


numbers = st.none() | st.integers(-3, 3) | st.integers(-(2**31), 2**31 - 1)
texts = (
    st.none()
    | st.sampled_from(["", "a", "A", "NULL", "null", "0", " "])
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
)
floats = st.none() | st.sampled_from([0.0, -0.0, 1.5]) | st.floats(allow_nan=False)
a_row = st.tuples(numbers, texts, floats, numbers)
tables = st.lists(a_row, max_size=12)


def exact(row: Row) -> tuple[str, ...]:
    return tuple(repr(value) for value in row)  # repr tells -0.0 from 0.0, where == does not


class TestUnordered:
    @given(tables, st.randoms())
    @settings(relaxed, max_examples=30)
    def test_the_order_of_rows_does_not_matter(self, engine: Engine, rows: list[Row], random: Random) -> None:
        shuffled = list(rows)
        random.shuffle(shuffled)
        assert fingerprint(engine, rows) == fingerprint(engine, shuffled)

    @given(tables, tables)
    @settings(relaxed, max_examples=60)
    def test_equal_fingerprints_are_equal_bags(
        self, engine: Engine, left: list[Row], right: list[Row]
    ) -> None:
        same = sorted(map(exact, left)) == sorted(map(exact, right))
        assert (fingerprint(engine, left) == fingerprint(engine, right)) == same

    @given(st.lists(a_row, min_size=1, max_size=8), st.data())
    @settings(relaxed, max_examples=80)
    def test_any_single_changed_cell_is_noticed(
        self, engine: Engine, rows: list[Row], data: st.DataObject
    ) -> None:
        place = data.draw(st.integers(0, len(rows) - 1))
        column = data.draw(st.integers(0, 3))
        values: tuple[st.SearchStrategy[Any], ...] = (numbers, texts, floats, numbers)
        value = data.draw(values[column])
        changed: list[Any] = [list(row) for row in rows]
        changed[place][column] = value
        same = repr(rows[place][column]) == repr(value)
        assert (fingerprint(engine, rows) == fingerprint(engine, changed)) == same

    def test_one_column_shuffled_against_another_is_noticed(self, engine: Engine) -> None:
        assert fingerprint(engine, [(1, "a", None, 1), (2, "b", None, 1)]) != fingerprint(
            engine, [(1, "b", None, 1), (2, "a", None, 1)]
        )

    def test_values_swapped_between_columns_are_noticed(self, engine: Engine) -> None:
        assert fingerprint(engine, [(1, None, None, 2)]) != fingerprint(engine, [(2, None, None, 1)])
        assert fingerprint(engine, [(1, None, None, None)]) != fingerprint(engine, [(None, None, None, 1)])

    @pytest.mark.parametrize("times", [0, 2, 3, 4, 5])
    def test_duplicates_count(self, engine: Engine, times: int) -> None:
        row: Row = (1, "a", 1.0, 1)
        assert fingerprint(engine, [row]) != fingerprint(engine, [row] * times)

    def test_null_is_not_empty_and_not_zero(self, engine: Engine) -> None:
        seen = {
            fingerprint(engine, [row])
            for row in [
                (None, None, None, None),
                (0, None, None, None),
                (None, "", None, None),
                (None, None, 0.0, None),
            ]
        }
        assert len(seen) == 4


class TestOrdered:
    @given(st.lists(a_row, min_size=2, max_size=8), st.data())
    @settings(relaxed, max_examples=40)
    def test_two_swapped_rows_are_noticed(self, engine: Engine, rows: list[Row], data: st.DataObject) -> None:
        i, j = data.draw(st.tuples(st.integers(0, len(rows) - 1), st.integers(0, len(rows) - 1)))
        swapped = list(rows)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        same = list(map(exact, rows)) == list(map(exact, swapped))
        assert (fingerprint(engine, rows, SEQUENCE) == fingerprint(engine, swapped, SEQUENCE)) == same

    def test_the_number_of_files_and_row_groups_does_not_matter(self, engine: Engine, tmp_path: Path) -> None:
        query = "select range as i, 'row ' || range as s from range({}, {})"
        one = write(engine, tmp_path / "one.parquet", query.format(0, 500_000))
        small = write(engine, tmp_path / "groups.parquet", query.format(0, 500_000), ", row_group_size 5000")
        cuts = [0, 1, 1000, 1000, 250_000, 499_999, 500_000]
        parts = []
        for n, (start, end) in enumerate(itertools.pairwise(cuts)):
            parts.append(tmp_path / f"part{n}.parquet")
            write(engine, parts[-1], query.format(start, end))
        several = version(engine, *parts)
        for footprint in (SEQUENCE, Footprint(("i",), "i % 3 = 1", ordered=True), BAG):
            expected = compute(engine, one, footprint)
            assert compute(engine, small, footprint) == expected
            for keeps_order in ("true", "false"):
                engine.execute(f"set preserve_insertion_order = {keeps_order}")
                assert compute(engine, several, footprint) == expected

    def test_files_in_another_order_are_noticed_where_order_matters(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        a, b = tmp_path / "a.parquet", tmp_path / "b.parquet"
        write(engine, a, "select 1 as i")
        write(engine, b, "select 2 as i")
        there, back = version(engine, a, b), version(engine, b, a)
        assert compute(engine, there, BAG) == compute(engine, back, BAG)
        assert compute(engine, there, SEQUENCE) != compute(engine, back, SEQUENCE)

    def test_a_column_named_like_the_row_number_is_only_a_column(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        up = write(engine, tmp_path / "a.parquet", "select range as i, 7 as file_row_number from range(9)")
        down = write(
            engine, tmp_path / "b.parquet", "select 8 - range as i, 7 as file_row_number from range(9)"
        )
        assert compute(engine, up, SEQUENCE) != compute(engine, down, SEQUENCE)


class TestFootprint:
    def test_a_column_outside_the_footprint_changes_nothing(self, engine: Engine) -> None:
        narrow = Footprint(("m", "n"), None, ordered=False)
        assert fingerprint(engine, [(1, "a", 1.0, 2)], narrow) == fingerprint(
            engine, [(1, "b", 2.0, 2)], narrow
        )

    def test_rows_that_the_predicate_excludes_change_nothing(self, engine: Engine) -> None:
        for ordered in (False, True):
            some = Footprint(("n", "s"), "n > 0", ordered)
            rows: list[Row] = [(1, "a", None, None), (2, "b", None, None)]
            with_more: list[Row] = [(0, "x", None, None), rows[0], (None, "y", None, None), rows[1]]
            assert fingerprint(engine, rows, some) == fingerprint(engine, with_more, some)

    def test_no_columns_means_the_number_of_rows(self, engine: Engine, tmp_path: Path) -> None:
        count = Footprint((), None, ordered=False)
        a = write(engine, tmp_path / "a.parquet", "select range as i from range(5)")
        b = write(engine, tmp_path / "b.parquet", "select 1 as i, 2 as j from range(5)")
        c = write(engine, tmp_path / "c.parquet", "select 1 as i from range(6)")
        known = Located("v", b.schema, 5, 0, ("/nowhere",))
        assert compute(engine, a, count) == compute(engine, b, count) == compute(engine, known, count)
        assert compute(engine, a, count) != compute(engine, c, count)

    def test_many_footprints_in_one_pass_give_what_each_gives_alone(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        v = write(
            engine, tmp_path / "a.parquet", "select range % 7 as a, range::varchar as b from range(1000)"
        )
        asked = [
            BAG, SEQUENCE, Footprint(("a",), None, ordered=False), Footprint(("b",), "a > 3", ordered=False),
            Footprint(("b",), "a > 3", ordered=True), Footprint(("a",), "b like '1%' -- ones", ordered=False),
            Footprint((), None, ordered=False), Footprint((), "a = 1", ordered=False), Footprint(("nope",), None),
        ]  # fmt: skip
        together = Fingerprinter(engine.cursor).compute(v, asked)
        assert together == {one: compute(engine, v, one) for one in asked}
        assert len(set(together.values())) == len(asked)
        only_filtered = [one for one in asked if one.predicate is not None]
        assert Fingerprinter(engine.cursor).compute(v, only_filtered) == {
            k: together[k] for k in only_filtered
        }

    def test_the_name_and_the_type_are_part_of_it(self, engine: Engine, tmp_path: Path) -> None:
        versions = [
            write(engine, tmp_path / f"{n}.parquet", f"select {query}")
            for n, query in enumerate(
                ["1 as i", "1 as j", "1::bigint as i", "1::utinyint as i", "1 as i, 1 as j", "true as i"]
            )
        ]
        assert len({compute(engine, v, BAG) for v in versions}) == len(versions)

    def test_a_predicate_that_fails_on_the_data_widens(self, engine: Engine, tmp_path: Path) -> None:
        failing = Footprint(("s",), "s::integer > 0", ordered=False)
        good = write(engine, tmp_path / "good.parquet", "select unnest(['1', '2']) as s")
        bad = write(engine, tmp_path / "bad.parquet", "select unnest(['1', 'x']) as s")
        worse = write(engine, tmp_path / "worse.parquet", "select unnest(['1', 'y']) as s")
        seen = [compute(engine, v, failing) for v in (good, bad, worse)]
        assert len(set(seen)) == 3
        other = Footprint(("s",), None, ordered=False)
        assert Fingerprinter(engine.cursor).compute(bad, [failing, other])[failing] == seen[1]

    def test_a_predicate_means_the_type_that_was_computed(self, engine: Engine, tmp_path: Path) -> None:
        kind = "ENUM('small', 'big')"
        path = tmp_path / "sizes.parquet"
        engine.execute(f"copy (select unnest(['small', 'big', 'big']) as size) to '{path}' (format parquet)")
        v = Located("v", (Column("size", kind), Column("n", "HUGEINT")), None, 0, (str(path),))
        engine.execute(
            f"copy (select unnest(['small', 'big', 'big']) as size, 5::decimal(38,0) as n) "
            f"to '{path}' (format parquet)"
        )
        bigger = Footprint(("size",), f"size > 'small'::{kind}", ordered=False)
        assert compute(engine, v, bigger).startswith("2:")
        assert compute(engine, v, Footprint(("size",), "n + 1 = 6", ordered=True)).startswith("3:")
        assert compute(engine, v, SEQUENCE).startswith("3:")

    def test_the_names_of_folders_are_no_columns(self, engine: Engine, tmp_path: Path) -> None:
        for year in (2023, 2024):
            (tmp_path / f"year={year}").mkdir()
            target = f"{tmp_path}/year={year}/x.parquet"
            engine.execute(f"copy (select 7 as year) to '{target}' (format parquet)")
        seen = {
            compute(engine, version(engine, tmp_path / f"year={y}" / "x.parquet"), BAG) for y in (2023, 2024)
        }
        assert len(seen) == 1

    def test_a_file_asset_is_its_bytes(self, engine: Engine) -> None:
        model = Located("abc", (), None, 10, ("/nowhere/model.pkl",))
        other = Located("abd", (), None, 10, ("/nowhere/model.pkl",))
        assert compute(engine, model, SEQUENCE) == compute(engine, model, SEQUENCE)
        assert compute(engine, model, SEQUENCE) != compute(engine, other, SEQUENCE)

    def test_no_files_are_no_rows(self, engine: Engine) -> None:
        empty = Located("v", SCHEMA, None, 0, ())
        assert compute(engine, empty, BAG).startswith("0:")
        assert compute(engine, empty, SEQUENCE).startswith("0:")


class TestFiles:
    @pytest.mark.parametrize("name", ["a[1]", "b*", "c?", "it's", "{a,b}", "x=1", "ünï", "back\\slash", " "])
    def test_names_are_names(self, engine: Engine, tmp_path: Path, name: str) -> None:
        engine.execute(f"copy (select 'decoy' as v) to '{tmp_path}/a1.parquet' (format parquet)")
        path = tmp_path / f"{name}.parquet"
        engine.execute(
            f"copy (select 'real' as v) to '{str(path).replace(chr(39), chr(39) * 2)}' (format parquet)"
        )
        found = compute(engine, Located("v", (Column("v", "VARCHAR"),), None, 0, (str(path),)), BAG)
        expected = write(engine, tmp_path / "plain.parquet", "select 'real' as v")
        assert found == compute(engine, expected, BAG)

    @pytest.mark.parametrize("name", ['a"b', "select", "A b", "né", "x;drop"])
    def test_column_names_are_names(self, engine: Engine, tmp_path: Path, name: str) -> None:
        quoted = '"' + name.replace('"', '""') + '"'
        v = write(engine, tmp_path / "a.parquet", f"select 1 as {quoted}")
        assert compute(engine, v, Footprint((name,), f"{quoted} = 1", ordered=True)).startswith("1:")

    def test_a_missing_or_damaged_file_is_explained(self, engine: Engine, tmp_path: Path) -> None:
        gone = Located("v", (Column("i", "INTEGER"),), None, 0, (str(tmp_path / "gone.parquet"),))
        for footprint in (BAG, Footprint(("i",), "i > 0", ordered=False)):
            with pytest.raises(StoreError, match=r"gone\.parquet"):
                compute(engine, gone, footprint)
        (tmp_path / "gone.parquet").write_bytes(b"PAR1 nonsense PAR1")
        with pytest.raises(StoreError, match=r"can't read the content"):
            compute(engine, gone, BAG)


def test_the_algorithm_names_the_engine() -> None:
    assert algorithm().endswith(f"duckdb-{duckdb.__version__}")


@pytest.mark.parametrize("ordered", [False, True])
def test_a_filter_lets_nan_in_though_the_bounds_in_the_file_do_not_tell_of_it(
    engine: Engine, tmp_path: Path, ordered: bool
) -> None:
    """NaN is above all numbers; Arrow leaves it out of a column's bounds, and DuckDB goes by them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def of(values: list[float | None]) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
        pq.write_table(pa.table({"x": pa.array(values, pa.float64())}), path)
        asked = Footprint(("x",), '"x" > 5', ordered)
        found = Fingerprinter(engine.cursor).compute(version(engine, path), [asked])
        # Beside others, which read all rows: in one pass, and with the same result.
        several = [asked, Footprint(("x",), '"x" > 5', False), SEQUENCE, BAG]
        assert Fingerprinter(engine.cursor).compute(version(engine, path), several)[asked] == found[asked]
        return found[asked]

    assert of([1.5, None]) == of([2.5]) != of([1.5, float("nan")])
    assert of([1.5, float("nan"), 7.0]) == of([float("nan"), None, 7.0, 3.0])
    assert (of([6.0, 1.0, 7.0]) == of([7.0, 6.0])) is not ordered


def test_the_order_counts_of_a_table_whose_only_column_is_called_like_the_number_of_a_row(
    engine: Engine, tmp_path: Path
) -> None:
    up, down = (
        write(engine, tmp_path / f"{name}.parquet", f"select unnest({values}) as File_Row_Number")
        for name, values in (("up", [3, 4]), ("down", [4, 3]))
    )
    assert compute(engine, up, SEQUENCE) != compute(engine, down, SEQUENCE)
    assert compute(engine, up, BAG) == compute(engine, down, BAG)
