"""Projects to begin with, for ``upriver init --template``: their files, text by path.

Each builds and passes its unit tests in a few seconds, and needs nothing but Upriver.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_WAREHOUSE = {
    "assets/sources.py": '''\
"""The data that this project reads and does not produce."""

from upriver.assets import source

customers = source("raw.customers", "data/customers.csv", description="One row a customer.")
products = source("raw.products", "data/products.csv", description="One row a product.")
orders = source("raw.orders", "data/orders/*.csv", description="One row an order line, one file a month.")
''',
    "assets/staging/customers.sql": """\
/* upriver:
description: Customers, with names that are not empty.
tags: [staging]
columns:
  customer_id: {type: BIGINT, not_null: true, unique: true, description: Who ordered}
  name: {not_null: true}
*/
select customer_id, nullif(trim(name), '') as name, upper(country) as country, since
from raw.customers
""",
    "assets/staging/products.sql": """\
/* upriver:
description: Products with their price.
tags: [staging]
columns:
  product_id: {not_null: true, unique: true}
  price: {type: 'DECIMAL(10,2)', range: {min: 0}}
*/
select product_id, title, category, price::decimal(10, 2) as price
from raw.products
""",
    "assets/staging/order_lines.sql": """\
/* upriver:
description: Lines of orders that were not cancelled.
tags: [staging]
columns:
  order_id: {not_null: true}
  customer_id: {relationship: {to: staging.customers.customer_id}}
  product_id: {relationship: {to: staging.products.product_id}}
checks:
  - unique: [order_id, product_id]
*/
select order_id, customer_id, product_id, ordered_on, quantity
from raw.orders
where status <> 'cancelled'
""",
    "assets/marts/fct_sales.sql": """\
/* upriver:
description: What was sold, with what it brought.
tags: [marts]
*/
select o.order_id, o.ordered_on, o.customer_id, o.product_id, o.quantity, o.quantity * p.price as revenue
from staging.order_lines o
join staging.products p using (product_id)
""",
    "assets/marts/dim_customers.sql": """\
/* upriver:
description: Customers with what they have bought so far.
tags: [marts]
columns:
  customer_id: {unique: true}
*/
select
    c.customer_id, c.name, c.country, c.since,
    count(distinct s.order_id) as orders,
    coalesce(sum(s.revenue), 0) as revenue,
    max(s.ordered_on) as last_order
from staging.customers c
left join marts.fct_sales s using (customer_id)
group by all
""",
    "assets/marts/revenue_by_month.sql": """\
/* upriver:
description: Revenue by month and category.
tags: [marts]
*/
select date_trunc('month', s.ordered_on)::date as month, p.category, sum(s.revenue) as revenue
from marts.fct_sales s
join staging.products p using (product_id)
group by all
order by month, category
""",
    "tests/fct_sales.yaml": """\
# `upriver test` gives these rows to the recipe, and compares what comes of them.
asset: marts.fct_sales
given:
  staging.order_lines:
    - {order_id: 1, customer_id: 7, product_id: A, ordered_on: 2026-01-02, quantity: 3}
    - {order_id: 1, customer_id: 7, product_id: X, ordered_on: 2026-01-02, quantity: 1}
  staging.products:
    - {product_id: A, price: 2.50}
expect:
  - {order_id: 1, product_id: A, revenue: 7.50}
""",
    "tests/order_lines.yaml": """\
asset: staging.order_lines
given:
  raw.orders:
    - {order_id: 1, product_id: A, status: paid}
    - {order_id: 2, product_id: A, status: cancelled}
expect:
  - {order_id: 1}
""",
    "data/customers.csv": """\
customer_id,name,country,since
1,Ada,gb,2025-03-01
2,Blaise,fr,2025-04-11
3,Carl,de,2025-07-30
4,Emmy,de,2025-11-02
""",
    "data/products.csv": """\
