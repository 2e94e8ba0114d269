"""Random expressions, conditions, aggregates and windows over columns of known kinds."""

from __future__ import annotations

import random
import re
from typing import TypeAlias

Columns: TypeAlias = tuple[tuple[str, str], ...]
"""Names with their kind: ``int``, ``text``, ``day``, ``dec``, ``bool``, ``float`` or ``list``."""

_CONSTANTS = {
    "int": ("0", "1", "2", "3"),
    "text": ("'x'", "'y'", "''", "'zz'"),
    "day": ("date '2020-01-02'", "date '2020-01-05'"),
    "dec": ("1.5", "2.25"),
    "bool": ("true", "false"),
    "float": ("1.5::double", "0::double"),
    "list": ("[1, 2]", "[]::integer[]"),
}
_FORMS = {
    "int": (
        "(<int> + <int>)", "(<int> % 3)", "length(<text>)::integer", "len(<list>)::integer", "month(<day>)::integer",
        "try_cast(<text> as integer)", "list_sum(list_transform(<list>, lambda y: y + <int>))::integer",
    ),
    "text": ("(<text> || <text>)", "<int>::varchar", "upper(<text>)"),
    "day": ("(<day> + (<int> % 3)::integer)",),
    "dec": ("least(<dec>, <dec>)",),
    "bool": ("(<int> > <int>)", "(<text> is null)"),
    "float": ("(<float> * 0.5)", "<int>::double"),
    "list": ("[<int>, <int>]::integer[]", "list_sort(<list>)", "list_filter(<list>, lambda y: y > <int>)"),
}  # fmt: skip
"""How expressions of a kind are made from others; a kind in angle brackets stands for one of it."""

AGGREGATES = {
    "int": (
        ("sum({})::bigint::integer", "int"), ("min({})", "int"), ("max({})", "int"), ("count({})", "int"),
        ("count(distinct {})", "int"), ("first({})", "int"), ("list({})", "list"), ("avg({})", "float"),
        ("any_value({})", "int"), ("median({})", "float"), ("mode({})", "int"), ("sum(distinct {})::integer", "int"),
        ("approx_count_distinct({})::integer", "int"), ("min({}, 2)", "list"), ("bit_xor({})", "int"),
        ("stddev_pop({})", "float"), ("product({})", "float"), ("last({})", "int"),
    ),
    "text": (
        ("min({})", "text"), ("count(distinct {})", "int"), ("string_agg({}, ',')", "text"), ("first({})", "text"),
        ("mode({})", "text"), ("max({})", "text"),
    ),
    "day": (("min({})", "day"), ("max({})", "day"), ("last({})", "day")),
    "dec": (("sum({})::decimal(10,2)", "dec"), ("max({})", "dec"), ("avg({})", "float")),
    "bool": (("bool_and({})", "bool"), ("bool_or({})", "bool"), ("count_if({})::integer", "int")),
    "float": (("sum({})", "float"), ("max({})", "float"), ("avg({})", "float"), ("kurtosis({})", "float")),
    "list": (("first({})", "list"), ("max({})", "list"), ("count({})", "int")),
}  # fmt: skip


