"""The specification as a random program: after every build, every asset equals what a build from scratch gives.

Random projects of SQL and Polars assets, random edits of data and code (edits that mean nothing and reverts among
them), random subsets built. A step is some edits, a build and the check after it: contents equal those that the texts
of the recipes give without Upriver; nothing was built whose recipe and whose inputs, as it reads them, were there at an
earlier build.

Steps go through one context that lives on, Python recipes through processes that are forked; now and then all is
closed and opened again, planned, built by a session with everything that belongs to it, and built once more.

A failure prints the steps that led to it, with the seed of ``start`` that all choices come from, and a
``@reproduce_failure`` that repeats them; so does ``--hypothesis-seed`` for a whole run.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from unittest.mock import patch

import pyarrow.parquet as pq
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.materializer.random_builds.edits import CODE, DATA, IDLE, Editor
from tests.materializer.random_builds.forked import ForkedPlanner, ForkedWorkers, Forks
from tests.materializer.random_builds.projects import COLUMNS, RandomProject, random_project
from tests.materializer.random_builds.yardstick import (
    ORDERED_KINDS,
    Content,
    Yardstick,
    above,
    as_read,
    below,
    meaning,
    named,
)

from upriver.lineage.analysis.analyzer import Analyzer
from upriver.lineage.project import python_modules
from upriver.lineage.sql.plan.binder import Binder
from upriver.materializer.answers import BuildResult
from upriver.materializer.composition import LocalParts
from upriver.materializer.context import Context
from upriver.materializer.execution.build import Build, Options
from upriver.materializer.execution.cancel import Cancel
from upriver.materializer.inspection.lineage import of_now
from upriver.materializer.model import Action, Outcome, RunStatus, Version
from upriver.materializer.session import Session
from upriver.materializer.sources import observe
from upriver.materializer.sources.accept import accept
from upriver.materializer.sources.reading import SourceReader
from upriver.materializer.storage.clock import SystemClock

_MEMORY = Path("/dev/shm")
"""Where syncing takes no time, if the system has it."""


class Tools:
    """What takes long to start and is the same for all projects."""

    def __init__(self) -> None:
        self.forks = Forks()
        self.binder = Binder()
        self.looking = SourceReader()

    def close(self) -> None:
        """Release processes and databases."""
        self.forks.close()
        self.binder.close()
        self.looking.close()


class AheadClock(SystemClock):
    """The machine's clock, so many seconds ahead."""

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead

    def now(self) -> float:
        return super().now() + self._ahead


class ForkedParts(LocalParts):
    """Parts in which project code runs in forked processes."""

    forks: Forks

    def workers(self, jobs: int) -> ForkedWorkers:  # type: ignore[override]
        return ForkedWorkers(self.forks)

    def planner(self) -> ForkedPlanner:  # type: ignore[override]
        return ForkedPlanner(self.forks, self._root)


class LivingContext(Context):
    """A context that one build after another works in."""

    _tools: Tools
    _forks: Forks

    def __init__(self, root: Path, tools: Tools, ahead: float) -> None:
        super().__init__(root, "dev", AheadClock(ahead), ForkedParts)  # type: ignore[arg-type]
        assert isinstance(self.parts, ForkedParts)
        self.parts.forks = tools.forks
        self._tools = tools
        self._forks = tools.forks

    def analyzer(self) -> Analyzer:
        analyzer = super().analyzer()
        analyzer._binder = lambda: self._tools.binder  # type: ignore[method-assign]
        return analyzer

    def build(self, select: Iterable[str]) -> BuildResult:
        """What :meth:`upriver.materializer.session.Session.build` does, but for the views in the warehouse."""
        self._project = self._engine_for = None  # as in the context that a session makes for each build
        with patch.object(python_modules, "describing", self._forks.describing):
            project = self.project()
        chosen = frozenset(select) or frozenset(project.assets)
        among = project.graph.ancestors(chosen)
        options = Options(select=tuple(sorted(chosen)))
        with patch.object(observe, "SourceReader", lambda: self._tools.looking):
            return Build(self, among, chosen, options, lambda event: None, Cancel()).execute()


