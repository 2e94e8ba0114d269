"""The command line as scripts use it (docs/json.md): documents, exit codes and selections, on a real project."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.command import ENVIRONMENT, UPRIVER, Project, run
from tests.json_contract import check_document

EVERYTHING = ["staging.orders", "marts.best_customers", "marts.revenue_by_country"]

FAILS = "select cast(country as integer) as country from staging.orders\n"


def read(project: Project, *words: str, shape: str, code: int = 0) -> Any:
    """The document of ``upriver WORDS --json``, held against *shape* of docs/json.md; and the exit code."""
    done = project.run(*words, "--json")
    assert done.code == code, done
    check_document(done.document, shape)
    return done.document


def actions(document: Any) -> dict[str, str]:
    """Asset and action, of a plan's steps or a build's assets."""
    return {one["asset"]: one["action"] for one in document.get("steps", document.get("assets"))}


def edges(document: Any) -> set[tuple[str, str, str]]:
    """Edges of columns as text: from, to, kind."""
    return {
        (
            ".".join(filter(None, edge["from"].values())),
            ".".join(filter(None, edge["to"].values())),
            edge["kind"],
        )
        for edge in document["edges"]
    }


def change_an_amount(project: Project) -> None:
    """A correction in a feed, of an order that is not cancelled."""
    project.replace("data/orders/2026-01.csv", "120.00", "121.00")


def change_a_recipe(project: Project) -> None:
    """An edit of one asset that nothing reads."""
    project.replace("assets/marts/revenue_by_country.sql", "sum(amount)", "sum(amount) / 2")


# -- init ------------------------------------------------------------------------------------------------------


def test_init_writes_a_project_once(tmp_path: Path) -> None:
    """And never over anything that is there: exit code 2, and every file as it was."""
    assert run("init", "shop", folder=tmp_path).code == 0
    files = {path: path.read_bytes() for path in (tmp_path / "shop").rglob("*") if path.is_file()}
    assert tmp_path / "shop/upriver.toml" in files
    again = run("init", "shop", folder=tmp_path)
    assert again.code == 2
    assert "upriver.toml" in again.err
    assert {path: path.read_bytes() for path in (tmp_path / "shop").rglob("*") if path.is_file()} == files


# -- build -----------------------------------------------------------------------------------------------------


def test_build_names_every_asset_with_what_was_done_and_why(tmp_path: Path) -> None:
    """First everything is missing, then nothing is; progress goes to stderr."""
    run("init", "shop", folder=tmp_path)
    shop = Project(tmp_path / "shop")
    done = shop.run("build", "--json")
    assert (done.code, bool(done.err)) == (0, True)
    check_document(done.document, "build")
    assert done.document["status"] == "success"
    assert actions(done.document) == dict.fromkeys(EVERYTHING, "built")
    for one in done.document["assets"]:
        assert [reason["kind"] for reason in one["reasons"]] == ["missing"]
        assert (one["changed"], one["error"], one["partition"]) == (True, None, None)
        assert one["rows"] > 0

    again = read(shop, "build", shape="build")
    assert again["status"] == "success"
    assert actions(again) == dict.fromkeys(EVERYTHING, "fresh")
    assert not any(one["changed"] or one["reasons"] for one in again["assets"])


def test_a_failure_stays_where_it_happened(shop: Project) -> None:
    """Exit code 1: the asset failed, what reads it is blocked, all else is built, and its last artifact is kept."""
    shop.write("assets/marts/half.sql", "select amount / 2 as half from staging.orders\n")
    shop.write("assets/marts/broken.sql", "select 1 as country\n")
    shop.write("assets/marts/below.sql", "select * from marts.broken\n")
    assert shop.run("build", "marts.below").code == 0
    shop.write("assets/marts/broken.sql", FAILS)

    document = read(shop, "build", shape="build", code=1)

    assert document["status"] == "failed"
    ended = {one["asset"]: one for one in document["assets"]}
    assert {key: one["action"] for key, one in ended.items() if one["action"] != "fresh"} == {
        "marts.half": "built",
        "marts.broken": "failed",
        "marts.below": "blocked",
    }
    assert "could not convert" in ended["marts.broken"]["error"].lower()
    assert "marts.broken" in ended["marts.below"]["error"]
    assert shop.read("sql", "from marts.broken") == [{"country": 1}]
    states = {one["asset"]: one["state"] for one in read(shop, "status", shape="status")["assets"]}
    assert (states["marts.broken"], states["marts.below"]) == ("failed", "blocked")

    shop.write("assets/marts/broken.sql", "select 1 as country\n")
    assert actions(read(shop, "build", shape="build"))["marts.broken"] in {"fresh", "reused"}


def test_a_raising_function_fails_with_its_line(shop: Project) -> None:
    """The error names what was raised and where in the user's code."""
    shop.replace(
        "assets/marts/best_customers.py", "    return (", '    raise ValueError("no!")\n    return ('
    )
    document = read(shop, "build", shape="build", code=1)
    (failed,) = (one for one in document["assets"] if one["action"] == "failed")
    assert failed["asset"] == "marts.best_customers"
    assert "ValueError: no!" in failed["error"]
    assert "assets/marts/best_customers.py:" in failed["error"]


