"""Builds overlap, one process at a time has the whole, whatever happens to the one that was first. Real processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.fakes.ports import ManualClock

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.identity import Node
from upriver.materializer.model import Materialization, Run, RunStatus, Trace, Version
from upriver.materializer.ports import Claimed, ClaimRequest, Holder
from upriver.materializer.state import SqliteState, open_state
from upriver.materializer.storage.locks import BUILDERS, FileLock, Heartbeat, Life, boot_id, busy, look, poll

TERM = 0.8  # long enough for a heartbeat on a busy machine

CHILD = """
import sys, time
from pathlib import Path
from upriver.assets.errors import BusyError
from upriver.materializer.model import Materialization, Run, RunStatus, Trace, Version
from upriver.materializer.ports import ClaimRequest
from upriver.materializer.state import open_state
from upriver.assets.identity import Node

path, name, term = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
state = open_state(path, term=term)
made = 0

def commit():
    global made
    made += 1
    version = Version(f"{made:064d}", (), None, 1, ())
    trace = Trace("r", "b", ())
    state.commit(lease, "dev", [Materialization(f"{name}-{made}", name, None, name, trace, version, 1.0, 2.0)])

for line in sys.stdin:
    try:
        match line.strip():
            case "acquire":
                lease = state.acquire(Run(name, RunStatus.RUNNING, time.time()))
            case "hold":
                lease = state.hold("gc")
            case "claim":
                answer = state.claim(lease, "dev", [ClaimRequest(Node("claimed"), None)])[0].answer
                print(answer, flush=True)
                continue
            case "commit":
                commit()
            case "commit for ever":
                while True:
                    commit()
                    print(f"committed {made}", flush=True)
            case "finish":
                state.finish(lease, name, RunStatus.SUCCESS, time.time())
            case "release":
                lease.release()
        print("ok", flush=True)
    except BusyError as error:
        print("busy: " + str(error).replace(chr(10), " "), flush=True)
