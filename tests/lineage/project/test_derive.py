"""From files to a project: only what changed is read again, and everything that is wrong is told at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import upriver.lineage.project.python_modules
import upriver.lineage.project.sql_modules
from upriver.assets.errors import Diagnosis
from upriver.assets.model import PythonRecipe
from upriver.lineage.project.derive import derive
from upriver.lineage.project.manifest import Described
from upriver.lineage.project.project import Project

LONG_AFTER = 60.0


class Folder:
    """A project folder that is derived with a clock well after its last edit, and what was looked into for that."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.read: list[str] = []
        self.parsed: list[str] = []
        self.described = 0
        self.write("upriver.toml", '[project]\nname = "test"\n')

    def write(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def derive(self) -> Project:
        self.read, self.parsed, self.described = [], [], 0
        return derive(self.root, clock=lambda: time.time() + LONG_AFTER)

    def problems(self) -> tuple[Diagnosis, ...]:
        return self.derive().diagnoses


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    made = Folder(tmp_path)
    modules = upriver.lineage.project.sql_modules
    read, parse = modules._read, modules._read_sql
    describe = upriver.lineage.project.python_modules.describing

    def reading(root: Path, path: str, problems: dict[str, Diagnosis]) -> bytes:
        made.read.append(path)
        return read(root, path, problems)

    def parsing(texts: list[tuple[object, str, str]], queries: object) -> Iterable[object]:
        made.parsed += [file.path for file, _, _ in texts]  # type: ignore[attr-defined]
        return parse(texts, queries)  # type: ignore[arg-type]

    def describing(root: Path) -> AbstractContextManager[Callable[[], Described]]:
        made.described += 1
        return describe(root)

    monkeypatch.setattr(modules, "_read", reading)
    monkeypatch.setattr(modules, "_read_sql", parsing)
    monkeypatch.setattr(upriver.lineage.project.python_modules, "describing", describing)
    return made


def codes(problems: Iterable[Diagnosis]) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.key) for problem in problems]


# -- only what changed -----------------------------------------------------------------------------------------
def test_nothing_is_read_when_nothing_changed(folder: Folder) -> None:
    folder.write("assets/a.sql", "select 1 as x")
    folder.write("assets/b.sql", "select x from a")
    first = folder.derive()
    assert sorted(folder.parsed) == ["assets/a.sql", "assets/b.sql"]
    again = folder.derive()
    assert (folder.read, folder.parsed, folder.described) == ([], [], 0)
    assert again.identity == first.identity
    assert again.graph.order == ("a", "b")


def test_only_the_file_that_changed_is_read_and_parsed(folder: Folder) -> None:
    folder.write("assets/a.sql", "select 1 as x")
    folder.write("assets/b.sql", "select x from a")
    before = folder.derive()
    folder.write("assets/b.sql", "select x + 1 as x from a")
    after = folder.derive()
    assert (folder.read, folder.parsed) == (["assets/b.sql"], ["assets/b.sql"])
    assert after.fingerprints["a"] == before.fingerprints["a"]
    assert after.fingerprints["b"] != before.fingerprints["b"]


def test_a_touched_file_is_read_and_not_parsed(folder: Folder) -> None:
    path = folder.write("assets/a.sql", "select 1 as x")
    folder.derive()
    os.utime(path)
    folder.derive()
    assert (folder.read, folder.parsed) == (["assets/a.sql"], [])
    folder.derive()
    assert folder.read == []


def test_a_file_changed_right_before_it_was_derived_is_read_again(folder: Folder) -> None:
    folder.write("assets/a.sql", "select 1 as x")
    derive(folder.root)
    folder.derive()
    assert (folder.read, folder.parsed) == (["assets/a.sql"], [])


def test_a_file_that_is_gone_is_gone(folder: Folder) -> None:
    folder.write("assets/a.sql", "select 1 as x")
    path = folder.write("assets/b.sql", "select 1 as x")
    folder.derive()
    path.unlink()
    assert set(folder.derive().assets) == {"a"}
    assert set(folder.derive().assets) == {"a"}


