"""Random data faults, edits, checks, acceptances, aborts and kills: whatever happens, no pointer moves to a content that
fails a check, no check runs again over the same rows, and every verdict is that of a plain look at the rows.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from upriver.assets.errors import UpriverError
from upriver.materializer.model import CheckOutcome, CheckResult, Outcome, State
from upriver.materializer.quality.audit import Auditor
from upriver.materializer.session import Session
from upriver.materializer.state.sqlite import SqliteState
from upriver.materializer.storage.local_store import LocalStore

Rows: TypeAlias = "tuple[tuple[int, str | None, int], ...]"
"""Id, region and amount of each order."""

REGIONS = ("north", "south", "west")


class Kind(NamedTuple):
    """A check: how it is declared, what it reads of orders and of regions, and what a plain look says."""

    declared: str
    reads: Callable[[Rows], object]
    others: bool
    passes: Callable[[Rows, frozenset[str]], bool]


def _column(index: int) -> Callable[[Rows], object]:
    return lambda rows: frozenset(Counter(row[index] for row in rows).items())


KINDS: Mapping[str, Kind] = {
    "unique(id)": Kind("unique: id", _column(0), False, lambda rows, _: len({r[0] for r in rows}) == len(rows)),
    "not_null(region)": Kind("not_null: region", _column(1), False, lambda rows, _: all(r[1] is not None for r in rows)),
    "range(amount)": Kind("range: {column: amount, max: 8}", _column(2), False, lambda rows, _: all(r[2] <= 8 for r in rows)),
    "row_count": Kind("row_count: {min: 1, max: 4}", len, False, lambda rows, _: 1 <= len(rows) <= 4),
    "relationship(region)": Kind(
        "relationship: {column: region, to: regions.name}", _column(1), True,
        lambda rows, names: all(r[1] is None or r[1] in names for r in rows),
    ),
}  # fmt: skip


class World:
    """A project that is changed at random, and a model of it."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.rows: Rows = ((1, "north", 1), (2, "south", 2))
        self.names = frozenset({"north", "south"})
        self.factor = 1
        self.checks = ["unique(id)", "relationship(region)"]
        self.seen: set[object] = set()
        (root / "assets").mkdir()
        (root / "upriver.toml").write_text("")
        (root / "assets" / "regions.sql").write_text("select name from 'regions.csv'")
        (root / "assets" / "total.sql").write_text("select sum(amount) as s from orders")
        self.write()

    @property
    def content(self) -> Rows:
        """What ``orders`` would hold."""
        return tuple((i, region, amount * self.factor) for i, region, amount in self.rows)

    def write(self) -> None:
        """Write the files."""
        lines = "".join(f"{i},{region or ''},{amount}\n" for i, region, amount in self.rows)
        (self.root / "orders.csv").write_text(f"id,region,amount\n{lines}")
        (self.root / "regions.csv").write_text("name\n" + "".join(f"{name}\n" for name in sorted(self.names)))
        declared = "".join(f"  - {KINDS[name].declared}\n" for name in self.checks)
        header = f"/* upriver:\nchecks:\n{declared}*/\n" if declared else ""
        types = "{'id': 'BIGINT', 'region': 'VARCHAR', 'amount': 'BIGINT'}"
        query = f"select id, region, amount * {self.factor} as amount from read_csv('orders.csv', columns = {types})"
        (self.root / "assets" / "orders.sql").write_text(header + query)

    def change(self) -> None:
        """Break or mend data, edit the recipe, the checks or the other side of the relationship."""
        dice = self.random
        match dice.choice(
            ("row", "row", "row", "fewer", "region", "recipe", "check", "check", "names", "same")
        ):
            case "row":
                new = (dice.randint(1, 5), dice.choice((*REGIONS, None)), dice.randint(1, 5))
                self.rows = (*self.rows, new)
            case "fewer":
                self.rows = tuple(row for row in self.rows if dice.random() < 0.6)
            case "region":
                self.rows = tuple((i, dice.choice(REGIONS), amount) for i, _, amount in self.rows)
            case "recipe":
                self.factor = dice.choice((1, 2))
            case "check":
                name = dice.choice(list(KINDS))
                self.checks = [one for one in KINDS if (one in self.checks) is not (one == name)]
            case "names":
                self.names = frozenset(dice.sample(REGIONS, dice.randint(1, 3)))
            case _:
                self.rows = tuple(dice.sample(self.rows, len(self.rows)))
        self.write()

    def fails(self) -> set[str]:
        """The checks that a plain look at the rows finds to fail."""
        return {name for name in self.checks if not KINDS[name].passes(self.content, self.names)}

    def look_at(self, results: tuple[CheckResult, ...], *, complete: bool) -> None:
        """Every verdict is that of a plain look; what ran had not run on these rows before."""
        for one in results:
            kind = KINDS[one.check]
            passed = kind.passes(self.content, self.names)
            assert (one.outcome is CheckOutcome.PASSED) is passed, (one, self.content, self.names)
            footprint = (kind.declared, kind.reads(self.content), self.names if kind.others else None)
            if one.ran:
                assert footprint not in self.seen, (one, footprint)
            self.seen.add(footprint)
        if complete:
            assert {one.check for one in results} == set(self.checks)