@pytest.mark.parametrize(
    ("command", "code"),
    [(("build",), 2), (("plan",), 0), (("plan", "--check"), 2), (("status",), 0), (("status", "--check"), 2)],
)
def test_declarations_that_are_wrong_are_all_named_and_the_rest_goes_on(
    shop: Project, command: tuple[str, ...], code: int
) -> None:
    """With a place, and a hint where there is one, in every document; nothing is lost."""
    change_a_recipe(shop)
    shop.write("assets/marts/typo.sql", "select * from staging.ordrs\n")
    shop.write("assets/marts/syntax.sql", "select * form staging.orders\n")

    document = read(shop, *command, shape=command[0], code=code)

    ends = {one["asset"]: one for one in document["steps" if command[0] == "plan" else "assets"]}
    word = "state" if command[0] == "status" else "action"
    assert {key for key, one in ends.items() if one[word] == "broken"} == {"marts.typo", "marts.syntax"}
    (typo,), (syntax,) = ends["marts.typo"]["diagnoses"], ends["marts.syntax"]["diagnoses"]
    assert (typo["file"], typo["line"]) == ("assets/marts/typo.sql", 1)
    assert "staging.orders" in typo["hint"]
    assert syntax["line"] == 1
    if command[0] == "build":
        assert ends["marts.revenue_by_country"]["action"] == "built"
    assert [one["diagnoses"] for key, one in ends.items() if key.startswith("staging.")] == [[]] * len(
        [key for key in ends if key.startswith("staging.")]
    )


def test_a_broken_configuration_stops_every_command(shop: Project) -> None:
    """Exit code 2; nothing ran."""
    shop.write("upriver.toml", "[project\n")
    before = (shop.root / ".upriver/state.db").read_bytes()
    for command in ("build", "plan", "status"):
        assert read(shop, command, shape="error", code=2)["error"]["kind"] == "declaration"
    assert (shop.root / ".upriver/state.db").read_bytes() == before


def test_force_builds_what_is_asked_for_again(shop: Project) -> None:
    """The reason says so; content that comes out the same has not changed."""
    document = read(shop, "build", "marts.revenue_by_country", "--force", shape="build")
    (one,) = (one for one in document["assets"] if one["action"] != "fresh")
    assert (one["asset"], one["action"], one["changed"]) == ("marts.revenue_by_country", "built", False)
    assert [reason["kind"] for reason in one["reasons"]] == ["forced"]


def test_an_undone_edit_is_reused(shop: Project) -> None:
    """There is a materialization of that recipe on that data: nothing is computed."""
    recipe = (shop.root / "assets/marts/revenue_by_country.sql").read_text()
    change_a_recipe(shop)
    assert shop.build() == {"marts.revenue_by_country": "built"}
    shop.write("assets/marts/revenue_by_country.sql", recipe)
    assert actions(read(shop, "plan", shape="plan"))["marts.revenue_by_country"] == "reuse"
    assert shop.build() == {"marts.revenue_by_country": "reused"}


# -- plan, status, why -----------------------------------------------------------------------------------------


def test_plan_says_what_build_would_do(shop: Project) -> None:
    """So does `build --dry-run`, in the same words; neither does anything."""
    change_an_amount(shop)
    document = read(shop, "plan", shape="plan")
    assert actions(document) == {
        "staging.orders": "build",
        "marts.best_customers": "maybe",
        "marts.revenue_by_country": "maybe",
    }
    reasons = {step["asset"]: step["reasons"] for step in document["steps"]}
    assert [(one["kind"], one["asset"], one["columns"]) for one in reasons["staging.orders"]] == [
        ("data", "raw.orders", ["amount"])
    ]
    assert [(one["kind"], one["asset"]) for one in reasons["marts.best_customers"]] == [
        ("upstream", "staging.orders")
    ]
    assert read(shop, "build", "--dry-run", shape="plan") == document
    assert actions(read(shop, "plan", shape="plan")) == actions(document)