"""


class Child:
    """Another process that does what it is told, a line at a time."""

    def __init__(self, path: Path, name: str, term: float = TERM) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), name, str(term)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip

    def tell(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, order: str) -> str:
        self.tell(order)
        return self.hear()

    def end(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / ".upriver" / "state.db"
    open_state(path).close()
    return path


@pytest.fixture
def child(path: Path) -> Iterator[Callable[..., Child]]:
    children: list[Child] = []

    def start(name: str = "child", term: float = TERM) -> Child:
        children.append(Child(path, name, term))
        return children[-1]

    yield start
    for one in children:
        one.end()


@pytest.fixture
def state(path: Path) -> Iterator[SqliteState]:
    found = open_state(path, term=TERM)
    yield found
    found.close()


def run(name: str = "mine") -> Run:
    return Run(name, RunStatus.RUNNING, time.time(), pid=os.getpid())


def materialization(name: str) -> Materialization:
    return Materialization(
        name, name, None, "mine", Trace("r", "b", ()), Version("0" * 64, (), None, 1, ()), 1.0, 2.0
    )


def test_builds_overlap(state: SqliteState, child: Callable[..., Child]) -> None:
    """Neither waits for the other; both are told of, the older first."""
    other = child("first")
    assert other.ask("acquire") == "ok"
    lease = state.acquire(run())
    assert [(one.run, one.pid) for one in state.holders()] == [
        ("first", other.process.pid),
        ("mine", os.getpid()),
    ]
    assert other.ask("commit") == "ok"
    state.commit(lease, "dev", [materialization("new")])
    assert {one.status for one in state.runs()} == {RunStatus.RUNNING}
    lease.release()
    assert other.ask("release") == "ok"
    assert list(state.holders()) == []


def test_who_wants_the_whole_project_is_told_who_builds(
    state: SqliteState, child: Callable[..., Child]
) -> None:
    other = child("first")
    assert other.ask("acquire") == "ok"
    with pytest.raises(
        BusyError,
        match=rf"gc can't begin: a build is going on\n  run first, process {other.process.pid} since .*\n.*\n.*kill {other.process.pid}",
    ):
        state.hold("gc")
    assert other.ask("release") == "ok"
    state.hold("gc").release()


def test_a_build_is_told_who_holds_the_whole_project(state: SqliteState, child: Callable[..., Child]) -> None:
    other = child()
    assert other.ask("hold") == "ok"
    with pytest.raises(
        BusyError, match=r"a build can't begin: another process holds the project\n  gc, process"
    ):
        state.acquire(run())
    with pytest.raises(BusyError, match="fsck --repair can't begin"):
        state.hold("fsck --repair")
    other.ask("release")
    state.acquire(run()).release()


def test_a_build_waits_as_long_as_it_is_told(state: SqliteState, child: Callable[..., Child]) -> None:
    other = child()
    other.ask("hold")
    started = time.monotonic()
    with pytest.raises(BusyError):
        state.acquire(run(), wait=0.3)
    assert 0.3 <= time.monotonic() - started < 3
    threading.Timer(0.3, other.tell, ["release"]).start()
    state.acquire(run(), wait=None).release()


def test_a_living_holder_is_never_displaced_however_long_it_takes(
    state: SqliteState, child: Callable[..., Child]
) -> None:
    other = child()
    other.ask("acquire")
    with pytest.raises(BusyError):
        state.hold("gc", wait=2 * TERM)
    assert other.ask("commit") == "ok"


def test_after_kill_9_the_next_build_goes_on_at_once(state: SqliteState, child: Callable[..., Child]) -> None:
    other = child("killed", term=3600.0)
    other.ask("acquire")
    other.ask("commit")
    other.process.kill()
    other.process.wait()
    lease = state.acquire(run())
    assert [(one.id, one.status) for one in state.runs()] == [
        ("mine", RunStatus.RUNNING),
        ("killed", RunStatus.ABANDONED),
    ]
    assert list(map(str, state.current("dev"))) == ["killed"]
    lease.release()


def test_the_claim_of_a_killed_build_is_free_at_once(state: SqliteState, child: Callable[..., Child]) -> None:
    other = child("killed", term=3600.0)
    other.ask("acquire")
    assert other.ask("claim") == "granted"
    lease = state.acquire(run())
    wish = ClaimRequest(Node("claimed"), None)
    (held,) = state.claim(lease, "dev", [wish])
    assert (held.answer, held.holder and held.holder.pid) == (Claimed.HELD, other.process.pid)
    other.process.kill()
    other.process.wait()
    assert state.claim(lease, "dev", [wish])[0].answer is Claimed.GRANTED
    lease.release()


def test_a_stopped_build_loses_its_claims_after_its_term_and_can_write_nothing_when_it_wakes(
    state: SqliteState, child: Callable[..., Child]
) -> None:
    other = child("stopped")
    other.ask("acquire")
    other.ask("commit")
    assert other.ask("claim") == "granted"
    other.process.send_signal(signal.SIGSTOP)
    lease = state.acquire(run())
    wish = ClaimRequest(Node("claimed"), None)
    assert state.claim(lease, "dev", [wish])[0].answer is Claimed.HELD  # too early
    deadline = time.monotonic() + 10 * TERM
    while state.claim(lease, "dev", [wish])[0].answer is not Claimed.GRANTED:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    state.commit(lease, "dev", [materialization("new")])
    other.process.send_signal(signal.SIGCONT)
    assert "lost its lease" in other.ask("commit")
    assert "lost its lease" in other.ask("finish")
    assert other.ask("release") == "ok"
    state.commit(lease, "dev", [materialization("newer")])
    assert not lease.lost()
    assert set(map(str, state.current("dev"))) == {"stopped", "new", "newer"}
    open_state(state.path, term=TERM).acquire(run("third")).release()
    assert state.runs()[-1].status is RunStatus.ABANDONED
    lease.release()


def test_a_stopped_build_loses_nothing_to_a_build_that_wants_nothing_of_it(
    state: SqliteState, child: Callable[..., Child]
) -> None:
    """Who presses Ctrl-Z and goes on later has lost nothing, unless it was wanted."""
    other = child("stopped")
    other.ask("acquire")
    assert other.ask("claim") == "granted"
    other.process.send_signal(signal.SIGSTOP)
    time.sleep(2 * TERM)
    lease = state.acquire(run())
    state.commit(lease, "dev", [materialization("new")])
    assert state.claim(lease, "dev", [ClaimRequest(Node("another"), None)])[0].answer is Claimed.GRANTED
    other.process.send_signal(signal.SIGCONT)
    assert other.ask("commit") == "ok"
    other.process.send_signal(signal.SIGSTOP)
    time.sleep(2 * TERM)
    lease.release()
    state.hold("gc").release()  # what wants the whole takes it
    other.process.send_signal(signal.SIGCONT)
    assert "lost its lease" in other.ask("commit")


def test_a_stopped_holder_of_the_whole_is_displaced_after_its_term(
    state: SqliteState, child: Callable[..., Child]
) -> None:
    other = child()
    other.ask("hold")
    other.process.send_signal(signal.SIGSTOP)
    with pytest.raises(BusyError):
        state.acquire(run())  # too early
    lease = state.acquire(run(), wait=10 * TERM)
    other.process.send_signal(signal.SIGCONT)
    assert "lost its lease" in other.ask("commit")
    state.commit(lease, "dev", [materialization("new")])
    lease.release()


def test_of_many_that_want_the_whole_together_one_wins(path: Path, child: Callable[..., Child]) -> None:
    children = [child(f"c{n}") for n in range(4)]
    for _ in range(3):
        for one in children:
            one.tell("hold")
        answers = [one.hear() for one in children]
        assert answers.count("ok") == 1
        assert all("holds the project" in answer for answer in answers if answer != "ok")
        winner = children[answers.index("ok")]
        assert winner.ask("commit") == "ok"
        assert winner.ask("release") == "ok"
        children.remove(winner)


@pytest.mark.parametrize("after", [0.0, 0.013, 0.031, 0.07])
def test_what_a_killed_build_had_acknowledged_is_there(
    state: SqliteState, child: Callable[..., Child], after: float
) -> None:
    other = child("killed")
    other.ask("acquire")
    other.tell("commit for ever")
    assert other.hear() == "committed 1"
    time.sleep(after)
    other.process.kill()
    rest, _ = other.process.communicate()
    acknowledged = 1 + sum(line.startswith("committed") for line in rest.splitlines())
    recorded = {one.id for one in state.history(limit=-1)}
    assert recorded >= {f"killed-{n}" for n in range(1, acknowledged + 1)}
    assert len(recorded) <= acknowledged + 1
    assert state.check() == []
    lease = state.acquire(run())
    state.commit(lease, "dev", [materialization("new")])
    assert state.journal is not None
    journalled = {one.id for entry in state.journal.read()[0] for one in entry.made}  # type: ignore[union-attr]
    assert journalled >= recorded | {"new"}
    lease.release()


def test_a_deleted_lock_file_fences_its_build(state: SqliteState, path: Path) -> None:
    """Nothing proves any more that it lives."""
    first = state.acquire(run("first"))
    (path.parent / BUILDERS / f"{first.token}.lock").unlink()
    assert first.lost()
    second = state.acquire(run("second"))
    with pytest.raises(BusyError, match="lost its lease"):
        state.commit(first, "dev", [materialization("x")])
    first.release()
    state.commit(second, "dev", [materialization("x")])
    second.release()


def test_a_link_in_the_place_of_the_lock_files_is_not_followed(state: SqliteState, path: Path) -> None:
    (path.parent / "elsewhere").mkdir()
    (path.parent / BUILDERS).symlink_to(path.parent / "elsewhere")
    with pytest.raises(StoreError, match="is a link to"):
        state.acquire(run())


def test_lock_files_that_belong_to_nobody_are_removed(state: SqliteState, path: Path) -> None:
    (path.parent / BUILDERS).mkdir()
    (path.parent / BUILDERS / "99.lock").touch()
    lease = state.acquire(run())
    assert [one.name for one in (path.parent / BUILDERS).iterdir()] == [f"{lease.token}.lock"]
    lease.release()
    assert list((path.parent / BUILDERS).iterdir()) == []


class TestHeartbeat:
    def test_the_wall_clock_and_sleep_do_not_matter_only_missed_beats_do(self, tmp_path: Path) -> None:
        path = tmp_path / "1.lock"
        beating = Heartbeat(path, 30.0, ManualClock(since_start=100.0))
        beating.begin(1, "first", "dev")
        assert look(path, 30.0, ManualClock(since_start=129.0))[0] is Life.ALIVE
        assert look(path, 30.0, ManualClock(since_start=131.0))[0] is Life.STOPPED
        beating.release()
        assert look(path, 30.0, ManualClock(since_start=129.0))[0] is Life.GONE

    def test_a_holder_elsewhere_is_never_taken_for_stopped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "1.lock"
        beating = Heartbeat(path, 30.0, ManualClock())
        beating.begin(1, "first")
        monkeypatch.setattr("upriver.materializer.storage.locks.boot_id", lambda: "another machine")
        life, holder = look(path, 30.0, ManualClock(since_start=1e9))
        assert life is Life.ALIVE
        assert holder is not None
        assert holder.run == "first"
        beating.release()

    def test_what_can_not_be_read_is_alive_still(self, tmp_path: Path) -> None:
        path = tmp_path / "1.lock"
        beating = Heartbeat(path, 30.0, ManualClock())
        beating.begin(1, "first")
        path.write_text("{garbage")
        assert look(path, 30.0, ManualClock(since_start=1e9)) == (Life.ALIVE, None)
        assert "kill" not in str(busy("gc", []))
        beating.release()

    def test_the_content_of_an_abandoned_file_means_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "1.lock"
        path.write_text('{"token":9}')
        assert look(path)[0] is Life.GONE
        beating = Heartbeat(path)
        beating.begin(1, "r")
        with pytest.raises(OSError, match="locked"):
            Heartbeat(path).begin(1, "other")
        beating.release()
        beating.release()

    def test_beats_are_written(self, tmp_path: Path) -> None:
        path = tmp_path / "1.lock"
        beating = Heartbeat(path, term=0.08)
        first = beating.begin(1, "r")
        deadline = time.monotonic() + 5
        while (later := look(path)[1]) is None or later.beat <= first.beat:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        beating.release()

    def test_holders_in_words(self) -> None:
        here = Holder(1, "r1", 12, "elsewhere", "upriver build", 0.0, 0.0, boot_id(), "prod")
        assert str(here).startswith("run r1 of environment prod, process 12 on elsewhere since 19")
        both = busy("gc", [here, here])
        assert "2 builds are going on" in str(both)
        whole = msgspec.structs.replace(here, run="fsck --repair", environment="", whole=True)
        assert str(whole).startswith("fsck --repair, process 12")


class TestFileLock:
    def test_shared_and_exclusive(self, tmp_path: Path) -> None:
        a, b, c = (FileLock(tmp_path / "lock") for _ in range(3))
        assert a.try_shared()
        assert b.try_shared()
        assert not c.try_exclusive()
        a.close()
        b.close()
        assert c.try_exclusive()
        assert not a.try_shared()
        c.close()
        a.close()

    def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "lock").symlink_to(tmp_path / "target")
        with pytest.raises(OSError, match=r"symbolic|[Ll]oop|many"):
            FileLock(tmp_path / "lock").try_exclusive()
        assert not (tmp_path / "target").exists()


def test_polling_ends() -> None:
    assert len(list(poll(0.0))) == 1
    clock = ManualClock(hurrying=True)
    slept: list[float] = []
    steps = poll(None, clock)
    next(steps)
    for _ in range(50):
        before = clock.monotonic()
        next(steps)
        slept.append(clock.monotonic() - before)
    assert len(set(slept)) > 40  # jitter
    assert all(0.05 <= pause <= 0.15 for pause in slept)
