"""Property: a module cut at any byte changes nothing but itself and what is downstream of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from upriver.materializer.model import Outcome
from upriver.materializer.session import Session
from upriver.materializer.upkeep.gc import Keep

PYTHON = """from upriver.assets import asset, source
import polars as pl

{name} = source("raw.{name}", "data/{name}.csv")


@asset("{name}.first", inputs={{"up": "{first}"}})
def first(up: pl.LazyFrame) -> pl.LazyFrame:
    return up.select((pl.col("x") + {number}).alias("x"))


@asset("{name}.second", inputs={{"up": "{second}"}})
def second(up: pl.LazyFrame) -> pl.LazyFrame:
    return up.select((pl.col("x") * {number}).alias("x"))
"""
SQL = """/* upriver:
description: One of several.
tags: [t{number}]
*/
select x + {number} as x
from {first}
union all
select x * {number} as x
from {second}
"""


@st.composite
def projects(draw: st.DrawFn) -> dict[str, str]:
    """Modules by path: each reads what was declared before it."""
    files: dict[str, str] = {}
    keys = ["raw.base"]
    kinds = draw(st.lists(st.booleans(), min_size=3, max_size=6).filter(any))
    for number, python in enumerate(kinds, 2):
        first, second = draw(st.sampled_from(keys)), draw(st.sampled_from(keys))
        name = f"m{number}"
        text = PYTHON if python else SQL
        files[f"assets/{name}.{'py' if python else 'sql'}"] = text.format(
            name=name, first=first, second=second, number=number
        )
        keys += [f"raw.{name}", f"{name}.first", f"{name}.second"] if python else [name]
    return files


def contents(session: Session) -> dict[str, object]:
    """The rows of everything that was built, as bags."""
    found: dict[str, object] = {}
    for one in session.status():
        if one.kind != "source" and one.rows is not None:
            table = session.preview(one.asset, limit=10_000)
            found[one.asset] = (table.columns, sorted(table.rows))
    return found


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(files=projects(), data=st.data())
def test_a_module_cut_at_any_byte_costs_nothing_but_itself_and_what_is_downstream(
    files: dict[str, str], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(sorted(files)))
    whole = files[path]
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "assets").mkdir()
        (root / "data").mkdir()
        (root / "upriver.toml").write_text('[project]\nname = "cut"\n')
        (root / "assets/base.py").write_text(
            "from upriver.assets import source\nbase = source('raw.base', 'data/base.csv')\n"
        )
        for name in ("base", *(f"m{number}" for number in range(2, 8))):
            (root / f"data/{name}.csv").write_text(f"x\n{len(name)}\n{sum(map(ord, name))}\n")
        for other, text in files.items():
            (root / other).write_text(text)
        session = Session(root)
        try:
            key = path.removeprefix("assets/").rpartition(".")[0]
            own = [key] if path.endswith(".sql") else [f"raw.{key}", f"{key}.first", f"{key}.second"]
            hanging = set(session.keys([f"{one}+" for one in own]))

            (root / path).write_text(cut)
            session.build()
            then = contents(session)

            (root / path).write_text(whole)
            built = {one.asset for one in session.build().assets if one.action is Outcome.BUILT}
            right = contents(session)
            assert built <= hanging
            beside = right.keys() - hanging
            assert {one: then[one] for one in beside} == {one: right[one] for one in beside}

            (root / path).write_text(cut)
            ends = {one.asset: one.action for one in session.build().assets}
            made = {one for one, action in ends.items() if action in (Outcome.BUILT, Outcome.REUSED)}
            session.gc(Keep(days=0.0, count=0))
            assert contents(session).keys() >= right.keys() & ends.keys()
            assert made <= hanging

            (root / path).write_text(whole)
            again = {one.asset for one in session.build().assets if one.action is Outcome.BUILT}
            # What the cut module declared as well, and was made of that, is what it was no longer.
            assert again <= made
            assert contents(session) == right
        finally:
            session.close()
