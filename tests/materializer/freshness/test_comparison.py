"""Comparing contents: what is computed once, what is not believed, what damage means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.fakes.ports import MemoryState, MemoryStore

from upriver.assets.errors import StoreError
from upriver.assets.model import CodePart, Column, Key, Place, Schema
from upriver.lineage.model import Footprint
from upriver.materializer.freshness.comparison import LiveContents, tagged
from upriver.materializer.freshness.decide import schema_text
from upriver.materializer.freshness.external_inputs import ExternalInputs
from upriver.materializer.model import Located, Read, Version

XY = (Column("x", "BIGINT"), Column("y", "VARCHAR"))
X = Footprint(("x",), None, ordered=False)
Y = Footprint(("y",), None, ordered=False)
ALL = Footprint(None, None, ordered=False)


class ToldFingerprints:
    """Fingerprints by version, and which passes were made for them."""

    def __init__(self, told: Mapping[str, str | Exception]) -> None:
        self.told = dict(told)
        self.passes: list[tuple[str, frozenset[Footprint]]] = []

    def compute(self, version: Located, footprints: Sequence[Footprint]) -> Mapping[Footprint, str]:
        self.passes.append((version.id, frozenset(footprints)))
        found = self.told[version.id]
        if isinstance(found, Exception):
            raise found
        return {footprint: f"{found}{footprint.columns}" for footprint in footprints}


class NoBinder:
    def bindings(self, asset: Key, upstreams: Mapping[Key, Schema]) -> tuple[str, ...]:
        raise AssertionError("not asked here")

    def alias_equivalent(self, asset: Key, text: str, fingerprint: str) -> bool:
        raise AssertionError("not asked here")


def contents(
    fingerprints: ToldFingerprints, state: MemoryState | None = None, root: Path = Path("/project")
) -> LiveContents:
    return LiveContents(
        root, state or MemoryState(), MemoryStore(), fingerprints, NoBinder(), ExternalInputs(root, {})
    )


def version(id: str, schema: Schema = XY) -> Version:
    return Version(id, schema, 1, 10, in_place=(f"{id}.parquet",))


def read(id: str, footprint: Footprint = X, value: str | None = None, schema: Schema = XY) -> Read:
    """A read of source ``a``; *value* is what its fingerprint begins with."""
    kept = None if value is None else tagged(f"{value}{footprint.columns}")
    return Read("a", footprint, id, schema_text(schema), kept)


def test_the_same_version_is_the_same_without_a_look() -> None:
    fingerprints = ToldFingerprints({})
    assert contents(fingerprints).same(read("v1"), version("v1"))
    assert fingerprints.passes == []


def test_another_version_is_the_same_when_the_footprint_is() -> None:
    live = contents(ToldFingerprints({"v2": "1:aa", "v3": "1:bb"}))
    assert live.same(read("v1", value="1:aa"), version("v2"))
    assert not live.same(read("v1", value="1:aa"), version("v3"))


def test_all_columns_are_compared_where_they_are_as_they_were() -> None:
    """Nobody reads the same schema object twice: it is the names and types that count."""
    live = contents(ToldFingerprints({"v2": "1:aa"}))
    assert live.same(read("v1", ALL, "1:aa"), version("v2"))


def test_one_pass_serves_all_that_are_expected_to_ask_and_is_remembered_for_ever() -> None:
    fingerprints, state = ToldFingerprints({"v2": "1:aa"}), MemoryState()
    live = contents(fingerprints, state)
    reads = [read("v1", X, "1:aa"), read("v1", Y, "1:aa")]
    live.expect(reads)
    assert all(live.same(one, version("v2")) for one in reads)
    assert fingerprints.passes == [("v2", frozenset({X, Y}))]
    live.flush()
    later = contents(fingerprints, state)
    assert all(later.same(one, version("v2")) for one in reads)
    assert len(fingerprints.passes) == 1


@pytest.mark.parametrize(
    ("footprint", "before"),
    [
        (X, (Column("x", "INTEGER"), Column("y", "VARCHAR"))),
        (X, (Column("y", "VARCHAR"),)),
        (ALL, (Column("y", "VARCHAR"), Column("x", "BIGINT"))),
        (ALL, (Column("x", "BIGINT"),)),
    ],
    ids=["another type", "a new column", "another order of all columns", "more of all columns"],
)
def test_what_has_other_columns_or_types_is_different_without_a_look(
    footprint: Footprint, before: Schema
) -> None:
    fingerprints = ToldFingerprints({})
    assert not contents(fingerprints).same(read("v1", footprint, "1:aa", before), version("v2"))
    assert fingerprints.passes == []


def test_a_file_is_compared_by_its_bytes_alone() -> None:
    live = contents(ToldFingerprints({}))
    assert live.same(read("v1", schema=()), version("v1", ()))
    assert not live.same(read("v1", schema=()), version("v2", ()))


def test_a_fingerprint_of_another_algorithm_is_not_compared() -> None:
    live = contents(ToldFingerprints({"v2": "1:aa"}))
    old = Read("a", X, "v1", schema_text(XY), "an older algorithm|1:aa('x',)")
    assert not live.same(old, version("v2"))


def test_what_can_not_be_read_counts_as_different_and_harms_no_decision() -> None:
    live = contents(ToldFingerprints({"v2": StoreError("damaged"), "v3": "1:aa"}))
    assert not live.same(read("v1", value="1:aa"), version("v2"))
    assert live.changed_columns(read("v1", Footprint(("x", "y")), "1:aa"), version("v2")) == ("x", "y")
    assert live.same(read("v1", value="1:aa"), version("v3"))


def test_a_fingerprint_of_files_that_changed_meanwhile_is_not_remembered() -> None:
    fingerprints, state = ToldFingerprints({"v2": "1:bb"}), MemoryState()
    live = contents(fingerprints, state)
    live.keep_while(lambda key, version: False)
    assert not live.same(read("v1", value="1:aa"), version("v2"))
    live.flush()
    fingerprints.told["v2"] = "1:aa"
    assert contents(fingerprints, state).same(read("v1", value="1:aa"), version("v2"))


def test_a_change_is_told_by_its_rows_or_by_its_columns() -> None:
    live = contents(ToldFingerprints({"v2": "1:aa"}))
    both = Footprint(("x", "y"), None, ordered=False)
    assert live.describe_change(read("v1", both, "1:bb"), version("v2")) == "content changed"
    fresh = MemoryState()
    rows = Footprint((), None, ordered=False)
    fresh.remember_fingerprints({("v1", rows): "4:cc", ("v1", X): "1:aa('x',)", ("v1", Y): "1:bb('y',)"})
    counted = contents(ToldFingerprints({"v2": "1:aa"}), fresh)
    assert counted.describe_change(read("v1", both, "4:bb"), version("v2")) == "-3 rows"
    assert counted.changed_columns(read("v1", both, "4:bb"), version("v2")) == ("x", "y")
    fresh.remember_fingerprints({("v1", rows): "1:cc"})
    named = contents(ToldFingerprints({"v2": "1:aa"}), fresh)
    assert named.changed_columns(read("v1", both, "1:bb"), version("v2")) == ("y",)


@pytest.mark.parametrize("other", ["0", "a", "z"])
def test_versions_and_algorithms_are_equal_or_not_whichever_sorts_first(other: str) -> None:
    live = contents(ToldFingerprints({other: "1:bb", "mm": "1:aa"}))
    assert live.same(read("mm"), version("".join(["m", "m"])))
    assert not live.same(read("mm", value="1:aa"), version(other))
    foreign = Read("a", X, "old", schema_text(XY), f"{other}|1:aa('x',)")
    assert not live.same(foreign, version("mm"))


def test_the_columns_that_changed_are_not_looked_for_where_there_are_none() -> None:
    fingerprints = ToldFingerprints({})
    live = contents(fingerprints)
    assert live.changed_columns(read("v1", ALL), version("v2")) == ()
    assert live.changed_columns(read("v1", Footprint(())), version("v2")) == ()
    assert live.changed_columns(read("v1", Footprint(("x", "y"))), version("v2", ())) == ("x", "y")
    assert fingerprints.passes == []


@pytest.mark.parametrize("type", ["AARDVARK", "ZEBRA"])
def test_a_column_of_another_type_is_named_among_those_that_changed(type: str) -> None:
    both = Footprint(("x", "y"), None, ordered=False)
    state = MemoryState()
    state.remember_fingerprints({("v1", X): "1:aa('x',)", ("v1", Y): "1:aa('y',)"})
    live = contents(ToldFingerprints({"v2": "1:aa"}), state)
    now = version("v2", (Column("x", "BIGINT"), Column("y", type)))
    assert live.changed_columns(read("v1", both, "1:bb"), now) == ("y",)
    assert live.changed_columns(read("v1", both, "1:bb"), version("v2")) == ("x", "y")


@pytest.mark.parametrize(
    ("rows", "said"), [(2, "-1 row"), (3, "-2 rows"), (0, "+1 row"), (1, "content changed")]
)
def test_one_row_is_a_row_and_more_are_rows(rows: int, said: str) -> None:
    state = MemoryState()
    state.remember_fingerprints({("v1", Footprint((), None, ordered=False)): f"{rows}:cc"})
    live = contents(ToldFingerprints({"v2": "1:aa"}), state)
    assert live.describe_change(read("v1"), version("v2")) == said


def test_a_footprint_of_columns_that_are_gone_is_not_computed_beside_others() -> None:
    fingerprints = ToldFingerprints({"v2": "1:aa"})
    live = contents(fingerprints)
    gone, both = Footprint(("z",), None, ordered=False), Footprint(("x", "y"), None, ordered=False)
    live.expect([read("v1", gone), read("v1", both), read("v1", ALL)])
    assert live.same(read("v1", X, "1:aa"), version("v2"))
    assert fingerprints.passes == [("v2", frozenset({X, both, ALL}))]


def test_of_what_changes_meanwhile_the_fingerprints_known_before_are_kept() -> None:
    state = MemoryState()
    state.remember_fingerprints({("v2", X): "known"})
    live = contents(ToldFingerprints({"v2": "1:bb"}), state)
    live.keep_while(lambda key, version: False)
    assert live.fingerprints("a", version("v2"), (X, Y)) == {X: "known", Y: "1:bb('y',)"}


def test_what_an_earlier_artifact_held_is_computed_from_the_store_when_it_is_not_known() -> None:
    store, place = MemoryStore(), Path("/memory/draft")
    store.write(place, b"rows")
    staged = store.stage(place, ".parquet")
    fingerprints = ToldFingerprints({staged.id: "1:aa", "v2": "1:aa"})
    root = Path("/project")
    live = LiveContents(root, MemoryState(), store, fingerprints, NoBinder(), ExternalInputs(root, {}))
    assert not live.same(read(staged.id), version("v2"))
    store.publish([staged])
    assert live.same(read(staged.id), version("v2"))
    assert live.same(read(staged.id), version("v2"))
    counted, *passes = fingerprints.passes
    assert counted == (staged.id, frozenset({Footprint((), None, ordered=False)})), (
        "which takes no pass over the rows"
    )
    assert passes == [(staged.id, frozenset({X})), ("v2", frozenset({X}))]


def test_of_rows_that_only_changed_places_this_is_told() -> None:
    both = Footprint(("x", "y"), None, ordered=True)
    state = MemoryState()
    bag = Footprint(("x", "y"), None, ordered=False)
    count = Footprint((), None, ordered=False)
    state.remember_fingerprints({("v1", bag): "1:aa('x', 'y')", ("v1", count): "1:cc", ("v3", bag): "1:dd"})
    live = contents(ToldFingerprints({"v2": "1:aa"}), state)
    assert live.describe_change(read("v1", both, "1:bb"), version("v2")) == "rows in another order"
    assert live.changed_columns(read("v1", both, "1:bb"), version("v2")) == ()
    assert live.describe_change(read("v3", both, "1:bb"), version("v2")) == "content changed"


def test_where_rows_came_or_went_they_are_not_gone_through() -> None:
    store, place = MemoryStore(), Path("/memory/draft")
    store.write(place, b"rows")
    staged = store.stage(place, ".parquet")
    store.publish([staged])
    fingerprints = ToldFingerprints({staged.id: "2:aa", "v2": "2:aa"})
    root = Path("/project")
    live = LiveContents(root, MemoryState(), store, fingerprints, NoBinder(), ExternalInputs(root, {}))
    live.expect([read(staged.id, ALL), read(staged.id, Y)])
    assert not live.same(read("gone", value="2:aa"), version("v2"))
    assert fingerprints.passes == []
    assert not live.same(read(staged.id), version("v2"))
    assert fingerprints.passes == [(staged.id, frozenset({Footprint((), None, ordered=False)}))]


def test_where_rows_came_or_went_a_filter_may_have_excluded_them() -> None:
    some = Footprint(("x",), "y = 'kept'", ordered=False)
    live = contents(ToldFingerprints({"v2": "1:aa"}))
    state = MemoryState()
    state.remember_fingerprints({("v1", Footprint((), None, ordered=False)): "7:cc"})
    for one in (live, contents(ToldFingerprints({"v2": "1:aa"}), state)):
        assert one.same(read("v1", some, "1:aa"), version("v2"))


def test_what_is_asked_of_many_versions_is_fetched_once() -> None:
    state = MemoryState()
    state.remember_fingerprints({("v1", X): "1:aa('x',)", ("v2", X): "1:aa('x',)"})
    live = contents(ToldFingerprints({}), state)
    live.preload(["v1", "v2", "v1"])
    state.remember_fingerprints({("v1", X): "other", ("v2", X): "another"})
    live.preload(["v1"])
    assert live.same(read("v1"), version("v2"))


@pytest.mark.parametrize(
    ("texts", "answer"),
    [(["select 1"], True), (["select 2"], False), ([], False), (["select 1", "select 1"], False)],
)
def test_only_a_recipe_of_one_known_text_may_have_other_names_of_tables(
    texts: list[str], answer: bool
) -> None:
    class Respells(NoBinder):
        def alias_equivalent(self, asset: Key, text: str, fingerprint: str) -> bool:
            return (asset, text, fingerprint) == ("out", "select 1", "r1")

    state, root = MemoryState(), Path("/project")
    state.remember_recipes(
        {"r1": [CodePart(f"part {n}", Place("a.sql"), "d", text) for n, text in enumerate(texts)]}
    )
    live = LiveContents(
        root, state, MemoryStore(), ToldFingerprints({}), Respells(), ExternalInputs(root, {})
    )
    assert live.alias_equivalent("out", "r1") is answer


def test_any_fingerprint_of_a_version_tells_how_many_rows_it_had() -> None:
    """Also one of another footprint: of files that are read in place nothing else is left to count."""
    state = MemoryState()
    state.remember_fingerprints({("v1", Y): "4:aa"})
    fingerprints = ToldFingerprints({})
    live = contents(fingerprints, state)
    assert not live.same(read("v1"), version("v2"))
    assert live.describe_change(read("v1"), version("v2")) == "-3 rows"
    assert fingerprints.passes == []


def test_where_other_rows_pass_a_filter_their_columns_are_not_gone_through() -> None:
    """To count them takes one look at what the filter looks at."""
    some = Footprint(("x",), "y = 'kept'", ordered=False)
    counted = Footprint((), "y = 'kept'", ordered=False)
    fingerprints = ToldFingerprints({"v2": "3:aa"})
    live = contents(fingerprints)
    live.expect([read("v1", ALL), read("v1", some)])
    assert not live.same(read("v1", some, "2:bb"), version("v2"))
    assert live.describe_change(read("v1", some, "2:bb"), version("v2")) == "+1 row"
    assert fingerprints.passes == [("v2", frozenset({counted}))]


def test_rows_of_one_filter_are_not_taken_for_those_of_another() -> None:
    state = MemoryState()
    some, other = (Footprint(("x",), f"y = '{kept}'", ordered=False) for kept in ("a", "b"))
    state.remember_fingerprints({("v1", other): "9:aa", ("v1", X): "8:aa", ("v2", some): "1:aa"})
    live = contents(ToldFingerprints({"v2": "1:aa"}), state)
    assert live.row_change(read("v1", some), version("v2")) is None
