"""The perturbation oracle: fill the inputs, change one thing, run the real query, see what comes out otherwise.

Values come from small domains, with the literals of the query in them, so that joins meet, groups repeat, filters
take some rows and leave some, and ties, duplicates, NULLs, negative numbers and empty strings are common.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import duckdb
from tests.lineage.sql.domain import Values

from upriver.assets.model import Column, Key, Schema
from upriver.lineage.model import Footprints
from upriver.lineage.sql.names import quote, relation_name, relation_parts
from upriver.lineage.sql.parse.query import Query

Bag: TypeAlias = Counter[str]
Result: TypeAlias = tuple[int, tuple[Bag, ...], Bag] | str
"""Rows, the bag of each column's values, the bag of whole rows; or what failed."""
NO_PINS: Mapping[str, tuple[str, ...]] = {}


class World:
    """Tables filled for one query. The next world in the same database takes this one's place.

    For *aimed* and *pins* see ``Values``. Where *rounded*, the last bits of floating point numbers do not count: what
    a filter excludes may turn the order in which the optimizer adds up the rest, which footprints leave aside.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        query: Query,
        schemas: Mapping[Key, Schema],
        seed: int,
        aimed: bool = False,
        pins: Mapping[str, tuple[str, ...]] = NO_PINS,
        rounded: bool = False,
    ) -> None:
        self.rng = random.Random(seed)
        self.keys = query.keys()
        columns = {column for key in self.keys for column in schemas[key]}
        self.values = Values(query.executable, columns, self.rng, aimed, pins)
        self.schemas = schemas
        self.rows = 16 if aimed else 10
        self.rounded = rounded
        self.connection = connection
        self.text = query.bound_text(relation_name)
        self._touched: set[Key] = set()
        for key in self.keys:
            parent, _ = relation_parts(key)
            typed = ", ".join(f"{quote(c.name)} {c.type}" for c in schemas[key])
            self.run(f"create schema if not exists {quote(parent)}")
            self.run(f"create or replace table {relation_name(key)} ({typed})")
            made = [self.row(key) for _ in range(self.rows - 1)]
            made.append(self.rng.choice(made))  # a duplicate
            self.run(f"insert into {relation_name(key)} values {', '.join(made)}")
            self.run(f"create or replace temp table {self._kept(key)} as from {relation_name(key)}")
            self._rewrite(key)
        self._touched.clear()

    def row(self, key: Key) -> str:
        """A random row."""
        return f"({', '.join(self.values.value(column) for column in self.schemas[key])})"

    def run(self, sql: str) -> None:
        """Run a statement for its effect."""
        self.connection.execute(sql)

    def result(self, sql: str | None = None) -> Result:
        """What the query gives now."""
        try:
            rows = self.connection.execute(sql or self.text).fetchall()
        except duckdb.Error as error:
            return f"error: {type(error).__name__}"
        texts = [tuple(_text(value, self.rounded) for value in row) for row in rows]
        columns = tuple(Counter(column) for column in zip(*texts, strict=True))
        return len(rows), columns, Counter(map(repr, texts))

    @contextmanager
    def changed(self) -> Iterator[None]:
        """What is done within is undone after.

        Not by a transaction: in one that has written a table, the optimizer knows its statistics otherwise.
        """
        try:
            yield
        finally:
            for key in self._touched:
                self.run(f"create or replace table {relation_name(key)} as from temp.{self._kept(key)}")
            self._touched.clear()

    def _kept(self, key: Key) -> str:
        return f"kept_{self.keys.index(key)}"

    def change_columns(self, key: Key, columns: Sequence[Column], how: int) -> None:
        """Change values of some columns: some at random, all moved by a row, all NULL, or all alike.

        The table is written anew in its order: an UPDATE of a list moves the row to the end.
        """
        if columns:
            changes = ", ".join(
                f"({self._changed(key, column, how)})::{column.type} as {quote(column.name)}"
                for column in columns
            )
            self._rewrite(key, f"* replace ({changes})")

    def _rewrite(self, key: Key, columns: str = "*") -> None:
        """Write a table anew, always in the same way: its statistics follow, and by them the optimizer's plans."""
        self._touched.add(key)
        self.run(
            f"create or replace table {relation_name(key)} as select {columns} from temp.{self._kept(key)}"
        )

    def _changed(self, key: Key, column: Column, how: int) -> str:
        match how:
            case 0 | 1:
                chance = self.rng.choice((1, 3))
                whens = [
                    f"when {row} then {self.values.value(column)}"
                    for row in range(self.rows)
                    if self.rng.randrange(chance) == 0
                ]
                return f"case rowid {' '.join(whens)} else {quote(column.name)} end" if whens else "NULL"
            case 2:
                kept, name = self._kept(key), quote(column.name)
                rotated = f"select {name} from temp.{kept} o where o.rowid = ({kept}.rowid + 1) % {self.rows}"
                return f"({rotated})"
            case 3:
                return "NULL"
            case _:
                return self.values.present(column)

    def replace_rows(self, key: Key, predicate: str) -> None:
        """Drop the rows for which *predicate* is not true and put other such rows in their place."""
        table = relation_name(key)
        self._touched.add(key)
        self.run(f"create or replace temp table others as from {table} limit 0")
        self.run(f"insert into others values {', '.join(self.row(key) for _ in range(6))}")
        taken = f"from temp.{self._kept(key)} where ({predicate}) is true"
        self.run(
            f"create or replace table {table} as {taken} union all from others where ({predicate}) is not true"
        )

    def change_filtered(self, key: Key, column: Column, predicate: str) -> None:
        """Change a column wherever that leaves it open or shut for *predicate*."""
        table, kept, name = relation_name(key), self._kept(key), quote(column.name)
        changed = f"({self._changed(key, column, 1)})::{column.type}"
        self._touched.add(key)
        self.run(
            f"create or replace temp table others as select * replace ({changed} as {name}) from temp.{kept}"
        )
        taken = f"({predicate}) is true as taken"
        self.run(
            f"create or replace table {table} as "
            f"select k.* replace (case when one.taken = other.taken then other.{name} else k.{name} end as {name}) "
            f"from temp.{kept} k positional join (select {taken} from temp.{kept}) one "
            f"positional join (select {taken}, {name} from temp.others) other"
        )

    def shuffle(self, key: Key) -> None:
        """Put the rows of a table into another order."""
        table = relation_name(key)
        order = self.rng.choice(("rowid desc", "hash(rowid)", f"hash(rowid + {self.rng.randrange(99)})"))
        self._touched.add(key)
        self.run(f"create or replace table {table} as from {table} order by {order}")


def _text(value: Any, rounded: bool) -> str:
    if isinstance(value, float):
        # A negative zero is equal to zero for every reader.
        return repr(0.0 if value == 0 else float(f"{value:.9g}") if rounded else value)
    return repr(value)


def changed_columns(before: Result, after: Result) -> set[int]:
    """The output columns whose values are another bag; all of them when one of the runs failed."""
    if isinstance(before, str) or isinstance(after, str):
        columns = (before if isinstance(after, str) else after)[1]
        return set() if before == after else set(range(len(columns)))
    if not before[0] or not after[0]:
        return set(range(len(before[1] or after[1]))) if before[0] != after[0] else set()
    return {i for i, (one, other) in enumerate(zip(before[1], after[1], strict=True)) if one != other}


def unread_columns(world: World, footprints: Footprints) -> list[tuple[Key, Column]]:
    """The columns that the footprints say nobody reads, not even to choose rows."""
    unread = []
    for key, footprint in footprints:
        for column in world.schemas[key]:
            read = footprint.columns is None or column.name in footprint.columns
            if not read and quote(column.name) not in (footprint.predicate or ""):
                unread.append((key, column))
    return unread
