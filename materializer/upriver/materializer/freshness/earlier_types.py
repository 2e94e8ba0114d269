"""Arrow types of materializations that were recorded without them.

Before they were recorded, a recipe received an enum as text and a duration as a number, though the artifacts of Polars
tell the types. What such an artifact holds is looked up in its footer, so that its reader is made again, and only if
what that reads is of such a type. An artifact that was recorded with its types is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from upriver.assets.identity import Node
from upriver.assets.model import Column, PythonRecipe
from upriver.lineage.project.project import Project
from upriver.materializer.model import TYPED, Materialization
from upriver.materializer.storage.locator import Locator


def with_types(
    records: Mapping[Node, Materialization], project: Project, locator: Locator
) -> Mapping[Node, Materialization]:
    """*records*, with what the footers of artifacts tell of those that were recorded without types."""
    records = dict(records)  # all are looked at several times: by a plain dictionary that is fast
    doubtful = {
        node: record
        for node, record in records.items()
        if TYPED not in record.engines
        and record.version.schema
        and (asset := project.assets.get(node.asset)) is not None
        and isinstance(asset.recipe, PythonRecipe)
        and any(one in project.assets for one in project.graph.downstreams(node.asset))
    }
    if not doubtful:
        return records
    there = locator.those_there({record.id: record.version for record in doubtful.values()})
    if not there:
        return records
    import duckdb

    from upriver.materializer.engines.logical_types import logical_types

    found = records
    with duckdb.connect(":memory:") as connection:
        for node, record in doubtful.items():
            if record.id not in there:
                continue
            try:
                logical = logical_types(connection, locator.located(record.version).files[0])
            except duckdb.Error:
                continue  # a damaged artifact is told of when it is read
            if logical:
                schema = tuple(
                    Column(one.name, one.type, logical.get(one.name, "")) for one in record.version.schema
                )
                version = msgspec.structs.replace(record.version, schema=schema)
                found[node] = msgspec.structs.replace(record, version=version)
    return found
