"""A death, and an error of the disk, at every call that makes something last: sync, rename, link, removal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.forks import FINAL, Forks, forks
from tests.faults.project import Project
from tests.faults.shops import sql_shop
from tests.faults.test_damage import settle_here

SOAK = pytest.mark.soak
SYNCS = ("fsync", "fdatasync")


@pytest.fixture(scope="module")
def server() -> Iterator[Forks]:
    """Forks builds."""
    with forks() as made:
        yield made


@pytest.fixture(scope="module")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was never built; every attack takes a copy."""
    return sql_shop(tmp_path_factory.mktemp("unbuilt") / "p")


def count(server: Forks, project: Project, calls: tuple[str, ...]) -> int:
    """How many of these calls the build makes."""
    started = server.start(project, "build", plan={"calls": calls})
    assert started.ended().code == 0
    return len(started.calls)


def changed(project: Project) -> None:
    """Something to do for the next build: another query, other data, an asset less."""
    project.write("data/orders.csv", "id,customer,day,amount\n1,a,2024-01-01,3\n2,b,2024-01-02,4\n")
    project.write(
        "assets/marts/customers.sql",
        "select customer, sum(amount) as amount from staging.orders group by 1\n",
    )


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=SOAK)])
def test_a_first_build_that_dies_at_any_call_is_made_good_by_the_next(
    server: Forks, unbuilt: Project, tmp_path: Path, step: int
) -> None:
    """From the folder that does not exist yet to the last removal: fsck is clean, the next build succeeds."""
    calls = count(server, unbuilt.copy(tmp_path / "counted"), FINAL)
    assert calls > 40
    for at in range(1, calls + 1, step):
        dies_at(server, unbuilt.copy(tmp_path / str(at)), at)


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=SOAK)])
def test_a_later_build_that_dies_at_any_call_is_made_good_by_the_next(
    server: Forks, unbuilt: Project, tmp_path: Path, step: int
) -> None:
    """What was there before is there after; the artifacts that were acknowledged are not made again."""
    built = unbuilt.copy(tmp_path / "built")
    assert server.run(built, "build").code == 0
    changed(built)
    calls = count(server, built.copy(tmp_path / "counted"), FINAL)
    assert calls > 20
    for at in range(2, calls + 1, step):
        dies_at(server, built.copy(tmp_path / str(at)), at)


def dies_at(server: Forks, project: Project, at: int) -> None:
    """Kill a build before its call number *at*."""
    died = server.run(project, "build", "--json", plan={"calls": FINAL, "at": at, "how": "kill"})
    # How many finished assets share a commit is a matter of moments: there may be fewer calls than were counted.
    assert died.code in (-9, 0), f"call {at}: {died.said}"
    assert project.problems() == [], f"call {at}"
    settle_here(project)
    assert project.leftovers() == [], f"call {at}"


@pytest.mark.parametrize(("how", "step"), [("EIO", 4), ("ENOSPC", 7), pytest.param("EIO", 1, marks=SOAK)])
def test_a_sync_that_fails_fails_what_it_was_for_and_nothing_else(
    server: Forks, unbuilt: Project, tmp_path: Path, how: str, step: int
) -> None:
    """At any of them: told in words, never taken for done, and the next build puts everything in its place."""
    calls = count(server, unbuilt.copy(tmp_path / "counted"), SYNCS)
    told = 0
    for at in range(1, calls + 1, step):
        project = unbuilt.copy(tmp_path / str(at))
        done = server.run(project, "build", "--json", plan={"calls": SYNCS, "at": at, "how": how})
        assert "should not have happened" not in done.said, f"call {at}: {done.said}"
        assert "Traceback" not in done.said, f"call {at}: {done.said}"
        if done.code:
            assert done.code == 1, f"call {at}: {done.said}"
            assert "input/output error" in done.said.lower() or "disk" in done.said, f"call {at}: {done.said}"
            told += 1
        assert project.problems() == [], f"call {at}"
        settle_here(project)
    assert told > calls // step // 3


def test_a_disk_that_fails_at_every_sync_from_now_on_serves_what_was_there_before(
    server: Forks, unbuilt: Project, tmp_path: Path
) -> None:
    """Every asset that would be made fails with the cause; what was built before can still be read."""
    project = unbuilt.copy(tmp_path / "p")
    assert server.run(project, "build").code == 0
    before = project.contents()
    changed(project)
    plan = {"calls": SYNCS, "at": 12, "how": "EIO", "on": True}
    done = server.run(project, "build", "--json", plan=plan)
    assert done.code == 1, done.said
    assert "error" in done.said
    after = project.contents()
    assert {key for key in before if after[key] == before[key]}
    assert project.problems() == []
    settle_here(project)
