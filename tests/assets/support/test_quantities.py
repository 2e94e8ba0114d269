"""Durations and amounts of memory, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.support.quantities import LEAST_MEMORY, parse_duration, parse_memory


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("2d", 172_800),
        (" 5 m ", 300),
        ("45", 45),
        (45, 45),
        (0.5, 0.5),
        ("5M", 300),
    ],
)
def test_a_duration_is_seconds(text: object, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5 minutes", "unknown unit 'minutes'; the units are d, h, m, s and ms"),
        ("30m1h", "units go from large to small"),
        ("5m5m", "units go from large to small"),
        ("soon", "write it like"),
        ("", "can't be empty"),
        ("-5m", "write it like"),
        (-5, "can't be -5"),
        (float("nan"), "can't be nan"),
        (float("inf"), "can't be inf"),
        ("400d", "longer than a year"),
        (True, "is expected, not True"),
        (None, "is expected, not None"),
    ],
)
def test_what_is_no_duration_is_told_in_a_sentence(text: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_duration(text)


@given(st.integers(0, 300), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_the_parts_of_a_duration_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    total = parse_duration(f"{days}d{hours}h{minutes}m{seconds}s")
    assert total == ((days * 24 + hours) * 60 + minutes) * 60 + seconds


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_an_explained_error(text: str) -> None:
    said = None
    try:
        assert parse_duration(text) >= 0
    except ValueError as error:
        said = str(error)
    assert said is None or "duration" in said or repr(text) in said


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2GB", 2 * 10**9),
        ("512MiB", 512 * 2**20),
        ("1.5 GiB", 3 * 2**29),
        ("4gb", 4 * 10**9),
        (LEAST_MEMORY, LEAST_MEMORY),
        ("1048576", LEAST_MEMORY),
        ("1TiB", 2**40),
    ],
)
def test_memory_is_bytes(text: object, amount: int) -> None:
    assert parse_memory(text) == amount


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2G", "unknown unit 'G'; the units are B, kB, MB"),
        ("512", "is the unit missing"),
        (512, "is the unit missing"),
        ("much", "write it like"),
        ("", "write it like"),
        ("-2GB", "write it like"),
        ("9999999TB", "more than any machine has"),
        ("9" * 400 + ".5GB", "more than any machine has"),
        (2.5, "is expected, not 2.5"),
        (True, "is expected, not True"),
    ],
)
def test_what_is_no_amount_of_memory_is_told_in_a_sentence(text: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_memory(text)


@given(st.text(max_size=20))
def test_any_text_is_an_amount_of_memory_or_an_explained_error(text: str) -> None:
    said = None
    try:
        assert parse_memory(text) >= LEAST_MEMORY
    except ValueError as error:
        said = str(error)
    assert said is None or repr(text) in said
