"""A project as an object answers what the command line answers, and gives rows to other libraries."""

from __future__ import annotations

import asyncio
import linecache
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from upriver.assets.errors import UsageError
from upriver.assets.project.scaffold import write_project
from upriver.materializer.model import Action, Outcome, RunStatus, State
from upriver.project import Project

GUIDE = Path(__file__).parents[3] / "docs" / "python.md"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that `upriver init` writes, built."""
    folder = tmp_path_factory.mktemp("notebook") / "shop"
    write_project(folder, "shop")
    with Project(folder) as project:
        assert project.build().value.status is RunStatus.SUCCESS
    return folder


@pytest.fixture
def project(root: Path) -> Iterator[Project]:
    """It, opened."""
    with Project(root) as opened:
        yield opened


def test_answers_are_the_values_of_the_operations(project: Project) -> None:
    """And show themselves as the command line does."""
    status = project.status()
    assert {one.state for one in status.value if one.kind != "source"} == {State.FRESH}
    assert "staging.orders" in repr(status)
    assert {step.action for step in project.plan().value.steps} == {Action.FRESH}
    assert "is fresh" in repr(project.why("best_customers"))
    assert "raw.orders.amount" in repr(project.lineage("marts.best_customers.revenue"))
    assert len(project.history("staging.orders").value) == 1
    assert {one.action for one in project.build("marts.*").value.assets} == {Outcome.FRESH}


@pytest.mark.science
def test_rows_come_as_polars_arrow_pandas_and_duckdb(project: Project) -> None:
    """The same rows, with the types of the asset."""
    best = project["best_customers"]
    assert best.key == "marts.best_customers"
    expected = [("Emmy", 310.25), ("Blaise", 230.0), ("Ada", 219.9)]
    assert best.relation().project("name, revenue").fetchall() == expected
    assert best.pl().select("name", "revenue").rows() == expected
    assert best.arrow().column("name").to_pylist() == [name for name, _ in expected]
    assert list(best.df()["revenue"]) == [revenue for _, revenue in expected]
    assert "Emmy" in repr(best)
    assert project["raw.orders"].pl().height == 8


def test_a_query_names_assets_by_their_keys(project: Project) -> None:
    """As `upriver sql` does."""
    answer = project.sql("select count(*) as n from staging.orders")
    assert [tuple(row) for row in answer.value.rows] == [(6,)]


def test_html_shows_values_and_obeys_none(project: Project) -> None:
    """What is in the data stays data."""
    html = project.sql("select '<script>alert(1)</script>' as a")._repr_html_()
    assert html.startswith("<pre")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "Emmy" in project["best_customers"]._repr_html_()


def test_wrong_names_are_answered_with_what_was_meant(project: Project) -> None:
    """In a sentence, as everywhere."""
    with pytest.raises(UsageError, match=r"did you mean marts\.best_customers"):
        project["best_customer"]
    with pytest.raises(UsageError, match="no column 'revenu'"):
        project.lineage("marts.best_customers.revenu")
    with pytest.raises(UsageError, match="did you mean 'marts"):
        project.build("marts")


def test_what_was_never_built_is_said_so(tmp_path: Path) -> None:
    """Asking builds nothing."""
    write_project(tmp_path, "shop")
    with Project(tmp_path) as project, pytest.raises(UsageError, match="has not been built yet"):
        project["staging.orders"].pl()


def test_calls_work_inside_a_running_event_loop(tmp_path: Path) -> None:
    """A notebook runs its cells in one."""
    write_project(tmp_path, "shop")

    async def cell() -> RunStatus:
        with Project(tmp_path) as project:
            result = project.build().value
            assert project["best_customers"].pl().height == 3
            return result.status

    assert asyncio.run(cell()) is RunStatus.SUCCESS


def test_the_version_is_that_of_the_package() -> None:
    """A namespace has no place for ``__version__``."""
    assert Project.version == version("upriver")


def test_importing_the_api_loads_no_engine() -> None:
    """It costs no more than the command line does."""
    code = "import sys, upriver.project; print([m for m in ('duckdb', 'polars', 'textual', 'pyarrow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_block_of_the_guide_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they stand, as the cells of one notebook."""
    monkeypatch.chdir(root)
    blocks = re.findall(
        r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) == 8
    names: dict[str, object] = {}
    for number, block in enumerate(blocks):
        cell = f"<cell {number}>"  # as a kernel does, so that the source of its functions can be found
        linecache.cache[cell] = (len(block), None, block.splitlines(keepends=True), cell)
        exec(compile(block, cell, "exec"), names)
    assert names["failed"] == []
    assert names["waiting"] == []
    assert names["counted"] == 3
