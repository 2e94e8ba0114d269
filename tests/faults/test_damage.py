"""Truncated and flipped files: named, or harmless; never taken for good, never a reason to build something else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.project import Done, Project
from tests.faults.shops import sql_shop

STATE = ("state.db", "store/journal/commits.jsonl")
CACHES = (
    "cache/manifest.json",
    "cache/parts.json",
    "cache/analyses.db",
    "cache/warehouse.json",
    "warehouse.duckdb",
    "build.lock",
    "gc.lock",
    "state.db.lock",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a few builds behind it; every test takes a copy."""
    project = sql_shop(tmp_path_factory.mktemp("built") / "p")
    assert project.build().code == 0
    project.write(
        "assets/marts/customers.sql",
        "select customer, sum(amount) as amount from staging.orders group by customer\n",
    )
    assert project.build().code == 0
    assert project.here("gc", "--dry-run").code == 0
    return project


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of it."""
    copy = built.copy(tmp_path / "p")
    yield copy
    shutil.rmtree(copy.root)


def overwrite(path: Path, data: bytes) -> None:
    """Put *data* in the place of a file's bytes, as a bad disk does: under the same name, time and mode."""
    stat = path.stat()
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(stat.st_mode)
    import os

    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def honest(done: Done) -> bool:
    """Whether a command succeeded (true), or refused with an explanation (false); nothing else is accepted."""
    assert "should not have happened" not in done.said, done.said
    assert "Traceback" not in done.said, done.said
    if done.code == 0:
        return True
    assert done.code == 1, done.said
    assert "damaged" in done.said or "fsck" in done.said, done.said
    return False


def check_damage(project: Project) -> None:
    """After any damage to what Upriver keeps."""
    honest(project.here("status", "--json"))
    if honest(project.here("build", "--json")):
        scratch, contents = project.from_scratch(), readable(project)
        assert {key: contents.get(key, scratch[key]) for key in scratch} == scratch
    project.here("fsck", "--json")
    repaired = project.here("fsck", "--repair", "--json")
    assert repaired.code == 0, repaired.said
    settle_here(project)


def readable(project: Project) -> dict[str, object]:
    """What the assets hold, without those whose artifact is damaged: that is for fsck to find."""
    broken = {Path(str(one["place"])).name for one in project.problems()}
    artifacts = {key: project.artifact(key).name for key in project.from_scratch()}
    if broken & set(artifacts.values()):
        return {}
    return dict(project.contents())


def settle_here(project: Project) -> None:
    """As :meth:`Project.settle`, without the start of an interpreter for each command: there are many of these."""
    assert project.problems() == []
    built = project.here("build", "--json")
    assert built.code == 0, built.said
    scratch, contents = project.from_scratch(), project.contents()
    assert {key: contents[key] for key in scratch} == scratch
    again = project.here("build", "--json")
    assert set(again.actions.values()) == {"fresh"}, again.actions
    assert project.here("fsck", "--json").document["problems"] == []
    assert warehouse(project) == len(scratch) + 2


def warehouse(project: Project) -> int:
    """How many views any DuckDB client sees, all of which can be read."""
    import duckdb

    with duckdb.connect(str(project.folder / "warehouse.duckdb"), read_only=True) as connection:
        views = connection.execute(
            "select schema_name, view_name from duckdb_views() where not internal"
        ).fetchall()
        for schema, view in views:
            connection.execute(f'select * from "{schema}"."{view}"').fetchall()
        return len(views)
