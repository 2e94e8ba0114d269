"""Analyses of recipes against schemas, computed once for each pair and kept."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Key, PythonRecipe, Schema, SqlRecipe
from upriver.assets.project.config import Scalar
from upriver.assets.support import checksum
from upriver.lineage.model import Analysis, Opaque, UnknownColumn
from upriver.lineage.partitions.problems import partition_problem
from upriver.lineage.project.contracts import contract_problem
from upriver.lineage.project.manifest import program
from upriver.lineage.project.project import Project, as_declared
from upriver.lineage.sql.parse.query import Query

if TYPE_CHECKING:
    import apsw

    from upriver.lineage.analysis.planner_process import Hypothesis
    from upriver.lineage.sql.plan.binder import Binder

_MANY = 100
_decode = msgspec.json.Decoder(Analysis).decode
_decode_problem = msgspec.json.Decoder(Diagnosis).decode


class PlansPython(Protocol):
    """Runs Python recipes on empty frames, somewhere else."""

    def plan(
        self,
        recipe: PythonRecipe,
        schemas: Mapping[Key, Schema],
        settings: Mapping[str, Scalar],
        hypothesis: Hypothesis | None = None,
    ) -> Analysis | UnknownColumn:
        """The analysis of *recipe* called with *settings*; opaque, with the cause, when it can't be planned. With
        *hypothesis* its module has that text, for a comparison.
        """
        ...


class AnalysisCache:
    """Analyses on disk. A cache: when it can't be read or written, analyses are made again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._new: dict[str, Analysis | Diagnosis] = {}
        self._connection: apsw.Connection | None = None
        self._asked = 0
        self._ahead: dict[str, bytes] = {}

    def get(self, name: str) -> Analysis | None:
        """The analysis called *name*, if it is kept."""
        import apsw

        with self._lock:
            if isinstance(known := self._new.get(name), Analysis):
                return known
            try:
                body = self._read(name)
                return None if body is None else _decode(checksum.read(body))
            except (
                apsw.Error,
                TypeError,
                ValueError,
            ):  # damaged: the seal, the JSON, or the file as a database
                return None

    def _read(self, name: str) -> bytes | None:
        import apsw

        if self._connection is None:
            if not self._path.exists():
                return None
            self._connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        self._asked += 1
        if self._asked == _MANY:  # so many questions are the first of many more: one reading costs a tenth
            everything = self._connection.execute("select name, body from analysis").fetchall()
            self._ahead.update(cast("list[tuple[str, bytes]]", everything))
        if (ahead := self._ahead.pop(name, None)) is not None:
            return ahead
        rows = self._connection.execute("select body from analysis where name = ?", (name,)).fetchall()
        return cast("bytes", rows[0][0]) if rows else None

    def problem(self, name: str) -> Diagnosis | None:
        """The problem called *name*, if it is kept."""
        import apsw

        with self._lock:
            if (known := self._new.get(name)) is not None:
                return known if isinstance(known, Diagnosis) else None
            try:
                body = self._read(name)
                return None if body is None else _decode_problem(checksum.read(body))
            except (apsw.Error, TypeError, ValueError):  # damaged, as above
                return None

    def put(self, name: str, found: Analysis | Diagnosis) -> None:
        """Keep *found* until :meth:`flush` writes it."""
        with self._lock:
            self._new[name] = found

    def flush(self) -> None:
        """Write what was put."""
        import apsw

        with self._lock:
            if not self._new:
                return
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                connection = apsw.Connection(str(self._path))
                connection.set_busy_timeout(2000)
                # No fsync: what a power cut takes or garbles here is analysed again.
                connection.execute("pragma synchronous = off")
                with connection:
                    connection.execute(
                        "create table if not exists analysis (name text primary key, body blob)"
                    )
                    connection.executemany(
                        "insert or replace into analysis values (?, ?)",
                        [
                            (name, checksum.write(msgspec.json.encode(analysis)))
                            for name, analysis in self._new.items()
                        ],
                    )
                connection.close()
                self._new.clear()
            except (apsw.NotADBError, apsw.CorruptError, apsw.SQLError):
                with suppress(OSError):  # damaged: the next time it is made anew
                    self._path.unlink()
            except (apsw.Error, OSError):
                pass


