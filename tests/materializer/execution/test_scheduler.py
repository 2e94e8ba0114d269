"""The scheduler with everything around it faked: order, retries, limits, stopping, commits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.ports import ManualClock, MemoryState

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.identity import Node
from upriver.assets.model import Asset, Execution, Key, Kind, Place, SqlRecipe
from upriver.lineage.graph import AssetGraph
from upriver.materializer.events import AssetFinished, AssetOutput, AssetRetrying, AssetStarted, Event
from upriver.materializer.execution.attempt import AttemptFailed
from upriver.materializer.execution.claims import Claims
from upriver.materializer.execution.committer import Materialized
from upriver.materializer.execution.memory_budget import Took, expected_memory
from upriver.materializer.execution.retrying import pause
from upriver.materializer.execution.scheduler import Run
from upriver.materializer.execution.work import Limits, Work
from upriver.materializer.freshness.decide import Settled, Unsettled, Upstream
from upriver.materializer.freshness.decider import Finding
from upriver.materializer.model import (
    Action,
    ArtifactRef,
    Cause,
    Materialization,
    Outcome,
    Reason,
    RunStatus,
    State,
    Trace,
    Version,
)
from upriver.materializer.model import Run as MadeRun
from upriver.materializer.ports import Claimed, ClaimRequest, Lease, Seen, SourceRecord, Staged

Graph = Mapping[Key, tuple[Key, ...]]
CHAIN: Graph = {"a": (), "b": ("a",), "c": ("b",)}
FAN: Graph = {"a": (), "b": (), "c": (), "d": ()}


def materialization(key: Key) -> Materialization:
    version = Version(f"{key}1", (), 3, 30, (ArtifactRef(f"{key}1", "", 30),))
    return Materialization(f"m-{key}", key, None, "run", Trace("r", "", ()), version, 0.0, 1.0)


RUN = MadeRun("run", RunStatus.RUNNING, 0.0, environment="dev")


class View:
    """The environment as the state tells it, looked at when it is asked for."""

    def __init__(self, state: MemoryState, graph: AssetGraph) -> None:
        self._state = state
        self._graph = graph
        self._known = dict(state.current("dev"))
        self.renewed: list[Key] = []

    def renew(self, node: Node) -> Mapping[Node, Version]:
        self.renewed.append(node.asset)
        nodes = [node, *self._graph.nodes.upstreams(node)]
        current = self._state.current("dev", nodes)
        self._known = {node: one for node, one in self._known.items() if node not in nodes} | dict(current)
        return {up: one.version for up, one in current.items() if up != node}

    def record(self, node: Node) -> Materialization | None:
        return self._known.get(node)


@dataclass
class Scene:
    """A run over *graph* in which attempts do as they are told, and what was seen of it."""

    graph: Graph
    jobs: int = 1
    memory: int | None = None
    pools: Mapping[str, int] = field(default_factory=dict)
    fail_fast: bool = False
    executions: Mapping[Key, Execution] = field(default_factory=dict)
    took: Mapping[Key, Took] = field(default_factory=dict)
    priority: Mapping[Key, float] = field(default_factory=dict)
    actions: Mapping[Key, Action] = field(default_factory=dict)
    problems: Mapping[Key, str] = field(default_factory=dict)
    behave: Callable[[Key, int], None] = lambda key, number: None
    commit_error: Mapping[Key, Exception] = field(default_factory=dict)
    cancelled: Callable[[], bool] = lambda: False
    dropped: Callable[[], Collection[Key]] = frozenset
    sources: tuple[Key, ...] = ()
    state: MemoryState = field(default_factory=MemoryState)
    decided: Callable[[Key, Materialization | None], Finding | None] = lambda key, record: None
    """What is decided about an asset that points at this now; None: as *actions* say."""

    events: list[Event] = field(default_factory=list)
    started: list[Key] = field(default_factory=list)
    given: dict[Key, Mapping[Key, Version]] = field(default_factory=dict)
    considered: dict[Key, Mapping[Key, Upstream]] = field(default_factory=dict)
    failures: list[tuple[Key, int]] = field(default_factory=list)
    before_commit: Callable[[Key], None] = lambda key: None
    together: int = 0
    memory_given: list[int | None] = field(default_factory=list)
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> dict[Key, Outcome]:
        """Execute; the outcome of each asset."""
        graph = AssetGraph({**dict.fromkeys(self.sources, ()), **self.graph})
        assets = {
            key: Asset(
                key,
                Kind.TABLE,
                SqlRecipe(""),
                Place("m.sql"),
                execution=self.executions.get(key, Execution()),
            )
            for key in self.graph
        }
        run: Run | None = None
        state, lease = self.state, self.state.acquire(RUN)
        state.commit(lease, "elsewhere", [materialization(key) for key in self.graph])
        fresh = [key for key, action in self.actions.items() if action is Action.FRESH]
        state.commit(lease, "dev", [materialization(key) for key in fresh])
        state.remember_sources(
            SourceRecord(key, "", (), materialization(key).version, 0.0) for key in self.sources
        )
        self.view = View(state, graph)

        def put(made: Materialized, seen: Seen) -> None:
            assert run is not None
            one = made.materialization
            if (error := self.commit_error.get(one.asset)) is not None:
                run.commit_failed([made], error)
                return
            self.before_commit(one.asset)
            new, reused = ([], [one]) if made.staged is None else ([one], [])
            lost = state.commit(lease, "dev", new, reused, {one.node: seen})
            (run.lost if lost else run.committed)([made])

        run = Run(
            Work(
                graph=graph.nodes,
                assets=assets,
                order=graph.nodes.of(graph.sort(self.graph)),
                consider=self._consider,
                claims=Claims(state, lease, "dev", graph.nodes, assets, self.view, self.memory),
                source=lambda key: Settled(materialization(key).version),
                source_problem=self.problems.get,
                attempt=self._attempt,
                put=put,
                failed=lambda node, error, number, inputs: self.failures.append((node.asset, number)),
                emit=self.events.append,
                cancelled=self.cancelled,
                dropped=self.dropped,
                priority={Node(key): one for key, one in self.priority.items()},
                took={Node(key): took for key, took in self.took.items()},
                limits=Limits(self.jobs, self.memory, self.pools, self.fail_fast),
                clock=ManualClock(hurrying=True),
                pause=lambda: 0.0,
            )
        )
        try:
            run.execute()
        finally:
            lease.release()
        self.results = {one.asset: one for one in run.results}
        return {one.asset: one.action for one in run.results}

    def _consider(self, node: Node, upstreams: Mapping[Node, Upstream]) -> Finding:
        key = node.asset
        self.considered[key] = {up.asset: now for up, now in upstreams.items()}
        if (finding := self.decided(key, self.view.record(node))) is not None:
            return finding
        made = materialization(key)
        match self.actions.get(key, Action.BUILD):
            case Action.FRESH:
                return Finding(Node(key), Action.FRESH, State.FRESH, (), version=made.version)
            case Action.REUSE:
                return Finding(Node(key), Action.REUSE, State.STALE, (), made, made.version)
            case action:
                return Finding(Node(key), action, State.STALE, (Reason(Cause.RECIPE, key),))

    def _attempt(
        self, node: Node, upstreams: Mapping[Node, Version], number: int, memory: int | None
    ) -> Materialized:
        key = node.asset
        self.memory_given.append(memory)
        with self._lock:
            self.started.append(key)
            self.given[key] = {up.asset: version for up, version in upstreams.items()}
            self._now += 1
            self.together = max(self.together, self._now)
        try:
            self.behave(key, number)
        finally:
            with self._lock:
                self._now -= 1
        return Materialized(
            materialization(key), Staged(f"tmp/{key}", f"{key}1", 30, ".parquet"), changed=True
        )


def failing(*keys: Key, times: int = 99, final: bool = False) -> Callable[[Key, int], None]:
    def behave(key: Key, number: int) -> None:
        if key in keys and number <= times:
            raise AttemptFailed(f"{key} fails", "Traceback …", final=final)

    return behave


def lingering(key: Key, number: int) -> None:
    time.sleep(0.02)


# -- order -----------------------------------------------------------------------------------------------------
def test_each_asset_starts_after_its_upstreams_are_committed_and_is_given_their_versions() -> None:
    scene = Scene(CHAIN, jobs=4)
    assert scene.run() == dict.fromkeys("abc", Outcome.BUILT)
    assert scene.started == ["a", "b", "c"]
    assert scene.given["c"] == {"b": materialization("b").version}


def test_of_what_could_start_the_longest_chain_goes_first() -> None:
    scene = Scene(FAN, priority={"a": 1.0, "b": 3.0, "c": 2.0})
    scene.run()
    assert scene.started == ["b", "c", "a", "d"]


def test_what_is_fresh_or_reused_starts_nothing_and_lets_its_readers_go_on() -> None:
    scene = Scene(CHAIN, actions={"a": Action.FRESH, "b": Action.REUSE})
    assert scene.run() == {"a": Outcome.FRESH, "b": Outcome.REUSED, "c": Outcome.BUILT}
    assert scene.started == ["c"]


def test_consumers_are_decided_against_what_their_upstreams_became() -> None:
    scene = Scene(CHAIN, behave=failing("a"))
    scene.run()
    assert scene.considered["b"] == {"a": Unsettled(State.FAILED)}
    assert scene.considered["c"] == {"b": Unsettled(State.BLOCKED)}


def test_every_asset_that_started_also_finished_in_the_events() -> None:
    scene = Scene(CHAIN)
    scene.run()
    told = [(type(event), event.asset) for event in scene.events if not isinstance(event, AssetRetrying)]  # type: ignore[union-attr]
    assert told == [(kind, key) for key in "abc" for kind in (AssetStarted, AssetFinished)]


# -- failures --------------------------------------------------------------------------------------------------
def test_a_failure_blocks_what_reads_it_and_nothing_else() -> None:
    scene = Scene({**CHAIN, "alone": ()}, behave=failing("a"))
    assert scene.run() == {
        "a": Outcome.FAILED, "b": Outcome.BLOCKED, "c": Outcome.BLOCKED, "alone": Outcome.BUILT
    }  # fmt: skip
    assert scene.results["a"].error == "a fails"
    assert scene.results["b"].error == "blocked by a"
    assert scene.failures == [("a", 1)]


def test_a_defect_in_an_attempt_fails_this_asset_not_the_run() -> None:
    def behave(key: Key, number: int) -> None:
        if key == "a":
            raise KeyError("surprise")

    scene = Scene(FAN, behave=behave)
    assert scene.run()["a"] is Outcome.FAILED
    assert scene.results["a"].error == "KeyError: 'surprise'"
    assert scene.results["b"].action is Outcome.BUILT


def test_fail_fast_cancels_what_has_not_started() -> None:
    scene = Scene(FAN, behave=failing("a"), fail_fast=True)
    assert scene.run() == {
        "a": Outcome.FAILED, "b": Outcome.CANCELLED, "c": Outcome.CANCELLED, "d": Outcome.CANCELLED
    }  # fmt: skip


def test_a_source_with_a_problem_fails_its_reader_with_the_problem() -> None:
    scene = Scene({"a": ("src",), "b": ("a",)}, sources=("src",), problems={"src": "no file matches x.csv"})
    assert scene.run() == {"a": Outcome.FAILED, "b": Outcome.BLOCKED}
    assert scene.results["a"].error == "no file matches x.csv"
    assert [reason.kind for reason in scene.results["a"].reasons] == [Cause.SOURCE_MISSING]


# -- retries ---------------------------------------------------------------------------------------------------
QUICK = Execution(retries=2, backoff=0.001)


def test_an_attempt_is_made_again_as_often_as_declared() -> None:
    scene = Scene(CHAIN, behave=failing("a", times=2), executions={"a": QUICK})
    assert scene.run() == dict.fromkeys("abc", Outcome.BUILT)
    assert scene.started == ["a", "a", "a", "b", "c"]
    assert [event.attempt for event in scene.events if isinstance(event, AssetRetrying)] == [1, 2]
    assert scene.failures == []


def test_after_the_last_attempt_the_asset_has_failed_once() -> None:
    scene = Scene({"a": ()}, behave=failing("a"), executions={"a": QUICK})
    assert scene.run() == {"a": Outcome.FAILED}
    assert scene.failures == [("a", 3)]


def test_what_would_fail_the_same_way_again_is_not_tried_again() -> None:
    scene = Scene({"a": ()}, behave=failing("a", final=True), executions={"a": QUICK})
    assert scene.run() == {"a": Outcome.FAILED}
    assert scene.started == ["a"]


def test_others_go_on_while_one_waits_for_its_next_attempt() -> None:
    slow = Execution(retries=1, backoff=0.2)
    scene = Scene({"a": (), "b": ("a",), "z": ()}, behave=failing("a", times=1), executions={"a": slow})
    scene.run()
    assert scene.started == ["a", "z", "a", "b"]


def test_a_retry_keeps_its_place_in_the_queue() -> None:
    """It comes before what has not begun yet, however many have become ready meanwhile."""
    quick = Execution(retries=1, backoff=0.01)

    def behave(key: Key, number: int) -> None:
        lingering(key, number)
        failing("a", times=1)(key, number)

    scene = Scene({"a": (), **{f"n{i}": () for i in range(9)}}, behave=behave, executions={"a": quick})
    assert set(scene.run().values()) == {Outcome.BUILT}
    assert scene.started.index("a", 1) <= 2


def test_the_seconds_of_an_asset_are_those_of_its_attempts() -> None:
    """Waiting for another attempt is no work."""
    patient = Execution(retries=1, backoff=0.4)
    scene = Scene({"a": ()}, behave=failing("a", times=1), executions={"a": patient})
    scene.run()
    (finished,) = [event for event in scene.events if isinstance(event, AssetFinished)]
    assert finished.result.seconds < 0.15


@given(st.integers(1, 60), st.floats(0, 1), st.floats(0.01, 10), st.floats(10, 100))
def test_waits_double_up_to_the_cap_and_are_spread_by_half(
    attempt: int, jitter: float, first: float, cap: float
) -> None:
    full = min(cap, first * 2 ** (attempt - 1))
    assert full / 2 <= pause(first, cap, attempt, jitter) <= full
    assert pause(first, cap, attempt, 1.0) == pytest.approx(full)


# -- limits ----------------------------------------------------------------------------------------------------
def test_no_more_run_together_than_there_are_jobs() -> None:
    scene = Scene({f"n{i}": () for i in range(9)}, jobs=3, behave=lingering)
    scene.run()
    assert scene.together == 3


def test_a_pool_limits_its_members_only() -> None:
    api = Execution(pool="api")
    inside: list[Key] = []
    most = [0]
    lock = threading.Lock()

    def behave(key: Key, number: int) -> None:
        with lock:
            inside.append(key)
            most[0] = max(most[0], sum(1 for one in inside if one.startswith("api")))
        time.sleep(0.02)
        with lock:
            inside.remove(key)

    graph: Graph = {**{f"api{i}": () for i in range(4)}, **{f"free{i}": () for i in range(4)}}
    executions = {key: api for key in graph if key.startswith("api")}
    scene = Scene(graph, jobs=4, pools={"api": 1}, executions=executions, behave=behave)
    assert set(scene.run().values()) == {Outcome.BUILT}
    assert most == [1]
    assert scene.together > 1


def test_assets_whose_memory_does_not_fit_together_take_turns() -> None:
    scene = Scene(FAN, jobs=4, memory=100, took=dict.fromkeys("abcd", Took(60)), behave=lingering)
    scene.run()
    assert scene.together == 1


def test_an_asset_that_takes_more_than_there_is_runs_alone() -> None:
    scene = Scene(FAN, jobs=4, memory=100, took={"a": Took(500)}, behave=lingering)
    assert set(scene.run().values()) == {Outcome.BUILT}


def test_what_has_more_to_read_than_before_is_expected_to_take_more() -> None:
    """Each took 20 when its upstream (of 30 bytes now) had *inputs* bytes."""
    reading: Graph = {"a": ("src",), "b": ("src",)}
    most = []
    for inputs in (30, 10, 0):
        took = dict.fromkeys("ab", Took(20, 20, inputs))
        scene = Scene(reading, jobs=2, memory=100, took=took, sources=("src",), behave=lingering)
        scene.run()
        most.append(scene.together)
    assert most == [2, 1, 2]


def test_what_never_ran_is_expected_to_take_what_it_may() -> None:
    limited = dict.fromkeys("abcd", Execution(memory=60))
    scene = Scene(FAN, jobs=4, memory=100, executions=limited, behave=lingering)
    scene.run()
    assert scene.together == 1


def test_nothing_is_expected_to_take_more_than_it_may() -> None:
    assert expected_memory(Took(500), 0, 80) == 80
    assert expected_memory(Took(50), 0, 80) == 50


def test_less_to_read_does_not_make_less_expected() -> None:
    assert Took(peak=60, newest=50, inputs=100).expected(10) == 60
    assert Took(peak=60, newest=50, inputs=100).expected(200) == 100


def test_what_a_few_bytes_took_does_not_tell_what_many_will() -> None:
    """A process of 100 MB that has read 1 kB will not need 100 GB for 1 MB."""
    assert Took(peak=100 << 20, newest=100 << 20, inputs=1 << 10).expected(1 << 20) < 150 << 20


# -- stopping --------------------------------------------------------------------------------------------------
def test_when_cancelled_what_runs_may_end_and_nothing_more_starts() -> None:
    asked = threading.Event()
    scene = Scene(CHAIN, cancelled=asked.is_set, behave=lambda key, number: asked.set())
    assert scene.run() == {"a": Outcome.BUILT, "b": Outcome.CANCELLED, "c": Outcome.CANCELLED}


def test_an_attempt_that_was_asked_to_end_is_cancelled_not_failed() -> None:
    asked = threading.Event()

    def behave(key: Key, number: int) -> None:
        asked.set()
        raise AttemptFailed("cancelled", cancelled=True)

    scene = Scene(CHAIN, cancelled=asked.is_set, behave=behave, executions={"a": QUICK})
    assert scene.run()["a"] is Outcome.CANCELLED
    assert scene.failures == []


def test_an_asset_that_is_left_out_blocks_what_needs_it_and_nothing_else() -> None:
    out = set[Key]()
    scene = Scene({**CHAIN, "z": ()}, dropped=lambda: out, behave=lambda key, number: out.add("b"))
    assert scene.run() == {
        "a": Outcome.BUILT,
        "b": Outcome.CANCELLED,
        "c": Outcome.BLOCKED,
        "z": Outcome.BUILT,
    }
    assert scene.results["c"].error == "blocked by b"
    assert scene.failures == []


def test_an_asset_that_waits_for_its_next_attempt_or_for_a_slot_can_be_left_out() -> None:
    out = set[Key]()

    def behave(key: Key, number: int) -> None:
        out.update("ad")
        raise AttemptFailed("boom")

    patient = Execution(retries=3, backoff=60.0)
    scene = Scene(
        FAN,
        dropped=lambda: out,
        behave=behave,
        executions=dict.fromkeys("abcd", Execution()) | {"a": patient},
    )
    outcomes = scene.run()
    assert (outcomes["a"], outcomes["d"]) == (Outcome.CANCELLED, Outcome.CANCELLED)
    assert (outcomes["b"], outcomes["c"]) == (Outcome.FAILED, Outcome.FAILED)


def test_what_is_fresh_can_not_be_left_out() -> None:
    scene = Scene(CHAIN, dropped=lambda: {"a"}, actions={"a": Action.FRESH})
    assert scene.run() == {"a": Outcome.FRESH, "b": Outcome.BUILT, "c": Outcome.BUILT}


# -- commits ---------------------------------------------------------------------------------------------------
def test_what_could_not_be_committed_has_failed_and_blocks_its_readers() -> None:
    scene = Scene({**CHAIN, "z": ()}, commit_error={"a": StoreError("disk full")})
    outcomes = scene.run()
    assert outcomes == {"a": Outcome.FAILED, "b": Outcome.BLOCKED, "c": Outcome.BLOCKED, "z": Outcome.BUILT}
    assert scene.results["a"].error == "disk full"


def test_when_another_build_took_the_lease_the_run_ends_with_that_error() -> None:
    busy = BusyError("another build holds the project")
    scene = Scene(FAN, commit_error={"a": busy})
    with pytest.raises(BusyError):
        scene.run()
    assert scene.started == ["a"]


# -- beside other builds ---------------------------------------------------------------------------------------
def another(state: MemoryState, name: str = "other") -> Lease:
    """Another build of the same environment."""
    return state.acquire(MadeRun(name, RunStatus.RUNNING, 0.0, environment="dev"))


def content(key: Key, number: int) -> Materialization:
    """What another build makes of *key*."""
    made = materialization(key)
    version = msgspec.structs.replace(made.version, id=f"{key}-of-another-{number}")
    return msgspec.structs.replace(made, id=f"other-{key}-{number}", version=version)


def fresh_once_made(key: Key, record: Materialization | None) -> Finding | None:
    """What another build has made is what this one was going to make."""
    if record is None or not record.id.startswith("other"):
        return None
    return Finding(Node(key), Action.FRESH, State.FRESH, (), version=record.version)


def test_what_another_build_makes_is_waited_for_without_a_slot_and_decided_again() -> None:
    """The only slot makes the others meanwhile; what was waited for counts as reused, and its readers read it."""
    scene = Scene({"a": (), "b": (), "c": (), "r": ("a",)}, decided=fresh_once_made)
    other = another(scene.state)
    scene.state.claim(other, "dev", [ClaimRequest(Node("a"), None)])

    def behave(key: Key, number: int) -> None:
        if key == "c":
            scene.state.commit(other, "dev", [content("a", 1)])

    scene.behave = behave
    assert scene.run() == {"a": Outcome.REUSED, "b": Outcome.BUILT, "c": Outcome.BUILT, "r": Outcome.BUILT}
    assert scene.started == ["b", "c", "r"]
    assert scene.given["r"]["a"].id == "a-of-another-1"
    (waiting,) = [event for event in scene.events if isinstance(event, AssetOutput)]
    assert (waiting.asset, "run other" in waiting.text) == ("a", True)


def test_what_another_build_gives_up_is_made_here() -> None:
    scene = Scene({"a": (), "b": ()})
    other = another(scene.state)
    scene.state.claim(other, "dev", [ClaimRequest(Node("a"), None)])
    scene.behave = lambda key, number: other.release() if key == "b" else None
    assert scene.run() == {"a": Outcome.BUILT, "b": Outcome.BUILT}
    assert scene.started == ["b", "a"]


def test_who_waits_for_another_build_can_be_stopped() -> None:
    stopped = False

    def stop(key: Key, number: int) -> None:
        nonlocal stopped
        stopped = True

    scene = Scene({"a": (), "b": ()}, cancelled=lambda: stopped, behave=stop)
    other = another(scene.state)
    scene.state.claim(other, "dev", [ClaimRequest(Node("a"), None)])
    assert scene.run() == {"a": Outcome.CANCELLED, "b": Outcome.BUILT}


def test_what_another_build_has_made_since_it_was_seen_is_not_made_again() -> None:
    scene = Scene({"a": (), "b": ("a",)}, decided=fresh_once_made)
    other = another(scene.state)

    def behave(key: Key, number: int) -> None:
        if key == "a":
            scene.state.commit(other, "dev", [content("b", 1)])

    scene.behave = behave
    assert scene.run() == {"a": Outcome.BUILT, "b": Outcome.REUSED}
    assert scene.started == ["a"]


def test_the_loser_of_a_commit_takes_what_the_winner_has_made_and_keeps_its_own_for_reuse() -> None:
    scene = Scene({"a": (), "b": ("a",)}, decided=fresh_once_made)
    other = another(scene.state)

    def overtake(key: Key) -> None:
        if key == "a":
            scene.state.commit(other, "dev", [content("a", 1)])

    scene.before_commit = overtake
    assert scene.run() == {"a": Outcome.REUSED, "b": Outcome.BUILT}
    assert scene.results["a"].error is None
    assert scene.state.current("dev")[Node("a")].id == "other-a-1"
    assert scene.state.materialization("m-a") is not None
    assert scene.given["b"]["a"].id == "a-of-another-1"


def test_a_commit_over_an_upstream_that_has_moved_is_made_again_from_what_it_is_now() -> None:
    scene = Scene({"a": (), "b": ("a",)})
    other = another(scene.state)
    moved = False

    def move(key: Key) -> None:
        nonlocal moved
        if key == "b" and not moved:
            moved = True
            scene.state.commit(other, "dev", [content("a", 1)])

    scene.before_commit = move
    assert scene.run() == {"a": Outcome.BUILT, "b": Outcome.BUILT}
    assert scene.started == ["a", "b", "b"]
    assert scene.given["b"]["a"].id == "a-of-another-1"


def test_after_three_lost_commits_the_upstreams_are_claimed_too() -> None:
    """Then nothing of what it reads moves any more, and it gets through."""
    scene = Scene({"a": (), "b": ("a",)})
    other = another(scene.state)
    tries: list[Claimed] = []

    def move(key: Key) -> None:
        if key == "b":
            saw = scene.state.current("dev")[Node("a")].id
            (claim,) = scene.state.claim(other, "dev", [ClaimRequest(Node("a"), saw)])
            tries.append(claim.answer)
            if claim.answer is Claimed.GRANTED:
                scene.state.commit(other, "dev", [content("a", len(tries))])

    scene.before_commit = move
    assert scene.run() == {"a": Outcome.BUILT, "b": Outcome.BUILT}
    assert tries == [Claimed.GRANTED] * 3 + [Claimed.HELD]
    saw = scene.state.current("dev")[Node("a")].id
    (claim,) = scene.state.claim(other, "dev", [ClaimRequest(Node("a"), saw)])
    assert claim.answer is Claimed.GRANTED


def test_what_never_gets_through_fails_in_the_end_with_words() -> None:
    scene = Scene({"a": ()}, sources=("s",))
    scene.graph = {"a": ("s",)}
    count = 0

    def change(key: Key) -> None:
        nonlocal count
        count += 1
        version = msgspec.structs.replace(materialization("s").version, id=f"changed-{count}")
        scene.state.remember_sources([SourceRecord("s", "", (), version, 0.0)])

    scene.before_commit = change
    assert scene.run() == {"a": Outcome.FAILED}
    assert "changed 10 times while it was made" in str(scene.results["a"].error)


def test_builds_beside_each_other_share_the_memory() -> None:
    """What the other build takes leaves no room, until it is done."""
    scene = Scene({"a": (), "b": ()}, memory=100, took={"a": Took(60), "b": Took(10)}, jobs=2)
    other = another(scene.state)
    scene.state.claim(other, "dev", [ClaimRequest(Node("x"), None, memory=80)], 100)
    scene.behave = lambda key, number: other.release() if key == "b" else None
    assert scene.run() == {"a": Outcome.BUILT, "b": Outcome.BUILT}
    assert scene.started == ["b", "a"]


def test_no_claim_outlives_the_run() -> None:
    scene = Scene({"a": (), "b": (), "c": ("b",)}, behave=failing("b"), actions={"a": Action.REUSE})
    scene.run()
    other = another(scene.state)
    for key in "abc":
        record = scene.state.current("dev").get(Node(key))
        wish = ClaimRequest(Node(key), None if record is None else record.id)
        assert scene.state.claim(other, "dev", [wish])[0].answer is Claimed.GRANTED


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = [f"n{i}" for i in range(draw(st.integers(1, 8)))]
    return {
        name: tuple(sorted(draw(st.sets(st.sampled_from(names[:i]), max_size=3)))) if i else ()
        for i, name in enumerate(names)
    }


def blocked_by(graph: Graph, failed: Collection[Key]) -> frozenset[Key]:
    """What reads something of *failed*, directly or not."""
    whole = AssetGraph(graph)
    return frozenset(key for key in graph if (whole.ancestors([key]) - {key}) & set(failed))


@given(graphs(), st.data())
def test_whatever_fails_exactly_what_reads_it_is_blocked_and_the_rest_is_built(
    graph: Graph, data: st.DataObject
) -> None:
    broken = data.draw(st.sets(st.sampled_from(sorted(graph)), max_size=2))
    scene = Scene(graph, jobs=3, behave=failing(*broken))
    outcomes = scene.run()
    blocked = blocked_by(graph, broken)
    for key, outcome in outcomes.items():
        expected = Outcome.BLOCKED if key in blocked else Outcome.FAILED if key in broken else Outcome.BUILT
        assert outcome is expected
    assert len(scene.started) == len(set(scene.started)) == len(graph) - len(blocked)
