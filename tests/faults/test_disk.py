"""A disk that is full, read-only or closed to us: named, the old version still served, and all is well once there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.faults.forks import Forks, forks
from tests.faults.project import UPRIVER, Done, Project
from tests.faults.shops import Trouble, shop, sql_shop, troubles
from tests.faults.test_damage import settle_here

BIG = "select i as n, md5(i::varchar) as text from range(40000) r(i)\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Forks]:
    """Forks builds."""
    with forks() as made:
        yield made


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project that has been built."""
    made = sql_shop(tmp_path / "p")
    assert made.here("build", "--json").code == 0
    return made


def grown(project: Project) -> None:
    """The next build has something large to make, and something small."""
    project.write("assets/big.sql", BIG)
    project.write("assets/marts/customers.sql", "select distinct customer from staging.orders\n")


def explained(done: Done, *words: str) -> None:
    """It failed, and said why in words."""
    assert done.code == 1, done.said
    assert "should not have happened" not in done.said, done.said
    assert any(word in done.said.lower() for word in words), done.said


def test_a_limit_on_file_sizes_fails_what_is_too_large(server: Forks, project: Project) -> None:
    """RLIMIT_FSIZE, from one that nothing fits under to one that all but the large table does."""
    before = project.contents()
    grown(project)
    failed = 0
    for limit in (1 << 12, 100_000, 200_000, 400_000):
        copy = project.copy(project.root.with_name(f"limit-{limit}"))
        done = server.run(copy, "build", "--json", plan={"limit": limit})
        if done.code:
            explained(done, "file too large", "too large", "disk", "could not", "cannot", "can't")
            failed += 1
        after = copy.contents()
        assert after["staging.orders"] == before["staging.orders"]
        assert after["marts.daily"] == before["marts.daily"]
        assert copy.problems() == []
        settle_here(copy)
    assert failed >= 2


def test_what_is_done_is_told_also_when_the_views_of_it_can_not_be_written(
    server: Forks, project: Project
) -> None:
    """The warehouse alone does not fit: exit code 1 with the cause, but the result of the build is not lost."""
    project.write("assets/marts/customers.sql", "select distinct customer from staging.orders\n")
    done = server.run(project, "build", "--json", plan={"limit": 200_000})
    explained(done, "warehouse.duckdb could not be written")
    assert done.document["status"] == "success"
    assert done.actions["marts.customers"] == "built"
    settle_here(project)


def small_disk(folder: Path, size: str) -> None:
    """Mount a file system of *size* on *folder*; skips the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount a file system")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode:
        pytest.skip("no file system can be mounted here")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on which :func:`small_disk` may have been mounted."""
    folder = tmp_path / "disk"
    yield folder
    if folder.is_mount():
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_named_and_room_makes_it_good(server: Forks, disk: Path) -> None:
    """A real one, filled to the last block, and then with a little room: what was built before is served throughout."""
    small_disk(disk, "3m")
    project = sql_shop(disk / "p")
    assert server.run(project, "build", "--json").code == 0
    before = project.contents()
    grown(project)
    ballast = disk / "ballast"
    for leave in (0, 60_000, 400_000, 1_000_000):
        ballast.unlink(missing_ok=True)
        with ballast.open("wb") as file:
            free = shutil.disk_usage(disk).free - leave
            file.write(b"x" * max(free, 0))
        done = server.run(project, "build", "--json")
        explained(done, "disk is full", "no space left", "enospc", "database or disk is full")
        now = {key: value for key, value in project.contents().items() if key in before}
        assert now["staging.orders"] == before["staging.orders"]
        assert now["marts.daily"] == before["marts.daily"]
        assert project.here("sql", "select count(*) as n from marts.daily", "--json").code == 0
        assert project.here("status", "--json").code == 0
        assert project.problems() == []
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
    settle_here(project)


