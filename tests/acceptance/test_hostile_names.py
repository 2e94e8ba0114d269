"""Names, descriptions, data and messages that are written to do harm: shown by every face, obeyed by none."""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.faults.project import Project
from textual.strip import Strip

from upriver.lineage.sql.names import quote
from upriver.materializer.session import Session
from upriver.tui.app.app import UpriverApp

ESC = "\x1b]0;owned\x07\x1b[2J\x1b[31mred"
NAMES = (
    "'; drop table orders; --", '" or ""="', "[red]x[/red]", "[bold", "{{ 7*7 }}", "${HOME}", "`id`", "$(id)", "%s%n",
    "<script>alert(1)</script>", "a|b;c-->d", "n0 [label=x]", "\u202eevil\u202c", "\u200bhidden", ESC, "c1\x9b31m", "nul\x01", "new\nline",
    "tab\there", "back\\slash\\N", "x" * 300, "con", "Größe", unicodedata.normalize("NFD", "Größe"), "ＧＲÖＳＳＥ", "😀", " ", ".", "..",
    "../../etc/passwd", "select", "NULL", "_file", "rowid", "漢字" * 40, "e\u0301" * 30, "\U000e0041tag",
)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Every name as a column of a source, of a table in SQL and of one in Python."""
    project = Project(tmp_path_factory.mktemp("hostile"))
    project.write("upriver.toml", '[project]\nname = "hostile"\n')
    columns = {name: [f"value of {name}", None] for name in NAMES}
    (project.root / "data").mkdir()
    pq.write_table(pa.table(columns), project.root / "data/names.parquet")
    listed = ",\n  ".join(f"upper({quote(name)}) as {quote(name)}" for name in NAMES)
    about = json.dumps("[red]About[/red] {{x}} '; drop \" " + ESC + "\u202e\nsecond line \x9b0m")
    project.write(
        "assets/sqls/names.sql",
        f"/* upriver:\ndescription: {about}\nowner: \"[red]me[/red]\"\n*/\nselect {listed}\nfrom 'data/names.parquet'\n",
    )
    printed = "\x9b31m \u202e"
    about_it = "[red]About " + ESC + "{{x}}"
    raised = ESC + " [red]raised[/red] \x9b\u202e"
    project.write(
        "assets/pythons.py",
        f"""import polars as pl
from upriver.assets import asset

@asset(key="pythons.names", inputs={{"upper": "sqls.names"}}, description={about_it!r})
def names(upper: pl.LazyFrame) -> pl.LazyFrame:
    print({ESC!r}, "[red]printed[/red]", {printed!r})
    return upper

@asset(key="pythons.broken", inputs={{"upper": "sqls.names"}})
def broken(upper: pl.LazyFrame) -> pl.LazyFrame:
    raise ValueError({raised!r})
