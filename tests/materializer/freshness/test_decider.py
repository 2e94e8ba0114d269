"""Plans as values: what a build would do with each asset, in which order, along which critical path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from upriver.assets.errors import Diagnosis
from upriver.assets.identity import Node
from upriver.assets.model import Column, Key, Schema
from upriver.lineage.graph import AssetGraph
from upriver.lineage.model import Footprint
from upriver.materializer.freshness.decide import (
    EACH_BUILD,
    Settled,
    Subject,
    Unsettled,
    Upstream,
    schema_text,
)
from upriver.materializer.freshness.decider import Decider, Finding
from upriver.materializer.model import (
    Action,
    ArtifactRef,
    Cause,
    Failure,
    Materialization,
    Read,
    Reason,
    State,
    Trace,
    Version,
)

SCHEMA = (Column("x", "BIGINT"),)
CHAIN = AssetGraph({"src": (), "a": ("src",), "b": ("a",), "c": ("b",)})


class ById:
    """Contents that are the same when their ids are, but for the ids' part behind a dash."""

    def same(self, read: Read, now: Version) -> bool:
        return read.version.split("-")[0] == now.id.split("-")[0]

    def changed_columns(self, read: Read, now: Version) -> tuple[str, ...]:
        return ()

    def describe_change(self, read: Read, now: Version) -> str:
        return "content changed"

    def bindings(self, asset: Key, upstreams: Mapping[Key, Schema]) -> tuple[str, ...]:
        return ("bound",)

    def alias_equivalent(self, asset: Key, recipe: str) -> bool:
        return False

    def external(self, name: str) -> str | None:
        return None


def version(id: str) -> Version:
    return Version(id, SCHEMA, 1, 10, (ArtifactRef(id, ".parquet", 10),))


def made(
    asset: Key, id: str, recipe: str = "r", environment: tuple[tuple[str, str], ...] = (), **reads: str
) -> Materialization:
    """A materialization of *asset* with content *id*, from versions of upstreams."""
    read = tuple(
        Read(key, Footprint(("x",), None, False), one, schema_text(SCHEMA)) for key, one in reads.items()
    )
    return Materialization(
        f"{asset}:{id}", asset, None, "run", Trace(recipe, "bound", read, environment), version(id), 0.0, 1.0
    )


RECORDS = {"a": made("a", "a1", src="s1"), "b": made("b", "b1", a="a1"), "c": made("c", "c1", b="b1")}


def survey(
    source: str | None,
    records: Mapping[Key, Materialization] = RECORDS,
    *,
    graph: AssetGraph = CHAIN,
    recipes: Mapping[Key, str] | None = None,
    earlier: Sequence[Materialization] = (),
    failures: Mapping[Key, Failure] | None = None,
    broken: Mapping[Key, str] | None = None,
    forced: Sequence[Key] = (),
    gone: Sequence[str] = (),
) -> dict[Key, Finding]:
    """Decide everything but the source, which holds *source* now (None: it is missing); by asset."""
    chosen = recipes or {}
    nodes = graph.nodes.of(key for key in graph.order if key != "src")
    upstream: Upstream = Unsettled(State.MISSING) if source is None else Settled(version(source))
    decider = Decider(
        {node: Subject(node, chosen.get(node.asset, "r"), graph.nodes.upstreams(node)) for node in nodes},
        {Node(key): record for key, record in records.items()},
        lambda key: upstream,
        lambda node, recipe, limit: [
            one for one in earlier if one.node == node and one.trace.recipe == recipe
        ][: limit if limit >= 0 else None],
        lambda one: one.version.id not in gone,
        ById(),
        failures={Node(key): failure for key, failure in (failures or {}).items()},
        broken={key: (Diagnosis("any", said),) for key, said in (broken or {}).items()},
        today="2024-05-01",
        forced=graph.nodes.of(forced),
    )
    found = decider.survey(graph.nodes.of(graph.order))
    return {node.asset: finding for node, finding in found.items()}


def actions(found: Mapping[Key, Finding]) -> dict[Key, tuple[str, str]]:
    return {key: (finding.action.value, finding.state.value) for key, finding in found.items()}


def test_nothing_changed_and_everything_is_fresh() -> None:
    found = survey("s1")
    assert found == {
        key: Finding(Node(key), Action.FRESH, State.FRESH, (), version=RECORDS[key].version) for key in "abc"
    }


def test_a_source_with_another_name_and_the_same_content_changes_nothing() -> None:
    assert {finding.action for finding in survey("s1-touched").values()} == {Action.FRESH}


def test_a_change_is_built_where_it_is_read_and_may_end_there() -> None:
    assert survey("s2") == {
        "a": Finding(
            Node("a"), Action.BUILD, State.STALE, (Reason(Cause.DATA, "src", detail="content changed"),)
        ),
        "b": Finding(Node("b"), Action.MAYBE, State.PENDING, (Reason(Cause.UPSTREAM, "a", detail="stale"),)),
        "c": Finding(
            Node("c"), Action.MAYBE, State.PENDING, (Reason(Cause.UPSTREAM, "b", detail="pending"),)
        ),
    }