def served(session: Session) -> Rows | None:
    """What readers see of ``orders``."""
    try:
        found = session.sql("select id, region, amount from orders").rows
    except UpriverError:
        return None
    return tuple(found)


def pointer(session: Session) -> str | None:
    record = next((r for n, r in session.context.state.current("dev").items() if n.asset == "orders"), None)
    return None if record is None else record.version.id


def step(world: World) -> None:
    """One build to its end, and what must hold afterwards."""
    with contextlib.closing(Session(world.root)) as session:
        before, was = pointer(session), served(session)
        result = session.build()
        found = {one.asset: one for one in result.assets}
        fails = world.fails()
        world.look_at(found["orders"].checks, complete=found["orders"].action is not Outcome.FRESH)
        if pointer(session) != before:
            assert not fails, "a pointer moved to what fails a check"
        now = served(session)
        state = {one.asset: one.state for one in session.status()}
        if fails:
            assert found["orders"].action is Outcome.FAILED
            assert state["orders"] is State.FAILED
            assert now is None or was is None or Counter(now) == Counter(was)
            assert found["total"].action is Outcome.BLOCKED
        else:
            assert now is not None
            assert Counter(now) == Counter(world.content)
            assert {state["orders"], state["total"]} == {State.FRESH}
        standing = {one.result.check: one.result.outcome for one in session.checks(["orders"])}
        assert {name for name, one in standing.items() if one is CheckOutcome.FAILED} == fails
        again = {one.asset: one for one in session.build().assets}["orders"]
        assert not any(one.ran for one in again.checks)


class Aborted(Exception):
    """What the machine would have ended without a word."""


@contextlib.contextmanager
def aborting(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While inside, the work ends at one of the steps from an artifact that is written to a pointer that has moved."""
    owner, name = world.random.choice(
        ((LocalStore, "stage"), (Auditor, "audit"), (LocalStore, "publish"), (SqliteState, "commit"),
         (SqliteState, "record_refusal"), (SqliteState, "remember_verdicts"))
    )  # fmt: skip
    real, late = getattr(owner, name), world.random.random() < 0.5

    def ended(self: object, *given: object, **named: object) -> object:
        if late:
            real(self, *given, **named)
        raise Aborted(name)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, ended)
        yield


def abort(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that ends half way. No reader sees what fails a check meanwhile."""
    with contextlib.closing(Session(world.root)) as session:
        before = pointer(session)
        with aborting(world, monkeypatch), contextlib.suppress(Exception):
            session.build()
    with contextlib.closing(Session(world.root)) as session:
        if pointer(session) != before:
            assert not world.fails()
    world.seen.clear()  # what ran before the end may not have been kept


def kill(world: World) -> None:
    """A build in a process that is killed at any moment."""
    program = f"from upriver.tui.cli.main import main\nmain(['-C', {str(world.root)!r}, 'build'])"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(world.random.uniform(0.2, 2.0))
    process.kill()
    process.wait()
    world.seen.clear()


@pytest.mark.parametrize("seed", range(4))
def test_the_rule_holds_whatever_happens(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data faults, edits of recipes and checks, aborts between write, audit and publish."""
    world = World(tmp_path, seed)
    step(world)
    for _ in range(7):
        world.change()
        if world.random.random() < 0.3:
            abort(world, monkeypatch)
        step(world)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 160))
def test_the_rule_holds_for_long_and_through_kills(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Builds killed in processes of their own as well."""
    world = World(tmp_path, seed)
    for _ in range(30):
        world.change()
        match world.random.random():
            case chance if chance < 0.1:
                kill(world)
            case chance if chance < 0.3:
                abort(world, monkeypatch)
        step(world)
