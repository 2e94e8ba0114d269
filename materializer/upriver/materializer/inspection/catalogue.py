"""Catalogue of a project: what is declared, and what its columns come from, for pages that are made once.

It holds no rows and nothing that a recipe said when it failed: those can hold values.
"""

from __future__ import annotations

from collections.abc import Sequence

from upriver.assets.errors import UsageError
from upriver.assets.identity import Node
from upriver.assets.model import Key, Severity, Source, Value
from upriver.lineage.model import EdgeGroup
from upriver.lineage.project.project import Project
from upriver.materializer.context import Context
from upriver.materializer.inspection.lineage import Lineage
from upriver.materializer.inspection.recipe import recipe_text
from upriver.materializer.sources.registry import connector_of

PAST = 20
"""How many materializations of an asset are listed."""


class CatalogueColumn(Value, frozen=True):
    """A column, with what its contract says of it, and the expression that makes it where no values flow in."""

    name: str
    type: str
    description: str = ""
    promised: bool = False


class CatalogueCheck(Value, frozen=True):
    """A check, as declared."""

    name: str
    severity: Severity
    place: str


class CatalogueBuild(Value, frozen=True):
    """One materialization: when it was finished (seconds since the epoch), and what it took and gave."""

    at: float
    seconds: float
    rows: int | None
    bytes: int
    version: str


class CatalogueEntry(Value, frozen=True):
    """One asset or source. *edges* lead into its columns; *opaque* says which of its parts are not understood.

    *code* is the text of its recipe, "" for a source and for one that can't be read; *language* is ``sql`` or
    ``python``.
    """

    asset: Key
    columns: tuple[CatalogueColumn, ...] = ()
    edges: tuple[EdgeGroup, ...] = ()
    opaque: tuple[str, ...] = ()
    checks: tuple[CatalogueCheck, ...] = ()
    builds: tuple[CatalogueBuild, ...] = ()
    location: str = ""
    code: str = ""
    language: str = ""


def catalogue(context: Context, lineage: Lineage, keys: Sequence[Key]) -> tuple[CatalogueEntry, ...]:
    """The entries of *keys*, in their order."""
    lineage.find(keys)
    return tuple(_entry(context, context.project(refresh=False), lineage, key) for key in keys)


def _entry(context: Context, project: Project, lineage: Lineage, key: Key) -> CatalogueEntry:
    declared = project.declared(key)
    found = lineage.analysis(key)
    promised = (
        {}
        if isinstance(declared, Source | None)
        else {one.name.lower(): one for one in declared.quality.columns}
    )
    columns = []
    for column in lineage.schema(key):
        promise = promised.get(column.name.lower())
        columns.append(
            CatalogueColumn(
                column.name, column.type, promise.description if promise else "", promised=promise is not None
            )
        )
    code, language = _code(project, key)
    return CatalogueEntry(
        key,
        tuple(columns),
        lineage.into(key),
        tuple(dict.fromkeys(one.cause for one in found.opaque)),
        tuple(CatalogueCheck(one.name, one.severity, str(one.place)) for one in project.checks.get(key, ())),
        _builds(context, key),
        location=connector_of(context.root, declared).describe() if isinstance(declared, Source) else "",
        code=code,
        language=language,
    )


def _builds(context: Context, key: Key) -> tuple[CatalogueBuild, ...]:
    if not (context.folder / "state.db").exists():
        return ()
    return tuple(
        CatalogueBuild(
            one.finished, one.finished - one.started, one.version.rows, one.version.bytes, one.version.id
        )
        for one in context.state.history(key, PAST)
        if one.node == Node(key)
    )


def _code(project: Project, key: Key) -> tuple[str, str]:
    if project.is_source(key):
        return "", ""
    try:
        return recipe_text(project, key)
    except UsageError:  # a file that is gone: its entry says that it is broken
        return "", ""
