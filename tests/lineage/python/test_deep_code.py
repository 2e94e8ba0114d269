"""Code and values of any depth, and objects that raise at every touch: looked into, or opaque, never refused."""

from __future__ import annotations

import functools
import operator

import polars as pl
import pytest
from tests.lineage.python.conftest import Projects

from upriver.assets.model import Column, Frame
from upriver.lineage.model import Analysis
from upriver.lineage.polars.empty import plan_on_empty

DEEP = {
    "additions": "def asset():\n    a = 1\n    return " + " + ".join(["a"] * 900),
    "methods": "def asset():\n    return ''" + ".strip()" * 700,
    "elifs": "def asset(x=1):\n    if x == 0:\n        return 0\n"
    + "".join(f"    elif x == {i}:\n        return {i}\n" for i in range(900)),
    "elifs in the module": "import sys\nif sys.argv == 0:\n    B = 0\n"
    + "".join(f"elif sys.argv == {i}:\n    B = {i}\n" for i in range(700))
    + "else:\n    B = 1\n\ndef asset():\n    return B",
    "conditions": "def asset(x=1):\n    return " + "".join(f"{i} if x == {i} else " for i in range(80)) + "0",
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_code_is_read_and_its_edits_are_seen(projects: Projects, name: str) -> None:
    before = projects.reach({"m.py": DEEP[name]})
    assert not before.widened
    assert projects.reach({"m.py": f"# a comment\n{DEEP[name]}"}).fingerprint == before.fingerprint
    edited = DEEP[name].replace("a + a + a", "a + a - a", 1).replace(".strip()", ".lower()", 1)
    edited = (
        edited.replace("== 79", "== 780", 1)
        .replace("if x == 79 ", "if x == 78 ", 1)
        .replace("B = 1\n", "B = 2\n")
    )
    assert edited != DEEP[name]
    assert projects.reach({"m.py": edited}).fingerprint != before.fingerprint


ITERATORS = [
    ("iter([1, 2])", "iter([1, 3])"),
    ("iter((1, 2))", "iter((2, 2))"),
    ("iter({1: 2})", "iter({2: 2})"),
    ("iter('ab')", "iter('ac')"),
    ("iter(b'ab')", "iter(b'ac')"),
    ("iter(range(3))", "iter(range(4))"),
    ("reversed([1, 2])", "reversed([1, 3])"),
    ("enumerate(['a'])", "enumerate(['b'])"),
    ("zip([1], [2])", "zip([1], [3])"),
    ("map(str, [1])", "map(str, [2])"),
    ("filter(None, [1])", "filter(None, [2])"),
    ("itertools.cycle([1, 2])", "itertools.cycle([1, 3])"),
    ("itertools.count(1)", "itertools.count(2)"),
    ("itertools.repeat(1)", "itertools.repeat(2)"),
    ("itertools.chain([1], [2])", "itertools.chain([1], [3])"),
    ("itertools.islice([1, 2], 1)", "itertools.islice([1, 2], 2)"),
    ("(x for x in [1])", "(x for x in [2])"),
]


@pytest.mark.parametrize(("one", "other"), ITERATORS)
def test_an_iterator_in_a_module_counts_by_what_it_gives_or_by_its_module(
    projects: Projects, one: str, other: str
) -> None:
    text = "import itertools\nVALUE = {}\ndef asset():\n    return VALUE"
    first, again, changed = (projects.reach({"m.py": text.format(v)}) for v in (one, one, other))
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != changed.fingerprint


HOSTILE = """
    class Hostile:
        {method}
            raise ValueError("no")
    VALUE = Hostile()
    {more}
    def asset():
        return VALUE
    """


@pytest.mark.parametrize(
    "method",
    ["def __getattr__(self, name):", "def __reduce_ex__(self, version):", "def __eq__(self, other):"],
)
@pytest.mark.parametrize("more", ["", "OTHER = (x for x in [1])"])
def test_an_object_that_raises_when_it_is_looked_at_is_no_obstacle(
    projects: Projects, method: str, more: str
) -> None:
    assert projects.reach({"m.py": HOSTILE.format(method=method, more=more)}).fingerprint


PLANS = {
    "additions": lambda t: t.select(
        functools.reduce(operator.add, [pl.col(f"c{i % 40}") for i in range(900)]).alias("x")
    ),
    "a key": lambda t: t.select(
        functools.reduce(
            operator.add, [pl.col(f"c{i % 40}").cast(pl.String) + "-" for i in range(400)]
        ).alias("x")
    ),
    "conditions": lambda t: t.filter(
        functools.reduce(operator.and_, [pl.col(f"c{i % 40}") != i for i in range(400)])
    ),
    "choices": lambda t: t.select(
        functools.reduce(
            lambda e, i: pl.when(pl.col("c1") == i).then(pl.col(f"c{i % 40}")).otherwise(e),
            range(300),
            pl.lit(0),
        ).alias("x")
    ),
    "steps": lambda t: functools.reduce(lambda f, i: f.filter(pl.col(f"c{i % 40}") != i), range(300), t),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_deep_polars_plan_is_understood(name: str) -> None:
    schema = tuple(Column(f"c{i}", "INTEGER") for i in range(40))
    found = plan_on_empty(PLANS[name], {"t": ("t", Frame.LAZY, schema)})
    assert isinstance(found, Analysis)
    assert not found.opaque
    assert len({edge.upstream_column for edge in found.edges} - {None}) == 40
    assert found.binding
