"""The projects that are attacked: a small one of every kind of recipe, and one of SQL alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.faults.project import Project

ORDERS = "select i as id, 'c' || i % 7 as customer, date '2024-01-01' + (i % 31)::int as day, i * 7 % 100 as amount from range(500) r(i)"
RATES = "select date '2024-01-01' + i::int as day, 1 + i / 100.0 as rate from range(31) r(i)"


def sql_shop(root: Path) -> Project:
    """Three tables in SQL over a CSV file and a Parquet file."""
    shop = Project(root)
    shop.write("upriver.toml", '[project]\nname = "shop"\n')
    shop.table("data/orders.csv", ORDERS)
    shop.table("data/rates.parquet", RATES)
    shop.write("assets/staging/orders.sql", "select id, customer, day, amount from 'data/orders.csv'\n")
    shop.write(
        "assets/marts/daily.sql",
        "select o.day, sum(o.amount * r.rate) as amount, count(*) as orders\n"
        "from staging.orders as o join 'data/rates.parquet' as r using (day)\ngroup by o.day\n",
    )
    shop.write(
        "assets/marts/customers.sql",
        "select customer, count(*) as orders, max(day) as last from staging.orders group by customer\n",
    )
    return shop


def shop(root: Path) -> Project:
    """As :func:`sql_shop`, with a table made by Polars and a file made by Python."""
    made = sql_shop(root)
    made.write(
        "assets/python.py",
        """from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pyarrow as pa

from upriver.assets import asset


@asset(key="marts.best")
def best(daily: pl.LazyFrame) -> pl.LazyFrame:
    return daily.filter(pl.col("orders") > 10).select("day", "orders")


@asset(key="reports.summary", suffix=".json")
def summary(best: pa.Table, customers: pa.Table) -> bytes:
    return json.dumps({"days": best.num_rows, "customers": customers.num_rows}).encode()
""",
    )
    return made


def troubles(root: Path, *recipes: Trouble, head: str = "") -> Project:
    """A project of recipes that misbehave, each with an asset downstream of it, and of a sibling that does not.

    A body may use ``os``, ``sys``, ``time``, ``signal``, ``subprocess``, ``ctypes``, ``threading``, ``Path``,
    ``pa`` and ``here``, the project's folder; what it returns is ``table``.
    """
    made = Project(root)
    made.write("upriver.toml", '[project]\nname = "trouble"\n')
    made.write("data/numbers.csv", "n\n" + "".join(f"{n}\n" for n in range(10)))
    made.write("assets/numbers.sql", "select n from 'data/numbers.csv'\n")
    functions = []
    for one in (*recipes, Trouble("sibling", "pass")):
        body = "".join(f"    {line}\n" if line else "\n" for line in one.body.strip("\n").split("\n"))
        name = f"def {one.name}(numbers: pa.Table) -> pa.Table:\n"
        functions.append(f"@asset({one.options})\n{name}{body}    return table\n")
        made.write(f"assets/after_{one.name}.sql", f'select count(*) as rows from "{one.name}"\n')
    made.write("assets/recipes.py", f"{_HEAD}{head}\n\n" + "\n\n".join(functions))
    return made


@dataclass(frozen=True)
class Trouble:
    """A recipe: the *body* of its function, and the *options* of its declaration."""

    name: str
    body: str
    options: str = ""


_HEAD = """import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa

from upriver.assets import asset, secret

here = Path(__file__).parents[1]
table = pa.table({"a": [1, 2, 3]})
"""
