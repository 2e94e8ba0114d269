"""The specification as a random program: after every build, every asset equals what a build from scratch gives.

Random projects of SQL and Polars assets, random edits of data and code (no-op edits and reverts among them), random subsets
built. After each build: contents equal those that the texts of the recipes give without Upriver; nothing was built whose
recipe and whose inputs, as it reads them, were there at an earlier build; a build right after does nothing.

A failure prints the steps that led to it, with the seed of ``start`` that all choices come from, and a
``@reproduce_failure`` that repeats them; so does ``--hypothesis-seed`` for a whole run.
"""

from __future__ import annotations

import copy
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
from tests.materializer.projects import RandomProject, add_node, random_project, random_row, settle
from tests.materializer.yardstick import ORDERED_KINDS, Yardstick, above, meaning

from upriver.materializer.model import Action, Outcome, RunStatus
from upriver.materializer.session import Session
from upriver.materializer.views import BuildResult


def contents(session: Session, keys: list[str]) -> dict[str, Counter[tuple[object, ...]]]:
    """The rows of assets as bags, with their column names."""
    found = {}
    for key in keys:
        table = session.preview(key, limit=1_000_000)
        found[key] = Counter([("columns", *table.columns), *(tuple(row) for row in table.rows)])
    return found


NARROW_EDITS = ("excluded", "let in", "reorder", "unread", "read", "same", "revert", "recipe")


class Builds(RuleBasedStateMachine):
    """One project, edited and built again and again."""

    python_share = 0.0
    sizes = (5, 10)

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="upriver-test-"))
        self.root = self.folder / "project"
        self.root.mkdir()
        self.saved: list[RandomProject] = []
        self.earlier: dict[str, list[tuple[int, ...]]] = {}

    @initialize(seed=st.integers(0, 2**32), data=st.data())
    def start(self, seed: int, data: st.DataObject) -> None:
        """A random project, built once."""
        self.choose = random.Random(seed)
        size = data.draw(st.integers(*self.sizes))
        self.project: RandomProject = random_project(
            self.root, self.choose, size=size, python_share=self.python_share
        )
        self.session = Session(self.root)
        self.seen: set[tuple[str, str, str]] = set()
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

    @rule(hows=st.lists(st.sampled_from(NARROW_EDITS), min_size=2, max_size=4))
    def edit_narrowly_and_build(self, hows: list[str]) -> None:
        """After each edit all is built, before another hides what it did."""
        for how in hows:
            self.edit_narrowly(how)
            self.build_all()

    def edit_narrowly(self, how: str) -> None:
        """Only what a filter leaves out or just lets in changes, or the order of rows, or one value, be it in a
        column that few read, or one constant in a recipe, or nothing.
        """
        if how == "recipe":
            node = self.choose.choice(list(self.project.nodes.values()))
            node.constant = (node.constant + 1) % 4
            self.project.write_node(node)
            return
        readers = [n for n in self.project.nodes.values() if n.kind in RandomProject.FILTER_KINDS]
        readers = [n for n in readers if n.reads[0].startswith("raw.")]
        filtering = self.choose.choice(readers) if readers else None
        name = filtering.reads[0][4:] if filtering else self.choose.choice(sorted(self.project.rows))
        before = self.project.rows[name]
        rows = list(before)
        at = self.choose.randrange(len(rows))
        number, k, v, w = rows[at]
        match how:
            case "excluded" | "let in":
                limit = filtering.constant if filtering else 1
                rows.append((len(rows), k, limit + (how == "let in"), w))
            case "reorder":
                rows = [*rows[1:], rows[0]]
            case "unread":
                rows[at] = (number, k, v, (w + 1) % 3)
            case "read":
                rows[at] = (number, k, (v + 3) % 6, w)
            case "revert":
                rows = list(self.earlier.get(name, rows))
        self.earlier[name] = before
        self.project.rows[name] = rows
        self.project.write()
        os.utime(self.root / "data" / f"{name}.csv")

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
        settle(node)
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
        """Remember how things are, as a branch would."""
        self.saved.append(copy.deepcopy(self.project))

    @rule(which=st.integers(0, 99))
    def switch_back(self, which: int) -> None:
        """Everything as it was when it was saved: nothing of that has to be computed again."""
        if not self.saved:
            return
        now = self.project
        self.project = copy.deepcopy(self.saved[which % len(self.saved)])
        for name in now.nodes.keys() - self.project.nodes.keys():
            for suffix in ("sql", "py"):
                (self.root / "assets" / "m" / f"{name}.{suffix}").unlink(missing_ok=True)
        self.project.write()

    # -- builds ------------------------------------------------------------------------------------------
    @rule(which=st.integers(0, 99))
    def build_some(self, which: int) -> None:
        """Build one asset and what it needs."""
        key = f"m.{list(self.project.nodes)[which % len(self.project.nodes)]}"
        self.check(self.session.build([key]))

    @rule()
    def build_all(self) -> None:
        """Build everything; the plan said what; a second build does nothing."""
        planned = {step.asset: step.action for step in self.session.plan().steps}
        result = self.session.build()
        self.check(result)
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
        again = self.session.build()
        assert {one.action for one in again.assets} <= {Outcome.FRESH}

    def check(self, result: BuildResult) -> None:
        """All that was built holds what it should, and had to be built."""
        assert result.status is RunStatus.SUCCESS, [(a.asset, a.error) for a in result.assets if a.error]
        keys = [one.asset for one in result.assets]
        with Yardstick(self.project) as yardstick:
            assert contents(self.session, keys) == yardstick.contents(keys)
            states = {}
            for key in keys:
                node = self.project.nodes[key.removeprefix("m.")]
                states[node.name] = (node.name, meaning(self.project, node), yardstick.as_read(node))
        built = {one.asset.removeprefix("m.") for one in result.assets if one.action is Outcome.BUILT}
        needless = {name for name in built if states[name] in self.seen} - self.excused()
        assert not needless, [
            (one.asset, one.reasons) for one in result.assets if one.action is Outcome.BUILT
        ]
        self.seen.update(states.values())

    def excused(self) -> set[str]:
        """Whose order of rows somebody takes, or may take: code in Python that has never run as it is now.

        The yardstick compares bags.
        """
        known = {(name, text) for name, text, _ in self.seen}
        ordering = [
            node.name
            for node in self.project.nodes.values()
            if node.kind in ORDERED_KINDS
            or (
                node.kind in RandomProject.PYTHON_KINDS
                and (node.name, meaning(self.project, node)) not in known
            )
        ]
        return above(self.project, ordering)


class SqlBuilds(Builds):
    """SQL only: fast, so many."""


class MixedBuilds(Builds):
    """SQL and Polars."""

    python_share = 0.35
    sizes = (5, 8)


class LargeSqlBuilds(SqlBuilds):
    """Projects of every size."""

    sizes = (5, 40)


class LargeMixedBuilds(MixedBuilds):
    """The same, with Polars among them."""

    sizes = (5, 20)


def _limits(examples: int, steps: int) -> Callable[[type], type]:
    def apply(case: type) -> type:
        case.settings = settings(  # type: ignore[attr-defined]
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        return case

    return apply


TestSqlBuilds = _limits(12, 30)(SqlBuilds.TestCase)
TestMixedBuilds = _limits(4, 15)(MixedBuilds.TestCase)
TestManySqlBuilds = pytest.mark.soak(_limits(100, 50)(type("ManySqlBuilds", (LargeSqlBuilds.TestCase,), {})))
TestManyMixedBuilds = pytest.mark.soak(
    _limits(30, 25)(type("ManyMixedBuilds", (LargeMixedBuilds.TestCase,), {}))
)
