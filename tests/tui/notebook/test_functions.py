"""Functions of a session as a project: what comes along, and what is refused by its name."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from upriver.assets.errors import UsageError
from upriver.materializer.model import RunStatus
from upriver.project import Project


def cells(tmp_path: Path, text: str) -> dict[str, Any]:
    """The names that *text* defines, as of a file beside the notebook: its source can be found."""
    path = tmp_path / "work.py"
    path.write_text(dedent(text))
    module = ModuleType("__main__")
    module.__file__ = str(path)
    exec(compile(path.read_text(), str(path), "exec"), module.__dict__)
    return module.__dict__


def test_what_a_function_reaches_comes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions, classes, constants, imports by other names, and what the decorator says."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text("id,amount\n1,5\n2,50\n3,500\n")
    found = cells(
        tmp_path,
        """
        import math as m
        from decimal import Decimal as D
        import polars as pl
        from upriver.assets import asset

        LEAST = {"small": [1, 10], "scale": 2.0}

        class Limits:
            least = LEAST["small"][1]

        def scaled(value):
            return value * LEAST["scale"] * m.floor(1.5) * int(D("1"))

        def large(orders: pl.LazyFrame) -> pl.LazyFrame:
            return orders.filter(pl.col("amount") > Limits.least)

        @asset(tags=["marts"])
        def total(large: "pl.DataFrame") -> "pl.DataFrame":
            return pl.DataFrame({"total": [scaled(large["amount"].sum())]})
        """,
    )
    with Project.of(found["large"], found["total"], sources={"raw.orders": "orders.csv"}) as project:
        assert project.build().value.status is RunStatus.SUCCESS
        assert project["total"].pl().item() == 1100.0
        assert {one.asset: one.tags for one in project.status().value}["total"] == ("marts",)
        folder = project.root
    assert not folder.exists()


LIVE = {"frame": pl.DataFrame({"a": [1]}), "nan": math.nan, "file": object()}


@pytest.mark.parametrize("name", LIVE)
def test_an_object_of_the_session_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    found = cells(tmp_path, f"def one():\n    return {name}\n")
    found[name] = LIVE[name]
    with pytest.raises(UsageError, match=f"one uses '{name}', a .* only in this session"):
        Project.of(found["one"])


def test_what_a_function_has_captured_is_refused_and_a_local_name_is_not(tmp_path: Path) -> None:
    found = cells(
        tmp_path,
        """
        import polars as pl
        frame = pl.DataFrame({"a": [1]})

        def outer(frame):
            def inner() -> pl.DataFrame:
                return frame
            return inner

        def own() -> pl.DataFrame:
            frame = pl.DataFrame({"a": [2]})
            return frame
        """,
    )
    with pytest.raises(UsageError, match="inner uses 'frame'"):
        Project.of(found["outer"](found["frame"]))
    with Project.of(found["own"]) as project:
        project.build()
        assert project["own"].pl().item() == 2


@pytest.mark.parametrize("wrong", [print, len, lambda: 1, 5])
def test_what_has_no_source_is_refused(wrong: Callable[..., object]) -> None:
    with pytest.raises(UsageError):
        Project.of(wrong)


def test_no_function_is_no_project() -> None:
    with pytest.raises(UsageError, match="takes the functions"):
        Project.of()
