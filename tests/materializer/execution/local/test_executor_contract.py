"""What every executor promises: worker processes on this machine, and the fake."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fakes.ports import ManualClock, Told, ToldExecutor

from upriver.assets.identity import Node
from upriver.assets.model import Column, Frame, Key, PythonRecipe
from upriver.materializer.composition import open_context
from upriver.materializer.model import Version
from upriver.materializer.ports import AttemptInput, AttemptResult, Executor, NotProduced, PythonAttempt

RECIPES = """
import time
import polars as pl
from upriver.assets import asset

@asset
def numbers() -> pl.LazyFrame:
    print("making numbers")
    return pl.LazyFrame({"a": [1, 2, 3]})

@asset
def doubled(numbers: pl.DataFrame) -> pl.DataFrame:
    return numbers.select(pl.col("a") * 2)

@asset
def failing() -> pl.LazyFrame:
    print("about to fail")
    raise ValueError("it broke")

@asset
def endless() -> pl.LazyFrame:
    print("begun", flush=True)
    time.sleep(600)
    return pl.LazyFrame({"a": [1]})

@asset
def hungry() -> pl.LazyFrame:
    held = bytearray(b"x") * 400_000_000
    time.sleep(600)
    return pl.LazyFrame({"a": [len(held)]})
"""
SCHEMA = (Column("a", "BIGINT"),)
JOBS = 2
LIMIT = 150 << 20


class Run:
    """What an attempt tells while it runs, and whether it is to end."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.said = threading.Event()
        self.asked = threading.Event()

    def cancelled(self) -> bool:
        return self.asked.is_set()

    def output(self, stream: str, line: str) -> None:
        self.lines.append((stream, line))
        self.said.set()

    def progress(self, fraction: float | None, memory: int | None) -> None:
        assert memory is None or memory >= 0


class Case(NamedTuple):
    """An executor, an attempt of each recipe, fresh places for artifacts, and the clock that the fake goes by."""

    executor: Executor
    attempts: dict[Key, PythonAttempt]
    place: Callable[[], Path]
    clock: ManualClock | None = None

    def attempt(self, key: Key, **limits: float | str | None) -> PythonAttempt:
        return msgspec.structs.replace(self.attempts[key], **limits)

    def run(self, attempt: PythonAttempt) -> tuple[AttemptResult | NotProduced, Run, Path]:
        run, target = Run(), self.place()
        return self.executor.run(attempt, target, run), run, target


def real(root: Path) -> Iterator[Case]:
    (root / "assets").mkdir()
    (root / "upriver.toml").touch()
    (root / "assets" / "recipes.py").write_text(RECIPES)
    context = open_context(root, "dev")
    project = context.project()
    executor = context.parts.executor(project, JOBS)
    staged = context.store.reserve(".parquet")
    pq.write_table(pa.table({"a": [1, 2, 3]}), staged)
    numbers = context.store.stage(staged, ".parquet")
    context.store.publish([numbers])
    version = Version(numbers.id, SCHEMA, 3, numbers.bytes, (numbers.ref,))
    attempts = {}
    for key, asset in project.assets.items():
        assert isinstance(asset.recipe, PythonRecipe)
        inputs = tuple(
            AttemptInput(one.parameter, one.key, one.frame, version)
            for one in asset.recipe.inputs
            if one.key is not None
        )
        attempts[key] = PythonAttempt(Node(key), asset.recipe, inputs, project.files.code_digest())
    yield Case(executor, attempts, lambda: context.store.reserve(".parquet"))
    executor.close()
    context.close()


def fake(root: Path) -> Iterator[Case]:
    told = {
        "numbers": Told(prints=("making numbers",), content=lambda inputs: table(1, 2, 3)),
        "doubled": Told(
            content=lambda inputs: table(*(2 * n for n in range(1, 1 + (inputs["numbers"].rows or 0))))
        ),
        "failing": Told(prints=("about to fail",), error="ValueError: it broke"),
        "endless": Told(prints=("begun",), seconds=600.0),
        "hungry": Told(seconds=600.0, memory=400 << 20),
    }
    clock = ManualClock(hurrying=True)
    executor = ToldExecutor("code", told, clock, jobs=JOBS)
    version = Version("v", SCHEMA, 3, 0)
    attempts = {
        key: PythonAttempt(
            Node(key),
            PythonRecipe("recipes", key, (), Frame.ANY),
            (AttemptInput("numbers", "numbers", Frame.EAGER, version),) if key == "doubled" else (),
            "code",
        )
        for key in told
    }
    places = iter(range(100))
    yield Case(executor, attempts, lambda: root / f"{next(places)}.parquet", clock)
    executor.close()


