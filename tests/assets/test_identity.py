"""A node is an asset or one partition of it; its text can be read back and sorts as it does."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.identity import Node

KEYS = st.from_regex(r"[a-z_][a-z0-9_]{0,8}(\.[a-z_][a-z0-9_]{0,8}){0,2}", fullmatch=True)
NODES = st.builds(Node, KEYS, st.none() | st.text(min_size=1))


@given(NODES)
def test_the_text_of_a_node_names_it_alone(node: Node) -> None:
    assert Node.parse(str(node)) == node


@given(NODES)
def test_a_node_survives_json(node: Node) -> None:
    assert msgspec.json.decode(msgspec.json.encode(node), type=Node) == node


@given(st.lists(NODES))
def test_nodes_sort_by_asset_and_the_whole_before_its_partitions(nodes: list[Node]) -> None:
    found = sorted(nodes)
    assert [node.asset for node in found] == sorted(node.asset for node in nodes)
    for before, after in pairwise(found):
        if before.asset == after.asset:
            assert after.partition is not None or before.partition is None


def test_a_whole_asset_is_written_as_its_key() -> None:
    assert str(Node("marts.sales")) == "marts.sales"
    assert str(Node("marts.sales", "2024-05-01")) == "marts.sales[2024-05-01]"


@pytest.mark.parametrize("text", ["", "[x]", "a[", "a[]", "a[x", "a[x]y"])
def test_what_is_no_node_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the text of a node"):
        Node.parse(text)
