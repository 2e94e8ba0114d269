"""Attempts of partitioned SQL assets: the slices that are not as they should be are made, the others carried over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Asset, Key, Schema
from upriver.lineage.model import Analysis, Footprint
from upriver.lineage.partitions.keys import kept_rows
from upriver.lineage.partitions.slices import Basis, SliceSet
from upriver.lineage.sql.names import relation_name
from upriver.lineage.sql.parse.query import Query
from upriver.lineage.sql.plan.bind_errors import run_diagnosis
from upriver.materializer.engines.types import from_stored
from upriver.materializer.execution.attempt import AttemptFailed, Watchdog
from upriver.materializer.execution.segments import Assembled, Assembler, Batch
from upriver.materializer.execution.slice_batches import (
    BatchRunner,
    Made,
    output_columns,
    output_key,
    output_order,
)
from upriver.materializer.execution.slice_results import SlicedResult
from upriver.materializer.freshness.grouped import GroupedFingerprints, Grouping, Sums, digest
from upriver.materializer.freshness.slices import Recipe, Recorded, SlicePlan, basis_of, decided
from upriver.materializer.model import Located, Version
from upriver.materializer.ports import Engine, Staged, Store, Watching
from upriver.materializer.storage.locator import Locator
from upriver.materializer.storage.slice_table import Slice

if TYPE_CHECKING:
    from upriver.assets.project.config import Scalar

_ALL = Footprint(columns=None, predicate=None, ordered=False)


class SlicedAttempts:
    """Makes slices of SQL assets, in the caller's thread."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        locator: Locator,
        grouped: GroupedFingerprints,
        variables: Mapping[str, Scalar],
        watchdog: Watchdog,
        now: Callable[[], float],
        most: int | None,
    ) -> None:
        self._engine = engine
        self._store = store
        self._locator = locator
        self._grouped = grouped
        self._variables = variables
        self._watchdog = watchdog
        self._now = now
        self._most = most

    def make(
        self,
        asset: Asset,
        query: Query,
        analysis: Analysis,
        upstreams: Mapping[Key, Version],
        watching: Watching,
        plan: SlicePlan,
        wanted: Callable[[Sequence[str]], Sequence[str]],
        *,
        force: bool = False,
    ) -> SlicedResult:
        """Make those stale slices of *plan* that are *wanted*; with *force* all that are. Raises AttemptFailed."""
        assert analysis.schema is not None
        schema = analysis.schema
        for key in dict.fromkeys(query.keys()):
            self._engine.expose(key, self._locator.located(upstreams[key]))
        base = _usable(plan.base, schema)
        every = plan.keys if force or base is None else [key for key in plan.keys if key in plan.stale]
        chosen = list(wanted(every))
        runner = self._runner(asset, query, schema, plan, watching)
        made = Made()
        if chosen or plan.whole is not None or not plan.keys:
            made = runner.run(chosen)
        if made.first_error is not None and not made.batches:
            raise made.first_error
        published: set[str] = set()
        try:
            result = self._assembled(asset, plan, schema, base, chosen, wanted, made)
            published.update(one.path for one in result.staged)
            return result
        finally:
            for batch in made.batches:
                if str(batch.path) not in published:
                    with suppress(OSError):
                        batch.path.unlink(missing_ok=True)

    def split(
        self,
        asset: Asset,
        schema: Schema,
        whole: Staged,
        recipe: Recipe,
        base: Recorded | None,
        wanted: Callable[[Sequence[str]], Sequence[str]],
    ) -> SlicedResult:
        """Cut the staged file *whole*, which holds all rows of *asset*; the slices that are *wanted* are published."""
        base = _usable(base, schema)
        basis = basis_of(recipe, {}, {})
        plan = decided(recipe, basis, base, {}, ())
        order = output_order(asset, recipe.slicing, schema)
        values = output_columns(asset, schema)
        kept = kept_rows(recipe.partition.dimensions, recipe.slicing.types, values, recipe.since)
        where = f" where {kept}" if kept is not None else ""
        path = self._store.reserve(".parquet")
        made = Made()
        published: set[str] = set()
        try:
            rows = from_stored((whole.path,), schema)
            self._engine.write(f"select * from ({rows}){where} order by {order}", path, schema)
            made.batches.append(Batch(path, path.stat().st_size))
            result = self._assembled(asset, plan, schema, base, plan.keys, wanted, made)
            published.update(one.path for one in result.staged)
            return result
        finally:
            with suppress(OSError):
                Path(whole.path).unlink(missing_ok=True)
            if str(path) not in published:
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def _runner(
        self, asset: Asset, query: Query, schema: Schema, plan: SlicePlan, watching: Watching
    ) -> BatchRunner:
        import duckdb

        begun, limit = self._now(), asset.execution.timeout
        bound = query.bound(relation_name)

        def guard(run: Callable[[], None]) -> None:
            left = None if limit is None else max(0.0, limit - (self._now() - begun))
            with self._watchdog.watching(left, watching.cancelled) as expired:
                try:
                    run()
                except Exception as error:
                    if expired.is_set():
                        raise AttemptFailed(f"it ran longer than its timeout of {limit:g} s") from error
                    raise

        def says(error: Exception) -> str | None:
            """What the query did wrong on its rows; None for what is no matter of some slices."""
            others = (
                duckdb.InterruptException,
                duckdb.IOException,
                duckdb.ProgrammingError,
                duckdb.InternalException,
            )
            if not isinstance(error, duckdb.Error) or isinstance(error, others) or watching.cancelled():
                return None
            placed = run_diagnosis(str(error), query, bound)
            return str(placed) if isinstance(placed, Diagnosis) else str(error).strip()

        return BatchRunner(
            self._engine, self._store, asset, query, schema, plan, self._variables, guard, says, self._most
        )

    def _assembled(
        self,
        asset: Asset,
        plan: SlicePlan,
        schema: Schema,
        base: Recorded | None,
        chosen: Sequence[str],
        wanted: Callable[[Sequence[str]], Sequence[str]],
        made: Made,
    ) -> SlicedResult:
        contents: dict[str, Sums] = {}
        for number, batch in enumerate(made.batches):
            for key, sums in self._contents(asset, plan, schema, batch, number).items():
                before = contents.get(key, (0, 0, 0))
                contents[key] = (before[0] + sums[0], before[1] + sums[1], before[2] + sums[2])
        if plan.whole is not None:
            keys = sorted({*plan.keys, *contents})
            known = base.slices if base is not None else {}
            gone = [key for key in known if key not in contents and key not in plan.keys]
            built = [key for key in wanted(keys) if key not in made.failed]
            left = [key for key in keys if key not in built and key not in known]
            left += [key for key in keys if key not in built and key in known and key in plan.stale]
            gone = list(wanted(gone))
        else:
            if stray := contents.keys() - set(plan.keys):
                raise AttemptFailed(
                    f"slices came out that nothing it reads tells of: {', '.join(sorted(stray)[:5])};"
                    " this is a fault of Upriver. Leave `partition` out until it is mended.",
                    final=True,
                )
            gone = list(plan.gone) if base is not None else []
            built = [key for key in chosen if key not in made.failed]
            left = [key for key in plan.keys if key in plan.stale and key not in built]
        return self._record(plan, schema, base, asset, built, gone, left, contents, made)

    def _contents(
        self, asset: Asset, plan: SlicePlan, schema: Schema, batch: Batch, number: int
    ) -> dict[str, Sums]:
        """What is in the file of a batch, by key."""
        assert asset.partition is not None
        names = {column.name.casefold(): column.name for column in schema}
        columns = tuple(
            '"' + names[one.casefold()].replace('"', '""') + '"' for one in asset.partition.columns
        )
        by = Grouping(asset.partition.dimensions, plan.recipe.slicing.types, columns)
        located = Located(f"batch {number}", schema, None, batch.bytes, (str(batch.path),))
        return self._grouped.table(located, _ALL, by, keep=lambda: False)

    def _record(
        self,
        plan: SlicePlan,
        schema: Schema,
        base: Recorded | None,
        asset: Asset,
        built: Sequence[str],
        gone: Sequence[str],
        left: Sequence[str],
        contents: Mapping[str, Sums],
        made: Made,
    ) -> SlicedResult:
        known = base.slices if base is not None else {}
        bases: list[Basis] = [*(base.bases if base is not None else ())]
        if plan.basis not in bases:
            bases.append(plan.basis)
        now = bases.index(plan.basis)
        slices = {key: one for key, one in known.items() if key not in gone}
        rewritten: dict[str, bool] = {key: known[key].rows > 0 for key in gone}
        unchanged = 0
        for key in built:
            sums = contents.get(key)
            one = Slice(key, sums[0] if sums else 0, digest(sums), plan.reads.get(key, b""), now)
            before = known.get(key)
            if before is not None and before.content == one.content and before.rows == one.rows:
                unchanged += 1
            else:
                rewritten[key] = bool(one.rows or (before is not None and before.rows))
            slices[key] = one
        slices, used = _numbered(slices, bases)
        ordered = [slices[key] for key in sorted(slices)]
        segments = base.segments if base is not None else ()
        assembler = Assembler(
            self._engine,
            self._store,
            schema,
            output_key(asset, plan.recipe.slicing, schema),
            output_order(asset, plan.recipe.slicing, schema),
            self._store.locate,
        )
        batches = [one for one in made.batches if one.path.exists()]
        exact = contents.keys() <= {*built}
        found = assembler.assemble(ordered, rewritten, segments, batches, exact=exact)
        version = self._version(found, schema)
        return SlicedResult(
            found.staged,
            version,
            SliceSet(tuple(used), found.segments, len(left), tuple(sorted(made.failed)), plan.whole),
            changed=base is None or any(rewritten.values()),
            peak=made.peak,
            keys=tuple(sorted({*plan.keys, *built})),
            made=tuple(built),
            unchanged=unchanged,
            failed=tuple(sorted(made.failed.items())),
        )

    @staticmethod
    def _version(found: Assembled, schema: Schema) -> Version:
        refs = tuple(one.artifact for one in found.segments)
        rows = sum(one.rows for one in found.segments)
        size = sum(ref.bytes for ref in refs)
        return Version(version_id([ref.id for ref in refs]), schema, rows, size, refs)


def version_id(ids: Sequence[str]) -> str:
    """The id of the content of several artifacts in a row; of one it is its own."""
    if len(ids) == 1:
        return ids[0]
    return "segments-" + hashlib.blake2b(" ".join(ids).encode(), digest_size=24).hexdigest()


def _usable(base: Recorded | None, schema: Schema) -> Recorded | None:
    """Slices can be carried over only into the same columns."""
    return base if base is not None and base.record.version.schema == schema else None


def _numbered(slices: Mapping[str, Slice], bases: Sequence[Basis]) -> tuple[dict[str, Slice], list[Basis]]:
    """The bases that slices still have, and the slices with their places among those."""
    used = sorted({one.basis for one in slices.values()})
    places = {old: new for new, old in enumerate(used)}
    moved = {
        key: one
        if places[one.basis] == one.basis
        else Slice(one.key, one.rows, one.content, one.read, places[one.basis])
        for key, one in slices.items()
    }
    return moved, [bases[at] for at in used]
