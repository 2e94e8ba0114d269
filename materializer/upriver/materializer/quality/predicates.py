"""Checks that are functions, run over one content: in the confined processes in which recipes run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from upriver.assets.errors import AssetError
from upriver.assets.identity import Node
from upriver.assets.model import Check, Key, Predicate
from upriver.assets.project.config import Scalar
from upriver.lineage.analysis.analyzer import settings_of
from upriver.lineage.model import Footprint
from upriver.materializer.engines.types import stored_scan
from upriver.materializer.model import ArtifactRef, Located, Version
from upriver.materializer.ports import AttemptInput, Engine, Executor, NotProduced, PythonAttempt, Store
from upriver.materializer.quality.rules import SAMPLE
from upriver.materializer.quality.verdicts import ISOLATION, VARIABLE, as_they_are


class Found(NamedTuple):
    """What a function has found. *message* is what it says is wrong where it gave no rows."""

    offenders: int
    message: str
    sample: ArtifactRef | None
    reads: tuple[tuple[Key, Footprint], ...]
    environment: tuple[tuple[str, str], ...] = ()


class Predicates:
    """Runs checks that are functions of the project whose code is named by *code*. *executor* gives what runs them."""

    def __init__(
        self,
        executor: Callable[[], Executor],
        engine: Engine,
        store: Store,
        code: str,
        variables: Mapping[str, Scalar],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._executor = executor
        self._engine = engine
        self._store = store
        self._code = code
        self._variables = variables
        self._cancelled = cancelled

    def run(self, key: Key, check: Check, rule: Predicate, contents: Mapping[Key, Located]) -> Found:
        """Call the function over *contents*. Raises AssetError when that fails, or when it reads anything else."""
        attempt = PythonAttempt(
            node=Node(key),
            recipe=rule.recipe,
            inputs=tuple(
                AttemptInput(one.parameter, one.key, one.frame, _where_it_is(contents[one.key]))
                for one in rule.recipe.inputs
                if one.key is not None
            ),
            code=self._code,
            settings=settings_of(rule.recipe.settings, self._variables),
            timeout=rule.timeout,
            memory=rule.memory,
            check=True,
        )
        target = self._store.reserve(".parquet")
        try:
            ran = self._executor().run(attempt, target, _Silent(self._cancelled))
            if isinstance(ran, NotProduced):
                raise AssetError(ran.message)
            names = [name for name, _ in ran.external]
            variables = [name.removeprefix(VARIABLE) for name in names if name.startswith(VARIABLE)]
            if more := [name for name in names if name != ISOLATION and not name.startswith(VARIABLE)]:
                said = ", ".join(more[:3])
                raise AssetError(f"it reads {said}: a check reads what it is handed, assets and sources")
            environment = as_they_are(variables)
            _, rows = self._engine.describe((str(target),))
            if rows > SAMPLE:
                first = self._store.reserve(".parquet")
                query = f"select * from {stored_scan((str(target),))} limit {SAMPLE}"
                schema, _ = self._engine.fetch(f"select * from ({query}) limit 0")
                self._engine.write(query, first, schema)
                target.unlink()
                target = first
            if not rows:
                target.unlink()
                return Found(0, "", None, ran.reads, environment)
            staged = self._store.stage(target, ".parquet")
            self._store.publish([staged])
        except BaseException:
            with suppress(OSError):
                target.unlink(missing_ok=True)
            raise
        return Found(rows, ran.message or "", staged.ref, ran.reads, environment)


def _where_it_is(content: Located) -> Version:
    """A version of this content by its files: what is audited has no name in the store yet."""
    return Version(content.id, content.schema, content.rows, content.bytes, in_place=content.files)


class _Silent:
    """Keeps nothing of what a check prints: what it has found is its result."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled

    def cancelled(self) -> bool:
        return self._cancelled()

    def output(self, stream: str, line: str) -> None:
        pass

    def progress(self, fraction: float | None, memory: int | None) -> None:
        pass
