"""A line of a file with a caret under what is meant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.errors import caret_excerpt


def test_the_caret_stands_under_the_words() -> None:
    assert caret_excerpt("a\nselect amont", 2, 8, 5) == "2 | select amont\n  |        ^^^^^"


@given(st.text("abc ", min_size=1, max_size=2000), st.data())
def test_the_caret_stands_under_the_same_characters_of_a_line_of_any_length(
    line: str, data: st.DataObject
) -> None:
    column = data.draw(st.integers(1, len(line)))
    width = data.draw(st.integers(1, min(40, len(line) - column + 1)))
    shown, under = (part.split(" | ", 1)[1] for part in caret_excerpt(line, 1, column, width).split("\n"))
    start, wide = under.index("^"), under.count("^")
    assert wide == width or line[column - 1 : column - 1 + wide] + " …" == shown[start:]
    assert shown[start : start + wide] == line[column - 1 : column - 1 + wide]
    assert len(shown) <= 124
