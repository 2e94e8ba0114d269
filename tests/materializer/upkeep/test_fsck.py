"""Every kind of damage is named; a repair loses nothing; afterwards all is well."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from blake3 import blake3

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.model import Column
from upriver.materializer.model import Materialization, Run, RunStatus, Trace, Version
from upriver.materializer.state import open_state
from upriver.materializer.state.database import Database
from upriver.materializer.state.local_storage import LocalStorage
from upriver.materializer.storage.local_store import LocalStore
from upriver.materializer.upkeep.fsck import Report, Trouble, check
from upriver.materializer.upkeep.repair import repair


class Project:
    """A project's ``.upriver`` with a few materializations in it."""

    def __init__(self, root: Path) -> None:
        self.folder = root / ".upriver"
        self.store = LocalStore(self.folder / "store")
        self.made: dict[str, Materialization] = {}

    def build(self, **contents: bytes) -> None:
        state = open_state(self.folder / "state.db")
        lease = state.acquire(Run(f"run{len(state.runs())}", RunStatus.RUNNING, 1.0, pid=4711))
        for asset, data in contents.items():
            path = self.store.reserve(".parquet")
            path.write_bytes(data)
            staged = self.store.stage(path, ".parquet")
            self.store.publish([staged])
            one = Materialization(
                id=f"{asset}-{staged.id[:6]}",
                asset=asset,
                partition=None,
                run=state.runs()[0].id,
                trace=Trace("r", "b", ()),
                version=Version(staged.id, (Column("a", "INTEGER"),), 1, staged.bytes, (staged.ref,)),
                started=1.0,
                finished=2.0,
            )
            state.commit(lease, "dev", [one])
            self.made[asset] = one
        state.finish(lease, state.runs()[0].id, RunStatus.SUCCESS, 3.0)
        lease.release()
        state.close()

    def path(self, asset: str) -> Path:
        return Path(self.store.locate(self.made[asset].version.artifacts[0]))

    def current(self) -> dict[str, Materialization]:
        state = open_state(self.folder / "state.db", readonly=True)
        found = {str(node): one for node, one in state.current("dev").items()}
        state.close()
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.build(a=b"the rows of a", b=b"the rows of b", c=b"the rows of c")
    return made


def kinds(report: Report) -> list[Trouble]:
    return [problem.kind for problem in report.problems]


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def flip(path: Path, position: int = 17) -> None:
    data = bytearray(path.read_bytes())
    data[position // 8] ^= 1 << position % 8
    overwrite(path, bytes(data))


def test_a_sound_project_has_no_problems(project: Project) -> None:
    report = check(LocalStorage(project.folder))
    assert report.ok
    assert report.problems == ()
    assert report.notes == ()
    assert (report.artifacts, report.bytes) == (3, 39)


def test_no_project_has_no_problems_and_stays_no_project(tmp_path: Path) -> None:
    assert check(LocalStorage(tmp_path / ".upriver")).ok
    assert repair(LocalStorage(tmp_path / ".upriver")).after.ok
    assert not (tmp_path / ".upriver").exists()


def test_checking_changes_nothing(project: Project) -> None:
    flip(project.path("a"))
    project.path("b").unlink()

    def picture() -> dict[str, bytes]:
        return {
            str(p): p.read_bytes()
            for p in project.folder.rglob("*")
            if p.is_file() and p.suffix == ".parquet"
        }

    before = picture()
    check(LocalStorage(project.folder))
    assert picture() == before


def missing(project: Project) -> None:
    project.path("a").unlink()


def truncated(project: Project) -> None:
    overwrite(project.path("a"), b"the rows")


def emptied(project: Project) -> None:
    overwrite(project.path("a"), b"")


def flipped(project: Project) -> None:
    flip(project.path("a"))


def replaced_by_a_folder(project: Project) -> None:
    project.path("a").unlink()
    project.path("a").mkdir()


def replaced_by_a_link(project: Project) -> None:
    (project.folder / "elsewhere").write_bytes(project.path("a").read_bytes())
    project.path("a").unlink()
    project.path("a").symlink_to(project.folder / "elsewhere")


def replaced_by_another(project: Project) -> None:
    overwrite(project.path("a"), project.path("b").read_bytes())


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (missing, Trouble.MISSING),
        (truncated, Trouble.DAMAGED),
        (emptied, Trouble.DAMAGED),
        (flipped, Trouble.DAMAGED),
        (replaced_by_a_folder, Trouble.DAMAGED),
        (replaced_by_a_link, Trouble.DAMAGED),
        (replaced_by_another, Trouble.SWAPPED),
    ],
)
def test_a_broken_artifact_is_named_and_only_its_asset_is_forgotten(
    project: Project, damage: Callable[[Project], None], kind: Trouble
) -> None:
    damage(project)
    report = check(LocalStorage(project.folder))
    assert kinds(report) == [kind]
    assert report.problems[0].place == str(project.path("a"))
    assert "fsck --repair" in report.problems[0].hint
    repaired = repair(LocalStorage(project.folder))
    assert repaired.after.ok
    assert project.current() == {asset: project.made[asset] for asset in ("b", "c")}
    project.build(a=b"the rows of a")
    assert check(LocalStorage(project.folder)).ok
    assert project.path("a").read_bytes() == b"the rows of a"


