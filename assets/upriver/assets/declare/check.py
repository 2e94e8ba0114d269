"""The ``@check`` decorator."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

from upriver.assets.declare.asset import AssetFunction, Upstream, not_a_recipe, read_inputs
from upriver.assets.declare.collector import note, report
from upriver.assets.declare.options import read_options
from upriver.assets.declare.rules import Terms, read_terms
from upriver.assets.declare.source import SourceDeclaration
from upriver.assets.errors import Diagnosis
from upriver.assets.model import Key, Place, key_problem

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS = ("timeout", "memory", "variables", "description")


class CheckFunction(AssetFunction[P, R]):
    """A project function that checks the asset *of*. Calling it calls the function. *steady* says that it finds the
    same in the same rows.
    """

    of: Upstream
    terms: Terms
    steady: bool

    def __repr__(self) -> str:
        return f"<check function {self.__module__}.{self.__qualname__}>"


def check(
    *,
    of: Upstream,
    inputs: Mapping[str, Upstream] | None = None,
    severity: str | None = None,
    at_most: int | str | None = None,
    name: str | None = None,
    steady: bool = True,
    timeout: str | float | None = None,
    memory: str | int | None = None,
    variables: Iterable[str] | None = None,
) -> Callable[[Callable[P, R]], CheckFunction[P, R]]:
    """Declare that a function checks the rows of the asset *of*, before they are published.

    It returns a frame of the rows that offend, or whether all is well (a bool), or what is wrong (a text, empty when
    nothing is). Its parameters are what it reads, matched by name as those of an asset; a single parameter that means
    nothing else receives the rows of *of*. It runs confined, and reads nothing but what it is handed. *severity*,
    *at_most* and *name* are those of every check; with *steady* False it runs in each build.

    Raises DeclarationError with all that is wrong; while a project is loaded it is reported there instead.
    """
    frame = sys._getframe(1)
    here = Place(frame.f_code.co_filename, frame.f_lineno)
    given = {"timeout": timeout, "memory": memory, "variables": variables}
    terms = {"severity": severity, "at_most": at_most, "name": name}

    def declare(function: Callable[P, R]) -> CheckFunction[P, R]:
        declared: CheckFunction[P, R] = _declare(function, of, inputs, terms, steady, given, here)
        return declared

    return declare


def _declare(
    function: Any,
    of: Any,
    inputs: Any,
    terms: Mapping[str, object],
    steady: bool,
    given: Mapping[str, object],
    here: Place,
) -> Any:
    if problem := not_a_recipe(function):
        report([Diagnosis("not-a-function", problem.replace("@asset", "@check"), here)])
        return function
    known: Key | None = of if isinstance(of, str) and not key_problem(of) else None
    problems: list[Diagnosis] = []
    if known is None and not isinstance(of, AssetFunction):
        said = f"of: the key of an asset, or the asset itself, is expected, not {of!r}"
        hint = "a check is of an asset" if isinstance(of, SourceDeclaration) else None
        problems.append(Diagnosis("bad-check", said, here, hint=hint))
    read = read_inputs(inputs, problems, here, known)
    asked = {name: value for name, value in given.items() if value is not None}
    options, wrong = read_options(asked, _OPTIONS, lambda _: here, known)
    try:
        found = read_terms(terms)
    except ValueError as error:
        found = Terms()
        problems.append(Diagnosis("bad-check", str(error), here, key=known))
    problems += wrong
    declared: CheckFunction[..., Any] = CheckFunction(function, options, read, (), problems)
    declared.__dict__.update(of=of, terms=found, steady=steady)
    report(problems)
    note(declared)
    return declared
