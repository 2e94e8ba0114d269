"""Looking into artifacts: queries, pages of rows, profiles."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from upriver.assets.errors import Diagnosis, StoreError, UpriverError, UsageError, did_you_mean
from upriver.assets.identity import Node
from upriver.assets.model import Column, Key, Schema
from upriver.lineage.sql.names import quote, relation_name
from upriver.materializer.answers import SIGN, Comparison, Profile, Table
from upriver.materializer.context import Context
from upriver.materializer.engines.types import from_stored
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.inspection import compare
from upriver.materializer.inspection.descriptions import Descriptions
from upriver.materializer.inspection.versions import current_versions
from upriver.materializer.model import Located
from upriver.materializer.ports import KeptProfile
from upriver.materializer.quality.profiles import detailed, profiled
from upriver.materializer.sources.observe import sources_of

DETAILED = 200
"""Tables of so many columns are shown with medians and histograms, without being asked."""


def run_query(context: Context, text: str, limit: int | None) -> Table:
    """Run a user's query over current artifacts. Raises UsageError for what can't be run."""
    from upriver.lineage.sql.parse.parse import parse_query

    query = parse_query(text)
    if isinstance(query, Diagnosis):
        if query.code == "sql-statement":
            raise UsageError("a query here can only read: write one SELECT over assets by their keys")
        raise UsageError(str(query))
    if query.files or query.unfollowed:
        what = query.files[0].call if query.files else f"{query.unfollowed[0]}()"
        raise UsageError(f"{what} is outside of what can be queried here: assets and sources, by their keys")
    asked = tuple(dict.fromkeys(query.keys()))
    versions = current_versions(context, asked)
    for key in asked:
        if key not in versions:
            known = context.project(refresh=False).graph
            if key in known:
                raise UsageError(f"{key} has not been built yet; `upriver build {key}` does")
            hint = did_you_mean(key, known.order)
            raise UsageError(f"there is no asset or source {key!r}" + (f"; {hint}" if hint else ""))
        context.engine().expose(key, versions[key])
    bound = query.bound_text(relation_name)
    if limit is not None:
        bound = f"select * from (\n{bound}\n) limit {int(limit)}"
    return _fetch(context, bound)


def preview(
    context: Context,
    key: Key,
    limit: int,
    offset: int,
    order_by: Sequence[tuple[str, bool]],
    where: str | None,
    at: str | None = None,
    against: str | None = None,
) -> Table:
    """A page of rows: those of now, those *at* an earlier materialization, or those that differ now *against* one.

    *where* is a condition as the user typed it.
    """
    content = _content(context, key, at)
    if against is not None:
        content = _differing(_content(context, key, against), content)
        # Rows that differ in their last columns only stand together, what was before what is.
        order_by = order_by or [
            *((column.name, False) for column in content.schema[1:]),
            (SIGN, True),
        ]
    names = {column.name for column in content.schema}
    for name, _ in order_by:
        if name not in names:
            raise UsageError(f"{key} has no column {name!r}")
    query = f"select * from {content.relation}"
    if where:
        from upriver.lineage.sql.parse.parse import parse_query

        condition = parse_query(f"select 1 where (\n{where}\n)")
        if isinstance(condition, Diagnosis):
            raise UsageError(f"the condition can't be read: {condition.message}")
        query += f" where (\n{where}\n)"
    if order_by:
        query += " order by " + ", ".join(f"{quote(n)} {'desc' if down else 'asc'}" for n, down in order_by)
    total = content.rows
    if where or total is None:
        _, counted = _execute(context, f"select count(*) from ({query})")
        total = int(counted[0][0])
    found = _fetch(context, f"{query} limit {int(limit)} offset {int(offset)}")
    return Table(found.columns, found.types, found.rows, total)


def compared(context: Context, key: Key, before: str) -> Comparison:
    """What differs now against the materialization that *before* means (see :func:`compare.earlier`)."""
    then = compare.earlier(context, key, before)
    differing = _differing(_content(context, key, then.id), _content(context, key, None))
    query = f"select {quote(SIGN)}, count(*) from {differing.relation} group by all"
    _, rows = _execute(context, query)
    now = context.state.current(context.environment, [Node(key)])[Node(key)]
    return compare.comparison(key, then, now, {str(sign): int(number) for sign, number in rows})


class _Content(NamedTuple):
    """What an asset holds or held: what to write after ``from``, its columns, rows (None: not counted), bytes."""

    relation: str
    schema: Schema
    rows: int | None
    bytes: int
    version: str = ""


def _content(context: Context, key: Key, at: str | None) -> _Content:
    """The content of now, or *at* an earlier materialization."""
    if at is None:
        version = _table(context, key)
        return _Content(relation_name(key), version.schema, version.rows, version.bytes, version.id)
    version = context.locator.located(compare.earlier(context, key, at).version)
    relation = f"({from_stored(version.files, version.schema)})"
    return _Content(relation, version.schema, version.rows, version.bytes, version.id)


def _differing(then: _Content, now: _Content) -> _Content:
    """The rows that differ, with their sign in the first column."""
    query = compare.differences((f"from {then.relation}", then.schema), (f"from {now.relation}", now.schema))
    common = {column.name for column in then.schema}
    schema = (Column(SIGN, "VARCHAR"), *(c for c in now.schema if c.name in common))
    return _Content(f"({query})", schema, None, now.bytes)


def _table(context: Context, key: Key) -> Located:
    versions = current_versions(context, [key])
    if key not in versions:
        record = context.state.current(context.environment, [Node(key)]).get(Node(key))
        if record is not None and not record.version.schema:
            raise UsageError(f"{key} is a file: {context.locator.files(record.version)[0]}")
        raise UsageError(f"{key} has not been built yet; `upriver build {key}` does")
    context.engine().expose(key, versions[key])
    return versions[key]


def _execute(context: Context, query: str) -> tuple[Schema, list[tuple[Any, ...]]]:
    try:
        return context.engine().fetch(query, variables=context.variables(context.project(refresh=False)))
    except UpriverError:
        raise
    except Exception as error:
        raise UsageError(str(error).split("\n\nLINE")[0].strip()) from error


def _fetch(context: Context, query: str) -> Table:
    described, _ = _execute(context, f"describe {query}"), None
    schema = [(str(row[0]), str(row[1])) for row in described[1]]
    zoned = [name for name, type in schema if "WITH TIME ZONE" in type]
    if zoned:
        # As text: Python's values of these types need a time zone database that is not among the dependencies.
        casts = ", ".join(f"cast({quote(name)} as varchar) as {quote(name)}" for name in zoned)
        query = f"select * replace ({casts}) from (\n{query}\n)"
    _, rows = _execute(context, query)
    return Table(tuple(n for n, _ in schema), tuple(t for _, t in schema), tuple(tuple(row) for row in rows))


def profile(context: Context, key: Key, at: str | None = None, *, quantiles: bool | None = None) -> Profile:
    """A content in numbers, as it is kept; what is not is taken now, and kept. With *quantiles* also medians and
    histograms; None: for a table of at most :data:`DETAILED` columns.
    """
    content = _content(context, key, at)
    wanted = len(content.schema) <= DETAILED if quantiles is None else quantiles
    kept = context.state.profile(content.version)
    # The names and types must be those that are shown: the same bytes may have been declared otherwise.
    if kept is not None and [(c.name, c.type) for c in kept.columns] != [
        (c.name, c.type) for c in content.schema
    ]:
        kept = None
    fresh = kept

    def fetch(query: str) -> list[tuple[Any, ...]]:
        return _execute(context, query)[1]

    if fresh is None:
        rows, columns = profiled(content.relation, content.schema, fetch)
        fresh = KeptProfile(content.version, key, context.clock.now(), rows, columns)
    if wanted and not fresh.detailed:
        columns = detailed(content.relation, fresh.columns, content.schema, fetch)
        fresh = msgspec.structs.replace(fresh, columns=columns, detailed=True)
    if (
        fresh is not kept and key not in context.project(refresh=False).sources
    ):  # whose files may change meanwhile
        with suppress(StoreError):  # a full disk, or one that is only read
            context.state.remember_profiles([fresh])
    described = Descriptions(
        context.project(refresh=False), Schemas(context, SourceViews(sources_of(context)))
    ).of(key)
    columns = tuple(
        msgspec.structs.replace(one, description=described.get(one.name.lower(), "")) for one in fresh.columns
    )
    if not wanted:
        columns = tuple(msgspec.structs.replace(one, middle=None, histogram=()) for one in columns)
    return Profile(key, fresh.rows, content.bytes, content.schema, columns)
