"""Loader of a recipe's function, in the process that is to call it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from upriver.assets.loading.imports import ProjectImports
from upriver.assets.loading.load import load_function
from upriver.assets.loading.scan import look_up
from upriver.assets.model import PythonRecipe
from upriver.assets.project.files import ProjectFiles, discover

_entered: dict[Path, ProjectImports] = {}


def find_function(
    root: Path, recipe: PythonRecipe, text: str | None = None, files: ProjectFiles | None = None
) -> Callable[..., Any]:
    """The function of *recipe*. The project stays importable: functions may import more when they are called.
    With *text* it is that of its module as if that were its text. *files* are the project's, where they are known.

    For processes that serve one project. Raises DeclarationError or UsageError, and what the module raises.
    """
    if root not in _entered:
        imports = ProjectImports(root, files if files is not None else discover(root))
        imports.__enter__()
        _entered[root] = imports
    if text is None:
        return load_function(_entered[root], recipe).function
    return look_up(_entered[root].with_text(recipe.module, text), recipe.qualname).function