def test_damaged_files_are_kept_aside(project: Project) -> None:
    overwrite(project.path("a"), b"who knows")
    repair(LocalStorage(project.folder))
    aside = list((project.folder / "quarantine").iterdir())
    assert [path.read_bytes() for path in aside] == [b"who knows"]
    assert aside[0].name.endswith(project.path("a").name)


def test_swapped_artifacts_are_put_back_and_nothing_is_forgotten(project: Project) -> None:
    a, b = project.path("a").read_bytes(), project.path("b").read_bytes()
    overwrite(project.path("a"), b)
    overwrite(project.path("b"), a)
    assert kinds(check(LocalStorage(project.folder))) == [Trouble.SWAPPED, Trouble.SWAPPED]
    assert repair(LocalStorage(project.folder)).after.ok
    assert project.current() == project.made
    assert project.path("a").read_bytes() == a


def test_foreign_things_are_moved_away(project: Project) -> None:
    (project.path("a").parent / "notes.txt").write_text("do not lose me")
    (project.folder / "store" / "folder").mkdir()
    (project.folder / "store" / "folder" / "x").write_text("nor me")
    link = project.folder / "store" / "link"
    link.symlink_to("/etc")
    assert kinds(check(LocalStorage(project.folder))) == [Trouble.FOREIGN] * 3
    with pytest.raises(StoreError, match="is a link to /etc"):  # whoever made it has to say what it is for
        repair(LocalStorage(project.folder))
    link.unlink()
    assert repair(LocalStorage(project.folder)).after.ok
    kept = [
        p.read_text()
        for p in (project.folder / "quarantine").rglob("*")
        if p.is_file() and not p.is_symlink()
    ]
    assert sorted(kept) == ["do not lose me", "nor me"]
    assert project.current() == project.made


def test_orphans_and_leftovers_are_notes(project: Project) -> None:
    path = project.store.reserve(".parquet")
    path.write_bytes(b"nobody's")
    project.store.publish([project.store.stage(path, ".parquet")])
    project.store.close()
    report = check(LocalStorage(project.folder))
    assert report.ok
    assert len(report.notes) == 1
    assert "nothing points at" in report.notes[0]


def test_a_lying_size_in_a_record_is_named(project: Project) -> None:
    one = project.made["a"]
    ref = msgspec.structs.replace(one.version.artifacts[0], bytes=99)
    version = msgspec.structs.replace(one.version, artifacts=(ref,))
    lying = msgspec.structs.replace(one, version=version, id="lying")
    state = open_state(project.folder / "state.db")
    lease = state.hold("test")
    state.commit(lease, "dev", [lying])
    lease.release()
    state.close()
    report = check(LocalStorage(project.folder))
    assert kinds(report) == [Trouble.RECORD]
    assert "99 bytes" in str(report.problems[0])
    assert repair(LocalStorage(project.folder)).after.ok
    assert set(project.current()) == {"b", "c"}


def test_a_run_whose_process_is_gone_is_no_problem_and_closed_by_who_may_write(project: Project) -> None:
    """Nothing of it is wrong: whatever opens the state for writing next marks it as abandoned."""
    state = open_state(project.folder / "state.db")
    lease = state.acquire(Run("dead", RunStatus.RUNNING, 1.0, pid=4711))
    open_state(project.folder / "state.db").close()
    assert state.runs(1)[0].status is RunStatus.RUNNING  # it is alive
    lease.release()
    state.close()
    assert check(LocalStorage(project.folder)).ok
    reader = open_state(project.folder / "state.db", readonly=True)
    assert reader.runs(1)[0].status is RunStatus.RUNNING
    reader.close()
    writer = open_state(project.folder / "state.db")
    assert writer.runs(1)[0].status is RunStatus.ABANDONED
    writer.close()