""",
    )
    assert project.here("build").code == 1
    return project


RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
"""What a terminal acts on, or what hides or turns around what is near it."""


COMMANDS = (
    ("build",), ("status",), ("plan",), ("history",), ("history", "sqls.names"), ("log", "last"), ("fsck",), ("impact",),
    ("show", "sqls.names"), ("sql", 'from "sqls"."names"'), ("why", "pythons.broken"), ("why", "sqls.names"),
    ("lineage", "sqls.names", "--columns"), ("lineage", "pythons.names", "--columns"),
)  # fmt: skip


@pytest.mark.parametrize("width", ["", "60"])
def test_no_command_writes_what_a_terminal_acts_on(project: Project, width: str) -> None:
    """As text and as JSON, and no name is mistaken for markup or for a template."""
    project.environment["COLUMNS"] = width
    for words in COMMANDS:
        done = project.here(*words)
        assert done.code in (0, 1), (words, done.said)
        assert "should not have happened" not in done.said, (words, done.said)
        assert RAW.findall(done.said) == [], words
        assert "[red]" in done.said or words[0] not in ("show", "lineage", "sql", "log"), words
        if words[0] != "build" and not width:
            written = project.here(*words, "--json").out
            assert RAW.findall(written) == [], words
            json.loads(written)
    del project.environment["COLUMNS"]


def test_columns_keep_their_names(project: Project) -> None:
    """In the artifacts, in the warehouse, in the lineage: letter by letter, each with its own edge."""
    for key in ("sqls.names", "pythons.names"):
        assert tuple(pq.read_schema(project.artifact(key)).names) == NAMES
        with duckdb.connect(str(project.folder / "warehouse.duckdb"), read_only=True) as warehouse:
            assert tuple(row[0] for row in warehouse.execute(f"describe {key}").fetchall()) == NAMES
    document = project.here("lineage", "pythons.names", "--columns", "--format", "json").document
    edges = {(e["from"]["column"], e["to"]["column"]) for e in document["edges"] if e["kind"] == "value"}
    assert edges == {(name, name) for name in NAMES}
    shown = project.here("show", "sqls.names", "--json").document
    assert [column["name"] for column in shown["schema"]] == list(NAMES)


def test_diagrams_hold_names_as_labels_only(project: Project) -> None:
    """Whatever a name is made of, the lines of a diagram are of the few forms that there are."""
    drawn = project.here("lineage", "pythons.names", "--columns", "--format", "mermaid").out
    forms = r'flowchart LR|    subgraph g\d+\[".*"\]|    end|        n\d+\["([\w .()#;-]|\\.)*"\]|    n\d+ (-->|-\.->) n\d+'
    assert [one for one in drawn.split("\n") if one and not re.fullmatch(forms, one)] == []
    drawn = project.here("lineage", "pythons.names", "--columns", "--format", "dot").out
    forms = r'digraph lineage \{|    rankdir=LR;|    node \[shape=box\];|    n\d+ \[label="([^"\\]|\\.)*"\];|    n\d+ -> n\d+( \[style=dashed\])?;|\}'
    assert [one for one in drawn.split("\n") if one and not re.fullmatch(forms, one)] == []


async def test_the_terminal_ui_draws_them_as_they_are(project: Project) -> None:
    """The list, why, columns, rows and output: nothing that a terminal acts on, no markup taken for one."""
    session = Session(project.root)
    app = UpriverApp(session)
    drawn = []

    async def look() -> None:
        for _ in range(2):
            await asyncio.sleep(0.15)
            update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
            drawn.append("\n".join(Strip.join(one).text for one in update.strips))  # type: ignore[union-attr]

    async with app.run_test(size=(140, 60)):
        while not app.model.loaded:
            await asyncio.sleep(0.05)
        for key, letters in (("sqls.names", "wcpx"), ("pythons.names", "l"), ("pythons.broken", "wl")):
            place = app.main.assets.place_of(key)
            assert place is not None
            app.main.assets.move_to(place)
            await look()
            for letter in letters:
                app.simulate_key(letter)
                await look()
                app.simulate_key("escape")
                await asyncio.sleep(0.1)
    session.close()
    together = "\n".join(drawn)
    assert RAW.findall(together) == []
    for text in (
        "[red]About",
        "[red]x[/red]",
        "{{ 7*7 }}",
        "[red]printed[/red]",
        "[red]raised[/red]",
        "'; drop table orders",
    ):
        assert text in together, text


FILES = ("[red].sql", "\x1b[31mred.sql", "con.sql", "GRÖSSE.sql", "a\nb.sql", "{{x}}.sql", "'; drop.sql", "\u202eevil.sql", "x" * 240 + ".sql", "Orders.sql", "a b.py", "\x1b[31m.py", "-rf.sql", "..sql", "$(id).sql", "e\u0301.sql", "é.sql")  # fmt: skip


def test_files_with_such_names_are_broken_by_them(tmp_path: Path) -> None:
    """Each with its own diagnosis, as text and as JSON; none is written to the terminal as it is."""
    project = Project(tmp_path)
    project.write("upriver.toml", '[project]\nname = "files"\n')
    project.write("assets/orders.sql", "select 1 as a\n")
    for name in FILES:
        project.write(f"assets/{name}", "select 1 as a\n" if name.endswith("sql") else "")
    for words in (
        ("build",),
        ("status",),
        ("build", "--json"),
        ("lineage", ESC),
        ("why", "[red]x{{y}}"),
        ("sql", f"select {ESC}"),
        ("build", "\u202e*"),
    ):
        done = project.here(*words)
        assert done.code == (0 if words == ("status",) else 2), (words, done.said)
        assert "should not have happened" not in done.said
        assert RAW.findall(done.said) == []
    said = project.here("build").said
    for shown in (
        "[red].sql",
        r"\x1b[31mred.sql",
        "con.sql",
        r"a\nb.sql",
        "{{x}}.sql",
        r"\u202eevil.sql",
        "Orders.sql",
    ):
        assert f"assets/{shown}" in said, said
