"""What is written in a query when a column that it reads, or makes, gets another name. Each result is bound and proven
by the tool itself; here it is what a person would have written.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Column
from upriver.lineage.refactoring.rename.columns.sql import QueryColumns, Rewritten
from upriver.lineage.refactoring.rename.values import ByHand
from upriver.lineage.sql.parse.parse import parse_query
from upriver.lineage.sql.parse.query import BoundText
from upriver.lineage.sql.plan.binder import Binder

TABLES = {
    "up": (Column("id", "INTEGER"), Column("amount", "INTEGER"), Column("z", "VARCHAR"), Column("s", "STRUCT(amount INTEGER)")),
    "o": (Column("id", "INTEGER"), Column("amount", "INTEGER")),
}  # fmt: skip


@pytest.fixture(scope="module")
def binder() -> Iterator[Binder]:
    """One database for all."""
    binder = Binder()
    yield binder
    binder.close()


def rename(
    binder: Binder, sql: str, new: str = "usd", dialect: str = "duckdb", *, made: bool = False
) -> tuple[str, bool] | str:
    """The query afterwards and whether its own column is called so, or why it can't be."""
    query = parse_query(sql, dialect, "a.sql", 1)
    assert not isinstance(query, Diagnosis), query
    keys = query.keys()
    schemas = {key: TABLES[key] for key in keys}
    found = QueryColumns(binder, query, schemas, "amount", new, () if made else {"up"}).rewritten()
    if isinstance(found, ByHand):
        return f"{found.place}: {found.why}"
    assert isinstance(found, Rewritten)
    return BoundText(query.text, list(found.edits)).text, found.passes


KEPT = """
select amount from up | select usd as amount from up
select up.amount, z from up where amount > 1 | select up.usd as amount, z from up where usd > 1
from up select amount | from up select usd as amount
select AMOUNT from up | select usd as amount from up
select "Amount" from up | select "usd" as "amount" from up
select amount as amount from up | select usd as amount from up
select amount, count(*) from up group by amount order by amount | select usd as amount, count(*) from up group by usd order by usd
select x.amount, o.amount from up x join o using (id) | select x.usd as amount, o.amount from up x join o using (id)
select o.amount from o left join up on o.amount = up.amount | select o.amount from o left join up on o.amount = up.usd
select id from o where exists (select 1 from up where up.id = o.id and amount = o.amount) | select id from o where exists (select 1 from up where up.id = o.id and usd = o.amount)
select id from o where amount in (select amount from up) | select id from o where amount in (select usd from up)
with q as (select amount from up) select amount, amount + 1 as k from q | with q as (select usd as amount from up) select amount, amount + 1 as k from q
with q as (select amount / 100 as amount from up) select amount from q | with q as (select usd / 100 as amount from up) select amount from q
with q as (select * from up), r as (select amount from q) select * from r | with q as (select * from up), r as (select usd as amount from q) select * from r
with u as (select amount from up) select 1 as one | with u as (select usd from up) select 1 as one
select * exclude (amount) from up | select * exclude (usd) from up
select * rename (amount as b) from up | select * rename (usd as b) from up
select s.amount from up | select s.amount from up
select {'amount': amount} as k from up -- amount | select {'amount': usd} as k from up -- amount
select sum(amount), amount::varchar from up group by all | select sum(usd) as "sum(amount)", usd::varchar as "CAST(amount AS VARCHAR)" from up group by all
select amount from o union all select amount from up | select amount from o union all select usd from up
select amount from up union select amount from o order by amount | select usd as amount from up union select amount from o order by usd
select id, amount from up union all by name select amount, id from o | select id, usd as amount from up union all by name select amount, id from o
select distinct on (amount) amount, id from up | select distinct on (usd) usd as amount, id from up
select id, row_number() over w as r from up window w as (order by amount) | select id, row_number() over w as r from up window w as (order by usd)
select id from up qualify row_number() over (partition by amount) = 1 | select id from up qualify row_number() over (partition by usd) = 1
select id, u from up, unnest([amount]) as t(u) | select id, u from up, unnest([usd]) as t(u)
pivot up on amount in (1, 2) using sum(id) | pivot up on usd in (1, 2) using sum(id)
unpivot (select id, amount from up) on amount into name n value v | unpivot (select id, usd as amount from up) on amount into name n value v
select distinct(amount) from up | select distinct(usd) as amount from up
"""


@pytest.mark.parametrize("line", KEPT.strip().split("\n"))
def test_reads_follow_and_the_query_s_own_columns_keep_their_names(line: str, binder: Binder) -> None:
    before, _, after = line.partition(" | ")
    assert rename(binder, before) == (after, False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("select * from up", "select * from up"),
        ("from up", "from up"),
        ("with q as (select * from up) select * from q where amount > 1",
         "with q as (select * from up) select * from q where usd > 1"),
        ("select * replace (amount / 2 as amount) from up", "select * replace (usd / 2 as usd) from up"),
        ("select columns('amo.*|usd') from up", "select columns('amo.*|usd') from up"),
    ],
)  # fmt: skip
def test_everything_of_a_table_passes_the_new_name_on(before: str, after: str, binder: Binder) -> None:
    assert rename(binder, before) == (after, True)


