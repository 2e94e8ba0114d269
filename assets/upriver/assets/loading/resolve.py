"""Resolver of declarations: gives those that were found in modules their keys."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from inspect import Parameter
from types import ModuleType
from typing import Any

import msgspec

from upriver.assets.declare.annotations import FILES, frame_of_parameter, frame_of_result, parameters
from upriver.assets.declare.asset import AssetFunction, Upstream
from upriver.assets.declare.check import CheckFunction
from upriver.assets.declare.collector import Declared
from upriver.assets.declare.source import SourceDeclaration, under_root
from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.loading.declared_check import DeclaredCheck
from upriver.assets.loading.imports import ProjectImports
from upriver.assets.loading.scan import declarations
from upriver.assets.loading.sql_module import path_problem, usable
from upriver.assets.model import Asset, Check, Frame, Input, Key, Kind, Place, Predicate, PythonRecipe, Source
from upriver.assets.project.layout import ROOM

Declaration = AssetFunction[..., Any] | SourceDeclaration


@dataclass(frozen=True)
class Found:
    """A declaration, and the module and the name there under which it was found."""

    declared: Declaration
    module: ModuleType
    name: str


@dataclass
class Resolved:
    """What a project's modules declare, and what is wrong with it."""

    assets: list[Asset] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    functions: dict[Key, AssetFunction[..., Any]] = field(default_factory=dict)
    checks: list[tuple[DeclaredCheck, CheckFunction[..., Any]]] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)


def resolve(
    imports: ProjectImports,
    found: Iterable[Found],
    noted: Iterable[Declared],
    modules: Mapping[str, ModuleType],
) -> Resolved:
    """Give every declaration its key, once, wherever it was seen, and look at the functions' signatures.

    *found* is what modules hold, *noted* all that was declared while they were loaded.
    """
    resolver = _Resolver(imports, modules)
    resolver.add(found, noted)
    return resolver.resolved()