def test_status_gives_every_asset_and_source_its_state(shop: Project) -> None:
    """With what there is of it now."""
    change_an_amount(shop)
    found = {one["asset"]: one for one in read(shop, "status", shape="status")["assets"]}
    assert {key: (one["kind"], one["state"]) for key, one in found.items()} == {
        "raw.customers": ("source", "fresh"),
        "raw.orders": ("source", "fresh"),
        "staging.orders": ("table", "stale"),
        "marts.best_customers": ("table", "pending"),
        "marts.revenue_by_country": ("table", "pending"),
    }
    assert found["staging.orders"]["rows"] == 6
    assert found["staging.orders"]["bytes"] > 0
    assert found["staging.orders"]["materialized_at"].endswith("Z")


@pytest.mark.parametrize("command", ["status", "plan"])
def test_check_gives_exit_code_3_when_something_is_stale(shop: Project, command: str) -> None:
    """And the same document as without."""
    assert shop.run(command, "--check").code == 0
    change_a_recipe(shop)
    document = shop.read(command)
    checked = shop.run(command, "--check", "--json")
    assert (checked.code, checked.document) == (3, document)
    assert shop.run(command, "--check", "marts.best_customers").code == 0


def test_why_gives_the_state_and_its_reasons(shop: Project) -> None:
    """The same reasons as `status`."""
    change_an_amount(shop)
    change_a_recipe(shop)
    document = read(shop, "why", "marts.revenue_by_country", shape="why")
    assert (document["asset"], document["state"]) == ("marts.revenue_by_country", "stale")
    assert [(one["kind"], one["asset"]) for one in document["reasons"]] == [
        ("recipe", "marts.revenue_by_country"),
        ("upstream", "staging.orders"),
    ]
    (status,) = read(shop, "status", "marts.revenue_by_country", shape="status")["assets"]
    assert status["reasons"] == document["reasons"]
    assert read(shop, "why", "marts.best_customers", shape="why")["state"] == "pending"


# -- lineage ---------------------------------------------------------------------------------------------------


def test_lineage_of_an_asset_has_assets_for_ends(shop: Project) -> None:
    """Both ways, or one."""
    upstream = {("raw.customers", "staging.orders", "value"), ("raw.orders", "staging.orders", "value")}
    downstream = {
        ("staging.orders", "marts.best_customers", "value"),
        ("staging.orders", "marts.revenue_by_country", "value"),
    }
    assert edges(read(shop, "lineage", "staging.orders", shape="lineage")) == upstream | downstream
    assert edges(read(shop, "lineage", "staging.orders", "--upstream", shape="lineage")) == upstream
    assert edges(read(shop, "lineage", "staging.orders", "--downstream", shape="lineage")) == downstream


def test_lineage_of_a_column_keeps_value_and_influence_apart(shop: Project) -> None:
    """Every column that flows in, and every column that decides which rows there are."""
    document = read(shop, "lineage", "staging.orders.amount", "--upstream", shape="lineage")
    assert edges(document) == {
        ("raw.orders.amount", "staging.orders.amount", "value"),
        ("raw.orders.status", "staging.orders.amount", "influence"),
        ("raw.orders.customer_id", "staging.orders.amount", "influence"),
        ("raw.customers.customer_id", "staging.orders.amount", "influence"),
    }
    assert document["opaque"] == []
    down = read(shop, "lineage", "raw.orders.amount", "--downstream", shape="lineage")
    assert ("staging.orders.amount", "marts.revenue_by_country.revenue", "value") in edges(down)
    assert ("staging.orders.amount", "marts.best_customers.revenue", "value") in edges(down)
    assert ("staging.orders.amount", "marts.best_customers.name", "influence") in edges(down)


def test_lineage_has_other_formats(shop: Project) -> None:
    """`--format json` is `--json`; the others are text for their tools."""
    by_format = {
        name: shop.run("lineage", "staging.orders", "--format", name)
        for name in ("text", "json", "mermaid", "dot")
    }
    assert {done.code for done in by_format.values()} == {0}
    assert by_format["json"].document == shop.read("lineage", "staging.orders")
    assert by_format["mermaid"].out.startswith("flowchart ")
    assert by_format["dot"].out.startswith("digraph ")
    assert "raw.orders" in by_format["text"].out


