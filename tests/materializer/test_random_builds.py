"""The specification as a random program: after every build, every asset equals what a build from scratch gives.

Random projects of SQL and Polars assets, random edits of data and code (no-op edits and reverts among them), random subsets
built. After each step: contents equal the oracle's, and a build right after does nothing.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.materializer.projects import RandomProject, add_node, random_project, random_row

from upriver.materializer.model import Action, Outcome, RunStatus
from upriver.materializer.session import Session


def contents(session: Session, keys: list[str]) -> dict[str, Counter[tuple[object, ...]]]:
    """The rows of assets as bags, with their column names."""
    found = {}
    for key in keys:
        table = session.preview(key, limit=1_000_000)
        found[key] = Counter([("columns", *table.columns), *(tuple(row) for row in table.rows)])
    return found


class Builds(RuleBasedStateMachine):
    """One project, edited and built again and again."""

    python_share = 0.0
    sizes = (3, 10)

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="upriver-test-"))
        self.root = self.folder / "project"
        self.root.mkdir()
        self.saved: list[Path] = []
        self.steps = 0

    @initialize(seed=st.integers(0, 2**32), data=st.data())
    def start(self, seed: int, data: st.DataObject) -> None:
        """A random project, built once."""
        self.choose = random.Random(seed)
        size = data.draw(st.integers(*self.sizes))
        self.project: RandomProject = random_project(
            self.root, self.choose, size=size, python_share=self.python_share
        )
        self.session = Session(self.root)
        self.build_all()

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.session.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- edits -------------------------------------------------------------------------------------------
    @rule(which=st.integers(0, 99), how=st.sampled_from(["append", "change", "drop", "shuffle", "double"]))
    def edit_rows(self, which: int, how: str) -> None:
        """Rows come, go, change, move, or come twice."""
        name = sorted(self.project.rows)[which % len(self.project.rows)]
        rows = list(self.project.rows[name])
        at = which % len(rows)
        match how:
            case "append":
                rows.append(random_row(self.choose, len(rows)))
            case "change":
                column = self.choose.randrange(4)
                row = list(rows[at])
                row[column] = self.choose.randrange(6)
                rows[at] = tuple(row)
            case "drop" if len(rows) > 1:
                del rows[at]
            case "double":
                rows.append(rows[at])
            case _:
                self.choose.shuffle(rows)
        self.project.rows[name] = rows
        self.project.write_source(name)

    @rule(which=st.integers(0, 99))
    def add_a_column(self, which: int) -> None:
        """A source gets a column that no explicit query names."""
        name = sorted(self.project.rows)[which % len(self.project.rows)]
        self.project.extra_columns[name] = (self.project.extra_columns.get(name, 0) + 1) % 3
        self.project.write_source(name)

    @rule(which=st.integers(0, 99))
    def touch(self, which: int) -> None:
        """Same bytes, another time."""
        name = sorted(self.project.rows)[which % len(self.project.rows)]
        os.utime(self.root / "data" / f"{name}.csv")

    @rule(which=st.integers(0, 99), what=st.sampled_from(["constant", "comment", "kind", "reads"]))
    def edit_recipe(self, which: int, what: str) -> None:
        """A recipe changes, in meaning or only in its comments."""
        names = list(self.project.nodes)
        position = which % len(names)
        node = self.project.nodes[names[position]]
        match what:
            case "constant":
                node.constant = self.choose.randrange(4)
            case "comment":
                node.comment += 1
            case "kind" if node.kind in RandomProject.SQL_KINDS:
                node.kind = self.choose.choice(RandomProject.SQL_KINDS)
            case _:
                earlier = [*(f"raw.{n}" for n in self.project.rows), *(f"m.{n}" for n in names[:position])]
                node.reads = self.choose.sample(earlier, k=min(len(earlier), len(node.reads)))
        self.project.write_node(node)

    @rule()
    def add_an_asset(self) -> None:
        """The project grows."""
        name = f"t{len(self.project.nodes)}"
        add_node(self.project, self.choose, name, self.python_share)
        self.project.write_node(self.project.nodes[name])

    @rule(what=st.sampled_from(["helper", "unrelated"]))
    def edit_shared_code(self, what: str) -> None:
        """A helper that some assets use, or a function beside it that none does."""
        if what == "helper":
            self.project.helper = self.choose.randrange(1, 4)
        else:
            self.project.unrelated += 1
        self.project.write()

    @rule()
    def save(self) -> None:
        """Remember the files, as a branch would."""
        copy = self.folder / f"saved{len(self.saved)}"
        shutil.copytree(self.root, copy, ignore=shutil.ignore_patterns(".upriver", "__pycache__"))
        self.saved.append(copy)

    # -- builds ------------------------------------------------------------------------------------------
    @rule(which=st.integers(0, 99))
    def build_some(self, which: int) -> None:
        """Build one asset and what it needs."""
        key = f"m.{list(self.project.nodes)[which % len(self.project.nodes)]}"
        result = self.session.build([key])
        assert result.status is RunStatus.SUCCESS, [(a.asset, a.error) for a in result.assets if a.error]
        self.compare([key])

    @rule()
    def build_all(self) -> None:
        """Build everything; the plan said what; a second build does nothing."""
        planned = {step.asset: step.action for step in self.session.plan().steps}
        result = self.session.build()
        assert result.status is RunStatus.SUCCESS, [(a.asset, a.error) for a in result.assets if a.error]
        for one in result.assets:
            match planned[one.asset]:
                case Action.FRESH:
                    assert one.action is Outcome.FRESH
                case Action.BUILD:
                    assert one.action is Outcome.BUILT
                case Action.REUSE:
                    assert one.action is Outcome.REUSED
                case Action.MAYBE:
                    assert one.action in (Outcome.FRESH, Outcome.BUILT, Outcome.REUSED)
        self.compare([f"m.{name}" for name in self.project.nodes])
        again = self.session.build()
        assert {one.action for one in again.assets} <= {Outcome.FRESH}

    def compare(self, keys: list[str]) -> None:
        """*keys* hold what a build from scratch gives."""
        scratch = self.folder / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(self.root, scratch, ignore=shutil.ignore_patterns(".upriver", "__pycache__"))
        oracle = Session(scratch)
        try:
            result = oracle.build(keys)
            assert result.status is RunStatus.SUCCESS
            assert contents(self.session, keys) == contents(oracle, keys)
        finally:
            oracle.close()


class SqlBuilds(Builds):
    """SQL only: fast, so many."""


class MixedBuilds(Builds):
    """SQL and Polars."""

    python_share = 0.35
    sizes = (3, 6)


def _limits(examples: int, steps: int) -> Callable[[type], type]:
    def apply(case: type) -> type:
        case.settings = settings(  # type: ignore[attr-defined]
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        return case

    return apply


TestSqlBuilds = _limits(12, 12)(SqlBuilds.TestCase)
TestMixedBuilds = _limits(4, 8)(MixedBuilds.TestCase)
TestManySqlBuilds = pytest.mark.soak(_limits(400, 40)(type("ManySqlBuilds", (SqlBuilds.TestCase,), {})))
TestManyMixedBuilds = pytest.mark.soak(_limits(60, 25)(type("ManyMixedBuilds", (MixedBuilds.TestCase,), {})))
