"""Styled text: what is shown is as wide as promised, and nothing in it moves the cursor."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from upriver.tui.present.spans import (
    Line,
    Span,
    clip,
    flowed,
    line,
    pad,
    paint,
    plain,
    shown,
    text_width,
    width,
    wrap,
)
from upriver.tui.present.text.table import Column, table

SGR = re.compile(r"\x1b\[[0-9;]+m")
ACTED_ON = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")

texts = st.text(
    st.one_of(st.characters(), st.sampled_from("\x1b\x07\r\n\t\x9b\u202e日本é\u0301👩‍👩‍👧")), max_size=40
)
styles = st.sampled_from(["", "bold", "dim", "bold red", "bright_black"])
lines = st.lists(st.builds(Span, texts, styles), max_size=5).map(tuple)


@given(lines, st.booleans())
def test_nothing_but_colours_ever_reaches_the_terminal(text: Line, colour: bool) -> None:
    """Rule 7: names and data are data, never escape sequences."""
    assert not ACTED_ON.search(SGR.sub("", paint(text, colour)))


@given(lines)
def test_without_colour_there_is_no_escape_at_all(text: Line) -> None:
    """NO_COLOR leaves plain characters."""
    assert "\x1b" not in paint(text, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("a\u200bb", "a\\u200bb"),
        ("naïve 日本 👍", "naïve 日本 👍"),
    ],
)
def test_control_characters_are_written_out(text: str, expected: str) -> None:
    """They are visible, so that one sees what is in the data."""
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text", ["abc", "日本航空", "e\u0301te\u0301", "Ünïcödé", "한국어", "👍", "ﾊﾝｶｸ", "…→│✓◔", ""]
)
def test_width_is_what_a_terminal_shows(text: str) -> None:
    """Wide characters take two columns, combining marks none; as Rich counts them."""
    assert text_width(text) == cell_len(text)


@given(lines, st.integers(0, 60))
def test_clipping_never_leaves_too_much(text: Line, limit: int) -> None:
    """A clipped line fits; one that fits is left alone."""
    clipped = clip(text, limit)
    assert width(clipped) <= limit
    if width(text) <= limit:
        assert clipped == text


@given(lines, st.integers(0, 80), st.sampled_from(["left", "right"]))
def test_padding_fills_exactly(text: Line, columns: int, align: str) -> None:
    """Padding makes a line as wide as asked, and loses nothing."""
    padded = pad(text, columns, align)
    assert width(padded) == max(columns, width(text))
    assert plain(padded).strip() == plain(text).strip()


@given(st.lists(st.lists(lines, min_size=3, max_size=3), max_size=8), st.integers(12, 90))
def test_no_table_is_wider_than_the_page(rows: list[list[Line]], limit: int) -> None:
    """Whatever the cells hold, every line fits; nothing wraps."""
    columns = (Column("a", minimum=6), Column("number", "right", leaves=1), Column("why", minimum=10))
    assert all(width(text) <= limit for text in table(columns, rows, limit))


def test_columns_leave_a_narrow_page_in_their_order() -> None:
    """The least important goes first; the key stays."""
    columns = (Column("key"), Column("rows", "right", leaves=1), Column("age", leaves=2))
    row = [line("marts.revenue"), line("1,204,331"), line("2h")]
    assert plain(table(columns, [row], 40)[1]) == "marts.revenue  1,204,331  2h"
    assert plain(table(columns, [row], 20)[1]) == "marts.revenue  2h"
    assert plain(table(columns, [row], 14)[1]) == "marts.revenue"


def test_a_column_without_content_takes_no_room() -> None:
    """Nobody failed: no column of errors."""
    columns = (Column("key"), Column("error"), Column("rows", "right"))
    rows = [[line("a"), line(""), line("1")], [line("b"), line(""), line("22")]]
    assert [plain(text) for text in table(columns, rows, 80)] == ["key  rows", "a       1", "b      22"]


@given(st.text("ab cd", max_size=60), st.integers(1, 30))
def test_wrapping_keeps_every_word(text: str, limit: int) -> None:
    """Words move to the next line whole."""
    wrapped = [plain(part) for part in wrap(text, limit)]
    assert " ".join(wrapped).split() == text.split()
    assert all(len(part) <= limit or " " not in part.strip() for part in wrapped)


def test_flowed_parts_break_between_parts() -> None:
    """Counts in a footer are never torn apart."""
    parts = [line("4 fresh"), line("2 stale"), line("1 failed")]
    assert [plain(text) for text in flowed(parts, 18)] == ["4 fresh   2 stale", "1 failed"]
    assert [plain(text) for text in flowed(parts, None)] == ["4 fresh   2 stale   1 failed"]
