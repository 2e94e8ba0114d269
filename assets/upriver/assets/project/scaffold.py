"""A small project that runs, for ``upriver init``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from upriver.assets.errors import UsageError
from upriver.assets.project.config import CONFIG
from upriver.assets.project.layout import ROOM

_GITIGNORE = ".gitignore"
_NOTHING: Mapping[str, str] = MappingProxyType({})
_FILES = {
    CONFIG: """\
[project]
name = {name}
""",
    _GITIGNORE: """\
.upriver/
__pycache__/
""",
    "assets/sources.py": '''\
"""The data that this project reads and does not produce."""

from upriver.assets import source

customers = source("raw.customers", "data/customers.csv", description="One row a customer.")
orders = source("raw.orders", "data/orders/*.csv", description="One row an order, one file a month.")
''',
    "assets/staging/orders.sql": """\
/* upriver:
description: Orders that were not cancelled, with their customer's country.
tags: [staging]
*/
select o.order_id, o.ordered_on, o.amount, c.customer_id, c.name, c.country
from raw.orders o
join raw.customers c using (customer_id)
where o.status <> 'cancelled'
""",
    "assets/marts/revenue_by_country.sql": """\
/* upriver:
description: Revenue by country and month.
tags: [marts]
*/
select country, date_trunc('month', ordered_on) as month, sum(amount) as revenue, count(*) as orders
from staging.orders
group by all
""",
    "assets/marts/best_customers.py": '''\
import polars as pl

from upriver.assets import asset


# The parameter names the upstream: here staging.orders, since raw.orders could be meant as well.
@asset(tags=["marts"], inputs={"orders": "staging.orders"})
def best_customers(orders: pl.LazyFrame) -> pl.LazyFrame:
    """The three customers with the highest revenue."""
    return (
        orders.group_by("customer_id", "name")
        .agg(pl.col("amount").sum().alias("revenue"))
        .sort("revenue", "customer_id", descending=[True, False])
        .head(3)
    )
''',
    "data/customers.csv": """\
customer_id,name,country
1,Ada,GB
2,Blaise,FR
3,Carl,DE
4,Emmy,DE
5,Sofia,RU
""",
    "data/orders/2026-01.csv": """\
order_id,customer_id,ordered_on,amount,status
101,1,2026-01-03,120.00,paid
102,3,2026-01-09,80.50,paid
103,2,2026-01-17,42.00,cancelled
104,4,2026-01-29,310.25,paid
""",
    "data/orders/2026-02.csv": """\
order_id,customer_id,ordered_on,amount,status
105,5,2026-02-02,64.00,paid
106,1,2026-02-11,99.90,paid
107,4,2026-02-20,15.75,cancelled
108,2,2026-02-26,230.00,paid
""",
}


def write_project(folder: Path, name: str) -> list[Path]:
    """Write a small project named *name* to *folder*, as :func:`write_files` does."""
    return write_files(folder, name, _FILES)


def write_bare(folder: Path, name: str, modules: Mapping[str, str] = _NOTHING) -> list[Path]:
    """Write a project named *name* with nothing in it but *modules* (text by path), as :func:`write_files` does."""
    return write_files(folder, name, {path: _FILES[path] for path in (CONFIG, _GITIGNORE)} | dict(modules))


def write_files(folder: Path, name: str, files: Mapping[str, str]) -> list[Path]:
    """Write a project's *files* (text by path) to *folder*, which is made when it is not there, as are its folders.

    Returns the files written. Nothing is ever overwritten: raises UsageError, before anything
    is written, naming the files in the way. An existing ``.gitignore`` is left as it is.
    """
    if not name.strip() or not name.isprintable():
        raise UsageError(f"a project's name is a line of text, not {name!r}")
    contents = dict(files)
    contents[CONFIG] = contents[CONFIG].replace("{name}", json.dumps(name.strip()))
    in_the_way = [path for path in contents if _exists(folder / path)]
    if in_the_way == [_GITIGNORE]:
        in_the_way = []
    if in_the_way:
        listed = ", ".join(path for path in in_the_way if path != _GITIGNORE)
        raise UsageError(f"nothing was written to {folder}, because these files are there already: {listed}")
    written = []
    try:
        (folder / ROOM).mkdir(parents=True, exist_ok=True)
        for path, text in contents.items():
            target = folder / path
            if path == _GITIGNORE and _exists(target):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            written.append(target)
    except OSError as error:
        raise UsageError(f"can't write {error.filename}: {error.strerror}") from None
    return written


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()
