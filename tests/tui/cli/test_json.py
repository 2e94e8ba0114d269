"""The JSON documents are those of docs/json.md, field by field: scripts rely on them."""

from __future__ import annotations

import io
import json
import re
import signal
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import msgspec
import pytest
from tests.json_contract import PAGE, check_document, documents, fields_of, parts, words
from tests.tui.cli.conftest import Run
from tests.tui.cli.scripted import ScriptedSession

from upriver.assets.errors import (
    AssetError,
    BusyError,
    DeclarationError,
    StoreError,
    UpriverError,
    UsageError,
)
from upriver.materializer.answers import Table
from upriver.materializer.automation.model import GoalCause, GoalState, Happening
from upriver.materializer.model import Action, Cause, CheckOutcome, Outcome, RunStatus, State, Trust
from upriver.materializer.operations import operations
from upriver.materializer.ports import IncidentKind, IncidentState
from upriver.materializer.quality.unit_test_report import UnitTestOutcome
from upriver.materializer.upkeep.fsck import Trouble
from upriver.tui.cli.arguments import COMMANDS as COMMAND_NAMES
from upriver.tui.cli.failure import BUSY, DONE, FAILED, STALE, WRONG, Failure
from upriver.tui.cli.registry import load_command, parser_of
from upriver.tui.cli.signals import exit_code
from upriver.tui.present.console import Console
from upriver.tui.present.json.documents import unique_names
from upriver.tui.present.json.values import Listed, plain, write_json

COMMANDS: dict[tuple[str, ...], str] = {
    ("build",): "build",
    ("build", "--dry-run"): "plan",
    ("plan",): "plan",
    ("status",): "status",
    ("backfill",): "backfill",
    ("backfill", "marts.revenue"): "backfill SELECT",
    ("backfill", "--cancel", "1f"): "backfill SELECT",
    ("status", "--trust"): "status --trust",
    ("status", "--partitions"): "status --partitions",
    ("why", "marts.revenue"): "why",
    ("lineage", "staging.orders.amount"): "lineage",
    ("lineage", "staging.orders", "--format", "json"): "lineage",
    ("impact",): "impact",
    ("impact", "--drop", "staging.orders.amount"): "impact",
    ("rename", "staging.orders", "core.sales"): "rename",
    ("rename", "staging.orders.amount", "amount_usd"): "rename",
    ("rename", "staging.orders.amount", "amount_usd", "--dry-run"): "rename",
    ("fix", "marts.churn"): "fix",
    ("accept", "raw.orders"): "accept",
    ("sql", "from x"): "sql",
    ("show", "marts.revenue"): "show",
    ("show", "marts.revenue", "--changes"): "show --changes",
    ("show", "marts.revenue", "--partition", "2013-01"): "show --partition",
    ("show", "marts.revenue", "--refused"): "show",
    ("show", "marts.revenue", "--offenders", "unique(id)"): "show --offenders",
    ("check",): "check",
    ("test",): "test",
    ("contract", "freeze", "marts.revenue"): "contract",
    ("cost",): "cost",
    ("history",): "history",
    ("history", "marts.revenue"): "history ASSET",
    ("export", "site"): "export",
    ("connection", "list"): "connection list",
    ("connection", "test"): "connection list",
    ("connection", "browse", "shop"): "connection browse",
    ("fsck",): "fsck",
    ("fsck", "--repair"): "fsck",
    ("gc",): "gc",
    ("env", "list"): "env list",
    ("goals",): "goals",
    ("goals", "pause", "*"): "goals pause",
    ("incidents",): "incidents",
    ("approve",): "approve",
    ("approve", "marts.churn"): "approve",
    ("incidents", "ack", "77d0"): "incidents",
    ("env", "remove", "prod"): "env remove",
    ("log", "last"): "log",
    ("version",): "version",
    ("why", "marts.revnue"): "error",
}
"""Command lines, and the document of docs/json.md that each writes."""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_document_has_exactly_the_promised_keys(run: Run, words: tuple[str, ...]) -> None:
    """One document on stdout, of the contract's shape, and nothing else there."""
    done = run(*words, "--json")
    check_document(done.document, COMMANDS[words])
    assert done.out.count("\n") == 1


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_at_a_terminal_the_document_is_indented(run: Run, words: tuple[str, ...]) -> None:
    """The same document, for eyes."""
    done = run(*words, "--json", terminal=True)
    assert done.out.startswith(("{\n", "[\n"))
    check_document(done.document, COMMANDS[words])


