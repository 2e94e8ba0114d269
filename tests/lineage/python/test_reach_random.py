"""Random projects: the fingerprint changes exactly when an edit bears on the result.

Every definition of a project adds a number of its own to those that it refers to, in one of many ways. So an edit
of one number changes the result if and only if the definition is reached.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from upriver.lineage.python import reach

MODULES = ("lib/base.py", "lib/sub/mid.py", "m.py")
KINDS = (
    "function",
    "constant",
    "method",
    "instance",
    "closure",
    "default",
    "decorated",
    "property",
    "lambda",
    "table",
)
IMPORTS = ("from", "attribute", "alias", "body", "getattr", "dynamic", "package")


@dataclass(frozen=True)
class Definition:
    """Definition number *number* in module *module*: its own *value* plus those of *refers* (number, import style)."""

    number: int
    module: int
    kind: str
    refers: tuple[tuple[int, str], ...]


@st.composite
def projects(draw: st.DrawFn) -> list[Definition]:
    size = draw(st.integers(3, 9))
    modules = sorted(draw(st.lists(st.integers(0, 2), min_size=size, max_size=size)))
    made = []
    for number in range(size):
        earlier = st.tuples(st.integers(0, number - 1), st.sampled_from(IMPORTS)) if number else st.nothing()
        refers = draw(st.lists(earlier, max_size=3, unique_by=lambda r: r[0]) if number else st.just([]))
        made.append(Definition(number, modules[number], draw(st.sampled_from(KINDS)), tuple(refers)))
    return made


def use(definition: Definition, name: str) -> str:
    """An expression for the value of *definition*, which is to be had as *name*."""
    return {
        "function": f"{name}()",
        "constant": name,
        "method": f"{name}().run()",
        "instance": f"{name}.run()",
        "closure": f"{name}()",
        "default": f"{name}()",
        "decorated": f"{name}()",
        "property": f"{name}().value",
        "lambda": f"list(map({name}, [0]))[0]",
        "table": f"{name}['run']()",
    }[definition.kind]


def text(project: list[Definition], values: list[int]) -> dict[str, str]:
    """The files of *project*, in which definition n adds ``values[n]``."""
    files = {
        "lib/__init__.py": "",
        "lib/sub/__init__.py": "from .mid import *\n",
        **dict.fromkeys(MODULES, "from functools import wraps\n"),
    }
    for definition in project:
        files[MODULES[definition.module]] += _define(definition, project, values[definition.number])
    last = project[-1]
    name = f"d{last.number}"
    head, body, expression = _refer(last, 2, "from")
    files["m.py"] += f"{head}def asset(df):\n    {body}return {use(last, expression or name)}\n"
    return files


def _refer(target: Definition, here: int, style: str) -> tuple[str, str, str]:
    """What to write at the top, in the body, and as the name, to refer to *target* from module *here*."""
    name = f"d{target.number}"
    if target.module == here:
        return "", "", name
    module = ("lib.base", "lib.sub.mid", "m")[target.module]
    package, _, leaf = module.rpartition(".")
    match style:
        case "from":
            return f"from {module} import {name} as {name}_x\n", "", f"{name}_x"
        case "attribute":
            return f"import {module}\n", "", f"{module}.{name}"
        case "alias":
            return f"import {module} as {leaf}_alias\n", "", f"{leaf}_alias.{name}"
        case "body":
            return "", f"from {module} import {name} as {name}_b; ", f"{name}_b"
        case "getattr":
            return f"from {package} import {leaf}\n", "", f"getattr({leaf}, '{name}')"
        case "dynamic":
            return f"from {package} import {leaf}\n", "", f"getattr({leaf}, 'd' + '{target.number}')"
        case _ if module == "lib.sub.mid":
            return "import lib.sub\n", "", f"lib.sub.{name}"
    return f"from {package} import {leaf}\n", "", f"{leaf}.{name}"


def _define(definition: Definition, project: list[Definition], value: int) -> str:
    heads, bodies, terms = "", "", [str(value)]
    deferred = definition.kind not in ("constant", "lambda")
    for number, style in definition.refers:
        style = style if deferred or style != "body" else "from"
        head, body, name = _refer(project[number], definition.module, style)
        heads, bodies = heads + head, bodies + body
        terms.append(use(project[number], name))
    name, total = f"d{definition.number}", " + ".join(terms)
    return (
        heads
        + {
            "function": f"def {name}():\n    {bodies}return {total}\n",
            "constant": f"{name} = {total}\n",
            "method": f"class {name}:\n    def run(self):\n        {bodies}return {total}\n",
            "instance": (
                f"class {name}_class:\n    def __init__(self, k):\n        self.k = k\n"
                f"    def run(self):\n        {bodies}return self.k + {total}\n{name} = {name}_class(0)\n"
            ),
            "closure": (
                f"def {name}_make(k):\n    def inner():\n        {bodies}return k + {total}\n    return inner\n"
                f"{name} = {name}_make(0)\n"
            ),
            "default": f"def {name}(k={value}):\n    {bodies}return k + {total} - {value}\n",
            "decorated": (
                f"def {name}_twice(f):\n    @wraps(f)\n    def inner():\n        return f() + {value}\n"
                f"    return inner\n"
                f"@{name}_twice\ndef {name}():\n    {bodies}return {total}\n"
            ),
            "property": f"class {name}:\n    @property\n    def value(self):\n        {bodies}return {total}\n",
            "lambda": f"{name} = lambda _: {total}\n",
            "table": f"def {name}_f():\n    {bodies}return {total}\n{name} = {{'run': {name}_f}}\n",
        }[definition.kind]
    )


class Loader:
    """Imports projects, each from the same folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def load(self, files: dict[str, str]) -> tuple[int, str, tuple[str, ...]]:
        """The result of ``m.asset`` and its fingerprint."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        importlib.invalidate_caches()
        try:
            module = importlib.import_module("m")
            found = reach(module.asset, self.root)
            return module.asset(None), found.fingerprint, found.widened
        finally:
            for name in [n for n in sys.modules if n == "m" or n.partition(".")[0] == "lib"]:
                del sys.modules[name]


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loader:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Loader(tmp_path)


@given(project=projects(), data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_edit_changes_the_fingerprint_exactly_when_it_changes_the_result(
    project: list[Definition], data: st.DataObject, loader: Loader
) -> None:
    values = [1000 * n + 1 for n in range(len(project))]
    result, fingerprint, widened = loader.load(text(project, values))
    edited = data.draw(st.integers(0, len(project) - 1))
    values[edited] += 7
    other_result, other, _ = loader.load(text(project, values))
    if other_result != result:
        assert other != fingerprint
    elif not widened:
        assert other == fingerprint


@given(project=projects())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_added_and_comments_change_nothing(project: list[Definition], loader: Loader) -> None:
    files = text(project, [1000 * n + 1 for n in range(len(project))])
    _, fingerprint, _ = loader.load(files)
    moved = {
        name: f"# new\n\nimport math\n{content}\n\ndef more():\n    return 1\n"
        for name, content in files.items()
    }
    _, other, widened = loader.load(moved)
    if not widened:
        assert other == fingerprint
