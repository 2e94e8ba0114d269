# ruff: noqa: E501
# Each edit is one line of a table
"""A shop of SQL and Polars assets, with what each of them reads written down by hand, and edits of it.

What is written here (``READS``) knows nothing of Upriver: it is the yardstick that Upriver's footprints are held to.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SQL = {
    "staging.orders": """select order_id, customer_id, product_id, quantity, price, status, ordered_on
from raw.orders
where status <> 'cancelled'
""",
    "staging.customers": """select customer_id, lower(email) as email, country, segment
from raw.customers
""",
    "staging.products": """select * from raw.products
""",
    "marts.revenue_by_country": """with sold as (select customer_id, quantity * price as amount from staging.orders)
select c.country, sum(s.amount)::decimal(18, 2) as revenue
from sold as s join staging.customers as c using (customer_id)
group by c.country
""",
    "marts.orders_per_day": """select ordered_on, count(*) as orders from staging.orders group by ordered_on
""",
    "marts.top_products": """select product_id, sum(quantity)::bigint as sold
from staging.orders
group by product_id
order by sold desc, product_id
limit 3
""",
    "marts.repeat_customers": """select order_id, row_number() over (partition by customer_id order by ordered_on, order_id) as place
from staging.orders
""",
    "marts.open_orders": """select order_id, quantity from staging.orders where status = 'open'
""",
    "checks.unknown_customers": """select order_id from staging.orders
where not exists (select 1 from staging.customers as c where c.customer_id = orders.customer_id)
""",
    "marts.ids": """select order_id as id from staging.orders union select customer_id from staging.customers
""",
    "marts.small_markets": """select country from marts.revenue_by_country where revenue < 20000
""",
}

PYTHON = '''"""Marts in Polars."""

import polars as pl

from lib.pricing import net
from upriver.assets import asset, source

orders_source = source("raw.orders", "data/orders.csv")
customers_source = source("raw.customers", "data/customers.csv")
products_source = source("raw.products", "data/products.csv")


@asset("marts.segment_quantity", inputs={"orders": "staging.orders", "customers": "staging.customers"})
def segment_quantity(orders: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
    """Quantities by segment."""
    joined = orders.join(customers, on="customer_id")
    return joined.group_by("segment").agg(pl.col("quantity").sum())


@asset("marts.big_orders", inputs={"orders": "staging.orders"})
def big_orders(orders: pl.LazyFrame) -> pl.LazyFrame:
    """Orders of many pieces."""
    return orders.filter(pl.col("quantity") > 7).select("order_id", "quantity")


@asset("marts.product_sales", inputs={"orders": "staging.orders", "products": "staging.products"})
def product_sales(orders: pl.LazyFrame, products: pl.LazyFrame) -> pl.LazyFrame:
    """What each product sold for."""
    named = orders.join(products.select("product_id", "name"), on="product_id")
    return named.select("order_id", "name", amount=net(pl.col("price")))


@asset("marts.markets", inputs={"revenue": "marts.revenue_by_country"})
def markets(revenue: pl.LazyFrame) -> pl.LazyFrame:
    """The countries that anything was sold to."""
    return revenue.select("country")
'''

PRICING = '''"""Prices."""

RATE = 2


def net(price):
    """What is left."""
    return price * RATE


def unused(price):
    return price + 1
'''

READS: dict[str, dict[str, str]] = {
    "staging.orders": {
        "raw.orders": "select order_id, customer_id, product_id, quantity, price, status, ordered_on from {}"
        " where status <> 'cancelled'"
    },
    "staging.customers": {"raw.customers": "select customer_id, email, country, segment from {}"},
    "staging.products": {"raw.products": "select * from {}"},
    "marts.revenue_by_country": {
        "staging.orders": "select customer_id, quantity, price from {}",
        "staging.customers": "select customer_id, country from {}",
    },
    "marts.orders_per_day": {"staging.orders": "select ordered_on from {}"},
    "marts.top_products": {"staging.orders": "select product_id, quantity from {}"},
    "marts.repeat_customers": {"staging.orders": "select customer_id, ordered_on, order_id from {}"},
    "marts.open_orders": {
        "staging.orders": "select order_id, quantity, status from {} where status = 'open'"
    },
    "checks.unknown_customers": {
        "staging.orders": "select order_id, customer_id from {}",
        "staging.customers": "select customer_id from {}",
    },
    "marts.ids": {
        "staging.orders": "select order_id from {}",
        "staging.customers": "select customer_id from {}",
    },
    "marts.small_markets": {
        "marts.revenue_by_country": "select country, revenue from {} where revenue < 20000"
    },
    "marts.segment_quantity": {
        "staging.orders": "select customer_id, quantity from {}",
        "staging.customers": "select customer_id, segment from {}",
    },
    "marts.big_orders": {"staging.orders": "select order_id, quantity from {} where quantity > 7"},
    "marts.product_sales": {
        "staging.orders": "select order_id, product_id, price from {}",
        "staging.products": "select product_id, name from {}",
    },
    "marts.markets": {"marts.revenue_by_country": "select country from {}"},
}
"""What each asset reads of each upstream, as queries over that upstream's content; as a bag of rows."""

