"""Looking into artifacts: queries, pages of rows, profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from upriver.assets.errors import Diagnosis, UpriverError, UsageError, did_you_mean
from upriver.assets.model import Key, Schema
from upriver.lineage.sql.names import quote, relation_name
from upriver.materializer.maintenance import current_versions
from upriver.materializer.model import Version
from upriver.materializer.views import ColumnProfile, Profile, Table
from upriver.materializer.workspace import Workspace

HISTOGRAM_BINS = 16


def run_query(workspace: Workspace, text: str, limit: int | None) -> Table:
    """Run a user's query over current artifacts. Raises UsageError for what can't be run."""
    from upriver.lineage.sql.parse import parse_query

    query = parse_query(text)
    if isinstance(query, Diagnosis):
        if query.code == "sql-statement":
            raise UsageError("a query here can only read: write one SELECT over assets by their keys")
        raise UsageError(str(query))
    if query.files or query.outside:
        what = query.files[0].call if query.files else f"{query.outside[0]}()"
        raise UsageError(f"{what} is outside of what can be queried here: assets and sources, by their keys")
    versions = current_versions(workspace)
    for key in dict.fromkeys(query.keys()):
        if key not in versions:
            known = workspace.project(refresh=False).graph
            if key in known:
                raise UsageError(f"{key} has not been built yet; `upriver build {key}` does")
            hint = did_you_mean(key, known.order)
            raise UsageError(f"there is no asset or source {key!r}" + (f"; {hint}" if hint else ""))
        workspace.engine().expose(key, versions[key])
    bound = query.bound_text(relation_name)
    if limit is not None:
        bound = f"select * from (\n{bound}\n) limit {int(limit)}"
    return _fetch(workspace, bound)


def preview(
    workspace: Workspace,
    key: Key,
    limit: int,
    offset: int,
    order_by: Sequence[tuple[str, bool]],
    where: str | None,
) -> Table:
    """A page of rows. *where* is a condition as the user typed it."""
    version = _table(workspace, key)
    names = {column.name for column in version.schema}
    for name, _ in order_by:
        if name not in names:
            raise UsageError(f"{key} has no column {name!r}")
    query = f"select * from {relation_name(key)}"
    if where:
        from upriver.lineage.sql.parse import parse_query

        condition = parse_query(f"select 1 where (\n{where}\n)")
        if isinstance(condition, Diagnosis):
            raise UsageError(f"the condition can't be read: {condition.message}")
        query += f" where (\n{where}\n)"
    if order_by:
        query += " order by " + ", ".join(f"{quote(n)} {'desc' if down else 'asc'}" for n, down in order_by)
    total = version.rows
    if where:
        _, counted = _execute(workspace, f"select count(*) from ({query})")
        total = int(counted[0][0])
    found = _fetch(workspace, f"{query} limit {int(limit)} offset {int(offset)}")
    return Table(found.columns, found.types, found.rows, total)


def _table(workspace: Workspace, key: Key) -> Version:
    versions = current_versions(workspace)
    if key not in versions:
        record = workspace.state.current(workspace.environment).get(key)
        if record is not None and not record.version.schema:
            raise UsageError(f"{key} is a file: {workspace.root / record.version.files[0]}")
        raise UsageError(f"{key} has not been built yet; `upriver build {key}` does")
    workspace.engine().expose(key, versions[key])
    return versions[key]


def _execute(workspace: Workspace, query: str) -> tuple[Schema, list[tuple[Any, ...]]]:
    try:
        return workspace.engine().fetch(
            query, variables=workspace.variables(workspace.project(refresh=False))
        )
    except UpriverError:
        raise
    except Exception as error:
        raise UsageError(str(error).split("\n\nLINE")[0].strip()) from error


def _fetch(workspace: Workspace, query: str) -> Table:
    described, _ = _execute(workspace, f"describe {query}"), None
    schema = [(str(row[0]), str(row[1])) for row in described[1]]
    zoned = [name for name, type in schema if "WITH TIME ZONE" in type]
    if zoned:
        # As text: Python's values of these types need a time zone database that is not among the dependencies.
        casts = ", ".join(f"cast({quote(name)} as varchar) as {quote(name)}" for name in zoned)
        query = f"select * replace ({casts}) from (\n{query}\n)"
    _, rows = _execute(workspace, query)
    return Table(tuple(n for n, _ in schema), tuple(t for _, t in schema), tuple(tuple(row) for row in rows))


def profile(workspace: Workspace, key: Key) -> Profile:
    """Counts, extremes and a histogram for every column, in one pass and one more for the histograms."""
    version = _table(workspace, key)
    relation = relation_name(key)
    parts = ["count(*)"]
    for column in version.schema:
        name = quote(column.name)
        shown = f"cast({{}}({name}) as varchar)"
        middle = f"cast(median({name}) as varchar)" if _is_number(column.type) else "null"
        orderable = _is_orderable(column.type)
        parts += [
            f"count(*) - count({name})",
            f"approx_count_distinct({name})" if orderable else "null",
            shown.format("min") if orderable else "null",
            shown.format("max") if orderable else "null",
            middle,
        ]
    _, rows = _execute(workspace, f"select {', '.join(parts)} from {relation}")
    values = list(rows[0])
    count = int(values.pop(0))
    columns = []
    for index, column in enumerate(version.schema):
        nulls, distinct, low, high, middle = values[index * 5 : index * 5 + 5]
        histogram = _histogram(workspace, relation, column.name) if _is_number(column.type) and count else ()
        columns.append(
            ColumnProfile(
                column.name, column.type, int(nulls), int(distinct or 0), low, high, middle, histogram
            )
        )
    return Profile(key, count, version.bytes, version.schema, tuple(columns))


def _is_number(type: str) -> bool:
    return (
        type.startswith(("DECIMAL", "FLOAT", "DOUBLE"))
        or type.endswith("INT")
        or type in ("INTEGER", "UINTEGER")
    )


def _is_orderable(type: str) -> bool:
    simple = ("VARCHAR", "DATE", "TIME", "BOOLEAN", "UUID", "ENUM")
    return _is_number(type) or (type.startswith(simple) and not type.endswith("]"))


def _histogram(workspace: Workspace, relation: str, column: str) -> tuple[int, ...]:
    value = f"cast({quote(column)} as double)"
    query = f"""
        with numbers as (select {value} as value from {relation} where isfinite({value})),
        bounds as (select min(value) as low, max(value) as high from numbers)
        select
            least(
                {HISTOGRAM_BINS - 1},
                cast(floor((value - low) / nullif(high - low, 0) * {HISTOGRAM_BINS}) as integer)
            ) as bin,
            count(*)
        from numbers, bounds group by bin order by bin"""
    _, rows = _execute(workspace, query)
    counts = [0] * HISTOGRAM_BINS
    for bin, number in rows:
        counts[0 if bin is None else int(bin)] += int(number)
    return tuple(counts)
