"""Flows through a bound plan: for each column of each node, the source columns it is made from and decided by.

A *source* is an integer that stands for one column of one scan, or for its rows; :class:`Sources` knows them. Scans of
the same upstream are kept apart, because each has its own row filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from upriver.assets.model import Key
from upriver.lineage.model import KeyFilter

Node: TypeAlias = dict[str, Any]
"""A plan node, an expression or a type, as ``json_serialize_plan`` gives it, decoded."""

NOWHERE = 18446744073709551615

Influence: TypeAlias = tuple[int, str, int]
"""Source, how it influences (``ColumnEdge.how``), and the number of the row filter it comes from (0: none)."""

Influences: TypeAlias = frozenset[Influence]

NO_SOURCES: frozenset[int] = frozenset()
NO_INFLUENCE: Influences = frozenset()

HOWS = ("copy", "expression", "unnest", "window", "aggregate", "opaque")
"""How a value is made, from the weakest to the strongest: a sum over a window is an ``aggregate``."""


class Flow(NamedTuple):
    """One column: the sources of its values, how they became it, and what else decided them.

    *fixed* marks a list whose length does not depend on data. *fields* are the flows of the fields of a struct, or of
    the structs in a list, by their path, where they are known.
    """

    value: frozenset[int] = NO_SOURCES
    how: str = "copy"
    influence: Influences = NO_INFLUENCE
    fixed: bool = False
    fields: Mapping[tuple[str, ...], Flow] | None = None

    def as_influence(self, how: str, filter_number: int = 0) -> Influences:
        """Everything that bears on this column, as influence on something else."""
        if not self.value:
            return self.influence
        return frozenset((source, how, filter_number) for source in self.value) | self.influence

    def at_least(self, how: str) -> Flow:
        """The same sources, made into the column in no weaker way than *how*."""
        if HOWS.index(self.how) >= HOWS.index(how):
            return self
        fields = None if self.fields is None else {p: f.at_least(how) for p, f in self.fields.items()}
        return self._replace(how=how, fields=fields)

    def decided_by(self, influence: Influences) -> Flow:
        """The same with more influence on it."""
        if influence <= self.influence and self.fields is None:
            return self
        fields = None if self.fields is None else {p: f.decided_by(influence) for p, f in self.fields.items()}
        return self._replace(influence=self.influence | influence, fields=fields)

    def field(self, path: tuple[str, ...]) -> Flow:
        """What the field at *path* is made of: that of the innermost struct around it that is told field by field."""
        while path and self.fields is not None:
            if (known := self.fields.get(path)) is not None:
                return known
            path = path[:-1]
        return self


NOTHING = Flow()


def merged(flows: list[Flow], how: str) -> Flow:
    """One column made from several by *how*."""
    if not flows:
        return NOTHING
    value = flows[0].value.union(*(flow.value for flow in flows[1:]))
    influence = flows[0].influence.union(*(flow.influence for flow in flows[1:]))
    strongest = max((how, *(flow.how for flow in flows)), key=HOWS.index)
    fields = None
    if flows[0].fields is not None and all(f.fields is not None for f in flows):
        fields = {p: merged([flow.field(p) for flow in flows], how) for p in flows[0].fields}
    return Flow(value, strongest, influence, fields=fields)


@dataclass(slots=True)
class Relation:
    """The output of a plan node.

    *rows* decides which rows there are; *order* is what they are sorted by, if anything, and *total* whether that
    leaves no ties; *unique* are sets of columns without duplicates; *scans* are the scans below. A relation
    that is not understood has *unknown*, which stands for any column. *complete* says by common table expression which
    columns are which of its columns, where all combinations of their values there are here.
    """

    columns: list[Flow]
    rows: Influences = NO_INFLUENCE
    scans: frozenset[int] = NO_SOURCES
    order: Influences = NO_INFLUENCE
    total: bool = False
    unique: tuple[frozenset[int], ...] = ()
    unknown: Flow | None = None
    complete: Mapping[int, Mapping[int, int]] = field(default_factory=dict)

    def column(self, index: int) -> Flow:
        """Column *index* of the output."""
        if index < len(self.columns):
            return self.columns[index]
        if self.unknown is None:
            raise UnknownShapeError(f"column {index} of {len(self.columns)}")
        return self.unknown

    def covers(self, columns: frozenset[int]) -> bool:
        """Whether rows that agree on *columns* are equal, so that their order can't matter."""
        return self.unknown is None and (
            len(columns) == len(self.columns) or any(key <= columns for key in self.unique)
        )

    def with_rows(self, influence: Influences) -> Relation:
        """The same with *influence* on which rows there are."""
        return replace(self, rows=self.rows | influence, complete={}) if influence else self


class UnknownShapeError(Exception):
    """The plan has a shape that the walk does not know; caught in the walk, which then widens to whole tables."""


@dataclass(slots=True)
class Scan:
    """One reading of an upstream in the plan.

    *predicates* holds, for each way the plan reaches it, the row filter applied directly above it (None: all rows);
    *filtered* the columns in these, *captured* the numbers of the filters that went into a predicate; *key_filters* are
    those by a semi-join. Where it is *unfiltered*, no filter counts.
    """

    key: Key
    predicates: list[str | None] = field(default_factory=list)
    filtered: set[str] = field(default_factory=set)
    captured: set[int] = field(default_factory=set)
    escaped: set[int] = field(default_factory=set)
    key_filters: set[KeyFilter] = field(default_factory=set)
    ordered: bool = False
    unfiltered: bool = False
    whole: bool = False


@dataclass(slots=True)
class Sources:
    """The scans of a plan and the columns read from them."""

    scans: list[Scan] = field(default_factory=list)
    columns: list[tuple[int, str | None]] = field(default_factory=list)
    markers: dict[int, frozenset[int]] = field(default_factory=dict)
    """Row numbers that the binder made up to find rows again: sources that are no column, with their scans."""
    _index: dict[tuple[int, str | None], int] = field(default_factory=dict)

    def scan(self, key: Key) -> int:
        """The number of a new scan of *key*."""
        self.scans.append(Scan(key))
        return len(self.scans) - 1

    def column(self, scan: int, name: str | None) -> int:
        """The source for column *name* of *scan*, None for its rows."""
        found = self._index.get((scan, name))
        if found is None:
            found = self._index[scan, name] = len(self.columns)
            self.columns.append((scan, name))
        return found

    def rows_among(self, influences: Influences) -> frozenset[int]:
        """Those sources of *influences* that stand for the rows of a scan."""
        return frozenset(source for source, _, _ in influences if self.columns[source][1] is None)

    def marker(self, scans: frozenset[int]) -> int:
        """A source that stands for the position of a row in what *scans* give."""
        source = len(self.columns)
        self.columns.append((-1, ""))
        self.markers[source] = scans
        return source