class Expressions:
    """Makes expressions from a stream of random numbers."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.names = 0

    def name(self, letter: str = "z") -> str:
        """A name not used before in this query."""
        self.names += 1
        return f"{letter}{self.names}"

    def some(self, columns: Columns) -> Columns:
        """One to three of the columns."""
        return tuple(self.rng.sample(columns, min(len(columns), self.rng.randrange(1, 4))))

    def pair(
        self, one: str, lefts: Columns, two: str, rights: Columns, kinds: tuple[str, ...]
    ) -> tuple[str, str] | None:
        """Two columns that can be compared."""
        pairs = [(a, b) for a, k in lefts for b, m in rights if k == m and k in kinds]
        if not pairs:
            return None
        a, b = self.rng.choice(pairs)
        return f"{one}.{a}", f"{two}.{b}"

    def key(self, columns: Columns, alias: str) -> tuple[str, str]:
        """What rows are grouped by."""
        name, kind = self.rng.choice(columns)
        if kind == "int" and self.rng.random() < 0.3:
            return f"{alias}.{name} % 2", "int"
        return f"{alias}.{name}", kind

    def aggregate(self, columns: Columns, alias: str) -> tuple[str, str]:
        """An aggregate and its kind."""
        if self.rng.random() < 0.15:
            return "count(*)", "int"
        name, kind = self.rng.choice(columns)
        form, result = self.rng.choice(AGGREGATES[kind])
        plain = form.count("(") == 1 and "distinct" not in form
        argument = f"{alias}.{name}" if self.rng.random() < 0.7 else self.expression(columns, alias, kind)
        draw = self.rng.random()
        if plain and draw < 0.2:
            other, _ = self.rng.choice(columns)
            return form.format(argument).removesuffix(")") + f" order by {alias}.{other})", result
        if plain and draw < 0.4:
            return form.format(argument) + f" filter (where {self.condition(columns, alias, 0)})", result
        if plain and draw < 0.5:
            by, by_kind = self.rng.choice(columns)
            if by_kind != "list":
                return f"arg_max({argument}, {alias}.{by})", kind
        return form.format(argument), result

    def aggregate_condition(self, columns: Columns, alias: str) -> str:
        """A condition over an aggregate."""
        expression, kind = self.aggregate(columns, alias)
        return f"{expression} {self.rng.choice(('>', '<=', '<>'))} {self.rng.choice(_CONSTANTS[kind])}"

    def window(self, columns: Columns, alias: str) -> tuple[str, str]:
        """A window function and its kind."""
        name, kind = self.rng.choice(columns)
        argument = f"{alias}.{name}"
        function, result = self.rng.choice(
            (
                ("row_number()", "int"), ("rank()", "int"), ("dense_rank()", "int"), ("count(*)", "int"),
                (f"count({argument})", "int"), (f"max({argument})", kind), (f"lag({argument})", kind),
                (f"lead({argument}, 2)", kind), (f"first_value({argument})", kind), (f"last_value({argument})", kind),
                (f"nth_value({argument}, 2)", kind), ("ntile(2)", "int"), ("cume_dist()", "float"),
                (f"last_value({argument} ignore nulls)", kind), (f"first({argument})", kind),
                (f"count(*) filter (where {self.condition(columns, alias, 0)})", "int"),
                (f"count(distinct {argument})", "int"), (f"mode({argument})", kind), (f"min({argument})", kind),
            )
        )  # fmt: skip
        parts = []
        if self.rng.random() < 0.5:
            parts.append(f"partition by {alias}.{self.rng.choice(columns)[0]}")
        if self.rng.random() < 0.75:
            orders = [
                f"{alias}.{c}"
                for c, _ in self.rng.sample(columns, min(len(columns), self.rng.randrange(1, 4)))
            ]
            parts.append("order by " + ", ".join(orders) + self.rng.choice(("", " desc", " nulls first")))
            frames = ("", "", "rows between 1 preceding and current row", "groups between 1 preceding and 1 following",
                      "rows between current row and unbounded following exclude ties")  # fmt: skip
            if function.split("(")[0] in ("count", "max", "min", "first_value", "last_value", "first"):
                parts.append(self.rng.choice(frames if "distinct" not in function else frames[:2]))
        return f"{function} over ({' '.join(parts)})", result

    def expression(self, columns: Columns, alias: str, kind: str, depth: int = 2) -> str:
        """An expression of one kind over *columns*."""
        own = [f"{alias}.{name}" for name, k in columns if k == kind]
        if depth == 0 or (own and self.rng.random() < 0.5):
            return self.rng.choice([*own, *own, *own, self.rng.choice(_CONSTANTS[kind])])

        def part(other: str) -> str:
            return self.expression(columns, alias, other, depth - 1)

        condition = self.condition(columns, alias, 0)
        draw = self.rng.random()
        if draw < 0.25:
            return f"case when {condition} then {part(kind)} else {part(kind)} end"
        if draw < 0.4:
            return f"coalesce({part(kind)}, {part(kind)})"
        return re.sub(r"<(\w+)>", lambda found: part(found[1]), self.rng.choice(_FORMS[kind]))

    def condition(self, columns: Columns, alias: str, depth: int = 1) -> str:
        """A condition over *columns*."""
        if depth and self.rng.random() < 0.4:
            word = self.rng.choice(("and", "and", "or"))
            one, other = (self.condition(columns, alias, depth - 1) for _ in range(2))
            return f"({self.rng.choice(('', '', 'not '))}{one} {word} {other})"
        name, kind = self.rng.choice(columns)
        column = f"{alias}.{name}"
        if self.rng.random() < 0.15:
            return f"{column} is {self.rng.choice(('', 'not '))}null"
        match kind:
            case "bool":
                return column
            case "list":
                return f"len({column}) > 1"
            case "text" if self.rng.random() < 0.3:
                return f"{column} like {self.rng.choice(('%x%', 'x%', '_')).__repr__()}"
        values = _CONSTANTS[kind]
        if self.rng.random() < 0.2:
            return f"{column} in ({', '.join(values[:2])})"
        others = [f"{alias}.{n}" for n, k in columns if k == kind and n != name]
        value = self.rng.choice([*values, *values, *others])
        return f"{column} {self.rng.choice(('=', '<>', '>', '<=', 'is distinct from'))} {value}"
