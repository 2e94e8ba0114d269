"""A secret that a recipe shows in every way that it can is nowhere to be found afterwards: not in anything that Upriver
keeps, prints or draws.
"""

from __future__ import annotations

import asyncio
import base64
import html
import json
import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import pyarrow.parquet as pq
import pytest
from tests.faults.project import Done, Project
from tests.faults.shops import Trouble, troubles
from textual.strip import Strip

from upriver.materializer.session import Session
from upriver.tui.app.app import UpriverApp

SECRETS = {
    "PLAIN": "sk0live9Qm7Zt4Xw2Rb8Lp6Vy1Nd3Hs5Gk",
    "ODD": "o'k\"(?P<x>[a-z]*)\\d+$ ü…é&%+/= ",
    "MULTI": "-----BEGIN KEY-----\nMIIabcQ7xW9\n  zXy/12+34\tZq5\n-----END KEY-----",
    "WORDS": "täglich-grüßt-Ω",
}
WEAK = {"TINY": "q", "PIN": "Q§7", "EMPTY": ""}

NEEDLES = {
    "PLAIN": ("sk0live9Qm7Zt4Xw2Rb8Lp6Vy1Nd3Hs5Gk", "sk0live9Qm7Z", "Vy1Nd3Hs5Gk"),
    "ODD": ("(?P<x>[a-z]*)", "?P<x>["),
    "MULTI": ("MIIabcQ7xW9", "zXy/12+34", "-----BEGIN KEY-----"),
    "WORDS": ("täglich-grüßt-Ω", "täglich-grü"),
}
"""What gives a secret away, the ends that are left where a library shortens a text among it."""


def encoded(value: str) -> Iterator[str]:
    """*value* as programs write it into texts of many kinds."""
    data = value.encode()
    yield json.dumps(value)[1:-1]
    yield json.dumps(json.dumps(value))[3:-3]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield ascii(value)[1:-1]
    yield repr(data)[2:-1]
    yield value.replace("'", "''")
    yield value.replace('"', '""')
    yield shlex.quote(value)
    yield html.escape(value)
    yield html.escape(value, quote=False)
    yield quote(value, safe="")
    yield quote(value)
    yield quote_plus(value)
    yield re.sub("%..", lambda match: match[0].lower(), quote(value))
    yield base64.b64encode(data).decode()
    yield base64.urlsafe_b64encode(data).decode()
    for user in (b"u", b"me", b"you"):  # as in an `Authorization: Basic` header, at all three alignments
        yield base64.b64encode(user + b":" + data + b"!")[8:-8].decode()
    yield data.hex()
    yield data.hex().upper()
    yield data.hex(" ")


SAYS = """
import base64, html, json, linecache, logging, multiprocessing, re, shlex, textwrap, traceback
import duckdb
import polars as pl
from urllib.parse import quote, quote_plus

NAMES = ("PLAIN", "ODD", "MULTI", "WORDS", "TINY", "PIN", "EMPTY")
SECRETS = [secret(name) for name in NAMES]
WORTHY = SECRETS[:4]


def spawned(name):
    from upriver.assets import secret
    print("spawned:", secret(name).reveal(), flush=True)


def reveal():
    return [one.reveal() for one in SECRETS]


class Loud(Exception):
    def __init__(self, value):
        self.value = value
    def __str__(self):
        return f"loud {self.value}"


def encoded(value):
    data = value.encode()
    yield value
    yield json.dumps({"a": value, "b": json.dumps({"c": value})})
    yield json.dumps(value, ensure_ascii=False)
    yield repr([value])
    yield ascii(value)
    yield repr(data)
    yield value.replace("'", "''")
    yield value.replace('"', '""')
    yield shlex.quote(value)
    yield html.escape(value)
    yield html.escape(value, quote=False)
    yield quote(value, safe="")
    yield quote(value)
    yield quote_plus(value)
    yield re.sub("%..", lambda match: match[0].lower(), quote(value))
    yield base64.b64encode(data).decode()
    yield base64.urlsafe_b64encode(data).decode()
    for user in (b"u", b"me", b"you"):
        yield "Authorization: Basic " + base64.b64encode(user + b":" + data + b"!").decode()
    yield data.hex()
    yield data.hex().upper()
    yield data.hex(" ")
"""

