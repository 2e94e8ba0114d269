"""Text of an asset's recipe, for reading."""

from __future__ import annotations

from upriver.assets.errors import UsageError
from upriver.assets.model import Key, SqlRecipe
from upriver.lineage.project.project import Project


def recipe_text(project: Project, key: Key) -> tuple[str, str]:
    """The recipe's source and its language (``sql`` or ``python``); of a broken declaration its file, as it is now.

    Raises UsageError for a source, and for a file that can't be read.
    """
    if (broken := project.broken.get(key)) is not None and broken.place is not None:
        return _file(project, broken.place.path)
    asset = project.assets.get(key)
    if asset is None:
        raise UsageError(f"{key} is a source: it has no recipe")
    if isinstance(asset.recipe, SqlRecipe):
        return asset.recipe.text, "sql"
    return "\n\n\n".join(part.source for part in project.parts(key)), "python"


def _file(project: Project, path: str) -> tuple[str, str]:
    try:
        text = (project.root / path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
    return text, "python" if path.endswith(".py") else "sql"
