"""Loader of a project's Python modules: imports them in this process and reports all problems at once."""

from __future__ import annotations

import ast
import linecache
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from upriver.assets.declare.asset import AssetFunction
from upriver.assets.declare.check import CheckFunction
from upriver.assets.declare.collector import collecting
from upriver.assets.errors import DeclarationError, Diagnosis
from upriver.assets.loading.capture import capturing
from upriver.assets.loading.declared_check import DeclaredCheck
from upriver.assets.loading.import_reads import Observed, Recorder, native_reads, recording
from upriver.assets.loading.imports import ProjectImports, module_name
from upriver.assets.loading.resolve import Found, resolve
from upriver.assets.loading.scan import declarations, look_up
from upriver.assets.loading.tracebacks import identity, merged, raised
from upriver.assets.model import Asset, Key, Place, PythonRecipe, Source
from upriver.assets.project.files import ProjectFiles
from upriver.assets.project.layout import ROOM, path_parts


@dataclass(frozen=True)
class LoadedPython:
    """What the Python modules of a project declare.

    *assets* have recipes without fingerprint; *functions* are their functions, *checks* the
    declared checks with theirs. *modules* keeps the project's
    modules alive, by name: they are no longer in ``sys.modules``. *failed* are the modules that could not be
    loaded, by path, and why: what they would have declared is not known. *loaded* are the paths of those that
    could. *output* is what was printed.
    """

    assets: tuple[Asset, ...] = ()
    sources: tuple[Source, ...] = ()
    functions: Mapping[Key, AssetFunction[..., Any]] = field(default_factory=dict)
    checks: tuple[tuple[DeclaredCheck, CheckFunction[..., Any]], ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    modules: Mapping[str, ModuleType] = field(default_factory=dict)
    failed: Mapping[str, tuple[Diagnosis, ...]] = field(default_factory=dict)
    loaded: tuple[str, ...] = ()
    observed: Observed = field(default_factory=Observed)
    output: str = ""


def load_python(root: Path, files: ProjectFiles, imports: ProjectImports | None = None) -> LoadedPython:
    """Import the project's Python modules in this process and say what they declare. *imports* is how, when not as
    usual.

    Import path, modules, environment variables and working directory are afterwards as they were. Not
    thread-safe with respect to the working directory, ``sys.stdout`` and ``os.environ``: best done in a
    process of its own.
    """
    if not files.python:
        return LoadedPython()
    imports = imports or ProjectImports(root, files)
    recorder = Recorder(imports.root, imports.contains)
    found: list[Found] = []
    failed: dict[str, list[Diagnosis]] = {}
    with imports, capturing() as captured, collecting() as collected, recording(recorder):
        for file in files.python:
            module = _import(imports, file.path)
            if isinstance(module, ModuleType):
                found += [Found(declared, module, name) for name, declared in declarations(module)]
            else:
                failed[file.path] = [_under_root(problem, imports.root) for problem in module]
        modules = imports.modules()
    _note_native_reads(recorder, imports, modules)
    loaded = {path for module in modules.values() if isinstance(path := vars(module).get("__file__"), str)}
    # What a module has declared before it failed is not what it declares.
    noted = [one for one in collected.declared if one.file in loaded or not imports.contains(one.file)]
    resolved = resolve(imports, found, noted, modules)
    failures = [problem for problems in failed.values() for problem in problems]
    others = [_under_root(problem, imports.root) for problem in (*collected.problems, *resolved.diagnoses)]
    told = {identity(problem): problem for problem in merged([*failures, *others])}
    return LoadedPython(
        assets=tuple(resolved.assets),
        sources=tuple(resolved.sources),
        functions=resolved.functions,
        checks=tuple(resolved.checks),
        diagnoses=tuple(told.values()),
        modules=modules,
        failed={
            path: tuple(dict.fromkeys(told[identity(problem)] for problem in problems))
            for path, problems in failed.items()
        },
        loaded=tuple(
            sorted(os.path.relpath(path, imports.root) for path in loaded if imports.contains(path))
        ),
        observed=recorder.observed(),
        output=captured.text(),
    )


def _import(imports: ProjectImports, path: str) -> ModuleType | tuple[Diagnosis, ...]:
    """The module at *path*, or why it can't be loaded."""
    problem = _unimportable(path)
    if problem is not None:
        return (problem,)
    try:
        return imports.module(module_name(path))
    except DeclarationError as error:
        return error.diagnoses
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a module may raise anything, SystemExit included
        return (raised(imports, path, error),)


def load_function(imports: ProjectImports, recipe: PythonRecipe) -> AssetFunction[..., Any]:
    """The function of *recipe*, with *imports* entered, in the process that is to run it.

    Raises DeclarationError when its module can't be loaded any more, UsageError when it no longer has the
    function.
    """
    path = f"{recipe.module.replace('.', '/')}.py"
    try:
        # Another declaration of the module may be wrong: it breaks itself, not this one.
        with collecting():
            module = imports.module(recipe.module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise DeclarationError([raised(imports, path, error)]) from error
    return look_up(module, recipe.qualname)


def _unimportable(path: str) -> Diagnosis | None:
    parts = path_parts(path)
    if not any("." in part for part in parts):
        return None
    better = "/".join([ROOM, *(part.replace(".", "_") for part in parts)])
    message = "a module with a dot in its path can't be imported"
    return Diagnosis("bad-module-name", message, Place(path), hint=f"rename it to {better}.py")


def _under_root(diagnosis: Diagnosis, root: str) -> Diagnosis:
    """*diagnosis* with its place relative to the project root, if it is in the project."""
    place = diagnosis.place
    if place is None or not place.path.startswith(root + os.sep):
        return diagnosis
    relative = Place(os.path.relpath(place.path, root), place.line, place.column)
    return msgspec.structs.replace(diagnosis, place=relative)


def _note_native_reads(
    recorder: Recorder, imports: ProjectImports, modules: Mapping[str, ModuleType]
) -> None:
    for file in sorted(
        {file for module in modules.values() if isinstance(file := module.__dict__.get("__file__"), str)}
    ):
        source = "".join(linecache.getlines(file))
        try:
            for line, function in native_reads(ast.parse(source)):
                recorder.call(os.path.relpath(file, imports.root), line, function)
        except (SyntaxError, ValueError, RecursionError):
            continue
