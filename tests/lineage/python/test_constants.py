"""Values at module level: another value is seen, and the same value made anew is the same."""

from __future__ import annotations

import pytest
from tests.lineage.python.conftest import Projects

from upriver.lineage.python.values import MAX_DEPTH

OTHERS = [
    ("1.5", "1.25"),
    ("0.0", "-0.0"),
    ("1", "1.0"),
    ("1", "True"),
    ("'1'", "1"),
    ("b'a'", "b'b'"),
    ("b'a'", "bytearray(b'a')"),
    ("b'a'", "'a'"),
    ("1j", "2j"),
    ("range(3)", "range(4)"),
    ("...", "None"),
    ("[1, 2]", "[2, 1]"),
    ("[1, 2]", "(1, 2)"),
    ("[[1], 2]", "[1, [2]]"),
    ("[1, [2, 3]]", "[1, [2], 3]"),
    ("{1, 2}", "{1, 3}"),
    ("{1, 2}", "frozenset({1, 2})"),
    ("{'a': 1}", "{'a': 2}"),
    ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
    ("MappingProxyType({'a': 1})", "MappingProxyType({'a': 2})"),
    ("re.compile('a')", "re.compile('b')"),
    ("re.compile('a')", "re.compile('a', re.I)"),
    ("PurePosixPath('a')", "PurePosixPath('b')"),
    ("PurePosixPath('a')", "PureWindowsPath('a')"),
    ("Color.RED", "Color.BLUE"),
    ("Color.RED", "1"),
    ("date(2024, 1, 1)", "date(2024, 1, 2)"),
    ("Decimal('1.0')", "Decimal('1.00')"),
    ("partial(f, 1)", "partial(f, 2)"),
    ("partial(f, 1)", "partial(g, 1)"),
    ("OrderedDict(a=1)", "OrderedDict(a=2)"),
    ("deque([1, 2])", "deque([1, 3])"),
    ("'x'.join", "'y'.join"),
    ("[1].append", "[2].append"),
    ("'x'.join", "'x'.strip"),
    ("(1).__add__", "(2).__add__"),
    ("Own(1).method", "Own(2).method"),
    ("Own(1)", "Own(2)"),
    ("[Own(1)]", "[Own(2)]"),
    ("{Own(1)}", "{Own(2)}"),
    ("str.upper", "str.lower"),
    ("int.__add__", "int.__sub__"),
    ("dict.fromkeys", "OrderedDict.fromkeys"),
    ("math.floor", "math.ceil"),
    ("property(f)", "property(g)"),
    ("property(None, f)", "property(None, g)"),
    ("staticmethod(f)", "staticmethod(g)"),
    ("staticmethod(f)", "classmethod(f)"),
    ("cached_property(f)", "cached_property(g)"),
    ("singledispatchmethod(f)", "singledispatchmethod(g)"),
    ("lru_cache(1)(f)", "lru_cache(1)(g)"),
    ("lru_cache(1)(f)", "lru_cache(2)(f)"),
    ("list[int]", "list[str]"),
    ("pl.Series([1])", "pl.Series([2])"),
    ("pl.DataFrame({'a': [1]})", "pl.DataFrame({'b': [1]})"),
    ("pl.col('a') + 1", "pl.col('a') + 2"),
    ("pl.Int8", "pl.Int16"),
    ("[math]", "[re]"),
    ("SLOTTED(1)", "SLOTTED(2)"),
    ("_Hidden(1)", "_Hidden(2)"),
    ("Dunder(1)", "Dunder(2)"),
    ("One(1)", "One(2)"),
    ("Counted(a=1)", "Counted(a=2)"),
    ("OwnDict(a=1)", "OwnDict(a=2)"),
    ("OwnList([1])", "OwnList([2])"),
    ("OwnTuple([1])", "OwnTuple([2])"),
    ("OwnSet([1])", "OwnSet([2])"),
    ("OwnStr('a')", "OwnStr('b')"),
    ("OwnInt(1)", "OwnInt(2)"),
    ("Day(2024, 1, 1)", "Day(2024, 1, 2)"),
    ("Failure('a')", "Failure('b')"),
    ("Refusing(2024, 1, 1)", "Day(2024, 1, 1)"),
]

