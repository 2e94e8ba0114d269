"""The JSON documents, key by key: others script against them (DESIGN.md §7)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.tui.cli.conftest import Run
from tests.tui.cli.scripted import ScriptedSession

from upriver.materializer.answers import Table
from upriver.tui.present.console import Console
from upriver.tui.present.json.documents import unique_names
from upriver.tui.present.json.values import Listed, plain, write_json

TEXT, NUMBER, WHOLE, NOTHING = str, (int, float), int, type(None)
REASON = {"kind": TEXT, "asset": TEXT, "columns": [TEXT], "detail": TEXT}
RESULT = {
    "asset": TEXT,
    "partition": (TEXT, NOTHING),
    "action": {"built", "reused", "fresh", "failed", "blocked", "cancelled"},
    "changed": bool,
    "reasons": [REASON],
    "rows": (WHOLE, NOTHING),
    "seconds": NUMBER,
    "error": (TEXT, NOTHING),
}
STATE = {"fresh", "stale", "pending", "missing", "failed", "blocked", "running"}
STEP = {
    "asset": TEXT,
    "partition": (TEXT, NOTHING),
    "action": {"build", "reuse", "maybe", "fresh"},
    "reasons": [REASON],
}
END = {"asset": TEXT, "column": (TEXT, NOTHING)}
RUN_ENTRY = {
    "run_id": TEXT,
    "status": {"running", "success", "failed", "interrupted", "abandoned"},
    "started_at": TEXT,
    "finished_at": (TEXT, NOTHING),
    "select": [TEXT],
    "counts": dict.fromkeys(("built", "reused", "fresh", "failed", "blocked", "cancelled"), WHOLE),
    "assets": [RESULT],
}
COLUMN = {
    "name": TEXT,
    "type": TEXT,
    "nulls": WHOLE,
    "distinct": WHOLE,
    "low": (TEXT, NOTHING),
    "high": (TEXT, NOTHING),
    "middle": (TEXT, NOTHING),
    "histogram": [WHOLE],
}
DIFF = {"name": TEXT, "file": (TEXT, NOTHING), "line": (WHOLE, NOTHING), "lines": [TEXT]}
LINK = {"asset": TEXT, "depth": WHOLE, "state": STATE, "root": bool, "reasons": [REASON], "diffs": [DIFF]}

SHAPES: dict[tuple[str, ...], Any] = {
    ("build",): {"run_id": TEXT, "status": {"success", "failed", "interrupted"}, "assets": [RESULT]},
    ("build", "--dry-run"): {"steps": [STEP]},
    ("plan",): {"steps": [STEP]},
    ("status",): {
        "assets": [
            {
                "asset": TEXT,
                "kind": {"table", "file", "source"},
                "state": STATE,
                "reasons": [REASON],
                "materialized_at": (TEXT, NOTHING),
                "rows": (WHOLE, NOTHING),
                "bytes": (WHOLE, NOTHING),
            }
        ]
    },
    ("why", "marts.revenue"): {
        "asset": TEXT,
        "state": STATE,
        "reasons": [REASON],
        "chain": [LINK],
        "ruled_out": [TEXT],
        "rebuild": [{**STEP, "seconds": (*NUMBER, NOTHING)}],
    },
    ("lineage", "staging.orders.amount"): {
        "focus": END,
        "nodes": [{**END, "type": (TEXT, NOTHING), "kind": TEXT, "expression": (TEXT, NOTHING)}],
        "edges": [
            {
                "from": END,
                "to": END,
                "kind": {"value", "influence"},
                "how": TEXT,
                "expression": (TEXT, NOTHING),
            }
        ],
        "opaque": [{"asset": TEXT, "cause": TEXT}],
    },
    ("impact",): {
        "impacts": [{**END, "effect": {"breaks", "changes"}, "because": REASON, "place": NOTHING}],
    },
    ("impact", "--drop", "staging.orders.amount"): {
        "impacts": [{**END, "effect": {"breaks", "changes"}, "because": REASON, "place": TEXT}],
    },
    ("rename", "staging.orders", "core.sales"): {
        "old": TEXT,
        "new": TEXT,
        "column_of": NOTHING,
        "follows": NOTHING,
        "kept": NOTHING,
        "left": NOTHING,
        "done": bool,
        "edits": WHOLE,
        "files": [{"path": TEXT, "becomes": TEXT, "lines": [{"line": WHOLE, "before": TEXT, "after": TEXT}]}],
        "rebuilt": [TEXT],
        "mentions": [TEXT],
    },
    ("rename", "staging.orders.amount", "amount_usd"): {
        "old": TEXT,
        "new": TEXT,
        "column_of": TEXT,
        "follows": [TEXT],
        "kept": [{"asset": TEXT, "why": TEXT}],
        "left": [{"place": TEXT, "why": TEXT}],
        "done": bool,
        "edits": WHOLE,
        "files": [{"path": TEXT, "becomes": TEXT, "lines": [{"line": WHOLE, "before": TEXT, "after": TEXT}]}],
        "rebuilt": [TEXT],
        "mentions": [TEXT],
    },
    ("fix", "marts.churn"): {
        "asset": TEXT,
        "problem": TEXT,
        "file": TEXT,
        "line": WHOLE,
        "column": WHOLE,
        "written": TEXT,
        "meant": TEXT,
        "done": bool,
        "lines": [{"line": WHOLE, "before": TEXT, "after": TEXT}],
        "remains": (TEXT, NOTHING),
    },
    ("sql", "from x"): [dict],
    ("show", "marts.revenue"): {
        "asset": TEXT,
        "rows": WHOLE,
        "bytes": WHOLE,
        "schema": [{"name": TEXT, "type": TEXT}],
        "columns": [COLUMN],
        "first_rows": [dict],
    },
    ("show", "marts.revenue", "--changes"): {
        "asset": TEXT,
        "before": {"run_id": TEXT, "materialized_at": TEXT, "rows": (WHOLE, NOTHING)},
        "rows": (WHOLE, NOTHING),
        "added": WHOLE,
        "removed": WHOLE,
        "new_columns": [TEXT],
        "lost_columns": [TEXT],
        "retyped_columns": [{"name": TEXT, "before": TEXT, "after": TEXT}],
        "differing_rows": [dict],
    },
    ("cost",): {
        "runs": WHOLE,
        "since": (TEXT, NOTHING),
        "seconds": NUMBER,
        "saved_seconds": NUMBER,
        "assets": [
            {
                "asset": TEXT,
                "seconds": (*NUMBER, NOTHING),
                "total_seconds": NUMBER,
                "built": WHOLE,
                "failed": WHOLE,
                "reused": WHOLE,
                "saved_seconds": NUMBER,
                "rows": (WHOLE, NOTHING),
                "bytes": (WHOLE, NOTHING),
                "peak_memory": (WHOLE, NOTHING),
            }
        ],
    },
    ("history",): {"runs": [RUN_ENTRY]},
    ("history", "marts.revenue"): {
        "asset": TEXT,
        "materializations": [
            {
                "id": TEXT,
                "run_id": TEXT,
                "materialized_at": TEXT,
                "seconds": NUMBER,
                "rows": (WHOLE, NOTHING),
                "bytes": WHOLE,
                "version": TEXT,
                "current": bool,
            }
        ],
    },
    ("fsck",): {
        "ok": bool,
        "problems": [{"kind": TEXT, "place": TEXT, "facts": [TEXT], "hint": TEXT}],
        "actions": [TEXT],
        "notes": [TEXT],
        "artifacts": WHOLE,
        "bytes": WHOLE,
    },
    ("gc",): {
        "ok": bool,
        "problems": [dict],
        "dry_run": bool,
        "materializations": [TEXT],
        "artifacts": [TEXT],
        "leftovers": [TEXT],
        "freed": WHOLE,
        "kept": WHOLE,
    },
    ("log", "last"): {
        **RUN_ENTRY,
        "lines": [{"asset": TEXT, "attempt": WHOLE, "stream": TEXT, "text": TEXT, "at": (TEXT, NOTHING)}],
    },
}


def check(value: Any, shape: Any, path: str = "$") -> None:
    """Fail unless *value* has *shape*: exactly these keys, these types, these words."""
    match shape:
        case dict():
            assert isinstance(value, dict), path
            assert set(value) == set(shape), path
            for key in shape:
                check(value[key], shape[key], f"{path}.{key}")
        case list():
            assert isinstance(value, list), path
            for i, item in enumerate(value):
                check(item, shape[0], f"{path}[{i}]")
        case set():
            assert value in shape, path
        case _:
            assert isinstance(value, shape), f"{path}: {value!r}"


@pytest.mark.parametrize("words", SHAPES, ids=" ".join)
def test_every_document_has_exactly_the_promised_keys(run: Run, words: tuple[str, ...]) -> None:
    """One document on stdout, of the contract's shape, and nothing else there."""
    done = run(*words, "--json")
    check(done.document, SHAPES[words])
    assert done.out.count("\n") == 1


@pytest.mark.parametrize("words", SHAPES, ids=" ".join)
def test_at_a_terminal_the_document_is_indented(run: Run, words: tuple[str, ...]) -> None:
    """The same document, for eyes."""
    done = run(*words, "--json", terminal=True)
    assert done.out.startswith(("{\n", "[\n"))
    check(done.document, SHAPES[words])


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
    """Whoever scripts reads one shape."""
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
