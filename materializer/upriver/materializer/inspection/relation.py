"""The query that reads what an asset or source holds now, for any DuckDB connection of this machine."""

from __future__ import annotations

from upriver.assets.errors import UsageError
from upriver.assets.model import Key
from upriver.materializer.context import Context
from upriver.materializer.engines.types import from_stored
from upriver.materializer.inspection.versions import current_versions


def stored_query(context: Context, key: Key) -> str:
    """A query over the files of *key*, a known key. Raises UsageError when it holds no rows that can be read."""
    version = current_versions(context, [key]).get(key)
    if version is not None:
        return from_stored(version.files, version.schema)
    asset = context.project(refresh=False).assets.get(key)
    if asset is not None and asset.kind == "file":
        raise UsageError(f"{key} is a file, not a table")
    raise UsageError(f"{key} has not been built yet; build({key!r}) does")