class TestLostState:
    def lose(self, project: Project, how: str) -> None:
        path = project.folder / "state.db"
        data = path.read_bytes()
        if how == "deleted":
            path.unlink()
        elif how == "empty":
            path.write_bytes(b"")
        elif how == "garbled":
            path.write_bytes(os.urandom(len(data)))
        elif how == "half":
            path.write_bytes(data[: len(data) // 2])
        elif how == "a page is zero":
            path.write_bytes(data[:4096] + bytes(4096) + data[8192:])
        elif how == "new":
            path.unlink()
            Database(path).close()
        elif how == "a flipped digit":
            database = Database(path)
            with database.write() as connection:
                body = "cast(replace(cast(body as text), '2.0', '3.0') as blob)"
                connection.execute(f"update materializations set body = {body}")
            database.close()
        elif how == "lacking a table":
            database = Database(path)
            with database.write() as connection:
                connection.execute("drop table failures")
            database.close()

    @pytest.mark.parametrize(
        "how",
        [
            "deleted",
            "empty",
            "garbled",
            "half",
            "a page is zero",
            "new",
            "lacking a table",
            "a flipped digit",
        ],
    )
    def test_it_is_never_taken_for_an_empty_project_and_comes_back(self, project: Project, how: str) -> None:
        self.lose(project, how)
        report = check(LocalStorage(project.folder))
        assert Trouble.STATE in kinds(report)
        repaired = repair(LocalStorage(project.folder))
        assert repaired.after.ok
        assert project.current() == project.made
        if how != "deleted":
            assert list((project.folder / "quarantine").glob("*state.db"))
        project.build(d=b"more")
        assert check(LocalStorage(project.folder)).ok

    def test_what_has_lost_its_artifact_too_is_left_out(self, project: Project) -> None:
        (project.folder / "state.db").unlink()
        project.path("b").unlink()
        repaired = repair(LocalStorage(project.folder))
        assert repaired.after.ok
        assert "1 had lost their artifact" in " ".join(repaired.actions)
        assert set(project.current()) == {"a", "c"}

    def test_a_bad_line_costs_only_what_it_held(self, project: Project) -> None:
        (project.folder / "state.db").unlink()
        journal = project.folder / "store" / "journal" / "commits.jsonl"
        lines = journal.read_bytes().split(b"\n")
        lines[1] = lines[1][:-5] + b"xxxxx"
        journal.write_bytes(b"\n".join(lines))
        assert Trouble.JOURNAL in kinds(check(LocalStorage(project.folder)))
        assert repair(LocalStorage(project.folder)).after.ok
        assert set(project.current()) == {"a", "c"}

    def test_without_a_journal_the_state_is_empty_and_the_artifacts_are_still_there(
        self, project: Project
    ) -> None:
        (project.folder / "state.db").unlink()
        shutil.rmtree(project.folder / "store" / "journal")
        assert kinds(check(LocalStorage(project.folder))) == [Trouble.STATE]
        repaired = repair(LocalStorage(project.folder))
        assert repaired.after.ok
        assert project.current() == {}
        assert project.path("a").exists()

    def test_a_living_build_is_not_disturbed(self, project: Project) -> None:
        state = open_state(project.folder / "state.db")
        lease = state.acquire(Run("alive", RunStatus.RUNNING, 1.0))
        (project.folder / "state.db").unlink()
        with pytest.raises(BusyError, match="alive"):
            repair(LocalStorage(project.folder))
        lease.release()
        state.close()


class TestJournal:
    @pytest.mark.parametrize("how", ["deleted", "truncated", "last line gone", "garbled"])
    def test_a_damaged_journal_is_written_again_from_the_database(self, project: Project, how: str) -> None:
        journal = project.folder / "store" / "journal" / "commits.jsonl"
        data = journal.read_bytes()
        if how == "deleted":
            journal.unlink()
        elif how == "truncated":
            journal.write_bytes(data[: len(data) // 2])
        elif how == "last line gone":
            journal.write_bytes(b"".join(line + b"\n" for line in data.split(b"\n")[:-2]))
        else:
            journal.write_bytes(os.urandom(100))
        assert Trouble.JOURNAL in kinds(check(LocalStorage(project.folder)))
        assert repair(LocalStorage(project.folder)).after.ok
        (project.folder / "state.db").unlink()
        assert repair(LocalStorage(project.folder)).after.ok
        assert project.current() == project.made


def test_a_newer_state_is_not_repaired(project: Project) -> None:
    database = Database(project.folder / "state.db")
    with database.write() as connection:
        connection.execute("pragma user_version = 99")
    database.close()
    with pytest.raises(StoreError, match="newer Upriver"):
        repair(LocalStorage(project.folder))


def test_reports_are_json(project: Project) -> None:
    flip(project.path("a"))
    report = check(LocalStorage(project.folder))
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_artifacts_are_named_by_what_blake3_makes_of_their_bytes(project: Project) -> None:
    path = project.path("a")
    assert path.stem == blake3(path.read_bytes()).hexdigest()


def test_an_artifact_that_an_earlier_program_named_is_sound_until_its_bytes_change(tmp_path: Path) -> None:
    """It was named by SHA-256: after an upgrade nothing is taken for damaged that is not, nor the other way round."""
    data = b"of an earlier program"
    named = hashlib.sha256(data).hexdigest()
    shard = tmp_path / ".upriver" / "store" / named[:2]
    shard.mkdir(parents=True)
    (shard / f"{named}.parquet").write_bytes(data)
    assert Trouble.DAMAGED not in kinds(check(LocalStorage(tmp_path / ".upriver")))
    (shard / f"{named}.parquet").write_bytes(data[:-1] + b"M")
    assert Trouble.DAMAGED in kinds(check(LocalStorage(tmp_path / ".upriver")))
