"""Checks that are functions: what they may return, what they read, and when they run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.materializer.freshness import decide
from upriver.materializer.model import CheckOutcome, Outcome
from upriver.materializer.quality import verdicts
from upriver.materializer.session import Session

HEAD = "import polars as pl\nfrom upriver.assets import asset, check\n\n"
CHECKS = f"""{HEAD}
@check(of="orders")
def even(rows: pl.LazyFrame):
    return rows.filter(pl.col("id") % 2 == 1)

@check(of="orders", severity="warn")
def few(rows: pl.DataFrame) -> bool:
    return rows.height < 3

@check(of="orders", name="known regions")
def regions_known(orders: pl.LazyFrame, regions: pl.LazyFrame) -> str:
    names = regions.select("name").collect()["name"].to_list()
    other = orders.filter(~pl.col("region").is_in(names)).select("region").collect()
    return "" if not other.height else f"unknown: {{other['region'][0]}}"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text("")
    (tmp_path / "orders.csv").write_text("id,region,amount\n2,north,3\n4,south,4\n")
    (tmp_path / "regions.csv").write_text("name,more\nnorth,1\nsouth,2\n")
    (tmp_path / "assets" / "orders.sql").write_text("select * from 'orders.csv'")
    (tmp_path / "assets" / "regions.sql").write_text("select * from 'regions.csv'")
    (tmp_path / "assets" / "checks.py").write_text(CHECKS)
    return tmp_path


@pytest.fixture
def session(root: Path) -> Iterator[Session]:
    with contextlib.closing(Session(root)) as session:
        yield session


def build(session: Session) -> tuple[Outcome, str | None, dict[str, bool]]:
    """How ``orders`` ended, with its error, and which checks ran."""
    found = {one.asset: one for one in session.build().assets}
    orders = found["orders"]
    return orders.action, orders.error, {one.check: one.ran for one in orders.checks}


def write(root: Path, body: str) -> None:
    (root / "assets" / "checks.py").write_text(
        f"{HEAD}@check(of='orders')\ndef c(rows: pl.LazyFrame):\n    {body}\n"
    )


def test_what_passes_is_published_and_runs_no_more(session: Session) -> None:
    assert build(session)[0] is Outcome.BUILT
    assert [one.outcome for one in session.check().checks] == [CheckOutcome.PASSED] * 3
    assert not any(one.ran for one in session.check().checks)


def test_rows_that_it_returns_offend(session: Session, root: Path) -> None:
    """They are kept to be shown; a bool that is false and a text are what is wrong."""
    (root / "orders.csv").write_text("id,region,amount\n2,north,3\n3,south,4\n5,west,4\n")
    action, error, _ = build(session)
    assert action is Outcome.FAILED
    assert error == "2 checks failed: even: 2 rows offend; known regions: unknown: west"
    assert session.offenders("orders", "even").rows == ((3, "south", 4), (5, "west", 4))
    assert session.offenders("orders", "known regions").rows == (("unknown: west",),)
    found = {one.check: one for one in session.build().assets[-1].checks} or {}
    assert not any(one.ran for one in found.values())


def test_a_warning_publishes(session: Session, root: Path) -> None:
    (root / "orders.csv").write_text("id,region,amount\n2,north,3\n4,south,4\n6,south,4\n")
    (result,) = [one for one in session.build().assets if one.asset == "orders"]
    assert result.action is Outcome.BUILT
    assert [(one.check, one.detail) for one in result.checks if one.outcome is CheckOutcome.WARNED] == [
        ("few", "it does not hold")
    ]


def test_a_check_runs_when_what_it_reads_has_changed_and_not_otherwise(session: Session, root: Path) -> None:
    """Columns that a lazy frame was not asked for do not count, on either side; its code does."""
    build(session)
    (root / "regions.csv").write_text("name,more\nnorth,1\nsouth,3\n")
    (root / "orders.csv").write_text("id,region,amount\n2,north,3\n4,south,5\n")
    action, _, ran = build(session)
    assert action is Outcome.BUILT
    assert ran == {"even": True, "few": True, "known regions": False}  # `even` returns whole rows
    (root / "assets" / "checks.py").write_text(
        CHECKS.replace('f"unknown', 'f"not known').replace("< 3", "<  3")
    )
    assert build(session)[2] == {"even": False, "few": False, "known regions": True}
    (root / "regions.csv").write_text("name,more\nnorth,1\nwest,3\n")
    action, error, _ = build(session)
    assert action is Outcome.FAILED
    assert error == "a check failed: known regions: not known: south"


