"""Walking the columns of an asset together meets what walking each of them alone meets."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.model import Key
from upriver.lineage.columns.graph import ColumnGraph, Columns, places
from upriver.lineage.graph import AssetGraph
from upriver.lineage.model import EdgeGroup, EdgeKind

COLUMNS = ("a", "b", "c", "d")
NAMES = (None, *COLUMNS)
"""The rows of an asset and its columns, in the order of their bits."""
KEYS = tuple(f"t{n}" for n in range(6))
SOME = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True).map(tuple)
Name = str | None
Edge = tuple[tuple[Key, Name], tuple[Key, Name]]


@st.composite
def projects(draw: st.DrawFn) -> dict[Key, tuple[EdgeGroup, ...]]:
    """Groups of edges into each asset, from assets before it."""
    found: dict[Key, tuple[EdgeGroup, ...]] = {KEYS[0]: ()}
    for number, key in enumerate(KEYS[1:], 1):
        group = st.builds(
            EdgeGroup, st.sampled_from(KEYS[:number]), SOME, st.none() | SOME, st.sampled_from(EdgeKind)
        )
        found[key] = tuple(draw(st.lists(group, max_size=4)))
    return found


def column_graph(groups: dict[Key, tuple[EdgeGroup, ...]]) -> ColumnGraph:
    reads = {key: tuple(dict.fromkeys(one.upstream for one in into)) for key, into in groups.items()}
    return ColumnGraph(AssetGraph(reads), lambda _: COLUMNS, groups.__getitem__)


def each(source: Key, sources: tuple[Name, ...], target: Key, targets: tuple[Name, ...] | None) -> set[Edge]:
    return {((source, s), (target, t)) for s in sources for t in targets or NAMES}


def one_by_one(
    groups: dict[Key, tuple[EdgeGroup, ...]], start: set[tuple[Key, Name]], depth: int | None, *, up: bool
) -> tuple[set[tuple[Key, Name]], set[Edge]]:
    """The same by the book: every edge alone, ring by ring."""
    near: defaultdict[tuple[Key, Name], set[Edge]] = defaultdict(set)
    for target, into in groups.items():
        for group in into:
            for edge in each(group.upstream, group.upstream_columns, target, group.columns):
                near[edge[1] if up else edge[0]].add(edge)
    seen, met, ring, level = set(start), set(), set(start), 0
    while ring and (depth is None or level < depth):
        edges = {edge for node in ring for edge in near[node]}
        met |= edges
        ring = {edge[0] if up else edge[1] for edge in edges} - seen
        seen |= ring
        level += 1
    return seen, met


@given(projects(), st.sampled_from(KEYS), st.integers(0, 31), st.none() | st.integers(0, 4), st.booleans())
def test_columns_walked_together_meet_the_edges_that_each_meets_alone(
    groups: dict[Key, tuple[EdgeGroup, ...]], key: Key, bits: int, depth: int | None, up: bool
) -> None:
    graph = column_graph(groups)
    reached, met = (graph.upward if up else graph.downward)(key, bits, depth)
    start = {(key, NAMES[place]) for place in places(bits)}
    seen, edges = one_by_one(groups, start, depth, up=up)
    assert {(asset, NAMES[place]) for asset, some in reached.items() for place in places(some)} == seen
    found: set[Edge] = set()
    for arrow, near in met.items():
        sources = tuple(NAMES[place] for place in places(arrow.sources if up else near))
        targets = tuple(NAMES[place] for place in places(near if up else arrow.targets))
        found |= each(arrow.group.upstream, sources, arrow.downstream, targets)
    assert found == edges


def test_a_column_is_found_in_any_letter_case_and_by_its_own_first() -> None:
    columns = Columns(["Id", "id", "Name"])
    assert [columns.bit(name) for name in ("Id", "id", "ID", "NAME")] == [2, 4, 2, 8]
    assert columns.bit("new") == columns.bit("NEW") == 16
    assert columns.all == 31
