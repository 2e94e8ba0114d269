"""Edges in groups are the same edges."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.model import Column
from upriver.lineage.columns.groups import grouped
from upriver.lineage.model import Analysis, ColumnEdge, EdgeKind

NAMES = ("a", "b", "c", None)
"""The columns of a table, and its rows."""
SCHEMA = tuple(Column(name, "INTEGER") for name in NAMES if name)
EDGES = st.builds(
    ColumnEdge,
    st.sampled_from(("up", "other")),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.sampled_from(EdgeKind),
    st.sampled_from(("copy", "join")),
    st.sampled_from((None, "a + b")),
)


@given(st.lists(EDGES, max_size=60))
def test_groups_hold_the_edges_that_they_were_made_of(edges: list[ColumnEdge]) -> None:
    found = Analysis(SCHEMA, grouped(edges, SCHEMA)).edges
    assert set(found) == set(edges)
    assert len(found) == len(set(edges))


def test_what_decides_about_every_column_is_one_group() -> None:
    edges = [ColumnEdge("up", s, t, EdgeKind.INFLUENCE, "distinct") for s in ("x", "y") for t in NAMES]
    (group,) = grouped(edges, SCHEMA)
    assert (group.upstream_columns, group.columns) == (("x", "y"), None)


def test_edges_stand_by_output_column_and_values_first() -> None:
    edges = [
        ColumnEdge("up", "y", "b", EdgeKind.VALUE, "copy"),
        ColumnEdge("up", "x", "a", EdgeKind.INFLUENCE, "filter"),
        ColumnEdge("up", "y", "a", EdgeKind.VALUE, "copy"),
    ]
    found = Analysis(SCHEMA, grouped(edges, SCHEMA)).edges
    assert [(e.column, e.upstream_column) for e in found] == [("a", "y"), ("a", "x"), ("b", "y")]