def test_what_an_earlier_build_made_of_the_same_is_reused_and_settles_what_follows() -> None:
    back = {**RECORDS, "a": made("a", "a2", src="s2"), "b": made("b", "b2", a="a2")}
    earlier = [made("a", "a1", src="s1"), made("b", "b1", a="a1")]
    found = survey("s1", back, earlier=earlier)
    assert actions(found) == {"a": ("reuse", "stale"), "b": ("reuse", "stale"), "c": ("fresh", "fresh")}
    assert found["a"].reuse == earlier[0]
    assert found["a"].version == version("a1")


def test_nothing_is_reused_of_what_is_gone_from_the_store_or_differs_at_each_build() -> None:
    earlier = [
        made("a", "a0", src="s1"),
        made("a", "a1", src="s1", environment=(("random()", EACH_BUILD),)),
    ]
    assert survey("s1", {}, earlier=earlier, gone=["a0"])["a"].action is Action.BUILD


def test_an_earlier_build_may_still_be_the_one_while_an_upstream_is_open() -> None:
    found = survey("s2", {"a": RECORDS["a"]}, earlier=[made("b", "b9", a="a9")])
    assert actions(found) == {"a": ("build", "stale"), "b": ("maybe", "missing"), "c": ("build", "missing")}


def test_an_artifact_that_is_gone_makes_missing() -> None:
    assert actions(survey("s1", gone=["b1"])) == {
        "a": ("fresh", "fresh"), "b": ("build", "missing"), "c": ("maybe", "pending")
    }  # fmt: skip


def test_force_builds_what_was_asked_for_and_tells_other_reasons_too() -> None:
    found = survey("s2", forced=["a"])
    assert found["a"].action is Action.BUILD
    assert [reason.kind for reason in found["a"].reasons] == [Cause.FORCED, Cause.DATA]
    assert survey("s1", forced=["c"])["c"].state is State.STALE


def failure(asset: Key, recipe: str) -> Failure:
    return Failure(asset, "run", recipe, 0.0, "ValueError: no")


def test_a_failure_stands_as_long_as_its_recipe_and_blocks_what_reads_it() -> None:
    found = survey("s2", failures={"a": failure("a", "r")})
    assert [finding.state for finding in found.values()] == [State.FAILED, State.BLOCKED, State.BLOCKED]
    found = survey("s2", failures={"a": failure("a", "an older one")})
    assert [finding.state for finding in found.values()] == [State.STALE, State.PENDING, State.PENDING]


def test_a_failure_that_is_over_by_a_fresh_trace_is_not_told() -> None:
    assert survey("s1", failures={"a": failure("a", "r")})["a"].state is State.FRESH


def test_what_can_not_be_bound_is_broken_and_blocks_what_reads_it() -> None:
    found = survey("s1", broken={"b": "no column y"})
    assert actions(found) == {"a": ("fresh", "fresh"), "b": ("broken", "broken"), "c": ("blocked", "blocked")}
    assert [(reason.kind, reason.detail) for reason in found["b"].reasons] == [(Cause.UNBOUND, "no column y")]
    assert found["b"].diagnoses == (Diagnosis("any", "no column y"),)


def test_what_is_broken_is_so_whatever_else_is_known_of_it() -> None:
    """A failure of before, an artifact that verifies and a wish to build it change nothing."""
    found = survey("s1", failures={"a": failure("a", "r")}, broken={"a": "gone"}, forced=("a", "b"))
    assert actions(found) == {
        "a": ("broken", "broken"),
        "b": ("blocked", "blocked"),
        "c": ("blocked", "blocked"),
    }


def test_a_source_that_is_missing_leaves_its_readers_pending() -> None:
    found = survey(None)
    assert found["a"].state is State.PENDING
    assert found["a"].reasons == (Reason(Cause.UPSTREAM, "src", detail="missing"),)


# -- what is in the way ------------------------------------------------------------------------------
def test_what_is_in_the_way_is_named_also_to_what_was_never_built() -> None:
    found = survey("s1", {}, broken={"a": "no column 'y'"})
    assert [found[key].state for key in "abc"] == [State.BROKEN, State.BLOCKED, State.BLOCKED]
    assert found["b"].reasons == (
        Reason(Cause.MISSING, "b", detail="never built"),
        Reason(Cause.UPSTREAM, "a", detail="broken"),
    )
    assert found["c"].reasons[-1] == Reason(Cause.UPSTREAM, "b", detail="blocked")


def test_what_is_in_the_way_is_named_once() -> None:
    found = survey("s2", broken={"a": "no column 'y'"}, forced=("b",))
    assert [reason.kind for reason in found["b"].reasons] == [Cause.FORCED, Cause.UPSTREAM]
    assert [(reason.kind, reason.asset) for reason in found["c"].reasons] == [(Cause.UPSTREAM, "b")]