TALKS = Trouble(
    "talks",
    """
values = reveal()
for value in values[:4]:
    for text in encoded(value):
        print(text)
        sys.stderr.write(text + "\\n")
        logging.warning("about %s", text)
    sys.stdout.write("split: " + value[: len(value) // 2])
    sys.stdout.flush()
    time.sleep(0.05)
    sys.stdout.write(value[len(value) // 2 :] + "\\n")
    print("x" * 65530 + value + "y" * 70000)
    for piece in ("z" * (131072 + 3 - len(value) // 2) + value, "z" * 70000 + "\\n"):
        sys.stdout.write(piece)
        sys.stdout.flush()
    subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write(sys.argv[1] + chr(10))", value])
    print(pl.DataFrame({value: [value], "n": [value]}))
    print(pa.table({"a": [value]}))
    duckdb.sql("select $1 as a", params=[value]).show()
    os.write(1, value.encode() + b"\\n")
    os.write(1, value.encode("latin-1", "replace") + b"\\n")
for name in ("MULTI",):
    process = multiprocessing.get_context("spawn").Process(target=spawned, args=(name,))
    process.start()
    process.join()
for one in WORTHY:
    subprocess.run(["sh", "-c", "echo $" + one.name + " >&2"])
""",
)

RAISES = {
    "message": "raise KeyError(text)",
    "group": """
def cause():
    try:
        raise OSError(5, 'no', text)
    except OSError as error:
        error.add_note('with ' + text)
        raise Loud('x') from error
def engine():
    duckdb.sql('select * from "' + text.replace('"', '""') + '" where 1=1')
def syntax():
    duckdb.sql('selec ' * 3 + values[0] + ' from nothing where this is a rather long line of text ' * 3)
def value():
    pl.DataFrame({'a': values}).select(pl.col('a').cast(pl.Int64, strict=True))
def column():
    pl.DataFrame({value: [1] for value in values}).select(pl.col('b'))
def local():
    try:
        1 / 0
    except ZeroDivisionError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        raise RuntimeError(''.join(shown.format()))
def source():
    linecache.cache["assets/made.py"] = (1, None, ["x = " + repr(text) + "; 1/0"], "assets/made.py")
    exec(compile("x = " + repr(text) + "; 1/0", "assets/made.py", "exec"))
raised = [Loud(text)]
for one in (cause, engine, syntax, value, column, local, source):
    try:
        one()
    except Exception as error:
        raised.append(error)
assert len(raised) == 8
raise ExceptionGroup('many', [ExceptionGroup('of ' + text, raised)])""",
    "exits": "sys.exit(text)",
    "named": "return pa.table({values[1]: [1]})",
    "within": "return pa.table({'a': [{'x ' + values[0]: 1}]})",
    "described": "return pa.table({'a': [1]}).replace_schema_metadata({'about': values[1]})",
}

KINDS = [
    Trouble(name, "values = reveal()[:4]\ntext = ' | '.join(values)\n" + body.strip("\n"))
    for name, body in RAISES.items()
]

READS = [
    Trouble(
        "filtering",
        "values = reveal()\n"
        "for value in values:\n    (here / (value.replace('/', '_').replace(chr(10), '_') + '.asked')).exists()\n"
        "return pl.DataFrame(numbers).filter(~pl.lit(values[1]).eq('x'))",
    ),
]

