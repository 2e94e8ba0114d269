"""Comparison of an asset with an earlier materialization of it."""

from __future__ import annotations

from upriver.assets.errors import UsageError
from upriver.assets.identity import Node
from upriver.assets.model import Key, Schema
from upriver.lineage.sql.names import quote
from upriver.materializer.answers import SIGN, Comparison
from upriver.materializer.context import Context
from upriver.materializer.model import Materialization

BEFORE = "before"
"""Names the newest earlier materialization whose content is another one than that of now."""


def earlier(context: Context, key: Key, which: str) -> Materialization:
    """The materialization of *key* that *which* means: :data:`BEFORE`, an id, or the beginning of a run's id or of
    a content's version. Raises UsageError when there is none, or its artifact is gone.
    """
    if key in context.project(refresh=False).sources:
        raise UsageError(f"{key} is a source: of what it held before nothing is kept")
    current = context.state.current(context.environment, [Node(key)]).get(Node(key))
    if current is not None and not current.version.schema:
        raise UsageError(f"{key} is a file: it has no rows to compare")
    newest = which == BEFORE
    for one in context.state.history(key, -1):
        if newest:
            if current is None or one.version.id == current.version.id:
                continue
        elif which != one.id and not one.run.startswith(which) and not one.version.id.startswith(which):
            continue
        if not one.version.schema:
            raise UsageError(f"{key} was a file in run {one.run}: it had no rows to compare")
        if not context.locator.there(one.version):
            if newest:
                continue
            raise UsageError(f"what {key} held in run {one.run} is not kept any more (`upriver gc` drops it)")
        return one
    if newest:
        raise UsageError(f"{key} has held nothing else before, or it is not kept any more")
    raise UsageError(f"{key} has no materialization {which!r}; `upriver history {key}` lists them")


def differences(before: tuple[str, Schema], now: tuple[str, Schema]) -> str:
    """A query for the rows that are only on one side, as bags, over the columns that both have.

    *before* and *now* are queries with their columns. Raises UsageError when no column is common.
    """
    then = {column.name: column.type for column in before[1]}
    common = [column for column in now[1] if column.name in then]
    if not common:
        raise UsageError("no column of before is there now: the rows can't be compared")
    if SIGN in (column.name for column in common):
        raise UsageError(
            f"a column is called {SIGN}, as the one that tells where a row is: rename it to compare"
        )
    # What changed its type is compared as text: the types may have nothing in common.
    shown = ", ".join(
        quote(c.name) if then[c.name] == c.type else f"cast({quote(c.name)} as varchar) as {quote(c.name)}"
        for c in common
    )
    return (
        f"with upriver_before as (select {shown} from ({before[0]})),"
        f" upriver_now as (select {shown} from ({now[0]}))"
        f" select '+' as {quote(SIGN)}, * from (from upriver_now except all from upriver_before)"
        f" union all select '-', * from (from upriver_before except all from upriver_now)"
    )


def comparison(
    key: Key, before: Materialization, now: Materialization, counted: dict[str, int]
) -> Comparison:
    """Sum up what *counted* (rows by sign) and the schemas say."""
    then = {column.name: column.type for column in before.version.schema}
    present = {column.name: column.type for column in now.version.schema}
    return Comparison(
        asset=key,
        before=before.id,
        before_run=before.run,
        before_at=before.finished,
        before_rows=before.version.rows,
        rows=now.version.rows,
        added=counted.get("+", 0),
        removed=counted.get("-", 0),
        new_columns=tuple(name for name in present if name not in then),
        lost_columns=tuple(name for name in then if name not in present),
        retyped_columns=tuple(
            (name, then[name], type) for name, type in present.items() if then.get(name, type) != type
        ),
    )
