"""Random expressions over the table ``t``, from the functions that a dialect's table lists."""

from __future__ import annotations

import random

from upriver.lineage.sql.dialects.known import dialect_named

_ATOMS = (
    "a", "b", "s", "d", "ts", "x", "1", "2", "-3", "0", "2.5", "0.125", "'x'", "'ab'", "' a '", "''", "null", "a > 0",
    "date '2024-01-31'", "interval '1 month'", "interval '2 days'", "'%b%'", "'2024-02-29'", "count(*)", "sum(a)", "10",
)  # fmt: skip
_OPERATORS = (
    "+", "-", "*", "/", "%", "^", "||", "=", "<", ">", "<>", "<=", "and", "or", "like", "ilike", "is distinct from",
)  # fmt: skip
_TYPES = (
    "int",
    "bigint",
    "numeric",
    "numeric(10,1)",
    "float8",
    "text",
    "varchar(2)",
    "date",
    "timestamp",
    "boolean",
)
_PARTS = ("dow", "isodow", "week", "month", "quarter", "epoch", "doy", "year", "second")
_LITERALS = {
    "to_char": (1, ("'YYYY-MM'", "'Day'", "'Q'", "'FMMonth'", "'HH24:MI'")),
    "date_trunc": (0, ("'month'", "'week'", "'day'")),
    "date_part": (0, ("'dow'", "'year'", "'epoch'")),
    "regexp_replace": (1, ("'x+'", "'a'")),
}
_SPECIAL = ("concat", "concat_ws", "greatest", "least", "string_agg", "array_agg")
_STANDARD = tuple(
    (name, count)
    for name, counts in {
        "coalesce": (2,), "nullif": (2,), "greatest": (2,), "concat": (2, 3), "concat_ws": (3,), "sum": (1,), "avg": (1,),
        "min": (1,), "max": (1,), "count": (1,),
    }.items()
    for count in counts
)  # fmt: skip


class Expressions:
    """A source of expressions in PostgreSQL's SQL, always the same for one *seed*."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        dialect = dialect_named("postgres")
        assert dialect is not None
        self._functions = [
            (name.lower(), len(one.kinds))
            for name, signatures in dialect.functions.items()
            for one in signatures
            if one.refusal is None and name.lower() not in _SPECIAL
        ] + list(_STANDARD)

    def query(self) -> str:
        """A query of one column."""
        return f"select {self._expression(self._random.randint(1, 3))} as v from t"

    def _expression(self, depth: int) -> str:
        chance = self._random.random()
        if depth == 0 or chance < 0.2:
            return self._random.choice(_ATOMS)
        one, other, third = (self._expression(depth - 1) for _ in range(3))
        if chance < 0.5:
            return self._call(depth)
        if chance < 0.75:
            return f"({one} {self._random.choice(_OPERATORS)} {other})"
        if chance < 0.85:
            return f"cast({one} as {self._random.choice(_TYPES)})"
        if chance < 0.9:
            return f"case when {one} then {other} else {third} end"
        if chance < 0.95:
            return f"({one} in ({other}, {third}))"
        if chance < 0.98:
            return f"extract({self._random.choice(_PARTS)} from {one})"
        return self._random.choice(
            (
                f"substring({one} from {other} for {third})",
                f"trim(both {one} from {other})",
                f"position({one} in {other})",
            )
        )

    def _call(self, depth: int) -> str:
        name, count = self._random.choice(self._functions)
        arguments = [self._expression(depth - 1) for _ in range(count)]
        if name in _LITERALS:
            index, literals = _LITERALS[name]
            arguments[index] = self._random.choice(literals)
        if name == "regexp_replace":
            arguments[2:] = ["'q'", "'g'"]
        if name == "date_trunc":
            arguments[1] = "ts"  # of a date it has a zone, which Upriver leaves out
        return f"{name}({', '.join(arguments)})"
