"""Whose code it is, where that is not plain."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.lineage.python.conftest import Projects

import upriver.assets.model
from upriver.lineage.python.origin import Origin, Origins, distributions_of


def _module(name: str, file: Path | None = None, *folders: Path) -> ModuleType:
    module = ModuleType(name)
    if file is not None:
        module.__file__ = str(file)
    if folders:
        module.__path__ = [str(folder) for folder in folders]
    return module


def test_text_that_no_file_holds_is_nobodys_even_when_the_project_is_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not Origins(tmp_path).is_project_file("<string>")
    assert Origins(tmp_path).is_project_file("m.py")


def test_a_virtual_environment_inside_the_project_is_not_the_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    origins = Origins(tmp_path)
    assert not origins.is_project_file(str(tmp_path / "environment" / "lib" / "a.py"))
    assert origins.is_project_file(str(tmp_path / "environments.py"))


def test_a_folder_beside_the_environment_with_the_same_beginning_is_the_projects(tmp_path: Path) -> None:
    assert Origins(tmp_path / "a").is_project_file(str(tmp_path / "a" / "m.py"))
    assert not Origins(tmp_path / "a").is_project_file(str(tmp_path / "ab" / "missing.py"))


def test_a_file_elsewhere_that_no_package_installed_is_the_projects(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").touch()
    origins = Origins(tmp_path / "project")
    assert origins.is_project_file(str(tmp_path / "elsewhere.py"))
    assert not origins.is_project_file(str(tmp_path / "site-packages" / "elsewhere.py"))


def test_a_package_without_a_file_is_the_projects_if_a_folder_of_it_is(tmp_path: Path) -> None:
    origins = Origins(tmp_path)
    assert origins.is_project_module(_module("plain", None, Path("/elsewhere"), tmp_path / "plain"))
    assert not origins.is_project_module(_module("plain", None, Path("/elsewhere")))
    assert not origins.is_project_module(_module("plain", None, Path(f"{tmp_path}-other")))
    installed = tmp_path / "site-packages" / "plain"
    assert not origins.is_project_module(_module("plain", None, tmp_path / "plain", installed))
    assert not origins.is_project_module(_module("plain"))


def test_uprivers_own_code_is_not_the_projects_even_inside_it() -> None:
    file = Path(upriver.assets.model.__file__)
    origins = Origins(file.parents[2])
    assert not origins.is_project_module(sys.modules["upriver.assets.model"])
    assert origins.is_project_module(_module("upriver_assets", file))


def test_names_tell_whose_a_module_is_when_nothing_else_does(tmp_path: Path) -> None:
    own = _module("own.part", tmp_path / "own" / "part.py")
    origins = Origins(tmp_path, {"own.part": own})
    assert origins.of_name("own.part") is Origin.PROJECT
    assert origins.of_name("upriver.assets") is Origin.UPRIVER
    assert origins.of_name("uprivers") is Origin.PACKAGE
    assert origins.of_name("json.decoder") is Origin.STDLIB
    assert origins.of_name(None) is Origin.STDLIB
    assert origins.of_name("not_installed.part") is Origin.PACKAGE


def test_what_no_distribution_provides_has_the_version_that_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    assert distributions_of("") == ()
    assert distributions_of("told_by_nobody") == (("told_by_nobody", "unknown"),)
    found = _module("tells_itself")
    vars(found)["__version__"] = "1.2"
    monkeypatch.setitem(sys.modules, "tells_itself", found)
    assert distributions_of("tells_itself") == (("tells_itself", "1.2"),)
    ((name, _),) = distributions_of("import_linter")
    assert name == "import-linter"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed library called ``fakelib``, to be written."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder / "fakelib.py"
    sys.modules.pop("fakelib", None)


HOLDING = """
def holding(function):
    def call(df):
        return function(df)
    return call

def noting(function):
    def call(df):
        return df
    call.function = function
    return call
"""


@pytest.mark.parametrize("decorator", ["holding", "noting"])
def test_what_a_librarys_function_holds_counts(decorator: str, library: Path, projects: Projects) -> None:
    library.write_text(HOLDING)
    text = f"""
        from fakelib import {decorator}
        def one(df):
            return df.head(1)
        held = {decorator}(one)
        def asset(df):
            return held(df)
    """
    before = projects.reach({"m.py": text})
    after = projects.reach({"m.py": text.replace("head(1)", "head(2)")})
    assert before.fingerprint != after.fingerprint
    assert dict(before.packages).keys() >= {"fakelib"}


def test_what_a_librarys_function_has_by_default_is_the_librarys(library: Path, projects: Projects) -> None:
    library.write_text("def f(df, rest=(x for x in [1])):\n    return df\n")
    found = projects.reach({"m.py": "from fakelib import f\ndef asset(df):\n    return f(df)\n"})
    assert found.widened == ()


def test_a_library_counts_that_only_hands_on_what_is_another_ones(library: Path, projects: Projects) -> None:
    library.write_text("import json as inner\n")
    found = projects.reach({"m.py": "import fakelib\ndef asset(df):\n    return fakelib.inner.dumps(df)\n"})
    assert dict(found.packages).keys() >= {"fakelib"}