# -- sql, show, history, log -----------------------------------------------------------------------------------


def test_sql_gives_rows(shop: Project) -> None:
    """One object a row, of current artifacts, by key; sources too."""
    assert shop.read("sql", "select name, revenue from marts.best_customers order by revenue desc") == [
        {"name": "Emmy", "revenue": 310.25},
        {"name": "Blaise", "revenue": 230.0},
        {"name": "Ada", "revenue": 219.9},
    ]
    assert shop.read("sql", "select count(*) as n from raw.orders") == [{"n": 8}]
    assert shop.read("sql", "from raw.orders where false") == []


@pytest.mark.parametrize(
    "query",
    [
        "selec 1",
        "from marts.best_customer",
        "select nme from marts.best_customers",
        "drop view marts.best_customers",
        "copy (select 1) to 'out.csv'",
        "select 1; select 2",
    ],
)
def test_sql_that_is_wrong_or_no_query_has_exit_code_2(shop: Project, query: str) -> None:
    """And writes nothing."""
    warehouse = shop.warehouse.read_bytes()
    read(shop, "sql", query, shape="error", code=2)
    assert shop.warehouse.read_bytes() == warehouse
    assert not list(shop.root.parent.rglob("out.csv"))


def test_show_gives_schema_profile_and_first_rows(shop: Project) -> None:
    """As many rows as asked for."""
    document = shop.read("show", "marts.best_customers", "-n", "2")
    assert document["schema"] == [
        {"name": "customer_id", "type": "BIGINT"},
        {"name": "name", "type": "VARCHAR"},
        {"name": "revenue", "type": "DOUBLE"},
    ]
    assert [column["nulls"] for column in document["columns"]] == [0, 0, 0]
    assert [row["name"] for row in document["first_rows"]] == ["Emmy", "Blaise"]


def test_history_and_log_give_runs_and_what_was_printed(shop: Project) -> None:
    """The run of a `build` is found by its id, with its reasons; what a function printed is in its log."""
    shop.replace("assets/marts/best_customers.py", "    return (", '    print("three of them")\n    return (')
    built = read(shop, "build", shape="build")

    newest = shop.read("history")["runs"][0]
    assert (newest["run_id"], newest["status"]) == (built["run_id"], "success")
    materializations = shop.read("history", "marts.best_customers")["materializations"]
    assert [(one["run_id"] == built["run_id"], one["current"]) for one in materializations] == [
        (True, True),
        (False, False),
    ]
    log = shop.read("log", built["run_id"])
    assert log["run_id"] == built["run_id"]
    assert actions(log)["marts.best_customers"] == "built"
    assert [(line["asset"], line["stream"], line["text"]) for line in log["lines"]] == [
        ("marts.best_customers", "stdout", "three of them")
    ]


# -- fsck, gc --------------------------------------------------------------------------------------------------


def test_fsck_finds_one_flipped_bit_and_repairs(shop: Project) -> None:
    """Exit code 1 with the problem; after the repair the next build makes the artifact and what has read it again."""
    assert read(shop, "fsck", shape="fsck") == {**shop.read("fsck"), "ok": True, "problems": []}
    version = shop.read("history", "staging.orders")["materializations"][0]["version"]
    (artifact,) = (shop.root / ".upriver/store").rglob(f"{version}.parquet")
    data = bytearray(artifact.read_bytes())
    data[len(data) // 3] ^= 1
    artifact.chmod(0o644)
    artifact.write_bytes(data)

    document = read(shop, "fsck", shape="fsck", code=1)
    assert document["ok"] is False
    assert [version in problem["place"] for problem in document["problems"]] == [True]

    assert read(shop, "fsck", "--repair", shape="fsck")["ok"] is True
    made = ("staging.orders", "marts.best_customers", "marts.revenue_by_country")
    assert shop.build() == dict.fromkeys(made, "built")
    assert read(shop, "fsck", shape="fsck")["ok"] is True


def test_gc_drops_what_nothing_points_to_and_nothing_else(shop: Project) -> None:
    """Everything current stays, and the project is sound."""
    rows = shop.read("sql", "from marts.revenue_by_country")
    change_a_recipe(shop)
    shop.build()
    current = shop.read("sql", "from marts.revenue_by_country")
    assert current != rows
    document = read(shop, "gc", "--keep", "0s", "--keep-count", "1", shape="gc")
    assert document["ok"] is True
    assert document["artifacts"]
    assert shop.read("sql", "from marts.revenue_by_country") == current
    assert read(shop, "fsck", shape="fsck")["ok"] is True
    assert shop.plan() == {}


# -- SELECT ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("select", "found"),
    [
        ("marts.best_customers", {"marts.best_customers"}),
        ("marts.*", {"marts.best_customers", "marts.revenue_by_country"}),
        ("+staging.orders", {"raw.customers", "raw.orders", "staging.orders"}),
        ("staging.orders+", {"staging.orders", "marts.best_customers", "marts.revenue_by_country"}),
        ("tag:staging", {"staging.orders"}),
        ("state:stale", {"marts.revenue_by_country"}),
        ("raw.orders tag:staging", {"raw.orders", "staging.orders"}),
    ],
)
def test_select_finds(shop: Project, select: str, found: set[str]) -> None:
    """Keys, globs, what is up- and downstream, tags and states; several add up."""
    change_a_recipe(shop)
    document = read(shop, "status", *select.split(), shape="status")
    assert {one["asset"] for one in document["assets"]} == found


