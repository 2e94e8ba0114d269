"""The SELECT grammar, and the laws that its terms keep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.errors import UsageError
from upriver.assets.model import (
    Asset,
    FileLocation,
    Frame,
    Key,
    Kind,
    Place,
    PythonRecipe,
    Source,
    SqlRecipe,
)
from upriver.lineage.graph import AssetGraph
from upriver.materializer.model import State
from upriver.materializer.selection import Part, Scope, Term, parse_select, select

PLACE = Place("assets/m.py")
GRAPH = AssetGraph(
    {
        "raw.orders": (),
        "raw.customers": (),
        "staging.orders": ("raw.orders",),
        "staging.customers": ("raw.customers",),
        "marts.revenue": ("staging.orders", "staging.customers"),
        "marts.report": ("marts.revenue",),
    }
)


def table(key: Key, tags: tuple[str, ...] = (), owner: str | None = None) -> Asset:
    return Asset(key, Kind.TABLE, SqlRecipe("select 1"), PLACE, tags=tags, owner=owner)


ASSETS = {
    "staging.orders": table("staging.orders", ("daily",)),
    "staging.customers": table("staging.customers"),
    "marts.revenue": table("marts.revenue", ("daily", "money"), "ann"),
    "marts.report": Asset("marts.report", Kind.FILE, PythonRecipe("m", "f", (), Frame.ANY), PLACE),
}
SOURCES = {
    key: Source(key, FileLocation((f"data/{key}.csv",), "csv"), PLACE)
    for key in ("raw.orders", "raw.customers")
}
STATES = {"staging.orders": State.STALE, "marts.revenue": State.PENDING}
COLUMNS = {"staging.orders": ("Id", "amount"), "marts.revenue": ("amount",)}
SCOPE = Scope(GRAPH, ASSETS, SOURCES, lambda: STATES, lambda: COLUMNS)
ALL = frozenset(ASSETS) | frozenset(SOURCES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("staging.orders", "staging.orders"),
        ("staging.*", "staging.orders staging.customers"),
        ("*.orders", "raw.orders staging.orders"),
        ("tag:daily", "staging.orders marts.revenue"),
        ("owner:ann", "marts.revenue"),
        ("kind:source", "raw.orders raw.customers"),
        ("kind:file", "marts.report"),
        ("kind:python", "marts.report"),
        ("kind:sql", "staging.orders staging.customers marts.revenue"),
        ("state:stale", "staging.orders"),
        ("state:stale+1", "staging.orders marts.revenue"),
        ("col:ID", "staging.orders"),
        ("+staging.orders", "raw.orders staging.orders"),
        ("staging.orders+", "staging.orders marts.revenue marts.report"),
        ("+1marts.report", "marts.revenue marts.report"),
        ("+2marts.report+", "marts.report marts.revenue staging.orders staging.customers"),
        ("raw.orders+1", "raw.orders staging.orders"),
        ("tag:daily,tag:money", "marts.revenue"),
        ("+marts.report,raw.*", "raw.orders raw.customers"),
    ],
)
def test_a_term_means(text: str, expected: str) -> None:
    assert select([text], SCOPE) == frozenset(expected.split())


def test_terms_are_read_into_values() -> None:
    assert parse_select(["!+2tag:a,b+"]) == (
        Term((Part("tag", "a", up=2), Part("key", "b", down=-1)), exclude=True),
    )


def test_no_term_at_all_means_everything() -> None:
    assert select([], SCOPE) == ALL


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("staging.ordres", "there is no asset or source 'staging.ordres'; did you mean"),
        ("nothing.*", "no asset or source matches 'nothing.*'"),
        ("tga:daily", "'tga' can't be selected by; did you mean"),
        ("tag:dayly", "no asset or source has the tag 'dayly'; did you mean"),
        ("state:old", "a state is one of fresh, stale"),
        ("kind:view", "a kind is one of table, file"),
        ("+", "selects nothing"),
        ("", "selects nothing"),
        ("a,,b", "selects nothing"),
    ],
)
def test_what_means_nothing_is_told_with_a_way_out(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence.replace("*", r"\*").replace(".", r"\.")):
        select([text], SCOPE)


terms = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "+", "+1", "+2"]),
    st.sampled_from(
        [*sorted(ALL), "staging.*", "raw.*", "tag:daily", "kind:source", "kind:sql", "col:amount"]
    ),
    st.sampled_from(["", "+", "+1", "+3"]),
)


@given(terms, terms)
def test_terms_side_by_side_are_the_union(one: str, other: str) -> None:
    assert select([one, other], SCOPE) == select([one], SCOPE) | select([other], SCOPE)


@given(terms, terms)
def test_parts_with_a_comma_are_the_intersection(one: str, other: str) -> None:
    assert select([f"{one},{other}"], SCOPE) == select([one], SCOPE) & select([other], SCOPE)


@given(terms, terms)
def test_an_exclusion_takes_away_what_was_chosen_before_it(one: str, other: str) -> None:
    assert select([one, f"!{other}"], SCOPE) == select([one], SCOPE) - select([other], SCOPE)
    assert select([f"!{one}"], SCOPE) == ALL - select([one], SCOPE)


@given(st.sampled_from(sorted(ALL)), st.integers(0, 4))
def test_more_levels_never_mean_less_and_all_levels_are_the_graph_reach(key: Key, levels: int) -> None:
    assert select([f"+{levels}{key}"], SCOPE) <= select([f"+{levels + 1}{key}"], SCOPE)
    assert select([f"+{key}"], SCOPE) == GRAPH.ancestors([key])
    assert select([f"{key}+"], SCOPE) == GRAPH.descendants([key])


def test_states_and_columns_are_asked_for_only_when_a_term_needs_them() -> None:
    def never() -> dict[Key, State]:
        raise AssertionError("asked")

    scope = Scope(GRAPH, ASSETS, SOURCES, never, never)
    assert select(["+marts.*", "!tag:daily"], scope)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("marts", "did you mean 'marts.*', the 2 in it?"),
        ("marts/", "did you mean 'marts.*', the 2 in it?"),
        ("assets/marts", "did you mean 'marts.*', the 2 in it?"),
        ("assets/marts/revenue.sql", "assets are selected by their keys: did you mean 'marts.revenue'?"),
        ("revenue", "did you mean 'marts.revenue'?"),
        ("orders", "did you mean 'raw.orders' or 'staging.orders'?"),
        ("marts.revenu", "did you mean 'marts.revenue'?"),
    ],
)
def test_what_is_no_key_is_answered_with_what_was_probably_meant(text: str, hint: str) -> None:
    """The first part of keys, a path, a last part."""
    with pytest.raises(UsageError) as caught:
        select([text], SCOPE)
    assert str(caught.value) == f"there is no asset or source {text!r}; {hint}"
