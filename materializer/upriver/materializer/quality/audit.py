"""Audits: the checks of an asset run against one content of it, as few as are needed, in as few passes as will do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import msgspec

from upriver.assets.errors import Diagnosis, UpriverError
from upriver.assets.model import Check, Key, Newest, Offenders, Predicate, Relationship, Value
from upriver.assets.project.config import Scalar
from upriver.lineage.sql.names import relation_name
from upriver.materializer.model import (
    Acceptance,
    ArtifactRef,
    CheckOutcome,
    CheckResult,
    Located,
    Verdict,
    Version,
)
from upriver.materializer.ports import Clock, Engine, QualityStore, Store
from upriver.materializer.quality.memory import Content, Fingerprints, VerdictMemory
from upriver.materializer.quality.predicates import Predicates
from upriver.materializer.quality.rules import (
    counting,
    counting_query,
    missing_column,
    sample_query,
)
from upriver.materializer.quality.verdicts import (
    changes_by_itself,
    passes,
    result,
    rule_digest,
    stands,
)


class Audit(Value, frozen=True):
    """What an audit of one content has come to."""

    results: tuple[CheckResult, ...] = ()

    @property
    def refusal(self) -> str | None:
        """Why the content must not be published, None when it may."""
        bad = [one for one in self.results if one.stops]
        if not bad:
            return None
        said = "; ".join(f"{one.check}: {one.detail}" for one in bad)
        return f"{'a check' if len(bad) == 1 else f'{len(bad)} checks'} failed: {said}"

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that keep it from being published."""
        return tuple(one.check for one in self.results if one.stops)

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """What is to be told although it stops nothing."""
        bad = (CheckOutcome.WARNED, CheckOutcome.ERROR, CheckOutcome.ACCEPTED)
        return tuple(one for one in self.results if one.outcome in bad and not one.stops)


class Counted(NamedTuple):
    """What an aggregate gave for one check, over so many rows; *value* is None where a query of its own will tell."""

    value: float | None
    rows: int
    seconds: float


