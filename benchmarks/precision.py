"""How many assets are rebuilt after an edit, against how many had to be.

An asset has to be rebuilt when its recipe means something else, or when what it reads has changed: these columns,
these rows. What that is, is written down by hand for each asset (see ``precision_project.READS``) and evaluated over
the contents that a build from scratch gives after each edit. Two other ways of invalidating are followed beside it:

* by file: an asset is rebuilt when a file of its code, a source's file or an upstream was written anew (Make, Luigi);
* by table: when the text of its code or the content of a whole upstream has changed (dbt's ``state:modified`` with
  data versions, Dagster).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from benchmarks.precision_project import EDITS, FILES, PYTHON_ASSETS, READS, SOURCES, Edit, write_shop
from benchmarks.report import Report
from benchmarks.settings import Settings
from upriver.materializer.model import Outcome
from upriver.materializer.session import Session

ORDERS = 2000


@dataclass
class Counts:
    """Assets rebuilt over all edits, by each way of deciding; *missed* had to be rebuilt and were not."""

    upriver: int = 0
    least: int = 0
    by_file: int = 0
    by_table: int = 0
    missed: int = 0
    needless: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class World:
    """What the yardstick knows: meanings of recipes, contents, and what was computed before."""

    meaning: dict[str, int] = field(default_factory=lambda: dict.fromkeys(READS, 0))
    computed: set[tuple[str, int, str]] = field(default_factory=set)
    text: dict[str, str] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)


def run(settings: Settings) -> Report:
    """All edits one after the other, then all taken back."""
    with settings.scratch() as scratch:
        counts = measure(scratch, settings.sized(ORDERS, 100))
    report = Report(
        "precision",
        f"{len(EDITS)} edits of code and data, one after the other and then taken back, in a project of {len(READS)}"
        f" assets ({len(READS) - len(PYTHON_ASSETS)} SQL, {len(PYTHON_ASSETS)} Polars): assets that were rebuilt.",
    )
    least = counts.least
    report.add("had to be rebuilt (what they read, or their code, changed)", least, "")
    report.add("rebuilt by Upriver", counts.upriver, "", note=_said(counts.needless))
    report.add("Upriver : had to be", counts.upriver / least, "×", target=1.0)
    report.add("had to be and were not", counts.missed, "", target=0)
    report.add("by file times (Make, Luigi)", counts.by_file, "", note=f"{counts.by_file / least:.1f}×")
    report.add("by text and whole tables", counts.by_table, "", note=f"{counts.by_table / least:.1f}×")
    return report


def _said(needless: Mapping[str, list[str]]) -> str:
    return "; ".join(f"{edit}: {', '.join(assets)}" for edit, assets in needless.items())


def measure(scratch: Path, orders: int) -> Counts:
    """The counts over all edits, and their way back."""
    root, counts, world = scratch / "project", Counts(), World()
    write_shop(root, orders)
    session = Session(root)
    try:
        session.build()
        _look(scratch, root, world)
        before = {path: (root / path).read_text() for path in {edit.path for edit in EDITS}}
        for edit in EDITS:
            _apply(root, edit, world)
            _count(scratch, session, world, counts, edit.what, {edit.path})
        for path, text in before.items():
            (root / path).write_text(text)
        world.meaning = dict.fromkeys(READS, 0)
        _count(scratch, session, world, counts, "all of them taken back", set(before))
    finally:
        session.close()
    return counts


def _apply(root: Path, edit: Edit, world: World) -> None:
    path = root / edit.path
    path.write_text(edit.change(path.read_text()))
    for asset in edit.meaning:
        world.meaning[asset] += 1


def _count(
    scratch: Path, session: Session, world: World, counts: Counts, what: str, written: set[str]
) -> None:
    result = session.build()
    built = {one.asset for one in result.assets if one.action is Outcome.BUILT}
    if reshaped := [one.asset for one in result.assets if one.action is Outcome.BROKEN]:
        session.accept(reshaped)  # a source that has lost a column is taken as it is by a person only
        result = session.build()
        built |= {one.asset for one in result.assets if one.action is Outcome.BUILT}
    failed = [one.error for one in result.assets if one.error]
    if failed:
        raise RuntimeError(f"{what}: {failed[0]}")
    texts, whole = dict(world.text), dict(world.whole)
    needed = _look(scratch, session.root, world)
    by_table = {
        asset
        for asset in READS
        if world.text[asset] != texts[asset] or any(world.whole[up] != whole[up] for up in READS[asset])
    }
    by_file = _below(lambda asset: bool(written & set(FILES[asset])), written)
    counts.upriver += len(built)
    counts.least += len(needed)
    counts.missed += len(needed - built)
    counts.by_file += len(by_file)
    counts.by_table += len(by_table)
    if built - needed:
        counts.needless[what] = sorted(built - needed)


def _below(own: Callable[[str], bool], written: set[str]) -> set[str]:
    """The assets of which *own* holds, or that read a source that was written, and all below them."""
    found: set[str] = set()
    for asset, reads in READS.items():  # upstreams first
        if own(asset) or any(up in found or SOURCES.get(up) in written for up in reads):
            found.add(asset)
    return found


def _look(scratch: Path, root: Path, world: World) -> set[str]:
    """Build from scratch, and see whose inputs as read, or whose meaning, were never there before."""
    copy = scratch / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".upriver", "__pycache__"))
    session = Session(copy)
    try:
        session.build()
    finally:
        session.close()
    needed = set()
    with duckdb.connect(str(copy / ".upriver/warehouse.duckdb"), read_only=True) as connection:
        for asset, reads in READS.items():
            seen = "".join(_digest(connection, query.format(up)) for up, query in sorted(reads.items()))
            state = (asset, world.meaning[asset], seen)
            if state not in world.computed:
                needed.add(asset)
                world.computed.add(state)
            world.text[asset] = "".join((root / path).read_text() for path in FILES[asset])
        for key in {*READS, *SOURCES}:
            world.whole[key] = _digest(connection, f"select * from {key}")
    return needed


def _digest(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """A digest of a query's result: names and types of its columns, and its rows in no order."""
    described = connection.execute(f"describe {query}").fetchall()
    rows = sorted(map(repr, connection.execute(query).fetchall()))
    return hashlib.sha256(repr((described, rows)).encode()).hexdigest()
