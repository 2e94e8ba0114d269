"""The ``@asset`` decorator."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, ParamSpec, TypeAlias, TypeVar, overload

import msgspec

from upriver.assets.declare.checks import read_quality
from upriver.assets.declare.collector import note, report
from upriver.assets.declare.options import PYTHON_OPTIONS, QUALITY, Options, read_options
from upriver.assets.declare.partition import By, read_partition
from upriver.assets.declare.sink import read_sink
from upriver.assets.declare.source import SourceDeclaration
from upriver.assets.errors import Diagnosis
from upriver.assets.model import Key, Place, key_problem

if TYPE_CHECKING:
    from typing import Literal

P = ParamSpec("P")
R = TypeVar("R")


class AssetFunction(Generic[P, R]):
    """A project function that computes an asset. Calling it calls the function; nothing is recorded then.

    *options* are as given to ``@asset``, *inputs* the upstreams given for parameters, *after* those to wait
    for, each a key or the declaration itself. *file* (absolute) and *line* tell where it was declared. *problems*
    are what is wrong with it (and was reported): it can't be used then.
    """

    function: Callable[P, R]
    options: Options
    inputs: Mapping[str, Upstream]
    after: tuple[Upstream, ...]
    file: str
    line: int
    problems: tuple[Diagnosis, ...]
    __name__: str
    __qualname__: str

    def __init__(
        self,
        function: Callable[P, R],
        options: Options,
        inputs: Mapping[str, Upstream],
        after: tuple[Upstream, ...],
        problems: Iterable[Diagnosis],
    ) -> None:
        code = innermost(function).__code__
        self.__dict__.update(
            function=function,
            options=options,
            inputs=dict(inputs),
            after=after,
            file=code.co_filename,
            line=code.co_firstlineno,
            problems=tuple(problems),
            __wrapped__=function,
            __name__=function.__name__,
            __qualname__=function.__qualname__,
            __module__=function.__module__,
            __doc__=function.__doc__,
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"an asset function can't be changed: {name!r} can't be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"an asset function can't be changed: {name!r} can't be deleted")

    def __reduce__(self) -> str:
        # Pickled by name, as functions are, so that objects which refer to it can go to a worker process.
        return str(self.__qualname__)

    def __repr__(self) -> str:
        return f"<asset function {self.__module__}.{self.__qualname__}>"


Upstream: TypeAlias = "Key | AssetFunction[..., Any] | SourceDeclaration"


def innermost(function: Callable[..., Any]) -> FunctionType:
    """The function under all decorators that keep ``__wrapped__``."""
    inner = _innermost(function)
    assert inner is not None
    return inner


def _innermost(function: Any) -> FunctionType | None:
    while (wrapped := getattr(function, "__wrapped__", None)) is not None:
        function = wrapped
    return function if isinstance(function, FunctionType) else None


@overload
def asset(key: Callable[P, R], /) -> AssetFunction[P, R]: ...


@overload
def asset(
    key: Key | None = None,
    *,
    inputs: Mapping[str, Upstream] | None = None,
    tags: Iterable[str] | None = None,
    owner: str | None = None,
    description: str | None = None,
    retries: int | None = None,
    backoff: str | float | None = None,
    retry: Iterable[Mapping[str, Any]] | None = None,
    fallback: str | None = None,
    approval: bool = False,
    timeout: str | float | None = None,
    memory: str | int | None = None,
    pool: str | None = None,
    after: Iterable[Upstream] | None = None,
    environment: Iterable[str] | None = None,
    variables: Iterable[str] | None = None,
    volatile: Literal["always", "daily", "never"] | None = None,
    kind: Literal["table", "file"] | None = None,
    suffix: str | None = None,
    ordered: bool = False,
    reads: Iterable[str] | None = None,
    writes: Iterable[str] | None = None,
    network: bool = False,
    processes: bool = False,
    fresh_within: str | float | None = None,
    every: str | float | None = None,
    by: str | None = None,
    zone: str | None = None,
    within: str | float | None = None,
    on: str | Iterable[str | date] | None = None,
    since: str | None = None,
    observe_every: str | float | None = None,
    columns: Mapping[str, Any] | None = None,
    checks: Iterable[Mapping[str, Any]] | None = None,
    contract: Literal["open", "closed"] | None = None,
    partition: By | Iterable[By] | None = None,
    sink: Mapping[str, Any] | None = None,
) -> Callable[[Callable[P, R]], AssetFunction[P, R]]: ...


def asset(key: Any = None, **options: Any) -> Any:
    """Declare that a function computes an asset, as ``@asset`` or ``@asset("marts.routes", tags=["marts"])``.

    Without *key*, the asset is named after the folder of its module below ``assets/`` and the function. Each
    parameter is an upstream, found by its name or through *inputs* (``{"o": "raw.orders"}``); its annotation
    decides what the function receives. *timeout* and *backoff* are seconds or text such as ``"5m"``, *memory*
    is bytes or text such as ``"2GB"``. *retry* are rules by the kind of failure,
    ``[{"on": "HTTP 5..", "times": 5}]``; *fallback* (``"last"``) is what readers get when it fails.
    With *approval*, a person approves what it is made from before it is made (``upriver approve``).
    *environment* names the environment variables (``"AWS_*"``: all that begin
    so), *variables* those of ``upriver.toml`` that the function reads. *after* are assets that must be up to date
    first although they are not read. With *ordered* the order of the rows is part of the result. A function that
    returns bytes or a path makes a file; *suffix* is then the ending of its name.

    It runs confined: *reads* are files of the project, or patterns of them, that it reads besides its upstreams,
    *writes* files that it writes besides its result, in folders of their own; *network* lets it use sockets,
    *processes* the memory that processes share.

    Goals say how old its content may be: *fresh_within* (``"15m"``), *every* (``"1h"``, or cron, ``"0 6 * * *"``;
    *within* is how late it may be), *by* (``"08:00 Europe/Berlin"``, *on* ``"workdays DE"``, *since* ``"05:00"``).
    *zone* is that of the times, *observe_every* how often its sources are looked at.
    *columns* and *checks* are what has to hold before a result is published, written as in the header of a SQL module:
    ``columns={"id": {"unique": True}}, checks=[{"row_count": {"min": 1}}]``. A closed *contract* allows no columns but
    those. *partition* cuts the result into slices: ``by("flight_date", every="day")``, or a list of these.
    *sink* is a table of another system that it is written to: ``{"connection": "shop", "table": "reporting.daily"}``.

    Raises DeclarationError with all that is wrong; while a project is loaded it is reported there instead.
    """
    frame = sys._getframe(1)
    here = Place(frame.f_code.co_filename, frame.f_lineno)
    if callable(key):
        return _declare(key, {}, here)
    return lambda function: _declare(function, {"key": key, **options}, here)


def _declare(function: Any, given: dict[str, Any], here: Place) -> Any:
    problem = not_a_recipe(function)
    if problem:
        report([Diagnosis("not-a-function", problem, here)])
        return function
    key = given.get("key")
    known_key = key if isinstance(key, str) and not key_problem(key) else None
    problems: list[Diagnosis] = []
    inputs = read_inputs(given.pop("inputs", None), problems, here, known_key)
    given["after"], objects = _split(given.get("after"))
    promised, wrong = read_quality(
        {name: given.pop(name) for name in QUALITY if name in given}, lambda _: here, known_key
    )
    cut, written = given.pop("partition", None), given.pop("sink", None)
    options, more = read_options(given, (*PYTHON_OPTIONS, "inputs"), lambda _: here, known_key)
    partition, unusable = read_partition(cut, lambda _: here, known_key)
    sink, no_sink = read_sink(written, lambda _: here, known_key)
    options = msgspec.structs.replace(options, quality=promised, partition=partition, sink=sink)
    problems += [*more, *wrong, *unusable, *no_sink]
    declared = AssetFunction(function, options, inputs, (*options.after, *objects), problems)
    report(problems)
    note(declared)
    return declared


def not_a_recipe(function: Any) -> str | None:
    """Why *function* can be no recipe; None when it can."""
    name = getattr(function, "__qualname__", None) or repr(function)
    if isinstance(function, AssetFunction):
        return f"{name} is an asset already; one @asset is enough"
    if isinstance(function, type):
        return f"@asset is for functions; {name} is a class"
    inner = _innermost(function)
    if inner is None:
        return f"@asset is for functions declared with def; {name} is a {type(function).__name__}"
    if iscoroutinefunction(inner) or isasyncgenfunction(inner):
        return (
            f"{name} is an async function; an asset is computed by an ordinary one (call asyncio.run in it)"
        )
    if isgeneratorfunction(inner):
        return f"{name} is a generator; an asset returns its whole result (a lazy frame, a reader)"
    return None


def read_inputs(
    given: Any, problems: list[Diagnosis], here: Place, key: Key | None
) -> Mapping[str, Upstream]:
    """The upstreams that are *given* by parameter; what is wrong with them goes to *problems*."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        sentence = (
            f"inputs: upstreams by parameter are expected, such as {{'o': 'raw.orders'}}, not {given!r}"
        )
        problems.append(Diagnosis("bad-value", sentence, here, key=key))
        return {}
    inputs: dict[str, Upstream] = {}
    for parameter, upstream in given.items():
        problem = None
        if not isinstance(parameter, str):
            problem = f"{parameter!r} is no parameter name"
        elif isinstance(upstream, str):
            problem = key_problem(upstream)
            problem = problem and f"{upstream!r} is no key: {problem}"
        elif not isinstance(upstream, (AssetFunction, SourceDeclaration)):
            problem = f"a key, an asset or a source is expected for {parameter!r}, not {upstream!r}"
        if problem:
            problems.append(Diagnosis("bad-value", f"inputs: {problem}", here, key=key))
        else:
            inputs[parameter] = upstream
    return inputs


def _split(after: Any) -> tuple[Any, tuple[Upstream, ...]]:
    """Keys (or whatever else was written), and declarations, whose keys are known only when all is loaded."""
    items = [after] if isinstance(after, (AssetFunction, SourceDeclaration)) else after
    if not isinstance(items, (list, tuple, set, frozenset)):
        return items, ()
    objects = tuple(item for item in items if isinstance(item, (AssetFunction, SourceDeclaration)))
    return [item for item in items if not isinstance(item, (AssetFunction, SourceDeclaration))], objects
