"""Workers do the same whether they are forked or are interpreters that were started ahead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from upriver.assets.model import PythonRecipe
from upriver.assets.support.forked_process import ForkParent
from upriver.assets.support.spawned_process import Spawn, Starter
from upriver.lineage.project.derive import derive
from upriver.materializer.composition import PRELOADED
from upriver.materializer.execution.local.memory import AttemptMemory, walk
from upriver.materializer.execution.local.messages import Job
from upriver.materializer.execution.local.pool import Ended, WorkerPool

RECIPES = """import os, subprocess, sys, time
import polars as pl
from upriver.assets import asset

@asset
def numbers() -> pl.LazyFrame:
    print("said", os.environ["GIVEN"])
    return pl.LazyFrame({"a": range(10)})

@asset
def large() -> pl.LazyFrame:
    held = bytearray(b"x") * 200_000_000
    time.sleep(20)
    return pl.LazyFrame({"a": [len(held)]})

@asset
def small() -> pl.LazyFrame:
    time.sleep(0.5)
    return pl.LazyFrame({"a": [1]})

@asset
def shared() -> pl.LazyFrame:
    held = bytearray(b"x") * 200_000_000
    for _ in range(3):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
    time.sleep(60)
    return pl.LazyFrame({"a": [len(held)]})
"""


@pytest.fixture(params=[True, False], ids=["forked", "spawned"])
def starter(request: pytest.FixtureRequest) -> Iterator[Starter]:
    made: Starter = ForkParent(PRELOADED) if request.param else Spawn()
    yield made
    made.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text('[project]\nname = "p"\n')
    (tmp_path / "assets" / "recipes.py").write_text(RECIPES)
    return tmp_path


def ran(root: Path, starter: Starter, key: str, *, memory: int | None = None, said: list[str]) -> Ended:
    """The attempt of one of the recipes."""
    recipe = derive(root).assets[key].recipe
    assert isinstance(recipe, PythonRecipe)
    job = Job(str(root), key, recipe, (), False, str(root / f"{key}.parquet"))
    pool = WorkerPool(root, ("polars",), spare=1, starter=starter)
    try:
        pool.expect(1)
        return pool.take().run(
            job,
            timeout=60,
            memory=memory,
            output=lambda stream, line: said.append(line),
            cancelled=lambda: False,
        )
    finally:
        pool.close()


def test_an_attempt_writes_its_artifact_and_tells_what_it_took(
    root: Path, starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIVEN", "now")
    said: list[str] = []
    ended = ran(root, starter, "numbers", said=said)
    assert ended.cause is None
    assert ended.result is not None
    assert ended.result.error is None, ended.result
    assert said == ["said now"]
    assert pq.read_table(root / "numbers.parquet").num_rows == 10
    assert 0 < ended.result.peak_memory < 400 << 20


def test_a_memory_limit_counts_what_the_attempt_has_for_itself(root: Path, starter: Starter) -> None:
    """Not the libraries that it shares with others: a limit below their size is no reason to end it."""
    said: list[str] = []
    over = ran(root, starter, "large", memory=150 << 20, said=said)
    assert "more than its memory limit of 150 MiB" in str(over.cause)
    under = ran(root, starter, "small", memory=(60 << 20) if starter.quick else (150 << 20), said=said)
    assert under.cause is None
    assert under.result is not None
    assert under.result.error is None


def test_what_the_processes_of_an_attempt_share_counts_once(root: Path, starter: Starter) -> None:
    """Pages that a recipe has in common with its own children are private to none of them, and are not free."""
    over = ran(root, starter, "shared", memory=150 << 20, said=[])
    assert "more than its memory limit" in str(over.cause)
    used = int(str(over.cause).split()[2].replace(",", ""))
    assert used < 400, "four processes that share 190 MiB do not use four times as much"


def test_the_memory_of_a_process_that_is_gone_is_none() -> None:
    assert walk(2**22 + 1) is None
    assert AttemptMemory(0, None).used([2**22 + 1]) == 0