class _Resolver:
    def __init__(self, imports: ProjectImports, modules: Mapping[str, ModuleType]) -> None:
        self._imports = imports
        self._modules = modules
        self._found: dict[int, Found] = {}
        self._sources: dict[int, SourceDeclaration] = {}
        self._keys: dict[int, Key] = {}
        self._result = Resolved()

    def add(self, found: Iterable[Found], noted: Iterable[Declared]) -> None:
        for item in found:
            self._add(item)
        for declared in noted:
            if isinstance(declared, SourceDeclaration):
                # A source needs no name in its module: it is never looked up again.
                self._sources.setdefault(id(declared), declared)
            elif isinstance(declared, AssetFunction) and id(declared) not in self._found:
                self._add_unheld(declared)

    def _add(self, item: Found) -> None:
        if isinstance(item.declared, SourceDeclaration):
            self._sources.setdefault(id(item.declared), item.declared)
            return
        known = self._found.get(id(item.declared))
        at_home = item.module.__name__ == item.declared.__module__
        if known is None or (at_home and known.module.__name__ != item.declared.__module__):
            self._found[id(item.declared)] = item

    def _add_unheld(self, declared: AssetFunction[..., Any]) -> None:
        """A function that no asset module holds: it may be in another module, or something took its name."""
        module = self._modules.get(str(declared.__module__))
        if module is None or "<locals>" in declared.__qualname__:
            return  # its module failed, or a factory made more than its caller kept
        for name, other in declarations(module):
            if other is declared:
                self._add(Found(declared, module, name))
                return
        now = vars(module).get(declared.__name__)
        if isinstance(declared, CheckFunction):
            said = f"the check {declared.__name__} is declared here, but its module does not keep it"
            hint = "give it a name of its own; @check goes above all other decorators"
            of = declared.of if isinstance(declared.of, str) else None
            self._result.diagnoses.append(
                Diagnosis("lost-check", said, self._place(declared), hint=hint, key=of)
            )
            return
        key = declared.options.key or self._natural_key(declared, module)
        facts: tuple[str, ...] = ()
        if isinstance(now, AssetFunction):
            facts = (f"{declared.__name__} is declared again at {self._place(now)}",)
            if key == (now.options.key or self._natural_key(now, module)):
                self._result.diagnoses.append(
                    Diagnosis(
                        "duplicate-key",
                        f"{key!r} is declared twice",
                        self._place(declared),
                        facts,
                        "rename one of them",
                        key=key,
                    )
                )
                return
        elif now is not None:
            facts = (f"the name {declared.__name__} holds a {type(now).__name__} now",)
        self._result.diagnoses.append(
            Diagnosis(
                "lost-asset",
                f"the asset {key!r} is declared here, but its module does not keep it",
                self._place(declared),
                facts,
                hint="give it a name of its own; @asset goes above all other decorators",
                key=key,
            )
        )

    def resolved(self) -> Resolved:
        result = self._result
        for declaration in self._sources.values():
            self._keys[id(declaration)] = declaration.key
            if declaration.source is not None:
                result.sources.append(
                    under_root(declaration.source, self._imports.root, self._place(declaration))
                )
        held = [item for item in self._found.values() if isinstance(item.declared, AssetFunction)]
        recipes = [item for item in held if not isinstance(item.declared, CheckFunction)]
        for item in recipes:
            self._name(item)
        for item in recipes:
            key = self._keys.get(id(item.declared))
            if key is not None and isinstance(item.declared, AssetFunction):
                try:
                    self._asset(key, item.declared, item)
                except Exception as error:  # noqa: BLE001 - an annotation may be any object, with any code in it
                    message = f"asset {key!r}: its signature can't be read: {type(error).__name__}: {error}"
                    place = self._place(item.declared)
                    result.diagnoses.append(Diagnosis("bad-signature", message, place, key=key))
        for item in held:
            if isinstance(item.declared, CheckFunction):
                self._check(item.declared, item)
        return result

    def _check(self, declared: CheckFunction[..., Any], item: Found) -> None:
        place, options, terms = self._place(declared), declared.options, declared.terms
        problems: list[str] = []
        of = self._key_of(declared.of, "of", problems)
        name = terms.name or declared.__name__
        try:
            inputs = self._inputs(declared, problems)
        except Exception as error:  # noqa: BLE001 - as for an asset
            problems.append(f"its signature can't be read: {type(error).__name__}: {error}")
            inputs = []
        self._result.diagnoses += [
            Diagnosis("bad-check", f"check {name!r}: {problem}", place, key=of or None)
            for problem in problems
        ]
        self._result.diagnoses += [msgspec.structs.replace(found, key=of) for found in declared.problems]
        if problems or declared.problems:
            return
        recipe = PythonRecipe(
            module=item.module.__name__,
            qualname=item.name,
            inputs=tuple(inputs),
            returns=Frame.ANY,
            settings=tuple(one for one in parameters(declared.function) if one in options.variables),
        )
        rule = Predicate(recipe, declared.steady, options.timeout, options.memory)
        check = Check(name, rule, place, terms.severity, terms.most, terms.share)
        self._result.checks.append((DeclaredCheck(of, check, place), declared))

    def _name(self, item: Found) -> None:
        declared = item.declared
        assert isinstance(declared, AssetFunction)
        key = declared.options.key
        if key is None:
            key = self._natural_key(declared, item.module)
            problem = path_problem(tuple(key.split(".")))
            if problem:
                hint = f'name it: @asset("{".".join(map(usable, key.split(".")))}")'
                message = f"its folder and its name give no key: {problem}"
                self._result.diagnoses.append(Diagnosis("bad-key", message, self._place(declared), hint=hint))
                return
        self._keys[id(declared)] = key

    def _natural_key(self, declared: AssetFunction[..., Any], module: ModuleType) -> Key:
        file = self._relative(str(module.__dict__.get("__file__", "")))
        folders = file.split("/")[1:-1] if file.startswith(f"{ROOM}/") else []
        return ".".join([*folders, declared.__name__])

    def _place(self, declared: Declared) -> Place:
        return Place(self._relative(declared.file), declared.line)

    def _relative(self, file: str) -> str:
        return file.removeprefix(self._imports.root + os.sep).replace(os.sep, "/")

    def _asset(self, key: Key, declared: AssetFunction[..., Any], item: Found) -> None:
        place, options = self._place(declared), declared.options
        problems: list[str] = []
        inputs = self._inputs(declared, problems)
        returns = _read(lambda: frame_of_result(declared.function), "its result", problems)
        kind = options.kind or (Kind.FILE if returns in FILES else Kind.TABLE)
        problems += _kind_problems(kind, returns, options.suffix)
        after = tuple(dict.fromkeys(self._key_of(upstream, "after", problems) for upstream in declared.after))
        self._result.diagnoses += [
            Diagnosis("bad-signature", f"asset {key!r}: {problem}", place, key=key) for problem in problems
        ]
        # They were reported before the key was known.
        self._result.diagnoses += [msgspec.structs.replace(found, key=key) for found in declared.problems]
        if problems or declared.problems:
            return
        recipe = PythonRecipe(
            module=item.module.__name__,
            qualname=item.name,
            inputs=tuple(inputs),
            returns=returns,
            settings=tuple(name for name in parameters(declared.function) if name in options.variables),
        )
        self._result.functions.setdefault(key, declared)
        self._result.assets.append(
            Asset(
                key=key,
                kind=kind,
                recipe=recipe,
                place=place,
                description=options.description or _first_paragraph(declared.__doc__),
                tags=options.tags,
                owner=options.owner,
                execution=options.execution,
                after=after,
                environment=options.environment,
                variables=options.variables,
                volatile=options.volatile,
                suffix=options.suffix,
                ordered=options.ordered,
                goals=options.goals,
                permissions=options.permissions,
                quality=options.quality,
                partition=options.partition,
                sink=options.sink,
            )
        )

    def _inputs(self, declared: AssetFunction[..., Any], problems: list[str]) -> list[Input]:
        inputs, given = [], dict(declared.inputs)
        known = parameters(declared.function)
        takes_any = False
        for name, parameter in known.items():
            if parameter.kind is Parameter.VAR_KEYWORD:
                takes_any = True
            elif parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.POSITIONAL_ONLY):
                problems.append(f"upstreams are passed by name, which {parameter} does not take")
            elif name in declared.options.variables:
                if name in given:
                    problems.append(f"inputs: parameter {name!r} receives the variable of that name")
                    del given[name]
            elif name in given or parameter.default is Parameter.empty:
                read = partial(frame_of_parameter, declared.function, parameter)
                frame = _read(read, f"parameter {name}", problems)
                upstream = given.pop(name, None)
                key = None if upstream is None else self._key_of(upstream, f"inputs: {name}", problems)
                inputs.append(Input(name, frame, key))
            elif _means_a_frame(declared, parameter):
                problems.append(
                    f"parameter {name} has a default; an upstream is always there, so leave the default out"
                )
        for name, upstream in given.items():
            if takes_any:
                inputs.append(Input(name, Frame.ANY, self._key_of(upstream, f"inputs: {name}", problems)))
            else:
                hint = did_you_mean(name, known)
                problems.append(f"inputs: there is no parameter {name!r}" + (f"; {hint}" if hint else ""))
        return inputs

    def _key_of(self, upstream: Upstream, what: str, problems: list[str]) -> Key:
        if isinstance(upstream, str):
            return upstream
        key = self._keys.get(id(upstream))
        if key is None:
            problems.append(f"{what}: {upstream!r} is not an asset or source of this project")
        return key or ""


