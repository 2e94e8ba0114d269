"""Links in the place of what Upriver keeps: followed where that is harmless, refused with their name where it is not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.faults.project import Done
from tests.faults.shops import sql_shop

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


PLACES = ("store", "store/journal", "store/staging", "state.db", "build.lock", "tmp")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "elsewhere") for name in PLACES),
        ("store", "dangling"),
        ("store", "loop"),
        ("state.db", "loop"),
    ],
)
def test_nothing_is_written_through_a_link(tmp_path: Path, name: str, kind: str) -> None:
    """The build refuses it by its name, and what it leads to stays as it was; without it all is well again."""
    project = sql_shop(tmp_path / "p")
    assert project.here("build").code == 0
    path, aside = project.folder / name, tmp_path / "aside"
    path.rename(aside)
    path.symlink_to({"elsewhere": aside, "dangling": tmp_path / "nowhere", "loop": Path(path.name)}[kind])
    before = listing(aside)
    project.write("assets/marts/customers.sql", "select customer from staging.orders\n")
    for words in LOOKS:
        done = project.here(*words)
        assert "should not have happened" not in done.said
    refused(project.here("build"), str(path))
    assert listing(aside) == before
    path.unlink()
    aside.rename(path)
    project.settle()


@pytest.mark.parametrize("name", ["runs", "cache", "warehouse.duckdb"])
def test_what_can_be_made_again_is_made_beside_a_link_or_left_out(tmp_path: Path, name: str) -> None:
    project = sql_shop(tmp_path / "p")
    assert project.here("build").code == 0
    path = project.folder / name
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.symlink_to(tmp_path / "nowhere")
    project.write("assets/marts/customers.sql", "select customer from staging.orders\n")
    done = project.here("build", "--json")
    assert done.actions["marts.customers"] == "built", done.said
    assert done.code == 0 or str(path) in done.said, done.said
    assert not os.path.lexists(tmp_path / "nowhere")


def listing(folder: Path) -> list[tuple[str, int]]:
    """Names and sizes below *folder*, which may be a file."""
    found = [folder, *folder.rglob("*")] if folder.is_dir() else [folder]
    return sorted((str(path), path.lstat().st_size if path.is_file() else 0) for path in found)
