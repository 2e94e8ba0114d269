"""dbt's own verdicts: its four generic tests and Upriver's checks, over the same tables, nulls and all.

``dbt`` has to be on the path, from an environment of its own: it shares packages with Upriver in other versions. Tried
with dbt-core 1.11.16 and dbt-duckdb 1.11.1.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from upriver.materializer.model import CheckOutcome
from upriver.materializer.session import Session

pytestmark = pytest.mark.dbt

SAMPLE = Path(__file__).parents[3] / "sample_data" / "data"

TABLES = {
    "airlines": f"select * from read_csv('{SAMPLE}/airlines.csv')",
    "planes": f"select * from read_csv('{SAMPLE}/planes.csv', nullstr = 'NA')",
    "flights": f"select * from read_parquet('{SAMPLE}/flights/2013-01.parquet')",
    # Of line items and orders, as TPC-H has them, with faults and nulls on both sides.
    "orders": "select case when i % 97 = 0 then null else i end as orderkey, i % 5 as priority,"
    " ['F', 'O', 'P', null][i % 4 + 1] as status from range(1500) as t(i)",
    "lineitem": "select i // 4 as linekey, case when i % 11 = 0 then null else i // 4 end as orderkey,"
    " i % 7 as linenumber, ['A', 'N', 'R'][i % 3 + 1] as returnflag from range(6000) as t(i)",
}
RANDOM = 6


def declared(tables: dict[str, str], seed: int) -> list[tuple[str, str, str, object]]:
    """Table, column, kind and argument of each test."""
    found: list[tuple[str, str, str, object]] = [
        ("airlines", "carrier", "unique", None),
        ("airlines", "carrier", "not_null", None),
        ("planes", "tailnum", "unique", None),
        ("planes", "year", "not_null", None),
        ("flights", "carrier", "relationships", ("airlines", "carrier")),
        ("flights", "tailnum", "relationships", ("planes", "tailnum")),
        ("flights", "tailnum", "not_null", None),
        ("flights", "origin", "accepted_values", ["EWR", "JFK", "LGA"]),
        ("flights", "carrier", "accepted_values", ["AA", "UA"]),
        ("orders", "orderkey", "unique", None),
        ("orders", "orderkey", "not_null", None),
        ("orders", "status", "accepted_values", ["F", "O", "P"]),
        ("lineitem", "orderkey", "relationships", ("orders", "orderkey")),
        ("lineitem", "returnflag", "accepted_values", ["A", "N", "R"]),
        ("lineitem", "orderkey", "unique", None),
    ]
    dice = random.Random(seed)
    for number in range(RANDOM):
        other = f"r{dice.randrange(number + 1)}"
        found += [
            (f"r{number}", "x", "unique", None),
            (f"r{number}", "x", "not_null", None),
            (f"r{number}", "x", "accepted_values", ["1", "2"]),
            (f"r{number}", "y", "relationships", (other, "x")),
        ]
    return [one for one in found if one[0] in tables]


@pytest.mark.timeout(600)
def test_dbt_finds_what_upriver_finds(tmp_path: Path) -> None:
    """The four generic tests over the sample data, over orders with faults, and over random tables."""
    dice = random.Random(1)
    tables = dict(TABLES)
    for number in range(RANDOM):
        rows = [
            (dice.choice([None, 1, 2, 3, 4]), dice.choice([None, 1, 2])) for _ in range(dice.randint(0, 5))
        ]
        values = ", ".join(f"({x or 'null'}, {y or 'null'})" for x, y in rows) or "(1, 1)"
        limit = "" if rows else " limit 0"
        tables[f"r{number}"] = (
            f"select x::integer as x, y::integer as y from (values {values}) as t(x, y){limit}"
        )
    wanted = declared(tables, 1)
    by_dbt = dbt_verdicts(tmp_path / "dbt", tables, wanted)
    by_upriver = upriver_verdicts(tmp_path / "upriver", tables, wanted)
    assert by_upriver == by_dbt
    assert {True, False} == set(by_dbt.values())


def dbt_verdicts(
    root: Path, tables: dict[str, str], wanted: list[tuple[str, str, str, object]]
) -> dict[tuple[str, str, str], bool]:
    """Whether each test passes, as dbt says."""
    (root / "models").mkdir(parents=True)
    (root / "dbt_project.yml").write_text("name: compared\nprofile: compared\nmodel-paths: [models]\n")
    database = root / "compared.duckdb"
    (root / "profiles.yml").write_text(
        f"compared:\n  target: dev\n  outputs:\n    dev: {{type: duckdb, path: '{database}', threads: 2}}\n"
    )
    models: list[dict[str, object]] = []
    for name, query in tables.items():
        (root / "models" / f"{name}.sql").write_text(query)
        columns: dict[str, list[object]] = {}
        for table, column, kind, argument in wanted:
            if table != name:
                continue
            match kind, argument:
                case "relationships", (to, field):
                    test: object = {kind: {"to": f"ref('{to}')", "field": field}}
                case "accepted_values", values:
                    test = {kind: {"values": values}}
                case _:
                    test = kind
            columns.setdefault(column, []).append(test)
        models.append(
            {"name": name, "columns": [{"name": column, "tests": tests} for column, tests in columns.items()]}
        )
    (root / "models" / "schema.yml").write_text(json.dumps({"models": models}))
    program = shutil.which("dbt")
    assert program is not None
    environment = {
        **os.environ,
        "DBT_PROFILES_DIR": str(root),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
    }
    environment.pop("PYTHONPATH", None)
    for command in ("run", "test"):
        done = subprocess.run(
            [program, command, "--project-dir", str(root)], env=environment, cwd=root, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stdout + done.stderr
        assert command == "test" or done.returncode == 0, done.stdout + done.stderr
    manifest = json.loads((root / "target" / "manifest.json").read_text())
    found = {}
    for result in json.loads((root / "target" / "run_results.json").read_text())["results"]:
        node = manifest["nodes"][result["unique_id"]]
        table = node["attached_node"].rpartition(".")[2]
        assert result["status"] in ("pass", "fail"), result
        found[table, node["column_name"], node["test_metadata"]["name"]] = result["status"] == "pass"
    assert len(found) == len(wanted)
    return found


def upriver_verdicts(
    root: Path, tables: dict[str, str], wanted: list[tuple[str, str, str, object]]
) -> dict[tuple[str, str, str], bool]:
    """Whether each check passes, as Upriver says."""
    (root / "assets").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "upriver.toml").write_text("")
    names: dict[tuple[str, str], tuple[str, str, str]] = {}
    for name, query in tables.items():
        duckdb.sql(f"copy ({query}) to '{root / 'data' / name}.parquet'")
        checks: list[dict[str, object]] = []
        for table, column, kind, argument in wanted:
            if table != name:
                continue
            match kind, argument:
                case "relationships", (to, field):
                    check: dict[str, object] = {"relationship": {"column": column, "to": f"{to}.{field}"}}
                case "accepted_values", values:
                    check = {kind: {"column": column, "values": values}}
                case _:
                    check = {kind: column}
            check |= {"name": f"{kind} {column}", "severity": "warn"}
            names[name, f"{kind} {column}"] = (name, column, kind)
            checks.append(check)
        header = f"/* upriver: {json.dumps({'checks': checks})} */\n" if checks else ""
        (root / "assets" / f"{name}.sql").write_text(f"{header}select * from 'data/{name}.parquet'")
    with contextlib.closing(Session(root)) as session:
        assert not session.diagnoses()
        results = [one for asset in session.build().assets for one in asset.checks]
    assert all(one.outcome in (CheckOutcome.PASSED, CheckOutcome.WARNED) for one in results), results
    return {names[one.asset, one.check]: one.outcome is CheckOutcome.PASSED for one in results}
