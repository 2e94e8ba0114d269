"""Functions of a dialect as a table: a signature, the kind of the result, and what to write in DuckDB.

One line each::

    left(text, int) text = left({0}, {1})
    to_char(moment, lit) text = @to_char
    format(*) = ! depends on the locale

Kinds are those of :mod:`kinds`; ``lit`` is a literal, ``word`` a bare word such as a unit, a last kind with ``*`` stands
for any number of arguments. The result is a type of DuckDB, or ``same`` for that of the first argument. ``@name`` is a rule
written in Python, ``!`` says why a function is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from sqlglot import exp, parse_one


class Signature(NamedTuple):
    """One line of the table. *rule* names a rule in Python; *refusal* is why it is refused."""

    name: str
    kinds: tuple[str, ...]
    variadic: bool
    result: str
    template: str
    rule: str | None
    refusal: str | None

    def takes(self, count: int) -> bool:
        """Whether it may be called with *count* arguments."""
        return count >= len(self.kinds) - 1 if self.variadic else count == len(self.kinds)

    def wanted(self, index: int) -> str:
        """The kind of the argument at *index*."""
        return self.kinds[min(index, len(self.kinds) - 1)]


_LINE = re.compile(r"(?P<name>\w+)\((?P<kinds>[^)]*)\)\s*(?P<result>[\w()\[\]]*)\s*=\s*(?P<what>.+)")


def functions(*tables: str) -> Mapping[str, tuple[Signature, ...]]:
    """The signatures of each function, by its name in capitals. A later table replaces what earlier ones say of a name."""
    found: dict[str, tuple[Signature, ...]] = {}
    for table in tables:
        here: dict[str, list[Signature]] = {}
        for line in filter(None, (line.strip() for line in table.splitlines())):
            for signature in _read(line):
                here.setdefault(signature.name, []).append(signature)
        found |= {name: tuple(lines) for name, lines in here.items()}
    return found


def _read(line: str) -> list[Signature]:
    match = _LINE.fullmatch(line)
    assert match is not None, f"not a signature: {line}"
    kinds = tuple(kind.strip() for kind in match["kinds"].split(",") if kind.strip())
    variadic = bool(kinds) and kinds[-1].endswith("*")
    if variadic:
        kinds = (*kinds[:-1], kinds[-1][:-1] or "any")
    what = match["what"].strip()
    rule = what[1:].strip() if what.startswith("@") else None
    refusal = what[1:].strip() if what.startswith("!") else None
    name = match["name"].upper()
    return [Signature(name, kinds, variadic, match["result"] or "same", what, rule, refusal)]


@cache
def _parsed(template: str) -> exp.Expr:
    return parse_one(re.sub(r"\{(\d+)\}", r"arg__\1", template), read="duckdb")


def duckdb_text(template: str, *arguments: exp.Expr) -> exp.Expr:
    """The expression that *template* is in DuckDB, with ``{0}`` and so on replaced by *arguments*."""
    tree = _parsed(template).copy()
    used: set[int] = set()
    for column in list(tree.find_all(exp.Column)):
        if column.name.startswith("arg__") and not column.table:
            index = int(column.name.removeprefix("arg__"))
            argument = arguments[index].copy() if index in used else arguments[index]
            used.add(index)
            if needs_parentheses(argument, column):
                argument = exp.Paren(this=argument)
            if column is tree:
                return argument
            column.replace(argument)
    return tree


def needs_parentheses(argument: exp.Expr, place: exp.Expr) -> bool:
    """Whether *argument* at *place* could be taken apart by the operator around it."""
    inside_operator = isinstance(
        place.parent, exp.Binary | exp.Unary | exp.Between | exp.In | exp.Cast | exp.Bracket
    )
    composed = exp.Binary | exp.Unary | exp.Between | exp.In | exp.Not | exp.Interval | exp.Case
    return (
        inside_operator and isinstance(argument, composed) and not isinstance(argument, exp.Dot | exp.Paren)
    )


Rule = Callable[..., exp.Expr]


def literal_text(node: exp.Expr) -> str | None:
    """The text of a string literal."""
    return node.name if isinstance(node, exp.Literal) and node.is_string else None


def word(node: exp.Expr) -> str | None:
    """A bare word such as a unit, in lower case; also written as text."""
    if isinstance(node, exp.Column) and not node.table and not node.this.args.get("quoted"):
        return node.name.lower()
    if isinstance(node, exp.Var):
        return node.name.lower()
    text = literal_text(node)
    return None if text is None else text.lower()


def chain(operator: type[exp.Binary], parts: Sequence[exp.Expr]) -> exp.Expr:
    """*parts* joined by *operator*, from the left."""
    first, *rest = parts
    for part in rest:
        first = operator(this=first, expression=part)
    return first
