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


def test_files_that_are_read_in_place_may_be_links(tmp_path: Path) -> None:
    """Single ones and folders; out of the project where a person has declared it, and nowhere else."""
    project = Project(tmp_path / "p")
    project.write("upriver.toml", "")
    for name in ("p/elsewhere/one", "out/two", "out/three", "hidden/four"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        project.table(f"../{name}.parquet", "select 7 as a")
    data = project.root / "data"
    data.mkdir()
    (data / "one.parquet").symlink_to("../elsewhere/one.parquet")
    (data / "two.parquet").symlink_to(tmp_path / "out/two.parquet")
    (data / "[some]").symlink_to(tmp_path / "out")
    (data / "four.parquet").symlink_to(tmp_path / "hidden/four.parquet")
    project.write(
        "assets/sources.py",
        "from upriver.assets import source\n"
        "source('raw.two', 'data/two.parquet')\nsource('raw.many', 'data/[[]some]/t*.parquet')\n",
    )
    queries = {
        "one": "'data/one.parquet'",
        "two": "raw.two",
        "many": "raw.many",
        "four": "'data/four.parquet'",
    }
    for name, read in queries.items():
        project.write(f"assets/{name}.sql", f"select max(a) as a, count(*) as n from {read}\n")
    built = project.here("build", "--json")
    assert built.actions == {"one": "built", "two": "built", "many": "built", "four": "failed"}
    assert "data/four.parquet leads out of the project" in built.errors["four"]
    (project.root / "assets/four.sql").unlink()
    answers = {
        name: project.here("sql", f"from {name}", "--json").document for name in ("one", "two", "many")
    }
    assert answers == {"one": [{"a": 7, "n": 1}], "two": [{"a": 7, "n": 1}], "many": [{"a": 7, "n": 2}]}
    (data / "one.parquet").unlink()
    (data / "one.parquet").symlink_to(tmp_path / "p/elsewhere/other.parquet")
    project.table("elsewhere/other.parquet", "select 8 as a")
    assert project.here("build", "--json").actions == {"one": "built", "two": "fresh", "many": "fresh"}


def test_a_session_reads_a_source_that_is_declared_while_it_is_open(tmp_path: Path) -> None:
    """Its folder was none that the engine of the session was let into, nor where its link leads."""
    project = sql_shop(tmp_path / "p")
    with closing(Session(project.root)) as session:
        session.build()
        assert session.preview("marts.daily").rows
        project.table("other/x.parquet", "select 7 as a")
        (project.root / "link.parquet").symlink_to("other/x.parquet")
        project.write(
            "assets/more.py", "from upriver.assets import source\nsource('raw.more', 'link.parquet')\n"
        )
        project.write("assets/reader.sql", "select a from raw.more\n")
        session.build()
        assert session.preview("raw.more").rows == ((7,),)


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
