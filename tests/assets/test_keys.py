"""Keys: which there are, and how paths make them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.loading.sql_module import bad_path, path_problem, usable
from upriver.assets.model import MAX_KEY_LENGTH, key_problem
from upriver.assets.project.layout import path_parts

parts = st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True).filter(lambda part: not key_problem(part))


@given(st.lists(parts, min_size=1, max_size=5))
def test_lower_case_words_joined_by_dots_are_a_key(words: list[str]) -> None:
    assert key_problem(".".join(words)) is None


@given(st.text(max_size=30))
def test_a_key_is_safe_as_a_path_and_as_a_quoted_name(text: str) -> None:
    """Whatever is accepted has nothing in it that a path, SQL or a terminal would take for more than a name."""
    if key_problem(text) is None:
        assert re.fullmatch(r"[a-z0-9_.]+", text, re.ASCII)
        assert ".." not in text
        assert text[0] != "."


@pytest.mark.parametrize(
    "key", ["", ".", "a.", ".a", "a..b", "A", "a b", "1a", "a.1", "a/b", "ä", "a\n", "con", "x.nul"]
)
def test_anything_else_is_none_and_it_is_said_why(key: str) -> None:
    assert key_problem(key)


def test_a_key_has_a_longest_length() -> None:
    assert key_problem("a" * MAX_KEY_LENGTH) is None
    assert key_problem("a" * (MAX_KEY_LENGTH + 1)) == "it has 201 characters; at most 200 are allowed"


def test_a_path_gives_its_folders_and_its_name() -> None:
    assert path_parts("assets/marts/daily/revenue.sql") == ("marts", "daily", "revenue")
    assert path_parts("assets/orders.sql") == ("orders",)
    assert path_parts("assets/v1.2/x.y.sql") == ("v1.2", "x.y")


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20))
def test_every_name_has_a_usable_form_and_the_hint_names_it(name: str) -> None:
    assert path_problem((usable(name),)) is None


def test_a_path_without_a_key_is_told_with_a_better_name() -> None:
    diagnosis = bad_path("assets/2024/Übersicht Q1.sql", str(path_problem(("2024",))))
    assert str(diagnosis) == (
        "assets/2024/Übersicht Q1.sql:1: this path gives no key: '2024' begins with a digit\n"
        "  hint: rename it to assets/_2024/ubersicht_q1.sql, or set `key:` in its header"
    )
