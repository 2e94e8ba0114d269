"""How much of the lineage that is told shows, and whether anything shows that is not told.

Each case of the tests is run on small adversarial data, then again with one column of an upstream changed, in
the ways of the tests' oracles: what comes out otherwise is a dependency observed. A dependency told that never
shows counts against precision here, also where it is real and this data is too small to show it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import duckdb
from tests.lineage.polars.conftest import Runner
from tests.lineage.polars.oracle import observed as observed_of_recipe
from tests.lineage.polars.recipes import RECIPES, carriers, flights
from tests.lineage.sql.cases import Case, cases, schemas
from tests.lineage.sql.oracle import World, changed_columns

from benchmarks.report import Report
from benchmarks.settings import Settings
from upriver.lineage.model import Analysis, EdgeKind
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

Dependency: TypeAlias = tuple[str, str, str]
"""An upstream, its column, a column of the result."""

SUITES = ("house", "tpch")
WAYS = (0, 2)
"""How the oracle changes a column, as in the tests: at random, and all values moved by a row."""


@dataclass
class Tally:
    """Dependencies over all cases of one kind. *value* are those told as values, *told* those and influences."""

    cases: int = 0
    left_out: list[str] = field(default_factory=list)
    observed: int = 0
    told: int = 0
    shown: int = 0
    value: int = 0
    value_shown: int = 0
    missed: list[str] = field(default_factory=list)

    def count(self, case: str, analysis: Analysis, observed: set[Dependency]) -> None:
        """One case more."""
        told = _told(analysis)
        value = _told(analysis, EdgeKind.VALUE)
        self.cases += 1
        self.observed += len(observed)
        self.told += len(told)
        self.shown += len(told & observed)
        self.value += len(value)
        self.value_shown += len(value & observed)
        self.missed += [f"{case}: {'.'.join(one[:2])} in {one[2]}" for one in sorted(observed - told)]


def _told(analysis: Analysis, *kinds: EdgeKind) -> set[Dependency]:
    return {(e.upstream, e.upstream_column, e.column) for e in analysis.edges if not kinds or e.kind in kinds}


def run(settings: Settings) -> Report:
    """All cases once, whatever the scale: they are what they are."""
    with tempfile.TemporaryDirectory(dir=settings.folder) as folder:
        tallies = {"SQL": _sql(), "Polars": _polars(Path(folder))}
    report = Report(
        "lineage_precision",
        "The lineage of each case of the tests, against what comes out otherwise when one column of an upstream is"
        " changed. A dependency is a column of an upstream and a column of the result.",
    )
    for name, tally in tallies.items():
        left_out = f"{len(tally.left_out)} left out, opaque or failing: {', '.join(tally.left_out)}"
        report.add(f"{name}: cases", tally.cases, "", note=left_out if tally.left_out else "")
        report.add(f"{name}: dependencies observed", tally.observed, "")
        report.add(
            f"{name}: observed and not told", len(tally.missed), "", target=0, note="; ".join(tally.missed)
        )
        report.add(f"{name}: told, as value or influence", tally.told, "")
        report.add(f"{name}: of these observed", 100 * tally.shown / tally.told, "%")
        report.add(f"{name}: told as value", tally.value, "")
        report.add(f"{name}: of these observed, as value", 100 * tally.value_shown / tally.value, "%")
    return report


def _sql() -> Tally:
    tally, binder = Tally(), Binder()
    try:
        with duckdb.connect(":memory:", config={"threads": "1"}) as database:
            for case in (case for suite in SUITES for case in cases(suite)):
                query = parse_query(case.sql)
                assert isinstance(query, Query), f"{case}: {query}"
                analysis = binder.analyze(query, schemas(case.suite))
                assert isinstance(analysis, Analysis), f"{case}: {analysis}"
                if analysis.opaque:
                    tally.left_out.append(str(case))
                    continue
                tally.count(str(case), analysis, set(_observed(case, query, analysis, database)))
    finally:
        binder.close()
    return tally


def _observed(
    case: Case, query: Query, analysis: Analysis, database: duckdb.DuckDBPyConnection
) -> Iterator[Dependency]:
    assert analysis.schema is not None
    names = [column.name for column in analysis.schema]
    world = World(database, query, schemas(case.suite), seed=1, aimed=case.suite != "house")
    before = world.result()
    assert not isinstance(before, str), f"{case}: {before}"
    for key in world.keys:
        for column in world.schemas[key]:
            for how in WAYS:
                with world.changed():
                    world.change_columns(key, [column], how)
                    after = world.result()
                if not isinstance(after, str):  # an error is no value of a column
                    yield from ((key, column.name, names[i]) for i in changed_columns(before, after))


def _polars(folder: Path) -> Tally:
    tally, runner = Tally(), Runner(folder)
    for name, recipe in RECIPES.items():
        analysis = runner.run(recipe, flights(), carriers()).analysis
        if analysis.opaque:
            tally.left_out.append(name)
        else:
            tally.count(name, analysis, observed_of_recipe(recipe))
    return tally
