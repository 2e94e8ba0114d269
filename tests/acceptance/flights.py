"""sample_data, smaller: the same assets over two months, less the last day of the second.

The last day is there to be appended. What is in the months does not matter to what is rebuilt, and a build takes
seconds.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tests.acceptance.command import Project
from tests.acceptance.copies import NO_STATE

SAMPLE = Path(__file__).parents[2] / "sample_data"
LAST_MONTH = "data/flights/2013-10.parquet"
MONTHS = ("data/flights/2013-09.parquet", LAST_MONTH)


def write_flights(root: Path) -> Project:
    """Write the smaller project to *root*."""
    shutil.copytree(SAMPLE, root, ignore=NO_STATE)
    for month in (root / "data/flights").iterdir():
        if month.relative_to(root).as_posix() not in MONTHS:
            month.unlink()
    october = last_month()
    pq.write_table(october.filter(pc.less(october["day"], 31)), root / LAST_MONTH)
    return Project(root)


def last_month() -> pa.Table:
    """Every row of the last month, as published."""
    return pq.read_table(SAMPLE / LAST_MONTH)
