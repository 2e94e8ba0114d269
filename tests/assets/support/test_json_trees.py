"""JSON of any depth is read and written as msgspec does it for what is not deep."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.support.json_trees import _decode_deep, _encode_deep, decode, encode

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text()
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(TREES)
def test_deep_trees_are_written_and_read_as_shallow_ones_are(tree: Any) -> None:
    text = msgspec.json.encode(tree).decode()
    assert _encode_deep(tree) == text
    assert _decode_deep(text) == msgspec.json.decode(text)
    assert _decode_deep(text.replace(",", " ,\n ") if "," not in str(tree) else text) == decode(text)


@pytest.mark.parametrize("deep", [10, 900, 50_000])
def test_no_depth_is_too_deep(deep: int) -> None:
    text = '{"a":[1,' * deep + "null" + "]}" * deep
    assert encode(decode(text)) == text
