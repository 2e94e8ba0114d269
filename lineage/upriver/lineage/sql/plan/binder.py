"""Binder: turns a query and schemas into an Analysis. DuckDB binds the query against empty tables; the rest is read
off the bound plan."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import duckdb
import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Column, Key, Schema
from upriver.assets.project.config import Scalar
from upriver.assets.support.json_trees import decode
from upriver.lineage.columns.groups import grouped
from upriver.lineage.model import WHOLE, Analysis, Opaque, Volatility
from upriver.lineage.sql.names import quote, relation_name, relation_parts
from upriver.lineage.sql.parse.parse import bound_to
from upriver.lineage.sql.parse.query import BoundText, Query
from upriver.lineage.sql.parse.variables import set_variables, variable_reads
from upriver.lineage.sql.plan.bind_errors import bind_diagnosis, unknown_upstream
from upriver.lineage.sql.plan.context import PlanContext
from upriver.lineage.sql.plan.digest import Called, binding_digests
from upriver.lineage.sql.plan.findings import (
    column_edges,
    footprints,
    key_filters,
    opaque_groups,
    own_expressions,
    used_sources,
)
from upriver.lineage.sql.plan.flow import Node
from upriver.lineage.sql.plan.slicing import slicing_of
from upriver.lineage.sql.plan.volatility import VolatileFunctions
from upriver.lineage.sql.plan.walk import walked
from upriver.lineage.sql.text.select_list import output_expressions
from upriver.lineage.sql.text.tokens import Token, tokens

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": "1",
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class Binder:
    """Binds queries in a database of its own that holds empty tables. May be shared by threads, one at a time.

    *variables* are what ``getvariable`` gives.
    """

    def __init__(self, variables: Mapping[str, Scalar] = MappingProxyType({})) -> None:
        self._lock = threading.Lock()
        self._connection = duckdb.connect(":memory:", config=_SETTINGS)
        self._variables = frozenset(name.lower() for name in variables)
        for statement in set_variables(variables):
            self._connection.execute(statement)
        self._stubs: dict[Key, Schema] = {}
        self._schemas_made: set[str] = {"main"}
        self._volatile = VolatileFunctions(self._connection)
        keywords = self._connection.execute(
            "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
        ).fetchall()
        self._keywords = {name for (name,) in keywords}

    @property
    def keywords(self) -> frozenset[str]:
        """The words that are no names without quotes, in lower case."""
        return frozenset(self._keywords)

    def close(self) -> None:
        """Give the database up."""
        self._connection.close()

    def analyze(
        self,
        query: Query,
        schemas: Mapping[Key, Schema],
        called: Called | None = None,
        cut_by: tuple[str, ...] = (),
    ) -> Analysis | Diagnosis:
        """What binding *query* against upstreams of these *schemas* tells, or why it can't be bound.

        With *called* its ``binding`` is that of the same query over columns of those names: equal bindings of two
        queries say that they mean the same up to what columns are called. With *cut_by*, output columns, it tells
        how the result is computed slice by slice.
        """
        missing = unknown_upstream(query, schemas)
        if missing is not None:
            return missing
        if query.unfollowed:
            return self._reads_outside(query)
        with self._lock:
            bound = bound_to(query, schemas)
            if isinstance(bound, Diagnosis):
                return self._refused(query, schemas, bound)
            return self._analyze(bound, schemas, called, cut_by)

    def _refused(self, query: Query, schemas: Mapping[Key, Schema], refusal: Diagnosis) -> Diagnosis:
        """Why a query in another dialect can't be translated: what DuckDB finds wrong with its names comes first."""
        found = self._analyze(query, schemas, None)
        unknown = isinstance(found, Diagnosis) and found.code in ("unknown-column", "unknown-table")
        return found if isinstance(found, Diagnosis) and unknown else refusal

    def _analyze(
        self,
        query: Query,
        schemas: Mapping[Key, Schema],
        called: Called | None,
        cut_by: tuple[str, ...] = (),
    ) -> Analysis | Diagnosis:
        keys = query.keys()
        schemas = {key: schemas[key] for key in keys}
        for key in keys:
            if (problem := self._ensure_stub(key, schemas[key])) is not None:
                return self._opaque(
                    query, schemas, f"the type of a column of {key} can't be bound: {problem}"
                )
        bound = query.bound(relation_name)
        if query.dynamic is not None:
            return self._opaque(query, schemas, query.dynamic)
        text: str = self._one("select json_serialize_plan(?, optimize := false)", bound.text)
        plan: Node = decode(text)
        if plan["error"]:
            if plan["error_type"] in ("internal", "not implemented", "serialization"):
                return self._unserializable(query, bound, schemas, plan["error_message"])
            return bind_diagnosis(plan, query, bound, schemas)
        schema = self._describe(bound.text, schemas)
        (root,) = plan["plans"]
        key_of = {relation_parts(key): key for key in keys}
        context = PlanContext(root, key_of, schemas, self._volatile)
        result = walked(context, root)
        if not self._variables.issuperset(variable_reads(query.executable)):
            context.volatile[Volatility("getvariable", "build")] = None  # in the plan there is only its value
        for volatility in self._clock_reads(query):
            context.volatile[volatility] = None
        values, influences = used_sources(result, len(schema), context.evaluated)
        read_rows = context.row_identifiers & (values | {source for source, _, _ in influences})
        if read_rows:
            return bind_diagnosis(_ROWID, query, bound, schemas)
        expressions = output_expressions(query.executable, tuple(column.name for column in schema))
        reads = footprints(context.sources, values, influences)
        edges = column_edges(result, schema, context.sources, expressions, reads, schemas)
        slicing = None
        if cut_by and {name.casefold() for name in cut_by} <= {column.name.casefold() for column in schema}:
            slicing = slicing_of(context, root, schema, cut_by)  # before columns are pruned from the plan
        whole, pruned = binding_digests(text, root, context.widths, key_of, schema, _literals(query), called)
        return Analysis(
            schema=schema,
            groups=grouped(edges, schema),
            footprints=reads,
            opaque=tuple(context.opaque),
            volatile=tuple(sorted(context.volatile, key=lambda v: v.function)),
            binding=pruned or whole,
            whole_binding="" if pruned is None else whole,
            expressions=own_expressions(result, schema, context.sources, expressions),
            key_filters=key_filters(context.sources, reads),
            slicing=slicing,
        )

    def _one(self, sql: str, *parameters: str) -> Any:
        row = self._connection.execute(sql, list(parameters)).fetchone()
        assert row is not None
        return row[0]

    def _describe(self, sql: str, schemas: Mapping[Key, Schema]) -> Schema:
        """The columns of a table made from *sql*."""
        rows = self._connection.execute(f"describe {sql}").fetchall()
        names = [row[0].lower() for row in rows]
        if len(set(names)) < len(names) or self._has_other_spellings(sql, schemas):
            # DESCRIBE leaves equal names as they are, and forgets an alias that differs from its column in case only.
            self._connection.execute(f"create or replace temp table described as {sql} with no data")
            rows = self._connection.execute("describe temp.described").fetchall()
            self._connection.execute("drop table temp.described")
        return tuple(Column(row[0], row[1]) for row in rows)

    def _has_other_spellings(self, sql: str, schemas: Mapping[Key, Schema]) -> bool:
        """Whether some name is written in two ways, here or here and upstream."""
        spellings = {column.name.lower(): column.name for schema in schemas.values() for column in schema}
        written = [token for token in tokens(sql) if token.kind in ("word", "quoted")]
        names = (t.name for t in written if t.kind == "quoted" or t.name.lower() not in self._keywords)
        return any(spellings.setdefault(name.lower(), name) != name for name in names)

    def _ensure_stub(self, key: Key, schema: Schema) -> str | None:
        """Have an empty table for *key*; say what is wrong when there can't be one."""
        if self._stubs.get(key) == schema:
            return None
        parent, _ = relation_parts(key)
        if parent not in self._schemas_made:
            self._connection.execute(f"create schema {quote(parent)}")
            self._schemas_made.add(parent)
        try:
            columns = ", ".join(f"{quote(column.name)} {_checked_type(column.type)}" for column in schema)
            self._connection.execute(f"create or replace table {relation_name(key)} ({columns})")
        except (duckdb.Error, ValueError) as error:
            return str(error).partition("\n")[0]
        self._stubs[key] = schema
        return None

    def _unserializable(
        self, query: Query, bound: BoundText, schemas: Mapping[Key, Schema], message: str
    ) -> Analysis | Diagnosis:
        """DuckDB binds the query and can't show its plan."""
        try:
            schema = self._describe(bound.text, schemas)
        except duckdb.Error as error:
            return bind_diagnosis({"error_message": str(error)}, query, bound, schemas)
        return self._opaque(query, schemas, f"DuckDB can't show the plan: {message}", schema)

    def _opaque(
        self, query: Query, schemas: Mapping[Key, Schema], cause: str, schema: Schema | None = None
    ) -> Analysis:
        """All of every upstream, because of *cause*. What the text means decides the binding."""
        keys = query.keys()
        return Analysis(
            schema=schema,
            groups=opaque_groups(schemas) if schema else (),
            footprints=tuple((key, WHOLE) for key in keys),
            opaque=(Opaque(cause),),
            volatile=self._volatile_words(query),
            binding=query.fingerprint,
        )

    def _reads_outside(self, query: Query) -> Analysis:
        cause = f"{', '.join(query.unfollowed)} reads what Upriver does not follow"
        analysis = self._opaque(query, {}, cause)
        unfollowed = tuple(Volatility(name, "build") for name in query.unfollowed)
        return msgspec.structs.replace(analysis, volatile=(*analysis.volatile, *unfollowed))

    def _clock_reads(self, query: Query) -> Iterator[Volatility]:
        """Where the text asks for the time. As an argument of another function the plan has only what it was told."""
        found = list(tokens(query.executable))
        for before, token, after in zip([None, *found], found, [*found[1:], None], strict=False):
            called = after is not None and after.text == "("
            bare = token.kind == "word" and not called and not (before is not None and before.text == ".")
            word = token.name.lower()
            if token.kind not in ("word", "quoted") or not (called or (bare and word in _CLOCK_WORDS)):
                continue
            word = "get_current_timestamp" if word == "current_timestamp" else _SPELLINGS.get(word, word)
            if word in _CLOCK or (word == "age" and _single_argument(found, token)):
                volatility = self._volatile.volatility(word, 1)
                if volatility is not None:
                    yield volatility

    def _volatile_words(self, query: Query) -> tuple[Volatility, ...]:
        """Volatile functions by their names in the text, where there is no plan to find them in."""
        found: dict[Volatility, None] = {}
        for token in tokens(query.executable):
            if token.kind in ("word", "quoted"):
                word = _SPELLINGS.get(token.name.lower(), token.name.lower())
                if word == "getvariable" and self._variables.issuperset(variable_reads(query.executable)):
                    continue
                if (volatility := self._volatile.volatility(word, 1)) is not None:
                    found[volatility] = None
        return tuple(sorted(found, key=lambda v: v.function))


