"""What a recipe reads without declaring it counts: files and folders of the project, environment variables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.materializer.freshness.external_inputs import UNSTEADY, ExternalInputs, path_digest
from upriver.materializer.model import Cause, Outcome
from upriver.materializer.session import Session

MODULE = """
import os, subprocess, sqlite3, sys
from os import environ
from pathlib import Path

import polars as pl
from polars import read_csv

from upriver.assets import asset

HERE = Path(__file__).parent.parent


def frame(value: object) -> pl.DataFrame:
    return pl.DataFrame({"value": [str(value)]})


@asset
def text() -> pl.DataFrame:
    import reading
    return frame(reading.rate())


@asset
def packed() -> pl.DataFrame:
    import pkgutil
    return frame(pkgutil.get_data("package", "rate.txt").decode())


@asset
def native() -> pl.DataFrame:
    return frame(read_csv(HERE / "lookup" / "rates.csv")["rate"][0])


@asset
def pattern() -> pl.DataFrame:
    return frame(pl.scan_csv("parts/*.csv").select(pl.len()).collect().item())


@asset
def listing() -> pl.DataFrame:
    return frame(sorted(os.listdir("parts")))


@asset
def variable() -> pl.DataFrame:
    return frame(environ.get("UPRIVER_TEST_RATE"))


@asset
def script() -> pl.DataFrame:
    return frame(subprocess.check_output([sys.executable, "tool.py"], text=True))


@asset
def database() -> pl.DataFrame:
    with sqlite3.connect("rates.db") as connection:
        return frame(connection.execute("select rate from rates").fetchone())


@asset
def own() -> pl.DataFrame:
    Path("scratch.txt").write_text("mine")
    found = Path("scratch.txt").read_text()
    Path("scratch.txt").unlink()
    return frame(found)


@asset
def counting() -> pl.DataFrame:
    count = int(Path("count.txt").read_text()) + 1
    Path("count.txt").write_text(str(count))
    return frame(count)


@asset
def plain() -> pl.DataFrame:
    return frame(1)
"""

READERS = ("text", "packed", "native", "pattern", "listing", "variable", "script", "database")


def _database(path: Path, rate: int) -> None:
    import sqlite3

    with sqlite3.connect(path) as connection:
        connection.executescript(f"drop table if exists rates; create table rates as select {rate} as rate;")
    connection.close()


def _write(root: Path, rate: int) -> None:
    files = {
        "upriver.toml": '[project]\nname = "undeclared"\n[build]\nisolation = "observed"\n',
        "assets/m.py": MODULE,
        "reading.py": "from pathlib import Path\n\n\ndef rate():\n    return Path(__file__).with_name('rate.txt').read_text()\n",
        "rate.txt": str(rate),
        "package/__init__.py": "",
        "package/rate.txt": str(rate),
        "lookup/rates.csv": f"rate\n{rate}\n",
        "parts/1.csv": "x\n1\n",
        "tool.py": f"print({rate})\n",
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    _database(root / "rates.db", rate)
    (root / "parts/2.csv").unlink(missing_ok=True)
    if rate > 1:
        (root / "parts/2.csv").write_text("x\n2\n")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    _write(tmp_path, 1)
    (tmp_path / "count.txt").write_text("0")
    monkeypatch.setenv("UPRIVER_TEST_RATE", "1")
    session = Session(tmp_path)
    yield session
    session.close()


def _built(session: Session) -> dict[str, Outcome]:
    result = session.build()
    assert not [one.error for one in result.assets if one.error]
    return {one.asset: one.action for one in result.assets}


def test_a_recipe_is_stale_exactly_when_a_file_or_variable_that_it_read_has_changed(
    project: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    _built(project)
    monkeypatch.setenv("UPRIVER_TEST_OTHER", "1")
    again = _built(project)
    # What changes while it is read is never known to be the same.
    assert {key for key, action in again.items() if action is not Outcome.FRESH} == {"counting"}

    _write(project.root, 2)
    monkeypatch.setenv("UPRIVER_TEST_RATE", "2")
    states = {one.asset: one.reasons for one in project.status()}
    kinds = {key: {reason.kind for reason in states[key]} for key in READERS}
    assert kinds == {key: {Cause.ENVIRONMENT} for key in READERS}
    assert [r.detail for r in states["text"]] == ["rate.txt, which it reads without declaring it, changed"]
    assert [r.detail for r in states["variable"]] == ["environment variable UPRIVER_TEST_RATE changed"]
    changed = _built(project)
    assert {key for key, action in changed.items() if action is Outcome.BUILT} == {*READERS, "counting"}
    assert project.preview("text", limit=1).rows[0][0] == "2"
    assert project.preview("native", limit=1).rows[0][0] == "2"

    _write(project.root, 1)
    monkeypatch.setenv("UPRIVER_TEST_RATE", "1")
    back = _built(project)
    assert {key for key, action in back.items() if action is Outcome.REUSED} >= set(READERS) - {"database"}


def test_who_reads_undeclared_files_is_told_so(project: Session) -> None:
    result = project.build(["text", "variable"])
    said = [line.text for line in project.log(result.run_id) if line.stream == "warning"]
    assert any(
        line.startswith("reading.py:5 reads rate.txt, which is not declared as a source") for line in said
    )
    assert any(
        "reads the environment variable UPRIVER_TEST_RATE without declaring it" in line for line in said
    )


def test_a_value_is_the_content_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    external = ExternalInputs(tmp_path, {"X": "1"})
    first = external.value("file:a.txt")
    assert first == path_digest(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_text("two")
    assert external.value("file:a.txt") == first  # one survey sees one moment
    assert ExternalInputs(tmp_path, {}).value("file:a.txt") not in (first, UNSTEADY)
    assert external.value("file:b.txt") == "missing"
    assert external.value("env:X") != external.value("env:Y") == "not set"
    assert external.value("variable x") is None
    assert path_digest(tmp_path) != path_digest(tmp_path / "a.txt")


def test_a_pipe_or_a_device_is_not_read_to_its_end(tmp_path: Path) -> None:
    """It may have none."""
    os.mkfifo(tmp_path / "pipe")
    assert path_digest(tmp_path / "pipe").startswith("no file")
    assert path_digest(Path("/dev/zero")).startswith("no file")
    assert path_digest(tmp_path) == path_digest(tmp_path)
