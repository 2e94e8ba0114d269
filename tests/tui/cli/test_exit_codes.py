"""Exit codes and messages: what happened, where, what to do; never a traceback."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.tui.cli.answers import COLUMN_RENAMING, FIX, RENAMING, RESULTS, STATUSES, STEPS
from tests.tui.cli.conftest import Run
from tests.tui.cli.scripted import ScriptedSession, run_line

from upriver.assets.errors import (
    AssetError,
    BusyError,
    DeclarationError,
    Diagnosis,
    StoreError,
    UpriverError,
    UsageError,
)
from upriver.assets.model import Place
from upriver.materializer.answers import AssetResult, Plan, Step
from upriver.materializer.model import Action, Cause, Outcome, Reason, RunStatus, State
from upriver.materializer.upkeep.gc import Keep

DIAGNOSIS = Diagnosis(
    "unknown-column",
    "there is no column 'plan' in marts.customers",
    Place("assets/marts/churn.sql", 3, 8),
    ("it has plan_tier, since",),
    "did you mean 'plan_tier'?",
    "3 | select plan\n  |        ^^^^",
    "marts.churn",
)


BROKEN_STEP = Step(
    "marts.churn",
    Action.BROKEN,
    (Reason(Cause.UNBOUND, "marts.churn", detail=str(DIAGNOSIS)),),
    diagnoses=(DIAGNOSIS,),
)


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (UsageError("no such asset"), 2, "usage"),
        (DeclarationError([DIAGNOSIS]), 2, "declaration"),
        (BusyError("run 0042 is going on in process 7"), 4, "busy"),
        (AssetError("it raised"), 1, "asset"),
        (StoreError("the disk is full"), 1, "store"),
        (UpriverError("something else"), 1, "error"),
        (OSError(28, "No space left on device"), 1, "system"),
        (ZeroDivisionError("division by zero"), 1, "internal"),
    ],
)
def test_every_error_has_its_code_and_kind(
    session: ScriptedSession, run: Run, error: Exception, code: int, kind: str
) -> None:
    """In text and in JSON; in text nothing is on stdout."""
    session.error = error
    text, document = run("build"), run("build", "--json")
    assert text.code == document.code == code
    assert text.out == ""
    assert text.err
    assert "Traceback" not in text.err
    assert document.document["error"]["kind"] == kind
    assert session.closed == 2


def test_a_diagnosis_shows_its_place_with_a_caret(session: ScriptedSession, run: Run) -> None:
    """Rule 6: a sentence, the place, the facts, a hint; nothing ran."""
    session.error = DeclarationError([DIAGNOSIS, Diagnosis("other", "another problem")])
    assert run("build").err == (
        "error: assets/marts/churn.sql:3:8: there is no column 'plan' in marts.customers\n"
        "  3 | select plan\n"
        "    |        ^^^^\n"
        "  it has plan_tier, since\n"
        "  hint: did you mean 'plan_tier'?\n"
        "\n"
        "error: another problem\n"
        "\n"
        "2 problems in the project's declarations; nothing ran\n"
    )
    assert run("build", "--json").document["error"]["diagnoses"][0] == {
        "code": "unknown-column",
        "message": "there is no column 'plan' in marts.customers",
        "asset": "marts.churn",
        "file": "assets/marts/churn.sql",
        "line": 3,
        "column": 8,
        "facts": ["it has plan_tier, since"],
        "hint": "did you mean 'plan_tier'?",
        "excerpt": "3 | select plan\n  |        ^^^^",
    }


def test_the_unexpected_is_one_sentence_unless_debugging(session: ScriptedSession, run: Run) -> None:
    """Where the details are is said; UPRIVER_DEBUG shows them."""
    session.error = ZeroDivisionError("division by zero")
    brief = run("status")
    assert brief.err.startswith(
        "error: this should not have happened: ZeroDivisionError: division by zero\n  in "
    )
    assert "UPRIVER_DEBUG=1" in brief.err
    assert "Traceback" in run("status", environ={"UPRIVER_DEBUG": "1"}).err


def test_a_hint_in_a_usage_error_is_set_apart(session: ScriptedSession, run: Run) -> None:
    """Sessions put it on a last line."""
    session.error = UsageError("no asset matches 'tag:mrats'\nhint: did you mean tag:marts?")
    assert run("build").err == "error: no asset matches 'tag:mrats'\nhint: did you mean tag:marts?\n"
    assert run("build", "--json").document["error"]["hint"] == "did you mean tag:marts?"


def test_an_excerpt_in_a_usage_error_keeps_its_caret_in_place(session: ScriptedSession, run: Run) -> None:
    """As for a query that is wrong."""
    session.error = UsageError("<query>:1:8: no\n    1 | select x\n      |        ^\n    hint: y")
    assert run("sql", "select x").err == "error: <query>:1:8: no\n  1 | select x\n    |        ^\nhint: y\n"


@pytest.mark.parametrize(
    ("status", "code"), [(RunStatus.SUCCESS, 0), (RunStatus.FAILED, 1), (RunStatus.INTERRUPTED, 130)]
)
def test_a_build_ends_with_its_status(
    session: ScriptedSession, run: Run, status: RunStatus, code: int
) -> None:
    """0 when all is well, 1 when something failed, 130 when stopped."""
    session.run_status = status
    assert run("build").code == code
    assert run("build", "--json").code == code


def test_check_tells_staleness_by_exit_code(session: ScriptedSession, run: Run) -> None:
    """3 when something is stale; sources are not what is checked."""
    assert run("status").code == 0
    assert run("status", "--check").code == 3
    assert run("plan").code == 0
    assert run("plan", "--check").code == 3
    session.statuses = tuple(
        replace(status, state=State.STALE if status.kind == "source" else State.FRESH) for status in STATUSES
    )
    session.the_plan = Plan(())
    assert run("status", "--check").code == 0
    assert run("plan", "--check").code == 0


def test_fsck_fails_when_something_is_wrong_and_not_when_it_was_put_right(run: Run) -> None:
    """1 while there are problems; 0 after a repair that left none."""
    assert run("fsck").code == 1
    assert run("fsck", "--repair").code == 0
    assert run("fsck", "--json").document["ok"] is False
    assert run("fsck", "--repair", "--json").document["ok"] is True


def test_gc_keeps_what_it_is_told(session: ScriptedSession, run: Run) -> None:
    """Ages and sizes in the units that people write."""
    run("gc", "--keep", "12h", "--keep-count", "1", "--max-size", "10GB", "-n")
    assert session.calls[-1] == ("gc", Keep(0.5, 1, 10_000_000_000), True)
    run("gc", "--max-size=2GiB")
    assert session.calls[-1] == ("gc", Keep(30.0, 3, 2 * 1024**3), False)


def test_a_build_of_what_is_broken_is_wrong_whatever_failed_besides(
    session: ScriptedSession, run: Run
) -> None:
    """2 takes precedence over 1; the diagnosis is told once, with its caret, for all that it breaks."""
    broken = AssetResult("marts.churn", Outcome.BROKEN, error=str(DIAGNOSIS), diagnoses=(DIAGNOSIS,))
    session.results = (*RESULTS, broken, replace(broken, asset="marts.other"))
    session.run_status = RunStatus.FAILED
    done = run("build")
    assert done.code == 2
    assert done.err.count("did you mean 'plan_tier'?") == 1
    assert "marts.churn, marts.other are broken" in done.out


def test_a_plan_that_holds_what_can_not_run_is_wrong(session: ScriptedSession, run: Run) -> None:
    """The rest of the plan is still shown; only a check tells it by the exit code."""
    session.the_plan = Plan((*STEPS, BROKEN_STEP))
    done = run("plan")
    assert (done.code, run("plan", "--check").code) == (0, 2)
    assert "there is no column 'plan' in marts.customers" in done.err
    assert "staging.orders" in done.out


def test_a_rename_is_written_unless_it_is_only_looked_at(session: ScriptedSession, run: Run) -> None:
    """What was found is what is written."""
    assert run("rename", "staging.orders", "core.sales", "--dry-run").code == 0
    assert _made(session) == [("renaming", "staging.orders", "core.sales")]
    assert run("rename", "staging.orders", "core.sales").code == 0
    assert _made(session)[1:] == [
        ("renaming", "staging.orders", "core.sales"),
        ("rename", RENAMING),
    ]
    session.error = UsageError("edited meanwhile")
    assert run("rename", "staging.orders", "core.sales").code == 2


def test_a_fix_is_written_unless_it_is_only_looked_at(session: ScriptedSession, run: Run) -> None:
    """What was found is what is written; an uncertain one is a wrong command."""
    assert run("fix", "marts.churn", "--dry-run").code == 0
    assert [call for call in session.calls if "fix" in call[0]] == [("fix", "marts.churn")]
    assert run("fix", "marts.churn").code == 0
    assert session.calls[-2:] == [("fix", "marts.churn"), ("apply_fix", FIX)]
    session.error = UsageError("only you can tell what is meant")
    assert run("fix", "marts.churn").code == 2


def _made(session: ScriptedSession) -> list[object]:
    return [call for call in session.calls if call[0] not in ("keys", "columns")]


@pytest.mark.parametrize(
    "words",
    [
        ("staging.orders.amount", "amount_usd"),
        ("staging.orders.amount", "staging.orders.amount_usd"),
        ("staging.orders", "amount_usd", "--column", "amount"),
    ],
)
def test_a_column_is_named_as_in_lineage_or_by_an_option(
    session: ScriptedSession, run: Run, words: tuple[str, ...]
) -> None:
    assert run("rename", *words, "--dry-run").code == 0
    assert _made(session) == [("column_renaming", "staging.orders", "amount", "amount_usd", False)]
    assert run("rename", *words).code == 0
    assert _made(session)[-1] == ("rename_column", COLUMN_RENAMING)
    assert run("rename", *words, "--dry-run", "--leave").code == 0
    assert _made(session)[-1] == ("column_renaming", "staging.orders", "amount", "amount_usd", True)


def test_a_name_that_is_a_key_and_a_column_means_the_key_and_that_is_said(
    session: ScriptedSession, run: Run
) -> None:
    session.statuses = (*session.statuses, replace(session.statuses[0], asset="staging.orders.amount"))
    done = run("rename", "staging.orders.amount", "core.sales", "--dry-run")
    assert _made(session) == [("renaming", "staging.orders.amount", "core.sales")]
    assert "--column amount" in " ".join(done.out.split())


def test_impact_check_fails_when_something_breaks(session: ScriptedSession, run: Run) -> None:
    """For CI."""
    assert run("impact").code == 0
    assert run("impact", "--check").code == 1
    session.impacts = ()
    assert run("impact", "--check").code == 0


def test_a_column_can_be_supposed_to_be_dropped(session: ScriptedSession, run: Run) -> None:
    assert run("impact", "--drop", "staging.orders.AMOUNT").code == 0
    assert ("dropping", "staging.orders", "amount") in session.calls
    assert run("impact", "--drop", "staging.orders.amount", "--check").code == 1
    for wrong in (
        ("staging.orders",),
        ("staging.orders.amout",),
        ("staging.orders.amount", "--since", "main"),
    ):
        assert run("impact", "--drop", *wrong).code == 2


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["stauts"], "there is no command 'stauts'", "did you mean `upriver status`?"),
        (["run"], "there is no command 'run'", "did you mean `upriver build`?"),
        (["xyzzy"], "there is no command 'xyzzy'", "`upriver --help` lists the commands"),
        (["build", "--froce"], "`upriver build` has no option --froce", "did you mean --force?"),
        (
            ["build", "--jobs", "many"],
            "-j/--jobs: 'many' is not a whole number above 0",
            "`upriver build --help`",
        ),
        (["why"], "missing: ASSET", "`upriver why --help`"),
        (["why", "a", "b"], "`upriver why` does not take 'b'", "`upriver why --help`"),
        (["status", "--sort", "size"], "--sort: invalid choice: 'size'", "`upriver status --help`"),
        (["-C"], "-C expects a folder", ""),
        (["--colour", "build"], "there is no option --colour", "did you mean --color?"),
        (["-C", "/no/such/folder", "status"], "-C: /no/such/folder does not exist", ""),
        (["gc", "--max-size", "plenty"], "--max-size: 'plenty' is not a size", ""),
    ],
)
def test_wrong_usage_is_answered_with_what_to_do(
    session: ScriptedSession, words: list[str], message: str, hint: str
) -> None:
    """Exit code 2, one sentence, and a hint that helps."""
    done = run_line(words, session)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith(f"error: {message}")
    assert hint in done.err
    assert session.calls == []


def test_outside_a_project_it_says_how_to_make_one(
    session: ScriptedSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The first error that everybody meets."""
    done = run_line(["-C", str(tmp_path_factory.mktemp("empty")), "status"], session)
    assert done.code == 2
    assert "upriver.toml" in done.err
    assert "`upriver init`" in done.err


