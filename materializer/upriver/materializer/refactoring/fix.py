"""Fixes of what is wrong with an asset: found where a diagnosis is certain, written in one step."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from upriver.assets.errors import Diagnosis, StoreError, UsageError
from upriver.assets.model import Asset, Key, PythonRecipe, Schema, SqlRecipe
from upriver.lineage.project.project import Project
from upriver.lineage.refactoring.fix import Fix, fix
from upriver.lineage.refactoring.rename.values import FileChange
from upriver.materializer.context import Context
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.sources.observe import sources_of

if TYPE_CHECKING:
    from upriver.lineage.sql.parse.query import Query


def find_fix(context: Context, key: Key) -> Fix:
    """What would put *key* right. Raises UsageError when nothing is known to be wrong, or no fix is certain."""
    project = context.project()
    if (broken := project.broken.get(key)) is not None:
        declared = broken.diagnoses[0]
        return fix(context.root, key, declared, lambda text: _unreadable(text, declared))
    graph = project.graph
    if key not in graph or key in project.sources:
        raise UsageError(f"{key} is no asset of this project")
    if isinstance(project.assets[key].recipe, PythonRecipe):
        raise UsageError(
            f"{key} can't be fixed by itself: of Python code only the line that failed is known, not the name in it\n"
            "  hint: open it at its place, and edit it"
        )
    schemas = Schemas(context, SourceViews(sources_of(context)))
    problem = schemas.problem(key) or (
        None if schemas.of(key) is not None else _unknown(schemas, project, key)
    )
    if problem is None:
        raise UsageError(f"nothing is known to be wrong with the query of {key}: it can be bound as it is")
    upstreams = schemas.upstreams(key) or {}
    return fix(context.root, key, problem, _bound(context, project, key, upstreams))


def _unknown(schemas: Schemas, project: Project, key: Key) -> Diagnosis | None:
    """The columns of an upstream are not known, so nothing can be told of the query itself."""
    behind = next((up for up in project.reads[key] if schemas.of(up) is None), None)
    if behind is not None:
        raise UsageError(
            f"{key} can't be looked at before {behind} is right: what columns it has is not known"
        )
    return None


def _unreadable(text: str, diagnosis: Diagnosis) -> Diagnosis | None:
    """What is wrong with a module of this *text* by itself, whatever the rest of the project is."""
    from upriver.assets.loading.sql_module import parse_sql_module

    assert diagnosis.place is not None
    module = parse_sql_module(diagnosis.place.path, text)
    if not isinstance(module, Asset):
        return module[0]
    found = _parsed(module)
    return found if isinstance(found, Diagnosis) else None


def _parsed(module: Asset) -> Query | Diagnosis:
    from upriver.lineage.sql.parse.parse import parse_query

    assert isinstance(module.recipe, SqlRecipe)
    return parse_query(module.recipe.text, module.recipe.dialect, module.place.path, module.recipe.line)


def _bound(
    context: Context, project: Project, key: Key, upstreams: Mapping[Key, Schema]
) -> Callable[[str], Diagnosis | None]:
    """Binds another text of the asset's file to the columns that its upstreams have now."""

    def still_wrong(text: str) -> Diagnosis | None:
        from upriver.assets.loading.sql_module import parse_sql_module
        from upriver.lineage.sql.plan.binder import Binder

        module = parse_sql_module(project.assets[key].place.path, text)
        if not isinstance(module, Asset):
            return module[0]
        query = _parsed(module)
        if isinstance(query, Diagnosis):
            return query
        binder = Binder(context.variables(project))
        try:
            found = binder.analyze(query, upstreams)
        finally:
            binder.close()
        return found if isinstance(found, Diagnosis) else None

    return still_wrong


def write_fix(context: Context, found: Fix) -> None:
    """Write the edit, in one step. Raises UsageError when the file was edited since the fix was found, StoreError."""
    write_change(context, found.file)


def write_change(context: Context, file: FileChange) -> None:
    """Write the content of one file, in one step. Raises UsageError when it was edited meanwhile, StoreError."""
    path = context.root / file.path
    draft = path.with_name(f"{path.name}.fixed-{os.getpid()}")
    try:
        if path.is_symlink() or hashlib.sha256(path.read_bytes()).hexdigest() != file.digest:
            raise UsageError(
                f"{file.path} was edited meanwhile; nothing was changed\n  hint: look at it again"
            )
        try:
            with draft.open("wb") as opened:
                opened.write(file.content)
                opened.flush()
                os.fsync(opened.fileno())
            shutil.copymode(path, draft)
            draft.replace(path)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{file.path} can't be written: {error.strerror}\n  Nothing was changed.") from error
    context.project()