def test_build_takes_the_selection_and_what_it_needs(tmp_path: Path) -> None:
    """Upstream comes with it; siblings do not."""
    run("init", "shop", folder=tmp_path)
    document = read(Project(tmp_path / "shop"), "build", "marts.revenue_by_country", shape="build")
    assert actions(document) == {"staging.orders": "built", "marts.revenue_by_country": "built"}


@pytest.mark.parametrize(
    ("command", "select"),
    [
        ("build", "marts.best_customer"),
        ("build", "tag:mart"),
        ("plan", "mrts.*"),
        ("status", "state:fine"),
    ],
)
def test_a_selection_that_can_find_nothing_is_an_error(shop: Project, command: str, select: str) -> None:
    """Exit code 2: a misspelt name must not pass for a build of nothing."""
    document = read(shop, command, select, shape="error", code=2)
    assert document["error"]["kind"] == "usage"


# -- the other exit codes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("bild",),
        ("build", "--nope"),
        ("why",),
        ("why", "../../etc/passwd"),
        ("lineage", "marts.best_customers.nope"),
        ("show", "nope"),
        ("log", "nope"),
        ("build", "--jobs", "none"),
    ],
    ids=" ".join,
)
def test_wrong_usage_has_exit_code_2_and_one_document(shop: Project, words: tuple[str, ...]) -> None:
    """An error is a document too."""
    assert read(shop, *words, shape="error", code=2)["error"]["kind"] == "usage"


def test_a_folder_that_is_no_project_has_exit_code_2(tmp_path: Path) -> None:
    """With the way to make one."""
    done = run("status", "--json", folder=tmp_path)
    assert done.code == 2
    assert "upriver init" in str(done.document)


@contextmanager
def building(project: Project) -> Iterator[subprocess.Popen[str]]:
    """A build that is inside a slow function."""
    project.replace(
        "assets/marts/best_customers.py",
        "    return (",
        "    import time\n    print('inside', flush=True)\n    time.sleep(60)\n    return (",
    )
    process = subprocess.Popen(
        [*UPRIVER, "-C", project.root, "build", "--json"],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    try:
        deadline = time.monotonic() + 60
        logs = project.root / ".upriver" / "runs"
        while not any("inside" in log.read_text() for log in logs.glob("*/events.jsonl")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_collection_finds_the_project_busy_and_another_build_does_not(shop: Project) -> None:
    """Exit code 4; neither reading nor building something else is held up."""
    with building(shop):
        assert read(shop, "gc", shape="error", code=4)["error"]["kind"] == "busy"
        assert actions(read(shop, "build", "staging.orders", shape="build")) == {"staging.orders": "fresh"}
        states = {one["asset"]: one["state"] for one in read(shop, "status", shape="status")["assets"]}
        assert states["marts.best_customers"] == "running"
        assert len(shop.read("sql", "from marts.best_customers")) == 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_build_says_so(shop: Project, number: int, code: int) -> None:
    """Exit code 130 or 143, with the document of a build that was interrupted."""
    with building(shop) as process:
        os.kill(process.pid, number)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == code
    document = json.loads(out)
    check_document(document, "build")
    assert document["status"] == "interrupted"
    assert actions(document)["marts.best_customers"] == "cancelled"
    assert len(shop.read("sql", "from marts.best_customers")) == 3
