"""A project that was built by the program of state version 1 goes on as if nothing had happened.

``version_1`` holds such a project as that program left it: three builds in two environments, a source that changed
between them, an asset that failed, a file asset. What is stored is in ``stored`` instead of ``.upriver``.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from upriver.assets.errors import BusyError
from upriver.assets.identity import Node
from upriver.assets.support import checksum
from upriver.materializer.model import Cause, Outcome, RunStatus, State
from upriver.materializer.session import Session
from upriver.materializer.state import Damaged, open_state, rebuild_from_store
from upriver.materializer.state.local_storage import LocalStorage
from upriver.materializer.state.migrations import MIGRATIONS
from upriver.materializer.state.schema import VERSION
from upriver.materializer.storage.locks import FileLock
from upriver.materializer.upkeep.fsck import Trouble, check
from upriver.materializer.upkeep.repair import repair

STORED = Path(__file__).parent / "version_1"
OF_THE_MACHINE = {Cause.ENVIRONMENT, Cause.RECIPE}
"""Another Python, or other releases of libraries, are reasons to build that have nothing to do with the state."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    shutil.copytree(STORED / "project", root)
    shutil.copytree(STORED / "stored", root / ".upriver")
    return root


@pytest.fixture
def path(root: Path) -> Path:
    return root / ".upriver" / "state.db"


@pytest.fixture
def session(root: Path) -> Iterator[Session]:
    with contextlib.closing(Session(root)) as session:
        yield session


def test_nothing_is_rebuilt(session: Session) -> None:
    """What failed is tried again, as it would have been; the rest is fresh, read by its references."""
    states = {one.asset: one for one in session.status()}
    assert states["marts.broken"].state is State.FAILED
    assert states["marts.broken"].error == "InvalidInputException: Invalid Input Error: no amount is above 6"
    for key in ("raw.orders", "raw.rates", "orders", "limited", "marts.by_region"):
        assert (key, states[key].state) == (key, State.FRESH)
    assert {reason.kind for reason in states["report"].reasons} <= OF_THE_MACHINE
    found = {one.asset: one.action for one in session.build(["marts.by_region", "limited"]).assets}
    assert set(found.values()) == {Outcome.FRESH}
    rows = session.sql("select region, amount::double from marts.by_region order by all").rows
    assert rows == (("north", 34.0), ("south", 21.0))


def test_the_other_environment_is_as_it_was(root: Path) -> None:
    """There the source has changed since; what dev has made of it is taken over."""
    with contextlib.closing(Session(root, "prod")) as session:
        found = {one.asset: one.action for one in session.build(["marts.by_region"]).assets}
    assert found == {"orders": Outcome.REUSED, "marts.by_region": Outcome.REUSED}


def test_the_history_is_kept(session: Session) -> None:
    assert [(run.status, run.counts) for run in session.runs()] == [
        (RunStatus.FAILED, {Outcome.BUILT: 2, Outcome.FRESH: 2, Outcome.FAILED: 1}),
        (RunStatus.FAILED, {Outcome.BUILT: 1, Outcome.REUSED: 3, Outcome.FAILED: 1}),
        (RunStatus.FAILED, {Outcome.BUILT: 4, Outcome.FAILED: 1}),
    ]
    assert [one.asset for one in session.history()] == [
        "marts.by_region", "orders", "limited", "report", "marts.by_region", "limited", "orders"
    ]  # fmt: skip
    state = session.context.state
    assert state.environments() == ["dev", "prod"]
    assert set(state.failures("dev")) == set(state.failures("prod")) == {Node("marts.broken")}
    assert {str(node) for node in state.durations("dev")} == {
        "orders",
        "report",
        "limited",
        "marts.by_region",
    }


def test_a_check_finds_nothing_wrong(root: Path, session: Session) -> None:
    """Also of the journal, which is as the older program wrote it."""
    session.status()
    assert check(LocalStorage(root / ".upriver")).problems == ()


def test_a_check_of_what_is_not_upgraded_says_so_and_a_repair_upgrades_it(root: Path) -> None:
    storage = LocalStorage(root / ".upriver")
    (problem,) = check(storage).problems
    assert problem.kind is Trouble.STATE
    assert "older Upriver" in problem.facts[0]
    repaired = repair(storage)
    assert repaired.actions == ("upgraded the state",)
    assert repaired.after.ok


def test_no_record_holds_a_path_of_the_store_or_of_this_machine(path: Path) -> None:
    open_state(path).close()
    connection = apsw.Connection(str(path))
    for table, column in (("materializations", "body"), ("sources", "body"), ("failures", "body")):
        for (body,) in connection.execute(f"select {column} from {table}").fetchall():
            assert isinstance(body, bytes)
            text = checksum.read(body).decode()
            assert ".upriver" not in text
            assert not re.search(r'"/', text)
    connection.close()


