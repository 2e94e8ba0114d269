"""What a reach tells besides the fingerprint, and what the fingerprint must not depend on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from tests.lineage.python.conftest import Projects

from upriver.lineage.python import reach
from upriver.lineage.python.source import code_digest

PROJECT = {
    "m.py": """
        from dataclasses import dataclass, field
        from pathlib import Path
        import enum
        import re
        import polars as pl
        import lib
        from lib.tools import CHECKS, clean
        ROOT = Path(__file__).parent / "data"
        HOME = f"{ROOT}/x"
        WORDS = frozenset({"a", "b", "c", "d", "e"})
        class Color(enum.Enum):
            RED = 1
            BLUE = 2
        COLORS = {Color.RED, Color.BLUE}
        @dataclass(frozen=True)
        class Options:
            names: list = field(default_factory=list)
        OPTIONS = Options(["x"])
        WORD = re.compile("a+")
        def asset(df: pl.LazyFrame) -> pl.LazyFrame:
            '''What it does.'''
            return clean(df), ROOT, HOME, WORDS, COLORS, OPTIONS, WORD, lib.RATE, [c(1) for c in CHECKS]
    """,
    "lib/__init__.py": "from .conf import RATE  # the rate\n",
    "lib/conf.py": "RATE = (\n    3\n)\n",
    "lib/tools.py": """
        from functools import lru_cache
        @lru_cache
        def clean(x):
            return x
        def one(x):
            return x
        def two(x):
            return x + x
        CHECKS = {one, two, clean, str.upper}
    """,
}

SCRIPT = """
import sys
from pathlib import Path
root = Path(sys.argv[1])
sys.path.insert(0, str(root))
from upriver.lineage.python import reach
from upriver.lineage.python.source import code_digest
import m
print(reach(m.asset, root).fingerprint)
"""


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(content), encoding="utf-8")


def test_neither_hash_seed_nor_folder_nor_process_counts(tmp_path: Path) -> None:
    found = set()
    for number in range(3):
        root = tmp_path / f"project {number}"
        write(root, PROJECT)
        paths = [p for p in sys.path if p] + ["assets", "lineage"]
        environment = {**os.environ, "PYTHONHASHSEED": str(number), "PYTHONPATH": os.pathsep.join(paths)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(root)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_parts_tell_which_code_is_reached_and_where(projects: Projects) -> None:
    found = projects.reach(PROJECT)
    places = {part.name: str(part.place) for part in found.parts}
    assert places["m.asset"] == "m.py:21"
    assert places["lib.RATE"] == "lib/conf.py:1"
    assert places["lib.tools.clean"] == "lib/tools.py:3"
    assert places["m.Options"] == "m.py:16"
    sources = {part.name: part.source for part in found.parts}
    assert sources["lib.RATE"] == "RATE = (\n    3\n)\n"
    assert sources["lib.tools.clean"].startswith("@lru_cache\ndef clean")


def test_only_the_digest_of_the_edited_part_changes(projects: Projects) -> None:
    edited = {**PROJECT, "lib/conf.py": "RATE = 4\n"}
    before = {part.name: part.digest for part in projects.reach(PROJECT).parts}
    after = {part.name: part.digest for part in projects.reach(edited).parts}
    assert {name for name in before if before[name] != after[name]} == {"lib.RATE"}


@pytest.mark.science
def test_packages_are_named_by_their_distribution(projects: Projects) -> None:
    text = """
        import polars as pl
        import json
        def asset(df: pl.LazyFrame):
            import yaml
            from sklearn.linear_model import LinearRegression
            return yaml, json
    """
    found = dict(projects.reach({"m.py": text}).packages)
    assert found.keys() == {"polars", "python", "pyyaml", "scikit-learn"}


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("return getattr(tools, df)", "module lib.tools as a value"),
        ("return eval(df)", "uses eval()"),
        ("return globals()[df]", "uses globals()"),
        ("import importlib; return importlib.import_module(df)", "imports modules by name"),
        ("import importlib.util as u; return u.find_spec(df)", "imports modules by name"),
        ("import importlib.util as u; return u", "imports modules by name"),
        ("return later", "'later', not defined at load time"),
        ("return Later", "'Later', not defined at load time"),
        ("from . import tools; return tools", "which has no parent package"),
        ("from .a import tools; return tools", "which has no parent package"),
        ("from inspect import stack; return stack()", "uses inspect.stack"),
        ("import sys; return sys.modules", "uses sys.modules"),
        ("return tools.later", "lib.tools.later, not defined at load time"),
        ("return getattr(tools, 'later')", "lib.tools.later, not defined at load time"),
        ("return made(df)", "'later', not defined at load time"),
        ("return open(df)", "mentions open"),
        ("return __file__", "mentions __file__"),
        ("import pickle; return pickle.load(df)", "unpickles"),
        ("return tools.HANDLE", "lib.tools.HANDLE holds a generator"),
        ("import lib.broken; return 1", "fails to import (ZeroDivisionError"),
        ("import polars; return polars.scan_csv(df)", "calls scan_csv()"),
    ],
)
def test_what_is_widened_says_why(body: str, cause: str, projects: Projects) -> None:
    files = {
        "m.py": f"from lib import tools\nfrom lib.text import made\ndef asset(df):\n    {body}\n",
        "lib/__init__.py": "",
        "lib/tools.py": "HANDLE = (x for x in [1])\n",
        "lib/text.py": """
            from types import FunctionType
            made = FunctionType(compile("def made(x): return x + later", "<made>", "exec").co_consts[0], globals())
            """,
        "lib/broken.py": "1 / 0\n",
    }
    (widened, *_) = projects.reach(files).widened
    assert cause in widened


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("import shelve; return shelve.open(df)", "unpickles (shelve)"),
        ("from shelve import open as opened; return opened(df)", "unpickles (shelve)"),
        ("import shelve; return shelve", "unpickles (shelve)"),
        ("import shelve; return shelve.Shelf.dumps", "unpickles (shelve)"),
        ("import runpy; return runpy.run_path(df)", "imports modules by name (runpy)"),
    ],
)
def test_a_library_that_nobody_has_imported_yet_widens_like_one_that_is_there(
    body: str, cause: str, projects: Projects, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("shelve", "runpy"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (widened, *_) = projects.reach({"m.py": f"def asset(df):\n    {body}\n"}).widened
    assert cause in widened


@pytest.mark.parametrize(
    "statement",
    [
        "from . import near",
        "from .near import x",
        "from .. import middle",
        "from ..middle import x",
        "from ...far import x",
        "import lib.far",
        "from lib import far",
    ],
)
def test_what_a_module_does_counts_that_is_imported_relatively(statement: str, projects: Projects) -> None:
    configures = "import polars as pl\nx = 1\npl.Config.set_tbl_rows(5)\n"
    name = statement.split()[1].lstrip(".") or statement.split()[-1]
    homes = {"near": "lib/inner/deep/near.py", "middle": "lib/inner/middle.py"}
    home = homes.get(name, "lib/far.py")
    files = {
        "m.py": "import lib.inner.deep.mod\ndef asset(df): ...\n",
        "lib/__init__.py": "",
        "lib/inner/__init__.py": "",
        "lib/inner/deep/__init__.py": "",
        "lib/inner/deep/mod.py": f"{statement}\n",
        home: configures,
    }
    before = projects.reach(files)
    after = projects.reach({**files, home: configures.replace("5", "6")})
    assert before.fingerprint != after.fingerprint


def test_every_part_is_shown_whole_wherever_it_begins(projects: Projects) -> None:
    helpers = "".join(f"{chr(10) * n}def helper{n}(df):\n    return {n}\n" for n in range(5))
    calls = ", ".join(f"helper{n}(df)" for n in range(5))
    found = projects.reach({"m.py": f"{helpers}def asset(df):\n    return [{calls}]\n"})
    sources = {part.name: part.source for part in found.parts}
    assert [sources[f"m.helper{n}"] for n in range(5)] == [
        f"def helper{n}(df):\n    return {n}\n" for n in range(5)
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [("((1,), 2)", "((1, 2),)"), ("(1, 2)", "(2, 1)"), ("x in {1, 2}", "x in {1, 3}"), ("'a'", "b'a'")],
)
def test_compiled_code_is_told_apart_by_its_constants(one: str, other: str) -> None:
    digests = {code_digest(compile(text, "f", "eval")) for text in (one, other, one)}
    assert len(digests) == 2


def test_a_class_in_code_without_text_takes_its_own_names_from_itself(projects: Projects) -> None:
    text = """
        from types import FunctionType
        TEXT = "def made(x):\\n class Own:\\n  a = 1\\n  b = a\\n return Own"
        made = FunctionType(compile(TEXT, "<made>", "exec").co_consts[0], globals())
        def asset(df):
            return made(df)
    """
    assert projects.reach({"m.py": text}).widened == ()


def test_a_constant_is_shown_from_where_it_is_first_set(projects: Projects) -> None:
    files = {
        "m.py": "import lib\ndef asset(df):\n    return lib.RATE\n",
        "lib.py": "\nRATE = 1\n\nRATE = 2\n",
    }
    (rate,) = [part for part in projects.reach(files).parts if part.name == "lib.RATE"]
    assert (rate.place.line, rate.source) == (2, "RATE = 1\nRATE = 2\n")


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    RATE = 3\n",
        "match 1:\n    case _:\n        RATE = 3\n",
        "if True:\n    RATE = 3\n",
        "with open(__file__):\n    RATE = 3\n",
    ],
)
def test_a_constant_is_shown_wherever_it_is_set(text: str, projects: Projects) -> None:
    files = {"m.py": "import lib\ndef asset(df):\n    return lib.RATE\n", "lib.py": text}
    (rate,) = [part for part in projects.reach(files).parts if part.name == "lib.RATE"]
    assert rate.source.strip() == "RATE = 3"


def test_a_constant_that_a_with_binds_is_shown_with_it(projects: Projects) -> None:
    files = {
        "m.py": "import lib\ndef asset(df):\n    return lib.RATE\n",
        "lib.py": "from contextlib import nullcontext\nwith nullcontext(3) as RATE:\n    pass\n",
    }
    (rate,) = [part for part in projects.reach(files).parts if part.name == "lib.RATE"]
    assert rate.source == "with nullcontext(3) as RATE:\n    pass\n"


def test_a_lambda_is_shown_alone(projects: Projects) -> None:
    text = "first = lambda df: df.head(1)\ndef asset(df):\n    return first(df)\n"
    sources = [part.source for part in projects.reach({"m.py": text}).parts]
    assert "lambda df: df.head(1)" in sources


def test_a_module_is_shown_from_its_beginning(projects: Projects) -> None:
    files = {"m.py": "import lib\ndef asset(df):\n    return getattr(lib, df)\n", "lib.py": "\nRATE = 1\n"}
    (whole,) = [part for part in projects.reach(files).parts if part.name == "lib"]
    assert (whole.place.line, whole.source) == (1, "\nRATE = 1\n")


def test_a_class_made_in_a_function_on_import_takes_what_is_there_from_there(projects: Projects) -> None:
    text = """
        def make():
            here = 1
            class Own:
                inside = here
            return Own
        Own = make()
        def asset(df):
            return Own
    """
    assert projects.reach({"m.py": text}).widened == ()


def test_what_importing_does_is_shown_from_its_first_statement(projects: Projects) -> None:
    text = "import polars as pl\npl.Config.set_tbl_rows(5)\ndef asset(df): ...\npl.Config.set_tbl_cols(5)\n"
    (effects,) = [part for part in projects.reach({"m.py": text}).parts if part.name == "m"]
    assert effects.place.line == 2
    assert "tbl_rows" in effects.source
    assert "tbl_cols" in effects.source


def test_a_class_in_a_function_takes_what_is_there_from_there(projects: Projects) -> None:
    text = """
        def asset(df):
            here = 1
            def local():
                return here
            class Own:
                inside = here
                called = local()
                square = lambda self, side: side * side
                class Inner:
                    pass
            return Own
    """
    found = projects.reach({"m.py": text})
    assert found.widened == ()


@pytest.mark.parametrize(
    "text", ["class Own: pass", "if True:\n    class Own: pass\nelse:\n    class Own: rate = 1"]
)
def test_a_class_is_shown_from_where_it_begins(text: str, projects: Projects) -> None:
    found = projects.reach({"m.py": f"{text}\ndef asset(df):\n    return Own\n"})
    (place,) = [part.place for part in found.parts if part.name == "m.Own"]
    assert place.line == (1 if text.startswith("class") else 2)


@pytest.mark.parametrize(
    "body",
    [
        "import importlib.metadata; return importlib.metadata.version(df)",
        "import importlib.metadata as m; return m.version(df)",
        "from importlib.metadata import version; return version(df)",
        "from importlib import resources; return resources.files(df)",
        "import importlib.resources; return importlib.resources",
        "import pkgutil; return pkgutil.get_data('m', df)",
        "from pkgutil import get_data; return get_data('m', df)",
        "import pickle; return pickle.dumps(df)",
        "from pickle import dumps; return dumps(df)",
        "import not_installed; return not_installed.anything(df)",
    ],
)
def test_what_reaches_no_project_code_widens_nothing(body: str, projects: Projects) -> None:
    assert projects.reach({"m.py": f"def asset(df):\n    {body}\n"}).widened == ()


def test_a_module_that_is_the_projects_but_not_to_be_found_is_told(projects: Projects) -> None:
    files = {
        "m.py": "def asset(df):\n    import lost\n    return lost.f(df)\n",
        "aside/lost.py": "def f(df): ...",
    }
    (widened, *_) = projects.reach(files).widened
    assert "imports lost, which fails to import (ModuleNotFoundError" in widened


def test_a_module_that_a_finder_refuses_is_a_librarys(
    projects: Projects, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refuses:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "refused":
                raise ImportError(name)

    monkeypatch.setattr(sys, "meta_path", [Refuses(), *sys.meta_path])
    found = projects.reach({"m.py": "def asset(df):\n    import refused\n    return refused.f(df)\n"})
    assert dict(found.packages).keys() >= {"refused"}


def test_a_package_counts_that_is_imported_and_not_mentioned(projects: Projects) -> None:
    found = projects.reach({"m.py": "def asset(df):\n    import polars\n    return df\n"})
    assert dict(found.packages).keys() >= {"polars"}


def test_a_part_is_called_like_what_is_mentioned_not_like_its_attribute(projects: Projects) -> None:
    files = {"m.py": "from lib import RATE\ndef asset(df):\n    return RATE.real\n", "lib.py": "RATE = 3\n"}
    assert {part.name for part in projects.reach(files).parts} == {"m.asset", "m.RATE"}


def test_plain_code_widens_nothing(projects: Projects) -> None:
    assert projects.reach(PROJECT).widened == ()


DECLARED = {
    "m.py": """
        import polars as pl
        from upriver.assets import asset as declared, source
        flights = source("raw.flights", "data/*.csv")
        @declared(tags=["a"], retries=2)
        def other(flights: pl.LazyFrame) -> pl.LazyFrame:
            return flights.head(3)
        @declared("marts.one")
        def asset(flights: pl.LazyFrame) -> pl.LazyFrame:
            return other(flights)
        for name in ("a", "b"):
            source(f"raw.{name}", f"data/{name}.csv")
    """
}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ('tags=["a"], retries=2', 'tags=["b"]', True),
        ('"marts.one"', '"marts.two", owner="me"', True),
        ('source("raw.flights", "data/*.csv")', 'source("raw.flights", "data/*.parquet")', True),
        ('("a", "b")', '("a", "b", "c")', True),
        ("head(3)", "head(4)", False),
    ],
)
def test_how_an_asset_is_declared_is_no_part_of_its_recipe(
    old: str, new: str, same: bool, projects: Projects
) -> None:
    before = projects.reach(DECLARED).fingerprint
    after = projects.reach({"m.py": DECLARED["m.py"].replace(old, new)}).fingerprint
    assert (before == after) is same


def test_code_that_is_no_longer_what_its_file_says_is_taken_as_it_runs(
    projects: Projects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "late"
    write(root, {"late_m.py": "def asset(df):\n    return 1\n"})
    monkeypatch.syspath_prepend(root)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import importlib

    module = importlib.import_module("late_m")
    before = reach(module.asset, root)
    (root / "late_m.py").write_text("def asset(df):\n    return 2\n")
    after = reach(module.asset, root)
    assert after.fingerprint != before.fingerprint
    assert "its compiled code was taken" in after.widened[0]
    del sys.modules["late_m"]
    without = reach(module.asset, root)
    assert any("no longer loaded" in cause for cause in without.widened)
    given = reach(module.asset, root, modules={"late_m": module})
    assert given.fingerprint == after.fingerprint
