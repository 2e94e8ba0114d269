"""Bits flipped in artifacts between builds: what a build reads is what was written, or is made again first."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.faults.project import Project
from tests.faults.test_damage import overwrite

from upriver.materializer.storage.durable_files import OsFiles

READERS = {
    "table": "select sum(n) as n, count(*) as rows, max(text) as text from a",
    "large": "select sum(n) as n, count(*) as rows, max(text) as text from big",
    "snapshot": "select sum(n) as n, count(*) as rows, max(text) as text from raw.things",
    "file": None,
}
"""The kinds of artifacts, with the query of one that reads it."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with an artifact of every kind, built; every test takes a copy."""
    return build_one(tmp_path_factory.mktemp("built") / "p")


def build_one(root: Path) -> Project:
    """That project, built at *root*."""
    made = Project(root)
    made.write("upriver.toml", "")
    made.write("assets/a.sql", "select i as n, md5(i::varchar) as text from range(3000) r(i)\n")
    made.write("assets/big.sql", "select i as n, md5(i::varchar) as text from range(300000) r(i)\n")
    made.write("assets/reads_things.sql", "select count(*) as n from raw.things\n")
    made.write(
        "assets/files.py",
        "from pathlib import Path\n"
        "from upriver.assets import asset, source\n"
        "source('raw.things', 'data/things.db', table='things')\n"
        "@asset(kind='file', suffix='.txt')\n"
        "def note() -> bytes:\n"
        "    return b'0123456789' * 500\n",
    )
    (made.root / "data").mkdir()
    with closing(sqlite3.connect(made.root / "data/things.db")) as db, db:
        db.execute("create table things (n integer, text text)")
        db.executemany("insert into things values (?, ?)", [(n, f"t{n}") for n in range(3000)])
    done = made.here("build", "--json")
    assert done.code == 0, done.said
    return made


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A copy of it: what its build has verified is verified again when it is read."""
    return built.copy(tmp_path / "p")


def settle(project: Project) -> None:
    """All is sound, equals a build from scratch, and stays as it is."""
    assert project.problems() == []
    again = project.here("build", "--json")
    assert set(again.actions.values()) == {"fresh"}, again.actions
    assert project.contents() == project.from_scratch()


def artifact(project: Project, kind: str) -> Path:
    """The artifact of a kind."""
    if kind == "snapshot":
        known = {project.artifact(key) for key in ("a", "big", "note", "reads_things")}
        (found,) = set(project.artifacts()) - known
        return found
    return project.artifact({"table": "a", "large": "big", "file": "note"}[kind])


def flip(path: Path, choose: random.Random) -> None:
    """Turn one bit over, under the same name, time and mode."""
    data = bytearray(path.read_bytes())
    data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    overwrite(path, bytes(data))


def add_reader(project: Project, kind: str) -> None:
    """An asset that reads the artifact of *kind*, and was never built."""
    query = READERS[kind]
    if query is not None:
        project.write("assets/reader.sql", query + "\n")
    else:
        project.write(
            "assets/reader.py",
            "from pathlib import Path\nimport pyarrow as pa\nfrom upriver.assets import asset\n"
            "@asset\ndef reader(note: Path) -> pa.Table:\n"
            "    return pa.table({'text': [note.read_text(errors='replace')]})\n",
        )


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("seed", [1, 2, pytest.param(3, marks=pytest.mark.soak)])
def test_a_build_reads_no_damaged_artifact(project: Project, kind: str, seed: int) -> None:
    """It is set aside and made again, wherever the bit was; what is built equals a build from scratch."""
    path = artifact(project, kind)
    flip(path, random.Random(seed))
    add_reader(project, kind)
    built = project.here("build", "--json")
    assert built.code == 0, built.said
    assert [one.name.endswith(path.name) for one in (project.folder / "quarantine").iterdir()] == [True]
    assert path.exists()
    assert built.actions["reader"] == "built"
    settle(project)


def test_no_comparison_reads_a_damaged_artifact(project: Project) -> None:
    """A fingerprint of wrong bytes would be remembered as that of the right ones."""
    project.write("assets/b.sql", "select sum(n) as n from a\n")
    assert project.here("build", "--json").code == 0
    flip(project.artifact("a"), random.Random(1))
    # Now a has other rows, which have to be compared with those that b has read.
    project.write("assets/a.sql", "select i as n, md5(i::varchar) as text from range(3001) r(i)\n")
    built = project.here("build", "--json")
    assert (built.actions["a"], built.actions["b"]) == ("built", "built")
    assert project.here("fsck", "--repair", "--json").code == 0  # nothing reads it any more
    settle(project)


def test_no_damaged_artifact_is_taken_again(project: Project) -> None:
    """A recipe that goes back to what it was is made again when what it had made is damaged."""
    first = project.root / "assets/a.sql"
    before, path = first.read_text(), project.artifact("a")
    project.write("assets/a.sql", "select 1 as n, 'x' as text\n")
    assert project.here("build", "--json").code == 0
    flip(path, random.Random(2))
    first.write_text(before)
    assert project.here("build", "--json").actions["a"] == "built"
    assert project.problems() == []
    settle(project)


def test_a_build_hashes_only_what_it_reads_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that has nothing to do hashes nothing; one that reads what was written before knows its stamp."""
    built = build_one(tmp_path / "p")  # no copy, whose files have other stamps
    hashed: list[str] = []
    digest = OsFiles.digest

    def told(self: OsFiles, path: Path, *, older: bool = False) -> tuple[str, int]:
        hashed.append(path.name)
        return digest(self, path, older=older)

    monkeypatch.setattr(OsFiles, "digest", told)
    assert built.here("build", "--json").code == 0
    assert hashed == []
    built.write("assets/late.sql", "select max(n) as n from big\n")
    assert built.here("build", "--json").code == 0
    assert built.artifact("big").name not in hashed


def test_a_copied_project_hashes_what_it_reads_once(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stamps are others: what is read is verified, what is not read is not."""
    copy = project.copy(tmp_path / "copy")
    hashed: list[str] = []
    digest = OsFiles.digest

    def told(self: OsFiles, path: Path, *, older: bool = False) -> tuple[str, int]:
        hashed.append(path.name)
        return digest(self, path, older=older)

    monkeypatch.setattr(OsFiles, "digest", told)
    add_reader(copy, "large")
    big = copy.artifact("big").name
    assert copy.here("build", "--json").code == 0
    assert hashed.count(big) == 1
    copy.write("assets/other.sql", "select min(n) as n from big\n")
    assert copy.here("build", "--json").code == 0
    assert hashed.count(big) == 1
