"""What annotations mean, in a loaded project."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.assets.conftest import Project

from upriver.assets.declare import annotations as reading
from upriver.assets.model import Frame, Kind, PythonRecipe

WRITTEN = [
    ("import polars as pl", "pl.LazyFrame", Frame.LAZY),
    ("import polars", "polars.LazyFrame", Frame.LAZY),
    ("from polars import LazyFrame", "LazyFrame", Frame.LAZY),
    ("from polars import DataFrame as Frame", "Frame", Frame.EAGER),
    ("import pyarrow as pa", "pa.Table", Frame.ARROW),
    ("import pyarrow as pa", "pa.RecordBatchReader", Frame.READER),
    ("import duckdb", "duckdb.DuckDBPyRelation", Frame.RELATION),
    ("import pathlib", "pathlib.Path", Frame.PATH),
    ("from pathlib import Path", "Path", Frame.PATH),
    ("", "bytes", Frame.BYTES),
    ("from typing import Any", "Any", Frame.ANY),
    ("from typing import Annotated\nimport polars as pl", "Annotated[pl.LazyFrame, 'sorted']", Frame.LAZY),
]


def frames(project: Project, before: str, annotation: str) -> tuple[Frame, Frame]:
    """What a function receives and returns that has *annotation* in both places, in a module that has *before*."""
    project.module("assets/m.py", f"{before}\n@asset\ndef a(x: {annotation}) -> {annotation}: ...\n")
    recipe = project.asset("a").recipe
    assert isinstance(recipe, PythonRecipe)
    return recipe.inputs[0].frame, recipe.returns


@pytest.mark.parametrize(("imports", "annotation", "frame"), WRITTEN)
def test_an_annotation_decides_what_is_received_and_returned(
    project: Project, imports: str, annotation: str, frame: Frame
) -> None:
    assert frames(project, imports, annotation) == (frame, frame)


@pytest.mark.parametrize(("imports", "annotation", "frame"), WRITTEN)
def test_it_may_be_written_as_text(project: Project, imports: str, annotation: str, frame: Frame) -> None:
    assert frames(project, imports, repr(annotation)) == (frame, frame)


@pytest.mark.parametrize(("imports", "annotation", "frame"), WRITTEN)
def test_it_may_be_postponed_and_imported_for_type_checkers_only(
    project: Project, imports: str, annotation: str, frame: Frame
) -> None:
    hidden = "\n".join(f"    {line}" for line in imports.split("\n"))
    text = f"""from __future__ import annotations
