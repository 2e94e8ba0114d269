"""What every state store promises: the SQLite one on disk, and the fake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest
from tests.fakes.ports import ManualClock, MemoryState

from upriver.assets.errors import BusyError, StoreError
from upriver.assets.identity import Node
from upriver.assets.model import CodePart, Column, Place
from upriver.lineage.model import Footprint
from upriver.materializer.model import (
    ArtifactRef,
    Failure,
    FileStamp,
    Materialization,
    Outcome,
    Read,
    Run,
    RunStatus,
    Trace,
    Version,
)
from upriver.materializer.ports import (
    Backfill,
    Claimed,
    ClaimRequest,
    Lease,
    Pause,
    Seen,
    SourceRecord,
    StateStore,
)
from upriver.materializer.state import SqliteState, open_state

AnyState: TypeAlias = SqliteState | MemoryState


def materialization(
    name: str, asset: str = "marts.a", recipe: str = "r1", partition: str | None = None, seconds: float = 1.0
) -> Materialization:
    read = Read("raw.x", Footprint(("a", "b"), "a > 1", ordered=False), "v" * 64, "s", "3:f")
    return Materialization(
        id=name,
        asset=asset,
        partition=partition,
        run="run",
        trace=Trace(recipe, "binding", (read,), (("TZ", "d"),)),
        version=Version(
            f"{name:0>64}", (Column("a", "INTEGER"),), 3, 100, (ArtifactRef(f"{name:0>64}", ".parquet", 100),)
        ),
        started=10.0,
        finished=10.0 + seconds,
        peak_memory=int(seconds * 1000),
    )


def run(name: str = "run1", environment: str = "") -> Run:
    return Run(name, RunStatus.RUNNING, 5.0, select=("marts.*",), pid=1, host="here", environment=environment)


@pytest.fixture(params=["disk", "fake"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyState]:
    found: AnyState
    if request.param == "disk":
        found = open_state(tmp_path / ".upriver" / "state.db", algorithm="a1", clock=ManualClock(77.0))
    else:
        found = MemoryState(clock=lambda: 77.0)
    yield found
    found.close()


@pytest.fixture
def lease(state: StateStore) -> Iterator[Lease]:
    held = state.acquire(run())
    yield held
    held.release()


class TestCurrent:
    def test_a_commit_points_at_what_it_recorded(self, state: AnyState, lease: Lease) -> None:
        a, b = materialization("1"), materialization("2", "marts.b")
        state.commit(lease, "dev", [a, b])
        current = state.current("dev")
        assert dict(current) == {Node("marts.a"): a, Node("marts.b"): b}
        assert Node("marts.a") in current
        assert Node("marts.c") not in current
        assert current.get(Node("marts.c")) is None
        assert len(current) == 2
        assert state.materialization("1") == a
        assert state.materialization("nope") is None

    def test_those_of_a_few_assets_can_be_asked_for_alone(self, state: AnyState, lease: Lease) -> None:
        a, b = materialization("1"), materialization("2", "marts.b")
        state.commit(lease, "dev", [a, b])
        assert dict(state.current("dev", [Node("marts.b"), Node("marts.none")])) == {Node("marts.b"): b}
        assert dict(state.current("dev", [])) == {}
        assert dict(state.current("prod", [Node("marts.b")])) == {}

    def test_environments_do_not_see_each_other(self, state: AnyState, lease: Lease) -> None:
        state.commit(lease, "dev", [materialization("1")])
        state.commit(lease, "prod", [materialization("2")])
        assert state.current("dev")[Node("marts.a")].id == "1"
        assert state.current("prod")[Node("marts.a")].id == "2"
        assert dict(state.current("other")) == {}

    def test_an_earlier_materialization_is_pointed_at_again(self, state: AnyState, lease: Lease) -> None:
        first, second = materialization("1"), materialization("2")
        state.commit(lease, "dev", [first])
        state.commit(lease, "dev", [second])
        state.commit(lease, "dev", [], [first])
        assert state.current("dev")[Node("marts.a")] == first
        assert [one.id for one in state.history("marts.a")] == ["2", "1"]

    def test_only_what_is_recorded_can_be_pointed_at(self, state: AnyState, lease: Lease) -> None:
        with pytest.raises(StoreError, match="not recorded"):
            state.commit(lease, "dev", [materialization("1", "marts.b")], [materialization("2")])
        assert dict(state.current("dev")) == {}
        assert state.materialization("1") is None

    def test_partitions_stand_beside_each_other(self, state: AnyState, lease: Lease) -> None:
        state.commit(
            lease,
            "dev",
            [materialization("1", partition="2024-01"), materialization("2", partition="2024-02")],
        )
        both = {Node("marts.a", "2024-01"): "1", Node("marts.a", "2024-02"): "2"}
        assert {node: one.id for node, one in state.current("dev").items()} == both
        assert [one.id for one in state.history("marts.a")] == ["2", "1"]
        assert [one.id for one in state.candidates(Node("marts.a", "2024-01"), "r1")] == ["1"]
        assert list(state.candidates(Node("marts.a"), "r1")) == []

    def test_a_record_never_changes(self, state: AnyState, lease: Lease) -> None:
        state.commit(lease, "dev", [materialization("1")])
        state.commit(lease, "dev", [materialization("1")])
        with pytest.raises(StoreError, match="recorded already"):
            state.commit(lease, "dev", [materialization("1", recipe="r2")])
        assert state.current("dev")[Node("marts.a")] == materialization("1")

    def test_candidates_have_the_recipe_and_come_newest_first(self, state: AnyState, lease: Lease) -> None:
        state.commit(
            lease, "dev", [materialization("1"), materialization("2", "marts.b"), materialization("3")]
        )
        state.commit(lease, "dev", [materialization("4", recipe="r2"), materialization("5")])
        assert [one.id for one in state.candidates(Node("marts.a"), "r1")] == ["5", "3", "1"]
        assert [one.id for one in state.candidates(Node("marts.a"), "r1", limit=2)] == ["5", "3"]
        assert list(state.candidates(Node("marts.a"), "r9")) == []

    def test_candidates_go_back_to_the_first(self, state: AnyState, lease: Lease) -> None:
        """What switches back after many builds finds what was there before them all."""
        state.commit(lease, "dev", [materialization(str(n)) for n in range(200)])
        assert [one.id for one in state.candidates(Node("marts.a"), "r1")] == [
            str(n) for n in range(199, -1, -1)
        ]

    def test_history(self, state: AnyState, lease: Lease) -> None:
        state.commit(lease, "dev", [materialization(str(n), f"marts.a{n % 2}") for n in range(6)])
        assert [one.id for one in state.history(limit=4)] == ["5", "4", "3", "2"]
        assert [one.id for one in state.history("marts.a1")] == ["5", "3", "1"]

    def test_the_revision_grows_with_every_change(self, state: AnyState, lease: Lease) -> None:
        seen = [state.revision()]
        state.commit(lease, "dev", [materialization("1")])
        seen.append(state.revision())
        state.commit(lease, "dev", [], [materialization("1")])
        seen.append(state.revision())
        state.record_failure(lease, "dev", Failure("marts.a", "run1", "r1", 1.0, "boom"))
        seen.append(state.revision())
        state.finish(lease, "run1", RunStatus.SUCCESS, 6.0)
        seen.append(state.revision())
        assert seen == sorted(set(seen))

    def test_an_empty_commit_changes_nothing(self, state: AnyState, lease: Lease) -> None:
        before = state.revision()
        state.commit(lease, "dev", [])
        assert state.revision() == before


class TestRuns:
    def test_tokens_grow(self, state: AnyState) -> None:
        tokens = []
        for n in range(3):
            held = state.acquire(run(f"run{n}"))
            tokens.append(held.token)
            held.release()
        assert tokens == sorted(set(tokens))

    def test_an_outdated_lease_writes_nothing(self, state: AnyState) -> None:
        old = state.acquire(run("run1"))
        old.release()
        new = state.acquire(run("run2"))
        with pytest.raises(BusyError, match="lost its lease"):
            state.commit(old, "dev", [materialization("1")])
        with pytest.raises(BusyError, match="lost its lease"):
            state.finish(old, "run1", RunStatus.SUCCESS, 9.0)
        with pytest.raises(BusyError, match="lost its lease"):
            state.record_failure(old, "dev", Failure("marts.a", "run1", "r1", 1.0, "boom"))
        with pytest.raises(BusyError, match="lost its lease"):
            state.record_outcomes(old, "run1", [{"asset": "a"}])
        assert state.materialization("1") is None
        new.release()

    def test_the_next_build_reaps_a_run_that_never_ended(self, state: AnyState) -> None:
        state.acquire(run("run1")).release()
        state.acquire(run("run2")).release()
        assert [(one.id, one.status) for one in state.runs()] == [
            ("run2", RunStatus.RUNNING),
            ("run1", RunStatus.ABANDONED),
        ]
        assert state.runs()[1].finished is not None

    @pytest.mark.parametrize(
        "end", [RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.ABANDONED]
    )
    def test_an_end_is_for_ever(self, state: AnyState, end: RunStatus) -> None:
        first = state.acquire(run("run1"))
        state.finish(first, "run1", end, 9.0)
        with pytest.raises(StoreError, match="never changes"):
            state.finish(first, "run1", RunStatus.FAILED, 10.0)
        first.release()
        state.acquire(run("run2")).release()
        assert state.runs()[-1] == msgspec.structs.replace(run("run1"), status=end, finished=9.0)

    def test_a_run_keeps_how_many_ended_how(self, state: AnyState, lease: Lease) -> None:
        counts = {Outcome.BUILT: 3, Outcome.FAILED: 1}
        state.finish(lease, "run1", RunStatus.FAILED, 9.0, counts)
        assert state.runs()[0].counts == counts

    def test_a_run_can_not_end_as_running(self, state: AnyState, lease: Lease) -> None:
        with pytest.raises(ValueError, match="terminal"):
            state.finish(lease, "run1", RunStatus.RUNNING, 1.0)

    def test_an_unknown_run_can_not_end(self, state: AnyState, lease: Lease) -> None:
        with pytest.raises(StoreError, match="no run"):
            state.finish(lease, "run9", RunStatus.SUCCESS, 1.0)

    def test_run_ids_are_unique(self, state: AnyState) -> None:
        state.acquire(run("run1")).release()
        with pytest.raises(StoreError, match="unique"):
            state.acquire(run("run1"))
        state.acquire(run("run2")).release()

    def test_outcomes_come_in_the_order_recorded(self, state: AnyState, lease: Lease) -> None:
        state.record_outcomes(
            lease, "run1", [{"asset": "b", "rows": 1}, {"asset": "a", "reasons": [{"kind": "x"}]}]
        )
        state.record_outcomes(lease, "run1", [{"asset": "c", "error": None}])
        assert [one["asset"] for one in state.run_outcomes("run1")] == ["b", "a", "c"]
        assert state.run_outcomes("run1")[1] == {"asset": "a", "reasons": [{"kind": "x"}]}
        assert list(state.run_outcomes("other")) == []

    def test_a_failure_is_remembered_until_the_asset_is_materialized(
        self, state: AnyState, lease: Lease
    ) -> None:
        failure = Failure("marts.a", "run1", "r1", 5.0, "ValueError: x", "Traceback …", 3)
        state.record_failure(lease, "dev", failure)
        state.record_failure(lease, "dev", msgspec.structs.replace(failure, asset="marts.b"))
        state.record_failure(lease, "prod", failure)
        assert state.failures("dev")[Node("marts.a")] == failure
        state.commit(lease, "dev", [materialization("1")])
        assert list(state.failures("dev")) == [Node("marts.b")]
        assert list(state.failures("prod")) == [Node("marts.a")]


class TestBuilders:
    def test_builds_overlap(self, state: AnyState) -> None:
        leases = [state.acquire(run(f"run{n}", environment=f"env{n}")) for n in (1, 2)]
        assert [(one.run, one.environment, one.whole) for one in state.holders()] == [
            ("run1", "env1", False),
            ("run2", "env2", False),
        ]
        for lease in leases:
            state.commit(lease, "dev", [materialization(str(lease.token), f"marts.{'ab'[lease.token % 2]}")])
            lease.release()
            lease.release()
        assert len(state.current("dev")) == 2
        assert list(state.holders()) == []
        assert state.environments() == ["dev", "env1", "env2"]

    def test_what_holds_the_whole_keeps_builds_out_and_they_it(self, state: AnyState) -> None:
        lease = state.acquire(run("run1"))
        with pytest.raises(BusyError, match="gc can't begin"):
            state.hold("gc")
        lease.release()
        whole = state.hold("gc")
        with pytest.raises(BusyError, match="a build can't begin"):
            state.acquire(run("run2"))
        with pytest.raises(BusyError, match="fsck can't begin"):
            state.hold("fsck")
        whole.release()
        state.acquire(run("run2")).release()
        assert [one.id for one in state.runs()] == ["run2", "run1"]


A, B = Node("marts.a"), Node("marts.b")


def ask(
    state: AnyState, lease: Lease, request: ClaimRequest, budget: int | None = None, where: str = "dev"
) -> Claimed:
    """The answer to one request."""
    (claim,) = state.claim(lease, where, [request], budget)
    assert claim.node == request.node
    assert (claim.holder is not None) == (claim.answer is Claimed.HELD)
    return claim.answer


class TestClaims:
    @pytest.fixture
    def other(self, state: AnyState, lease: Lease) -> Iterator[Lease]:
        held = state.acquire(run("run2"))
        yield held
        held.release()

    def test_a_node_is_made_by_one_build_at_a_time(self, state: AnyState, lease: Lease, other: Lease) -> None:
        assert ask(state, lease, ClaimRequest(A, None)) is Claimed.GRANTED
        assert ask(state, lease, ClaimRequest(A, None)) is Claimed.GRANTED
        (held,) = state.claim(other, "dev", [ClaimRequest(A, None)])
        assert held.holder is not None
        assert (held.answer, held.holder.run) == (Claimed.HELD, "run1")
        assert ask(state, other, ClaimRequest(B, None)) is Claimed.GRANTED
        assert ask(state, other, ClaimRequest(Node("marts.a", "2024"), None)) is Claimed.GRANTED

    def test_environments_do_not_hinder_each_other(self, state: AnyState, lease: Lease, other: Lease) -> None:
        assert ask(state, lease, ClaimRequest(A, None)) is Claimed.GRANTED
        assert ask(state, other, ClaimRequest(A, None), where="prod") is Claimed.GRANTED

    @pytest.mark.parametrize("end", ["commit", "failure", "unclaim", "release"])
    def test_a_claim_ends_with_what_it_was_for(
        self, state: AnyState, lease: Lease, other: Lease, end: str
    ) -> None:
        ask(state, lease, ClaimRequest(A, None))
        match end:
            case "commit":
                state.commit(lease, "dev", [materialization("1")])
            case "failure":
                state.record_failure(lease, "dev", Failure(A.asset, "run1", "r1", 1.0, "boom"))
            case "unclaim":
                state.unclaim(lease, "dev", [A])
            case _:
                lease.release()
        saw = "1" if end == "commit" else None
        assert ask(state, other, ClaimRequest(A, saw)) is Claimed.GRANTED

    def test_only_its_own_claims_are_given_back(self, state: AnyState, lease: Lease, other: Lease) -> None:
        ask(state, lease, ClaimRequest(A, None))
        state.unclaim(other, "dev", [A])
        assert ask(state, other, ClaimRequest(A, None)) is Claimed.HELD

    def test_what_was_made_since_it_was_seen_is_decided_again(
        self, state: AnyState, lease: Lease, other: Lease
    ) -> None:
        state.commit(lease, "dev", [materialization("1")])
        assert ask(state, other, ClaimRequest(A, None)) is Claimed.MOVED
        assert ask(state, other, ClaimRequest(A, "1")) is Claimed.GRANTED

    def test_a_claim_with_others_is_granted_with_all_of_them_or_not_at_all(
        self, state: AnyState, lease: Lease, other: Lease
    ) -> None:
        ask(state, lease, ClaimRequest(B, None))
        assert ask(state, other, ClaimRequest(A, None, also=(B,))) is Claimed.HELD
        assert ask(state, lease, ClaimRequest(A, None)) is Claimed.GRANTED
        state.unclaim(lease, "dev", [A, B])
        assert ask(state, other, ClaimRequest(A, None, also=(B,))) is Claimed.GRANTED
        assert ask(state, lease, ClaimRequest(B, None)) is Claimed.HELD

    def test_all_builds_share_one_budget_of_memory(self, state: AnyState, lease: Lease, other: Lease) -> None:
        """Beside nothing at all even what takes too much may run."""
        assert ask(state, lease, ClaimRequest(A, None, memory=90), 100) is Claimed.GRANTED
        assert ask(state, other, ClaimRequest(B, None, memory=20), 100) is Claimed.FULL
        assert ask(state, other, ClaimRequest(B, None, memory=10), 100) is Claimed.GRANTED
        state.unclaim(lease, "dev", [A])
        state.unclaim(other, "dev", [B])
        assert ask(state, other, ClaimRequest(B, None, memory=900), 100) is Claimed.GRANTED

    def test_the_slots_of_a_pool_are_claims(self, state: AnyState, lease: Lease, other: Lease) -> None:
        """All builds share them, whatever the environment; the slot of a build that has ended is free."""
        pool = ("api", 1)
        assert ask(state, lease, ClaimRequest(A, None, pool=pool)) is Claimed.GRANTED
        (answer,) = state.claim(other, "dev", [ClaimRequest(B, None, pool=pool)])
        assert answer.answer is Claimed.FULL
        assert answer.holder is not None
        (elsewhere,) = state.claim(other, "prod", [ClaimRequest(B, None, pool=pool)])
        assert elsewhere.answer is Claimed.FULL
        assert ask(state, other, ClaimRequest(B, None, pool=("other", 1))) is Claimed.GRANTED
        state.unclaim(other, "dev", [B])
        lease.release()
        assert ask(state, other, ClaimRequest(B, None, pool=pool)) is Claimed.GRANTED

    def test_an_outdated_lease_claims_nothing(self, state: AnyState, lease: Lease, other: Lease) -> None:
        lease.release()
        state.acquire(run("run3")).release()
        with pytest.raises(BusyError, match="lost its lease"):
            state.claim(lease, "dev", [ClaimRequest(A, None)])


class TestCompareAndSet:
    def test_a_pointer_that_moved_since_it_was_seen_stays(self, state: AnyState, lease: Lease) -> None:
        """What was made is kept for reuse: it is in the history and among the candidates."""
        state.commit(lease, "dev", [materialization("1")])
        late = materialization("2")
        assert state.commit(lease, "dev", [late], seen={A: Seen(None)}) == {A}
        assert state.current("dev")[A].id == "1"
        assert [one.id for one in state.candidates(A, "r1")] == ["2", "1"]
        assert state.commit(lease, "dev", [], [late], seen={A: Seen("1")}) == frozenset()
        assert state.current("dev")[A].id == "2"

    def test_an_upstream_that_is_another_content_now_keeps_the_pointer(
        self, state: AnyState, lease: Lease
    ) -> None:
        state.commit(lease, "dev", [materialization("1")])
        upstream = state.current("dev")[A].version.id
        seen = {B: Seen(None, ((A, upstream),))}
        state.commit(lease, "dev", [materialization("2")])
        assert state.commit(lease, "dev", [materialization("3", "marts.b")], seen=seen) == {B}
        assert B not in state.current("dev")
        state.commit(lease, "dev", [], [materialization("1")])
        assert state.commit(lease, "dev", [], [materialization("3", "marts.b")], seen=seen) == frozenset()
        assert B in state.current("dev")

    def test_the_content_that_counts_is_that_of_the_environment(self, state: AnyState, lease: Lease) -> None:
        state.commit(lease, "dev", [materialization("1")])
        upstream = state.current("dev")[A].version.id
        seen = {B: Seen(None, ((A, upstream),))}
        assert state.commit(lease, "prod", [materialization("2", "marts.b")], seen=seen) == {B}

    def test_a_source_counts_as_it_was_last_recorded(self, state: AnyState, lease: Lease) -> None:
        version = materialization("1").version
        record = SourceRecord("raw.x", "data/x.csv", (), version, 1.0)
        seen = {A: Seen(None, (), (("raw.x", version.id),))}
        assert state.commit(lease, "dev", [materialization("1")], seen=seen) == {A}
        state.remember_sources([record])
        assert state.commit(lease, "dev", [], [materialization("1")], seen=seen) == frozenset()
        newer = msgspec.structs.replace(record, version=materialization("9").version)
        state.remember_sources([newer])
        again = {A: Seen("1", (), (("raw.x", version.id),))}
        assert state.commit(lease, "dev", [materialization("2")], seen=again) == {A}

    def test_of_one_group_each_is_compared_for_itself(self, state: AnyState, lease: Lease) -> None:
        failure = Failure(A.asset, "run1", "r1", 1.0, "boom")
        state.record_failure(lease, "dev", failure)
        state.record_failure(lease, "dev", msgspec.structs.replace(failure, asset=B.asset))
        made = [materialization("1"), materialization("2", "marts.b")]
        assert state.commit(lease, "dev", made, seen={A: Seen("gone"), B: Seen(None)}) == {A}
        assert list(state.current("dev")) == [B]
        assert list(state.failures("dev")) == [A]


class TestEnvironments:
    def test_an_environment_is_removed_with_its_pointers(self, state: AnyState) -> None:
        lease = state.acquire(run("run1", environment="prod"))
        state.commit(lease, "prod", [materialization("1"), materialization("2", "marts.b")])
        state.commit(lease, "dev", [], [materialization("1")])
        state.record_failure(lease, "prod", Failure(A.asset, "run1", "r1", 1.0, "boom"))
        with pytest.raises(BusyError, match=r"run1|removal"):
            state.remove_environment("prod")
        lease.release()
        assert state.remove_environment("prod") == 2
        assert dict(state.current("prod")) == {}
        assert dict(state.failures("prod")) == {}
        assert dict(state.durations("prod")) == {}
        assert state.environments() == ["dev"]
        assert len(state.current("dev")) == 1
        assert len(state.history()) == 2
        assert state.remove_environment("prod") == 0


class TestFacts:
    def test_fingerprints_by_version_and_footprint(self, state: AnyState) -> None:
        one, other = Footprint(("a",), None, ordered=False), Footprint(None, "x > 'é'", ordered=True)
        state.remember_fingerprints({("v1", one): "1:f", ("v1", other): "1:g", ("v2", one): "1:h"})
        state.remember_fingerprints({("v2", one): "1:h"})
        assert dict(state.fingerprints(["v1", "v1", "v9"])) == {("v1", one): "1:f", ("v1", other): "1:g"}
        assert dict(state.fingerprints([])) == {}

    def test_sources_replace_what_was_seen_before(self, state: AnyState) -> None:
        record = SourceRecord(
            "raw.x", "data/*.csv", (FileStamp("a", 1, 2, 3, 4),), materialization("1").version, 1.0
        )
        newer = msgspec.structs.replace(record, observed=2.0)
        state.remember_sources([record])
        state.remember_sources([newer])
        assert dict(state.sources()) == {"raw.x": newer}

    def test_the_code_behind_a_recipe(self, state: AnyState) -> None:
        parts = [CodePart("f", Place("assets/a.py", 3), "d", "def f(): …")]
        state.remember_recipes({"r1": parts})
        assert list(state.recipe_parts("r1")) == parts
        assert list(state.recipe_parts("r2")) == []

    def test_durations_are_the_median_of_the_last_five(self, state: AnyState, lease: Lease) -> None:
        for n, seconds in enumerate([100.0, 1.0, 2.0, 3.0, 4.0, 50.0]):
            state.commit(lease, "dev", [materialization(str(n), seconds=seconds)])
        state.commit(lease, "prod", [materialization("prod", seconds=7.0)])
        assert dict(state.durations("dev")) == {Node("marts.a"): (3.0, 50_000)}
        assert dict(state.durations("prod")) == {Node("marts.a"): (7.0, 7_000)}


def test_fingerprints_of_another_algorithm_are_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    one = Footprint(("a",), None, ordered=False)
    before = open_state(path, algorithm="a1")
    before.remember_fingerprints({("v1", one): "1:f"})
    before.close()
    after = open_state(path, algorithm="a2")
    assert dict(after.fingerprints(["v1"])) == {}
    after.remember_fingerprints({("v1", one): "1:g"})
    after.close()
    again = open_state(path, algorithm="a1")
    assert dict(again.fingerprints(["v1"])) == {("v1", one): "1:f"}
    again.close()


# -- goals ---------------------------------------------------------------------------------------------


def test_observations_are_remembered_by_version(state: AnyState) -> None:
    """Of sources in every environment, of assets in their own; the last one told counts."""
    state.remember_observations("", {("raw.x", "v1"): 1.0, ("raw.x", "v2"): 2.0})
    state.remember_observations("dev", {("marts.a", "v1"): 3.0})
    state.remember_observations("dev", {("marts.a", "v1"): 2.5})
    assert state.observations("dev") == {("raw.x", "v1"): 1.0, ("raw.x", "v2"): 2.0, ("marts.a", "v1"): 2.5}
    assert state.observations("prod") == {("raw.x", "v1"): 1.0, ("raw.x", "v2"): 2.0}


def test_backfills_are_kept_until_they_are_done(state: AnyState) -> None:
    """With what was done for them."""
    goal = Backfill("a1", ("marts.a",), ("2024-01..",), 5.0)
    state.record_backfill("dev", goal)
    state.record_backfill("dev", Backfill("b2", (), ("2023",), 3.0, oldest_first=True, share=0.3))
    state.record_backfill("dev", msgspec.structs.replace(goal, built=7, seconds=(0.1, 2.0)))
    assert [one.id for one in state.backfills("dev")] == ["b2", "a1"]
    assert state.backfills("dev")[1].built == 7
    state.forget_backfill("dev", "b2")
    assert [one.id for one in state.backfills("dev")] == ["a1"]
    assert state.backfills("prod") == ()


def test_pauses_hold_until_they_are_taken_back(state: AnyState) -> None:
    """In their environment."""
    state.set_pauses("dev", {"marts.a": Pause(1.0, 9.0), "marts.b": Pause(1.0)})
    state.set_pauses("dev", {"marts.b": None})
    assert state.pauses("dev") == {"marts.a": Pause(1.0, 9.0)}
    assert state.pauses("prod") == {}


def test_durations_have_a_range(state: AnyState, lease: Lease) -> None:
    """The shortest and the longest of the last few."""
    for name, seconds in (("m1", 3.0), ("m2", 1.0), ("m3", 2.0)):
        state.commit(lease, "dev", [materialization(name, seconds=seconds)])
    assert state.duration_ranges("dev") == {Node("marts.a"): (1.0, 3.0)}
