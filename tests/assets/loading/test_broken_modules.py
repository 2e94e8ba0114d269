"""Python modules with something wrong: what is said, all at once."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest
from tests.assets.conftest import Project

from upriver.assets.errors import Diagnosis


def only(project: Project) -> Diagnosis:
    (diagnosis,) = project.python().diagnoses
    return diagnosis


def test_a_module_that_raises_is_told_with_the_users_own_traceback(project: Project) -> None:
    project.write("lib/util.py", "def go(n):\n    return 1 / n\n")
    project.module("assets/m.py", "from lib.util import go\nx = go(0)\n")
    diagnosis = only(project)
    assert diagnosis.code == "module-raises"
    expected = """\
        lib/util.py:2: the module raises ZeroDivisionError: division by zero
          Traceback (most recent call last):
            File "assets/m.py", line 3, in <module>
              x = go(0)
            File "lib/util.py", line 2, in go
              return 1 / n
          ZeroDivisionError: division by zero
          it is loaded by assets/m.py"""
    # Pythons differ in what they underline.
    shown = [line for line in str(diagnosis).split("\n") if line.strip(" ~^")]
    assert shown == dedent(expected).split("\n")


def test_the_causes_of_an_error_are_shown_without_our_frames_too(project: Project) -> None:
    project.module(
        "assets/m.py",
        """
        import importlib
        try:
            importlib.import_module("assets.broken_one")
        except ZeroDivisionError as error:
            raise ValueError("first line\\nsecond line") from error
        """,
    )
    project.write("assets/broken_one.py", "1 / 0\n")
    first, second = sorted(project.python().diagnoses, key=str)
    assert first.message == "the module raises ZeroDivisionError: division by zero"
    assert second.message == "the module raises ValueError: first line"
    assert second.excerpt is not None
    assert "The above exception was the direct cause" in second.excerpt
    assert "second line" in second.excerpt
    for diagnosis in (first, second):
        assert "importlib" not in str(diagnosis.excerpt).replace("importlib.import_module(", "")
        assert "upriver/assets" not in str(diagnosis.excerpt)
        assert str(project.root) not in str(diagnosis)


def test_other_modules_are_loaded_all_the_same(project: Project) -> None:
    project.module("assets/a.py", "1 / 0\n")
    project.module("assets/b.py", "@asset\ndef b(): ...\n")
    project.module("assets/c.py", "def f(:\n")
    loaded = project.python()
    assert [found.key for found in loaded.assets] == ["b"]
    assert len(loaded.diagnoses) == 2
    assert {path: [problem.code for problem in problems] for path, problems in loaded.failed.items()} == {
        "assets/a.py": ["module-raises"],
        "assets/c.py": ["syntax"],
    }
    assert loaded.loaded == ("assets/b.py",)


def test_a_syntax_error_has_its_place_and_a_caret(project: Project) -> None:
    project.write("assets/m.py", "x = 1\ndef f(:\n    pass\n")
    expected = """\
        assets/m.py:2:7: this is not valid Python: invalid syntax
          2 | def f(:
            |       ^"""
    assert str(only(project)) == dedent(expected)


@pytest.mark.parametrize(
    "content", [b"x = '\xff'\n", b"x\x00 = 1\n", b"# coding: klingon\n", b"if 1:\nx\n", b"x = (\n"]
)
def test_a_file_that_can_not_be_compiled_is_not_valid_python(project: Project, content: bytes) -> None:
    project.write("assets/m.py", content)
    diagnosis = only(project)
    assert diagnosis.code == "syntax"
    assert diagnosis.message.startswith("this is not valid Python: ")
    assert diagnosis.place is not None
    assert diagnosis.place.path == "assets/m.py"


def test_a_broken_helper_is_told_once_for_all_who_import_it(project: Project) -> None:
    project.write("lib/broken.py", "x = [1,\n")
    for name in "abc":
        project.write(f"assets/{name}.py", "import lib.broken\n")
    diagnosis = only(project)
    assert str(diagnosis.place) == "lib/broken.py:1:5"
    assert diagnosis.facts == tuple(f"it is loaded by assets/{name}.py" for name in "abc")


def test_a_module_that_exits_is_told(project: Project) -> None:
    project.write("assets/m.py", "import sys\n\nsys.exit(3)\n")
    diagnosis = only(project)
    assert str(diagnosis.place) == "assets/m.py:3"
    assert diagnosis.message == "the module ends the program (SystemExit: 3) while it is loaded"
    assert 'if __name__ == "__main__"' in str(diagnosis.hint)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sklaern_missing\n", f"hint: install it for the Python that runs Upriver: {sys.executable}"),
        ("import libb\n", "hint: did you mean 'lib'?"),
        ("input('name? ')\n", "the module raises EOFError: EOF when reading a line"),
        ("def f(): f()\nf()\n", "the module raises RecursionError"),
        ("raise ExceptionGroup('several', [ValueError('a')])\n", "the module raises ExceptionGroup: several"),
        ("raise BaseException('odd')\n", "the module raises BaseException: odd"),
        ("assert False\n", "the module raises AssertionError"),
        ("class E(Exception):\n    def __str__(self): 1 / 0\nraise E\n", "exception str() failed"),
        ("raise ValueError('x' * 100_000)\n", "characters left out"),
        ("eval('1 +')\n", "the module raises"),
        ("import assets.b\n", "(most likely due to a circular import)"),
    ],
)
def test_whatever_a_module_raises_is_told(project: Project, text: str, said: str) -> None:
    project.write("lib/x.py", "")
    project.write("assets/a.py", text)
    if "assets.b" in text:
        project.write("assets/a.py", "from assets.b import y\nx = 1\n")
        project.write("assets/b.py", "from assets.a import x\ny = 1\n")
    diagnosis = project.python().diagnoses[0]
    assert said in str(diagnosis)
    assert len(str(diagnosis)) < 10_000
    assert str(project.root) not in str(diagnosis).replace(sys.executable, "")


def test_an_interrupt_is_not_swallowed_and_nothing_stays(project: Project) -> None:
    project.write("assets/m.py", "raise KeyboardInterrupt\n")
    path, modules = sys.path[:], set(sys.modules)
    with pytest.raises(KeyboardInterrupt):
        project.python()
    assert sys.path == path
    assert not {name for name in set(sys.modules) - modules if name.startswith("assets")}


def test_wrong_declarations_of_one_module_are_all_told_at_their_lines(project: Project) -> None:
    project.module(
        "assets/m.py",
        """
        @asset(timeout="5 minits")
        def a(): ...
        source("raw.a", "a.csv", delimitr=";")
        @asset(memory="2", tags=["a b"])
        def b(): ...
        source("raw.b", "data/")
        @asset
        class C: ...
        secret("a b")
        @asset
        def fine(): ...
        source("raw.fine", "fine.csv")
        """,
    )
    loaded = project.python()
    assert [(str(found.place), found.key) for found in loaded.diagnoses] == [
        ("assets/m.py:3", "a"),
        ("assets/m.py:5", "raw.a"),
        ("assets/m.py:6", "b"),
        ("assets/m.py:6", "b"),
        ("assets/m.py:8", "raw.b"),
        ("assets/m.py:9", None),
        ("assets/m.py:11", None),
    ]
    assert [found.key for found in loaded.assets] == ["fine"]
    assert [found.key for found in loaded.sources] == ["raw.fine"]
    assert not loaded.failed


def test_a_function_name_that_is_no_key_is_told_with_one_that_is(project: Project) -> None:
    project.module("assets/My Marts/m.py", "@asset\ndef DailyRevenue(): ...\n")
    diagnosis = only(project)
    assert str(diagnosis) == (
        "assets/My Marts/m.py:2: its folder and its name give no key: "
        "'My Marts' has other characters than lower-case ASCII letters, digits and underscores\n"
        '  hint: name it: @asset("my_marts.dailyrevenue")'
    )


def test_a_module_with_a_dot_in_its_path_is_told(project: Project) -> None:
    project.write("assets/v1.2/a.b.py", "")
    assert str(only(project)) == (
        "assets/v1.2/a.b.py:1: a module with a dot in its path can't be imported\n"
        "  hint: rename it to assets/v1_2/a_b.py"
    )


def test_a_declaration_from_nowhere_is_told(project: Project) -> None:
    project.module(
        "assets/m.py",
        "def gone():\n    return asset('gone')(lambda: 1)\n@asset(inputs={'x': gone()})\ndef f(x): ...\n",
    )
    assert "is not an asset or source of this project" in only(project).message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@asset\ndef f(): ...\n@asset\ndef f(): ...\n", "assets/m.py:2: 'f' is declared twice\n  f is declared again"),
        ("@asset('a')\ndef f(): ...\n@asset('b')\ndef f(): ...\n", "but its module does not keep it\n  f is declared"),
        ("import functools\n@functools.cache\n@asset\ndef f(): ...\n", "the name f holds a _lru_cache_wrapper now"),
        ("@asset\ndef f(): ...\ndel f\n", "the asset 'f' is declared here, but its module does not keep it\n  hint"),
    ],
)  # fmt: skip
def test_a_declaration_that_its_module_lost_is_told(project: Project, text: str, said: str) -> None:
    """Namespaces are what is looked at; what was overwritten there would be left out silently."""
    project.module("assets/m.py", text)
    assert said in str(only(project))
