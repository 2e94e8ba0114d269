"""The SQL cases, as data: ``cases/<suite>/schema.txt`` and ``cases/<suite>/*.sql``, one ``--- name`` before each query."""

from __future__ import annotations

from dataclasses import dataclass
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
