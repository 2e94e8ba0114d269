"""A session served by other processes answers, fails and changes like one in this process, and can be lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from upriver.assets.errors import DeclarationError, UpriverError, UsageError
from upriver.materializer.answers import BuildResult
from upriver.materializer.events import AssetOutput, Event, RunFinished, RunStarted
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.model import Outcome, RunStatus, State
from upriver.materializer.session import Session
from upriver.materializer.session.remote.session_client import SessionClient
from upriver.materializer.upkeep.gc import Keep


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two built assets, one over the other."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text('[project]\nname = "pair"\n')
    (tmp_path / "assets" / "a.sql").write_text(
        "select 1 as x, date '2024-02-29' as day, 1.50::decimal(9, 2) as p"
    )
    (tmp_path / "assets" / "b.sql").write_text("select x + 1 as y from a")
    session = Session(tmp_path)
    session.build()
    session.close()
    return tmp_path


@pytest.fixture
def client(root: Path) -> Iterator[SessionClient]:
    session = SessionClient.open(root, rest=60)
    yield session
    session.close()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_answers_like_a_session_in_this_process(root: Path, client: SessionClient) -> None:
    """Values come over with their types, properties and empty answers too."""
    here = Session(root)
    assert client.name == here.name == "pair"
    assert client.status() == here.status()
    assert client.status(["b"]) == here.status(["b"])
    assert client.preview("a", limit=1) == here.preview("a", limit=1)
    assert client.lineage("b", columns=True) == here.lineage("b", columns=True)
    assert client.why("b") == here.why("b")
    assert client.recipe_text("b") == ("select x + 1 as y from a", "sql")
    assert client.history("b") == here.history("b")
    assert client.run("last") == here.run("last")
    assert client.revision() == here.revision()
    assert client.diagnoses() == ()
    assert client.live_run() is None
    assert client.fsck() == here.fsck()
    assert client.gc(Keep(days=1.5), dry_run=True) == here.gc(Keep(days=1.5), dry_run=True)
    here.close()


def test_what_is_edited_is_seen_with_the_next_revision(root: Path, client: SessionClient) -> None:
    """Freshness is always of the files as they are; the rest after :meth:`revision` was called."""
    before = client.revision()
    assert client.recipe_text("b")[0] == "select x + 1 as y from a"
    (root / "assets" / "b.sql").write_text("select x + 2 as z from a")
    assert {one.asset: one.state for one in client.status()}["b"] is State.STALE
    assert client.revision() != before
    assert client.recipe_text("b")[0] == "select x + 2 as z from a"
    assert [node.column for node in client.lineage("b", columns=True).nodes if node.asset == "b"] == [
        None,
        "z",
    ]


def test_errors_come_over_as_what_they_are(root: Path, client: SessionClient) -> None:
    with pytest.raises(UsageError, match="did you mean"):
        client.preview("bb")
    (root / "upriver.toml").write_text("[project\n")
    with closing(Session(root)) as here, pytest.raises(DeclarationError) as expected:
        here.status()
    with pytest.raises(DeclarationError) as raised:
        client.status()
    assert raised.value.diagnoses == expected.value.diagnoses
    assert "upriver.toml" in str(raised.value)


def test_every_value_of_a_table_comes_over_with_its_type(client: SessionClient) -> None:
    """As the engine gives them, nested ones too."""
    query = (
        "select 1.50::decimal(9, 2) as a, date '2024-02-29' as b, timestamp '2024-02-29 12:00:00.5' as c,"
        " time '01:02:03' as d, interval '1 day 2 seconds' as e, 170141183460469231731687303715884105727 as f,"
        " 'NaN'::double as g, '\\xAA'::blob as h, [date '2024-01-01', null] as i, {'x': 1.5::decimal(3, 1)} as j,"
        " map {1: 'one'} as k, uuid '5b6a3b1e-0000-4000-8000-000000000001' as l, null as m, true as n from a"
    )
    here = Session(client.root)
    expected, found = here.sql(query), client.sql(query)
    assert repr(found) == repr(expected)
    here.close()


@pytest.mark.parametrize("name", ["close", "build", "live_run"])
def test_a_session_server_carries_out_only_its_own_operations(client: SessionClient, name: str) -> None:
    """The table says where an operation runs, also to the server."""
    with pytest.raises(RuntimeError, match=f"does not carry out {name}"):
        client.ask(name)
    assert client.name == "pair"


def test_a_name_that_is_no_operation_is_not_asked(client: SessionClient) -> None:
    """Neither private methods nor attributes of the session."""
    for name in ("_project", "root", "nothing"):
        with pytest.raises(LookupError, match="no operation"):
            client.ask(name)


def test_arguments_of_another_type_are_refused_with_their_place(client: SessionClient) -> None:
    """The question names the argument; the server answers the next one."""
    with pytest.raises(RuntimeError, match=r"Expected `array`.*\$\.select"):
        client.ask("status", ["b"])
    with pytest.raises(TypeError, match="nothing_such"):
        client.ask("status", [], {"nothing_such": 1})
    assert len(client.status(["b"])) == 1


def test_a_lost_process_is_told_once_and_replaced(client: SessionClient) -> None:
    """Killed between two questions nothing is lost; killed amid one, that one fails with a hint."""
    assert client.name == "pair"
    lost = client._process
    assert lost is not None
    lost.kill()
    lost.wait()
    assert client.name == "pair"
    again = client._process
    assert again is not None
    again.kill()  # dies just after it was looked at
    again.poll = lambda: None  # type: ignore[method-assign]
    with pytest.raises(UpriverError, match="ended amid its work"):
        client.status()
    assert len(client.status()) == 2


def test_it_rests_when_nothing_is_asked_and_is_not_woken_by_looking(root: Path) -> None:
    """An open window that nobody uses holds no second process; an edit wakes it."""
    client = SessionClient.open(root, rest=0.5)
    try:
        before = client.revision()
        process = client._process
        assert process is not None
        # Looking goes on meanwhile.
        until(lambda: client.revision() == before and client.resting and process.poll() is not None)
        assert client.revision() == before
        assert client.resting
        (root / "assets" / "b.sql").write_text("select x + 3 as y from a")
        assert client.revision() != before
        assert not client.resting
        assert {one.asset: one.state for one in client.status()}["b"] is State.STALE
    finally:
        client.close()


def test_nothing_is_left_behind(root: Path) -> None:
    """Closing does not wait for what is being answered; nothing can be asked afterwards."""
    client = SessionClient.open(root)
    client.revision()
    process = client._process
    assert process is not None
    client.close()
    assert process.poll() is not None
    with pytest.raises(UpriverError, match="closed"):
        client.status()


SLOW = """import time
import polars as pl
from upriver.assets import asset


