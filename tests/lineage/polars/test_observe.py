"""Traps of observing: what must widen a footprint, and what must not be lost."""

from __future__ import annotations

import pickle
from pathlib import Path

import polars as pl
import pytest
from polars import col as c

from upriver.assets.errors import AssetError
from upriver.assets.model import Column
from upriver.lineage.model import Footprint
from upriver.lineage.polars.dtypes import schema_of
from upriver.lineage.polars.observe import Recorder, observed_scan
from upriver.lineage.polars.plan_lineage import analyze_lazyframe

TABLE = pl.DataFrame({"a": [3, 1, 2], "b": [1.0, None, 3.0], "s": ["x", "y", "x"]})


class Upstream:
    """A table with its recorder."""

    def __init__(self, folder: Path, table: pl.DataFrame = TABLE, key: str = "up") -> None:
        path = folder / f"{key}[1]*.parquet"  # a name that a glob would take apart
        table.write_parquet(path)
        self.recorder = Recorder(key)
        self.frame = observed_scan([str(path)], self.recorder, schema_of(table.schema))

    def finish(self, frame: pl.LazyFrame) -> Footprint:
        """Analyse and collect *frame*, as the engine does, and return what was read."""
        analyze_lazyframe(frame, {self.recorder.key: self.recorder})
        frame.collect()
        return self.recorder.footprint()


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path)


def test_asking_for_the_schema_is_no_read(up: Upstream) -> None:
    up.frame.collect_schema()
    assert up.recorder.reads == []
    assert up.recorder.footprint() == Footprint((), "false", False)


def test_a_frame_that_is_never_read_reads_nothing(up: Upstream) -> None:
    assert up.finish(pl.LazyFrame({"z": [1]})) == Footprint((), "false", False)


def test_no_rows_are_no_read(up: Upstream) -> None:
    assert up.finish(up.frame.head(0)) == Footprint((), "false", False)


def test_several_reads_are_read_together(up: Upstream) -> None:
    one, other = (
        up.frame.filter(c.a > 1).select("a"),
        up.frame.filter(c.s == "x").select(a=c.b.cast(pl.Int64)),
    )
    assert up.finish(pl.concat([one, other])) == Footprint(
        ("a", "b", "s"), '(("a" > CAST(1 AS BIGINT))) OR (("s" = \'x\'))', False
    )


def test_a_read_of_all_rows_beside_a_filtered_one_reads_all_rows(up: Upstream) -> None:
    frame = pl.concat([up.frame.filter(c.a > 1).select("a"), up.frame.select("a")])
    assert up.finish(frame) == Footprint(("a",), None, False)


def test_a_read_inside_the_function_is_ordered_and_what_becomes_of_it_opaque(up: Upstream) -> None:
    most = up.frame.select(c.a.max()).collect().item()
    frame = up.frame.filter(c.a == most).select("s")
    analysis = analyze_lazyframe(frame, {"up": up.recorder})
    assert [o.upstream for o in analysis.opaque] == ["up"]
    assert analysis.binding == ""
    frame.collect()
    assert up.recorder.footprint() == Footprint(("a", "s"), None, True)


def test_a_result_that_is_no_plan_is_ordered(up: Upstream) -> None:
    up.frame.select("a").collect()
    assert up.recorder.footprint() == Footprint(("a",), None, True)


def test_python_over_whole_frames_reads_all_columns(up: Upstream) -> None:
    footprint = up.finish(up.frame.map_batches(lambda d: d.reverse()))
    assert footprint == Footprint(None, None, True)


def test_a_read_by_a_function_inside_the_plan_is_seen(up: Upstream, tmp_path: Path) -> None:
    other = Upstream(tmp_path, key="other")

    def look_up(value: int) -> int:
        return int(other.frame.filter(c.a == value).select(c.b.fill_null(0)).collect().item())

    frame = up.frame.select(c.a.map_elements(look_up, return_dtype=pl.Int64))
    analysis = analyze_lazyframe(frame, {"up": up.recorder, "other": other.recorder})
    frame.collect(engine="in-memory")
    assert [o.upstream for o in analysis.opaque] == ["other"]
    assert up.recorder.footprint() == Footprint(("a",), None, True)
    footprint = other.recorder.footprint()
    assert footprint.columns == ("a", "b")
    assert footprint.ordered


