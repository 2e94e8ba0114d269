"""Edits and races that once made an asset wrong and fresh, or failed more than they had to: real tiny projects."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from upriver.materializer.answers import BuildResult
from upriver.materializer.model import Action, Cause, Outcome, State
from upriver.materializer.session import Session

PYTHON = (
    "import time\nfrom pathlib import Path\nimport polars as pl\nfrom upriver.assets import asset, source\n"
)
SOURCES = 'a = source("a", "data/a.csv")\nb = source("b", "data/b.csv")\n'


class Project:
    """A project folder with a session over it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("upriver.toml", '[project]\nname = "cases"\n')
        self.session = Session(root)
        self.errors: list[str] = []

    def write(self, path: str, text: str | bytes) -> None:
        """Write a file of the project."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())

    def build(self) -> dict[str, Outcome]:
        """Build all; what became of each asset."""
        result = self.session.build()
        self.errors = [one.error for one in result.assets if one.error]
        return outcomes(result)

    def rows(self, key: str) -> list[tuple[object, ...]]:
        """The asset's rows, in order."""
        return [tuple(row) for row in self.session.preview(key, limit=1000).rows]

    def build_and_meanwhile(self, path: str, text: str) -> BuildResult:
        """Build, and write a file as soon as a recipe has made the file ``started``, which confinement would not let it."""
        self.write("upriver.toml", '[build]\nisolation = "observed"\n')

        def meddle() -> None:
            deadline = time.monotonic() + 60
            while not (self.root / "started").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            self.write(path, text)
            (self.root / "go").touch()

        thread = threading.Thread(target=meddle)
        thread.start()
        try:
            return self.session.build()
        finally:
            thread.join()


WAIT = "Path('started').touch()\n    while not Path('go').exists():\n        time.sleep(0.01)"
"""Code of a recipe that goes on when the test has done its edit."""


def outcomes(result: BuildResult) -> dict[str, Outcome]:
    return {one.asset: one.action for one in result.assets}


