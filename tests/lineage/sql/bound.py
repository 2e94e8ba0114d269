"""A case that is bound and filled, and what must hold for it when its data are changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import duckdb
from tests.lineage.sql.cases import Case, data_of, schemas
from tests.lineage.sql.oracle import Result, World, changed_columns, unread_columns

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Column, Key
from upriver.lineage.model import Analysis
from upriver.lineage.sql.names import quote, relation_name
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.binder import Binder

WAYS = (0, 2)
"""How columns are changed: at random, and all values moved by a row."""


@dataclass(frozen=True)
class Check:
    """A change of the data, and the positions of the output columns that it may change; None: none, not even by an
    error."""

    about: tuple[object, ...]
    change: Callable[[], None]
    may_change: frozenset[int] | None = None


@dataclass
class Bound:
    """A case with what was found out about it, and its data."""

    case: Case
    query: Query
    analysis: Analysis
    world: World
    result: Result

    def check(self, at_most: int | None = None) -> int:
        """Make all checks, or *at_most* so many of them, by chance. Returns how many gave a result to compare."""
        self.check_that_lineage_leads_to_what_is_read()
        checks = [*self.of_columns(), *self.of_unread_columns(), *self.of_rows()]
        if at_most is not None and at_most < len(checks):
            checks = self.world.rng.sample(checks, at_most)
        compared = 0
        for check in checks:
            with self.world.changed():
                check.change()
                after = self.world.result()
            if check.may_change is None:
                assert after == self.result, check.about
            elif isinstance(after, str):
                continue  # an error is no value of a column
            else:
                assert changed_columns(self.result, after) <= check.may_change, check.about
            compared += 1
        return compared

    def check_that_lineage_leads_to_what_is_read(self) -> None:
        """What a change of makes the query stale, has an edge: each upstream, and each column in a footprint."""
        edges = {(edge.upstream, edge.upstream_column) for edge in self.analysis.edges}
        unread = set(unread_columns(self.world, self.analysis.footprints))
        for key, _ in self.analysis.footprints:
            assert key in {upstream for upstream, _ in edges}, key
            read = {column.name for column in self.world.schemas[key] if (key, column) not in unread}
            assert read <= {name for upstream, name in edges if upstream == key}, key

    def of_columns(self) -> Iterator[Check]:
        """Change columns one by one that are said to bear on some output columns only, or on none though read."""
        schema = self.analysis.schema
        assert schema is not None
        unread = set(unread_columns(self.world, self.analysis.footprints))
        for key in self.world.keys:
            for column in self.world.schemas[key]:
                claimed = frozenset(
                    i for e in self.analysis.edges if (e.upstream, e.upstream_column) == (key, column.name)
                    for i, output in enumerate(schema) if output.name == e.column
                )  # fmt: skip
                if len(claimed) < len(schema) and (claimed or (key, column) not in unread):
                    for how in WAYS:
                        change = partial(self.world.change_columns, key, [column], how)
                        yield Check((key, column.name, how), change, claimed)

    def of_unread_columns(self) -> Iterator[Check]:
        """Change all columns at once that are said to be read by nobody."""
        unread = unread_columns(self.world, self.analysis.footprints)
        for how in WAYS if unread else ():
            yield Check(("unread", *unread), partial(self._change_all, unread, how))

    def _change_all(self, columns: list[tuple[Key, Column]], how: int) -> None:
        for key in self.world.keys:
            self.world.change_columns(key, [c for k, c in columns if k == key], how)

    def of_rows(self) -> Iterator[Check]:
        """Replace the rows that the filters exclude; move values within what they take; shuffle what has no order."""
        footprints = dict(self.analysis.footprints)
        for key in self.world.keys:
            if key not in footprints:
                yield Check(("not read", key), partial(self.world.replace_rows, key, "false"))
        for one in self.analysis.key_filters:
            keys = f"select {quote(one.by_column)} from {relation_name(one.by)}"
            nulls = f" or {one.operand} is null" if one.nulls else ""
            predicate = (
                f"({footprints[one.upstream].predicate or 'true'}) and ({one.operand} in ({keys}){nulls})"
            )
            yield Check(("keys", one), partial(self.world.replace_rows, one.upstream, predicate))
        for key, footprint in self.analysis.footprints:
            if footprint.predicate is not None:
                yield Check(("rows", footprint), partial(self.world.replace_rows, key, footprint.predicate))
                for column in self.world.schemas[key]:
                    if footprint.columns is None or column.name in footprint.columns:
                        continue
                    if quote(column.name) in footprint.predicate:
                        change = partial(self.world.change_filtered, key, column, footprint.predicate)
                        yield Check(("filtered", footprint, column), change)
            if not footprint.ordered:
                yield Check(("order", key, footprint), partial(self.world.shuffle, key))


def bind(
    case: Case,
    binder: Binder,
    database: duckdb.DuckDBPyConnection,
    seed: int | None = None,
    columns: int | None = None,
) -> Bound:
    """Parse, bind and fill, with the seed that is noted for the case unless another is given.

    Where *columns* is given, tables only have the columns that the query names, and so many of the others.
    """
    query = parse_query(case.sql)
    assert isinstance(query, Query), query
    tables, keys = schemas(case.suite), query.keys()
    if columns is not None:
        tables = {key: case.narrowed(tables[key], columns) for key in keys}
    analysis = binder.analyze(query, tables)
    assert not isinstance(analysis, Diagnosis), analysis
    data = data_of(case)
    world = World(
        database,
        query,
        tables,
        data.seed if seed is None else seed,
        aimed=case.suite != "house",
        pins=data.pins,
        rounded=case.suite == "tpcds",
    )
    return Bound(case, query, analysis, world, world.result())
