"""Project variables in a query: ``getvariable('name')``, with the value that ``upriver.toml`` has for the name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from upriver.assets.project.config import Scalar
from upriver.lineage.sql.text.tokens import Token, tokens


def variable_reads(text: str) -> set[str | None]:
    """The names, lower case, that calls of ``getvariable`` ask for; None among them when a name is computed."""
    if "getvariable" not in text.lower():
        return set()
    found: set[str | None] = set()
    every = list(tokens(text))
    for index, token in enumerate(every):
        if token.kind in ("word", "quoted") and token.name.lower() == "getvariable":
            opening, name, closing = (*every[index + 1 : index + 4], *[None] * 3)[:3]
            found.add(_named(opening, name, closing))
    return found


def _named(opening: Token | None, name: Token | None, closing: Token | None) -> str | None:
    if opening is None or name is None or closing is None or (opening.text, closing.text) != ("(", ")"):
        return None  # also ('x').getvariable()
    if name.kind != "string" or not name.text.startswith("'"):
        return None
    return name.text[1:-1].replace("''", "'").lower()


def set_variables(variables: Mapping[str, Scalar]) -> Iterator[str]:
    """The statements that give a DuckDB connection these variables, types as in TOML."""
    for name, value in variables.items():
        yield f'set variable "{name}" = {_literal(value)}'


def _literal(value: Scalar) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case float():
            return f"'{value!r}'::double"  # also inf and nan, and no digit is lost to DECIMAL
        case int():
            return str(value)
