"""Links in the place of what Upriver keeps: followed where that is harmless, refused with their name where it is not."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from tests.faults.project import Done, Project
from tests.faults.shops import sql_shop

from upriver.assets.errors import StoreError
from upriver.materializer.session import Session
from upriver.materializer.upkeep.gc import Keep

LOOKS = (("status",), ("plan",), ("fsck",), ("gc", "--dry-run"))


def refused(done: Done, *said: str) -> None:
    assert done.code == 1, done.said
    assert "should not have happened" not in done.said
    assert all(text in done.said for text in (*said, "hint:")), done.said


def test_the_folder_of_the_project_may_be_a_link_to_another_disk(tmp_path: Path) -> None:
    project = sql_shop(tmp_path / "p")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.folder.symlink_to(elsewhere)
    assert set(project.here("build", "--json").actions.values()) == {"built"}
    assert (elsewhere / "store").is_dir()
    project.write("assets/marts/customers.sql", "select customer from staging.orders\n")
    project.settle()


@pytest.mark.parametrize("target", ["nowhere", ".upriver"], ids=["dangling", "loop"])
def test_a_link_to_nowhere_is_named(tmp_path: Path, target: str) -> None:
    project = sql_shop(tmp_path / "p")
    project.folder.symlink_to(target)
    for words in (*LOOKS, ("build",)):
        refused(project.here(*words), f".upriver is a link to {target}, where there is no folder")
    project.folder.unlink()
    project.settle()


PLACES = (
    "store", "store/journal", "store/journal/commits.jsonl", "store/staging", "store/{shard}", "state.db", "state.db-wal",
    "gc.lock", "building", "tmp", "tmp/another", "runs", "runs/{run}", "cache", "cache/manifest.json", "cache/analyses.db",
    "warehouse.duckdb", "quarantine",
)  # fmt: skip
"""What Upriver keeps by a name; ``{shard}`` and ``{run}`` stand for one that is there."""

COMMANDS = (
    ("build",), ("build", "--force"), ("build", "--dry-run"), ("gc", "--keep", "0s", "--keep-count", "1"), ("gc", "--dry-run"),
    ("fsck",), ("fsck", "--repair"), ("rename", "marts.daily", "marts.days"), ("env", "list"), ("env", "remove", "prod"),
    ("status",), ("plan",), ("why", "marts.daily"), ("lineage", "marts.daily"), ("show", "marts.daily"),
    ("sql", "select 1"), ("history",), ("log", "last"), ("cost",), ("impact",), ("fix", "marts.daily"),
)  # fmt: skip
"""All that open a project: each of them writes, be it what it remembers for the next."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has been built; every test takes a copy."""
    project = sql_shop(tmp_path_factory.mktemp("built") / "p")
    assert project.here("build").code == 0
    return project


@pytest.mark.parametrize("kind", ["elsewhere", "dangling", "loop"])
@pytest.mark.parametrize("name", PLACES)
def test_no_command_follows_a_link(built: Project, tmp_path: Path, name: str, kind: str) -> None:
    """Each refuses it by its path, whatever it leads to, and that stays as it was; without it all is well."""
    project = built.copy(tmp_path / "p")
    shard, run = project.artifacts()[0].parent.name, next((project.folder / "runs").iterdir()).name
    path, aside = project.folder / name.format(shard=shard, run=run), tmp_path / "aside"
    there = path.exists()
    if there:
        path.rename(aside)
    else:
        aside.mkdir()
    path.symlink_to({"elsewhere": aside, "dangling": tmp_path / "nowhere", "loop": Path(path.name)}[kind])
    before = listing(aside)
    project.write("assets/marts/customers.sql", "select customer from staging.orders\n")
    for words in COMMANDS:
        refused(project.here(*words), str(path))
    assert listing(aside) == before
    assert not os.path.lexists(tmp_path / "nowhere")
    path.unlink()
    if there:
        aside.rename(path)
    assert project.here("status").code == 0


def test_gc_deletes_nothing_of_another_project(built: Project, tmp_path: Path) -> None:
    """The store of one project in the place of another's: every artifact there is an orphan here."""
    mine, other = built.copy(tmp_path / "mine"), built.copy(tmp_path / "other")
    before = other.artifacts()
    shutil.rmtree(mine.store)
    mine.store.symlink_to(Path("../../other/.upriver/store"))
    refused(mine.here("gc", "--keep", "0s", "--keep-count", "1"), str(mine.store), "is a link to")
    assert other.artifacts() == before


def test_a_link_that_comes_while_a_session_is_open_is_refused(built: Project, tmp_path: Path) -> None:
    """Whatever changes artifacts or records looks again."""
    project = built.copy(tmp_path / "p")
    with closing(Session(project.root)) as session:
        session.status()
        (project.store / "00").symlink_to(tmp_path)
        with pytest.raises(StoreError, match="is a link to"):
            session.gc(Keep(0.0, 1))


def test_a_secret_may_be_a_link(built: Project, tmp_path: Path) -> None:
    """It is a person's own file, and only read."""
    project = built.copy(tmp_path / "p")
    (tmp_path / "TOKEN").write_text("hush")
    (project.folder / "secrets").mkdir()
    (project.folder / "secrets" / "TOKEN").symlink_to(tmp_path / "TOKEN")
    assert project.here("build").code == 0


def listing(folder: Path) -> list[tuple[str, int]]:
    """Names and sizes below *folder*, which may be a file."""
    found = [folder, *folder.rglob("*")] if folder.is_dir() else [folder]
    return sorted((str(path), path.lstat().st_size if path.is_file() else 0) for path in found)