class Auditor:
    """Holds checks against contents.

    A verdict that is known for what is read is taken as it is. *accept* are the checks whose failures are accepted in
    this build, each as ``KEY:CHECK``, *because* of that; *record* makes these exceptions durable. *predicates* runs
    the checks that are functions, *earlier* gives the contents that an asset had, newest first;
    *keep* takes verdicts that are to be written later, with others.
    """

    def __init__(
        self,
        engine: Engine,
        state: QualityStore,
        store: Store,
        contents: Fingerprints,
        environment: str,
        variables: Mapping[str, Scalar],
        clock: Clock,
        *,
        run: str = "",
        forced: Collection[Key] = (),
        accept: Collection[str] = (),
        because: str = "",
        record: Callable[[Sequence[Acceptance]], None] = lambda accepted: None,
        predicates: Predicates | None = None,
        earlier: Callable[[Key], Iterable[Version]] = lambda key: (),
        keep: Callable[[Mapping[str, Verdict]], None] | None = None,
    ) -> None:
        self._predicates = predicates
        self._memory = VerdictMemory(state, contents, variables, earlier, keep)
        self._engine = engine
        self._state = state
        self._store = store
        self._environment = environment
        self._variables = variables
        self._clock = clock
        self._run = run
        self._forced = forced
        self._accept = accept
        self._because = because
        self._record = record

    def audit(self, key: Key, checks: Sequence[Check], own: Content, others: Mapping[Key, Content]) -> Audit:
        """How *checks* of *key* stand on the content *own*, of what else they read on *others*."""
        contents = {**others, key: own}
        todo: dict[str, Check] = {}
        ids: dict[str, str] = {}
        for check in checks:
            ids[check.name] = self._memory.id(key, check, contents)
        known = dict(self._state.verdicts(ids.values()))
        verdicts: dict[str, Verdict] = {}
        for check in checks:
            verdict = None if self._again(key, check) else known.get(ids[check.name])
            if verdict is not None and stands(verdict):
                verdicts[check.name] = verdict
            else:
                todo[check.name] = check
        ran, errors = self._run_all(key, list(todo.values()), ids, contents)
        accepted = self._state.acceptances(self._environment)
        new: dict[str, Acceptance] = {}
        results, now = [], self._clock.now()
        for check in checks:
            if (error := errors.get(check.name)) is not None:
                results.append(
                    CheckResult(
                        key,
                        check.name,
                        CheckOutcome.ERROR,
                        check.severity,
                        error,
                        ran=True,
                        place=check.place,
                    )
                )
                continue
            found = ran.get(check.name) or verdicts[check.name]
            acceptance = accepted.get(found.id)
            if f"{key}:{check.name}" in self._accept and not passes(check, found, now):
                acceptance = Acceptance(key, check.name, found.id, self._because, now, self._run)
                new[found.id] = acceptance
            results.append(
                result(key, check, found, now, acceptance, ran=check.name in ran and found.run == self._run)
            )
        if new:
            self._record(tuple(new.values()))
        return Audit(tuple(results))

    def _again(self, key: Key, check: Check) -> bool:
        return key in self._forced or changes_by_itself(check)

    def _run_all(
        self, key: Key, checks: Sequence[Check], ids: Mapping[str, str], contents: Mapping[Key, Content]
    ) -> tuple[dict[str, Verdict], dict[str, str]]:
        """The verdicts of *checks*, and of those that could not be run what is wrong."""
        found: dict[str, Verdict] = {}
        errors: dict[str, str] = {}
        due: list[Check] = []
        for check in checks:
            if problem := _problem(key, check, contents):
                errors[check.name] = problem
            elif (
                not self._again(key, check)
                and (same := self._memory.of_same(key, check, contents)) is not None
            ):
                found[check.name] = same
            else:
                due.append(check)
        if due:
            relations = {name: self._exposed(content.located) for name, content in contents.items()}
            for check, counted in self._counted(due, relations[key], contents[key].version).items():
                try:
                    found[check.name] = self._verdict(
                        key, check, ids[check.name], contents, relations, counted()
                    )
                except Exception as error:  # noqa: BLE001 -- a check that can't be run fails, and no other
                    errors[check.name] = f"it can't be run: {_first(str(error))}"
        self._memory.remember(key, found, ids, contents, checks)
        return found, errors

    def _exposed(self, located: Located) -> str:
        """A relation that shows exactly this content, whatever else is shown under its key."""
        name = f"audited.v_{located.id[:32].lower()}_{abs(hash(located.files)) % 10**8}"
        name = "".join(c if c.isalnum() or c in "._" else "_" for c in name)
        self._engine.expose(name, located)
        return relation_name(name)

    def _counted(
        self, checks: Sequence[Check], relation: str, version: Version
    ) -> dict[Check, Callable[[], Counted]]:
        """For each check, a call that gives its count, the number of rows and the seconds that it took.

        What can be counted together is counted in one pass; if that fails, one by one, to tell which of them it was.
        """
        aggregates = {check: counting(check, relation, version.schema) for check in checks}
        together = {check: text for check, text in aggregates.items() if text is not None}
        began = self._clock.monotonic()
        try:
            row = (
                self._fetch(f"select count(*), {', '.join(together.values())} from {relation}")
                if together
                else ()
            )
        except Exception:  # noqa: BLE001 -- found out one by one below
            row = None
        share = (self._clock.monotonic() - began) / max(1, len(together))
        found: dict[Check, Callable[[], Counted]] = {}
        if row is not None:
            for check, value in zip(together, row[1:], strict=True):
                found[check] = partial(Counted, value, int(row[0]), share)
        for check in checks:
            if check not in found:
                found[check] = partial(self._alone, aggregates[check], relation, version)
        return found

    def _alone(self, text: str | None, relation: str, version: Version) -> Counted:
        began = self._clock.monotonic()
        if text is None:
            rows = version.rows
            if rows is None:
                rows = int(self._fetch(f"select count(*) from {relation}")[0])
            return Counted(None, rows, 0.0)
        row = self._fetch(f"select count(*), {text} from {relation}")
        return Counted(row[1], int(row[0]), self._clock.monotonic() - began)

    def _verdict(
        self,
        key: Key,
        check: Check,
        id_: str,
        contents: Mapping[Key, Content],
        relations: Mapping[Key, str],
        counted: Counted,
    ) -> Verdict:
        value, rows, seconds = counted
        bound = other = None
        if isinstance(check.rule, Predicate):
            return self._asked(key, check, check.rule, id_, contents, counted.rows)
        match check.rule:
            case Offenders():
                bound = self._bound(check.rule, check, relations)
            case Relationship(to=to):
                other = relations[to]
            case _:
                pass
        relation = relations[key]
        newest: float | None = None
        began = self._clock.monotonic()
        if bound is not None or other is not None:
            value = self._fetch(counting_query(check, relation, other, bound))[0]
        elif isinstance(check.rule, Newest):
            newest, value = (None if value is None else float(value)), 0
        reads = ((key, contents[key].version.id), *((one, contents[one].version.id) for one in check.others))
        verdict = Verdict(
            id_, key, check.name, rule_digest(check, self._variables), reads, rows, int(value or 0), self._clock.now(),
            self._run, seconds + self._clock.monotonic() - began, newest,
        )  # fmt: skip
        if verdict.offenders:
            query = sample_query(check, relation, contents[key].version.schema, other, bound)
            if query is not None:
                verdict = msgspec.structs.replace(verdict, sample=self._sample(query))
        return verdict

    def _asked(
        self, key: Key, check: Check, rule: Predicate, id_: str, contents: Mapping[Key, Content], rows: int
    ) -> Verdict:
        """The verdict of a function."""
        if self._predicates is None:
            raise UpriverError("there is nothing here that runs functions")
        began = self._clock.monotonic()
        found = self._predicates.run(key, check, rule, {one: c.located for one, c in contents.items()})
        reads = ((key, contents[key].version.id), *((one, contents[one].version.id) for one in check.others))
        return Verdict(
            id_, key, check.name, rule_digest(check, self._variables), reads, rows, found.offenders, self._clock.now(),
            self._run, self._clock.monotonic() - began, None, found.sample, found.message, found.reads,
            found.environment,
        )  # fmt: skip

    def _sample(self, query: str) -> ArtifactRef | None:
        """The first offenders as an artifact of their own."""
        target = self._store.reserve(".parquet")
        try:
            cursor_schema, _ = self._engine.fetch(f"select * from (\n{query}\n) limit 0")
            self._engine.write(query, target, cursor_schema)
            staged = self._store.stage(target, ".parquet")
            self._store.publish([staged])
        except BaseException:
            with suppress(OSError):
                target.unlink(missing_ok=True)
            raise
        return staged.ref

    def _bound(self, rule: Offenders, check: Check, relations: Mapping[Key, str]) -> str:
        from upriver.lineage.sql.parse.parse import parse_query

        query = parse_query(rule.text, rule.dialect, check.place.path, rule.line)
        if isinstance(query, Diagnosis):
            raise UpriverError(query.message)
        return query.bound_text(lambda key: relations[key])

    def _fetch(self, query: str) -> tuple[Any, ...]:
        _, rows = self._engine.fetch(query, variables=self._variables)
        return rows[0]


def _problem(key: Key, check: Check, contents: Mapping[Key, Content]) -> str | None:
    """Why a check can't be run on these contents, as far as their columns tell."""
    for other in check.others:
        if not contents[other].version.schema:
            return f"{other} is a file, without rows"
    schemas = {name: content.version.schema for name, content in contents.items()}
    if (missing := missing_column(check, contents[key].version.schema, schemas)) is not None:
        return f"{missing[0] or key} has no column {missing[1]!r}"
    return None


def _first(text: str) -> str:
    return text.strip().partition("\n")[0]