MODULE = """
import enum, math, re
import polars as pl
from collections import Counter, OrderedDict, deque
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache, partial, singledispatchmethod
from pathlib import PurePosixPath, PureWindowsPath
from types import MappingProxyType

class Color(enum.Enum):
    RED = 1
    BLUE = 2

class Own:
    def __init__(self, x):
        self.x = x
    def method(self):
        return self.x

class SLOTTED:
    __slots__ = ("__x", "unset", "__weakref__")
    def __init__(self, x):
        self.__x = x

class _Hidden:
    __slots__ = ["__x"]
    def __init__(self, x):
        self.__x = x

class Dunder:
    __slots__ = ("__x__", "__dict__")
    def __init__(self, x):
        self.__x__ = x

class One:
    __slots__ = "x"
    def __init__(self, x):
        self.x = x

class OwnDict(dict): ...
class OwnList(list): ...
class OwnTuple(tuple): ...
class OwnSet(set): ...
class OwnStr(str): ...
class OwnInt(int): ...
class Day(date): ...
class Failure(Exception): ...

class Refusing(date):
    def __reduce_ex__(self, protocol):
        raise TypeError("not this one")

class Counted(Counter):
    pass

def f(*_):
    return 1

def g(*_):
    return 2

CONSTANT = {}

def asset(df):
    return CONSTANT
"""


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_another_value_is_seen_and_the_same_is_not(one: str, other: str, projects: Projects) -> None:
    first, again, changed = (
        projects.reach({"m.py": MODULE.replace("CONSTANT = {}", f"CONSTANT = {value}")})
        for value in (one, one, other)
    )
    assert first.fingerprint == again.fingerprint != changed.fingerprint
    assert first.widened == ()


def test_what_can_not_be_read_of_an_object_is_named(projects: Projects) -> None:
    text = MODULE.replace("CONSTANT = {}", "CONSTANT = Own(x for x in [1])")
    assert projects.reach({"m.py": text}).widened == ("attribute 'x' of a m.Own holds a generator",)


READ = 'Path(__file__).with_name("read.txt").read_text()'
CHOSEN = '{"1": one, "2": two}[' + READ + "]"
FROM_FILE = """
import enum
from pathlib import Path

def one(*_): ...
def two(*_): ...

def put(cls):
    setattr(cls, "NAME", VALUE)
    return cls

@put
class Plain:
    def method(self): ...

@put
class Kind(enum.Enum):
    A = 1

Made = type("Made", (), {"NAME": VALUE})

def asset(df):
    return CLASS
"""


@pytest.mark.parametrize("cls", ["Plain", "Kind", "Made"])
@pytest.mark.parametrize(
    ("name", "value"),
    [(name, READ) for name in ("rate", "_rate", "rate_", "__rate", "rate__")]
    + [("__call__", CHOSEN), ("run", CHOSEN)],
)
def test_what_is_put_on_a_class_counts_as_it_is(cls: str, name: str, value: str, projects: Projects) -> None:
    # How it came about is not looked at here: the file, which the text names, is no code.
    text = FROM_FILE.replace("NAME", name).replace("VALUE", value).replace("CLASS", cls)
    one, again, other = (projects.reach({"m.py": text, "read.txt": read}) for read in "112")
    assert one.fingerprint == again.fingerprint != other.fingerprint


@pytest.mark.parametrize(("cls", "name"), [("Plain", "_rate_"), ("Made", "__rate__")])
def test_unusual_names_on_a_class_count_where_nothing_else_makes_such(
    cls: str, name: str, projects: Projects
) -> None:
    text = FROM_FILE.replace("NAME", name).replace("VALUE", READ).replace("CLASS", cls)
    one, other = (projects.reach({"m.py": text, "read.txt": read}) for read in "12")
    assert one.fingerprint != other.fingerprint


def test_what_refuses_to_be_pickled_widens(projects: Projects) -> None:
    text = MODULE.replace("CONSTANT = {}", "import sqlite3\nCONSTANT = sqlite3.connect(':memory:')")
    (widened,) = projects.reach({"m.py": text}).widened
    assert widened.startswith("m.CONSTANT holds a sqlite3.Connection (")


def test_what_is_inside_of_itself_ends_and_is_seen(projects: Projects) -> None:
    for rest in ("OWN.peers = {OWN}", "OWN.peers = [OWN]", "OWN.peers = {'own': {OWN, 1}}"):
        text = MODULE.replace("CONSTANT = {}", f"OWN = Own(1)\n{rest}\nCONSTANT = OWN")
        first, changed = (projects.reach({"m.py": one}) for one in (text, text.replace("Own(1)", "Own(2)")))
        assert first.fingerprint != changed.fingerprint
        assert first.widened == ()


def test_a_list_in_itself_differs_from_one_in_another(projects: Projects) -> None:
    one, other = (
        projects.reach({"m.py": MODULE.replace("CONSTANT = {}", f"INNER = []\nCONSTANT = [INNER]\n{rest}")})
        for rest in ("INNER.append(INNER)", "INNER.append(CONSTANT)")
    )
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize(("deep", "causes"), [(MAX_DEPTH + 1, 0), (MAX_DEPTH + 2, 1)])
def test_what_is_nested_too_deep_to_be_written_widens(deep: int, causes: int, projects: Projects) -> None:
    text = f"CONSTANT = 1\nfor _ in range({deep}):\n    CONSTANT = [CONSTANT]"
    assert len(projects.reach({"m.py": MODULE.replace("CONSTANT = {}", text)}).widened) == causes


def test_a_fingerprint_has_128_bits(projects: Projects) -> None:
    assert len(projects.reach({"m.py": MODULE}).fingerprint) == 32
