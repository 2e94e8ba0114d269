"""Unit tests of recipes run: given rows, expected rows, by the engines of a build and without its artifacts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.materializer.quality.unit_test_report import UnitTestOutcome, UnitTestResult
from upriver.materializer.session import Session

PASSED, FAILED, BROKEN = UnitTestOutcome.PASSED, UnitTestOutcome.FAILED, UnitTestOutcome.BROKEN

QUERY = """/* upriver:
variables: [least]
*/
select id, region, amount * 2 as twice, current_date - day as age
from 'orders.csv' where amount >= getvariable('least')
"""
PYTHON = """import datetime
import time
from datetime import datetime as moment
import polars as pl
import secrets_of
from upriver.assets import asset

@asset
def p(a: pl.LazyFrame) -> pl.LazyFrame:
    print("looked at", a.collect().height)
    if a.collect().height > 2:
        raise ValueError("too many rows")
    return a.select("id", now=pl.lit(moment.now(datetime.UTC).replace(tzinfo=None)), day=pl.lit(datetime.date.today()),
                    second=pl.lit(int(time.time())), file=pl.lit(secrets_of.read()))

@asset
def native(a: pl.LazyFrame) -> pl.LazyFrame:
    import pandas as pd
    return a.select("id", now=pl.lit(pd.Timestamp.now()))

@asset
def report(a: pl.LazyFrame) -> bytes:
    return b"x"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "upriver.toml").write_text("[variables]\nleast = 2\n")
    (tmp_path / "orders.csv").write_text("id,region,amount,day\n1,NO,2.5,2013-01-01\n2,NW,3,2013-01-01\n")
    (tmp_path / "assets" / "a.sql").write_text(QUERY)
    (tmp_path / "secrets_of.py").write_text("def read():\n    return 'none'\n")
    return tmp_path


@pytest.fixture
def session(root: Path) -> Iterator[Session]:
    with contextlib.closing(Session(root)) as session:
        yield session


def run(session: Session, text: str) -> UnitTestResult:
    (session.root / "tests" / "t.yaml").write_text(text)
    report = session.test()
    assert not report.diagnoses
    (result,) = report.tests
    return result


GIVEN = "asset: a\ngiven:\n  orders.csv:\n"


def test_rows_are_taken_as_the_types_of_their_columns(session: Session) -> None:
    """``NO`` is a region and no boolean; a column that is not named is null; nothing was ever built."""
    text = f"{GIVEN}    - {{id: 1, region: NO, amount: 4}}\nexpect:\n  - {{id: 1, region: NO, twice: 8, age: null}}\n"
    assert run(session, text).outcome is PASSED
    assert not session.history()


def test_a_difference_is_told_as_rows(session: Session) -> None:
    found = run(session, f"{GIVEN}    - {{id: 1, amount: 4}}\nexpect:\n  - {{id: 1, twice: 9}}\n")
    assert (found.outcome, found.message) == (
        FAILED,
        "1 expected row is not there and 1 row is not expected; 0 as expected",
    )
    assert found.difference is not None
    assert [(one.sign, one.values, one.columns) for one in found.difference.rows] == [
        ("-", ("1", "9"), ("twice",)),
        ("+", ("1", "8"), ("twice",)),
    ]


def test_variables_and_the_clock_are_those_of_the_test(session: Session) -> None:
    """The next test has its own again."""
    row = "    - {id: 1, amount: 1, day: 2013-01-01}\n"
    text = f"{GIVEN}{row}variables: {{LEAST: 1}}\nclock: 2013-01-05\nexpect:\n  - {{age: 4}}\n"
    second = f"---\n{GIVEN}{row}expect: []\n"
    (session.root / "tests" / "t.yaml").write_text(text + second)
    assert [one.outcome for one in session.test().tests] == [PASSED, PASSED]


def test_rows_may_lie_in_csv_files(session: Session, root: Path) -> None:
    (root / "tests" / "given.csv").write_text('id,region,amount\n1,"",4\n2,,5\n')
    (root / "tests" / "wanted.csv").write_text('id,region\n2,\n1,""\n')
    text = "asset: a\ngiven: {orders.csv: given.csv}\nexpect: wanted.csv\n"
    assert run(session, text).outcome is PASSED
    assert (
        run(session, text + "order: kept\n").message
        == "the rows are as expected, but 1 of them in another order"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("asset: b\nexpect: []", "there is no asset 'b'"),
        ("asset: a\nexpect: []", "a reads files.orders_csv_"),
        ("asset: a\ngiven: {x: []}\nexpect: []", "a does not read 'x'"),
        (f"{GIVEN}    - {{idd: 1}}\nexpect: []", "there is no column 'idd'"),
        (f"{GIVEN}    - {{id: 1.5}}\nexpect: []", "id: '1.5' is no BIGINT"),
        (f"{GIVEN}    - {{id: x}}\nexpect: []", "id: 'x' is no BIGINT"),
        (f"{GIVEN}    - {{day: 2013-02-30}}\nexpect: []", "day: '2013-02-30' is no DATE"),
        (f"{GIVEN}    - {{day: 2013-02-03 12:00}}\nexpect: []", "day: '2013-02-03 12:00' is no DATE"),
        (f"{GIVEN}    []\nexpect: [{{ids: 1}}]", "there is no column 'ids'"),
        (f"{GIVEN}    []\nexpect: gone.csv", "the file tests/gone.csv can't be read"),
        (f"{GIVEN}    []\nexpect: []\nvariables: {{leest: 1}}", "the project has no variable 'leest'"),
        (f"{GIVEN}    []\nexpect: []\nvariables: {{least: x}}", "least: 'x' is no int"),
    ],
)
def test_what_can_not_be_meant_is_told_and_not_bent(session: Session, text: str, said: str) -> None:
    found = run(session, f"{text}\n")
    assert found.outcome is BROKEN
    assert said in found.message
    assert "tests/t.yaml:" in found.message


