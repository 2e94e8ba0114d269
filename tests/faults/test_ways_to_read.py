"""However a recipe reads what it has not declared: a change is noticed, or the read was not possible."""

from __future__ import annotations

import gzip
import os
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from tests.faults.project import Contents, Done, Project, on_disk
from tests.faults.ways import ALL_WAYS, WAYS, Fate, Way

from upriver.materializer.execution.local.confinement.apply import offer

pytestmark = pytest.mark.skipif(not offer().enforced, reason="this kernel can't enforce reads")
SHARED = Path("/dev/shm/upriver-way")


def write_data(project: Project, word: str) -> None:
    """What the ways read: *word* in every form; the second word also leaves more files and moves the links."""
    number = len(word)
    texts = {
        "one.txt": word,
        "code.txt": f"X = {word!r}\n",
        "one.toml": f"a = {word!r}\n",
        "one.ini": f"[a]\nb = {word}\n",
        "t.csv": f"x\n{word}\n",
        "numbers.txt": f"{number}\n",
        "tool.py": f"print({word!r})\n",
        "deep/one.part": word,
        "parts/one.csv": f"x\n{word}\n",
        "v1/one.txt": "one",
        "v1/t.csv": "x\none\n",
        "v2/one.txt": "three",
        "v2/more.txt": "three",
        "v2/t.csv": "x\nthree\n",
    }
    for name, text in texts.items():
        project.write(f"data/{name}", text)
    project.write("package/one.txt", word)
    project.write("package/__init__.py", "")
    project.write("helper.py", 'REF = open("data/one.txt")\n')
    data = project.root / "data"
    if word != "one":
        project.write("data/parts/two.csv", f"x\n{word}\n")
        project.write("top-2.txt", "")
        project.write("later_module.py", "X = 5\n")
        project.write("later/more.py", "")
    with zipfile.ZipFile(data / "one.zip", "w") as file:
        file.writestr("one.txt", word)
    (data / "one.gz").write_bytes(gzip.compress(word.encode(), mtime=0))
    project.table("data/t.parquet", f"select '{word}' as x")
    project.table("data/folder/t.parquet", f"select '{word}' as x")
    for name in ("t.db", "d.duckdb"):
        (data / name).unlink(missing_ok=True)
    with sqlite3.connect(data / "t.db") as connection:
        connection.execute(f"create table t as select '{word}' as x")
    connection.close()
    with duckdb.connect(data / "d.duckdb") as database:
        database.execute(f"create table t as select '{word}' as x")
    version = "v1" if word == "one" else "v2"
    for link, target in {
        "link.txt": f"{version}/one.txt",
        "link.csv": f"{version}/t.csv",
        "now": version,
    }.items():
        (data / link).unlink(missing_ok=True)
        (data / link).symlink_to(target)
    (data / "hard.txt").unlink(missing_ok=True)
    (data / "hard.txt").hardlink_to(data / "one.txt")
    (project.root.parent / "outside.csv").write_text(f"x\n{word}\n")
    SHARED.write_text(word)


@dataclass(frozen=True)
class Around:
    """The builds before and after the change: what they did, what the assets held, and what was stale in between."""

    before: Done
    held_before: Contents
    states: Mapping[str, str]
    after: Done
    held_after: Contents
    again: Done


@pytest.fixture(scope="module")
def around() -> Iterator[Around]:
    """One project with an asset for each way, built before and after all that they read is changed."""
    with on_disk("upriver-ways-") as folder:
        project = Project(folder / "p", {"UPRIVER_WAY": "one"})
        project.write("upriver.toml", "")
        project.write("top-1.txt", "")
        for way in WAYS:
            project.write(f"assets/{way.name}.py", way.text())
        write_data(project, "one")
        before = project.build(timeout=600)
        held_before = project.contents()
        again = project.build(timeout=600)
        write_data(project, "another")
        project.environment.update(UPRIVER_WAY="another", UPRIVER_LATER="1")
        told = project.run("status", "--json", timeout=120).document["assets"]
        states = {one["asset"]: one["state"] for one in told}
        # What is said not to depend on anything is computed again, to see that.
        same = [way.name for way in WAYS if way.fate is Fate.WITHOUT]
        after = project.build(timeout=600)
        forced = project.build("--force", *same, timeout=600)
        assert forced.code == 0, forced.said
        yield Around(before, held_before, states, after, project.contents(), again)
        SHARED.unlink()


def _ways(fate: Fate) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "way",
        [
            pytest.param(way, id=way.name, marks=[pytest.mark.science] if way.scientific else [])
            for way in ALL_WAYS
            if way.fate is fate
        ],
    )


@_ways(Fate.REBUILT)
def test_what_was_read_is_noticed_when_it_changes(around: Around, way: Way) -> None:
    assert around.before.actions[way.name] == "built", around.before.errors[way.name]
    assert around.again.actions[way.name] == "fresh"
    assert around.states[way.name] == "stale"
    assert around.after.actions[way.name] == "built", around.after.errors[way.name]
    assert around.held_before[way.name] != around.held_after[way.name]


@_ways(Fate.DENIED)
def test_what_can_not_be_noticed_is_denied_with_words(around: Around, way: Way) -> None:
    for done in (around.before, around.after):
        assert way.says in done.errors[way.name]


@_ways(Fate.WITHOUT)
def test_what_hides_its_denial_gives_the_same_whatever_there_is(around: Around, way: Way) -> None:
    assert around.before.actions[way.name] == "built", around.before.errors[way.name]
    assert around.held_before[way.name] == around.held_after[way.name]


def test_nothing_else_fails(around: Around) -> None:
    failed = {way.name for way in WAYS if way.fate is Fate.DENIED}
    assert set(around.before.errors) == set(around.after.errors) == failed
    assert os.path.exists(SHARED)  # noqa: PTH110
