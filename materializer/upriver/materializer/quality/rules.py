"""Rules of checks as SQL over the rows of one content, and what each of them reads."""

from __future__ import annotations

import re

from upriver.assets.model import (
    AcceptedValues,
    Check,
    Expression,
    Key,
    Matches,
    Newest,
    NotNull,
    Offenders,
    Predicate,
    Range,
    Relationship,
    RowCount,
    Rule,
    Schema,
    Unique,
)
from upriver.lineage.model import Footprint
from upriver.lineage.sql.names import literal, quote

SAMPLE = 1000
"""So many offenders are kept."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_NUMERIC = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?\b|DECIMAL|FLOAT|DOUBLE", re.ASCII)


def columns_of(rule: Rule) -> tuple[str, ...] | None:
    """The columns of the asset that a rule is about; None where its text alone tells."""
    match rule:
        case Unique(columns=columns):
            return columns
        case NotNull() | AcceptedValues() | Range() | Matches() | Relationship() | Newest():
            return (rule.column,)
        case RowCount():
            return ()
        case Expression() | Offenders() | Predicate():
            return None


def footprint(rule: Rule, own: bool) -> Footprint:
    """What a rule reads of its asset (*own*), or of what else it reads."""
    match rule:
        case Relationship(to_column=column) if not own:
            return Footprint((column,), None, ordered=False)
        case Offenders() | Predicate():
            return Footprint(None, None, ordered=True)
        case _:
            columns = columns_of(rule)
            return Footprint(None if columns is None else tuple(sorted(columns)), None, ordered=False)


def counting(check: Check, relation: str, schema: Schema) -> str | None:
    """The aggregate that counts offenders in one pass over the rows; None for a rule that needs a query of its own."""
    rule = check.rule
    match rule:
        case RowCount():
            return "0"
        case Newest(column=column):
            return f"epoch(max({quote(column)}))"
        case Unique(columns=(column,)):
            return f"count({quote(column)}) - count(distinct {quote(column)})"
        case Unique(columns=columns):
            return f"count(*) - count(distinct ({', '.join(map(quote, columns))}))"
        case Relationship() | Offenders() | Predicate():
            return None
        case _:
            return f"count(*) filter (where {offends(rule, schema)})"


def offends(rule: Rule, schema: Schema) -> str:
    """The condition that a row offends, for rules that look at one row. Null offends only against ``not_null``."""
    types = {column.name.lower(): column.type for column in schema}
    match rule:
        case NotNull(column=column):
            return f"{quote(column)} is null"
        case AcceptedValues(column=column, values=values):
            type = types.get(column.lower(), "")
            return f"{quote(column)} not in ({', '.join(_constant(value, type) for value in values)})"
        case Range(column=column, least=least, greatest=greatest):
            type = types.get(column.lower(), "")
            bounds = [
                f"{quote(column)} {sign} {_constant(bound, type)}"
                for sign, bound in (("<", least), (">", greatest))
                if bound is not None
            ]
            return " or ".join(bounds)
        case Matches(column=column, pattern=pattern):
            return f"not regexp_full_match(cast({quote(column)} as varchar), {literal(pattern)})"
        case Expression(text=text):
            return f"not (\n{text}\n)"
        case _:
            raise TypeError(f"{rule} looks at more than one row")


def _constant(text: str, type: str) -> str:
    """A value as an SQL constant: a string takes the type of what it is compared with, a number keeps its own."""
    if _NUMERIC.match(type) and _NUMBER.fullmatch(text):
        return text
    return literal(text)


def counting_query(check: Check, relation: str, other: str | None, bound: str | None) -> str:
    """The query that counts the offenders of a rule for which :func:`counting` has no aggregate."""
    return f"select count(*) from (\n{_of_its_own(check, relation, other, bound)}\n)"


def sample_query(
    check: Check, relation: str, schema: Schema, other: str | None, bound: str | None
) -> str | None:
    """The query of the first offenders; None for a rule that no row offends by itself."""
    rule = check.rule
    match rule:
        case RowCount() | Newest() | Predicate():
            return None
        case Unique(columns=columns):
            names = ", ".join(map(quote, columns))
            given = f" where {names} is not null" if len(columns) == 1 else ""
            same = " and ".join(f"t.{quote(c)} is not distinct from d.{quote(c)}" for c in columns)
            order = ", ".join(f"t.{quote(c)}" for c in columns)
            doubled = f"select {names} from {relation}{given} group by {names} having count(*) > 1"
            joined = f"{relation} as t semi join ({doubled}) as d on {same}"
            return f"select t.* from {joined} order by {order} limit {SAMPLE}"
        case Relationship() | Offenders():
            return f"select * from (\n{_of_its_own(check, relation, other, bound)}\n) limit {SAMPLE}"
        case _:
            return f"select * from {relation} where {offends(rule, schema)} limit {SAMPLE}"


def _of_its_own(check: Check, relation: str, other: str | None, bound: str | None) -> str:
    match check.rule:
        case Relationship(column=column, to_column=to):
            name = quote(column)
            return (
                f"select t.* from {relation} as t where t.{name} is not null"
                f" and not exists (select 1 from {other} as o where o.{quote(to)} = t.{name})"
            )
        case Offenders():
            assert bound is not None
            return bound
        case _:
            raise TypeError(f"{check.rule} is counted with others")


def missing_column(check: Check, schema: Schema, others: dict[Key, Schema]) -> tuple[Key | None, str] | None:
    """A column that a check is about and that is not there: of its asset (None) or of another."""
    names = {column.name.lower() for column in schema}
    for column in columns_of(check.rule) or ():
        if column.lower() not in names:
            return None, column
    if isinstance(check.rule, Relationship) and check.rule.to in others:
        there = {column.name.lower() for column in others[check.rule.to]}
        if check.rule.to_column.lower() not in there:
            return check.rule.to, check.rule.to_column
    return None