class Analyzer:
    """Analyses the recipes of one derived project. Safe from several threads.

    *variables* are those of ``upriver.toml`` in the environment that is worked in.
    """

    def __init__(
        self,
        project: Project,
        cache: AnalysisCache,
        planner: Callable[[], PlansPython],
        variables: Mapping[str, Scalar] = MappingProxyType({}),
    ) -> None:
        self._project = project
        self._variables = variables
        self._cache = cache
        self._planner = planner
        self._known: dict[str, Analysis | Diagnosis] = {}
        self._local = threading.local()
        self._planning = threading.Lock()

    def bound_query(self, key: Key, schemas: Mapping[Key, Schema]) -> Query | Diagnosis:
        """The query of a SQL asset as DuckDB runs it over upstreams of these *schemas*."""
        from upriver.lineage.sql.parse.parse import bound_to

        return bound_to(self._project.query(key), schemas)

    def analyze(self, key: Key, schemas: Mapping[Key, Schema]) -> Analysis | Diagnosis:
        """The asset's recipe bound against its upstreams' schemas; a Diagnosis when it can't be bound, or when what it
        would make is not what the asset promises.
        """
        found = self._analyzed(key, schemas)
        return self._kept_promise(key, found)

    def _kept_promise(self, key: Key, found: Analysis | Diagnosis) -> Analysis | Diagnosis:
        if isinstance(found, Diagnosis) or found.schema is None:
            return found
        asset, checks = self._project.assets[key], self._project.checks.get(key, ())
        if asset.partition is not None and (problem := partition_problem(asset, found.schema)) is not None:
            return problem
        if not checks and not asset.quality.columns:
            return found
        return contract_problem(asset, checks, found.schema) or found

    def _analyzed(self, key: Key, schemas: Mapping[Key, Schema]) -> Analysis | Diagnosis:
        name = self._name(key, schemas)
        if (known := self._known.get(name)) is not None:
            return known
        found: Analysis | Diagnosis | None = self._cache.get(name)
        if found is None:
            try:
                found = self._compute(key, schemas)
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is this asset's failure alone
                found = self._failed(key, error)
            else:
                self._cache.put(name if isinstance(found, Analysis) else self._problem_name(key, name), found)
        self._known[name] = found
        return found

    def _failed(self, key: Key, error: Exception) -> Diagnosis:
        """What is said of an asset whose analysis raised an *error* that no user should meet."""
        what = str(error).partition("\n")[0]
        return Diagnosis(
            "analysis-failed",
            f"{key} can't be analysed: {type(error).__name__}" + (f": {what}" if what else ""),
            self._project.assets[key].place,
            ("this is a fault of Upriver; other assets are not affected",),
            "report it with the text of this asset; written in a simpler way, it may be understood",
            key=key,
        )

    def known(self, key: Key, schemas: Mapping[Key, Schema]) -> Analysis | None:
        """As :meth:`analyze`, without computing anything: None when this was not analysed before."""
        name = self._name(key, schemas)
        found = self._known.get(name) or self._cache.get(name)
        return found if isinstance(found, Analysis) else None

    def recall(self, key: Key, schemas: Mapping[Key, Schema]) -> Analysis | Diagnosis | None:
        """As :meth:`analyze`, without computing anything: what an earlier command has found, None when none did."""
        name = self._name(key, schemas)
        found = (
            self._known.get(name)
            or self._cache.get(name)
            or self._cache.problem(self._problem_name(key, name))
        )
        return None if found is None else self._kept_promise(key, found)

    def _problem_name(self, key: Key, name: str) -> str:
        """A problem is told at its place in the text, which an edit moves that means nothing."""
        asset = self._project.assets[key]
        match asset.recipe:
            case SqlRecipe(text=text, line=line):
                written: object = (text, line)
            case PythonRecipe():
                written = self._project.manifest.python.digests
        described = msgspec.json.encode([name, asset.place.path, asset.place.line, written])
        return "problem " + hashlib.blake2b(described, digest_size=16).hexdigest()

    def remember(self, key: Key, schemas: Mapping[Key, Schema], observed: Analysis) -> None:
        """Take what a run has shown of a Python recipe that can't be planned without running it."""
        name = self._name(key, schemas)
        known = self._known.get(name) or self._cache.get(name)
        if not isinstance(known, Analysis) or known.opaque:
            self._known[name] = observed
            self._cache.put(name, observed)

    def bindings(self, asset: Key, upstreams: Mapping[Key, Schema]) -> tuple[str, ...]:
        """The digests of the bound recipe, any of which says the same; none when it can't be bound without running it.

        Besides the one that is recorded, it is the one that states of an earlier version hold.
        """
        found = self.analyze(asset, upstreams)
        if isinstance(found, Diagnosis):
            return (f"unbound: {found.message}",)
        return tuple(digest for digest in (found.binding, found.whole_binding) if digest)

    def alias_equivalent(self, key: Key, text: str, fingerprint: str) -> bool:
        """Whether the query of *key* differs from an earlier *text*, whose recipe fingerprint was *fingerprint*,
        only in what it calls its tables and where. What both mean has to be compared as well: see *bindings*.
        """
        from upriver.lineage.sql.alias_equivalence import only_aliases_differ
        from upriver.lineage.sql.parse.parse import parse_query

        asset = self._project.assets[key]
        if not isinstance(asset.recipe, SqlRecipe) or asset.recipe.dialect != "duckdb":
            return False
        before = parse_query(text)
        if isinstance(before, Diagnosis) or as_declared(asset, before.fingerprint) != fingerprint:
            return False
        return only_aliases_differ(before.executable, self._project.query(key).executable)

    def _name(self, key: Key, schemas: Mapping[Key, Schema]) -> str:
        described = [
            program(),
            key,
            self._project.fingerprints[key],
            sorted(settings_of(self._project.assets[key].variables, self._variables).items()),
            sorted((k, [c.facts for c in schema]) for k, schema in schemas.items()),
            *self._cut_by(key),
        ]
        return hashlib.blake2b(msgspec.json.encode(described), digest_size=16).hexdigest()

    def _cut_by(self, key: Key) -> tuple[str, ...]:
        partition = self._project.assets[key].partition
        return () if partition is None else partition.columns

    def _compute(self, key: Key, schemas: Mapping[Key, Schema]) -> Analysis | Diagnosis:
        asset = self._project.assets[key]
        match asset.recipe:
            case SqlRecipe():
                found = self._binder().analyze(self._project.query(key), schemas, cut_by=self._cut_by(key))
                if isinstance(found, Diagnosis):
                    return msgspec.structs.replace(found, key=key)
                return found
            case PythonRecipe() as recipe:
                if not plannable(recipe):
                    return Analysis(None, opaque=(Opaque("Python code that is not a lazy Polars plan"),))
                with self._planning:
                    settings = settings_of(recipe.settings, self._variables)
                    planned = self._planner().plan(recipe, schemas, settings)
                if isinstance(planned, UnknownColumn):
                    from upriver.lineage.python.unknown_column import diagnosis

                    return diagnosis(planned.name, asset, self._project.parts(key), schemas)
                return planned

    def what_if(
        self, key: Key, schemas: Mapping[Key, Schema], hypothesis: Hypothesis | None
    ) -> Analysis | UnknownColumn:
        """The plan of a Python recipe if its module had another text. Nothing of it is kept."""
        recipe = self._project.assets[key].recipe
        assert isinstance(recipe, PythonRecipe)
        if not plannable(recipe):
            return Analysis(None, opaque=(Opaque("Python code that is not a lazy Polars plan"),))
        with self._planning:
            settings = settings_of(recipe.settings, self._variables)
            return self._planner().plan(recipe, schemas, settings, hypothesis)

    def _binder(self) -> Binder:
        from upriver.lineage.sql.plan.binder import Binder

        binder: Binder | None = getattr(self._local, "binder", None)
        if binder is None:
            binder = self._local.binder = Binder(self._variables)
        return binder

    def flush(self) -> None:
        """Keep what was analysed for later commands."""
        self._cache.flush()


def settings_of(names: Iterable[str], variables: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """The values of the variables *names*, whose letter case does not matter in SQL."""
    values = {name.lower(): value for name, value in variables.items()}
    return {name: values[name.lower()] for name in names if name.lower() in values}


def plannable(recipe: PythonRecipe) -> bool:
    """Whether a recipe promises to be a lazy plan: LazyFrames in, a LazyFrame out."""
    from upriver.assets.model import Frame

    lazy = (Frame.LAZY, Frame.ANY)
    return recipe.returns is Frame.LAZY and all(one.frame in lazy for one in recipe.inputs)
