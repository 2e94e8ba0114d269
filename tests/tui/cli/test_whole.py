"""The command line on a real project: what somebody does in the first ten minutes."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tui.cli.scripted import Outcomes, Stream
from tests.tui.cli.test_start import HEAVY, LISTED

from upriver.tui.cli.main import execute


def upriver(folder: Path, *words: str) -> Outcomes:
    """Run a command line in *folder*."""
    out, err = Stream(False), Stream(False)
    code = execute(["-C", str(folder), *words], out, err, {})
    return Outcomes(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that `upriver init` writes, built once."""
    folder = tmp_path_factory.mktemp("whole") / "shop"
    done = upriver(folder.parent, "init", "shop")
    assert done.code == 0
    assert done.out.endswith(f"Next:\n  cd {folder}\n  upriver build\n  upriver status\n")
    assert upriver(folder, "status", "--check").code == 3
    built = upriver(folder, "build", "--json")
    assert built.code == 0, built
    assert {asset["action"] for asset in built.document["assets"]} == {"built"}
    assert upriver(folder, "status", "--check").code == 0
    return folder


def test_nothing_is_overwritten_by_a_second_init(shop: Path) -> None:
    """It says what is in the way."""
    done = upriver(shop.parent, "init", "shop")
    assert done.code == 2
    assert "upriver.toml" in done.err


def test_a_second_build_does_nothing(shop: Path) -> None:
    """And says so in a line."""
    done = upriver(shop, "build")
    assert done.code == 0
    assert done.out.startswith("✓ everything is fresh: 3 assets, checked in ")
    assert done.err == ""


def test_an_edit_is_explained_down_to_the_line_and_undone_without_building(shop: Path) -> None:
    """Switching back and forth recomputes nothing."""
    recipe = shop / "assets" / "staging" / "orders.sql"
    original = recipe.read_text()
    recipe.write_text(original.replace("<> 'cancelled'", "= 'paid'"))
    try:
        assert upriver(shop, "status", "--check").code == 3
        why = upriver(shop, "why", "marts.revenue_by_country").out
        assert re.search("staging.orders +① its code changed", why)
        assert "assets/staging/orders.sql:8" in why
        assert "8 - where o.status <> 'cancelled'" in why
        assert "8 + where o.status = 'paid'" in why
        assert upriver(shop, "build", "-q").code == 0
    finally:
        recipe.write_text(original)
    again = upriver(shop, "build", "--json").document
    assert "built" not in {asset["action"] for asset in again["assets"]}


def test_a_mistake_in_a_declaration_breaks_that_asset_alone(shop: Path) -> None:
    """Exit code 2, the place and a hint; the rest is built, also where something failed besides."""
    wrong, added = (shop / "assets" / "marts" / name for name in ("wrong.sql", "added.sql"))
    wrong.write_text("select * from staging.ordres")
    added.write_text("select error('out of paper') as x from staging.orders")
    try:
        done = upriver(shop, "build")
        assert done.code == 2
        assert "assets/marts/wrong.sql:1:15" in done.err
        assert "staging.orders" in done.err
        assert "marts.wrong is broken" in done.out
        assert "marts.added failed" in done.out
        added.write_text("select 1 as x from staging.orders")
        assert upriver(shop, "build").code == 2
        assert upriver(shop, "build", "marts.added").code == 0
        for command in ("plan", "status"):
            assert upriver(shop, command).code == 0
            assert upriver(shop, command, "--check").code == 2
            assert upriver(shop, command, "marts.added", "--check").code == 0
            told = upriver(shop, command, "--json")
            assert "assets/marts/wrong.sql:1:15" in told.err
            found = told.document["steps" if command == "plan" else "assets"]
            (one,) = [asset for asset in found if asset["asset"] == "marts.wrong"]
            assert one["action" if command == "plan" else "state"] == "broken"
            (diagnosis,) = one["diagnoses"]
            place = diagnosis["file"], diagnosis["line"], diagnosis["column"]
            assert place == ("assets/marts/wrong.sql", 1, 15)
        why = upriver(shop, "why", "marts.wrong")
        assert (why.code, "did you mean" in why.out) == (0, True)
        assert (
            upriver(shop, "status", "state:broken", "--json").document["assets"][0]["asset"] == "marts.wrong"
        )
    finally:
        wrong.unlink()
        added.unlink()


