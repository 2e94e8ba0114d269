"""Upstreams as Parquet files, and recipes run over them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from upriver.lineage.model import Analysis, Footprint
from upriver.lineage.polars.dtypes import schema_of
from upriver.lineage.polars.observe import Recorder, observed_scan
from upriver.lineage.polars.plan_lineage import analyze_lazyframe

Recipe = Callable[[pl.LazyFrame, pl.LazyFrame], pl.LazyFrame]


class Ran(NamedTuple):
    """A recipe run as an asset: what it made, what its plan says, what was read."""

    result: pl.DataFrame
    analysis: Analysis
    footprints: dict[str, Footprint]


class Runner:
    """Runs recipes over tables ``flights`` and ``carriers``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._files: dict[int, tuple[pl.DataFrame, str]] = {}

    def file(self, table: pl.DataFrame) -> str:
        """*table* as a Parquet file."""
        if id(table) not in self._files:
            self._files[id(table)] = (table, self._write(table))
        return self._files[id(table)][1]

    def _write(self, table: pl.DataFrame) -> str:
        self._count += 1
        path = self._folder / f"t{self._count}.parquet"
        table.write_parquet(path)
        return str(path)

    def run(
        self, recipe: Recipe, flights: pl.DataFrame, carriers: pl.DataFrame, engine: str = "streaming"
    ) -> Ran:
        """*recipe* over these tables."""
        tables = {"flights": flights, "carriers": carriers}
        recorders = {key: Recorder(key) for key in tables}
        frames = [
            observed_scan([self.file(table)], recorders[key], schema_of(table.schema))
            for key, table in tables.items()
        ]
        frame = recipe(*frames)
        analysis = analyze_lazyframe(frame, recorders)
        result = frame.collect(engine=engine)  # type: ignore[call-overload]
        return Ran(result, analysis, {key: r.footprint() for key, r in recorders.items()})


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Runs recipes over Parquet files in a folder of this test."""
    return Runner(tmp_path)
