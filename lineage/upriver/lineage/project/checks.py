"""Checks of a project: those in files of their own given to their assets, and what they read looked up."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.loading.declared_check import DeclaredCheck
from upriver.assets.model import Asset, Check, Input, Key, Kind, Predicate
from upriver.lineage.project.manifest import CheckModule
from upriver.lineage.project.names import Names


def attach(
    modules: Mapping[str, CheckModule],
    assets: Mapping[Key, Asset],
    checks: dict[Key, tuple[Check, ...]],
    names: Names,
) -> Iterable[Diagnosis]:
    """Add the checks of *modules* to *checks*, by asset; what is wrong with them, each with the key that it breaks.

    A check that can't be used breaks its asset: what it would have kept back must not be published. One that is of
    no asset stands for itself, by its path.
    """
    for path, module in sorted(modules.items()):
        of = module.of
        known = of is not None and (of in assets or bool(names.perhaps(of)))
        if of is not None and not known:
            source = of in names.keys and of not in assets
            yield Diagnosis(
                "unknown-asset",
                f"this check is of {module.of!r}, which is {'no asset' if source else 'no asset of this project'}",
                module.at,
                hint=did_you_mean(of, assets),
                key=path,
            )
        for one in module.diagnoses:
            yield _of(one, of if known and of is not None else path)
        if module.check is None or of is None or of not in assets or module.diagnoses:
            continue
        yield from _add(of, module.check, checks)


def _add(of: Key, check: Check, checks: dict[Key, tuple[Check, ...]]) -> Iterable[Diagnosis]:
    others = checks.get(of, ())
    if twin := next((one for one in others if one.name == check.name), None):
        yield Diagnosis(
            "bad-check",
            f"two checks of {of} are called {twin.name!r}",
            check.place,
            (f"the other is at {twin.place}",),
            "give one of them another `name:`",
            key=of,
        )
    checks[of] = (*others, check)


def attach_python(
    declared: Iterable[DeclaredCheck],
    assets: Mapping[Key, Asset],
    checks: dict[Key, tuple[Check, ...]],
    names: Names,
) -> Iterable[Diagnosis]:
    """As :func:`attach`, for the checks that are functions: with the key of everything that their parameters mean."""
    for one in declared:
        of, check = one.of, one.check
        if of not in assets:
            if of not in names.keys and not names.perhaps(of):
                said = f"the check {check.name} is of {of!r}, which is no asset of this project"
                hint = did_you_mean(of, assets)
                yield Diagnosis("unknown-asset", said, one.at, hint=hint, key=one.at.path)
            elif of in names.keys:
                said = f"the check {check.name} is of {of!r}, which is no asset"
                yield Diagnosis("unknown-asset", said, one.at, key=of)
            continue
        rule = check.rule
        assert isinstance(rule, Predicate)
        inputs: list[Input] = []
        for given in rule.recipe.inputs:
            found = {given.key} if given.key is not None else names.of_parameter(given.parameter, "")
            if of in found or (not found and len(rule.recipe.inputs) == 1):
                found = {of}
            if len(found) == 1:
                inputs.append(msgspec.structs.replace(given, key=next(iter(found))))
                continue
            meant = f"can mean {' or '.join(sorted(found))}" if found else "matches no asset or source"
            example = sorted(found)[0] if found else "some.key"
            yield Diagnosis(
                "ambiguous-upstream" if found else "unknown-upstream",
                f"the check {check.name} of {of}: parameter {given.parameter!r} {meant}",
                check.place,
                hint=f'say which: @check(inputs={{"{given.parameter}": "{example}"}})',
                key=of,
            )
        recipe = msgspec.structs.replace(rule.recipe, inputs=tuple(inputs))
        resolved = msgspec.structs.replace(check, rule=msgspec.structs.replace(rule, recipe=recipe))
        yield from _add(of, resolved, checks)


def check_others(asset: Asset, checks: Sequence[Check], names: Names) -> Iterable[Diagnosis]:
    """What is wrong with the *checks* of *asset* by what they are about."""
    if asset.kind is Kind.FILE:
        message = f"{asset.key} is a file: checks are about the rows of tables"
        yield Diagnosis("bad-check", message, checks[0].place, key=asset.key)
    for check in checks:
        for other in check.others:
            if names.missing(other):
                yield Diagnosis(
                    "unknown-upstream",
                    f"the check {check.name} of {asset.key} reads {other!r}, which is no asset or source",
                    check.place,
                    hint=names.suggestion(other),
                    key=asset.key,
                )


def audit_facts(
    path: Sequence[Key], reads: Mapping[Key, Sequence[Key]], checks: Mapping[Key, Sequence[Check]]
) -> Iterable[str]:
    """Which steps of a circle are checks, and not reads."""
    for key, other in itertools.pairwise(path):
        for reader, read in ((key, other), (other, key)):
            for check in checks.get(reader, ()):
                if read in check.others and read not in reads.get(reader, ()):
                    yield f"the check {check.name} of {reader}, at {check.place}, is decided after {read}"


def _of(diagnosis: Diagnosis, key: Key) -> Diagnosis:
    return msgspec.structs.replace(diagnosis, key=key)
