"""The gate before a pointer moves: how the checks of an asset stand on one content, by the verdicts that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Asset, Check, Key, Schema
from upriver.assets.project.config import Scalar
from upriver.lineage.project.contracts import contract_problem
from upriver.materializer.model import (
    Acceptance,
    CheckOutcome,
    CheckResult,
    Verdict,
    Version,
)
from upriver.materializer.ports import QualityStore
from upriver.materializer.quality.standing import Standing
from upriver.materializer.quality.verdicts import changes_by_itself, result, rule_digest, stands, verdict_id


class Gate:
    """How checks stand, by what is remembered. Reads no data.

    *building* is True where what changes by itself has to be checked again. *promising* are the assets with a contract
    or checks.
    """

    def __init__(
        self,
        checks: Mapping[Key, tuple[Check, ...]],
        state: Callable[[], QualityStore],
        environment: str,
        now: Callable[[], float],
        variables: Mapping[str, Scalar],
        *,
        building: bool = False,
        forced: Iterable[Key] = (),
        promising: Mapping[Key, Asset] = MappingProxyType({}),
    ) -> None:
        self._checks = checks
        self._promising = promising
        self._state = state
        self._environment = environment
        self._now = now
        self._variables = variables
        self._building = building
        self._forced = frozenset(forced)

    def guards(self, key: Key) -> bool:
        """Whether *key* has checks."""
        return key in self._checks

    def broken_contract(self, key: Key, schema: Schema) -> Diagnosis | None:
        """What a content with the columns *schema* lacks of what *key* promises today."""
        asset = self._promising.get(key)
        return None if asset is None else contract_problem(asset, self._checks.get(key, ()), schema)

    @cached_property
    def accepted(self) -> Mapping[str, Acceptance]:
        """The failures that were accepted, by verdict."""
        return self._state().acceptances(self._environment)

    def standing(self, key: Key, version: Version, other: Callable[[Key], Version | None]) -> Standing:
        """How the checks of *key* stand on *version*; *other* tells what else is there, None when it is not decided."""
        checks = self._checks.get(key, ())
        reads: dict[str, tuple[tuple[Key, str], ...]] = {}
        waits: dict[Key, None] = {}
        for check in checks:
            versions: list[tuple[Key, str]] = [(key, version.id)]
            for one in check.others:
                there = version if one == key else other(one)
                if there is None:
                    waits.setdefault(one)
                else:
                    versions.append((one, there.id))
            reads[check.name] = tuple(versions)
        ids = {
            check.name: verdict_id(key, rule_digest(check, self._variables), reads[check.name])
            for check in checks
            if len(reads[check.name]) == 1 + len(check.others)
        }
        known = self._state().verdicts(ids.values())
        now = self._now()
        results = []
        for check in checks:
            verdict = known.get(ids.get(check.name, ""))
            if verdict is not None and not stands(verdict):
                verdict = None
            again = key in self._forced or (self._building and changes_by_itself(check))
            if check.name not in ids:
                continue
            if verdict is None or again:
                due = self._due(key, check, reads[check.name], again=again and verdict is not None)
                results.append(
                    CheckResult(key, check.name, CheckOutcome.DUE, check.severity, due, place=check.place)
                )
            else:
                results.append(result(key, check, verdict, now, self.accepted.get(verdict.id)))
        return Standing(tuple(results), tuple(waits))

    def _due(self, key: Key, check: Check, reads: tuple[tuple[Key, str], ...], *, again: bool) -> str:
        """Why a check is to be run."""
        if again:
            return "is asked for" if key in self._forced else "what it finds changes by itself"
        last = next(iter(self._state().verdict_history(key, check.name, 1)), None)
        if last is None:
            return "has not run yet"
        if last.rule != rule_digest(check, self._variables):
            return "its declaration changed"
        changed = [one for one, id_ in reads if dict(last.reads).get(one) != id_]
        if not changed and not stands(last):
            return "the environment changed since it ran"
        return f"{', '.join(changed)} changed since it ran" if changed else "has not run on this"

    def remembered(self, key: Key, check: str) -> Verdict | None:
        """The newest verdict of a check, whatever it was on."""
        return next(iter(self._state().verdict_history(key, check, 1)), None)
