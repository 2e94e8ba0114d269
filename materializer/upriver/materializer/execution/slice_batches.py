"""Batches of slices: many slices made by one query over the rows that they read, written sorted by key.

The query is the asset's own. Its upstreams are restricted by ranges of their own columns, and what comes out by its
key. A batch that fails is halved until the slices are found that fail by themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from upriver.assets.model import Asset, Key, Schema
from upriver.lineage.model import Slicing
from upriver.lineage.partitions.keys import kept_rows, key_of_row, order_of_rows
from upriver.lineage.partitions.ranges import rows_of, runs, within
from upriver.lineage.sql.names import quote, relation_name
from upriver.lineage.sql.parse.query import Query
from upriver.materializer.execution.segments import Batch
from upriver.materializer.freshness.slices import SlicePlan
from upriver.materializer.ports import Engine, Store

if TYPE_CHECKING:
    from upriver.assets.project.config import Scalar

MOST_TRIES = 200
"""So many queries are spent on finding the slices that fail; the slices of what is left then count as failed."""

_ROWS = 20_000_000
"""Rows of input of a batch, about."""

_number = itertools.count()


def output_key(asset: Asset, slicing: Slicing, schema: Schema) -> str:
    """The SQL for the key of a row of the result, over the columns of *schema*."""
    assert asset.partition is not None
    return key_of_row(asset.partition.dimensions, slicing.types, output_columns(asset, schema))


def output_order(asset: Asset, slicing: Slicing, schema: Schema) -> str:
    """What the rows of the result are sorted by, over the columns of *schema*."""
    assert asset.partition is not None
    return order_of_rows(asset.partition.dimensions, slicing.types, output_columns(asset, schema))


def output_columns(asset: Asset, schema: Schema) -> list[str]:
    """The columns that cut the result into slices, quoted."""
    assert asset.partition is not None
    names = {column.name.casefold(): column.name for column in schema}
    return [quote(names[one.casefold()]) for one in asset.partition.columns]


@dataclass
class Made:
    """What batches have given: their files, what they took of memory at most, and the slices that failed, with why."""

    batches: list[Batch] = field(default_factory=list)
    peak: int | None = None
    failed: dict[str, str] = field(default_factory=dict)
    first_error: Exception | None = None


class BatchRunner:
    """Runs the query of one asset over some of its slices. *guard* runs a query under the attempt's deadline, and says
    of an error whether it is the query's own.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        asset: Asset,
        query: Query,
        schema: Schema,
        plan: SlicePlan,
        variables: Mapping[str, Scalar],
        guard: Callable[[Callable[[], None]], None],
        says: Callable[[Exception], str | None],
        most: int | None = None,
    ) -> None:
        self._engine = engine
        self._store = store
        self._asset = asset
        self._query = query
        self._schema = schema
        self._plan = plan
        self._variables = variables
        self._guard = guard
        self._says = says
        self._most = most
        self._tries = 0
        self._key = output_key(asset, plan.recipe.slicing, schema)
        self._order = output_order(asset, plan.recipe.slicing, schema)

    def run(self, wanted: Sequence[str]) -> Made:
        """Make the slices *wanted*, sorted."""
        made = Made()
        if self._plan.whole is not None:
            made.batches.append(self._one(self._plan.keys, made))
            return made
        for keys in self._batches(wanted):
            self._make(keys, made)
        return made

    def _batches(self, wanted: Sequence[str]) -> Iterator[Sequence[str]]:
        """Neighbouring slices together, as many as have few enough rows to read."""
        if not wanted:
            if not self._plan.keys:  # no rows at all: the columns have to be there nevertheless
                yield wanted
            return
        rows: dict[str, int] = {}
        for table in self._plan.tables.values():
            for key, sums in table.items():
                rows[key] = rows.get(key, 0) + sums[0]
        batch: list[str] = []
        taken = 0
        for key in wanted:
            if batch and (taken + rows.get(key, 0) > _ROWS or len(batch) == self._most):
                yield batch
                batch, taken = [], 0
            batch.append(key)
            taken += rows.get(key, 0)
        yield batch

    def _make(self, keys: Sequence[str], made: Made) -> None:
        try:
            made.batches.append(self._one(keys, made))
        except Exception as error:
            message = self._says(error)
            if message is None or not keys:
                raise
            made.first_error = made.first_error or error
            if len(keys) == 1 or self._tries >= MOST_TRIES:
                made.failed.update(dict.fromkeys(keys, message))
                return
            half = len(keys) // 2
            self._make(keys[:half], made)
            self._make(keys[half:], made)

    def _one(self, keys: Sequence[str], made: Made) -> Batch:
        self._tries += 1
        path = self._store.reserve(".parquet")
        views: list[str] = []
        everything = len(keys) == len(self._plan.keys)
        try:
            text = self._text(keys, views, everything=everything)
            conditions = [] if everything else [within(self._key, runs(self._plan.keys, keys))]
            if (kept := self._kept()) is not None:
                conditions.append(kept)
            condition = f" where {' and '.join(conditions)}" if conditions else ""
            columns = ", ".join(quote(column.name) for column in self._schema)
            statement = f'select * from (\n{text}\n) as "slices"({columns}){condition} order by {self._order}'

            def write() -> None:
                written = self._engine.write(
                    statement, path, self._schema, self._variables, measured=everything or len(keys) > 1
                )
                peaks = [one for one in (written.peak_memory, made.peak) if one is not None]
                made.peak = max(peaks, default=None)

            self._guard(write)
        except BaseException:
            Path(path).unlink(missing_ok=True)
            raise
        finally:
            for view in views:
                self._engine.drop_view(view)
        return Batch(path, path.stat().st_size)

    def _kept(self) -> str | None:
        recipe = self._plan.recipe
        values = output_columns(self._asset, self._schema)
        return kept_rows(recipe.partition.dimensions, recipe.slicing.types, values, recipe.since)

    def _text(self, keys: Sequence[str], views: list[str], *, everything: bool) -> str:
        slicing = self._plan.recipe.slicing
        reads = {} if everything else {one.upstream: one for one in slicing.reads}
        relations: dict[Key, str] = {}
        for key, read in reads.items():
            condition = rows_of(read, self._plan.recipe.partition, slicing.types, self._plan.keys, keys)
            if condition is not None:
                name = quote(f"upriver slices {next(_number)}")
                self._engine.create_view(name, f"select * from {relation_name(key)} where {condition}")
                views.append(name)
                relations[key] = name
        return self._query.bound_text(lambda key: relations.get(key) or relation_name(key))
