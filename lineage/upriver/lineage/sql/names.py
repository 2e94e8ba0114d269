"""Quoting of identifiers, literals and assets in DuckDB SQL. Whatever a name holds, it stays a name."""

from __future__ import annotations

from upriver.assets.model import Key


def quote(identifier: str) -> str:
    """*identifier* as a quoted SQL identifier.

    Raises ``ValueError`` for the empty string and for NUL characters, which no engine can hold in a name.
    """
    if not identifier or "\0" in identifier:
        raise ValueError(f"not an SQL identifier: {identifier!r}")
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """*text* as an SQL string literal. Raises ``ValueError`` for NUL characters."""
    if "\0" in text:
        raise ValueError("an SQL string can't hold a NUL character")
    return "'" + text.replace("'", "''") + "'"


def relation_parts(key: Key) -> tuple[str, str]:
    """Schema and name of the view that stands for *key*: ``x.y.z`` is view ``z`` in schema ``x.y``."""
    schema, _, name = key.rpartition(".")
    return schema or "main", name


def relation_name(key: Key) -> str:
    """The view that stands for *key*, quoted and ready for a FROM clause.

    >>> relation_name("a"), relation_name("x.y"), relation_name("x.y.z")
    ('main."a"', '"x"."y"', '"x.y"."z"')
    """
    schema, name = relation_parts(key)
    return f"main.{quote(name)}" if schema == "main" else f"{quote(schema)}.{quote(name)}"
