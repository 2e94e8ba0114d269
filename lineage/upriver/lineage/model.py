"""Analyses of recipes as frozen values: column edges, read footprints."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from upriver.assets.model import Key, Schema, Value


class EdgeKind(StrEnum):
    """How an upstream column bears on an output column.

    VALUE: its values flow into the column. INFLUENCE: a filter, join, grouping or ordering over it decides
    which rows there are or which value is chosen.
    """

    VALUE = "value"
    INFLUENCE = "influence"


class ColumnEdge(Value, frozen=True):
    """One dependency of an output *column* on *upstream_column* of *upstream*. Either is None for the set of rows.

    The rows of an upstream decide a column where nothing else of that upstream does (a count, a cross join): a change
    that adds or drops rows also changes every column that is there. *how* is one of ``copy``, ``expression``,
    ``aggregate``, ``window``, ``conditional``, ``filter``, ``join``,
    ``group``, ``order``, ``distinct``, ``limit``, ``unnest``,
    ``rows``, ``opaque``; *expression* the text that makes the value, when known.
    """

    upstream: Key
    upstream_column: str | None
    column: str | None
    kind: EdgeKind
    how: str = "expression"
    expression: str | None = None


class EdgeGroup(Value, frozen=True):
    """Edges from each of *upstream_columns* to each of *columns*; None: to the rows and to every output column.

    The other fields are those of ColumnEdge. A filter, a join or a DISTINCT connects every column that it looks
    at with every one that comes out: 400 edges where both are 20, and one group.
    """

    upstream: Key
    upstream_columns: tuple[str | None, ...]
    columns: tuple[str | None, ...] | None
    kind: EdgeKind
    how: str = "expression"
    expression: str | None = None


class Opaque(Value, frozen=True):
    """Part of a recipe that is not understood: all columns of *upstream* (None: of every upstream) are
    taken to flow into all output columns, because of *cause*."""

    cause: str
    upstream: Key | None = None


class Footprint(Value, frozen=True):
    """What a recipe reads of one upstream.

    *columns*: sorted names, or None for all columns, present and future. An empty tuple means that only the
    number of rows is read. *predicate*: a DuckDB boolean expression over the upstream's own columns; rows for
    which it is not true are not read. None reads all rows. *ordered*: row order matters.
    """

    columns: tuple[str, ...] | None = None
    predicate: str | None = None
    ordered: bool = True

    @property
    def holds_keys(self) -> bool:
        """Whether the predicate was narrowed to the keys of a semi-join."""
        return self.predicate is not None and KEYS_OF in self.predicate


KEYS_OF = "/* keys of "
"""The comment that a predicate bears which was narrowed to keys; an upstream's name follows."""


class KeyFilter(Value, frozen=True):
    """A semi-join as a row filter: of *upstream*, no row matters whose *operand* is no value of *by_column* of *by*.

    *operand* is a DuckDB expression of the plain type *type* over columns of *upstream*. *nulls*: rows in which it is
    null matter as well. Which values there are only data tells.
    """

    upstream: Key
    operand: str
    type: str
    by: Key
    by_column: str
    nulls: bool = False


WHOLE = Footprint(columns=None, predicate=None, ordered=True)
"""The widest footprint: where in doubt, this one."""

Footprints: TypeAlias = tuple[tuple[Key, Footprint], ...]
"""Footprints by upstream key, sorted by key."""


class Volatility(Value, frozen=True):
    """A function whose result changes without any input changing.

    *period* is ``"day"`` (``current_date``) or ``"build"`` (``now()``, ``random()``).
    """

    function: str
    period: str


class RangedColumn(Value, frozen=True):
    """A column of an upstream from which a partition column is made by rounding down to *units* of time.

    *type* is ``DATE``, ``TIMESTAMP`` or ``TIMESTAMP WITH TIME ZONE``.
    """

    column: str
    type: str
    units: tuple[str, ...] = ()


class SliceRead(Value, frozen=True):
    """Which rows of *upstream* a slice reads: for each dimension an expression over the upstream's own columns that
    gives the slice's value there. None: rows of all slices are read.

    *ranged* are the columns that can be restricted by ranges for it.
    """

    upstream: Key
    expressions: tuple[str | None, ...]
    ranged: tuple[RangedColumn | None, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every slice reads all of it."""
        return all(one is None for one in self.expressions)


class Slicing(Value, frozen=True):
    """How a recipe is computed slice by slice, derived from its bound plan.

    *reads* has one entry for each upstream. *carriers* are the reads through which every row of the result comes: the
    slices that there are, are those that they tell. *whole* names the operator that needs rows of several slices at
    once; then the recipe is computed as a whole and split. *types* are those of the partition columns.
    """

    types: tuple[str, ...] = ()
    reads: tuple[SliceRead, ...] = ()
    carriers: tuple[SliceRead, ...] = ()
    whole: str | None = None


class Analysis(Value, frozen=True):
    """Result of binding a recipe against its upstreams' schemas.

    *schema* is the output's, None when unknown before a run. *groups* hold all edges except for what *opaque*
    names; *expressions* are the texts of the output columns into which no upstream's values flow, such as counts, by
    column. *footprints* has one entry for each upstream read. *binding* is a digest of the bound meaning
    (names resolved to columns, types and functions chosen) without positions in the text: two equal
    bindings over equal contents compute equal tables. *whole_binding* is the digest with what nothing reads in it, such
    as the other columns of ``select *`` in a subquery, as earlier versions recorded it; empty where there is none.
    *key_filters* may narrow the footprints further, by what the data of other upstreams is.
    *slicing* is None where the asset has no partitions.
    """

    schema: Schema | None
    groups: tuple[EdgeGroup, ...] = ()
    footprints: Footprints = ()
    opaque: tuple[Opaque, ...] = ()
    volatile: tuple[Volatility, ...] = ()
    binding: str = ""
    expressions: tuple[tuple[str, str], ...] = ()
    whole_binding: str = ""
    key_filters: tuple[KeyFilter, ...] = ()
    slicing: Slicing | None = None

    @property
    def edges(self) -> tuple[ColumnEdge, ...]:
        """The edges one by one: into the first output column first, into the rows last; values before influences."""
        names: list[str | None] = [*(column.name for column in self.schema or ()), None]
        found = [
            ColumnEdge(group.upstream, source, column, group.kind, group.how, group.expression)
            for group in self.groups
            for column in (names if group.columns is None else group.columns)
            for source in group.upstream_columns
        ]
        place = {name: number for number, name in enumerate(names)}
        found.sort(
            key=lambda e: (place[e.column], e.kind is not EdgeKind.VALUE, e.upstream, e.upstream_column or "")
        )
        return tuple(found)


class UnknownColumn(Value, frozen=True):
    """What planning a Python recipe found instead of a plan: it reads the column *name*, which is not there."""

    name: str
