"""Functions of a notebook as a project: their source, and what it reaches, written into files.

A project is files: what is built has to be found again by the process that builds it. So a function comes with the
functions, classes, constants and imports that its source names. An object that lives only in the session (a frame, a
connection, an open file) can't come along, and is refused by its name.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import math
import symtable
import sys
import textwrap
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from upriver.assets.declare.asset import AssetFunction
from upriver.assets.errors import UsageError

MODULE = "cells.py"
_PLAIN = (bool, int, complex, str, bytes, type(None), type(...))
_Function = Callable[..., object]


def write_functions(
    folder: Path, functions: Iterable[_Function], sources: Mapping[str, str], base: Path
) -> None:
    """Write a project into *folder* whose assets are *functions*; *sources* are locations by key, relative to *base*.

    Raises UsageError for what can't be written down.
    """
    from upriver.assets.project.scaffold import write_bare

    written = _Writer()
    for function in functions:
        written.asset(function)
    if not written.names:
        raise UsageError(
            "Project.of(…) takes the functions that make the assets, such as Project.of(orders, totals)"
        )
    lines = [f"source({key!r}, {str((base / location).absolute())!r})" for key, location in sources.items()]
    text = "\n\n".join([written.imports(), *lines, *written.parts])
    write_bare(folder, "notebook", {f"assets/{MODULE}": text + "\n"})


class _Writer:
    """Collects the parts of one module. *names* are those that it defines."""

    def __init__(self) -> None:
        self.names: dict[str, object] = {}
        self.parts: list[str] = []
        self._files: list[str] = []  # where the functions met so far are written
        self._imports: dict[str, None] = {"from upriver.assets import asset, source": None}

    def imports(self) -> str:
        """The import lines."""
        future = [line for line in self._imports if line.startswith("from __future__")]
        return "\n".join([*future, *(line for line in self._imports if line not in future)])

    def asset(self, function: _Function) -> None:
        """Take a function as an asset, as it is decorated, or with ``@asset`` where it is not."""
        function = _plain_function(function)
        if not inspect.isfunction(function):
            raise UsageError(
                f"{_called(function)} is no function: an asset is a function that returns its rows"
            )
        self._define(function.__name__, function, function.__globals__, for_asset=True)

    def _define(self, name: str, value: Any, around: Mapping[str, Any], *, for_asset: bool = False) -> None:
        if name in self.names:
            if self.names[name] is not value:
                raise UsageError(f"two different things are called {name}: give one another name")
            return
        self.names[name] = value
        if inspect.isfunction(value):
            self._files.append(value.__code__.co_filename)
        text = _source_of(value, self._files)
        if text is None:
            raise UsageError(
                f"the source of {_called(value)} is not to be had: define it in a cell or in a file"
            )
        tree = ast.parse(text).body[0]
        if not isinstance(tree, ast.FunctionDef | ast.ClassDef) or tree.name != name:
            raise UsageError(f"{name} is written in a way that can't be taken along: define it with def")
        if inspect.isfunction(value):
            self._refuse_captured(value)
            scope: Mapping[str, Any] = value.__globals__
        else:
            scope = around if value.__module__ == "__main__" else vars(sys.modules[value.__module__])
        for used in _free_names(text, tree):
            if used in scope and used != name:
                self._take(used, scope[used], scope, of=name)
        if for_asset and not _is_declared(tree):
            text = f"@asset\n{text}"
        self.parts.append(text.rstrip())

    def _refuse_captured(self, function: types.FunctionType) -> None:
        for free, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._take(free, cell.cell_contents, function.__globals__, of=function.__name__)

    def _take(self, name: str, value: Any, around: Mapping[str, Any], *, of: str) -> None:
        """Write down what the global *name* means: an import, a definition, or a plain value."""
        value = _plain_function(value)
        if isinstance(value, types.ModuleType):
            self._imports[f"import {value.__name__}" + (f" as {name}" if name != value.__name__ else "")] = (
                None
            )
        elif type(value).__name__ == "_Feature" and type(value).__module__ == "__future__":
            self._imports[f"from __future__ import {name}"] = None
        elif inspect.isfunction(value) or inspect.isclass(value):
            if _is_of_session(value.__module__):
                self._define(value.__name__, value, around)
                if name != value.__name__:
                    self._assign(name, value.__name__, value)
            else:
                self._import(name, value, of)
        elif _is_plain(value):
            self._assign(name, repr(value), value)
        elif _importable(value):
            self._import(name, value, of)
        else:
            kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
            raise UsageError(
                f"{of} uses {name!r}, a {kind} that lives only in this session: make it in the function, or give it as "
                "an asset or a source"
            )

    def _assign(self, name: str, text: str, value: object) -> None:
        if name not in self.names:
            self.names[name] = value
            self.parts.append(f"{name} = {text}")

    def _import(self, name: str, value: Any, of: str) -> None:
        module, found = value.__module__, value.__name__
        if getattr(sys.modules.get(module), found, None) is not value:
            raise UsageError(f"{of} uses {name!r}, which can't be imported by its name from {module}")
        self._imports[f"from {module} import {found}" + (f" as {name}" if name != found else "")] = None


def _plain_function(value: Any) -> Any:
    """The function in an asset; anything else as it is."""
    return value.function if isinstance(value, AssetFunction) else value


def _source_of(value: Any, files: list[str]) -> str | None:
    """The text of a function or class; *files* are where a class without functions may be written, too."""
    try:
        return textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError):
        pass  # before Python 3.13 classes of cells are not found by it
    if not inspect.isclass(value):
        return None
    own = [one.__code__.co_filename for one in vars(value).values() if inspect.isfunction(one)]
    cells = [name for name in linecache.cache if "ipykernel" in name or name.startswith("<ipython-input")]
    for file in dict.fromkeys([*own, *reversed(files), *reversed(cells)]):
        text = "".join(linecache.getlines(file))
        try:
            body = ast.parse(text).body
        except SyntaxError:  # a cell with magic words
            continue
        found = [one for one in body if isinstance(one, ast.ClassDef) and one.name == value.__name__]
        if found:
            first = min([found[-1].lineno, *(one.lineno for one in found[-1].decorator_list)])
            return "".join(text.splitlines(keepends=True)[first - 1 : found[-1].end_lineno])
    return None


def _free_names(text: str, tree: ast.AST) -> list[str]:
    """The names that a definition looks up outside of itself and that are no builtins."""
    top = symtable.symtable(text, "<cell>", "exec")
    found = [one.get_name() for one in top.get_symbols() if one.is_referenced()]
    inner = list(top.get_children())
    while inner:
        table = inner.pop()
        found += [one.get_name() for one in table.get_symbols() if one.is_global() and one.is_referenced()]
        inner += table.get_children()
    for node in ast.walk(tree):  # annotations as text
        if isinstance(node, ast.arg) and isinstance(node.annotation, ast.Constant):
            found += _names_in(node.annotation.value)
        if isinstance(node, ast.FunctionDef) and isinstance(node.returns, ast.Constant):
            found += _names_in(node.returns.value)
    return [name for name in dict.fromkeys(found) if not hasattr(builtins, name)]


def _names_in(text: object) -> list[str]:
    if not isinstance(text, str):
        return []
    try:
        return [node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)]
    except SyntaxError:
        return []


def _is_declared(tree: ast.FunctionDef | ast.ClassDef) -> bool:
    return any("asset" in ast.unparse(one).split("(")[0].split(".") for one in tree.decorator_list)


def _is_of_session(module: str | None) -> bool:
    """Whether *module* is the notebook itself, or a file in its folder rather than something installed."""
    if module in (None, "__main__"):
        return True
    if module.partition(".")[0] == "upriver":
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or not Path(file).is_relative_to(Path.cwd()):
        return False
    return not any(Path(file).is_relative_to(place) for place in {sys.prefix, sys.base_prefix} | _libraries())


def _libraries() -> set[str]:
    return {path for path in sys.path if path.endswith(("site-packages", "dist-packages"))}


def _importable(value: Any) -> bool:
    name, module = getattr(value, "__name__", None), getattr(value, "__module__", None)
    return isinstance(name, str) and isinstance(module, str) and not _is_of_session(module)


def _is_plain(value: object) -> bool:
    """Whether ``repr`` of *value* is an expression that makes it again."""
    if isinstance(value, float):
        return math.isfinite(value)  # infinity and NaN have no literal
    if isinstance(value, _PLAIN):
        return type(value) in _PLAIN
    if type(value) in (list, tuple, set, frozenset):
        return all(map(_is_plain, value))  # type: ignore[call-overload]
    return type(value) is dict and all(_is_plain(one) for pair in value.items() for one in pair)


def _called(value: object) -> str:
    return getattr(value, "__name__", None) or repr(value)