BACK = "(select * rename (usd as amount) from up)"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("select 1 as k from up join o using (amount)", f"select 1 as k from {BACK} as up join o using (amount)",
         "join it by ON instead of USING (amount) first"),
        ("select * from up u natural join o", f"select * from {BACK} u natural join o", "other columns"),
        ("select up from up", f"select up from {BACK} as up", "other types"),
        ("select hash(up) as h, amount from up", f"select hash(up) as h, amount from {BACK} as up", "something else"),
        ("select struct_pack(amount) from up", f"select struct_pack(amount) from {BACK} as up", "other types"),
        ("select columns(['amount']) from up", f"select columns(['amount']) from {BACK} as up", "was not found"),
        ("select *, amount + 1 as usd from up", f"select *, amount + 1 as usd from {BACK} as up", "it would"),
        ("select alias(amount) as name from up", f"select alias(amount) as name from {BACK} as up", "data"),
        ("unpivot up on amount into name n value v", f"unpivot {BACK} as up on amount into name n value v",
         "something else"),
    ],
)  # fmt: skip
def test_what_sees_the_name_itself_reads_the_column_under_its_old_one(
    before: str, after: str, why: str, binder: Binder
) -> None:
    """A subquery gives the name back, and why is told: joins by it, rows as a whole, names that are data."""
    query = parse_query(before, path="a.sql")
    assert not isinstance(query, Diagnosis)
    keys = query.keys()
    found = QueryColumns(
        binder, query, {key: TABLES[key] for key in keys}, "amount", "usd", {"up"}
    ).rewritten()
    assert isinstance(found, Rewritten)
    assert BoundText(query.text, list(found.edits)).text == after
    assert not found.passes
    assert why in found.because


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("pivot up on z using sum(amount)", "the columns depend on the data"),
        ("describe up", "something else"),
    ],
)
def test_what_can_not_be_told_is_refused(before: str, why: str, binder: Binder) -> None:
    refused = rename(binder, before)
    assert isinstance(refused, str), refused
    assert why in refused
    assert refused.startswith("a.sql:1")


MADE = """
select amount from up | select amount as usd from up
select t.amount from up t | select t.amount as usd from up t
select z as amount, id from up order by amount | select z as usd, id from up order by usd
select amount / 100 as amount from up order by amount | select amount / 100 as usd from up order by usd
select z amount from up | select z usd from up
select amount: z from up | select usd: z from up
select * from up | select * rename (amount as usd) from up
from up | select * rename (amount as usd) from up
select up.*, 1 as one from up | select up.* rename (amount as usd), 1 as one from up
select * exclude (id) from up | select * exclude (id) rename (amount as usd) from up
with f as (select z as amount from up), g as (select * from f where amount > 'a') select * from g order by amount | with f as (select z as usd from up), g as (select * from f where usd > 'a') select * from g order by usd
with f as (select z amount from up) select amount from f | with f as (select z amount from up) select amount as usd from f
select z as amount from up union all select z from up | select z as usd from up union all select z from up
select id as amount from up union all by name select id as amount from o | select id as usd from up union all by name select id as usd from o
select count(*) as amount, z from up group by z having amount > 1 | select count(*) as usd, z from up group by z having usd > 1
"""


@pytest.mark.parametrize("line", MADE.strip().split("\n"))
def test_a_column_is_renamed_where_it_gets_its_name(line: str, binder: Binder) -> None:
    before, _, after = line.partition(" | ")
    assert rename(binder, before, made=True) == (after, True)


def test_where_it_gets_its_name_is_not_guessed(binder: Binder) -> None:
    refused = rename(binder, "select columns('amount') from up", made=True)
    assert isinstance(refused, str)
    assert "put select * rename (amount as usd) from (…) around the query instead" in refused


@pytest.mark.parametrize(
    ("dialect", "before", "after"),
    [
        ("bigquery", "select `amount`, safe_divide(up.amount, 2) d from up where amount > 1 # amount",
         "select `us d` as `amount`, safe_divide(up.`us d`, 2) d from up where `us d` > 1 # amount"),
        ("snowflake", "select amount, iff(amount > 1, 1, 2) k from up",
         'select "us d" as amount, iff("us d" > 1, 1, 2) k from up'),
        ("mysql, collation=binary", "select `amount` from up where z = 'amount' # amount\n",
         "select `us d` as `amount` from up where z = 'amount' # amount\n"),
        ("postgres", "select amount::text as a from up", 'select "us d"::text as a from up'),
    ],
)  # fmt: skip
def test_other_dialects_are_rewritten_in_their_own_words(
    dialect: str, before: str, after: str, binder: Binder
) -> None:
    assert rename(binder, before, "us d", dialect) == (after, False)


@pytest.mark.parametrize(
    "new", ['we"ird', "select", "größe", "a.b", "x; drop table up", "Amount", "1st", "'"]
)
def test_any_name_is_written_as_a_name(new: str, binder: Binder) -> None:
    written = rename(binder, "select amount, up.amount + 1 as k from up where amount > 1", new)
    assert isinstance(written, tuple), written
    again = parse_query(written[0])
    assert not isinstance(again, Diagnosis)
    assert len(rename(binder, "select z as amount from up order by amount", new, made=True)) == 2