class Builds(RuleBasedStateMachine):
    """One project, edited and built again and again."""

    python_share = 0.0
    sizes = (6, 10)
    tools: Tools
    steps = 0
    """Checked steps of all examples together."""

    def __init__(self) -> None:
        super().__init__()
        place = _MEMORY if _MEMORY.is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="upriver-test-", dir=place))

    @initialize(seed=st.integers(0, 2**32))
    def start(self, seed: int) -> None:
        """A random project, built once."""
        self.choose = random.Random(seed)
        self.project: RandomProject = random_project(
            self.folder / "project",
            self.choose,
            size=self.choose.randint(*self.sizes),
            python_share=self.python_share,
        )
        self.editor = Editor(self.project, self.choose, self.python_share)
        self.yardstick = Yardstick(self.project)
        self.artifacts: dict[str, Content] = {}
        self.seen: set[tuple[str, str, str]] = set()
        self.last_run: dict[str, str] = {}
        self.ever_run: set[tuple[str, str]] = set()
        self.seen_ordered: set[tuple[str, str, str]] = set()
        # Half of all clocks are ahead: to them files were changed long before they are looked at, and are known by
        # their stamps; to the others by their bytes.
        self.ahead = self.choose.choice((0.0, 60.0))
        self.context = LivingContext(self.project.root, self.tools, self.ahead)
        self.build(())

    def teardown(self) -> None:
        if hasattr(self, "context"):
            self.context.close()
            self.yardstick.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- steps -------------------------------------------------------------------------------------------
    @rule(how=st.sampled_from(sorted(DATA)))
    def edit_data(self, how: str) -> None:
        """One edit of data alone."""
        DATA[how](self.editor)
        self.build(self.some())

    @rule(how=st.sampled_from(sorted(CODE)))
    def edit_code(self, how: str) -> None:
        """One edit of code alone."""
        CODE[how](self.editor)
        self.build(self.some())

    @rule(how=st.sampled_from(sorted(IDLE)))
    def edit_nothing(self, how: str) -> None:
        """An edit that means nothing, right after all was built: nothing is to be done."""
        self.build(())
        IDLE[how](self.editor)
        result = self.build(self.some())
        assert {one.action for one in result.assets} <= {Outcome.FRESH}

    @rule(hows=st.lists(st.sampled_from(sorted({**DATA, **CODE, **IDLE})), min_size=2, max_size=4))
    def edit_several(self, hows: list[str]) -> None:
        """Several edits at once."""
        for how in hows:
            {**DATA, **CODE, **IDLE}[how](self.editor)
        self.build(self.some())

    @rule(hows=st.lists(st.sampled_from(sorted(DATA)), min_size=3, max_size=5))
    def edit_and_build_all(self, hows: list[str]) -> None:
        """After each edit all is built, before another hides what it did."""
        for how in hows:
            DATA[how](self.editor)
            self.build(())

    @rule(how=st.sampled_from(sorted({**DATA, **CODE})))
    def edit_and_open_anew(self, how: str) -> None:
        """All is closed and opened again; the plan says what a whole build then does; a second one does nothing."""
        {**DATA, **CODE}[how](self.editor)
        if self.choose.random() < 0.7 or self.yardstick.misfits():
            self.build(self.some())
            return
        self.context.close()
        self.context = LivingContext(self.project.root, self.tools, self.ahead)
        session = Session(self.project.root, clock=self.context.clock)
        try:
            planned = {step.asset: step.action for step in session.plan().steps}
            result = session.build()
            self.yardstick.look(self.observed(result))
            self.check(result)
            for one in result.assets:
                assert one.action in _MAY_BECOME[planned[one.asset]], (one.asset, planned[one.asset])
            again = session.build()
        finally:
            session.close()
        assert {one.action for one in again.assets} <= {Outcome.FRESH}

    @rule(column=st.sampled_from(COLUMNS))
    def change_a_value(self, column: str) -> None:
        """Whatever is built because of one value of one column, lineage leads to from there."""
        self.build(())
        source = self.choose.choice(sorted(self.project.rows))
        view = of_now(self.context, None).around(
            f"raw.{source}", column, upstream=False, downstream=True, columns=True, depth=None
        )
        self.editor.change_value(source, column)
        result = self.build(())
        built = {one.asset for one in result.assets if one.action is Outcome.BUILT}
        assert built <= {node.asset for node in view.nodes}, (source, column)

    # -- builds ------------------------------------------------------------------------------------------
    def some(self) -> list[str]:
        """All assets, or one or two."""
        names = [f"m.{name}" for name in self.project.nodes]
        return [] if self.choose.random() < 0.5 else self.choose.sample(names, k=self.choose.choice((1, 2)))

    def build(self, select: Iterable[str]) -> BuildResult:
        """Build and check."""
        before = self.pointers()
        result = self.context.build(select)
        observed = self.observed(result)
        misfits = self.yardstick.misfits() & observed
        self.yardstick.look(observed)
        if misfits:
            self.check_broken(result, misfits, before)
            self.mend(misfits)
            result = self.context.build(select)
            self.yardstick.look(observed)
        self.check(result)
        return result

    def observed(self, result: BuildResult) -> set[str]:
        """The sources that the assets of a build read."""
        nodes = [self.project.nodes[one.asset[2:]] for one in result.assets if one.asset.startswith("m.")]
        return {key for node in nodes for key in named(node) if key.startswith("raw.")}

    def pointers(self) -> dict[str, str]:
        """What each asset points at."""
        return {node.asset: one.id for node, one in self.context.state.current("dev").items()}

    def check_broken(self, result: BuildResult, misfits: set[str], before: Mapping[str, str]) -> None:
        """Sources that are not what they were are told, with what to do; what reads them is as it was, all else built."""
        ends = {one.asset: one for one in result.assets}
        assert {key for key, one in ends.items() if one.action is Outcome.BROKEN} == misfits
        for key in misfits:
            told = ends[key].error or ""
            assert self.project.data_file(key[4:]).name in told, told
            assert f"upriver accept {key}" in told, told
        blocked = {key for key, one in ends.items() if one.action is Outcome.BLOCKED}
        assert blocked == {f"m.{name}" for name in below(self.project, misfits)} & ends.keys()
        assert not [one for one in result.assets if one.action is Outcome.FAILED]
        now = self.pointers()
        assert {key: now.get(key) for key in blocked} == {key: before.get(key) for key in blocked}

    def mend(self, misfits: set[str]) -> None:
        """Put each source right, or take it as it is."""
        for key in sorted(misfits):
            name = key.removeprefix("raw.")
            if self.choose.random() < 0.5:
                self.project.put_right(name)
            else:
                accept(self.context, [key])
                self.yardstick.accept(name)

    def check(self, result: BuildResult) -> None:
        """All that was built holds what it should, and had to be built."""
        assert result.status is RunStatus.SUCCESS, [(a.asset, a.error) for a in result.assets if a.error]
        held = self.held()
        states, ordered_states = {}, {}
        for one in result.assets:
            node = self.project.nodes[one.asset.removeprefix("m.")]
            assert held[one.asset].bag() == self.yardstick[one.asset].bag(), one.asset
            text = meaning(self.project, node)
            states[node.name] = (node.name, text, as_read(node, self.yardstick, ordered=False))
            ordered_states[node.name] = (node.name, text, as_read(node, held, ordered=True))
        in_order = self.read_in_order(self.project.nodes, self.last_run.items())
        built = {one.asset.removeprefix("m.") for one in result.assets if one.action is Outcome.BUILT}
        needless = {name for name in built - in_order if states[name] in self.seen}
        needless |= {name for name in built & in_order if ordered_states[name] in self.seen_ordered}
        assert not needless, [
            (one.asset, one.reasons) for one in result.assets if one.asset.removeprefix("m.") in needless
        ]
        # Those that were not asked for may have had another recipe when they were: what that took counted then. And of
        # what a file in place held, only what counted when it was read is known later.
        surely = self.read_in_order(states, self.ever_run, surely=True) & built
        self.seen_ordered.update(ordered_states[name] for name in surely)
        self.seen.update(states.values())
        self.last_run.update((name, self.run_as(name)) for name in states)
        self.ever_run.update(self.last_run.items())
        type(self).steps += 1

    def held(self) -> dict[str, Content]:
        """What the artifacts of now hold, and the sources."""
        held = {f"raw.{name}": self.yardstick[f"raw.{name}"] for name in self.project.rows}
        for node, record in self.context.state.current("dev").items():
            version = record.version
            if version.id not in self.artifacts:
                self.artifacts[version.id] = self.read(version)
            held[node.asset] = self.artifacts[version.id]
        return held

    def read(self, version: Version) -> Content:
        """What an artifact holds."""
        table = pq.read_table(self.context.locator.files(version)[0])
        columns = tuple((column.name, column.type) for column in version.schema)
        assert tuple(table.column_names) == tuple(name for name, _ in columns)
        return Content(columns, tuple(zip(*(column.to_pylist() for column in table.columns), strict=True)))

    def run_as(self, name: str) -> str:
        """What decides how code in Python reads: itself, and the columns that it is given."""
        node = self.project.nodes[name]
        return repr((meaning(self.project, node), [self.yardstick[key].columns for key in node.reads]))

    def read_in_order(
        self, among: Iterable[str], known: Iterable[tuple[str, str]], *, surely: bool = False
    ) -> set[str]:
        """The assets that take their rows in order: of themselves, or because somebody of *among* does with theirs, or
        may: code in Python that is not among what is *known*. Who is but named is left out when they *surely* do.
        """
        known = frozenset(known)
        nodes = [self.project.nodes[name] for name in among]
        ordered = {node.name for node in nodes if node.kind in ORDERED_KINDS}
        numbering = {node.name for node in nodes if node.kind in RandomProject.RANK_KINDS}
        unknown = {node.name for node in nodes if node.python} - {
            node.name for node in nodes if (node.name, self.run_as(node.name)) in known
        }
        return ordered | above(self.project, ordered | numbering | unknown, surely=surely)


_MAY_BECOME = {
    Action.FRESH: {Outcome.FRESH},
    Action.BUILD: {Outcome.BUILT},
    Action.REUSE: {Outcome.REUSED},
    Action.MAYBE: {Outcome.FRESH, Outcome.BUILT, Outcome.REUSED},
}


def run(
    builds: type[Builds] = Builds,
    *,
    examples: int,
    steps: int,
    least: int,
    python_share: float = 0.0,
    sizes: tuple[int, int] = (6, 10),
) -> None:
    """Random projects, *examples* in number, of *steps* rules each. Fails also when fewer than *least* steps were checked."""
    tools = Tools()
    try:
        machine = type(
            "RandomBuilds",
            (builds,),
            {"python_share": python_share, "sizes": sizes, "tools": tools, "steps": 0},
        )
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        tools.close()
    checked = machine.steps  # type: ignore[attr-defined]
    assert checked >= least, f"{checked} steps were checked, which proves little"