PYTHON_ASSETS = ("marts.segment_quantity", "marts.big_orders", "marts.product_sales", "marts.markets")
FILES = {
    **{key: (f"assets/{key.replace('.', '/')}.sql",) for key in SQL},
    **dict.fromkeys(PYTHON_ASSETS, ("assets/marts_in_polars.py", "lib/pricing.py")),
}
"""The files of code that each asset's recipe is in or imports from."""

SOURCES = {
    name: f"data/{name.partition('.')[2]}.csv" for name in ("raw.orders", "raw.customers", "raw.products")
}


def write_shop(root: Path, orders: int) -> None:
    """The project as it is before any edit, with so many *orders*."""
    choose = random.Random(7)
    statuses = ("open", "shipped", "cancelled")
    tables = {
        "orders": [
            "order_id,customer_id,product_id,quantity,price,status,ordered_on,note",
            *(
                f"{n},{1 + choose.randrange(orders // 10 + 1)},{1 + choose.randrange(20)},{1 + choose.randrange(9)},"
                f"{choose.randrange(100, 9000)},{statuses[n % 3]},2024-0{1 + n % 9}-1{n % 7},n{n}"
                for n in range(1, orders + 1)
            ),
        ],
        "customers": [
            "customer_id,email,country,segment,phone",
            *(
                f"{n},Mail{n}@example.org,{'ABCDE'[n % 5]},{('home', 'work')[n % 2]},0{n}"
                for n in range(1, orders // 10 + 1)
            ),
        ],
        "products": ["product_id,name,weight", *(f"{n},Product {n},{n % 4}" for n in range(1, 21))],
    }
    files = {FILES[key][0]: text for key, text in SQL.items()}
    files |= {f"data/{name}.csv": "\n".join(lines) + "\n" for name, lines in tables.items()}
    files |= {"assets/marts_in_polars.py": PYTHON, "lib/pricing.py": PRICING, "lib/__init__.py": ""}
    files["upriver.toml"] = '[project]\nname = "precision"\n'
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@dataclass(frozen=True)
class Edit:
    """One edit: what it does to the text of one file, and whose recipe means something else afterwards."""

    what: str
    path: str
    change: Callable[[str], str]
    meaning: tuple[str, ...] = ()


def replace(old: str, new: str) -> Callable[[str], str]:
    """A change of *old*, which must be there, into *new*."""

    def change(text: str) -> str:
        if old not in text:
            raise ValueError(f"{old!r} is not in the file")
        return text.replace(old, new, 1)

    return change


def lines(change: Callable[[list[list[str]]], list[list[str]]]) -> Callable[[str], str]:
    """A change of a CSV file's rows, the header among them."""

    def changed(text: str) -> str:
        rows = change([line.split(",") for line in text.splitlines()])
        return "\n".join(",".join(row) for row in rows) + "\n"

    return changed


def cell(row: int, column: int, value: str) -> Callable[[str], str]:
    """A change of one cell; row 0 is the header."""

    def change(rows: list[list[str]]) -> list[list[str]]:
        rows[row][column] = value
        return rows

    return lines(change)


_ORDERS, _CUSTOMERS, _PRODUCTS = SOURCES["raw.orders"], SOURCES["raw.customers"], SOURCES["raw.products"]
_SWAP = ("1", "0", "2", *(str(n) for n in range(3, 8)))

EDITS = (
    Edit("a comment in a query", FILES["staging.orders"][0], lambda t: "-- all that counts\n" + t),
    Edit("a query in other spacing and case", FILES["marts.top_products"][0], replace("order by sold desc,", "ORDER BY\n  sold DESC ,")),
    Edit("a common table expression renamed", FILES["marts.revenue_by_country"][0], lambda t: t.replace("sold", "sales")),
    Edit("a docstring and a comment", "assets/marts_in_polars.py", replace('"""Quantities by segment."""', '"""Pieces by segment."""\n    # as asked for')),
    Edit("a function that nobody calls", "lib/pricing.py", replace("price + 1", "price + 2")),
    Edit("a source touched", _ORDERS, lambda t: t),
    Edit("a column that nobody reads gets other values", _CUSTOMERS, lines(lambda rows: [rows[0], *([*row[:4], "x" + row[4]] for row in rows[1:])])),
    Edit("a column that nobody reads is added", _CUSTOMERS, lines(lambda rows: [[*row, "new" if n == 0 else str(n)] for n, row in enumerate(rows)])),
    Edit("a column that nobody reads is dropped", _ORDERS, lines(lambda rows: [row[:7] for row in rows])),
    Edit("columns of a source change places", _ORDERS, lines(lambda rows: [[row[int(n)] for n in _SWAP[:7]] for row in rows])),
    Edit("the rows of a source change places", _ORDERS, lines(lambda rows: [rows[0], *reversed(rows[1:])])),
    Edit("a row that the filter excludes", _ORDERS, lines(lambda rows: [[*row[:3], "99", *row[4:]] if row[5] == "cancelled" else row for row in rows])),
    Edit("a row more that the filter excludes", _ORDERS, lines(lambda rows: [*rows, ["1", "900001", "1", "1", "100", "cancelled", "2024-01-10"]])),
    Edit("one email address", _CUSTOMERS, cell(1, 1, "new@example.org")),
    Edit("an email address in other case", _CUSTOMERS, cell(2, 1, "MAIL2@example.org")),
    Edit("one customer moves", _CUSTOMERS, cell(3, 2, "A")),
    Edit("one customer changes segment", _CUSTOMERS, cell(4, 3, "club")),
    Edit("the weight of a product", _PRODUCTS, cell(5, 2, "7")),
    Edit("the name of a product", _PRODUCTS, cell(5, 1, "Better product")),
    Edit("a product more, that nobody ordered", _PRODUCTS, lines(lambda rows: [*rows, ["21", "Product 21", "1"]])),
    Edit("one order more", _ORDERS, lines(lambda rows: [*rows, ["1", "900002", "1", "9", "100", "open", "2024-01-10"]])),
    Edit("the price of one order", _ORDERS, lines(lambda rows: [*rows[:-1], [*rows[-1][:4], "200", *rows[-1][5:]]])),
    Edit("the quantity of one order, still many", _ORDERS, lines(lambda rows: [*rows[:-1], [*rows[-1][:3], "8", *rows[-1][4:]]])),
    Edit("the status of one order", _ORDERS, lines(lambda rows: [*rows[:-1], [*rows[-1][:5], "shipped", *rows[-1][6:]]])),
    Edit("a constant of a helper", "lib/pricing.py", replace("RATE = 2", "RATE = 3"), ("marts.product_sales",)),
    Edit("one of four functions in a module", "assets/marts_in_polars.py", replace("> 7", "> 6"), ("marts.big_orders",)),
    Edit("a filter that changes no result", FILES["staging.orders"][0], replace("<> 'cancelled'", "in ('open', 'shipped')"), ("staging.orders",)),
    Edit("a limit", FILES["marts.top_products"][0], replace("limit 3", "limit 4"), ("marts.top_products",)),
    Edit("a column of a query that nobody reads", FILES["staging.customers"][0], replace("lower(email)", "upper(email)"), ("staging.customers",)),
    Edit("a query's columns in other order", FILES["staging.customers"][0], replace("country, segment", "segment, country"), ("staging.customers",)),
    Edit("numbers of a column become decimal", _ORDERS, cell(1, 4, "100.5")),
)  # fmt: skip
"""In the order in which they are made, each on top of those before."""
