"""The four generic tests of dbt mean the same here, nulls and all: compared with the SQL that dbt runs."""

from __future__ import annotations

from types import MappingProxyType

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upriver.assets.model import (
    AcceptedValues,
    Check,
    Column,
    NotNull,
    Place,
    Relationship,
    Rule,
    Unique,
)
from upriver.materializer.quality.rules import counting, counting_query

# From dbt-core's default__test_* macros, with the names filled in: a test passes when its query gives no row.
DBT = MappingProxyType(
    {
        "not_null": "select c from child where c is null",
        "unique": "select c as unique_field, count(*) as n_records from child where c is not null"
        " group by c having count(*) > 1",
        "accepted_values": "with all_values as (select c as value_field, count(*) as n_records from child group by c)"
        " select * from all_values where value_field not in ('1', '2')",
        "relationships": "with child as (select c as from_field from child where c is not null),"
        " parent as (select p as to_field from parent)"
        " select from_field from child left join parent on child.from_field = parent.to_field"
        " where parent.to_field is null",
    }
)
RULES: MappingProxyType[str, Rule] = MappingProxyType(
    {
        "not_null": NotNull("c"),
        "unique": Unique(("c",)),
        "accepted_values": AcceptedValues("c", ("1", "2")),
        "relationships": Relationship("c", "parent", "p"),
    }
)
VALUES = st.lists(st.none() | st.integers(0, 4), max_size=6)


@pytest.mark.parametrize("kind", DBT)
@settings(max_examples=40)
@given(child=VALUES, parent=VALUES)
def test_the_verdict_is_that_of_dbt(kind: str, child: list[int | None], parent: list[int | None]) -> None:
    """A null on either side included, where ``not in`` would go wrong."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("create table child (c integer)")
        connection.execute("create table parent (p integer)")
        connection.execute("insert into child select unnest(?::integer[])", [child])
        connection.execute("insert into parent select unnest(?::integer[])", [parent])
        check = Check("x", RULES[kind], Place("x.sql"))
        aggregate = counting(check, "child", (Column("c", "INTEGER"),))
        query = (
            f"select {aggregate} from child"
            if aggregate is not None
            else counting_query(check, "child", "parent", None)
        )
        found = connection.execute(query).fetchone()
        assert found is not None
        assert (found[0] == 0) is (connection.execute(DBT[kind]).fetchall() == [])
