"""Text of an asset's recipe, for reading."""

from __future__ import annotations

from upriver.assets.errors import UsageError
from upriver.assets.model import Key, SqlRecipe
from upriver.lineage.project.project import Project


def recipe_text(project: Project, key: Key) -> tuple[str, str]:
    """The recipe's source and its language (``sql`` or ``python``). Raises UsageError for a source."""
    asset = project.assets.get(key)
    if asset is None:
        raise UsageError(f"{key} is a source: it has no recipe")
    if isinstance(asset.recipe, SqlRecipe):
        return asset.recipe.text, "sql"
    return "\n\n\n".join(part.source for part in project.parts(key)), "python"