def test_references_tell_what_lies_in_the_store(root: Path, path: Path) -> None:
    """Of snapshots too, whose size version 1 did not record."""
    with contextlib.closing(open_state(path)) as state:
        store = LocalStorage(root / ".upriver").store
        refs = {ref for one in state.history(limit=-1) for ref in one.version.artifacts}
        refs |= {ref for one in state.sources().values() for ref in one.version.artifacts}
        assert len(refs) == 8
        assert store.exists_many(refs) == refs
        assert refs <= {stored.ref for stored in store.list()}
        assert state.sources()["raw.rates"].version.in_place == ("data/rates.parquet",)


def test_an_upgraded_state_has_the_tables_of_a_new_one(path: Path) -> None:
    with contextlib.closing(open_state(path)) as state:
        assert state.check() == []


def test_the_journal_of_the_older_program_rebuilds_a_state(root: Path, path: Path) -> None:
    """Both of one that was upgraded and of one that was lost before it could be."""
    with contextlib.closing(open_state(path)) as state:
        before = {env: dict(state.current(env)) for env in ("dev", "prod")}
    path.unlink()
    rebuilt = rebuild_from_store(path)
    assert (rebuilt.materializations, rebuilt.pointers, rebuilt.bad) == (7, 8, ())
    with contextlib.closing(open_state(path)) as state:
        assert {env: dict(state.current(env)) for env in ("dev", "prod")} == before
        assert state.environments() == ["dev", "prod"]
    assert check(LocalStorage(root / ".upriver")).ok


def test_a_snapshot_that_is_gone_is_looked_at_again(root: Path, path: Path) -> None:
    snapshot = (
        root / ".upriver/store/88/887fc9750b508b91f662841cc15523ef4494a521a4f41ddd54ebe83d81d085fc.parquet"
    )
    snapshot.unlink()
    with contextlib.closing(open_state(path)) as state:
        assert set(state.sources()) == {"raw.rates"}


def test_the_older_programs_build_is_not_disturbed(path: Path) -> None:
    lock = FileLock(path.with_name("build.lock"))
    assert lock.try_exclusive()
    with pytest.raises(BusyError, match="of an older Upriver"):
        open_state(path)
    lock.close()
    open_state(path).close()


def test_a_record_that_is_damaged_is_not_upgraded_but_rebuilt(root: Path, path: Path) -> None:
    """What was there is left as it is, and told; a repair takes the journal's word for it."""
    connection = apsw.Connection(str(path))
    connection.execute("update materializations set body = replace(body, 'orders', 'ordres') where seq = 1")
    connection.close()
    with pytest.raises(Damaged, match=r"(?s)could not be upgraded.*unchanged; a copy is in"):
        open_state(path)
    connection = apsw.Connection(str(path))
    assert connection.execute("pragma user_version").fetchall() == [(1,)]
    assert connection.execute("select count(*) from failures where asset = 'marts.broken'").fetchall() == [
        (1,)
    ]
    connection.close()
    assert repair(LocalStorage(root / ".upriver")).after.ok
    with contextlib.closing(open_state(path)) as state:
        assert len(state.history(limit=-1)) == 7


KILLED = """
import os, signal, sys
from pathlib import Path
import apsw
from upriver.materializer.state import open_state
from upriver.materializer.state.database import Database

class Killed(apsw.VFSFile):
    def __init__(self, *arguments):
        super().__init__("unix", *arguments)

    def xWrite(self, data, offset):
        count()
        super().xWrite(data, offset)

    def xSync(self, flags):
        count()
        super().xSync(flags)

    def xTruncate(self, size):
        count()
        super().xTruncate(size)

class Disk(apsw.VFS):
    def __init__(self):
        super().__init__("killed", "unix", makedefault=True)

    def xOpen(self, name, flags):
        return Killed(name, flags)

left = 0

def count():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

disk = Disk()
for line in sys.stdin:  # how many writes it may do; each in a process of its own
    left = int(line)
    child = os.fork()
    if child == 0:
        open_state(Path(sys.argv[1])).close()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_killed_at_any_write_it_opens_too(root: Path, path: Path, tmp_path: Path) -> None:
    """Each write, sync and cut of the database file and its log is the last one once; the next open finishes."""
    wanted = None
    stored = tmp_path / "stored"
    shutil.copytree(root / ".upriver", stored)
    program = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        for count in range(400):
            shutil.rmtree(root / ".upriver")
            shutil.copytree(stored, root / ".upriver")
            print(count, file=program.stdin, flush=True)
            code = int(program.stdout.readline())
            with contextlib.closing(open_state(path)) as state:
                assert state.check() == []
                found = (state.history(limit=-1), {env: dict(state.current(env)) for env in ("dev", "prod")})
            wanted = wanted or found
            assert found == wanted
            if code == 0:
                assert count > 20
                return
            assert code == -signal.SIGKILL
        pytest.fail("it never got through")
    finally:
        program.kill()
        program.communicate()


def test_there_is_a_step_from_every_older_version() -> None:
    assert set(MIGRATIONS) == set(range(1, VERSION))


def test_the_copy_that_is_kept_is_of_the_older_version(path: Path) -> None:
    open_state(path).close()
    connection = apsw.Connection(str(path.with_name("state.db.v1.backup")))
    assert connection.execute("pragma user_version").fetchall() == [(1,)]
    assert connection.execute("select count(*) from materializations").fetchall() == [(7,)]
    connection.close()