def test_every_document_of_the_contract_is_written_by_some_command() -> None:
    """And every command that takes ``--json`` has one."""
    # `watch` writes one a line for as long as it runs: tests/acceptance/test_watch.py holds each to its shape.
    assert {*COMMANDS.values(), "watch"} == set(documents())
    with_json = {
        name for name in COMMAND_NAMES if "--json" in parser_of(name, load_command(name)).format_help()
    }
    assert {name.split()[0] for name in documents()} - {"error"} == with_json


@pytest.mark.parametrize("name", [*documents(), *parts()])
def test_the_contract_explains_every_field_of_a_shape_and_no_other(name: str) -> None:
    """Once each."""
    section = {**parts(), **documents()}[name]
    assert sorted(section.names) == sorted(fields_of(section.shape))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("state", State),
        ("cause", Cause),
        ("action", Action),
        ("outcome", Outcome),
        ("run_status", RunStatus),
        ("trouble", Trouble),
        ("trust", Trust),
        ("goal_state", GoalState),
        ("goal_cause", GoalCause),
        ("happening", Happening),
        ("incident_kind", IncidentKind),
        ("incident_state", IncidentState),
        ("check_outcome", CheckOutcome),
        ("unit_test_outcome", UnitTestOutcome),
    ],
)
def test_the_contract_has_exactly_the_words_of_the_program(name: str, values: type[StrEnum]) -> None:
    """A word that is added to the program is added to the contract."""
    assert list(words()[name].names) == [one.value for one in values]
    if name == "outcome":
        assert fields_of(parts()["counts"].shape) == set(values)


def test_the_contract_has_every_kind_of_error_with_its_exit_code() -> None:
    """As the command line classifies them."""
    errors = (
        UsageError("x"),
        DeclarationError([]),
        BusyError("x"),
        AssetError("x"),
        StoreError("x"),
        UpriverError("x"),
        OSError("x"),
        KeyboardInterrupt(),
        ZeroDivisionError(),
    )
    found = {failure.kind: failure.code for failure in (Failure(error, {}) for error in errors)}
    written = dict(re.findall(r"^- `(\w+)`: .*exit code (\d+)", words()["error_kind"].text, flags=re.M))
    assert written == {kind: str(code) for kind, code in found.items()}