def fill(disk: Path) -> Path:
    """Take the last block of the disk; the file that has done so."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return ballast


def test_without_a_free_block_all_can_be_read_and_gc_makes_room(disk: Path) -> None:
    """Reading writes nothing, not even the index of a log; the cause is named; what nothing needs is dropped."""
    small_disk(disk, "6m")
    project = sql_shop(disk / "p")
    assert project.here("build", "--json").code == 0
    for number in (1, 2):  # of these artifacts only the last is needed
        project.write("assets/big.sql", BIG.replace("range(40000)", f"range({15_000 + number})"))
        assert project.here("build", "--json").code == 0
    before = project.contents()
    project.write("assets/marts/customers.sql", "select distinct customer from staging.orders\n")
    project.table("data/rates.parquet", "select date '2024-01-01' as day, 2.0 as rate")
    fill(disk)
    assert shutil.disk_usage(disk).free == 0
    for words in (
        ("status",), ("plan",), ("why", "marts.customers"), ("lineage", "marts.daily"), ("show", "marts.daily"),
        ("sql", "select count(*) as n from marts.daily"), ("history",), ("fsck",), ("env", "list"), ("cost",),
    ):  # fmt: skip
        done = project.here(*words, "--json")
        assert done.code == 0, (words, done.said)
    explained(project.here("build", "--json"), "disk is full")
    assert project.contents() == before
    collected = project.here("gc", "--keep", "0s", "--keep-count", "1", "--json")
    assert collected.code == 0, collected.said
    assert len(collected.document["artifacts"]) >= 1
    assert shutil.disk_usage(disk).free > 100_000
    assert project.problems() == []
    (disk / "ballast").unlink()
    settle_here(project)


def test_a_project_that_can_not_be_written_can_be_read(server: Forks, disk: Path) -> None:
    """On a read-only file system every reading command works; a build says what stands in its way."""
    small_disk(disk, "16m")
    project = sql_shop(disk / "p")
    assert server.run(project, "build", "--json").code == 0
    grown(project)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    explained(server.run(project, "build", "--json"), "read-only")
    for words in (
        ("status",), ("plan",), ("why", "marts.customers"), ("lineage", "marts.daily"), ("show", "marts.daily"),
        ("sql", "select count(*) as n from marts.daily"), ("history",), ("fsck",),
    ):  # fmt: skip
        done = server.run(project, *words, "--json")
        assert done.code == 0, (words, done.said)
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    settle_here(project)


def unprivileged() -> tuple[str, ...]:
    """``upriver`` for which permissions count, also when root runs the tests."""
    if os.geteuid() != 0:
        return UPRIVER
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root can do everything here")
    return (setpriv, "--bounding-set=-dac_override,-dac_read_search", *UPRIVER)


@pytest.mark.parametrize("place", [".", "store", "store/staging", "store/journal/commits.jsonl", "state.db"])
def test_what_may_not_be_written_is_named(project: Project, place: str) -> None:
    """Permission denied for the folder, the store, or one file: nothing is lost, and reading goes on."""
    command = unprivileged()
    before = project.contents()
    project.write("assets/marts/customers.sql", "select distinct customer from staging.orders\n")
    closed = project.folder / place
    mode = closed.stat().st_mode
    closed.chmod(0o444 if closed.is_file() else 0o555)
    try:
        done = project.run("build", "--json", command=command)
        explained(done, "permission denied", "read-only", "readonly")
        assert project.contents() == before
        assert project.run("status", "--json", command=command).code == 0
    finally:
        closed.chmod(mode)
    assert project.problems() == []
    settle_here(project)


def test_a_full_disk_inside_a_recipe_is_that_recipes_failure(disk: Path) -> None:
    """Python writes its artifact itself, in another process: named all the same, and its sibling succeeds."""
    small_disk(disk, "4m")
    project = troubles(
        disk / "p",
        Trouble(
            "large", "import secrets\nreturn pa.table({'a': [secrets.token_hex(40) for _ in range(60_000)]})"
        ),
    )
    done = project.build("--jobs", "1")
    assert done.code == 1, done.said
    assert "no space left" in done.errors["large"].lower() or "disk is full" in done.errors["large"], (
        done.errors
    )
    assert done.actions["sibling"] == "built"
    assert project.problems() == []


@pytest.mark.parametrize(("umask", "file", "artifact"), [(0o077, 0o600, 0o400), (0o027, 0o640, 0o440)])
def test_what_is_kept_follows_the_umask(tmp_path: Path, umask: int, file: int, artifact: int) -> None:
    """What a person shows to nobody, or to a group alone, is shown to no one else by what is made of it."""
    project = shop(tmp_path / "p")
    assert project.build(umask=umask).code == 0
    assert project.run("status", umask=umask).code == 0
    modes = {path: path.lstat().st_mode & 0o777 for path in project.folder.rglob("*") if path.is_file()}
    assert {path: oct(mode) for path, mode in modes.items() if mode & ~file} == {}
    assert {modes[path] for path in project.artifacts()} == {artifact}
    folders = [path for path in (project.folder, *project.folder.rglob("*")) if path.is_dir()]
    assert [path for path in folders if path.lstat().st_mode & umask] == []
