"""The state of an older Upriver is upgraded once, by one process, with a copy; that of a newer one is refused.

There is no older version yet, so it is a newer program that is made up: it knows of two versions more.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from tests.faults.project import Project, finish, kill_group
from tests.faults.shops import sql_shop

from upriver.assets.errors import StoreError
from upriver.materializer.state import schema
from upriver.materializer.state.database import Database

NOW = schema.VERSION
SLOW = "insert into later select i, zeroblob(200) from (with recursive r(i) as (select 1 union all select i + 1 from r where i < 60000) select i from r)"
MIGRATIONS = {
    NOW: f"create table later (a integer primary key, b blob); {SLOW}",
    NOW
    + 1: "alter table later add column c; update later set c = a; create table last (n); insert into last select count(*) from later",
}
PROGRAM = f"""
import sys
from contextlib import closing
from pathlib import Path
from upriver.materializer.state.database import Database
print("begins", flush=True)
with closing(Database(Path(sys.argv[1]), version={NOW + 2}, migrations={MIGRATIONS!r})) as database:
    print(database.query("select n from last")[0][0], flush=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = sql_shop(tmp_path / "p")
    assert project.here("build").code == 0
    return project


def upgrade(project: Project, **options: object) -> subprocess.Popen[str]:
    """Start the newer program."""
    return project.start(str(project.folder / "state.db"), command=(sys.executable, "-c", PROGRAM), **options)


def content(path: Path) -> list[str]:
    """Everything in a database, its version first."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        version = connection.execute("pragma user_version").fetchall()[0][0]
        names = [
            row[0]
            for row in connection.execute("select name from sqlite_schema where type = 'table' order by 1")
        ]
        return [
            f"version {version}",
            *(f"{name}: {connection.execute(f'select * from {name}').fetchall()}" for name in names),
        ]


def test_an_upgrade_that_is_killed_at_any_moment_is_made_by_the_next(project: Project) -> None:
    """After each kill the state is of one version, whole, and the copy is what was there before the first."""
    path = project.folder / "state.db"
    before = content(path)
    done = 0
    for round in range(14):
        process = upgrade(project)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.03 * round)
        kill_group(process)
        process.communicate()
        now = content(path)
        assert now[0] in (f"version {NOW}", f"version {NOW + 1}", f"version {NOW + 2}")
        if now[0] == f"version {NOW}":
            assert now == before
        done += now[0] == f"version {NOW + 2}"
        if done:
            break
    assert finish(upgrade(project)).out == "begins\n60000\n"
    assert content(path.with_name(f"state.db.v{NOW}.backup")) == before
    assert not list(project.folder.glob("*.backup.*"))
    assert not list(project.folder.glob("*.part"))


def test_of_many_at_once_one_upgrades(project: Project) -> None:
    processes = [upgrade(project) for _ in range(4)]
    assert [finish(process).out for process in processes] == ["begins\n60000\n"] * 4


@pytest.mark.parametrize("limit", [100_000, 1_000_000, 4_000_000])
def test_an_upgrade_without_room_changes_nothing(project: Project, limit: int) -> None:
    """Told as such; nothing of it is left in the way of who makes room, and then it is made."""
    path = project.folder / "state.db"
    before = content(path)
    done = finish(
        upgrade(project, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    )
    assert done.code != 0
    assert "StoreError" in done.err, done.err
    now = content(path)
    assert now == before
    assert not list(project.folder.glob("*.part"))
    assert finish(upgrade(project)).out == "begins\n60000\n"


def test_a_copy_that_is_there_already_is_not_lost(project: Project) -> None:
    """It may be the only one of what the user wants back; whatever else stands in its place is named."""
    path = project.folder / "state.db"
    backup = path.with_name(f"state.db.v{NOW}.backup")
    backup.write_bytes(b"of long ago")
    before = content(path)
    assert finish(upgrade(project)).out == "begins\n60000\n"
    assert backup.read_bytes() == b"of long ago"
    assert content(backup.with_name(f"{backup.name}.2")) == before


def test_a_reference_that_an_upgrade_would_break_stops_it(project: Project) -> None:
    """A table may be made anew without those that refer to it being emptied; a row that points nowhere is noticed."""
    path = project.folder / "state.db"
    before = content(path)
    with pytest.raises(StoreError, match="could not be upgraded"):
        Database(path, version=NOW + 1, migrations={NOW: "delete from materializations where seq = 1"})
    assert content(path) == before
    again = f"create table m2 {schema.SCHEMA.split('create table materializations')[1].split(';')[0]}; insert into m2 select * from materializations; drop table materializations; alter table m2 rename to materializations"
    Database(path, version=NOW + 1, migrations={NOW: again}).close()
    assert [line.partition(":")[2] for line in content(path)[1:]] == [
        line.partition(":")[2] for line in before[1:]
    ]


def test_a_newer_state_is_refused_by_every_command_and_left_as_it_is(project: Project) -> None:
    """Also by the one that repairs: it is not damaged."""
    path = project.folder / "state.db"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("pragma user_version = 99")
    before = content(path)
    files = [path for path in sorted(project.folder.rglob("*")) if path.suffix != ".lock"]
    for words in (
        ("status",),
        ("build",),
        ("plan",),
        ("fsck",),
        ("fsck", "--repair"),
        ("gc",),
        ("history",),
        ("sql", "select 1"),
    ):
        done = project.here(*words)
        assert (done.code, "newer Upriver" in done.said) == (1, True), (words, done.said)
    assert content(path) == before
    assert [path for path in sorted(project.folder.rglob("*")) if path.suffix != ".lock"] == files
