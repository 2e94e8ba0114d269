"""Plans of slices from what a context holds: the recipe of an asset, its upstreams, and its earlier slices."""

from __future__ import annotations

from collections.abc import Mapping

from upriver.assets.model import Asset, Key, Schema
from upriver.lineage.model import Analysis, Footprint, Slicing
from upriver.lineage.project.project import CACHE
from upriver.materializer.context import Context
from upriver.materializer.freshness.comparison import LiveContents
from upriver.materializer.freshness.decide import Subject
from upriver.materializer.freshness.grouped import GroupedFingerprints, whole_fingerprint
from upriver.materializer.freshness.slices import DecidesSlices, Recipe, SlicePlan
from upriver.materializer.model import Materialization, Version

_BASES = 4
"""So many earlier materializations are asked for slices, when the current one is of another recipe."""


def recipe_of(
    subject: Subject,
    asset: Asset,
    analysis: Analysis,
    footprints: Mapping[Key, Footprint],
    environment: tuple[tuple[str, str], ...],
) -> Recipe | None:
    """What all slices of *asset* share; None where its columns are known only when it has run."""
    if asset.partition is None or analysis.schema is None:
        return None
    slicing = analysis.slicing
    if slicing is None:
        types = {column.name.casefold(): column.type for column in analysis.schema}
        found = tuple(types[name.casefold()] for name in asset.partition.columns)
        causes = ", ".join(dict.fromkeys(one.cause for one in analysis.opaque))
        slicing = Slicing(found, whole=causes or "its plan is not known")
    return Recipe(
        subject.node,
        asset.partition,
        slicing,
        footprints,
        subject.recipe,
        analysis.binding,
        subject.engine,
        environment,
    )


def split_recipe(asset: Asset, made: Materialization, schema: Schema, cause: str) -> Recipe:
    """What the slices of *asset*, which was *made* as a whole because of *cause*, share."""
    assert asset.partition is not None
    types = {column.name.casefold(): column.type for column in schema}
    slicing = Slicing(tuple(types[name.casefold()] for name in asset.partition.columns), whole=cause)
    trace = made.trace
    return Recipe(
        made.node,
        asset.partition,
        slicing,
        {},
        trace.recipe,
        trace.binding,
        trace.engine,
        trace.environment,
    )


def grouped_fingerprints(context: Context) -> GroupedFingerprints:
    """Fingerprints by key of the project of *context*."""
    return GroupedFingerprints(context.root / CACHE / "slices", context.engine())


def plan_slices(
    context: Context,
    contents: LiveContents,
    recipe: Recipe,
    versions: Mapping[Key, Version],
    current: Materialization | None,
) -> SlicePlan:
    """Every slice of *recipe* decided against *versions*. Slices are taken from the *current* materialization, or, if
    that is of another recipe, of an earlier one of this recipe. Raises StoreError.
    """
    bases = [current] if current is not None and current.trace.recipe == recipe.recipe else []
    if not bases:
        bases += context.state.candidates(recipe.node, recipe.recipe, _BASES)
        bases += [current] if current is not None else []
    decides = DecidesSlices(
        grouped_fingerprints(context), context.locator, context.store, contents.fingerprint, contents.steady
    )
    plan = decides.plan(recipe, versions, bases)
    for key, table in plan.tables.items():
        footprint = recipe.footprints[key]
        if not footprint.ordered and footprint.predicate is None:  # slices add up: no other pass is needed
            version = versions[key]
            contents.learn(key, version, footprint, whole_fingerprint(version.schema, footprint, table))
    return plan
