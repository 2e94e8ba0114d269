"""The dialects that can be translated, by name."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import import_module

from upriver.lineage.sql.dialects.rules import Dialect

NAMES = ("bigquery", "mysql", "postgres", "redshift", "snowflake", "spark", "sqlite", "trino", "tsql")
ALIASES = {"databricks": "spark", "presto": "trino"}


@cache
def dialect_named(text: str) -> Dialect | None:
    """The dialect that *text* names: ``postgres``, or ``mysql, collation=binary``, where text is compared byte by byte."""
    name, _, setting = (part.strip().lower() for part in text.partition(","))
    name = ALIASES.get(name, name)
    if name not in NAMES:
        return None
    found = import_module(f"upriver.lineage.sql.dialects.{name}").DIALECT
    assert isinstance(found, Dialect)
    if not setting:
        return found
    if setting.replace(" ", "") != "collation=binary" or found.exact_text:
        return None
    return replace(found, exact_text=True)


def grammar_of(text: str) -> str:
    """The name that sqlglot has for the grammar of a dialect."""
    return text.partition(",")[0].strip().lower()
