"""Unit tests run: a recipe over given rows, by the engine and the confined processes that a build uses.

Nothing is published, and nothing but the time that it took is left of what was made.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.loading.unit_test import Rows, UnitTest
from upriver.assets.model import Asset, Column, FileLocation, Key, Kind, PythonRecipe, Schema
from upriver.assets.project.config import Scalar
from upriver.lineage.analysis.analyzer import AnalysisCache, Analyzer
from upriver.lineage.project.project import CACHE, Project
from upriver.lineage.sql.names import quote
from upriver.materializer.context import Context
from upriver.materializer.engines.types import from_stored
from upriver.materializer.execution.attempt import AttemptFailed, Attempts, Known
from upriver.materializer.execution.held_clocks import AtMoment, SqlClocks
from upriver.materializer.freshness.external_inputs import declared_names
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.freshness.schemas import Schemas
from upriver.materializer.model import Version
from upriver.materializer.ports import Executor
from upriver.materializer.quality.given_rows import UnfitError, columns_of, csv_rows, rows_query, rows_schema
from upriver.materializer.quality.row_diff import Row, RowDifference, difference
from upriver.materializer.quality.unit_test_report import UnitTestOutcome, UnitTestResult
from upriver.materializer.sources.observe import sources_of

_Fetched: TypeAlias = "Sequence[tuple[object, ...]]"


class _Ran(NamedTuple):
    """What a recipe made: its columns, and its rows as text."""

    schema: Schema
    path: str


class UnitTests:
    """Runs unit tests of the project that *context* holds, which nothing else uses meanwhile."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._project: Project = context.project(refresh=False)
        self._schemas = Schemas(context, SourceViews(sources_of(context)))
        self._executor: Executor | None = None
        self._folder = context.parts.scratch() / "unit tests"
        self._clocks = SqlClocks(context.engine(), context.root)
        self._number = 0

    def run(self, tests: Sequence[UnitTest], known: Collection[str] = ()) -> Iterator[UnitTestResult]:
        """The results of *tests*, without those whose identity is among *known*."""
        try:
            for test in tests:
                identity = self._identity(test)
                if identity and identity in known:
                    continue
                began = self._context.clock.monotonic()
                result = self._result(test)
                seconds = self._context.clock.monotonic() - began
                yield msgspec.structs.replace(result, seconds=seconds, identity=identity)
        finally:
            self._context.analyzer().flush()
            if self._executor is not None:
                self._executor.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _result(self, test: UnitTest) -> UnitTestResult:
        output: list[str] = []

        def ended(
            outcome: UnitTestOutcome, message: str = "", rows: RowDifference | None = None
        ) -> UnitTestResult:
            return UnitTestResult(
                test.asset, test.name, test.place, outcome, message, rows, output=tuple(output)
            )

        asset = self._project.assets.get(test.asset)
        if asset is None:
            return ended(UnitTestOutcome.BROKEN, self._no_asset(test))
        try:
            ran = self._ran(asset, test, output)
        except UnfitError as error:
            return ended(UnitTestOutcome.BROKEN, str(error.diagnosis))
        except AttemptFailed as error:
            if test.error is not None and re.search(test.error, str(error)):
                return ended(UnitTestOutcome.PASSED)
            said = "it failed" if test.error is None else f"it failed, but not with {test.error!r}"
            return ended(UnitTestOutcome.FAILED, f"{said}: {error}{_below(error.traceback)}")
        try:
            if test.error is not None:
                return ended(
                    UnitTestOutcome.FAILED, f"it did not fail; an error with {test.error!r} was expected"
                )
            assert test.expect is not None
            found = self._difference(ran, test.expect, test)
        except UnfitError as error:
            return ended(UnitTestOutcome.BROKEN, str(error.diagnosis))
        finally:
            with suppress(OSError):
                Path(ran.path).unlink()
        if found is None:
            return ended(UnitTestOutcome.PASSED)
        return ended(UnitTestOutcome.FAILED, _said(found), found)

    def _no_asset(self, test: UnitTest) -> str:
        broken = self._project.broken.get(test.asset)
        if broken is not None:
            return f"{test.asset} is broken: {'; '.join(one.message for one in broken.diagnoses)}"
        if test.asset in self._project.sources:
            return str(
                Diagnosis("bad-test", f"{test.asset} is a source: it has no recipe to test", test.place)
            )
        hint = did_you_mean(test.asset, self._project.assets)
        return str(Diagnosis("unknown-asset", f"there is no asset {test.asset!r}", test.place, hint=hint))

    # -- running -----------------------------------------------------------------------------------------
    def _ran(self, asset: Asset, test: UnitTest, output: list[str]) -> _Ran:
        if asset.kind is Kind.FILE:
            said = f"{asset.key} makes a file: a unit test compares rows"
            if test.error is None:
                raise UnfitError(Diagnosis("bad-test", said, test.place))
        variables = self._variables(test)
        analyzer = self._analyzer(variables)
        upstreams = self._upstreams(asset, test)
        self._hold(asset, test, analyzer, upstreams)
        attempts = Attempts(
            self._context.root,
            self._context.engine(),
            self._context.store,
            analyzer,
            code=self._project.files.code_digest(),
            variables=variables,
            executor=AtMoment(self._workers(), test.clock),
            clock=self._context.clock,
        )
        known = Known(declared=declared_names(asset, self._project.config))
        _, staged, version = attempts.make(asset, upstreams, _Watching(output), lambda reads: None, known)
        return _Ran(version.schema, staged.path)

    def _workers(self) -> Executor:
        if self._executor is None:
            self._executor = self._context.parts.executor(self._project, 1)
        return self._executor

    def _analyzer(self, variables: Mapping[str, Scalar]) -> Analyzer:
        if variables == self._context.variables(self._project):
            return self._context.analyzer()
        nowhere = AnalysisCache(self._context.root / CACHE / "nowhere")  # never flushed
        return Analyzer(self._project, nowhere, self._context.planner, variables)

    def _variables(self, test: UnitTest) -> dict[str, Scalar]:
        found = dict(self._context.variables(self._project))
        names = {name.lower(): name for name in found}
        for given, text in test.variables.items():
            name = names.get(given.lower())
            if name is None:
                hint = did_you_mean(given, found) or "variables are declared in upriver.toml"
                said = f"the project has no variable {given!r}"
                raise UnfitError(Diagnosis("bad-test", said, test.place, hint=hint))
            try:
                found[name] = _like(found[name], text)
            except ValueError:
                said = f"variables: {given}: {text!r} is no {type(found[name]).__name__}"
                raise UnfitError(Diagnosis("bad-test", said, test.place)) from None
        return found

    def _upstreams(self, asset: Asset, test: UnitTest) -> dict[Key, Version]:
        reads = self._project.reads[asset.key]
        given = {self._key_of(name, reads): rows for name, rows in test.given.items()}
        for key, rows in given.items():
            if key not in reads:
                hint = did_you_mean(key, reads) or f"it reads {', '.join(reads) or 'nothing'}"
                said = f"given: {asset.key} does not read {key!r}"
                raise UnfitError(Diagnosis("bad-test", said, rows.place, hint=hint, key=asset.key))
        if missing := [key for key in reads if key not in given]:
            told = f"{', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not given"
            said = f"given: {asset.key} reads {told}"
            hint = f"no rows are written as `{missing[0]}: []`"
            raise UnfitError(Diagnosis("bad-test", said, test.place, hint=hint, key=asset.key))
        return {key: self._version(key, rows) for key, rows in given.items()}

    def _key_of(self, name: str, reads: Sequence[Key]) -> Key:
        """The upstream that *name* means: a key, or the files that a query reads as it writes them."""
        for key in reads:
            source = self._project.sources.get(key)
            location = source.location if source is not None and source.derived else None
            if isinstance(location, FileLocation) and location.patterns == (name,):
                return key
        return name

    def _version(self, key: Key, rows: Rows) -> Version:
        """*rows* as a content of *key*, in a file of its own."""
        known = self._schemas.of(key)
        if known == ():
            if rows.file is None:
                said = f"given: {key} is a file: write the path of one"
                raise UnfitError(Diagnosis("bad-test", said, rows.place))
            return Version(self._fresh_id(), (), None, 0, in_place=(str(self._taken(rows)),))
        rows = self._read(rows)
        schema = rows_schema(rows, known)
        if not schema:
            said = f"given: the columns of {key} are not known before it is built"
            hint = "build it, or give a row"
            raise UnfitError(Diagnosis("bad-test", said, rows.place, hint=hint))
        query = rows_query(rows.rows, schema, self._fetch)
        target = self._scratch(".parquet")
        if any(not column.type for column in schema):
            described, _ = self._context.engine().fetch(f"select * from (\n{query}\n) limit 0")
            schema = tuple(Column(one.name, one.type) for one in described)
        try:
            written = self._context.engine().write(query, target, schema)
        except Exception as error:
            said = f"given: {key}: {str(error).splitlines()[0]}"
            raise UnfitError(Diagnosis("bad-test", said, rows.place)) from error
        return Version(self._fresh_id(), schema, written.rows, target.stat().st_size, in_place=(str(target),))

    def _fresh_id(self) -> str:
        return f"given {self._number}"

    def _scratch(self, suffix: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._number += 1
        return self._folder / f"{self._number}{suffix}"

    def _read(self, rows: Rows) -> Rows:
        """*rows* with those of their file, if they are in one."""
        if rows.file is None:
            return rows
        path = self._taken(rows)

        def fetch(query: str) -> tuple[Sequence[str], _Fetched]:
            columns, found = self._context.engine().fetch(query)
            return [column.name for column in columns], found

        return csv_rows(str(path), rows, fetch)

    def _taken(self, rows: Rows) -> Path:
        """A copy of the file of *rows* where the engine may read."""
        assert rows.file is not None
        source = self._context.root / rows.file
        if not source.resolve().is_relative_to(self._context.root):
            said = f"{rows.file} leads out of the project"
            raise UnfitError(Diagnosis("bad-test", said, rows.place))
        target = self._scratch(source.suffix)
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            said = f"the file {rows.file} can't be read: {error.strerror}"
            hint = "its path is relative to the folder of the test"
            raise UnfitError(Diagnosis("bad-test", said, rows.place, hint=hint)) from None
        return target

    def _fetch(self, query: str) -> _Fetched:
        _, rows = self._context.engine().fetch(query)
        return rows

    def _hold(
        self, asset: Asset, test: UnitTest, analyzer: Analyzer, upstreams: Mapping[Key, Version]
    ) -> None:
        """Let the clocks show the moment of *test*. Raises UnfitError for one that can't be held."""
        if test.clock is not None:
            schemas = {key: one.schema for key, one in upstreams.items()}
            other = self._clocks.other(self._project, asset, analyzer, schemas)
            if other is not None:
                said = f"the clock can't be held: {asset.key} asks {other}"
                hint = "ask now(), current_date, `datetime` or `time`; or leave out `clock:`"
                raise UnfitError(Diagnosis("bad-test", said, test.place, hint=hint, key=asset.key))
        self._clocks.hold(test.clock)

    # -- comparing ---------------------------------------------------------------------------------------
    def _difference(self, ran: _Ran, expect: Rows, test: UnitTest) -> RowDifference | None:
        rows = self._read(expect)
        there = {column.name.lower(): column for column in ran.schema}
        rows_schema(rows, ran.schema)  # names only columns that are there
        named = columns_of(rows.rows)
        schema = tuple(there[name.lower()] for name in named) if named else ran.schema
        expected = self._texts(f"from ({rows_query(rows.rows, schema, self._fetch)})", schema)
        result = f"from ({from_stored((ran.path,), ran.schema)})"
        actual = self._texts(result, schema)
        return difference([column.name for column in schema], expected, actual, ordered=test.ordered)

    def _texts(self, source: str, schema: Schema) -> list[Row]:
        """The rows of *source* as text; of floating point numbers the digits that can be relied on."""
        columns = []
        for column in schema:
            name = quote(column.name)
            real = column.type in ("DOUBLE", "FLOAT")
            digits = 12 if column.type == "DOUBLE" else 6
            columns.append(f"printf('%.{digits}g', {name} + 0.0)" if real else f"cast({name} as varchar)")
        found = self._fetch(f"select {', '.join(columns)} {source}")
        return [tuple(None if value is None else str(value) for value in row) for row in found]

    # -- identity ----------------------------------------------------------------------------------------
    def _identity(self, test: UnitTest) -> str:
        """Equal for two runs that can't end otherwise; empty where something else may decide."""
        asset = self._project.assets.get(test.asset)
        if asset is None or (
            isinstance(asset.recipe, PythonRecipe) and (asset.environment or asset.permissions.reads)
        ):
            return ""
        files: list[str] = []
        for rows in (*test.given.values(), *((test.expect,) if test.expect else ())):
            if rows.file is not None:
                try:
                    files.append(hashlib.blake2b((self._context.root / rows.file).read_bytes()).hexdigest())
                except OSError:
                    return ""
        known = [self._schemas.of(key) for key in self._project.reads[test.asset]]
        told = [test, self._project.fingerprints[test.asset], asset.quality, files, known]
        variables = sorted(self._context.variables(self._project).items())
        return hashlib.blake2b(msgspec.json.encode([told, variables]), digest_size=16).hexdigest()


class _Watching:
    """Keeps what a recipe prints."""

    def __init__(self, output: list[str]) -> None:
        self._output = output

    def cancelled(self) -> bool:
        return False

    def output(self, stream: str, line: str) -> None:
        self._output.append(line)

    def progress(self, fraction: float | None, memory: int | None) -> None:
        pass


def _like(value: Scalar, text: str) -> Scalar:
    """*text* as a value of the same type as *value*. Raises ValueError."""
    match value:
        case bool():
            if text.lower() not in ("true", "false"):
                raise ValueError(text)
            return text.lower() == "true"
        case int():
            return int(text)
        case float():
            return float(text)
        case _:
            return text


def _said(found: RowDifference) -> str:
    if found.reordered:
        return f"the rows are as expected, but {found.missing} of them in another order"
    parts = []
    if found.missing:
        parts.append(f"{found.missing} expected {'row is' if found.missing == 1 else 'rows are'} not there")
    if found.surplus:
        parts.append(f"{found.surplus} {'row is' if found.surplus == 1 else 'rows are'} not expected")
    return f"{' and '.join(parts)}; {found.same} as expected"


def _below(traceback: str) -> str:
    return f"\n{traceback.rstrip()}" if traceback else ""
