"""The SQL cases, as data: ``cases/<suite>/schema.txt`` and ``cases/<suite>/*.sql``, one ``--- name`` before each query.

What data give a query something to work on is noted in ``cases/<suite>/data.txt``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from upriver.assets.model import Column, Key, Schema

ROOT = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One query of a suite."""

    suite: str
    name: str
    sql: str

    def __str__(self) -> str:
        return f"{self.suite}:{self.name}"

    def narrowed(self, schema: Schema, others: int) -> Schema:
        """The columns of *schema* that the query names, and the first *others* of the rest."""
        words = set(re.findall(r"\w+", self.sql.lower()))
        rest = [column for column in schema if column.name not in words][:others]
        return tuple(column for column in schema if column.name in words or column in rest)


@dataclass(frozen=True)
class Data:
    """The seed with which to fill the tables of a case, and for some columns the values they mostly hold, as SQL."""

    seed: int = 1
    pins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@cache
def schemas(suite: str) -> dict[Key, Schema]:
    """The tables of a suite: a name at the start of a line, its columns indented below."""
    tables: dict[Key, list[Column]] = {}
    key = ""
    for line in (ROOT / suite / "schema.txt").read_text().splitlines():
        if line.startswith(" "):
            name, _, type_ = line.strip().partition(" ")
            tables[key].append(Column(name, type_))
        elif line:
            key = line.strip()
            tables[key] = []
    return {key: tuple(columns) for key, columns in tables.items()}


@cache
def cases(suite: str) -> tuple[Case, ...]:
    """The queries of a suite."""
    found = []
    for path in sorted((ROOT / suite).glob("*.sql")):
        for block in path.read_text().split("--- ")[1:]:
            name, _, sql = block.partition("\n")
            found.append(Case(suite, f"{path.stem}/{name.strip()}", sql.strip()))
    return tuple(found)


@cache
def _data(suite: str) -> dict[str, Data]:
    path = ROOT / suite / "data.txt"
    found = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        name, _, rest = line.partition(": ")
        seed, *pins = rest.split()
        pinned = (pin.partition("=") for pin in pins)
        found[name] = Data(int(seed), {column: tuple(values.split("|")) for column, _, values in pinned})
    return found


def data_of(case: Case) -> Data:
    """With what data a case is tried: ``data.txt`` has a line ``name: seed column=value|value …`` where it matters."""
    return _data(case.suite).get(case.name, Data())
