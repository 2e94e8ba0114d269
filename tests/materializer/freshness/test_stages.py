"""Stages: the plan as a list, its start order and its critical path."""

from __future__ import annotations

from collections.abc import Mapping

from tests.materializer.freshness.test_decider import CHAIN, survey

from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.lineage.graph import AssetGraph
from upriver.materializer.answers import Step
from upriver.materializer.freshness.decider import Finding
from upriver.materializer.freshness.stages import Stages, explained, stages
from upriver.materializer.model import Action, Cause, Reason

WIDE = AssetGraph(
    {"src": (), "slow": ("src",), "quick": ("src",), "late": ("quick",), "end": ("slow", "late")}
)


def plan(
    graph: AssetGraph,
    found: Mapping[Key, Finding],
    seconds: Mapping[Key, float],
    sizes: Mapping[Key, int] | None = None,
) -> Stages:
    """The stages of findings and durations that are told by asset."""
    findings = {finding.node: finding for finding in found.values()}
    took = {Node(key): one for key, one in seconds.items()}
    return stages(graph.nodes, findings, took, sizes or {})


def test_steps_start_with_the_longest_chain_and_tell_the_critical_path() -> None:
    found = survey("s1", {}, graph=WIDE)
    seconds = {"slow": 5.0, "quick": 1.0, "late": 1.0, "end": 2.0}
    missing = (Reason(Cause.MISSING, "slow", detail="never built"),)
    planned = plan(WIDE, found, seconds)
    assert explained(planned)[0] == Step("slow", Action.BUILD, missing, 5.0)
    assert [step.asset for step in explained(planned)] == ["slow", "quick", "late", "end"]
    assert planned.critical_path == (Node("slow"), Node("end"))
    assert planned.seconds == 7.0


def test_a_long_chain_goes_on_before_short_work_that_could_have_started_sooner() -> None:
    graph = AssetGraph({"src": (), "slow": ("src",), "slower": ("slow",), "a": ("src",), "b": ("src",)})
    seconds = {"slow": 1.0, "slower": 9.0, "a": 2.0, "b": 3.0}
    planned = plan(graph, survey("s1", {}, graph=graph), seconds)
    assert [step.asset for step in explained(planned)] == ["slow", "slower", "b", "a"]


def test_a_path_without_known_durations_is_the_one_with_most_steps_and_has_no_length() -> None:
    planned = plan(WIDE, survey("s1", {}, graph=WIDE), {})
    assert planned.critical_path == (Node("quick"), Node("late"), Node("end"))
    assert planned.seconds is None


def test_what_was_never_built_is_expected_to_take_as_long_as_its_inputs_are_large() -> None:
    graph = AssetGraph({"small": (), "large": (), "a": ("small",), "b": ("large",), "c": ("a",)})
    found = {key: finding for key, finding in survey("s1", {}, graph=graph).items() if key in "abc"}
    sizes = {"small": 1_000, "large": 10_000_000_000}
    planned = plan(graph, found, {}, sizes)
    assert [step.asset for step in explained(planned)] == ["b", "a", "c"]
    assert (planned.critical_path, planned.seconds) == ((Node("b"),), None)
    planned = plan(graph, found, {"b": 0.001, "a": 0.1}, sizes)
    assert [step.asset for step in explained(planned)] == ["a", "c", "b"], "what it took counts for more"


def test_what_is_fresh_costs_nothing_and_is_on_no_critical_path() -> None:
    found = survey("s1")
    planned = plan(CHAIN, found, {"a": 5.0})
    assert [(step.asset, step.action, step.seconds) for step in explained(planned)] == [
        (key, Action.FRESH, None) for key in "abc"
    ]
    assert (planned.critical_path, planned.seconds) == ((), None)
    assert set(planned.priority.values()) == {0.0}