_ROWID: Node = {"error_type": "binder", "error_message": "rowid is no column of an asset", "name": "rowid"}
_SPELLINGS = {
    "current_timestamp": "now",
    "current_time": "get_current_time",
    "localtime": "current_localtime",
    "localtimestamp": "current_localtimestamp",
    "tablesample": "random",
    "sample": "random",
}


_CLOCK_WORDS = frozenset({"current_date", "current_timestamp", "current_time", "localtime", "localtimestamp"})
"""What needs no parentheses."""
_CLOCK = frozenset(
    {
        "current_date", "today", "now", "get_current_time", "get_current_timestamp", "transaction_timestamp",
        "current_localtime", "current_localtimestamp", "txid_current",
    }
)  # fmt: skip


def _single_argument(found: Sequence[Token], function: Token) -> bool:
    depth = 0
    for token in found[found.index(function) + 1 :]:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)
        if depth == 0:
            break
        if depth == 1 and token.text == ",":
            return False
    return True


def _literals(query: Query) -> list[str]:
    return [token.text for token in tokens(query.executable) if token.kind in ("string", "number")]


def _checked_type(text: str) -> str:
    """A type as it was recorded, refused when it holds more than a type."""
    depth = 0
    for token in tokens(text):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0 or token.text == ";" or (depth == 0 and token.text == ","):
            raise ValueError(f"not a column type: {text!r}")
    if depth:
        raise ValueError(f"not a column type: {text!r}")
    return text