from typing import TYPE_CHECKING
from upriver.assets import asset
if TYPE_CHECKING:
    pass
{hidden}
@asset
def a(x: {annotation}) -> {annotation}: ...
"""
    project.write("assets/m.py", text)
    recipe = project.asset("a").recipe
    assert isinstance(recipe, PythonRecipe)
    assert (recipe.inputs[0].frame, recipe.returns) == (frame, frame)


@pytest.mark.parametrize(
    ("annotation", "frame"),
    [("pl.LazyFrame", Frame.LAZY), ("pa.Table", Frame.ARROW), ("LazyFrame", Frame.LAZY)],
)
def test_text_with_the_usual_names_needs_no_import(project: Project, annotation: str, frame: Frame) -> None:
    assert frames(project, "", repr(annotation)) == (frame, frame)


def test_reading_annotations_imports_no_library(project: Project) -> None:
    """The module names Polars in text only; loading it must not load Polars."""
    project.module("assets/m.py", "@asset\ndef a(x: 'pl.LazyFrame') -> 'pa.Table': ...\n")
    code = (
        "import sys; from pathlib import Path; from upriver.assets.project.files import discover;"
        "from upriver.assets.loading.load import load_python; root = Path(sys.argv[1]);"
        "loaded = load_python(root, discover(root)); assert loaded.assets and not loaded.diagnoses;"
        "assert not {'polars', 'pyarrow', 'duckdb', 'yaml', 'sqlglot'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(project.root)], check=True, timeout=60)


@pytest.mark.parametrize(
    "before",
    [
        "Frame = 'pl.LazyFrame'",
        "import polars\nFrame = polars.LazyFrame",
        "import polars, typing\nFrame = typing.Annotated['polars.LazyFrame', 1]",
        "import polars, typing\nFrame = typing.Union[polars.LazyFrame]",
    ],
)
def test_an_annotation_may_be_a_name_for_another(project: Project, before: str) -> None:
    assert frames(project, before, "Frame") == (Frame.LAZY, Frame.LAZY)
    assert frames(project, before, "'Frame'") == (Frame.LAZY, Frame.LAZY)


@pytest.mark.parametrize(
    "before",
    [
        "X = 'X'",
        "class Odd:\n    def __getattribute__(self, name): raise LookupError(name)\nX = Odd()",
    ],
)
def test_an_annotation_that_can_not_be_read_is_told(project: Project, before: str) -> None:
    project.module("assets/m.py", f"{before}\n@asset\ndef a(x: X): ...\n@asset\ndef b(): ...\n")
    loaded = project.python()
    assert [found.key for found in loaded.assets] == ["b"]
    (diagnosis,) = loaded.diagnoses
    assert diagnosis.message.startswith("asset 'a': its signature can't be read: ")


def test_no_annotation_is_any(project: Project) -> None:
    project.module("assets/m.py", "@asset\ndef a(x): ...\n")
    recipe = project.asset("a").recipe
    assert isinstance(recipe, PythonRecipe)
    assert (recipe.inputs[0].frame, recipe.returns) == (Frame.ANY, Frame.ANY)


@pytest.mark.parametrize("union", ["pl.LazyFrame | pl.DataFrame", "'pl.LazyFrame | pl.DataFrame'"])
def test_a_result_may_be_one_of_several_kinds_of_tables(project: Project, union: str) -> None:
    project.module("assets/m.py", f"import polars as pl\n@asset\ndef a() -> {union}: ...\n")
    recipe = project.asset("a").recipe
    assert isinstance(recipe, PythonRecipe)
    assert recipe.returns is Frame.ANY


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        ("(x: int)", "parameter x: int is not one of pl.LazyFrame, pl.DataFrame, pa.Table"),
        ("(x: 'list[int]')", "parameter x: list[int] is not one of"),
        ("(x: 'Missing')", "parameter x: Missing is not one of"),
        ("(x: 'not valid(')", "the annotation 'not valid(' is not valid Python"),
        ("(x: pd.Series)", "Series is not one of"),
        (
            "(x: 'pl.LazyFrame | pl.DataFrame')",
            "it may be one of polars.DataFrame or polars.LazyFrame; say one",
        ),
        ("(x: 'pl.LazyFrame | None')", "NoneType is not one of"),
        ("() -> None", "its result: nothing is returned"),
        ("() -> 'None'", "its result: nothing is returned"),
        ("() -> 'str'", "its result: str is not one of"),
        ("() -> 'bytes | pl.LazyFrame'", "its result: it may be one of bytes or polars.LazyFrame; say one"),
        ("(*x)", "upstreams are passed by name, which *x does not take"),
        ("(x, /)", "upstreams are passed by name, which x does not take"),
        ("(x: 'pl.LazyFrame' = None)", "parameter x has a default; an upstream is always there"),
    ],
)
def test_a_signature_that_can_not_be_served_is_told(project: Project, signature: str, said: str) -> None:
    project.write("pandas/__init__.py", "")
    before = "class D: ...\nD.__module__, D.__qualname__ = 'pandas.core.series', 'Series'\n"
    before += "class pd: Series = D\n"
    project.module("assets/marts/m.py", f"{before}@asset\ndef a{signature}: ...\n")
    (diagnosis,) = project.python().diagnoses
    assert said in diagnosis.message
    assert diagnosis.message.startswith("asset 'marts.a': ")
    assert str(diagnosis.place) == "assets/marts/m.py:5"
    assert diagnosis.key == "marts.a"


@pytest.mark.science
def test_a_pandas_frame_is_taken_where_pandas_is_installed(project: Project) -> None:
    text = "import pandas as pd\n@asset\ndef a(x: pd.DataFrame, y: 'pd.DataFrame') -> pd.DataFrame: ...\n"
    project.module("assets/m.py", text)
    recipe = project.asset("a").recipe
    assert isinstance(recipe, PythonRecipe)
    assert [one.frame for one in recipe.inputs] == [Frame.PANDAS, Frame.PANDAS]
    assert recipe.returns is Frame.PANDAS


def test_a_pandas_frame_is_refused_where_pandas_is_not_installed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "installed", lambda package: False)
    text = """
    @asset
    def a(x: 'pd.DataFrame'): ...
    """
    project.module("assets/m.py", text)
    (diagnosis,) = project.python().diagnoses
    assert "pandas.DataFrame is not one of" in diagnosis.message
    assert "pandas is not installed" in diagnosis.message


def test_a_pandas_frame_imported_for_type_checkers_is_not_taken_for_a_polars_frame(project: Project) -> None:
    text = """
    from typing import TYPE_CHECKING
    if TYPE_CHECKING:
        from pandas import DataFrame
    @asset
    def a(x: 'DataFrame'): ...
    """
    project.module("assets/m.py", text)
    recipe = project.asset("a").recipe
    assert isinstance(recipe, PythonRecipe)
    assert recipe.inputs[0].frame is Frame.PANDAS


def test_a_parameter_with_a_default_is_a_setting_and_no_upstream(project: Project) -> None:
    project.module("assets/m.py", "@asset\ndef a(x, least: float = 3.0, *, most=7): ...\n")
    recipe = project.asset("a").recipe
    assert isinstance(recipe, PythonRecipe)
    assert [each.parameter for each in recipe.inputs] == ["x"]


@pytest.mark.parametrize(
    ("declaration", "kind"),
    [
        ("@asset\ndef a() -> bytes: ...", Kind.FILE),
        ("import pathlib\n@asset(suffix='.json')\ndef a() -> pathlib.Path: ...", Kind.FILE),
        ("@asset(kind='file', suffix='.pkl')\ndef a(): ...", Kind.FILE),
        ("@asset\ndef a(): ...", Kind.TABLE),
        ("@asset(kind='table')\ndef a() -> 'pl.LazyFrame': ...", Kind.TABLE),
    ],
)
def test_what_is_returned_decides_the_kind(project: Project, declaration: str, kind: Kind) -> None:
    project.module("assets/m.py", declaration + "\n")
    assert project.asset("a").kind is kind


@pytest.mark.parametrize(
    ("declaration", "said"),
    [
        ("@asset(kind='table')\ndef a() -> bytes: ...", "it is declared a table, but returns bytes"),
        (
            "@asset(kind='file')\ndef a() -> 'pl.LazyFrame': ...",
            "it is declared a file, but returns polars.LazyFrame",
        ),
        ("@asset(suffix='.json')\ndef a(): ...", "suffix= is for files"),
    ],
)
def test_a_kind_that_contradicts_the_result_is_told(project: Project, declaration: str, said: str) -> None:
    project.module("assets/m.py", declaration + "\n")
    (diagnosis,) = project.python().diagnoses
    assert said in diagnosis.message
