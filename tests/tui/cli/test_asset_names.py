"""Which asset and column a name means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.tui.cli.arguments import WrongUsage
from upriver.tui.cli.asset_names import resolve_asset, split_column

KEYS = ("raw.orders", "staging.orders", "marts", "marts.x", "marts.x.delay", "marts.revenue", "flights")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("marts.revenue", ("marts.revenue", None)),
        ("marts.revenue.total", ("marts.revenue", "total")),
        ("marts.x.delay", ("marts.x.delay", None)),
        ("marts.x.delay.mean", ("marts.x.delay", "mean")),
        ("marts.x.other", ("marts.x", "other")),
        ("marts.x.a.b", ("marts.x", "a.b")),
        ("marts.unknown", ("marts", "unknown")),
        ("revenue.total", ("marts.revenue", "total")),
        ("revenue", ("marts.revenue", None)),
        ("flights.Tail Number", ("flights", "Tail Number")),
    ],
)
def test_the_longest_key_wins_and_the_rest_is_the_column(name: str, expected: tuple[str, str | None]) -> None:
    """A key may hold dots, a column as well."""
    assert split_column(KEYS, name) == expected


@given(st.sampled_from(KEYS), st.text("abc_", min_size=1, max_size=5))
def test_a_whole_key_is_never_taken_apart(key: str, column: str) -> None:
    """What is a key stays one, and a column that is no key's end follows it."""
    assert split_column(KEYS, key) == (key, None)
    if f"{key}.{column}" not in KEYS:
        assert split_column(KEYS, f"{key}.{column}") == (key, column)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("stagin.orders", "did you mean staging.orders?"),
        ("marts.revnue", "did you mean marts.revenue?"),
        ("orders", "write the whole key"),
        ("raw", "it holds raw.orders: name one of them"),
        ("nothing.like.it.at.all", "`upriver status` lists them"),
    ],
)
def test_an_unknown_asset_gets_a_hint(name: str, hint: str) -> None:
    """Never just `not found`."""
    with pytest.raises(WrongUsage) as caught:
        resolve_asset(KEYS, name)
    assert caught.value.hint == hint
    assert name in caught.value.message
