"""What the walk does not know widens to whole tables, and the rest of the plan is still understood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import msgspec
import pytest

from upriver.assets.model import Column, Key, Schema
from upriver.lineage.model import WHOLE, Volatility
from upriver.lineage.sql.plan.context import PlanContext
from upriver.lineage.sql.plan.findings import footprints, used_sources
from upriver.lineage.sql.plan.flow import Node, Relation
from upriver.lineage.sql.plan.volatility import VolatileFunctions
from upriver.lineage.sql.plan.walk import walked as walked_plan

SCHEMAS: dict[Key, Schema] = {
    "t": (Column("a", "INTEGER"), Column("b", "VARCHAR"), Column("c", "INTEGER")),
    "r": (Column("a", "INTEGER"), Column("v", "INTEGER")),
}
KEYS = {("main", "t"): "t", ("main", "r"): "r"}


def walked(sql: str, change: Callable[[Node], None]) -> tuple[PlanContext, Relation]:
    """Walk the plan of *sql* after *change* was done to each of its nodes and expressions."""
    con = duckdb.connect()
    con.execute("create table t (a integer, b varchar, c integer)")
    con.execute("create table r (a integer, v integer)")
    row = con.execute("select json_serialize_plan(?, optimize := false)", [sql]).fetchone()
    assert row is not None
    (root,) = msgspec.json.decode(row[0])["plans"]
    _each(root, change)
    context = PlanContext(root, KEYS, SCHEMAS, VolatileFunctions(con))
    return context, walked_plan(context, root)


def _each(value: Any, change: Callable[[Node], None]) -> None:
    if isinstance(value, dict):
        change(value)
        for inner in value.values():
            _each(inner, change)
    elif isinstance(value, list):
        for inner in value:
            _each(inner, change)


def renamed(old: str, new: str) -> Callable[[Node], None]:
    """A plan of a later DuckDB, in which something has another name."""

    def change(node: Node) -> None:
        for field in ("type", "expression_class", "join_type"):
            if node.get(field) == old:
                node[field] = new

    return change


def without(kind: str, field: str) -> Callable[[Node], None]:
    """A plan of a later DuckDB, in which something has lost a field."""

    def change(node: Node) -> None:
        if node.get("type") == kind:
            node.pop(field, None)

    return change


CHANGES = {
    "a node": renamed("LOGICAL_FILTER", "LOGICAL_FUTURE"),
    "a projection": renamed("LOGICAL_PROJECTION", "LOGICAL_FUTURE"),
    "an aggregate": renamed("LOGICAL_AGGREGATE_AND_GROUP_BY", "LOGICAL_FUTURE"),
    "an expression": renamed("BOUND_CONJUNCTION", "BOUND_FUTURE"),
    "a lost field": without("LOGICAL_FILTER", "expressions"),
    "a lost projection map": without("LOGICAL_FILTER", "projection_map"),
    "a lost group list": without("LOGICAL_AGGREGATE_AND_GROUP_BY", "groups"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_known_makes_the_tables_below_whole(name: str) -> None:
    walk, result = walked("select a, max(c) as m from t where a > 1 or c = 2 group by a", CHANGES[name])
    assert walk.opaque
    values, influences = used_sources(result, 2, walk.evaluated)
    assert footprints(walk.sources, values, influences) == (("t", WHOLE),)
    read = {walk.sources.columns[source][1] for source in values}
    assert read == {"a", "b", "c"}


def test_an_unknown_join_makes_both_sides_whole() -> None:
    walk, result = walked("select t.a, r.v from t left join r using (a)", renamed("LEFT", "FUTURE"))
    values, influences = used_sources(result, 2, walk.evaluated)
    assert footprints(walk.sources, values, influences) == (("r", WHOLE), ("t", WHOLE))


def test_the_other_side_of_a_join_is_still_understood() -> None:
    walk, result = walked(
        "select q.a, r.v from (select distinct a from t) q join r on q.a = r.a where r.v > 1",
        renamed("LOGICAL_DISTINCT", "LOGICAL_FUTURE"),
    )
    values, influences = used_sources(result, 2, walk.evaluated)
    found = dict(footprints(walk.sources, values, influences))
    assert found["t"] == WHOLE
    assert found["r"].columns is not None
    assert {opaque.upstream for opaque in walk.opaque} == {"t"}


def test_volatile_functions_are_found_in_what_is_not_known() -> None:
    walk, _ = walked("select a from t where random() < 0.5", renamed("LOGICAL_FILTER", "LOGICAL_FUTURE"))
    assert Volatility("random", "build") in walk.volatile


def test_an_unknown_node_over_a_common_table_sees_its_tables() -> None:
    walk, result = walked(
        "with q as (select a from t) select distinct x.a from q x join q y on x.a = y.a",
        renamed("LOGICAL_DISTINCT", "LOGICAL_FUTURE"),
    )
    values, influences = used_sources(result, 1, walk.evaluated)
    assert footprints(walk.sources, values, influences) == (("t", WHOLE),)
