"""Types of all expressions of a query, derived from the schemas of its upstreams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as Grammar
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import TypeAnnotator
from sqlglot.optimizer.qualify_columns import qualify_columns
from sqlglot.optimizer.qualify_tables import qualify_tables
from sqlglot.schema import MappingSchema

from upriver.assets.model import Schema
from upriver.lineage.sql.dialects.inference import annotators
from upriver.lineage.sql.dialects.kinds import kind_of
from upriver.lineage.sql.dialects.rules import Dialect
from upriver.lineage.sql.dialects.shadowing import COLUMNS

_NUMBER = "upriver_number"


def annotate(tree: exp.Expr, dialect: Dialect, schemas: Mapping[str, Schema]) -> None:
    """Set the type of each expression of *tree* as far as it is known.

    *schemas* are by the name of the table as the query writes it, in lower case. What can't be resolved stays
    without a type: DuckDB's binder says what is wrong with it.
    """
    for table in tree.find_all(exp.Table):
        columns = schemas.get(".".join(part.name for part in table.parts).lower())
        if columns is not None and isinstance(table.this, exp.Identifier):
            table.meta[COLUMNS] = [column.name.lower() for column in columns]
    nodes = list(tree.walk())
    for number, node in enumerate(nodes):
        node.meta[_NUMBER] = number
    copy = tree.copy()
    try:
        for node in list(copy.walk()):
            _annotate_copy_names(node)
        tables = _name_tables(copy, schemas)
        schema = MappingSchema(tables, dialect=dialect.grammar, normalize=False)
        copy = qualify_tables(copy, dialect=dialect.grammar)
        copy = qualify_columns(copy, schema, expand_alias_refs=False, allow_partial_qualification=True)
        annotator = TypeAnnotator(schema, expression_metadata=_metadata(dialect))
        annotator.annotate(copy)
    except (SqlglotError, RecursionError, KeyError, AttributeError, TypeError, ValueError, IndexError):
        return  # without types: what depends on them is refused, unless DuckDB's binder knows a better reason
    combined = copy.find(exp.SetOperation) is not None
    for typed in copy.walk():
        if _NUMBER in typed.meta and typed.type is not None:
            loose = combined and isinstance(typed, exp.Column) and kind_of(typed.type) == "exact"
            # sqlglot gives the digits of one side of a UNION.
            nodes[typed.meta[_NUMBER]].type = exp.DataType.build("decimal") if loose else typed.type


def _annotate_copy_names(node: exp.Expr) -> None:
    """DuckDB compares names without case, so here they all are in lower case."""
    if isinstance(node, exp.Identifier):
        node.set("this", node.name.lower())
        node.set("quoted", True)
    elif isinstance(node, exp.Column) and node.args.get("db"):
        node.set("db", None)
        node.set("catalog", None)


def _name_tables(copy: exp.Expr, schemas: Mapping[str, Schema]) -> dict[str, object]:
    """Give each table one name of one part, and say what columns it has."""
    tables: dict[str, object] = {}
    names: dict[str, str] = {}
    for table in copy.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        name = ".".join(part.name for part in table.parts)
        if name not in schemas:
            continue
        if not table.alias:
            alias = exp.TableAlias(this=exp.to_identifier(table.name, quoted=True))
            table.set("alias", alias)
        new = names.setdefault(name, f"upriver table {len(names)}")
        tables[new] = {column.name.lower(): column_type(column.type) for column in schemas[name]}
        table.set("this", exp.to_identifier(new, quoted=True))
        table.set("db", None)
        table.set("catalog", None)
    return tables


def column_type(text: str) -> exp.DataType:
    """A type of DuckDB as sqlglot's."""
    try:
        return exp.DataType.build(text, dialect="duckdb")
    except SqlglotError:
        return exp.DataType.build(exp.DType.UNKNOWN)


def _metadata(dialect: Dialect) -> dict[type[exp.Expr], dict[str, Any]]:
    return {**Grammar.get_or_raise(dialect.grammar).EXPRESSION_METADATA, **annotators(dialect)}