def test_a_damaged_manifest_is_made_again(folder: Folder) -> None:
    folder.write("assets/a.sql", "select 1 as x")
    folder.derive()
    (manifest,) = folder.root.rglob("manifest.json")
    manifest.write_bytes(manifest.read_bytes()[:40])
    assert set(folder.derive().assets) == {"a"}
    assert folder.parsed == ["assets/a.sql"]


MODULE = """
import polars as pl
import shared
from upriver.assets import asset, source

orders = source("raw.orders", "data/orders.csv")

@asset
def big(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.filter(pl.col("x") > shared.LIMIT)
"""


def test_python_modules_are_loaded_only_when_a_python_file_changed(folder: Folder) -> None:
    folder.write("assets/m.py", MODULE)
    helper = folder.write("shared.py", "LIMIT = 1\n")
    folder.write("assets/a.sql", "select 1 as x")
    before = folder.derive()
    assert before.diagnoses == ()
    assert before.reads["big"] == ("raw.orders",)
    assert folder.described == 1
    folder.write("assets/a.sql", "select 2 as x")
    os.utime(helper)
    folder.derive()
    assert folder.described == 0
    folder.write("shared.py", "LIMIT = 2\n")
    after = folder.derive()
    assert folder.described == 1
    assert after.fingerprints["big"] != before.fingerprints["big"]


# -- what a query and a declaration mean -----------------------------------------------------------------------
def test_a_file_that_a_query_reads_becomes_one_source_for_all_that_read_it_alike(folder: Folder) -> None:
    folder.write("assets/a.sql", "select * from 'data/x.csv'")
    folder.write("assets/b.sql", "select count(*) as n from 'data/x.csv'")
    project = folder.derive()
    (source,) = project.sources.values()
    assert source.derived
    assert project.reads["a"] == project.reads["b"] == (source.key,)


def test_comments_do_not_change_a_fingerprint_and_a_volatile_declaration_does(folder: Folder) -> None:
    def fingerprint(text: str) -> str:
        folder.write("assets/a.sql", text)
        return folder.derive().fingerprints["a"]

    plain = fingerprint("select 1 as x")
    assert fingerprint("-- one\nSELECT 1 AS x") == plain
    assert fingerprint("/* upriver:\ntags: [t]\n*/\nselect 1 as x") == plain
    assert fingerprint("/* upriver:\nvolatile: daily\n*/\nselect 1 as x") != plain
    assert fingerprint("/* upriver:\nordered: true\n*/\nselect 1 as x") != plain


def test_what_comes_after_is_ordered_and_not_read(folder: Folder) -> None:
    folder.write("assets/z.sql", "select 1 as x")
    folder.write("assets/a.sql", "/* upriver:\nafter: [z]\n*/\nselect 1 as x")
    project = folder.derive()
    assert project.graph.order == ("z", "a")
    assert project.reads["a"] == ()


# -- what is wrong ---------------------------------------------------------------------------------------------
def test_an_unknown_upstream_is_told_where_it_stands_with_a_suggestion(folder: Folder) -> None:
    folder.write("assets/customers.sql", "select 1 as id")
    folder.write("assets/a.sql", "select id\nfrom custmers")
    (problem,) = folder.problems()
    assert problem.code == "unknown-upstream"
    assert problem.message == "a reads 'custmers', which is no asset or source"
    assert str(problem.place) == "assets/a.sql:2:6"
    assert "customers" in str(problem.hint)


