"""The queries of docs/control-flow.md do what the page says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.acceptance.command import Project

PAGE = (Path(__file__).parents[2] / "docs" / "control-flow.md").read_text(encoding="utf-8")


def test_what_is_chosen_is_read(tmp_path: Path) -> None:
    """The spare rates are read while there are no live ones; large orders are a query."""
    project = Project(tmp_path)
    project.write("upriver.toml", "")
    for path, query in re.findall(r"```sql\n-- (\S+)\n(.*?)```", PAGE, re.S):
        project.write(path, query)
    project.write("assets/orders.sql", "select * from (values (1, 50), (2, 5000)) t(id, amount)\n")
    project.write("assets/rates_live.sql", "select 1 as rate where false\n")
    project.write("assets/rates_spare.sql", "select 2 as rate\n")
    project.build()
    assert project.read("sql", "from rates") == [{"rate": 2}]
    assert project.read("sql", "select id from routed.large") == [{"id": 2}]
    project.write("assets/rates_live.sql", "select 1 as rate\n")
    project.build()
    assert project.read("sql", "from rates") == [{"rate": 1}]
