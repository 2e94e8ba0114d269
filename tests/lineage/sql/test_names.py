"""Names are data: whatever they hold, they never become SQL."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.lineage.sql.names import literal, quote, relation_name

# Any text that is valid UTF-8 and holds no NUL.
ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)


@given(name=ANY_TEXT)
def test_a_quoted_name_comes_back_as_the_name_of_the_column(name: str) -> None:
    assert [column[0] for column in duckdb.execute(f"select 1 as {quote(name)}").description] == [name]


@given(text=ANY_TEXT)
def test_a_literal_comes_back_as_the_text(text: str) -> None:
    assert duckdb.execute(f"select {literal(text)}").fetchall() == [(text,)]


@pytest.mark.parametrize("bad", ["", "a\0b"])
def test_what_no_engine_can_hold_in_a_name_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        quote(bad)


def test_a_literal_with_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        literal("a\0b")


@pytest.mark.parametrize(
    ("key", "relation"),
    [
        ("a", 'main."a"'),
        ("x.y", '"x"."y"'),
        ("x.y.z", '"x.y"."z"'),
        ("w.x.y.z", '"w.x.y"."z"'),
        ("select", 'main."select"'),
    ],
)
def test_the_view_of_a_key_has_all_but_its_last_part_as_schema(key: str, relation: str) -> None:
    assert relation_name(key) == relation