@asset
def slow(a: pl.DataFrame) -> pl.DataFrame:
    print("begun", flush=True)
    time.sleep(600)
    return a


@asset
def quick(a: pl.DataFrame) -> pl.DataFrame:
    return a.head(1)
"""


class Building:
    """A build in a process of its own, awaited in a thread, with its events."""

    def __init__(self, session: SessionClient, select: tuple[str, ...] = ()) -> None:
        self.events: list[Event] = []
        self.cancel = Cancel()
        self.result: BuildResult | None = None
        self.error: Exception | None = None
        self._session, self._select = session, select
        self.thread = threading.Thread(target=self._build, daemon=True)
        self.thread.start()

    def _build(self) -> None:
        try:
            self.result = self._session.build(self._select, on_event=self.events.append, cancel=self.cancel)
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.error = error

    def until_slow_runs(self) -> None:
        until(lambda: any(isinstance(e, AssetOutput) and e.text == "begun" for e in self.events))

    def end(self) -> dict[str, Outcome]:
        self.thread.join(30)
        assert self.result is not None
        return {one.asset: one.action for one in self.result.assets}


def test_a_build_has_a_process_of_its_own(root: Path, client: SessionClient) -> None:
    """Its events, its result and its errors come over; the engines stay out of this process's way."""
    (root / "assets" / "c.sql").write_text("select y from b")
    building = Building(client)
    assert building.end() == {"a": Outcome.FRESH, "b": Outcome.FRESH, "c": Outcome.BUILT}
    assert isinstance(building.events[0], RunStarted)
    assert isinstance(building.events[-1], RunFinished)
    assert building.result is not None
    assert building.result.run_id == client.run("last").id
    (root / "upriver.toml").write_text("[project\n")
    with pytest.raises(DeclarationError, match=r"upriver\.toml"):
        client.build()


def test_one_asset_or_all_of_a_build_in_its_own_process_is_stopped(root: Path, client: SessionClient) -> None:
    """By word, not by a signal: the rest goes on, or what is finished is kept."""
    (root / "assets" / "slow.py").write_text(SLOW)
    building = Building(client)
    building.until_slow_runs()
    building.cancel.drop("slow")
    ends = building.end()
    assert (ends["slow"], ends["quick"]) == (Outcome.CANCELLED, Outcome.BUILT)
    again = Building(client)
    again.until_slow_runs()
    beside = Building(client)
    with closing(Session(root)) as here:
        until(lambda: len(here.context.state.holders()) == 2)
    beside.cancel.request()
    assert beside.end()["slow"] is Outcome.CANCELLED
    again.cancel.request()
    assert again.end()["slow"] is Outcome.CANCELLED
    assert again.result is not None
    assert again.result.status is RunStatus.INTERRUPTED


def test_a_build_is_stopped_from_elsewhere_or_killed_and_the_asker_lives(
    root: Path, client: SessionClient
) -> None:
    """SIGTERM ends it gently; when its process is gone altogether, that is an error like any other."""
    (root / "assets" / "slow.py").write_text(SLOW)
    building = Building(client)
    building.until_slow_runs()
    run = client.live_run()
    assert run is not None
    client.stop_run(run)
    assert building.end()["slow"] is Outcome.CANCELLED
    killed = Building(client)
    killed.until_slow_runs()
    (holder,) = client.files.context.state.holders()
    os.kill(holder.pid, signal.SIGKILL)
    killed.thread.join(30)
    assert isinstance(killed.error, UpriverError)
    assert "ended amid its work" in str(killed.error)
    assert {one.asset: one.state for one in client.status()}["b"] is State.FRESH
    assert Building(client, ("quick",)).end()["quick"] in (Outcome.BUILT, Outcome.FRESH)


def test_a_build_goes_on_when_its_asker_has_gone(root: Path) -> None:
    """Others see it, and it ends as it would have."""
    (root / "assets" / "slow.py").write_text(SLOW.replace("600", "1.5"))
    asker = subprocess.Popen(
        [sys.executable, "-c", "import sys; from pathlib import Path\n"
         "from upriver.materializer.session.remote.session_client import SessionClient\n"
         "SessionClient.open(Path(sys.argv[1])).build(on_event=lambda event: print(event, flush=True))", str(root)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert asker.stdout is not None
    while "begun" not in asker.stdout.readline():
        pass
    asker.kill()
    asker.wait()
    asker.stdout.close()
    here = Session(root)
    try:
        assert here.live_run() is not None
        until(lambda: here.live_run() is None)
        assert here.run("last").status is RunStatus.SUCCESS
        assert {one.asset: one.state for one in here.status()}["slow"] is State.FRESH
    finally:
        here.close()
