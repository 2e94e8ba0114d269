"""The one decision, with the contents told: every reason kind, and what is no reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.identity import Node
from upriver.assets.model import Column, Key, Schema
from upriver.lineage.model import Footprint
from upriver.materializer.freshness.decide import (
    DAY,
    EACH_BUILD,
    FRESH,
    Settled,
    Subject,
    Unsettled,
    Upstream,
    Verdict,
    decide,
    schema_from_text,
    schema_text,
    verifies,
)
from upriver.materializer.model import (
    ArtifactRef,
    Cause,
    Materialization,
    Read,
    Reason,
    State,
    Trace,
    Version,
)

TODAY = "2024-05-01"
XY = (Column("x", "BIGINT"), Column("y", "VARCHAR"))


@dataclass
class ToldContents:
    """Contents that were written down beforehand: which versions are the same, and what a recipe binds to."""

    same_versions: frozenset[tuple[str, str]] = frozenset()
    columns: tuple[str, ...] = ()
    change: str = "content changed"
    bound: Mapping[str, str | None] = field(default_factory=dict)
    externals: Mapping[str, str] = field(default_factory=dict)
    alias_equivalents: frozenset[tuple[Key, str]] = frozenset()
    asked: list[str] = field(default_factory=list)

    def same(self, read: Read, now: Version) -> bool:
        self.asked.append(f"same {read.upstream}")
        return read.version == now.id or (read.version, now.id) in self.same_versions

    def changed_columns(self, read: Read, now: Version) -> tuple[str, ...]:
        return self.columns

    def describe_change(self, read: Read, now: Version) -> str:
        return self.change

    def bindings(self, asset: Key, upstreams: Mapping[Key, Schema]) -> tuple[str, ...]:
        self.asked.append(f"binding {asset}")
        digest = self.bound.get(asset, "bound")
        return () if digest is None else ("recorded before", digest)

    def alias_equivalent(self, asset: Key, recipe: str) -> bool:
        return (asset, recipe) in self.alias_equivalents

    def external(self, name: str) -> str | None:
        return self.externals.get(name)


def version(id: str, schema: Schema = XY) -> Version:
    return Version(id, schema, 10, 100, (ArtifactRef(id, ".parquet", 100),))


def read(upstream: Key, id: str, columns: tuple[str, ...] | None = ("x",), schema: Schema = XY) -> Read:
    return Read(upstream, Footprint(columns, None, ordered=False), id, schema_text(schema))


def record(
    *reads: Read, recipe: str = "r1", environment: tuple[tuple[str, str], ...] = (), binding: str = "bound"
) -> Materialization:
    trace = Trace(recipe, binding, reads, environment)
    return Materialization("m1", "out", None, "run", trace, version("out1"), 0.0, 1.0)


def subject(*upstreams: Key, recipe: str = "r1", environment: tuple[tuple[str, str], ...] = ()) -> Subject:
    return Subject(Node("out"), recipe, tuple(map(Node, upstreams)), environment)


def settled(**versions: Version) -> dict[Key, Upstream]:
    return {key: Settled(one) for key, one in versions.items()}


def by_node(upstreams: Mapping[Key, Upstream]) -> dict[Node, Upstream]:
    return {Node(key): now for key, now in upstreams.items()}


def decided(
    now: Subject,
    before: Materialization | None,
    upstreams: Mapping[Key, Upstream],
    contents: ToldContents | None = None,
    *,
    today: str = TODAY,
    artifact_there: bool = True,
) -> Verdict:
    told = contents or ToldContents()
    return decide(now, before, by_node(upstreams), told, today=today, artifact_there=artifact_there)


# -- missing ---------------------------------------------------------------------------------------------------
def test_what_was_never_built_is_missing() -> None:
    assert decided(subject(), None, {}) == Verdict(
        State.MISSING, (Reason(Cause.MISSING, "out", detail="never built"),)
    )


def test_what_lost_its_artifact_is_missing() -> None:
    verdict = decided(subject(), record(), {}, artifact_there=False)
    assert verdict == Verdict(
        State.MISSING, (Reason(Cause.MISSING, "out", detail="its artifact is gone from the store"),)
    )


# -- fresh -----------------------------------------------------------------------------------------------------
def test_the_same_recipe_over_the_same_versions_is_fresh_and_no_content_is_looked_at() -> None:
    contents = ToldContents()
    assert decided(subject("a"), record(read("a", "v1")), settled(a=version("v1")), contents) == FRESH
    assert contents.asked == []


def test_another_version_whose_footprint_is_the_same_is_no_reason() -> None:
    contents = ToldContents(frozenset({("v1", "v2")}))
    assert decided(subject("a"), record(read("a", "v1")), settled(a=version("v2")), contents) == FRESH
    assert contents.asked == ["same a"]


# -- data ------------------------------------------------------------------------------------------------------
def test_another_content_is_a_reason_with_its_columns_and_facts() -> None:
    contents = ToldContents(columns=("x",), change="+3 rows")
    verdict = decided(subject("a"), record(read("a", "v1")), settled(a=version("v2")), contents)
    assert verdict == Verdict(State.STALE, (Reason(Cause.DATA, "a", ("x",), "+3 rows"),))


def test_every_upstream_that_changed_is_named() -> None:
    before = record(read("a", "v1"), read("b", "w1"), read("c", "u1"))
    now = settled(a=version("v2"), b=version("w2"), c=version("u1"))
    verdict = decided(subject("a", "b", "c"), before, now)
    assert [(reason.kind, reason.asset) for reason in verdict.reasons] == [
        (Cause.DATA, "a"),
        (Cause.DATA, "b"),
    ]


# -- schema ----------------------------------------------------------------------------------------------------
def test_a_column_that_was_read_and_is_gone_is_a_schema_reason() -> None:
    before = record(read("a", "v1", ("x", "y")))
    verdict = decided(subject("a"), before, settled(a=version("v2", (Column("x", "BIGINT"),))))
    assert verdict == Verdict(State.STALE, (Reason(Cause.SCHEMA, "a", ("y",), "no longer there"),))


WIDER = (*XY, Column("z", "DATE"))


def test_a_new_column_that_changes_no_binding_is_no_reason() -> None:
    contents = ToldContents(frozenset({("v1", "v2")}))
    now = settled(a=version("v2", WIDER))
    assert decided(subject("a"), record(read("a", "v1")), now, contents) == FRESH
    assert contents.asked == ["same a", "binding out"]


@pytest.mark.parametrize("binding", ["bound otherwise", None], ids=["other", "not known"])
def test_a_new_column_that_changes_the_binding_or_may_do_so_is_a_schema_reason(binding: str | None) -> None:
    contents = ToldContents(frozenset({("v1", "v2")}), bound={"out": binding})
    verdict = decided(subject("a"), record(read("a", "v1")), settled(a=version("v2", WIDER)), contents)
    assert verdict == Verdict(
        State.STALE, (Reason(Cause.SCHEMA, "a", detail="its columns changed, and with them what is read"),)
    )


def test_what_is_not_bound_now_is_not_bound_at_all_while_an_upstream_is_open() -> None:
    contents = ToldContents(frozenset({("v1", "v2")}), bound={"out": None})
    upstreams: dict[Key, Upstream] = {"a": Settled(version("v2", WIDER)), "b": Unsettled(State.STALE)}
    verdict = decided(subject("a", "b"), record(read("a", "v1"), read("b", "w1")), upstreams, contents)
    assert verdict.state is State.PENDING
    assert "binding out" not in contents.asked


# -- recipe ----------------------------------------------------------------------------------------------------
def test_another_recipe_is_a_reason() -> None:
    verdict = decided(subject(recipe="r2"), record(), {})
    assert verdict == Verdict(State.STALE, (Reason(Cause.RECIPE, "out", detail="its code changed"),))


def test_an_upstream_that_an_equal_recipe_now_resolves_to_is_a_reason() -> None:
    verdict = decided(subject("b"), record(read("a", "v1")), settled(b=version("w1")))
    assert [(reason.kind, reason.detail) for reason in verdict.reasons] == [
        (Cause.RECIPE, "no longer reads a")
    ]
    verdict = decided(subject("a", "b"), record(read("a", "v1")), settled(a=version("v1"), b=version("w1")))
    assert [(reason.kind, reason.detail) for reason in verdict.reasons] == [(Cause.RECIPE, "now reads b")]


def test_a_changed_recipe_and_changed_data_are_both_told() -> None:
    verdict = decided(subject("a", recipe="r2"), record(read("a", "v1")), settled(a=version("v2")))
    assert [reason.kind for reason in verdict.reasons] == [Cause.RECIPE, Cause.DATA]


# -- from outside ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("then", "now", "detail"),
    [
        ((("variable v", "1"),), (("variable v", "2"),), "variable v was 1, now 2"),
        ((("variable v", "1"),), (), "variable v was 1, now not set"),
        ((), (("variable v", "2"),), "now depends on variable v"),
    ],
    ids=["changed", "gone", "new"],
)
def test_an_outside_value_that_differs_is_a_reason(
    then: tuple[tuple[str, str], ...], now: tuple[tuple[str, str], ...], detail: str
) -> None:
    verdict = decided(subject(environment=now), record(environment=then), {})
    assert verdict == Verdict(State.STALE, (Reason(Cause.ENVIRONMENT, "out", detail=detail),))


def test_the_value_of_an_environment_variable_is_never_told() -> None:
    verdict = decided(
        subject(environment=(("env:TOKEN", "d2"),)), record(environment=(("env:TOKEN", "d1"),)), {}
    )
    assert [reason.detail for reason in verdict.reasons] == ["environment variable TOKEN changed"]


def test_the_date_is_a_reason_when_it_is_another_one() -> None:
    before = record(environment=((f"{DAY}current_date()", TODAY),))
    assert decided(subject(), before, {}) == FRESH
    verdict = decided(subject(), before, {}, today="2024-05-02")
    detail = "current_date() was 2024-05-01, now 2024-05-02"
    assert verdict == Verdict(State.STALE, (Reason(Cause.VOLATILE, "out", detail=detail),))


def test_what_differs_at_every_build_is_always_a_reason() -> None:
    read_from_disk = "".join(list(EACH_BUILD))
    verdict = decided(subject(), record(environment=(("random()", read_from_disk),)), {})
    assert verdict == Verdict(
        State.STALE, (Reason(Cause.VOLATILE, "out", detail="random() differs at every build"),)
    )


# -- pending ---------------------------------------------------------------------------------------------------
def test_an_open_upstream_makes_pending_and_is_named() -> None:
    verdict = decided(subject("a"), record(read("a", "v1")), {"a": Unsettled(State.STALE)})
    assert verdict == Verdict(State.PENDING, (Reason(Cause.UPSTREAM, "a", detail="stale"),))


def test_a_reason_of_its_own_outweighs_an_open_upstream() -> None:
    verdict = decided(subject("a", recipe="r2"), record(read("a", "v1")), {"a": Unsettled(State.STALE)})
    assert verdict.state is State.STALE
    assert [reason.kind for reason in verdict.reasons] == [Cause.RECIPE, Cause.UPSTREAM]


# -- earlier traces --------------------------------------------------------------------------------------------
def verified(
    now: Subject, trace: Trace, upstreams: Mapping[Key, Upstream], contents: ToldContents | None = None
) -> bool:
    return verifies(now, trace, by_node(upstreams), contents or ToldContents(), today=TODAY)


def test_an_earlier_trace_verifies_when_all_that_it_read_is_there_again() -> None:
    trace = record(read("a", "v1")).trace
    assert verified(subject("a"), trace, settled(a=version("v1")))
    same = ToldContents(frozenset({("v1", "v3")}))
    assert verified(subject("a"), trace, settled(a=version("v3")), same)
    assert not verified(subject("a"), trace, settled(a=version("v2")))


def test_an_earlier_trace_does_not_verify_with_another_recipe_environment_upstream_or_an_open_one() -> None:
    trace = record(read("a", "v1"), environment=(("variable v", "1"),)).trace
    there = settled(a=version("v1"), b=version("w1"))
    fine = (("variable v", "1"),)
    assert verified(subject("a", environment=fine), trace, there)
    assert not verified(subject("a", environment=fine, recipe="r2"), trace, there)
    assert not verified(subject("a"), trace, there)
    assert not verified(subject("a", "b", environment=fine), trace, there)
    assert not verified(subject("b", environment=fine), trace, there)
    assert not verified(subject("a", environment=fine), trace, {"a": Unsettled(State.STALE)})


def test_an_earlier_trace_does_not_verify_when_names_would_bind_otherwise() -> None:
    trace = record(read("a", "v1")).trace
    contents = ToldContents(frozenset({("v1", "v2")}), bound={"out": "otherwise"})
    assert not verified(subject("a"), trace, settled(a=version("v2", WIDER)), contents)


states = st.sampled_from([State.STALE, State.MISSING, State.FAILED, State.BLOCKED, State.PENDING])
upstream_now = st.one_of(
    st.sampled_from(["v1", "v2", "v3"]).map(lambda name: Settled(version(name))), states.map(Unsettled)
)


@given(
    now=st.dictionaries(st.sampled_from("abc"), upstream_now, min_size=3, max_size=3),
    recipe=st.sampled_from(["r1", "r2"]),
    environment=st.sampled_from([(), (("variable v", "1"),), ((f"{DAY}today()", "2023-01-01"),)]),
    same=st.frozensets(st.tuples(st.just("v1"), st.sampled_from(["v2", "v3"]))),
)
def test_fresh_means_that_the_trace_verifies_and_every_other_state_has_its_reasons(
    now: dict[Key, Upstream],
    recipe: str,
    environment: tuple[tuple[str, str], ...],
    same: frozenset[tuple[str, str]],
) -> None:
    before = record(read("a", "v1"), read("b", "v1"), read("c", "v1"), environment=environment)
    asked = subject("a", "b", "c", recipe=recipe)
    contents = ToldContents(same)
    verdict = decided(asked, before, now, contents)
    assert (verdict == FRESH) == verified(asked, before.trace, now, contents)
    assert (verdict.state is State.FRESH) == (not verdict.reasons)
    assert (verdict.state is State.PENDING) == (
        bool(verdict.reasons) and all(reason.kind is Cause.UPSTREAM for reason in verdict.reasons)
    )


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_a_schema_comes_back_from_its_text(pairs: list[tuple[str, str]]) -> None:
    schema = tuple(Column(name, type) for name, type in pairs)
    assert schema_from_text(schema_text(schema)) == schema


# -- order that somebody below takes ---------------------------------------------------------------------------
@dataclass
class FootprintsAsked(ToldContents):
    """Notes which reads were compared."""

    reads: list[Read] = field(default_factory=list)

    def same(self, read: Read, now: Version) -> bool:
        self.reads.append(read)
        return super().same(read, now)


@pytest.mark.parametrize(
    ("demanded", "taken", "columns", "compared"),
    [
        (True, False, ("x",), True),
        (True, True, ("x",), True),
        (False, False, ("x",), False),
        (False, True, ("x",), True),
        (True, False, None, True),
        (True, False, (), False),
    ],
    ids=["asked for", "its own too", "nobody", "its own", "of all columns", "of a count, which has none"],
)
def test_what_is_compared_is_ordered_when_the_asset_or_a_reader_of_it_takes_order(
    demanded: bool, taken: bool, columns: tuple[str, ...] | None, compared: bool
) -> None:
    contents = FootprintsAsked(frozenset({("v1", "v2")}))
    one = Read("a", Footprint(columns, None, taken), "v1", schema_text(XY), "kept")
    now = Subject(Node("out"), "r1", (Node("a"),), ordered=demanded)
    assert decided(now, record(one), settled(a=version("v2")), contents) == FRESH
    assert verified(now, record(one).trace, settled(a=version("v2")), contents)
    for asked in contents.reads:
        assert asked.footprint == Footprint(columns, None, compared)
        # A fingerprint without order says nothing of the order; one with it does.
        assert asked.fingerprint == ("kept" if compared == taken else None)
    assert len(contents.reads) == 2


def test_no_order_counts_unless_it_is_said() -> None:
    assert not Subject(Node("out"), "r1", ()).ordered


# -- any difference, not only what sorts before or after ---------------------------------------------------------
def _anew(text: str) -> str:
    """An equal string that is another object, as all that is read from a file is."""
    return "".join(list(text))


@pytest.mark.parametrize("other", ["a", "z"])
def test_another_recipe_date_or_value_counts_whichever_sorts_first(other: str) -> None:
    assert decided(subject(recipe=_anew("mm")), record(recipe="mm"), {}) == FRESH
    assert decided(subject(recipe=other), record(recipe="mm"), {}).state is State.STALE
    before = record(environment=((f"{DAY}d", "mm"), ("variable v", "mm")))
    same = subject(environment=(("variable v", _anew("mm")),))
    assert decided(same, before, {}, today=_anew("mm")) == FRESH
    assert decided(same, before, {}, today=other).state is State.STALE
    changed = subject(environment=(("variable v", other),))
    assert decided(changed, before, {}, today="mm").state is State.STALE


@pytest.mark.parametrize("other", ["a", "z"])
def test_another_version_schema_or_binding_counts_whichever_sorts_first(other: str) -> None:
    before = record(read("a", "mm"), binding="mm")
    assert decided(subject("a"), before, settled(a=version(_anew("mm")))) == FRESH
    contents = ToldContents()
    assert decided(subject("a"), before, settled(a=version(other)), contents).state is State.STALE
    renamed = (*XY, Column(other, "DATE"))
    same = frozenset({("mm", other)})
    retyped = (XY[0], Column("y", other.upper()))
    for binding, state in (("mm", State.FRESH), ("aa", State.STALE), ("zz", State.STALE)):
        told = ToldContents(same, bound={"out": _anew(binding)})
        assert decided(subject("a"), before, settled(a=version(other, renamed)), told).state is state
        assert decided(subject("a"), before, settled(a=version(other, retyped)), told).state is state


def test_an_equal_version_is_no_reason_even_where_its_schema_was_written_otherwise() -> None:
    before = record(read("a", "v1"))
    odd = Read("a", Footprint(("gone",), None, ordered=False), "v1", schema_text(XY))
    told = ToldContents(bound={"out": "bound otherwise"})
    assert decided(subject("a"), before, settled(a=version(_anew("v1"), WIDER)), told) == FRESH
    assert verified(subject("a"), before.trace, settled(a=version(_anew("v1"), WIDER)), told)
    both = decided(subject("a", "b"), record(odd, read("b", "w1")), settled(a=version("v1"), b=version("w2")))
    assert [reason.asset for reason in both.reasons] == ["b"]


def test_more_or_fewer_upstreams_than_were_read_are_looked_at_one_by_one() -> None:
    now = settled(a=version("v1"), b=version("w1"))
    fewer = decided(subject("a"), record(read("a", "v1"), read("b", "w1")), now)
    assert [reason.detail for reason in fewer.reasons] == ["no longer reads b"]
    more = decided(subject("a", "b"), record(read("b", "w1")), now)
    assert [reason.detail for reason in more.reasons] == ["now reads a"]
    moved = decided(subject("b", "a"), record(read("a", "v1"), read("b", "w1")), now)
    assert moved == FRESH


def test_an_upstream_that_is_new_besides_changed_code_is_told_once() -> None:
    verdict = decided(subject("a", recipe="r2"), record(), settled(a=version("v1")))
    assert [reason.detail for reason in verdict.reasons] == ["its code changed"]
    missing = decided(subject("a"), record(environment=(("random()", EACH_BUILD),)), settled(a=version("v1")))
    assert [reason.kind for reason in missing.reasons] == [Cause.VOLATILE, Cause.RECIPE]


@pytest.mark.parametrize("recipe", ["a", "z"])
def test_other_names_of_tables_are_no_reason_where_they_bind_to_the_same(recipe: str) -> None:
    before = record(read("a", "v1"), recipe="mm")
    told = ToldContents(alias_equivalents=frozenset({("out", "mm")}))
    assert decided(subject("a", recipe=recipe), before, settled(a=version("v1")), told) == FRESH
    assert told.asked == ["binding out"]
    otherwise = ToldContents(alias_equivalents=told.alias_equivalents, bound={"out": "bound otherwise"})
    verdict = decided(subject("a", recipe=recipe), before, settled(a=version("v1")), otherwise)
    assert verdict == Verdict(State.STALE, (Reason(Cause.RECIPE, "out", detail="its code changed"),))


def test_an_equal_recipe_is_not_taken_for_one_with_other_names() -> None:
    told = ToldContents(alias_equivalents=frozenset({("out", "mm")}), bound={"out": "bound otherwise"})
    before = record(read("a", "v1"), recipe="mm")
    assert decided(subject("a", recipe=_anew("mm")), before, settled(a=version("v1")), told) == FRESH


def test_an_upstream_that_is_new_besides_changed_data_is_told_as_well() -> None:
    verdict = decided(subject("a", "b"), record(read("a", "v1")), settled(a=version("v2"), b=version("w1")))
    assert [reason.kind for reason in verdict.reasons] == [Cause.DATA, Cause.RECIPE]


@pytest.mark.parametrize("value", [None, "a", "z"])
def test_what_was_read_without_being_declared_is_compared_with_what_is_there_now(value: str | None) -> None:
    names = ("file:rates.txt", "env:RATE")
    before = record(environment=tuple((name, "mm") for name in names))
    same = ToldContents(externals=dict.fromkeys(names, _anew("mm")))
    assert decided(subject(), before, {}, same) == FRESH
    told = {} if value is None else dict.fromkeys(names, value)
    verdict = decided(subject(), before, {}, ToldContents(externals=told))
    assert [(reason.kind, reason.detail) for reason in verdict.reasons] == [
        (Cause.ENVIRONMENT, "rates.txt, which it reads without declaring it, changed"),
        (Cause.ENVIRONMENT, "environment variable RATE changed"),
    ]
    assert not verified(subject(), before.trace, {}, ToldContents(externals=told))
    # What is declared by now is told by the declaration.
    declared = subject(environment=(("env:RATE", "mm"),))
    assert decided(declared, before, {}, ToldContents(externals={"file:rates.txt": "mm"})) == FRESH
