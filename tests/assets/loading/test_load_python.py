"""Python modules: what they declare, found in one process without leaving a trace in it."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest
from tests.assets.conftest import Project

from upriver.assets import asset, source
from upriver.assets.errors import DeclarationError, UsageError
from upriver.assets.loading.imports import ProjectImports
from upriver.assets.loading.load import load_function
from upriver.assets.model import PythonRecipe


def keys(project: Project) -> list[str]:
    return sorted(found.key for found in project.sound_python().assets)


def test_an_asset_is_named_after_its_folder_and_its_function(project: Project) -> None:
    project.module("assets/top.py", "@asset\ndef a(): ...\n")
    project.module("assets/marts/daily/anything.py", "@asset\ndef b(): ...\n@asset('x.y')\ndef c(): ...\n")
    project.module("assets/pack/__init__.py", "@asset\ndef d(): ...\n")
    assert keys(project) == ["a", "marts.daily.b", "pack.d", "x.y"]


def test_everything_declared_is_in_the_asset(project: Project) -> None:
    project.module(
        "assets/m.py",
        '''
        @asset(tags=["a"], owner="me", timeout="5m", environment=["API"], variables=["v"], volatile="daily",
               after=["b"], ordered=True)
        def f(orders: "pl.LazyFrame") -> bytes:
            """First line,
            second line.

            The rest.
            """
        ''',
    )
    found = project.asset("f")
    assert found.description == "First line, second line."
    assert (found.tags, found.owner, found.execution.timeout) == (("a",), "me", 300)
    assert (found.environment, found.variables, found.volatile) == (("API",), ("v",), "daily")
    assert (found.after, found.ordered) == (("b",), True)
    assert str(found.place) == "assets/m.py:3"
    assert isinstance(found.recipe, PythonRecipe)
    assert (found.recipe.module, found.recipe.qualname) == ("assets.m", "f")


def test_modules_import_each_other_by_either_name_and_are_executed_once(project: Project) -> None:
    project.module("assets/staging/clean.py", "print('clean')\n@asset\ndef clean(): ...\n")
    project.module(
        "assets/marts/a.py",
        """
        import assets.staging.clean as one
        import staging.clean as two
        from staging import clean as three
        from ..staging.clean import clean as four
        assert one is two is three and one.clean is four
        """,
    )
    loaded = project.sound_python()
    assert [found.key for found in loaded.assets] == ["staging.clean"]
    assert loaded.output == "clean\n"
    assert loaded.assets[0].recipe.module == "assets.staging.clean"  # type: ignore[union-attr]


def test_modules_import_the_projects_own_helpers(project: Project) -> None:
    project.write("lib/dates.py", "from .zones import ZONE\n")
    project.write("lib/zones.py", "ZONE = 'UTC'\n")
    project.write("single.py", "import lib.dates\nZONE = lib.dates.ZONE\n")
    project.write("assets/shared.py", "HERE = 1\n")
    project.module("assets/m.py", "import single\nfrom shared import HERE\nassert single.ZONE == 'UTC'\n")
    assert {"lib.dates", "single", "assets.shared"} <= set(project.sound_python().modules)


def test_a_declaration_seen_in_several_modules_is_one(project: Project) -> None:
    project.module("assets/a/one.py", "orders = source('raw.orders', 'x.csv')\n@asset\ndef first(): ...\n")
    project.module("assets/b/two.py", "from a.one import first, orders\nfrom a import one\n")
    project.module("assets/_b/zero.py", "from a.one import first\n")
    loaded = project.sound_python()
    assert [(found.key, found.recipe.module) for found in loaded.assets] == [  # type: ignore[union-attr]
        ("a.first", "assets.a.one")
    ]
    assert [found.key for found in loaded.sources] == ["raw.orders"]


def test_declarations_in_lists_tuples_and_dicts_are_found(project: Project) -> None:
    project.module(
        "assets/m.py",
        """
        def make(name):
            @asset(f"made.{name}")
            def made(): return name
            return made
        SEVERAL = [make("a"), (make("b"), {"x": make("c")})]
        BY_NAME = {"y": [make("d")]}
        """,
    )
    loaded = project.sound_python()
    recipes = {found.key: found.recipe.qualname for found in loaded.assets}  # type: ignore[union-attr]
    assert recipes == {
        "made.a": "SEVERAL[0]",
        "made.b": "SEVERAL[1][0]",
        "made.c": "SEVERAL[1][1][0]",
        "made.d": "BY_NAME[0][0]",
    }
    assert loaded.functions["made.c"]() == "c"


def test_what_a_factory_made_and_nobody_kept_is_no_asset(project: Project) -> None:
    project.module(
        "assets/m.py",
        """
        def make(name):
            @asset(f"made.{name}")
            def made(): ...
            return made
        KEPT = [make(name) for name in "abc"][:1]
        """,
    )
    assert keys(project) == ["made.a"]


def test_a_source_needs_no_name(project: Project) -> None:
    project.module("assets/m.py", "source('raw.a', 'a.csv')\nfor n in 'bc': source(f'raw.{n}', 'x.csv')\n")
    assert sorted(found.key for found in project.sound_python().sources) == ["raw.a", "raw.b", "raw.c"]


def test_what_helper_modules_declare_counts_when_they_are_imported(project: Project) -> None:
    project.module("common.py", "source('raw.a', 'a.csv')\n@asset('from_helper')\ndef helper(): ...\n")
    project.module("unused.py", "source('raw.b', 'a.csv')\n")
    project.module("assets/m.py", "import common\n")
    loaded = project.sound_python()
    assert [found.key for found in loaded.sources] == ["raw.a"]
    assert [(found.key, str(found.place)) for found in loaded.assets] == [("from_helper", "common.py:3")]


def test_declarations_may_be_named_instead_of_keys(project: Project) -> None:
    project.module(
        "assets/staging/s.py", "orders = source('raw.orders', 'x.csv')\n@asset\ndef clean(): ...\n"
    )
    project.module(
        "assets/marts/m.py",
        """
        from staging.s import clean, orders
        @asset(inputs={"o": orders, "c": clean, "k": "raw.keys"}, after=[clean])
        def mart(o, c, k): ...
        """,
    )
    found = project.asset("marts.mart")
    assert isinstance(found.recipe, PythonRecipe)
    assert [(each.parameter, each.key) for each in found.recipe.inputs] == [
        ("o", "raw.orders"),
        ("c", "staging.clean"),
        ("k", "raw.keys"),
    ]
    assert found.after == ("staging.clean",)


def test_inputs_may_go_to_keyword_arguments(project: Project) -> None:
    project.module("assets/m.py", "@asset(inputs={'a': 'x.a', 'b': 'x.b'})\ndef f(a, **others): ...\n")
    found = project.asset("f")
    assert isinstance(found.recipe, PythonRecipe)
    assert [(each.parameter, each.key) for each in found.recipe.inputs] == [("a", "x.a"), ("b", "x.b")]


def test_an_input_for_no_parameter_is_told(project: Project) -> None:
    project.module("assets/m.py", "@asset(inputs={'order': 'x.a'})\ndef f(orders): ...\n")
    (diagnosis,) = project.python().diagnoses
    assert diagnosis.message == "asset 'f': inputs: there is no parameter 'order'; did you mean 'orders'?"


def test_objects_that_resent_being_looked_at_are_left_alone(project: Project) -> None:
    """Proxies (of a web framework's current request, say) raise when they are asked for their class."""
    project.module(
        "assets/m.py",
        """
        import sys
        class Proxy:
            @property
            def __class__(self): raise RuntimeError
            def __getattr__(self, name): raise RuntimeError
        current = Proxy()
        sys.modules["proxy_of_this_test"] = current
        @asset
        def f(): ...
        """,
    )
    try:
        assert keys(project) == ["f"]
    finally:
        del sys.modules["proxy_of_this_test"]


# -- nothing stays, nothing mixes ---------------------------------------------------------------------------------


def test_nothing_of_a_project_stays_in_the_process(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "1")
    project.write("helper_of_this_test.py", "")
    project.module(
        "assets/m.py",
        """
        import os, sys, helper_of_this_test
        sys.path.append("/nowhere")
        sys.path.insert(0, "/nowhere")
        os.environ["ADDED"] = "1"
        os.environ["KEPT"] = "2"
        os.environ.pop("HOME", None)
        os.chdir("/")
        @asset
        def f(): return os.environ["KEPT"], helper_of_this_test.__name__
        """,
    )
    before = (sys.path[:], sys.meta_path[:], set(sys.modules), os.environ, dict(os.environ), Path.cwd())
    streams = (sys.stdin, sys.stdout, sys.stderr)
    loaded = project.sound_python()
    after = (sys.path[:], sys.meta_path[:], set(sys.modules), os.environ, dict(os.environ), Path.cwd())
    assert after[2] - before[2] <= set(sys.stdlib_module_names) | {
        name for name in after[2] if name.partition(".")[0] in ("upriver", "yaml")
    }
    assert (*after[:2], *after[3:]) == (*before[:2], *before[3:])
    assert (sys.stdin, sys.stdout, sys.stderr) == streams
    assert not any(entry.startswith(str(project.root)) for entry in sys.path_importer_cache)
    assert loaded.functions["f"]() == ("1", "helper_of_this_test")
    assert not list(project.root.rglob("*.pyc"))


def test_two_projects_with_the_same_names_do_not_mix(tmp_path: Path) -> None:
    projects = [Project(tmp_path / name) for name in ("one", "two")]
    for number, project in enumerate(projects):
        project.write("helper.py", f"VALUE = {number}\n")
        project.module(
            "assets/m.py", f"import helper\n@asset('key_{number}')\ndef f(): return helper.VALUE\n"
        )
    loaded = [project.sound_python() for project in [*projects, *projects]]
    assert [list(each.functions) for each in loaded] == [["key_0"], ["key_1"], ["key_0"], ["key_1"]]
    assert [next(iter(each.functions.values()))() for each in loaded] == [0, 1, 0, 1]
    assert loaded[0].modules["helper"] is not loaded[2].modules["helper"]


def test_modules_that_were_imported_before_come_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's tests may have imported the same module names before."""
    other = type(sys)("helper")
    monkeypatch.setitem(sys.modules, "helper", other)
    monkeypatch.setitem(sys.modules, "helper.sub", other)
    project.write("helper.py", "OWN = True\n")
    project.module("assets/m.py", "import helper\nassert helper.OWN\n")
    project.sound_python()
    assert sys.modules["helper"] is other
    assert sys.modules["helper.sub"] is other


def test_an_edit_within_the_same_second_and_of_the_same_size_is_seen(project: Project) -> None:
    for value in range(5):
        project.write("helper.py", f"VALUE = {value}\n")
        project.module("assets/m.py", "import helper\n@asset\ndef f(): return helper.VALUE\n")
        assert project.sound_python().functions["f"]() == value


def test_projects_may_be_loaded_from_several_threads(tmp_path: Path) -> None:
    projects = [Project(tmp_path / f"p{number}") for number in range(4)]
    for number, project in enumerate(projects):
        project.write("helper.py", f"import time\ntime.sleep(0.01)\nVALUE = {number}\n")
        project.module(
            "assets/m.py", f"import helper\n@asset('key_{number}')\ndef f(): return helper.VALUE\n"
        )
    found: dict[int, object] = {}

    def load(number: int) -> None:
        found[number] = projects[number].sound_python().functions[f"key_{number}"]()

    threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: 0, 1: 1, 2: 2, 3: 3}