LAZY = """

@asset
def lazily(numbers: pl.LazyFrame) -> pl.LazyFrame:
    values = reveal()
    return numbers.filter(pl.col("n").cast(pl.String) != values[0], pl.col("n").cast(pl.String) != values[1]).with_columns(a=pl.lit("a") )


@asset
def labelled(numbers: pl.LazyFrame) -> pl.LazyFrame:
    return numbers.with_columns(a=pl.lit(SECRETS[0].reveal() + "?") != "x")


@asset
def owned() -> pa.Table:
    return pa.table({"mine": [one.reveal() for one in SECRETS]})
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, Done]]:
    """A project that has been built, and what each command had to say about it."""
    project = troubles(tmp_path_factory.mktemp("secrets"), TALKS, *KINDS, *READS, head=SAYS)
    recipes = project.root / "assets/recipes.py"
    recipes.write_text(recipes.read_text() + LAZY)
    project.environment.update({**SECRETS, **WEAK})
    said = {"build": project.run("build", timeout=300)}
    run = json.loads(project.here("history", "--json").out)["runs"][0]["run_id"]
    keys = json.loads(project.here("status", "--json").out)["assets"]
    commands = [
        ("build", "--json"),
        ("status",),
        ("status", "--json"),
        ("plan",),
        ("plan", "--json"),
        ("history",),
        ("history", "--json"),
        ("log", run),
        ("log", run, "--json"),
        ("fsck",),
        ("fsck", "--json"),
        ("impact", "--json"),
    ]
    for one in keys:
        if not one["asset"].startswith("after"):
            commands += [("why", one["asset"]), ("why", one["asset"], "--json")]
    commands += [
        ("lineage", "numbers", "--columns", "--format", form) for form in ("text", "json", "dot", "mermaid")
    ]
    for words in commands:
        said[" ".join(words)] = project.run(*words) if words[0] == "build" else project.here(*words)
    return project, said


def found_in(text: str) -> list[str]:
    """The secrets that can be told from *text*, and by what."""
    found = [f"{name}: {needle}" for name, needles in NEEDLES.items() for needle in needles if needle in text]
    return found + [
        f"{name}: {form}" for name, value in SECRETS.items() for form in encoded(value) if form in text
    ]


def test_no_command_says_a_secret(told: tuple[Project, dict[str, Done]]) -> None:
    _, said = told
    assert {words: found for words, done in said.items() if (found := found_in(done.said))} == {}


def test_nothing_that_is_kept_holds_a_secret(told: tuple[Project, dict[str, Done]]) -> None:
    """In no file, but for the rows that a recipe gives."""
    project, _ = told
    owned = project.artifact("owned")
    found = {}
    for path in project.folder.rglob("*"):
        if path.is_file() and path != owned:
            found[str(path)] = found_in(path.read_bytes().decode("utf-8", "replace"))
        if path.suffix == ".parquet":
            found[f"{path} footer"] = found_in(str(pq.read_metadata(path)) + str(pq.read_schema(path)))
    with closing(sqlite3.connect(project.folder / "state.db")) as state:
        found["state"] = found_in("\n".join(state.iterdump()))
    assert {path: what for path, what in found.items() if what} == {}


async def test_no_screen_draws_a_secret(told: tuple[Project, dict[str, Done]]) -> None:
    """The list, why, the output, the columns, the history and the run of what was built, failed or blocked."""
    project, _ = told
    session = Session(project.root)
    app = UpriverApp(session)
    drawn = []

    def screen() -> str:
        update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
        return "\n".join(Strip.join(line).text for line in update.strips)  # type: ignore[union-attr]

    async with app.run_test(size=(160, 60)):

        async def settle() -> None:
            for _ in range(3):
                await asyncio.sleep(0.1)
                drawn.append(screen())

        while not app.model.loaded:
            await asyncio.sleep(0.05)
        await settle()
        for key in ("talks", "group", "named"):
            place = app.main.assets.place_of(key)
            assert place is not None
            app.main.assets.move_to(place)
            for letter in "wlc":
                app.simulate_key(letter)
                await settle()
                app.simulate_key("escape")
                await asyncio.sleep(0.1)
        app.simulate_key("2")
        await settle()
    session.close()
    assert any("[secret PLAIN]" in text for text in drawn)
    assert [found_in(text) for text in drawn if found_in(text)] == []


def test_a_declaration_that_holds_a_secret_is_refused_without_it(tmp_path: Path) -> None:
    """Revealed while its module is loaded: in a description, a path, what is printed, what is opened."""
    project = Project(tmp_path, dict(SECRETS))
    project.write("upriver.toml", '[project]\nname = "early"\n')
    project.write("assets/fine.sql", "select 1 as a\n")
    project.write(
        "assets/early.py",
        """import os
from upriver.assets import asset, secret, source

PLAIN, ODD = secret("PLAIN").reveal(), secret("ODD").reveal()
print(PLAIN)
os.path.exists(ODD.replace("/", "_"))
try:
    open(PLAIN)
except OSError:
    pass
source("raw.x", f"data/{PLAIN}.csv")

@asset(description=f"made with {ODD}")
def early() -> bytes:
    return b""
""",
    )
    done = project.run("build")
    assert done.code == 2
    assert "assets/early.py:11: the declaration holds the value of [secret PLAIN]" in done.said
    assert "the declaration holds the value of [secret ODD]" in done.said
    kept = [path for path in project.folder.rglob("*") if path.is_file()]
    assert found_in(done.said + "".join(path.read_bytes().decode("utf-8", "replace") for path in kept)) == []


def test_a_new_value_in_the_file_of_a_secret_makes_nothing_stale(tmp_path: Path) -> None:
    """And reading it is no undeclared input."""
    project = troubles(tmp_path, Trouble("quiet", "secret('TOKEN').reveal()"))
    project.write(".upriver/secrets/TOKEN", "first-of-two\n")
    built = project.run("build", "quiet")
    assert (built.code, "not declared" in built.said) == (0, False), built.said
    project.write(".upriver/secrets/TOKEN", "second-of-two\n")
    assert project.build("quiet").actions == {"numbers": "fresh", "quiet": "fresh"}


def test_a_secret_that_is_no_text_is_refused_without_it(tmp_path: Path) -> None:
    project = troubles(tmp_path, Trouble("bytes_", "secret('TOKEN').reveal()"))
    done = project.build("bytes_", env={"TOKEN": "hush-\udcff"})
    error = done.errors["bytes_"]
    assert error.startswith("the secret 'TOKEN' can't be read from $TOKEN: it is not UTF-8 text")
    assert "hush" not in done.said
