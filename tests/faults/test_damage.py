"""Truncated and flipped files: named, or harmless; never taken for good, never a reason to build something else."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
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
    "cache/verified",
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
    assert project.here("gc").code == 0
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
    with duckdb.connect(str(project.folder / "warehouse.duckdb"), read_only=True) as connection:
        views = connection.execute(
            "select schema_name, view_name from duckdb_views() where not internal"
        ).fetchall()
        for schema, view in views:
            connection.execute(f'select * from "{schema}"."{view}"').fetchall()
        return len(views)


def lengths(size: int, count: int) -> list[int]:
    """*count* lengths shorter than *size*: the extremes, then some in between, always the same."""
    between = random.Random(size).sample(range(2, size - 1), min(count, max(size - 3, 0)))
    return sorted({length for length in (0, size - 1, 1, *between)[:count] if 0 <= length < size})


FEW = [pytest.param(4, 1, id="few"), pytest.param(40, 12, id="many", marks=pytest.mark.soak)]


@pytest.mark.parametrize(("state", "caches"), FEW)
def test_a_file_cut_at_any_length_is_refused_or_does_no_harm(
    built: Project, tmp_path: Path, state: int, caches: int
) -> None:
    """Every file that Upriver keeps beside the artifacts; afterwards fsck --repair puts all in its place."""
    cut = 0
    for name, count in [*((name, state) for name in STATE), *((name, caches) for name in CACHES)]:
        size = (built.folder / name).stat().st_size
        for length in lengths(size, count):
            copy = built.copy(tmp_path / "copy")
            overwrite(copy.folder / name, (copy.folder / name).read_bytes()[:length])
            check_damage(copy)
            shutil.rmtree(copy.root)
            cut += 1
    assert cut >= 2 * state + caches * 6


@pytest.mark.parametrize(("state", "caches"), FEW)
def test_a_flipped_bit_is_refused_or_does_no_harm(
    built: Project, tmp_path: Path, state: int, caches: int
) -> None:
    """One bit anywhere in a file, as a bad disk flips it: under the same name and time."""
    choose = random.Random(state)
    for name, count in [*((name, state) for name in STATE), *((name, caches) for name in CACHES)]:
        for _ in range(count):
            copy = built.copy(tmp_path / "copy")
            data = bytearray((copy.folder / name).read_bytes())
            if not data:
                shutil.rmtree(copy.root)
                break
            data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
            overwrite(copy.folder / name, bytes(data))
            check_damage(copy)
            shutil.rmtree(copy.root)


@pytest.mark.parametrize("name", [*STATE, *CACHES])
def test_a_file_that_is_gone_is_refused_or_does_no_harm(project: Project, name: str) -> None:
    """A deleted state database is never an empty project."""
    (project.folder / name).unlink()
    if name == "state.db":
        for word in ("status", "build", "plan"):
            done = project.here(word, "--json")
            assert done.code == 1
            assert "missing or empty, but the store holds" in done.said
    check_damage(project)


def test_a_state_from_the_past_is_refused(project: Project, tmp_path: Path) -> None:
    """A database restored from a backup does not know what the store's journal knows: told, and rebuilt from there."""
    old = (project.folder / "state.db").read_bytes()
    for number in (1, 2):
        project.write("assets/marts/customers.sql", f"select customer, {number} as n from staging.orders\n")
        assert project.here("build", "--json").code == 0
    for path in project.folder.glob("state.db*"):
        path.unlink()
    (project.folder / "state.db").write_bytes(old)
    done = project.here("build", "--json")
    assert done.code == 1, done.said
    assert "behind the store's journal" in done.said
    check_damage(project)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "bit": lambda data: data[:40] + bytes([data[40] ^ 16]) + data[41:],
    "cut": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "longer": lambda data: data + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_artifact_is_named_and_made_again_with_what_has_read_it(
    project: Project, damage: str
) -> None:
    """The repair sets it aside, and distrusts its readers: when the bytes went wrong is not known."""
    path = project.artifact("staging.orders")
    overwrite(path, DAMAGES[damage](path.read_bytes()))
    found = project.here("fsck", "--json").document
    assert [(one["kind"], Path(one["place"]).name) for one in found["problems"]] == [("damaged", path.name)]
    assert project.here("fsck", "--repair", "--json").code == 0
    for reader in ("marts.customers", "marts.daily"):
        reasons = project.here("why", reader, "--json").document["reasons"]
        assert "wrong bytes: the artifact of staging.orders" in reasons[0]["detail"], reasons
    built = project.here("build", "--json")
    assert built.actions == {"staging.orders": "built", "marts.customers": "built", "marts.daily": "built"}
    assert path.exists()
    settle_here(project)


def test_missing_swapped_and_foreign_files_are_named_and_the_least_is_made_again(project: Project) -> None:
    """Two artifacts in each other's place go back; one that is gone is made again; what is not ours is set aside."""
    daily, customers, orders = (
        project.artifact(key) for key in ("marts.daily", "marts.customers", "staging.orders")
    )
    first, second = daily.read_bytes(), customers.read_bytes()
    overwrite(daily, second)
    overwrite(customers, first)
    orders.unlink()
    (project.store / "ab").mkdir(exist_ok=True)
    (project.store / "ab" / "notes.txt").write_text("mine")
    found = {
        (one["kind"], Path(one["place"]).name) for one in project.here("fsck", "--json").document["problems"]
    }
    assert found == {
        ("swapped", daily.name),
        ("swapped", customers.name),
        ("missing", orders.name),
        ("foreign", "notes.txt"),
    }
    assert project.here("fsck", "--repair", "--json").code == 0
    assert [path.read_text() for path in (project.folder / "quarantine").glob("*notes.txt")] == ["mine"]
    built = project.here("build", "--json")
    assert built.actions == {"staging.orders": "built", "marts.customers": "fresh", "marts.daily": "fresh"}
    settle_here(project)
