"""A column that nobody has, told where a Python recipe names it."""

from __future__ import annotations

import pytest

from upriver.assets.model import Asset, CodePart, Column, Frame, Kind, Place, PythonRecipe
from upriver.lineage.python.unknown_column import diagnosis

ORDERS = (Column("id", "BIGINT"), Column("amount", "DOUBLE"))
ASSET = Asset(
    "marts.net", Kind.TABLE, PythonRecipe("assets.net", "net", (), Frame.LAZY), Place("assets/net.py", 7)
)


def told(*sources: str, name: str = "amont") -> str:
    parts = [
        CodePart(f"part{n}", Place(f"assets/m{n}.py", 10), "", source) for n, source in enumerate(sources)
    ]
    return str(diagnosis(name, ASSET, parts, {"raw.orders": ORDERS}))


@pytest.mark.parametrize(
    ("source", "place", "caret"),
    [
        ('def f(o):\n    return o.select("amont")\n', "11:21", '"amont"'),
        ("def f(o):\n    return o.select(pl.col.amont)\n", "11:28", "amont"),
        ("def f(o):\n    return o.filter(amont=1)\n", "11:21", "amont=1"[:5]),
        ("def f(o):\n    é = o.select('é', 'amont')\n", "11:23", "'amont'"),
        (
            "@asset(inputs={'amont': 'x'}, tags=['amont'])\ndef f(o):\n    return o.sort('amont')\n",
            "12:19",
            "'amont'",
        ),
    ],
)
def test_the_first_place_that_names_it_is_shown(source: str, place: str, caret: str) -> None:
    first, shown, under, *_ = told(source).split("\n")
    assert first == f"assets/m0.py:{place}: upstream raw.orders has no column 'amont'"
    start = under.index("^")
    assert shown[start : start + under.count("^")] == caret


def test_a_helper_that_names_it_is_shown() -> None:
    text = told("def f(o):\n    return g(o)\n", 'def g(o):\n    return o.select("amont")\n')
    assert text.startswith("assets/m1.py:11:21: ")


def test_a_name_that_is_put_together_is_told_at_the_asset() -> None:
    """A docstring that speaks of it is no place, nor is code that can't be read by itself."""
    text = told(
        'def f(o):\n    """Takes amont."""\n    return o.select("amo" + "nt")\n', "    return 'amont'\n"
    )
    assert text.startswith(
        "assets/net.py:7: upstream raw.orders has no column 'amont'\n  raw.orders has: id, amount"
    )
    assert text.endswith("hint: did you mean 'amount'?")


def test_what_the_recipe_has_dropped_itself_is_told_as_such() -> None:
    text = told("def f(o):\n    return o.drop('id').select('id')\n", name="id")
    assert "no column 'id' any more" in text
    assert "the recipe itself has dropped or renamed it before" in text
    assert "hint" not in text
