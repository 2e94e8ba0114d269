"""The values that columns take in the perturbation oracle: small domains, and the literals of the query in them."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from upriver.assets.model import Column
from upriver.lineage.sql.names import literal

_LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.'])(-?\d+(?:\.\d+)?)(?![\w'])")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORDS = ("x", "y", "", "zz", "x-y", "7", "X")
_NUMBERS = (0, 1, 1, 2, 2, 3, -1, 7)
_DAYS = ("2020-01-01", "2020-01-02", "2020-01-02", "2020-01-05")


@dataclass
class Domain:
    """The values that the columns of a case take. *words*, *numbers* and *days* are the query's own literals."""

    words: list[str] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    days: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, sql: str) -> Domain:
        """The literals of a query."""
        strings = [s.replace("''", "'") for s in re.findall(r"'((?:[^']|'')*)'", sql)]
        days = [s for s in strings if _DAY.fullmatch(s)]
        words = [re.sub(r"%+", "a", s.strip("%")).replace("_", "b") for s in strings if s not in days]
        numbers = [float(n) for n in re.findall(r"(?<![\w.'])\d+(?:\.\d+)?(?![\w'])", sql)]
        return cls(words, [n for n in numbers if abs(n) < 10**6], days)

    def value(self, type_: str, rng: random.Random) -> str:
        """SQL for a random value of a type; one in six is NULL."""
        return "NULL" if rng.random() < 1 / 6 else self.present(type_, rng)

    def present(self, type_: str, rng: random.Random) -> str:
        """SQL for a random value of a type, never NULL."""
        if type_.endswith("[]"):
            items = ", ".join(self.value(type_[:-2], rng) for _ in range(rng.randrange(4)))
            return f"[{items}]::{type_}"
        match type_.partition("(")[0]:
            case "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT":
                whole = [int(n) for n in self.numbers if n == int(n)]
                return str(rng.choice([*_NUMBERS, *whole, *whole]))
            case "DOUBLE" | "FLOAT" | "DECIMAL":
                small = [n for n in self.numbers if abs(n) < 900]  # what a DECIMAL(5,2) can hold
                base = rng.choice([*_NUMBERS, *small, *small])
                return f"{base + rng.choice((0, 0.25, 0.5, -0.1))}::{type_}"
            case "VARCHAR":
                own = self.words
                return "'" + rng.choice([*_WORDS, *own, *own, *own]).replace("'", "''") + "'"
            case "DATE" | "TIMESTAMP" as kind:
                day = rng.choice(self.days or _DAYS)
                return f"({kind} '{day}' + interval ({rng.choice((-1, 0, 0, 1, 20))}) day)::{kind}"
            case "TIME":
                return f"TIME '{rng.choice(('08:00:00', '16:30:00'))}'"
            case "BOOLEAN":
                return rng.choice(("true", "false"))
            case "STRUCT":
                fields = (part.split(" ", 1) for part in _parts(type_))
                return (
                    "{" + ", ".join(f"'{name}': {self.value(t, rng)}" for name, t in fields) + f"}}::{type_}"
                )
            case "MAP":
                of_key, of_value = _parts(type_)
                keys = (
                    ["'x'", f"'{rng.choice(_WORDS)}y'"]
                    if of_key == "VARCHAR"
                    else ["1", rng.choice(("2", "3"))]
                )
                items = ", ".join(f"{key}: {self.value(of_value, rng)}" for key in keys)
                return f"MAP {{{items}}}::{type_}"
        raise NotImplementedError(type_)


def _parts(type_: str) -> list[str]:
    """What stands between the outer brackets of a type, at its commas."""
    parts, depth = [""], 0
    for letter in type_[type_.index("(") + 1 : type_.rindex(")")]:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def compared_with(column: str, sql: str) -> Domain:
    """The literals that a column is soon compared with in a query."""
    found = Domain()
    pattern = rf"\b{re.escape(column)}\b\s*(?:not\s+)?(?:[<>=]+|like|in|between)([^;]{{0,60}})"
    for after in re.findall(pattern, sql, re.IGNORECASE):
        near = re.split(r"\b(?:and|or|group|order|then)\b", after, flags=re.IGNORECASE)[0]
        for text, number in _LITERAL.findall(near):
            if number:
                found.numbers.append(float(number))
            else:
                found.words.append(re.sub(r"%+", "a", text.replace("''", "'").strip("%")).replace("_", "b"))
    return found


class Values:
    """The values of a world's columns.

    Where *aimed*, columns mostly hold what the *sql* compares them with, each as often as chance wills, and some
    mostly hold one value: few rows pass the filters and joins of a large query otherwise. *pins* say, for a
    column's name, what else it mostly holds, as SQL.
    """

    def __init__(
        self,
        sql: str,
        columns: set[Column],
        rng: random.Random,
        aimed: bool,
        pins: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.rng = rng
        self.domain = Domain.of(sql)
        self.pins: dict[str, tuple[str, ...]] = {}
        self._wanted: dict[str, Domain] = {}
        self._aims: dict[str, float] = {}
        if aimed:
            for column in sorted(columns, key=lambda column: column.name):
                self._wanted[column.name] = compared_with(column.name, sql)
                self._aims[column.name] = rng.choice((0.1, 0.75, 1.0))
                if rng.random() < 0.6:
                    self.pins[column.name] = (self._loose(column),)
        self.pins |= pins

    def value(self, column: Column) -> str:
        """SQL for a random value of a column."""
        pinned = self.pins.get(column.name)
        if pinned is not None and self.rng.random() < 0.85:
            return self.rng.choice(pinned)
        return self._loose(column)

    def present(self, column: Column) -> str:
        """SQL for a random value of a column, never NULL."""
        return self.domain.present(column.type, self.rng)

    def _loose(self, column: Column) -> str:
        if column.name == "j":  # strings of JSON
            return self.rng.choice(('\'{"k": 1, "v": 2}\'', "'[1]'", "'no'", "NULL"))
        wanted = self._wanted.get(column.name)
        if wanted is not None and self.rng.random() < self._aims[column.name]:
            days = [word for word in wanted.words if _DAY.fullmatch(word)]
            numbers = [number for number in wanted.numbers if abs(number) < 900]
            match column.type.partition("(")[0]:
                case "VARCHAR" if wanted.words:
                    return literal(self.rng.choice(wanted.words))
                case "DATE" if days:
                    return f"DATE '{self.rng.choice(days)}'"
                case "INTEGER" | "BIGINT" if wanted.numbers:
                    return str(int(self.rng.choice(wanted.numbers)))
                case "DECIMAL" if numbers:
                    return f"{self.rng.choice(numbers)}::{column.type}"
        if column.name.endswith(("key", "_sk")):
            return self.rng.choice(("1", "1", "1", "2", "2", "NULL"))
        return self.domain.value(column.type, self.rng)
