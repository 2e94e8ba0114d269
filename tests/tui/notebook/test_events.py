"""Events of a build as an iterator, and the operations as coroutines."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from upriver.assets.errors import UsageError
from upriver.assets.project.scaffold import write_project
from upriver.materializer.events import AssetFinished, RunFinished, RunStarted
from upriver.materializer.model import State
from upriver.project import AsyncProject, Project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The project that `upriver init` writes, not built."""
    write_project(tmp_path, "shop")
    return tmp_path


def test_events_come_from_the_start_of_a_run_to_its_end(root: Path) -> None:
    with Project(root) as project:
        events = list(project.build_events())
        assert isinstance(events[0], RunStarted)
        assert isinstance(events[-1], RunFinished)
        built = {one.asset for one in events if isinstance(one, AssetFinished)}
        assert "marts.best_customers" in built


def test_leaving_the_loop_stops_the_build(root: Path) -> None:
    """And the project can be used on."""
    (root / "assets/slow.py").write_text(
        "import time\nimport polars as pl\nfrom upriver.assets import asset\n"
        "@asset\ndef slow() -> pl.DataFrame:\n    time.sleep(60)\n    return pl.DataFrame({'a': [1]})\n"
    )
    with Project(root) as project:
        for _ in project.build_events("slow"):
            break
        [slow] = project.status("slow").value
        assert slow.state is not State.FRESH


def test_what_building_raises_is_raised_where_the_events_are_read(root: Path) -> None:
    with Project(root) as project, pytest.raises(UsageError, match="did you mean"):
        list(project.build_events("marts.best_customer"))


def test_every_operation_has_its_coroutine(root: Path) -> None:
    async def work() -> None:
        async with AsyncProject(root) as project:
            seen = [event async for event in project.build_events()]
            assert isinstance(seen[-1], RunFinished)
            assert "fresh" in repr(await project.status())
            assert not (await project.plan()).value.stale
            assert "is fresh" in repr(await project.why("staging.orders"))
            assert (await project.sql("select 1 as x")).value.rows == ((1,),)
            assert (await project.lineage("staging.orders")).value.nodes
            assert len((await project.history("staging.orders")).value) == 1
            assert (await project.build("marts.*")).value.assets

    asyncio.run(work())


def test_a_cancelled_task_stops_its_build(root: Path) -> None:
    (root / "assets/slow.py").write_text(
        "import time\nimport polars as pl\nfrom upriver.assets import asset\n"
        "@asset\ndef slow() -> pl.DataFrame:\n    time.sleep(60)\n    return pl.DataFrame({'a': [1]})\n"
    )

    async def work() -> None:
        async with AsyncProject(root) as project:
            task = asyncio.ensure_future(project.build("slow"))
            await asyncio.sleep(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await project.status("slow")).value[0].state is not State.FRESH

    asyncio.run(work())


def test_lineage_is_a_picture_in_a_notebook(root: Path) -> None:
    with Project(root) as project:
        project.build()
        html = project.lineage("marts.best_customers.revenue")._repr_html_()
    assert html.startswith("<svg")
    assert "raw.orders" in html
    assert "<script" not in html
    assert html.count("<path") >= 2
