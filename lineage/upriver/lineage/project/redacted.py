"""Redaction of what modules declare: the secrets that they revealed while they were loaded are taken out."""

from __future__ import annotations

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.loading.declared_check import DeclaredCheck
from upriver.assets.loading.import_reads import Observed
from upriver.assets.model import Asset, CodePart, PythonRecipe, Source
from upriver.assets.support.encodable import encode_json
from upriver.assets.support.redaction import revealed
from upriver.lineage.project.manifest import Described


def without_secrets(described: Described) -> Described:
    """*described* as it may be shown and kept. A declaration that can't be without a secret is refused."""
    modules = described.modules
    declared: list[Asset | Source] = [*modules.assets, *modules.sources]
    refused = {one.place: problem for one in declared if (problem := _problem(one)) is not None}
    checks = {one: problem for one in modules.checks if (problem := _check_problem(one)) is not None}
    diagnoses = (
        *(_hidden(diagnosis) for diagnosis in modules.diagnoses),
        *refused.values(),
        *checks.values(),
    )
    return Described(
        msgspec.structs.replace(
            modules,
            observed=_observed(modules.observed),
            assets=tuple(_widened(one) for one in modules.assets if one.place not in refused),
            sources=tuple(one for one in modules.sources if one.place not in refused),
            checks=tuple(one for one in modules.checks if one not in checks),
            failed={path: tuple(map(_hidden, problems)) for path, problems in modules.failed.items()},
            diagnoses=diagnoses,
            output=revealed.hide(modules.output),
        ),
        {fingerprint: tuple(_part(part) for part in parts) for fingerprint, parts in described.parts.items()},
    )


def _problem(one: Asset | Source) -> Diagnosis | None:
    if isinstance(one, Asset) and isinstance(one.recipe, PythonRecipe):
        one = msgspec.structs.replace(one, recipe=msgspec.structs.replace(one.recipe, widened=()))
    shown = revealed.whole(encode_json(one).decode())
    if shown is None:
        return None
    return Diagnosis(
        "secret-declared",
        f"the declaration holds the value of {shown}",
        one.place,
        hint="what is declared is kept and shown; reveal a secret inside of the recipe that needs it",
        key=None if revealed.finds(one.key) else one.key,
    )


def _check_problem(one: DeclaredCheck) -> Diagnosis | None:
    shown = revealed.whole(encode_json(one).decode())
    if shown is None:
        return None
    said = f"the declaration of this check holds the value of {shown}"
    key = None if revealed.finds(one.of) else one.of
    return Diagnosis(
        "secret-declared", said, one.check.place, hint="a check reads what it is handed", key=key
    )


def _widened(asset: Asset) -> Asset:
    assert isinstance(asset.recipe, PythonRecipe)
    widened = tuple(revealed.hide(text) for text in asset.recipe.widened)
    return msgspec.structs.replace(asset, recipe=msgspec.structs.replace(asset.recipe, widened=widened))


def _hidden(diagnosis: Diagnosis) -> Diagnosis:
    return msgspec.structs.replace(
        diagnosis,
        message=revealed.hide(diagnosis.message),
        facts=tuple(revealed.hide(fact) for fact in diagnosis.facts),
        hint=None if diagnosis.hint is None else revealed.hide(diagnosis.hint),
        excerpt=None if diagnosis.excerpt is None else revealed.hide(diagnosis.excerpt),
    )


def _part(part: CodePart) -> CodePart:
    return msgspec.structs.replace(part, source=revealed.hide(part.source))


def _observed(observed: Observed) -> Observed:
    """Without paths that hold a secret. What was read there can't be looked at again: nothing is remembered."""
    if not revealed.finds(encode_json(observed).decode()):
        return observed
    return Observed(unseen=("reads a path that holds a secret",))