def test_the_contract_has_every_exit_code() -> None:
    """And no other."""
    written = re.findall(r"^\| (\d+) \|", PAGE.read_text(), flags=re.M)
    stopped = [exit_code(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert list(map(int, written)) == [DONE, FAILED, WRONG, STALE, BUSY, *stopped]


def test_every_operation_has_a_document_or_a_reason_for_having_none() -> None:
    """In the table at the end of the contract, in the order of the alphabet."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text(), flags=re.M)
    assert [name for name, _ in rows] == sorted(operations())
    for name, document in rows:
        assert document.startswith("none: ") or document.strip("`") in documents(), name


def test_what_only_a_column_has_is_null_where_an_asset_is_renamed(run: Run) -> None:
    """One document for both."""
    fields = ("column_of", "follows", "kept", "left")
    asset = run("rename", "staging.orders", "core.sales", "--json").document
    column = run("rename", "staging.orders.amount", "amount_usd", "--json").document
    assert {asset[field] for field in fields} == {None}
    assert all(column[field] is not None for field in fields)


def test_lineage_format_json_is_the_same_as_json(run: Run) -> None:
    """Two ways to say it."""
    assert (
        run("lineage", "marts.revenue", "--format", "json").out
        == run("lineage", "marts.revenue", "--json").out
    )


def test_moments_are_iso_8601_in_utc(run: Run) -> None:
    """They sort as text and parse everywhere."""
    (moment,) = {
        a["materialized_at"] for a in run("status", "--json").document["assets"] if a["asset"] == "raw.orders"
    }
    assert moment == "2025-10-09T08:49:20.000000Z"
    assert datetime.fromisoformat(moment).timestamp() == 1_760_000_000 - 240


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.10"), "1.10"),
        (Decimal("NaN"), "null"),
        (2**100, str(2**100)),
        (float("nan"), "null"),
        (float("inf"), "null"),
        (date(2013, 1, 1), '"2013-01-01"'),
        (datetime(2013, 1, 1, 5, 0, 0, 1), '"2013-01-01T05:00:00.000001"'),
        (timedelta(days=1, seconds=0.5), "86400.5"),
        (b"\x00\xff", '"00ff"'),
        (UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
        ({1: [None, True]}, '{"1":[null,true]}'),
        ("a\udc80b", '"a\\\\udc80b"'),
    ],
)
def test_values_of_every_type_are_kept(value: object, text: str) -> None:
    """Every digit of a number survives."""
    assert msgspec.json.encode(plain(value)).decode() == text


def test_no_row_loses_a_column_that_has_the_name_of_another(session: ScriptedSession, run: Run) -> None:
    """`select 1 as a, 2 as a` has two columns."""
    session.table = Table(("a", "a", "a_1"), ("INTEGER",) * 3, ((1, 2, 3),))
    assert run("sql", "x", "--json").document == [{"a": 1, "a_2": 2, "a_1": 3}]
    assert unique_names(["a", "a", "b"]) == ["a", "a_1", "b"]


def test_a_document_holds_nothing_that_a_terminal_acts_on(session: ScriptedSession, run: Run) -> None:
    """JSON escapes C0 itself; C1 controls and marks that reorder text are escaped as well."""
    session.table = Table(("x",), ("VARCHAR",), (("\x1b[2J\x9b\u202e\x7f",),))
    done = run("sql", "x", "--json", terminal=True)
    assert all(c.isprintable() or c == "\n" for c in done.out)
    assert done.document == [{"x": "\x1b[2J\x9b\u202e\x7f"}]


def test_errors_are_documents_too(run: Run) -> None:
    """Scripts read one shape."""
    done = run("why", "marts.revnue", "--json")
    assert done.code == 2
    assert done.document == {
        "error": {
            "kind": "usage",
            "message": "there is no asset 'marts.revnue'",
            "hint": "did you mean marts.revenue?",
            "diagnoses": [],
        }
    }
    assert json.loads(run("status", "--jsno", "--json").out)["error"]["kind"] == "usage"


@pytest.mark.parametrize("count", [0, 1, 1999, 2000, 2001, 5000])
def test_an_array_that_is_made_while_it_is_written_reads_as_any_other(count: int) -> None:
    """Also where a name is no Unicode, and with what a terminal would act on."""
    items = [{"n": n, "name": "\udcff" if n == 1 else "\u202e"} for n in range(count)]
    texts = []
    for array in (items, Listed(iter(items))):
        stream = io.StringIO()
        write_json(Console(stream, {}), {"first": 1, "items": array, "last": []})
        texts.append(stream.getvalue())
    assert texts[0] == texts[1]
    assert len(json.loads(texts[1])["items"]) == count


def test_nothing_more_is_made_for_a_reader_that_went_away() -> None:
    made = 0

    def items() -> Iterator[int]:
        nonlocal made
        while made < 1_000_000:
            made += 1
            yield made

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    write_json(Console(Gone(), {}), {"items": Listed(items())})
    assert made < 10_000