def test_counting_reads_no_column(up: Upstream) -> None:
    assert up.finish(up.frame.select(pl.len())) == Footprint((), None, False)


def test_counting_what_passes_a_filter_reads_the_filter(up: Upstream) -> None:
    footprint = up.finish(up.frame.filter(c.a > 1).select(pl.len()))
    assert footprint == Footprint(("a",), '("a" > CAST(1 AS BIGINT))', False)


def test_a_selection_of_no_column_keeps_the_rows(up: Upstream) -> None:
    assert up.frame.with_row_index("nr").select("nr").collect()["nr"].to_list() == [0, 1, 2]
    assert up.frame.filter(c.a > 1).with_row_index("nr").select("nr").collect().height == 2


def test_a_promised_order_is_read(up: Upstream) -> None:
    frame = up.frame.select("a")
    analyze_lazyframe(frame, {"up": up.recorder}, order_promised=True)
    frame.collect()
    assert up.recorder.footprint() == Footprint(("a",), None, True)


def test_a_promised_order_that_a_sort_makes_is_not_read(up: Upstream) -> None:
    frame = up.frame.group_by("s").agg(c.a.sum()).sort("s")
    analyze_lazyframe(frame, {"up": up.recorder}, order_promised=True)
    frame.collect()
    assert up.recorder.footprint().ordered is False


def test_a_plan_that_fails_leaves_the_footprint_wide(up: Upstream) -> None:
    analysis = analyze_lazyframe(up.frame.select("missing"), {"up": up.recorder})
    assert analysis.schema is None
    assert "missing" in analysis.opaque[0].cause


def test_a_file_that_the_recipe_reads_by_itself_is_named(up: Upstream, tmp_path: Path) -> None:
    TABLE.write_parquet(tmp_path / "own.parquet")
    frame = up.frame.join(pl.scan_parquet(tmp_path / "own.parquet"), on="a")
    analysis = analyze_lazyframe(frame, {"up": up.recorder})
    assert "own.parquet by itself" in analysis.opaque[0].cause


def test_a_frame_cannot_be_taken_to_another_process(up: Upstream) -> None:
    from upriver.lineage.polars.observe import ObservedSource

    with pytest.raises(AssetError, match="another process"):
        pickle.dumps(ObservedSource((), up.recorder, ()))


def test_files_without_rows_and_no_files_at_all_are_empty_tables(tmp_path: Path) -> None:
    empty = Upstream(tmp_path, TABLE.clear(), "empty")
    assert empty.frame.collect().equals(TABLE.clear())
    none = observed_scan([], Recorder("none"), schema_of(TABLE.schema))
    assert none.filter(c.a > 1).select("s").collect().shape == (0, 1)


def test_several_files_are_one_table(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{n}.parquet") for n in range(3)]
    for path in paths:
        TABLE.write_parquet(path)
    recorder = Recorder("up")
    frame = observed_scan(paths, recorder, schema_of(TABLE.schema))
    assert frame.collect().equals(pl.concat([TABLE] * 3))
    assert recorder.footprint().columns is None


def test_a_type_that_polars_cannot_read_is_refused_in_words() -> None:
    with pytest.raises(AssetError, match=r"'v' of type VARIANT.*pa\.Table"):
        observed_scan([], Recorder("up"), (Column("v", "VARIANT"),))


def test_many_rows_come_in_batches(tmp_path: Path) -> None:
    table = pl.DataFrame({"n": range(600_000)})
    up = Upstream(tmp_path, table)
    source = up.frame
    assert source.select(c.n.sum()).collect().item() == sum(range(600_000))
    assert up.finish(source.filter(c.n >= 599_990).select("n")).predicate is None  # an earlier read had none
    assert up.recorder.reads[-1].predicate == '("n" >= CAST(599990 AS BIGINT))'