def table(*numbers: int) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": list(numbers)}), sink)
    return bytes(sink.getvalue())


@pytest.fixture(params=["processes", "fake"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    yield from real(tmp_path) if request.param == "processes" else fake(tmp_path)


def test_an_attempt_leaves_its_artifact_at_the_target_and_tells_what_is_printed(case: Case) -> None:
    ended, run, target = case.run(case.attempt("numbers"))
    assert isinstance(ended, AttemptResult)
    assert ("stdout", "making numbers") in run.lines
    assert pq.read_table(target).to_pylist() == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert ended.reads == ()
    assert ended.peak_memory is not None
    assert ended.peak_memory >= 0


def test_inputs_are_references_and_what_is_read_of_them_is_told(case: Case) -> None:
    ended, _, target = case.run(case.attempt("doubled"))
    assert isinstance(ended, AttemptResult)
    assert [key for key, _ in ended.reads] == ["numbers"]
    assert pq.read_table(target).to_pylist() == [{"a": 2}, {"a": 4}, {"a": 6}]


def test_a_failure_tells_the_error_and_the_recipes_traceback(case: Case) -> None:
    ended, run, target = case.run(case.attempt("failing"))
    assert isinstance(ended, NotProduced)
    assert "it broke" in ended.message
    assert "failing" in ended.traceback
    assert "it broke" in ended.traceback
    assert not ended.cancelled
    assert not ended.final, "another attempt may go well"
    assert ("stdout", "about to fail") in run.lines
    assert not target.exists()


def test_an_attempt_ends_when_its_time_is_over(case: Case) -> None:
    ended, _, target = case.run(case.attempt("endless", timeout=1.5))
    assert isinstance(ended, NotProduced)
    assert "longer than its timeout of 1.5 s" in ended.message
    assert not ended.cancelled
    assert not target.exists()


def test_an_attempt_ends_when_it_takes_too_much_memory(case: Case) -> None:
    ended, _, target = case.run(case.attempt("hungry", memory=LIMIT))
    assert isinstance(ended, NotProduced)
    assert "more than its memory limit of 150 MiB" in ended.message
    assert not ended.cancelled
    assert not target.exists()


def test_code_that_is_not_what_was_fingerprinted_is_refused_for_good(case: Case) -> None:
    """Nothing of it runs: what it would make would be recorded under the wrong recipe."""
    ended, run, target = case.run(case.attempt("numbers", code="of another day"))
    assert isinstance(ended, NotProduced)
    assert ended.final
    assert "not what the recipe was fingerprinted from" in ended.message
    assert run.lines == []
    assert not target.exists()


def test_an_attempt_ends_when_its_run_is_asked_to_stop(case: Case) -> None:
    """As many run at once as the executor says, each in its caller's thread; one is ended without the other."""
    if case.clock is not None:
        case.clock.hurrying = False  # endless is endless here
    case.executor.expect(JOBS)
    assert case.executor.capacity() == JOBS
    runs = [Run() for _ in range(JOBS)]
    targets = [case.place() for _ in runs]
    with ThreadPoolExecutor(JOBS) as threads:
        waiting: list[Future[AttemptResult | NotProduced]] = [
            threads.submit(case.executor.run, case.attempt("endless"), target, run)
            for run, target in zip(runs, targets, strict=True)
        ]
        assert all(run.said.wait(60.0) for run in runs), "all have begun before one has ended"
        for run, one in zip(runs, waiting, strict=True):
            assert not one.done()
            run.asked.set()
            if case.clock is not None:
                case.clock.advance(1.0)
            ended = one.result(60.0)
            assert isinstance(ended, NotProduced)
            assert ended.cancelled
    assert not any(target.exists() for target in targets)


def test_what_is_asked_to_stop_before_it_begins_makes_nothing(case: Case) -> None:
    run, target = Run(), case.place()
    run.asked.set()
    before = time.monotonic()
    ended = case.executor.run(case.attempt("endless"), target, run)
    assert isinstance(ended, NotProduced)
    assert ended.cancelled
    assert time.monotonic() - before < 60.0
    assert not target.exists()


def test_one_attempt_does_not_mind_another(case: Case) -> None:
    """After a failure and an attempt that was ended, the next one goes well."""
    case.run(case.attempt("failing"))
    case.run(case.attempt("endless", timeout=0.5))
    ended, _, target = case.run(case.attempt("numbers"))
    assert isinstance(ended, AttemptResult)
    assert target.exists()


def test_it_is_closed_once_or_twice_whatever_was_expected(case: Case) -> None:
    case.executor.expect(0)
    case.executor.expect(5)
    case.executor.close()
    case.executor.close()