def parquet(path: Path, query: str) -> None:
    """Write the rows of *query*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{path}' (format parquet)")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    made.write("data/a.csv", "x\n1\n2\n")
    made.write("data/b.csv", "x\n30\n40\n")
    yield made
    made.session.close()


# -- what a declaration adds to the recipe ---------------------------------------------------------------------
def test_two_inputs_that_change_places_are_another_recipe(project: Project) -> None:
    function = (
        "def out(p: pl.LazyFrame, q: pl.LazyFrame) -> pl.LazyFrame:\n    return p.select(pl.col('x') * 10)\n"
    )
    one = f"{PYTHON}{SOURCES}@asset(inputs={{'p': 'a', 'q': 'b'}})\n{function}"
    other = f"{PYTHON}{SOURCES}@asset(inputs={{'p': 'b', 'q': 'a'}})\n{function}"
    project.write("assets/m.py", one)
    project.build()
    project.write("assets/m.py", other)
    assert project.build() == {"out": Outcome.BUILT}
    assert project.rows("out") == [(300,), (400,)]
    project.write("assets/m.py", one)
    assert project.build() == {"out": Outcome.REUSED}


def test_another_suffix_makes_another_file(project: Project) -> None:
    text = PYTHON + "@asset(suffix='.txt')\ndef report() -> bytes:\n    return b'words'\n"
    project.write("assets/m.py", text)
    project.build()
    project.write("assets/m.py", text.replace(".txt", ".md"))
    assert project.build() == {"report": Outcome.BUILT}


def test_a_tag_rebuilds_nothing(project: Project) -> None:
    text = PYTHON + SOURCES + "@asset(tags=['t'])\ndef out(a: pl.LazyFrame) -> pl.LazyFrame:\n    return a\n"
    project.write("assets/m.py", text)
    project.build()
    project.write("assets/m.py", text.replace("tags=['t']", "tags=['u'], owner='me', retries=2"))
    assert project.build() == {"out": Outcome.FRESH}


@pytest.mark.parametrize("declared", ["always", "daily"])
def test_what_is_declared_volatile_later_is_built_again(project: Project, declared: str) -> None:
    project.write("assets/out.sql", "select 1 as x")
    project.build()
    project.write("assets/out.sql", f"/* upriver:\nvolatile: {declared}\n*/\nselect 1 as x")
    assert project.build() == {"out": Outcome.BUILT}
    again = Outcome.BUILT if declared == "always" else Outcome.FRESH
    assert project.build() == {"out": again}


def test_what_is_no_longer_declared_stable_follows_the_clock_again(project: Project) -> None:
    project.write("assets/out.sql", "/* upriver:\nvolatile: never\n*/\nselect now() as t")
    project.build()
    assert project.build() == {"out": Outcome.FRESH}
    project.write("assets/out.sql", "select now() as t")
    assert project.build() == {"out": Outcome.BUILT}
    assert project.build() == {"out": Outcome.BUILT}


def test_a_promised_order_follows_the_order_of_what_is_read(project: Project) -> None:
    project.write("assets/sources.py", PYTHON + SOURCES)
    project.write("assets/bag.sql", "select x from a")
    project.write("assets/row.sql", "/* upriver:\nordered: true\n*/\nselect x from a")
    project.build()
    project.write("data/a.csv", "x\n2\n1\n")
    assert project.build() == {"bag": Outcome.FRESH, "row": Outcome.BUILT}
    assert project.rows("row") == [(2,), (1,)]


# -- races -----------------------------------------------------------------------------------------------------
def test_code_that_is_edited_during_a_build_and_put_back_is_not_taken_for_what_ran(project: Project) -> None:
    project.write("constants.py", "K = 1\n")
    project.write(
        "assets/m.py",
        f"{PYTHON}import constants\n@asset\ndef first() -> pl.DataFrame:\n    {WAIT}\n"
        "    return pl.DataFrame({'x': [0]})\n"
        "@asset\ndef second(first: pl.DataFrame) -> pl.DataFrame:\n    return first.with_columns(k=constants.K)\n",
    )
    result = project.build_and_meanwhile("constants.py", "K = 2\n")
    assert outcomes(result)["second"] is Outcome.FAILED
    assert "constants.py was changed" in str(result.assets[1].error)
    project.write("constants.py", "K = 1\n")
    assert project.build()["second"] is Outcome.BUILT
    assert project.rows("second") == [(0, 1)]


def test_a_file_that_is_changed_while_it_is_read_and_put_back_is_read_again(project: Project) -> None:
    project.write("data/model.bin", "good")
    project.write(
        "assets/m.py",
        f"{PYTHON}model = source('model', 'data/model.bin')\n@asset\ndef out(model: Path) -> pl.DataFrame:\n    {WAIT}\n"
        "    return pl.DataFrame({'x': [model.read_text()]})\n",
    )
    result = project.build_and_meanwhile("data/model.bin", "evil")
    assert outcomes(result) == {"out": Outcome.FAILED}
    project.write("data/model.bin", "good")
    assert project.build() == {"out": Outcome.BUILT}, project.errors
    assert project.rows("out") == [("good",)]


def test_a_csv_that_grows_during_a_build_fails_nothing_and_is_seen_by_the_next(project: Project) -> None:
    project.write(
        "assets/m.py",
        f"{PYTHON}{SOURCES}@asset\ndef out(a: pl.DataFrame) -> pl.DataFrame:\n    {WAIT}\n    return a\n",
    )
    result = project.build_and_meanwhile("data/a.csv", "x\n1\n2\n3\n")
    assert outcomes(result) == {"out": Outcome.BUILT}
    assert project.rows("out") == [(1,), (2,)]
    assert project.build() == {"out": Outcome.BUILT}
    assert project.rows("out") == [(1,), (2,), (3,)]


# -- damage stays where it is ----------------------------------------------------------------------------------
def test_parquet_files_that_do_not_fit_together_fail_only_their_readers(project: Project) -> None:
    parquet(project.root / "data/p/1.parquet", "select 1 as x, 'a' as s")
    parquet(project.root / "data/p/2.parquet", "select 2 as x, 'b' as s")
    project.write("assets/m.py", PYTHON + SOURCES + "p = source('p', 'data/p/*.parquet')\n")
    project.write("assets/reads_p.sql", "select s from p")
    project.write("assets/reads_a.sql", "select x from a")
    project.build()
    parquet(project.root / "data/p/2.parquet", "select 2 as x")
    project.write("data/a.csv", "x\n7\n")
    states = {one.asset: one.state for one in project.session.status()}
    assert states["reads_p"] is State.STALE
    assert project.build() == {"reads_p": Outcome.FAILED, "reads_a": Outcome.BUILT}
    assert project.rows("reads_p") == [("a",), ("b",)]
    parquet(project.root / "data/p/2.parquet", "select 2 as x, 'b' as s")
    assert project.build() == {"reads_p": Outcome.FRESH, "reads_a": Outcome.FRESH}


def test_a_damaged_artifact_does_not_keep_its_asset_from_being_built(project: Project) -> None:
    project.write("assets/m.py", PYTHON + SOURCES)
    project.write("assets/out.sql", "select x from a")
    project.build()
    for artifact in (project.root / ".upriver/store").rglob("*.parquet"):
        artifact.chmod(0o644)
        artifact.write_bytes(b"x" * 40)
    project.write("assets/out.sql", "select x + 1 as x from a")
    project.write("data/a.csv", "x\n5\n6\n")
    assert project.build() == {"out": Outcome.BUILT}
    assert project.rows("out") == [(6,), (7,)]


# -- sources ---------------------------------------------------------------------------------------------------
def test_parquet_overwritten_with_the_same_size_and_time_is_noticed(project: Project) -> None:
    path = project.root / "data/p.parquet"
    parquet(path, "select 1 as x")
    project.write("assets/m.py", PYTHON + "p = source('p', 'data/p.parquet')\n")
    project.write("assets/out.sql", "select x from p")
    project.build()
    before = path.stat()
    parquet(project.root / "other.parquet", "select 9 as x")
    assert (project.root / "other.parquet").stat().st_size == before.st_size
    path.write_bytes((project.root / "other.parquet").read_bytes())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert project.build() == {"out": Outcome.BUILT}
    assert project.rows("out") == [(9,)]


def test_the_same_rows_in_other_files_are_the_same(project: Project) -> None:
    folder = project.root / "data/p"
    parquet(folder / "1.parquet", "select 1 as x")
    parquet(folder / "2.parquet", "select 2 as x")
    project.write("assets/m.py", PYTHON + "p = source('p', 'data/p/*.parquet')\n")
    project.write("assets/total.sql", "select sum(x) as x from p")
    project.build()
    for path in folder.iterdir():
        path.unlink()
    parquet(folder / "all.parquet", "select unnest([2, 1]) as x")
    assert project.build() == {"total": Outcome.FRESH}


def test_a_column_that_another_upstream_gains_rebinds_an_unqualified_name(project: Project) -> None:
    project.write("assets/m.py", PYTHON + SOURCES)
    project.write("data/b.csv", "y\n1\n")
    project.write("assets/inner.sql", "select x from a where exists (select 1 from b where x = y)")
    project.write("assets/qualified.sql", "select a.x from a where exists (select 1 from b where a.x = b.y)")
    project.build()
    assert project.rows("inner") == [(1,)]
    project.write("data/b.csv", "y,x\n1,1\n")
    plan = {step.asset: step for step in project.session.plan().steps}
    assert plan["inner"].action is Action.BUILD
    assert [reason.kind for reason in plan["inner"].reasons] == [Cause.SCHEMA]
    assert plan["qualified"].action is Action.FRESH
    assert project.build() == {"inner": Outcome.BUILT, "qualified": Outcome.FRESH}
    assert project.rows("inner") == [(1,), (2,)]


def test_a_broken_upstream_that_is_mended_leaves_the_rest_as_it_was(project: Project) -> None:
    project.write("assets/m.py", PYTHON + SOURCES)
    project.write("assets/up.sql", "select x from a")
    project.write("assets/down.sql", "select x * 2 as x from up")
    project.build()
    project.write("assets/up.sql", "select cast('no' || x as integer) as x from a")
    assert project.build() == {"up": Outcome.FAILED, "down": Outcome.BLOCKED}
    project.write("assets/up.sql", "select x from a")
    assert project.build() == {"up": Outcome.FRESH, "down": Outcome.FRESH}


def test_environments_share_what_was_computed(project: Project) -> None:
    project.write("assets/m.py", PYTHON + SOURCES)
    project.write("assets/out.sql", "select x from a")
    project.build()
    other = Session(project.root, "prod")
    try:
        assert outcomes(other.build()) == {"out": Outcome.REUSED}
    finally:
        other.close()


def test_another_name_for_a_table_builds_nothing_as_long_as_it_means_the_same(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("data/a.ndjson", '{"x": 1, "s": {"y": 10}, "t": {"y": 20}}\n')
    project.write(
        "assets/sources.py", 'from upriver.assets import source\na = source("a", "data/a.ndjson")\n'
    )
    project.write("assets/out.sql", "select s.x, s.x + 1 as more from a s")
    project.write("assets/field.sql", "select s.y from a s")
    assert project.build() == {"field": Outcome.BUILT, "out": Outcome.BUILT}
    project.write("assets/out.sql", "select t.x, t.x + 1 as more from a as t -- another name\n")
    project.write("assets/field.sql", "select t.y from a t")
    assert project.build() == {"field": Outcome.BUILT, "out": Outcome.FRESH}
    assert project.rows("field") == [(20,)]
    project.write("assets/out.sql", "select b.x, b.x + 1 as more from a as b")
    assert project.build() == {"field": Outcome.FRESH, "out": Outcome.FRESH}
    project.write("assets/out.sql", "select c.x, c.x + 2 as more from a as c")
    assert project.build() == {"field": Outcome.FRESH, "out": Outcome.BUILT}
    assert project.rows("out") == [(1, 3)]
    project.write("data/a.ndjson", '{"x": 2, "s": {"y": 10}, "t": {"y": 20}}\n')
    project.write("assets/out.sql", "select d.x, d.x + 2 as more from a as d")
    assert project.build() == {"field": Outcome.FRESH, "out": Outcome.BUILT}
    assert project.rows("out") == [(2, 4)]
