"""Pandas frames survive from recipe to recipe, and what a table can't hold is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.heavy import reason
from tests.materializer.execution.local.test_types_survive import received, recorded

from upriver.assets.errors import AssetError
from upriver.assets.model import Frame
from upriver.materializer.execution.local.frames import write

pytest.importorskip("pandas", reason=reason("science"))

import pandas as pd

pytestmark = pytest.mark.science


def stored(frame: pd.DataFrame, tmp_path: Path) -> pl.DataFrame:
    target = tmp_path / "t.parquet"
    write(frame, target, file_asset=False)
    return pl.read_parquet(target)


def test_a_named_index_becomes_columns(tmp_path: Path) -> None:
    """The key of a group is not lost."""
    frame = pd.DataFrame({"name": ["a", "b", "a"], "kind": [1, 1, 2], "v": [1, 2, 3]})
    one = stored(frame.groupby("name")["v"].sum().to_frame(), tmp_path)
    assert one.rows() == [("a", 4), ("b", 2)]
    assert one.columns == ["name", "v"]
    two = stored(frame.groupby(["name", "kind"])[["v"]].sum(), tmp_path)
    assert two.columns == ["name", "kind", "v"]


def test_an_index_that_only_counts_goes(tmp_path: Path) -> None:
    """Also what is left of it after a filter."""
    frame = pd.DataFrame({"v": [1, 2, 3]})
    assert stored(frame, tmp_path).columns == ["v"]
    assert stored(frame[frame.v > 1], tmp_path).rows() == [(2,), (3,)]


PANDAS: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "periods": (
        lambda: pd.DataFrame({"p": pd.period_range("2024-01", periods=2, freq="M")}),
        "'p' has the type period",
    ),
    "intervals": (lambda: pd.DataFrame({"i": pd.interval_range(0, 2)}), "'i' has the type interval"),
    "sparse": (lambda: pd.DataFrame({"s": pd.arrays.SparseArray([0, 1])}), "'s' has the type Sparse"),
    "complex": (lambda: pd.DataFrame({"c": [1j]}), "'c' has the type complex"),
    "levels": (lambda: pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "have 2 levels"),
    "numbers as names": (lambda: pd.DataFrame([[1]]), "the column 0 is not named by text"),
    "one name twice": (lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), "2 columns are called 'a'"),
    "mixed": (lambda: pd.DataFrame({"m": [1, "x"]}, dtype=object), "column m"),
    "an index without a name": (lambda: pd.DataFrame({"v": [1]}, index=["x"]), "has no name"),
    "an index named as a column": (
        lambda: pd.DataFrame({"v": [1]}, index=pd.Index([1], name="v")),
        "both called 'v'",
    ),
}


@pytest.mark.parametrize("case", PANDAS)
def test_what_pandas_holds_and_a_table_does_not_is_refused_by_name(case: str, tmp_path: Path) -> None:
    """Not written as something else."""
    made, told = PANDAS[case]
    with pytest.raises(AssetError) as caught:
        write(made(), tmp_path / "t.parquet", file_asset=False)
    assert told in str(caught.value)


def test_a_pandas_frame_is_received_as_it_was_returned(tmp_path: Path) -> None:
    """With its zones, its categories and their order, and numbers that may be missing."""
    frame = pd.DataFrame(
        {
            "z": pd.to_datetime(["2024-07-01 12:00"]).tz_localize("Europe/Paris"),
            "c": pd.Categorical(["M"], ["S", "M"], ordered=True),
            "i": pd.array([None], "Int64"),
            "d": pd.to_timedelta(["5s"]),
            "s": pd.array(["x"], "string"),
        }
    )
    target = tmp_path / "t.parquet"
    schema = recorded(target, write(frame, target, file_asset=False))
    again = received(target, schema, Frame.PANDAS)
    assert list(again.c.cat.categories) == ["S", "M"]
    assert again.c.cat.ordered
    assert dict(again.dtypes.astype(str)) == dict(frame.dtypes.astype(str))
    assert again.z[0] == frame.z[0]