def _read(read: Callable[[], Frame], what: str, problems: list[str]) -> Frame:
    try:
        return read()
    except ValueError as error:
        problems.append(f"{what}: {error}")
        return Frame.ANY


def _means_a_frame(declared: AssetFunction[..., Any], parameter: Parameter) -> bool:
    if parameter.annotation is Parameter.empty:
        return False
    try:
        frame = frame_of_parameter(declared.function, parameter)
    except ValueError:  # an annotation such as float: the parameter is a setting
        return False
    return frame not in (Frame.ANY, Frame.PATH, Frame.BYTES)


def _kind_problems(kind: Kind, returns: Frame, suffix: str) -> list[str]:
    if kind is Kind.TABLE and returns in FILES:
        return [f"it is declared a table, but returns {returns}"]
    if kind is Kind.FILE and returns not in FILES and returns is not Frame.ANY:
        return [f"it is declared a file, but returns {returns}; a file is returned as bytes or a path"]
    if kind is Kind.TABLE and suffix:
        return ["suffix= is for files; annotate the result as bytes or pathlib.Path, or say kind='file'"]
    return []


def _first_paragraph(doc: str | None) -> str:
    paragraph = (doc or "").strip().split("\n\n")[0]
    return " ".join(line.strip() for line in paragraph.split("\n")).strip()