def test_what_goes_wrong_is_told_once_where_all_is_read_at_one_place(shop: Path) -> None:
    """Messages and the answer in one file, as at a terminal: each failure, and each broken declaration, in full."""
    wrong, added = (shop / "assets" / "marts" / name for name in ("wrong.sql", "added.sql"))
    wrong.write_text("select * from staging.ordres")
    added.write_text("select error('out of paper') as x from staging.orders")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "upriver", "build"],
            cwd=shop,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=120,
        )
        assert done.returncode == 2
        assert done.stdout.count("out of paper") == 1, done.stdout
        assert done.stdout.count("assets/marts/wrong.sql:1:15") == 1, done.stdout
    finally:
        wrong.unlink()
        added.unlink()


def test_an_asset_that_fails_fails_alone(shop: Path) -> None:
    """Exit code 1; what does not depend on it is built; its last good artifact is still served."""
    added = shop / "assets" / "marts" / "bad.sql"
    added.write_text("select error('out of paper') as x from staging.orders")
    try:
        done = upriver(shop, "build")
        assert done.code == 1
        assert "✗ marts.bad failed" in done.out
        assert "out of paper" in done.err
        assert upriver(shop, "sql", "select count(*) as n from staging.orders", "--json").document[0]["n"] > 0
        assert upriver(shop, "status", "marts.bad", "--check").code == 3
        log = upriver(shop, "log")
        assert log.code == 0
        assert "out of paper" in log.out
    finally:
        added.unlink()


def test_columns_are_followed_by_a_dotted_name(shop: Path) -> None:
    """`marts.revenue_by_country.revenue` is a column; a wrong one gets a hint."""
    view = upriver(shop, "lineage", "marts.revenue_by_country.revenue", "--json").document
    assert view["focus"] == {"asset": "marts.revenue_by_country", "column": "revenue"}
    assert {
        (edge["from"]["asset"], edge["from"]["column"]) for edge in view["edges"] if edge["kind"] == "value"
    } >= {("staging.orders", "amount"), ("raw.orders", "amount")}
    done = upriver(shop, "lineage", "revenue_by_country.revnue")
    assert done.code == 2
    assert "did you mean revenue?" in done.err


def test_tables_can_be_looked_at_and_exported(shop: Path) -> None:
    """sql in three formats, and show."""
    query = "select country, sum(revenue) as revenue from marts.revenue_by_country group by all order by all"
    rows = upriver(shop, "sql", query, "--json").document
    assert [set(row) for row in rows] == [{"country", "revenue"}] * len(rows)
    lines = upriver(shop, "sql", query, "--format", "csv").out.split("\r\n")
    assert lines[0] == "country,revenue"
    assert len(lines) == len(rows) + 2
    assert upriver(shop, "show", "staging.orders", "--json").document["rows"] > 0
    assert upriver(shop, "sql", "selec 1").code == 2


def test_care_and_the_past(shop: Path) -> None:
    """history, fsck and gc on real records."""
    assert upriver(shop, "history", "--json").document["runs"]
    assert upriver(shop, "history", "staging.orders", "--json").document["materializations"][-1]["rows"] > 0
    assert upriver(shop, "fsck", "--json").document["ok"] is True
    assert upriver(shop, "gc", "--dry-run").code == 0


@pytest.mark.parametrize("words", [["status"], ["build"]], ids=" ".join)
def test_looking_at_a_real_project_loads_no_engine(shop: Path, words: list[str]) -> None:
    """`status` and a `build` that finds everything fresh load neither Textual nor Polars, nor DuckDB."""
    assert upriver(shop, "build").code == 0  # other tests have edited it, and put it back
    call = f"from upriver.tui.cli.main import main\nmain({['-C', str(shop), *words]!r})"
    done = subprocess.run(
        [sys.executable, "-c", call + LISTED], capture_output=True, text=True, check=True, env=os.environ
    )
    loaded = set(done.stderr.rpartition("LOADED ")[2].split())
    assert not loaded & set(HEAVY), sorted(loaded & set(HEAVY))


def test_keys_and_columns_are_completed(shop: Path) -> None:
    """From the real project."""
    out = io.StringIO(upriver(shop, "version").out)
    assert out.readline().startswith("upriver ")
    stream = Stream(False)
    execute(["__complete", "-C", str(shop), "why", "marts."], stream, Stream(False), {})
    assert [text.split("\t")[0] for text in stream.getvalue().splitlines()] == [
        "marts.best_customers",
        "marts.revenue_by_country",
    ]
    stream = Stream(False)
    execute(
        ["__complete", "-C", str(shop), "lineage", "marts.revenue_by_country.r"], stream, Stream(False), {}
    )
    assert "marts.revenue_by_country.revenue" in stream.getvalue()


def test_versions_in_json(shop: Path) -> None:
    """For bug reports."""
    assert {"upriver", "python", "duckdb"} <= set(json.loads(upriver(shop, "version", "--json").out))
