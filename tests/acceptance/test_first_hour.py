"""The first hour of four people: how many commands it takes to the first result, each told what to do by the one before.

Each prints a line with the number of commands and the seconds that Upriver took for them.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.acceptance.command import Done, Project, run
from tests.tui.app.test_terminal import Terminal

RESULT = "largest: 42.5"


@dataclass
class Person:
    """A person at a folder, and what was typed there so far."""

    name: str
    folder: Path
    commands: int = 0
    seconds: float = 0.0
    told: list[str] = field(default_factory=list)

    def type(self, *words: str, code: int = 0) -> Done:
        """Run ``upriver WORDS``, which must end with *code*."""
        with self.at_work():
            done = run(*words, folder=self.folder)
        assert done.code == code, done
        self.told.append(done.out + done.err)
        return done

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """One command, or what counts as one."""
        began = time.monotonic()
        yield
        self.commands += 1
        self.seconds += time.monotonic() - began

    def advised(self, words: str) -> bool:
        """Whether the last answer said to type or write *words*."""
        return words in self.told[-1]

    def report(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Print what it took."""
        with capsys.disabled():
            print(
                f"\nfirst hour, {self.name}: {self.commands} commands, {self.seconds:.1f} s to the first result"
            )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with two files of data, and nothing else."""
    folder = tmp_path / "desk"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "orders.csv").write_text(
        "order id,customer,amount\n1,7,10.00\n2,7,32.50\n3,8,42.50\n", encoding="utf-8"
    )
    (folder / "data" / "customers.csv").write_text("customer,name\n7,Ada\n8,Emmy\n", encoding="utf-8")
    return folder


def test_an_analyst_with_csv_files(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two commands to an answer over files that lie there; one file more to a table that is kept."""
    person = Person("analyst with CSV files", files)
    person.type("init", "--from", "data")
    assert person.advised("upriver show staging.")
    done = person.type("sql", "select max(amount) as largest from staging.orders")
    assert "42.5" in done.out
    person.report(capsys)
    assert person.commands == 2

    Project(files).write(
        "assets/marts/by_customer.sql",
        "select c.name, sum(o.amount) as amount\n"
        "from staging.orders o join staging.customers c using (customer)\ngroup by all\n",
    )
    assert "marts.by_customer" in person.type("build").err
    assert "42.5" in person.type("sql", "from marts.by_customer", "--format", "csv").out


def test_a_user_of_dbt(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Old habits are answered one after the other, each with what to write, and then the table is there."""
    person = Person("user of dbt", files)
    person.type("init", "--from", "data")
    project = Project(files)
    model = "assets/marts/largest.sql"
    project.write(
        model,
        "{{ config(materialized='table') }}\nselect max(amount) as largest\nfrom {{ ref('stg_orders') }}\n",
    )
    person.type("run", code=2)
    assert person.advised("upriver build")
    person.type("build", "--select", "marts.largest", code=2)
    assert person.advised("upriver build marts.largest")
    person.type("build", "marts.largest", code=2)
    assert person.advised("/* upriver:")
    project.replace(model, "{{ config(materialized='table') }}\n", "")
    person.type("build", "marts.largest", code=2)
    assert person.advised("an asset is read by its key")
    project.replace(model, "{{ ref('stg_orders') }}", "staging.orders")
    person.type("build", "marts.largest")
    assert "42.5" in person.type("show", "marts.largest").out
    person.report(capsys)
    assert person.commands == 7


CELLS = (
    "import polars as pl\nfrom upriver.project import Project",
    "def orders() -> pl.DataFrame:\n    return pl.DataFrame({'customer': [7, 7, 8], 'amount': [10.0, 32.5, 42.5]})",
    "def largest(orders: pl.LazyFrame) -> pl.LazyFrame:\n    return orders.select(pl.max('amount'))",
    "p = Project.of(orders, largest)\np.build()",
    "print('largest:', p['largest'].pl().item())",
)


def test_a_user_of_notebooks(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five cells from two functions to a frame (a real kernel runs the guide: tests/tui/notebook)."""
    person = Person("user of notebooks", files)
    cells = "".join(f"exec(compile({cell!r}, '<cell {n}>', 'exec'), names)\n" for n, cell in enumerate(CELLS))
    lines = "".join(
        f"linecache.cache['<cell {n}>'] = ({len(cell)}, None, {cell.splitlines(keepends=True)!r}, '<cell {n}>')\n"
        for n, cell in enumerate(CELLS)
    )
    script = f"import linecache\nnames = {{'__name__': '__main__'}}\n{lines}{cells}"
    with person.at_work():
        done = run("-c", script, folder=files, command=(sys.executable,))
    assert done.code == 0, done
    assert RESULT in done.out
    person.commands = len(CELLS)
    person.report(capsys)


@pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed: a real terminal can't be tried"
)
def test_a_lover_of_terminals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two commands and three keys: a project, its UI, a build in it, and why an asset is fresh."""
    person = Person("lover of terminals", tmp_path)
    person.type("init", "shop")
    terminal = Terminal(tmp_path / "shop")
    try:
        with person.at_work():
            terminal.keys(f"{sys.executable} -m upriver ui", "Enter")
            terminal.until("M builds everything")
            terminal.keys("M")
            terminal.until("3 build", "enter build")
            terminal.keys("Enter")
            terminal.until("✓ RUN", "success")
        terminal.keys("q")
    finally:
        terminal.close()
    person.report(capsys)
    assert person.commands == 2