@pytest.mark.parametrize(
    ("read", "says", "hint"),
    [
        (
            '"staging.orders"',
            "its ending tells of no format",
            "an asset is named without quotes: staging.orders",
        ),
        ("'data/x.bin'", "its ending tells of no format", "needs its reader: read_csv('data/x.bin')"),
        ("read_parquet('.upriver/store/*/*.parquet')", "come and go with every build", "read the asset"),
        ("'/elsewhere/.upriver/warehouse.csv'", "come and go with every build", "read the asset"),
        ("'https://example.org/x.csv'", "is not on this machine", "fetch it in a Python asset"),
        (
            "sniff_csv('data/x.csv')",
            "calls sniff_csv(), whose data Upriver can't follow",
            "in a Python asset",
        ),
    ],
)
def test_a_file_that_a_query_can_not_read_is_told_with_what_to_do(
    read: str, says: str, hint: str, folder: Folder
) -> None:
    folder.write("assets/staging/orders.sql", "select 1 as id")
    folder.write("assets/a.sql", f"select *\nfrom {read}")
    (problem,) = folder.problems()
    assert says in problem.message
    assert hint in str(problem.hint)
    assert str(problem.place).startswith("assets/a.sql:")


def test_a_circle_is_told_with_all_its_members(folder: Folder) -> None:
    folder.write("assets/a.sql", "select x from c")
    folder.write("assets/b.sql", "select x from a")
    folder.write("assets/c.sql", "select x from b")
    (problem,) = folder.problems()
    assert problem.code == "cycle"
    assert "a → c → b → a" in problem.message
    assert len(problem.facts) == 3
    assert set(folder.derive().broken) == {"a", "b", "c"}


def test_an_asset_that_reads_itself_is_told_as_that(folder: Folder) -> None:
    folder.write("assets/a.sql", "select x from a")
    (problem,) = folder.problems()
    assert (problem.code, problem.message) == ("cycle", "a reads itself")


def test_two_declarations_of_one_key_are_told(folder: Folder) -> None:
    folder.write("assets/a.sql", "select 1 as x")
    folder.write(
        "assets/m.py", "from upriver.assets import asset\n@asset('a')\ndef f() -> bytes:\n    return b''\n"
    )
    (problem,) = folder.problems()
    assert problem.key == "a"
    assert {"assets/a.sql", "assets/m.py"} <= {
        word.split(":")[0] for word in f"{problem.place} {' '.join(problem.facts)} {problem.message}".split()
    }


def test_a_parameter_that_can_mean_two_keys_is_asked_about(folder: Folder) -> None:
    for schema in ("raw", "staging"):
        folder.write(f"assets/{schema}/orders.sql", "select 1 as x")
    folder.write(
        "assets/m.py",
        "import polars as pl\nfrom upriver.assets import asset\n@asset\n"
        "def big(orders: pl.LazyFrame) -> pl.LazyFrame:\n    return orders\n",
    )
    (problem,) = folder.problems()
    assert problem.code == "ambiguous-upstream"
    assert "raw.orders or staging.orders" in problem.message


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_places(folder: Folder) -> None:
    folder.write("assets/a.sql", "select x from nowhere")
    folder.write("assets/b.sql", "selec x from a")
    folder.write("assets/c.sql", "select x from c")
    folder.write("assets/d.sql", "/* upriver:\nafter: [never]\n*/\nselect 1 as x")
    (folder.root / "assets/e.sql").write_bytes(b"select '\xff'")
    problems = folder.problems()
    assert [str(problem.place).split(":")[0] for problem in problems] == [
        f"assets/{name}.sql" for name in "abcde"
    ]
    assert [code for code, _ in codes(problems)][::2] == ["unknown-upstream", "cycle", "not-utf-8"]


def test_what_is_wrong_is_told_again_without_reading_the_files_again(folder: Folder) -> None:
    folder.write("assets/a.sql", "selec 1")
    first = folder.problems()
    assert first
    assert folder.problems() == first
    assert folder.parsed == []


@pytest.mark.parametrize(
    "declares",
    [
        "orders = source('raw.orders', 'orders.csv')",
        "for name in ('orders', 'customers'): source(f'raw.{name}', name + '.csv')",
        "@asset('raw.orders')\ndef anything() -> bytes: return b''",
    ],
)
def test_what_a_module_that_can_not_be_loaded_names_is_not_called_unknown(
    folder: Folder, declares: str
) -> None:
    folder.write(
        "assets/m.py", f"from upriver.assets import asset, source\nraise RuntimeError('no')\n{declares}\n"
    )
    folder.write("assets/a.sql", "select x from raw.orders")
    folder.write(
        "assets/n.py",
        "import polars as pl\nfrom upriver.assets import asset\n@asset\n"
        "def big(raw_orders: pl.LazyFrame) -> pl.LazyFrame:\n    return raw_orders\n",
    )
    assert [problem.code for problem in folder.problems()] == ["module-raises"]


