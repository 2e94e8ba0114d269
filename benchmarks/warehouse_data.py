"""Rows like those of TPC-H, deterministic, made by DuckDB, and ten models over them."""

from __future__ import annotations

from pathlib import Path

import duckdb

LINE_ITEMS = 6_000_000
ORDERS = 1_500_000
CUSTOMERS = 150_000

_SOURCES = {
    "customer": """
        select i as custkey, 'Customer#' || i as name, (hash(i) % 25)::int as nationkey,
            (hash(i, 1) % 1100000)::bigint / 100.0 - 1000 as acctbal,
            ['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'HOUSEHOLD', 'MACHINERY'][1 + (hash(i, 2) % 5)::int] as segment
        from range(1, {customers} + 1) as t(i)
    """,
    "orders": """
        select i as orderkey, 1 + (hash(i) % {customers})::bigint as custkey,
            ['F', 'O', 'P'][1 + (hash(i, 1) % 3)::int] as status,
            (hash(i, 2) % 50000000)::bigint / 100.0 as totalprice,
            date '1992-01-01' + (hash(i, 3) % 2400)::int as orderdate,
            ['1-URGENT', '2-HIGH', '3-MEDIUM', '4-LOW', '5-NONE'][1 + (hash(i, 4) % 5)::int] as priority
        from range({first_order}, {last_order} + 1) as t(i)
    """,
    "lineitem": """
        select 1 + (i // {per_order})::bigint as orderkey, (i % {per_order})::int as linenumber,
            1 + (hash(i) % 200000)::bigint as partkey, (hash(i, 1) % 10000)::int as suppkey,
            1 + (hash(i, 2) % 50)::int as quantity, (hash(i, 3) % 10000000)::bigint / 100.0 as extendedprice,
            (hash(i, 4) % 11)::int / 100.0 as discount, (hash(i, 5) % 9)::int / 100.0 as tax,
            ['A', 'N', 'R'][1 + (hash(i, 6) % 3)::int] as returnflag,
            date '1992-01-02' + (hash(i, 7) % 2500)::int as shipdate
        from range({first_line}, {last_line}) as t(i)
    """,
}

MODELS = {
    "staging.lineitem": """
        select orderkey, linenumber, partkey, suppkey, quantity, extendedprice, discount, tax,
            extendedprice * (1 - discount) as revenue, returnflag, shipdate
        from raw.lineitem
    """,
    "staging.orders": """
        select orderkey, custkey, status, totalprice, orderdate, priority, year(orderdate) as order_year
        from raw.orders
    """,
    "staging.customer": """
        select custkey, name, nationkey, acctbal, segment from raw.customer
    """,
    "core.order_lines": """
        select l.orderkey, l.linenumber, o.custkey, l.partkey, l.quantity, l.revenue, l.shipdate, o.orderdate,
            date_diff('day', o.orderdate, l.shipdate) as days_to_ship
        from staging.lineitem as l join staging.orders as o using (orderkey)
        where l.returnflag <> 'R'
    """,
    "core.order_totals": """
        select orderkey, sum(quantity) as quantity, sum(revenue)::decimal(18, 2) as revenue, count(*) as lines
        from staging.lineitem
        group by orderkey
    """,
    "core.customer_orders": """
        select c.custkey, c.segment, c.nationkey, count(*) as orders, sum(o.totalprice)::decimal(18, 2) as spent,
            max(o.orderdate) as last_order
        from staging.customer as c join staging.orders as o using (custkey)
        group by all
    """,
    "marts.pricing_summary": """
        select returnflag, year(shipdate) as shipped, sum(quantity) as quantity,
            sum(extendedprice)::decimal(18, 2) as price, avg(discount) as discount, count(*) as lines
        from staging.lineitem
        where shipdate <= date '1998-09-02'
        group by all
    """,
    "marts.segment_revenue": """
        select c.segment, year(l.orderdate) as order_year, sum(l.revenue)::decimal(18, 2) as revenue
        from core.order_lines as l join staging.customer as c using (custkey)
        group by all
    """,
    "marts.shipping": """
        select order_year, priority, avg(days_to_ship) as days, count(*) as lines
        from core.order_lines join staging.orders using (orderkey)
        group by all
    """,
    "marts.best_customers": """
        select custkey, segment, orders, spent, row_number() over (order by spent desc, custkey) as place
        from core.customer_orders
        qualify place <= 1000
    """,
}
"""Ten models: copies with a new column, a large join, aggregates of few and of many groups, a window.

In an order that builds.
"""


def write_project(root: Path, line_items: int) -> None:
    """The models as an Upriver project at *root*, its sources written for *line_items* rows."""
    (root / "data").mkdir(parents=True)
    (root / "upriver.toml").write_text('[project]\nname = "tables"\n')
    for key, query in MODELS.items():
        path = root / "assets" / f"{key.replace('.', '/')}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(query.strip() + "\n")
    declared = "".join(f'source("raw.{name}", "data/{name}/*.parquet")\n' for name in _SOURCES)
    (root / "assets" / "sources.py").write_text(f"from upriver.assets import source\n\n{declared}")
    orders, customers = max(1, line_items // 4), max(1, line_items // 40)
    _write(root, "part-0", range(line_items), range(1, orders + 1), customers)
    _put(root, "customer", "part-0", {"customers": customers})


def append_rows(root: Path, line_items: int, share: float = 0.01) -> None:
    """*share* more orders and line items, in a file of their own."""
    more, orders = max(4, round(line_items * share)), max(1, line_items // 4)
    lines = range(line_items, line_items + more)
    _write(root, "part-1", lines, range(orders + 1, orders + 1 + more // 4), max(1, line_items // 40))


def _write(root: Path, part: str, lines: range, orders: range, customers: int) -> None:
    values = {"customers": customers, "per_order": 4}
    values |= {"first_order": orders.start, "last_order": orders.stop - 1}
    values |= {"first_line": lines.start, "last_line": lines.stop}
    for name in ("orders", "lineitem"):
        _put(root, name, part, values)


def _put(root: Path, name: str, part: str, values: dict[str, int]) -> None:
    folder = root / "data" / name
    folder.mkdir(exist_ok=True)
    query = _SOURCES[name].format(**values)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{folder / part}.parquet' (format parquet)")
