"""Lookup of the versions that assets and sources hold, with the files of those that are there."""

from __future__ import annotations

from collections.abc import Collection

from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.materializer.context import Context
from upriver.materializer.model import Located, Version


def current_versions(context: Context, keys: Collection[Key]) -> dict[Key, Located]:
    """What those table assets and sources among *keys* hold that are built or were looked at, with their files."""
    there = context.locator.those_there(recorded_versions(context, keys))
    return {key: context.locator.located(version) for key, version in there.items()}


def recorded_versions(context: Context, keys: Collection[Key] | None = None) -> dict[Key, Version]:
    """What those assets and sources among *keys* (None: all) were last seen to hold; their files may be gone."""
    project = context.project(refresh=False)
    sources = project.readable_sources
    found = {
        key: record.version
        for key, record in context.state.sources().items()
        if key in sources and (keys is None or key in keys)
    }
    nodes = None if keys is None else map(Node, keys)
    found |= {
        node.asset: record.version
        for node, record in context.state.current(context.environment, nodes).items()
        if node.partition is None and (node.asset in project.assets or node.asset in project.broken)
    }
    return {key: version for key, version in found.items() if version.schema}