def test_what_no_module_names_is_unknown_also_when_one_can_not_be_loaded(folder: Folder) -> None:
    folder.write("assets/m.py", "from upriver.assets import source\nraise RuntimeError('orders')\n")
    folder.write("assets/a.sql", "select x from ordesr")
    assert [problem.code for problem in folder.problems()] == ["unknown-upstream", "module-raises"]


def test_what_a_module_that_ends_its_loading_names_is_not_called_unknown(folder: Folder) -> None:
    folder.write("assets/m.py", "import os\nos._exit(3)\n")
    folder.write("assets/a.sql", "select x from ordesr")
    assert [problem.code for problem in folder.problems()] == ["unknown-upstream", "load-crashed"]
    folder.write("assets/m.py", "import os\nos._exit(3)\nordesr = 1\n")
    assert [problem.code for problem in folder.problems()] == ["load-crashed"]


@pytest.mark.parametrize("text", ["selec 1", "/* upriver:\nno_such: 1\n*/\nselect 1 as x", "select '\udcff'"])
def test_what_reads_an_asset_whose_declaration_is_wrong_is_not_to_blame(folder: Folder, text: str) -> None:
    path = folder.root / "assets/staging/orders.sql"
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    folder.write("assets/a.sql", "select x from staging.orders")
    folder.write(
        "assets/n.py",
        "import polars as pl\nfrom upriver.assets import asset\n"
        "@asset\ndef one(orders: pl.LazyFrame) -> pl.LazyFrame:\n    return orders\n"
        "@asset(after=['staging.orders'])\ndef two() -> bytes:\n    return b''\n",
    )
    assert {str(problem.place).split(":")[0] for problem in folder.problems()} == {
        "assets/staging/orders.sql"
    }


def test_a_module_that_is_imported_only_inside_a_function_counts_by_what_is_used_of_it(
    folder: Folder,
) -> None:
    folder.write(
        "assets/m.py",
        "import polars as pl\nfrom upriver.assets import asset\n\n\n@asset\ndef out() -> pl.DataFrame:\n"
        "    from late import rate\n\n    return pl.DataFrame({'x': [rate()]})\n",
    )
    folder.write("late.py", "def rate():\n    return 1\n\n\ndef unrelated():\n    return 1\n")
    folder.write("leaves.py", "raise SystemExit(3)\n")
    first = folder.derive()
    recipe = first.assets["out"].recipe
    assert isinstance(recipe, PythonRecipe)
    assert recipe.widened == ()
    folder.write("late.py", "def rate():\n    return 1\n\n\ndef unrelated():\n    return 2\n")
    folder.write("leaves.py", "raise SystemExit(4)\n")
    assert folder.derive().fingerprints == first.fingerprints
    folder.write("late.py", "def rate():\n    return 2\n")
    assert folder.derive().fingerprints != first.fingerprints


def test_a_module_that_ends_the_process_when_it_is_imported_late_widens_only_its_reader(
    folder: Folder,
) -> None:
    folder.write(
        "assets/m.py",
        "import polars as pl\nfrom upriver.assets import asset\n\n\n@asset\ndef out() -> pl.DataFrame:\n"
        "    import leaves\n\n    return pl.DataFrame({'x': [leaves.X]})\n",
    )
    folder.write("leaves.py", "raise SystemExit(3)\n")
    project = folder.derive()
    assert not project.diagnoses
    recipe = project.assets["out"].recipe
    assert isinstance(recipe, PythonRecipe)
    assert "fails to import (SystemExit: 3)" in recipe.widened[0]