def test_an_expected_error_is_matched(session: Session, root: Path) -> None:
    (root / "assets" / "a.sql").write_text("select error('no ' || id) as x from 'orders.csv'")
    assert run(session, f"{GIVEN}    - {{id: 7}}\nerror: 'no \\d'\n").outcome is PASSED
    assert "it failed, but not with 'yes'" in run(session, f"{GIVEN}    - {{id: 7}}\nerror: yes\n").message
    assert "it did not fail" in run(session, f"{GIVEN}    []\nerror: no\n").message


def test_a_python_recipe_runs_in_a_confined_process_over_the_rows_that_are_given(
    session: Session, root: Path
) -> None:
    """Its clocks show the moment of the test; what it raises, prints and may not read is as in a build."""
    (root / "assets" / "p.py").write_text(PYTHON)
    (root / "tests" / "t.yaml").write_text(
        "asset: p\nclock: 2013-01-05 10:00\ngiven:\n  a: [{id: 1}]\nexpect:\n"
        "  - {id: 1, now: 2013-01-05 10:00:00, day: 2013-01-05, second: 1357380000, file: none}\n"
        "---\nasset: p\ngiven:\n  a: [{}, {}, {}]\nerror: ValueError. too many rows\n"
        "---\nasset: native\nclock: 2013-01-05\ngiven:\n  a: []\nexpect: []\n"
        "---\nasset: report\ngiven:\n  a: []\nexpect: []\n"
    )
    passed, raised, native, file = session.test().tests
    assert passed.outcome is PASSED, passed.message
    assert passed.output == ("looked at 1",)
    assert raised.outcome is PASSED
    assert (native.outcome, file.outcome) == (BROKEN, BROKEN)
    assert "the clock can't be held: native asks pd.Timestamp.now()" in native.message
    assert "makes a file" in file.message


@pytest.mark.parametrize(
    "query",
    ["select random() as x", "select age(day) as x from 'orders.csv'", "select system.main.now() as x"],
)
def test_a_clock_is_refused_where_something_else_decides(session: Session, root: Path, query: str) -> None:
    (root / "assets" / "a.sql").write_text(query)
    given = "given: {orders.csv: []}\n" if "csv" in query else ""
    found = run(session, f"asset: a\nclock: 2013-01-05\n{given}expect: []\n")
    assert found.outcome is BROKEN
    assert "the clock can't be held" in found.message


def test_upstreams_that_were_never_built_have_the_types_of_what_is_given(
    session: Session, root: Path
) -> None:
    """Where nothing can tell their columns before they have run."""
    (root / "assets" / "up.py").write_text(
        "import pandas as pd\nfrom upriver.assets import asset\n\n@asset\ndef up() -> pd.DataFrame: ...\n"
    )
    (root / "assets" / "a.sql").write_text("select typeof(n) as n, typeof(d) as d, typeof(t) as t from up")
    rows = "{n: 1, d: 2013-01-01, t: '1'}"
    text = f"asset: a\ngiven: {{up: [{rows}]}}\nexpect: [{{n: BIGINT, d: DATE, t: VARCHAR}}]\n"
    assert run(session, text).outcome is PASSED


def test_what_would_end_as_before_is_left_out(session: Session, root: Path) -> None:
    """For a watch: a test runs again when its file, its rows, its recipe or a schema has changed."""
    (root / "tests" / "given.csv").write_text("id\n1\n")
    first = run(session, "asset: a\ngiven: {orders.csv: given.csv}\nexpect: []\n")
    assert not session.test(known=[first.identity]).tests
    (root / "tests" / "given.csv").write_text("id\n2\n")
    (second,) = session.test(known=[first.identity]).tests
    (root / "assets" / "a.sql").write_text(QUERY.replace("* 2", "* 3"))
    (third,) = session.test(known=[first.identity, second.identity]).tests
    assert len({first.identity, second.identity, third.identity}) == 3


def test_the_tests_of_a_selection_run(session: Session, root: Path) -> None:
    (root / "assets" / "b.sql").write_text("select 1 as x")
    (root / "tests" / "t.yaml").write_text("asset: b\nexpect: [{x: 1}]\n---\nasset: a\nexpect: []\n")
    (root / "tests" / "wrong.yaml").write_text("asset: a\n")
    assert [one.asset for one in session.test(["b"]).tests] == ["b"]
    assert not session.test(["b"]).diagnoses
    assert len(session.test().diagnoses) == 1


def test_pytest_collects_them_with_the_plugin_that_ships(session: Session, root: Path) -> None:
    (root / "assets" / "b.sql").write_text("select 1 as x")
    (root / "tests" / "t.yaml").write_text(
        "asset: b\nexpect: [{x: 1}]\n---\nasset: b\nname: no\nexpect: [{x: 2}]\n"
    )
    (root / "tests" / "wrong.yaml").write_text("asset: a\n")
    (root / "elsewhere.yaml").write_text("asset: b\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:randomly",
        "-p",
        "no:asyncio",
        "-q",
    ]
    command += ["--continue-on-collection-errors", "."]
    bare = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        command, cwd=root, env=bare, capture_output=True, text=True, check=False, timeout=120
    )
    assert "1 failed, 1 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "b[no]" in done.stdout
    assert "1 expected row is not there" in done.stdout
    assert "one of `expect:` and `error:` is needed" in done.stdout