product_id,title,category,price
T-1,Green tea,tea,6.50
T-2,Black tea,tea,5.90
C-1,Espresso,coffee,12.00
M-1,Mug,ware,8.40
""",
    "data/orders/2026-01.csv": """\
order_id,customer_id,product_id,ordered_on,quantity,status
101,1,T-1,2026-01-03,2,paid
101,1,M-1,2026-01-03,1,paid
102,3,C-1,2026-01-09,1,paid
103,2,T-2,2026-01-17,4,cancelled
""",
    "data/orders/2026-02.csv": """\
order_id,customer_id,product_id,ordered_on,quantity,status
104,4,C-1,2026-02-02,3,paid
105,1,T-2,2026-02-11,1,paid
106,2,M-1,2026-02-26,2,paid
""",
}

_ML = {
    "assets/sources.py": '''\
"""The data that this project reads and does not produce."""

from upriver.assets import source

flats = source("raw.flats", "data/flats.csv", description="One row a flat that was let: size, floor, rent.")
''',
    "assets/features/flats.sql": """\
/* upriver:
description: What the model may know of a flat, and whether it learns from it.
tags: [features]
columns:
  flat_id: {unique: true, not_null: true}
  size: {range: {min: 10, max: 500}}
*/
select flat_id, size, floor, rent, flat_id % 4 <> 0 as learns
from raw.flats
where rent is not null
""",
    "assets/models/rent.py": '''\
import json

import polars as pl

from upriver.assets import asset


# Any library will do here; this one line through the points needs none.
@asset(inputs={"flats": "features.flats"}, suffix=".json", tags=["models"])
def rent(flats: pl.DataFrame) -> bytes:
    """The model: rent as a line over size, learned from three of four flats. A file asset."""
    known = flats.filter("learns")
    slope = known.select(pl.cov("size", "rent") / pl.var("size")).item()
    intercept = known.select(pl.mean("rent") - slope * pl.mean("size")).item()
    return json.dumps({"slope": round(slope, 6), "intercept": round(intercept, 6)}).encode()
''',
    "assets/marts/predictions.py": '''\
import json
from pathlib import Path

import polars as pl

from upriver.assets import asset


@asset(inputs={"flats": "features.flats", "model": "models.rent"}, tags=["marts"])
def predictions(flats: pl.LazyFrame, model: Path) -> pl.LazyFrame:
    """What the model says of each flat."""
    line = json.loads(model.read_bytes())
    predicted = pl.col("size") * line["slope"] + line["intercept"]
    return flats.select("flat_id", "rent", "learns", predicted=predicted.round(2))
''',
    "assets/marts/evaluation.sql": """\
/* upriver:
description: How far off the model is, for flats that it has learned from and for others.
tags: [marts]
checks:
  - expression: learns or mean_error < 100
*/
select learns, count(*) as flats, round(avg(abs(predicted - rent)), 2) as mean_error
from marts.predictions
group by all
order by all
""",
    "tests/flats.yaml": """\
# `upriver test` gives these rows to the recipe, and compares what comes of them.
asset: features.flats
given:
  raw.flats:
    - {flat_id: 1, size: 50, floor: 2, rent: 700}
    - {flat_id: 2, size: 60, floor: 1}
    - {flat_id: 4, size: 70, floor: 0, rent: 900}
expect:
  - {flat_id: 1, learns: true}
  - {flat_id: 4, learns: false}
""",
    "data/flats.csv": """\
flat_id,size,floor,rent
1,34,1,520
2,41,3,605
3,48,0,640
4,52,2,735
5,55,4,770
6,61,1,815
7,64,2,880
8,70,3,930
9,73,0,950
10,78,5,1065
11,85,2,1110
12,92,1,1190
13,98,3,1290
14,105,4,1385
15,112,2,1440
16,120,1,1540
""",
}

TEMPLATES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"ml": MappingProxyType(_ML), "warehouse": MappingProxyType(_WAREHOUSE)}
)
"""The files of each template by its name, without the settings."""