def test_options_reach_the_session(session: ScriptedSession, run: Run) -> None:
    """In any order, with selectors between them."""
    run("build", "a", "--force", "tag:x", "-j", "4", "--fail-fast", "--wait", "5m", "+b")
    assert session.calls[-1] == ("build", ("a", "tag:x", "+b"), True, 4, True, 300.0, (), "", ())
    run("build", "--wait", "marts.revenue")
    assert session.calls[-1] == ("build", ("marts.revenue",), False, None, False, None, (), "", ())
    run("build", "--wait=2", "x")
    assert session.calls[-1] == ("build", ("x",), False, None, False, 2.0, (), "", ())
    run("build")
    assert session.calls[-1] == ("build", (), False, None, False, 0.0, (), "", ())
    run("status", "--verify", "x")
    assert session.calls[-1] == ("status", ("x",), True)
    run("lineage", "staging.orders.amount", "-u", "--depth", "2")
    assert session.calls[-1] == ("lineage", "staging.orders", "amount", True, False, True, 2)
    run("log", "last", "revenue")
    assert session.calls[-1] == ("log", "0042", "marts.revenue")


def test_a_build_without_failures_but_with_everything_fresh_is_one_line(
    session: ScriptedSession, run: Run
) -> None:
    """The command that is run most often says least."""
    session.results = (RESULTS[-1],)
    session.run_status = RunStatus.SUCCESS
    done = run("build")
    assert done.out == "✓ everything is fresh: 1 asset, checked in 0ms\n"
    assert done.err == ""
