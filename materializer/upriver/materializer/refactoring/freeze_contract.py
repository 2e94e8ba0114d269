"""Freezing of contracts: what an asset has now is written down as what it promises, in one step."""

from __future__ import annotations

from upriver.assets.errors import UsageError
from upriver.assets.identity import Node
from upriver.assets.model import Key, Kind, Schema
from upriver.lineage.refactoring.freeze import Freezing, freeze
from upriver.materializer.context import Context
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.refactoring.fix import write_change
from upriver.materializer.sources.observe import sources_of


def freezing(context: Context, key: Key, *, closed: bool) -> Freezing:
    """The contract of *key* by the columns that its recipe makes now; where only running it tells, by those of what is
    served. Raises UsageError for what has no columns, or when they are not known.
    """
    project = context.project(refresh=False)
    asset = project.assets.get(key)
    if asset is None:
        said = (
            "is broken: put it right first" if key in project.broken else "is a source: it promises nothing"
        )
        raise UsageError(f"{key} {said}")
    if asset.kind is Kind.FILE:
        raise UsageError(f"{key} is a file: a contract is about the columns of a table")
    schema = _columns(context, key)
    return freeze(context.root, asset, schema, closed=closed)


def _columns(context: Context, key: Key) -> Schema:
    schemas = Schemas(context, SourceViews(sources_of(context)))
    found = schemas.of(key)
    if not found:
        record = context.state.current(context.environment, [Node(key)]).get(Node(key))
        found = record.version.schema if record is not None else None
    if not found:
        problem = schemas.problem(key)
        if problem is not None and problem.code != "contract":
            raise UsageError(f"the columns of {key} are not known: {problem.message}")
        raise UsageError(f"the columns of {key} are not known before it is built")
    return found


def write_freezing(context: Context, found: Freezing) -> None:
    """Write it. Raises UsageError when the file was edited since, StoreError."""
    write_change(context, found.file)
