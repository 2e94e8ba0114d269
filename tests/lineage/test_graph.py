"""The graph: order, reach, and the shortest circle to show."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.model import Key
from upriver.lineage.graph import AssetGraph, CycleError

DIAMOND = AssetGraph({"d": ("b", "c"), "b": ("a",), "c": ("a",), "a": (), "alone": ()})


def test_every_node_comes_after_what_it_reads() -> None:
    assert DIAMOND.order == ("a", "alone", "b", "c", "d")


def test_a_selection_is_sorted_without_repetition() -> None:
    assert DIAMOND.sort(["d", "a", "d", "c"]) == ("a", "c", "d")


def test_reach_contains_its_start() -> None:
    assert DIAMOND.ancestors(["b"]) == {"a", "b"}
    assert DIAMOND.descendants(["b", "alone"]) == {"b", "d", "alone"}
    assert DIAMOND.upstreams("d") == ("b", "c")
    assert DIAMOND.downstreams("a") == ("b", "c")


@pytest.mark.parametrize(
    ("upstreams", "path"),
    [
        ({"a": ("a",)}, ("a", "a")),
        ({"a": ("b",), "b": ("a",)}, ("a", "b", "a")),
        ({"a": ("b",), "b": ("c", "a"), "c": ("a",)}, ("a", "b", "a")),
        ({"a": ("b",), "b": ("c",), "c": ("b",)}, ("b", "c", "b")),
        ({"x": (), "a": ("x", "b"), "b": ("a",), "z": ("a",)}, ("a", "b", "a")),
    ],
    ids=["itself", "two", "the shorter of two", "read by no cycle", "among others"],
)
def test_a_circle_is_told_from_its_first_member_by_the_shortest_way(
    upstreams: dict[Key, tuple[Key, ...]], path: tuple[Key, ...]
) -> None:
    with pytest.raises(CycleError) as caught:
        AssetGraph(upstreams)
    assert caught.value.path == path
    assert str(caught.value) == " → ".join(path)


@st.composite
def acyclic(draw: st.DrawFn) -> dict[Key, tuple[Key, ...]]:
    """Nodes that read earlier nodes, given in any order."""
    count = draw(st.integers(0, 12))
    edges = {
        f"n{i}": tuple(sorted(draw(st.sets(st.sampled_from([f"n{j}" for j in range(i)]))))) if i else ()
        for i in range(count)
    }
    return {key: edges[key] for key in draw(st.permutations(sorted(edges)))}


@given(acyclic())
def test_order_is_topological_and_complete(upstreams: dict[Key, tuple[Key, ...]]) -> None:
    graph = AssetGraph(upstreams)
    place = {key: index for index, key in enumerate(graph.order)}
    assert set(place) == set(upstreams)
    assert len(graph) == len(graph.order) == len(upstreams)
    assert all(place[up] < place[key] for key, reads in upstreams.items() for up in reads)


@given(acyclic())
def test_ancestors_and_descendants_mirror_each_other(upstreams: dict[Key, tuple[Key, ...]]) -> None:
    graph = AssetGraph(upstreams)
    for key in upstreams:
        assert all(key in graph.descendants([up]) for up in graph.ancestors([key]))
        assert all(key in graph.ancestors([down]) for down in graph.descendants([key]))


@given(acyclic().filter(lambda graph: len(graph) >= 2), st.data())
def test_an_edge_against_the_order_is_a_circle_of_real_edges(
    upstreams: dict[Key, tuple[Key, ...]], data: st.DataObject
) -> None:
    graph = AssetGraph(upstreams)
    below = data.draw(st.sampled_from(sorted(upstreams)))
    above = data.draw(st.sampled_from(sorted(graph.descendants([below]))))
    closed = {**upstreams, below: (*upstreams[below], above)}
    with pytest.raises(CycleError) as caught:
        AssetGraph(closed)
    path = caught.value.path
    assert path[0] == path[-1]
    assert len(set(path)) == len(path) - 1
    assert all(up in closed[key] for key, up in pairwise(path))