def test_what_can_not_be_run_keeps_the_artifact_back(session: Session, root: Path) -> None:
    """Nothing is published that could not be checked; nothing is read that no verdict tells of."""
    bodies = {
        "pass": "the check returned nothing (None)",
        "return 3": "a table is a Polars LazyFrame",
        "raise ValueError('no')": "it can't be run: ValueError: no",
        "return not open('orders.csv').read()": "a check reads what it is handed",
        "import os; os._exit(3)": "it can't be run",
    }
    checks = "".join(
        f"@check(of='orders')\ndef c{n}(rows: pl.LazyFrame):\n    {body}\n\n" for n, body in enumerate(bodies)
    )
    (root / "assets" / "checks.py").write_text(HEAD + checks)
    (orders,) = [one for one in session.build().assets if one.asset == "orders"]
    assert orders.action is Outcome.FAILED
    assert {one.outcome for one in orders.checks} == {CheckOutcome.ERROR}
    for one, said in zip(orders.checks, bodies.values(), strict=True):
        assert said in one.detail


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@check(of='nothing')\ndef c(rows): ...", "of 'nothing', which is no asset"),
        ("@check(of='A b')\ndef c(rows): ...", "of: the key of an asset"),
        ("@check(of='orders', severity='bad')\ndef c(rows): ...", "error or warn is expected"),
        ("@check(of='orders')\ndef c(rows, regions): ...", "parameter 'rows' matches no asset"),
        (
            "@check(of='orders')\ndef c(rows): ...\n@check(of='orders', name='c')\ndef d(rows): ...",
            "two checks of orders are called 'c'",
        ),
        ("@check(of='orders')\ndef c(rows): ...\ndef c(rows): ...", "its module does not keep it"),
        ("@check(of='orders')\nasync def c(rows): ...", "is an async function"),
    ],
)
def test_a_wrong_declaration_is_told_with_its_place(
    session: Session, root: Path, text: str, said: str
) -> None:
    (root / "assets" / "checks.py").write_text(HEAD + text)
    (found,) = session.diagnoses()
    assert said in found.message
    assert str(found.place).startswith("assets/checks.py:")


def test_a_module_of_checks_that_fails_publishes_nothing_that_they_were_of(
    session: Session, root: Path
) -> None:
    build(session)
    (root / "assets" / "checks.py").write_text("import nothing_of_this_name")
    (root / "orders.csv").write_text("id,region,amount\n3,west,3\n")
    assert build(session)[0] is Outcome.BROKEN
    assert session.sql("select id from orders order by 1").rows == ((2,), (4,))


def test_what_a_function_could_see_of_the_environment_is_part_of_its_verdict(
    session: Session, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It need not be declared, and no value is kept."""
    write(root, "import os; return os.environ.get('LIMIT', '') != 'none'")
    build(session)
    assert not build(session)[2]
    monkeypatch.setenv("LIMIT", "none")
    (due,) = [one for step in session.plan().steps for one in step.reasons]
    assert due.detail == "c: the environment changed since it ran"
    assert build(session)[1] == "a check failed: c: it does not hold"


def test_external_inputs_are_named_as_in_traces() -> None:
    assert (verdicts.VARIABLE, verdicts.ISOLATION) == (decide.VARIABLE, decide.ISOLATION)


def test_a_check_that_finds_other_things_in_the_same_rows_runs_in_each_build(
    session: Session, root: Path
) -> None:
    text = f"{HEAD}@check(of='orders', steady=False)\ndef c(rows: pl.LazyFrame):\n    return True\n"
    (root / "assets" / "checks.py").write_text(text)
    build(session)
    assert build(session)[2] == {"c": True}
