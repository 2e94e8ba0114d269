"""Random queries over the tables of the ``house`` suite: every construct may stand on top of every other.

Where the cases name one construct each, these nest them, which is where a walk over plans goes wrong. The same
seed gives the same query.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.lineage.sql.random_expressions import AGGREGATES, Columns, Expressions

TABLES: dict[str, Columns] = {
    "t": (
        ("id", "int"), ("a", "int"), ("b", "text"), ("c", "int"), ("d", "day"), ("n", "dec"), ("f", "bool"),
        ("x", "float"),
    ),
    "r": (("a", "int"), ("k", "text"), ("v", "int"), ("d", "day")),
    "e": (("id", "int"), ("parent", "int"), ("name", "text")),
    "nest": (("id", "int"), ("l", "list")),
    "ev": (("at", "int"), ("grp", "text"), ("val", "int")),
    "sales.orders": (("order_id", "int"), ("customer", "text"), ("amount", "dec"), ("day", "day"), ("status", "text")),
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table expression, fit to stand after FROM with an alias, and its columns."""

    sql: str
    columns: Columns


class Queries(Expressions):
    """Makes queries, one after another, from one stream of random numbers."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.ctes: list[tuple[str, str, Columns]] = []

    def query(self, depth: int = 3) -> str:
        """One query."""
        self.ctes, self.names = [], 0
        table = self.table(depth)
        text = self.finished(table)
        if not self.ctes:
            return text
        hints = ("", "", "materialized ", "not materialized ")
        listed = ", ".join(f"{name} as {self.rng.choice(hints)}({sql})" for name, sql, _ in self.ctes)
        return f"with {listed} {text}"

    def finished(self, table: Table) -> str:
        """The whole query over the last table."""
        draw = self.rng.random()
        if draw < 0.15:
            return f"{self._unwrapped(table)} order by all limit {self.rng.randrange(1, 5)}"
        if draw < 0.25:
            column, _ = self.rng.choice(table.columns)
            return f"select * from {table.sql} as q order by {column} limit {self.rng.randrange(1, 5)}"
        return self._unwrapped(table)

    @staticmethod
    def _unwrapped(table: Table) -> str:
        return f"select * from {table.sql} as q"

    # Tables

    def table(self, depth: int) -> Table:
        """A table expression with up to *depth* constructs on top of each other."""
        if depth == 0 or self.rng.random() < 0.05:
            return self.base()
        make: Callable[[int], Table] = self.rng.choice(
            (
                self.projected, self.projected, self.filtered, self.filtered, self.grouped, self.grouped,
                self.windowed, self.windowed, self.joined, self.joined, self.joined, self.combined, self.distinct,
                self.limited, self.correlated, self.correlated, self.unnested, self.shared, self.pivoted, self.lateral,
                self.recursive, self.chosen,
            )
        )  # fmt: skip
        return make(depth - 1)

    def base(self) -> Table:
        """A table of the suite, a common table made earlier, or a few of its columns."""
        if self.ctes and self.rng.random() < 0.4:
            name, _, columns = self.rng.choice(self.ctes)
            return Table(name, columns)
        if self.rng.random() < 0.04:
            return Table("(values (1, 'x'), (2, 'y'), (null, ''))", (("col0", "int"), ("col1", "text")))
        key = self.rng.choice(list(TABLES))
        return Table(key, TABLES[key])

    def aliased(self, depth: int) -> tuple[str, str, Columns]:
        """A table with an alias: its text, the alias, its columns."""
        table, alias = self.table(depth), self.name("q")
        return f"{table.sql} as {alias}", alias, table.columns

    def projected(self, depth: int) -> Table:
        """A SELECT list, sometimes with a star or VALUES of it changed."""
        source, alias, columns = self.aliased(depth)
        draw = self.rng.random()
        if draw < 0.15:
            name, kind = self.rng.choice(columns)
            changed = self.expression(columns, alias, kind)
            return Table(f"(select * replace ({changed} as {name}) from {source})", columns)
        if draw < 0.25 and len(columns) > 1:
            left = self.rng.choice(columns)
            rest = tuple(column for column in columns if column != left)
            return Table(f"(select * exclude ({left[0]}) from {source})", rest)
        made = self.selected(columns, alias, self.rng.randrange(1, 5))
        return Table(f"(select {self._list(made)} from {source})", _columns(made))

    def selected(self, columns: Columns, alias: str, count: int) -> list[tuple[str, str, str]]:
        """So many expressions with new names: expression, name, kind."""
        made = []
        for _ in range(count):
            kind = self.rng.choice(columns)[1]
            made.append((self.expression(columns, alias, kind), self.name(), kind))
        return made

    @staticmethod
    def _list(made: list[tuple[str, str, str]]) -> str:
        return ", ".join(f"{expression} as {name}" for expression, name, _ in made)

    def filtered(self, depth: int) -> Table:
        """WHERE."""
        source, alias, columns = self.aliased(depth)
        condition = self.condition(columns, alias)
        return Table(f"(select * from {source} where {condition})", columns)

    def grouped(self, depth: int) -> Table:
        """GROUP BY in its forms, with HAVING, FILTER and ORDER BY inside of aggregates."""
        source, alias, columns = self.aliased(depth)
        keys = [self.key(columns, alias) for _ in range(self.rng.randrange(3))]
        made = [(expression, self.name(), kind) for expression, kind in keys]
        for _ in range(self.rng.randrange(1, 4)):
            expression, kind = self.aggregate(columns, alias)
            made.append((expression, self.name(), kind))
        text = f"select {self._list(made)} from {source}"
        if self.rng.random() < 0.3:
            text += f" where {self.condition(columns, alias)}"
        positions = [str(i + 1) for i in range(len(keys))]
        if keys:
            form = self.rng.choice(
                ("{}", "{}", "{}", "all", "rollup ({})", "cube ({})", "grouping sets (({}), ())")
            )
            if form.startswith(("rollup", "cube", "grouping")):
                text += " group by " + form.format(", ".join(expression for expression, _ in keys))
            else:
                text += " group by " + form.format(", ".join(positions))
        if self.rng.random() < 0.25:
            text += f" having {self.aggregate_condition(columns, alias)}"
        return Table(f"({text})", _columns(made))

    def windowed(self, depth: int) -> Table:
        """Window functions beside columns, or to choose rows with QUALIFY."""
        source, alias, columns = self.aliased(depth)
        window, kind = self.window(columns, alias)
        if self.rng.random() < 0.35 and kind == "int":
            chosen = f"{window} {self.rng.choice(('<= 1', '= 2', '> 1'))}"
            return Table(f"(select * from {source} qualify {chosen})", columns)
        made = self.selected(columns, alias, self.rng.randrange(1, 3))
        made.append((window, self.name(), kind))
        if self.rng.random() < 0.4:
            other, other_kind = self.window(columns, alias)
            made.append((other, self.name(), other_kind))
        return Table(f"(select {self._list(made)} from {source})", _columns(made))

    def joined(self, depth: int) -> Table:
        """Two tables side by side, in every way that SQL knows."""
        left, one, lefts = self.aliased(depth)
        right, two, rights = self.aliased(max(depth - 1, 0))
        made = [(f"{one}.{name}", self.name(), kind) for name, kind in self.some(lefts)]
        made += [(f"{two}.{name}", self.name(), kind) for name, kind in self.some(rights)]
        draw = self.rng.random()
        if draw < 0.06:
            return Table(f"(select {self._list(made)} from {left} positional join {right})", _columns(made))
        if draw < 0.12:
            return Table(f"(select {self._list(made)} from {left} cross join {right})", _columns(made))
        same = {name for name, kind in lefts if kind != "list"} & {name for name, _ in rights}
        kind_of = dict(lefts)
        if same and draw < 0.3:
            by = self.rng.choice(sorted(same))
            how = self.rng.choice(("", "left", "right", "full", "semi", "anti"))
            if how in ("semi", "anti"):
                return Table(f"(select {one}.* from {left} {how} join {right} using ({by}))", lefts)
            made.append((by, self.name(), kind_of[by]))
            return Table(
                f"(select {self._list(made)} from {left} {how} join {right} using ({by}))", _columns(made)
            )
        on = self.join_condition(one, lefts, two, rights)
        if on is None:
            return Table(f"(select {self._list(made)} from {left} cross join {right})", _columns(made))
        if draw < 0.4 and (near := self.pair(one, lefts, two, rights, ("int", "day"))):
            how = self.rng.choice(("asof", "asof left"))
            if (same_too := self.pair(one, lefts, two, rights, ("text", "int"))) and self.rng.random() < 0.4:
                near = (f"{same_too[0]} = {same_too[1]} and {near[0]}", near[1])
            return Table(
                f"(select {self._list(made)} from {left} {how} join {right} on {near[0]} >= {near[1]})",
                _columns(made),
            )
        how = self.rng.choice(("", "", "left", "left", "right", "full", "semi", "anti"))
        if how in ("semi", "anti"):
            return Table(f"(select {one}.* from {left} {how} join {right} on {on})", lefts)
        return Table(f"(select {self._list(made)} from {left} {how} join {right} on {on})", _columns(made))

    def join_condition(self, one: str, lefts: Columns, two: str, rights: Columns) -> str | None:
        """What rows meet on."""
        pair = self.pair(one, lefts, two, rights, ("int", "text", "day", "dec", "bool"))
        if pair is None:
            return None
        text = f"{pair[0]} {self.rng.choice(('=', '=', '=', 'is not distinct from', '<'))} {pair[1]}"
        draw = self.rng.random()
        if draw < 0.25:
            return f"{text} and {self.condition(rights, two, 0)}"
        if draw < 0.4:
            return f"{text} and {self.condition(lefts, one, 0)}"
        if draw < 0.5:
            return f"({text} or {self.condition(rights, two, 0)})"
        return text

    def combined(self, depth: int) -> Table:
        """Set operations."""
        left, one, lefts = self.aliased(depth)
        right, two, rights = self.aliased(max(depth - 1, 0))
        width = self.rng.randrange(1, 4)
        picked = [self.rng.choice(lefts) for _ in range(width)]
        made = [(f"{one}.{name}", self.name(), kind) for name, kind in picked]
        others = [(self.expression(rights, two, kind), name, kind) for _, name, kind in made]
        word = self.rng.choice(
            ("union all", "union", "except", "except all", "intersect", "intersect all", "union by name",
             "union all by name")
        )  # fmt: skip
        if word.endswith("name"):
            self.rng.shuffle(others)
        one_side, other_side = (
            f"select {self._list(m)} from {s}" for m, s in ((made, left), (others, right))
        )
        if self.rng.random() < 0.15:
            one_side = f"({one_side} order by all limit 2)"
        return Table(f"({one_side} {word} {other_side})", _columns(made))

    def distinct(self, depth: int) -> Table:
        """DISTINCT and DISTINCT ON."""
        source, alias, columns = self.aliased(depth)
        picked = self.some(columns)
        if self.rng.random() < 0.5:
            return Table(
                f"(select distinct {', '.join(f'{alias}.{name}' for name, _ in picked)} from {source})",
                picked,
            )
        on = f"{alias}.{self.rng.choice(columns)[0]}"
        by = ", ".join(
            f"{alias}.{name}" for name, _ in self.rng.sample(columns, self.rng.randrange(1, len(columns) + 1))
        )
        order = f" order by {on}, {by}" if self.rng.random() < 0.7 else ""
        names = ", ".join(f"{alias}.{name}" for name, _ in picked)
        return Table(f"(select distinct on ({on}) {names} from {source}{order})", picked)

    def limited(self, depth: int) -> Table:
        """ORDER BY and LIMIT below something else."""
        source, alias, columns = self.aliased(depth)
        picked = self.rng.sample(columns, self.rng.randrange(1, len(columns) + 1))
        order = ", ".join(f"{alias}.{name}{self.rng.choice(('', ' desc'))}" for name, _ in picked)
        limit = self.rng.choice(("", "limit 3", "limit 2 offset 1", "limit 40%", "limit 0 + 4"))
        if self.rng.random() < 0.3:
            order = "all"
        text = f"select * from {source}" + (f" order by {order}" if self.rng.random() < 0.85 else "")
        return Table(f"({text} {limit})", columns)

    def correlated(self, depth: int) -> Table:
        """A subquery that looks at the row outside of it, as a value or as a condition."""
        source, alias, columns = self.aliased(depth)
        inner, two, inners = self.aliased(max(depth - 1, 0))
        on = self.join_condition(alias, columns, two, inners) or "true"
        if self.rng.random() < 0.2:
            on = "true"
        name, kind = self.rng.choice(inners)
        draw = self.rng.random()
        if draw < 0.45:
            form, result = self.rng.choice(AGGREGATES[kind])
            scalar = f"(select {form.format(f'{two}.{name}')} from {inner} where {on})"
            if self.rng.random() < 0.3:
                scalar, result = f"(select {two}.{name} from {inner} where {on} order by all limit 1)", kind
            made = [(f"{alias}.{c}", self.name(), k) for c, k in self.some(columns)]
            made.append((scalar, self.name(), result))
            return Table(f"(select {self._list(made)} from {source})", _columns(made))
        condition = f"{self.rng.choice(('', 'not '))}exists (select 1 from {inner} where {on})"
        if draw > 0.7 and (pair := self.pair(alias, columns, two, inners, ("int", "text", "day"))):
            word = self.rng.choice(("in", "not in", "= any", "<> all", ">= all", "< any"))
            condition = f"{pair[0]} {word} (select {pair[1]} from {inner} where {on})"
        if self.rng.random() < 0.3:
            condition = f"({condition} or {self.condition(columns, alias, 0)})"
        if self.rng.random() < 0.3:
            made = [(f"{alias}.{c}", self.name(), k) for c, k in self.some(columns)]
            made.append((condition, self.name(), "bool"))
            return Table(f"(select {self._list(made)} from {source})", _columns(made))
        return Table(f"(select * from {source} where {condition})", columns)

    def lateral(self, depth: int) -> Table:
        """A joined subquery that looks at the row beside it."""
        source, alias, columns = self.aliased(depth)
        inner, two, inners = self.aliased(max(depth - 1, 0))
        on = self.join_condition(alias, columns, two, inners) or "true"
        name, kind = self.rng.choice(inners)
        form, result = self.rng.choice(AGGREGATES[kind])
        body = f"select {form.format(f'{two}.{name}')} as w from {inner} where {on}"
        if self.rng.random() < 0.4:
            body, result = f"select {two}.{name} as w from {inner} where {on}", kind
            body += self.rng.choice(("", " order by all limit 2", f" group by {two}.{name}"))
        made = [(f"{alias}.{c}", self.name(), k) for c, k in self.some(columns)]
        made.append(("side.w", self.name(), result))
        join = self.rng.choice((", lateral ({}) side", " left join lateral ({}) side on true"))
        return Table(f"(select {self._list(made)} from {source}{join.format(body)})", _columns(made))

    def unnested(self, depth: int) -> Table:
        """UNNEST of a list, in the SELECT list or as a table."""
        source, alias, columns = self.aliased(depth)
        made = [(f"{alias}.{c}", self.name(), k) for c, k in self.some(columns)]
        lists = [f"{alias}.{name}" for name, kind in columns if kind == "list"]
        numbers = [f"{alias}.{name}" for name, kind in columns if kind == "int"]
        items = [
            *lists,
            *lists,
            *(f"[{n}, 1]" for n in numbers),
            *(f"range(least({n}, 3))" for n in numbers),
            "[1, 2]",
        ]
        item = self.rng.choice(items)
        if self.rng.random() < 0.5:
            made.append((f"unnest({item})::integer", self.name(), "int"))
            return Table(f"(select {self._list(made)} from {source})", _columns(made))
        made.append(("u.i::integer", self.name(), "int"))
        return Table(f"(select {self._list(made)} from {source}, unnest({item}) as u(i))", _columns(made))

    def shared(self, depth: int) -> Table:
        """A common table, to be used here and perhaps again."""
        table, name = self.table(depth), self.name("w")
        self.ctes.append((name, f"select * from {table.sql} as q", table.columns))
        return self.table(depth) if self.rng.random() < 0.5 else Table(name, table.columns)

    def pivoted(self, depth: int) -> Table:
        """PIVOT over named values, and UNPIVOT."""
        source, alias, columns = self.aliased(depth)
        numbers = [name for name, kind in columns if kind == "int"]
        if len(numbers) < 2:
            return Table(f"(select * from {source})", columns)
        one, two = self.rng.sample(numbers, 2)
        if self.rng.random() < 0.5:
            names, value = self.name("n"), self.name("v")
            return Table(
                f"(select {names}, {value} from (select {alias}.{one}, {alias}.{two} from {source})"
                f" unpivot ({value} for {names} in ({one}, {two})))",
                ((names, "text"), (value, "int")),
            )
        group, kind = self.rng.choice(columns)
        if group in (one, two):
            return Table(f"(select * from {source})", columns)
        function = self.rng.choice(("sum", "max", "count", "first"))
        values = self.rng.choice(("1, 2", "0, 1, 7", ", ".join(map(str, range(25)))))
        inner = f"select {alias}.{one}, {alias}.{two}, {alias}.{group} from {source}"
        pivot = f"from ({inner}) pivot ({function}({one}) for {two} in ({values}))"
        made = [(group, self.name(), kind), ('"1"::integer', self.name(), "int")]
        return Table(f"(select {self._list(made)} from ({pivot}))", _columns(made))

    def recursive(self, depth: int) -> Table:
        """A common table that reads itself, a few times at most."""
        source, alias, columns = self.aliased(depth)
        numbers = [name for name, kind in columns if kind == "int"]
        if not numbers:
            return Table(f"(select * from {source})", columns)
        name, column = self.name("w"), self.rng.choice(numbers)
        other, kind = self.rng.choice(columns)
        word = self.rng.choice(("union all", "union"))
        step = self.rng.choice(
            (
                f"select r.i + 1, r.o, r.n + 1 from {name} r where r.n < 2",
                f"select e.id, r.o, r.n + 1 from {name} r join e on e.parent = r.i where r.n < 2",
                f"select r.i, (select first({alias}.{other} order by all) from {source}), r.n + 1 from {name} r"
                " where r.n < 1",
                f"select v, r.o, r.n + 1 from {name} r, r as b where r.n < 2 and b.a = r.i",
            )
        )
        start = f"select {alias}.{column} as i, {alias}.{other} as o, 0 as n from {source}"
        made = [
            (f"{name}.i", self.name(), "int"),
            (f"{name}.o", self.name(), kind),
            (f"{name}.n", self.name(), "int"),
        ]
        return Table(
            f"(with recursive {name}(i, o, n) as ({start} {word} {step}) select {self._list(made)} from {name})",
            _columns(made),
        )

    def chosen(self, depth: int) -> Table:
        """Rows chosen by a window over the whole table, then looked at again through a common table."""
        source, alias, columns = self.aliased(depth)
        picked = self.some(columns)
        window, _ = self.window(columns, alias)
        names = ", ".join(f"{alias}.{name}" for name, _ in picked)
        return Table(f"(select {names} from {source} qualify {window} is not null)", picked)


def _columns(made: list[tuple[str, str, str]]) -> Columns:
    return tuple((name, kind) for _, name, kind in made)