def test_the_working_directory_while_loading_is_the_project(project: Project) -> None:
    project.write("names.txt", "a b")
    project.module(
        "assets/m.py",
        "import pathlib\nNAMES = pathlib.Path('names.txt').read_text()\n"
        "MADE = [asset(name)(lambda: 1) for name in NAMES.split()]\n",
    )
    assert keys(project) == ["a", "b"]


def test_what_modules_print_is_kept_apart(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    project.module(
        "assets/m.py",
        """
        import sys
        print("out")
        print("err", file=sys.stderr)
        sys.stdout.buffer.write(b"bytes\\n")
        assert sys.stdout.fileno() == sys.__stderr__.fileno()
        """,
    )
    assert project.sound_python().output == "out\nerr\nbytes\n"
    assert capfd.readouterr() == ("", "")


def test_a_module_may_close_its_output(project: Project) -> None:
    project.module("assets/m.py", "import sys\nsys.stdout.close()\n")
    assert project.sound_python().output == ""


def test_without_python_modules_nothing_is_done(project: Project) -> None:
    project.write("helper.py", "raise ValueError\n")
    loaded = project.python()
    assert (loaded.assets, loaded.sources, loaded.diagnoses, loaded.modules) == ((), (), (), {})


# -- names that are taken -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["statistics", "json", "polars", "upriver", "types"])
def test_a_module_named_like_an_installed_one_hides_nothing(project: Project, name: str) -> None:
    project.write(f"{name}.py", "raise AssertionError\n")
    project.module(f"assets/{name}.py", "@asset\ndef f(): ...\n")
    project.module("assets/z.py", f"import {name}\nassert 'project' not in str({name})\n")
    assert keys(project) == ["f"]


def test_a_folder_named_like_an_installed_package_is_a_folder(project: Project) -> None:
    project.module("assets/polars/m.py", "@asset\ndef f(): ...\n")
    project.module("assets/m.py", "from assets.polars.m import f\nimport polars\nassert polars.LazyFrame\n")
    assert keys(project) == ["polars.f"]


def test_a_hidden_module_is_named_when_that_is_what_went_wrong(project: Project) -> None:
    project.write("statistics.py", "mine = 1\n")
    project.module("assets/a.py", "import statistics\nstatistics.mine\n")
    project.module("assets/b.py", "from statistics import mine\n")
    for diagnosis in project.python().diagnoses:
        assert diagnosis.facts == (
            "`import statistics` always means the installed module, not the project's own 'statistics'; rename that",
        )


def test_other_installed_packages_are_hidden_as_for_a_script(project: Project) -> None:
    project.write("hypothesis.py", "OWN = True\n")
    project.module("assets/m.py", "import hypothesis\nassert hypothesis.OWN\n")
    project.sound_python()
    assert not hasattr(sys.modules["hypothesis"], "OWN")


def test_folders_without_python_in_them_hide_nothing(project: Project) -> None:
    project.write("hypothesis/data.csv", "")
    project.module("assets/m.py", "import hypothesis\nassert hypothesis.given\n")
    project.sound_python()


# -- running one function ------------------------------------------------------------------------------------------


def test_a_function_is_found_again_by_its_recipe(project: Project) -> None:
    project.write("late.py", "VALUE = 7\n")
    project.module(
        "assets/pack/m.py",
        "def f():\n    import late\n    return late.VALUE\nMADE = {'x': [asset('made')(f)]}\n",
    )
    files, recipe = project.files, project.asset("made").recipe
    assert isinstance(recipe, PythonRecipe)
    with ProjectImports(project.root, files) as imports:
        assert load_function(imports, recipe)() == 7
        gone = PythonRecipe("assets.pack.m", "MADE[3]", (), recipe.returns)
        with pytest.raises(UsageError, match=r"has no asset function 'MADE\[3\]' any more"):
            load_function(imports, gone)
    assert "late" not in sys.modules


def test_a_module_that_no_longer_loads_is_told_when_its_function_is_wanted(project: Project) -> None:
    project.module("assets/m.py", "@asset\ndef f(): ...\n")
    recipe = project.asset("f").recipe
    assert isinstance(recipe, PythonRecipe)
    project.module("assets/m.py", "1 / 0\n")
    with (
        ProjectImports(project.root, project.files) as imports,
        pytest.raises(DeclarationError, match=r"assets/m.py:2: the module raises ZeroDivisionError"),
    ):
        load_function(imports, recipe)


def test_a_working_directory_that_is_gone_does_not_matter(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    project.module("assets/m.py", "@asset\ndef f(): ...\n")
    assert keys(project) == ["f"]


def test_a_root_that_is_gone_leaves_nothing_locked(project: Project, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ProjectImports(tmp_path / "gone", project.files).__enter__()
    project.module("assets/m.py", "")
    worker = threading.Thread(target=project.sound_python)
    worker.start()
    worker.join(timeout=20)
    assert not worker.is_alive()


def test_declaring_outside_of_a_load_is_noted_nowhere(project: Project) -> None:
    asset("somewhere.else_")(lambda: 1)
    source("another.thing", "x.csv")
    project.module("assets/m.py", "")
    loaded = project.sound_python()
    assert not loaded.assets
    assert not loaded.sources
