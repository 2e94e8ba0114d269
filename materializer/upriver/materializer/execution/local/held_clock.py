"""A clock that is held: in this process ``time`` and ``datetime`` show one moment, for a unit test of a recipe.

Held are the clocks of the standard library, by the names that project modules import. Clocks of other libraries can't
be; :func:`other_clocks` finds where project code asks them.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

_ASKED = frozenset({"now", "today", "utcnow", "localnow"})
_STANDARD = frozenset({"datetime", "date"})
_WORDS = frozenset({"now", "today"})
_SQL = re.compile(
    r"\b(?:now|today|get_current_timestamp|transaction_timestamp|current_date)\s*\(\s*\)|\bcurrent_(?:date|time|timestamp)\b"
    r"|\blocaltime(?:stamp)?\b",
    re.IGNORECASE,
)


def hold(moment: float) -> None:
    """From now on all clocks of the standard library show *moment*, in seconds since the epoch. Intervals are measured
    as before (``monotonic``, ``perf_counter``).
    """
    _let_polars_know()
    real_datetime, real_date = dt.datetime, dt.date
    local, universal, text, ascii_, get = (
        time.localtime, time.gmtime, time.strftime, time.asctime, getattr(time, "clock_gettime", None),
    )  # fmt: skip

    class Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, cls.__mro__[1])

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, cls.__mro__[1])

    class HeldDate(dt.date, metaclass=Meta):
        """``date``: makes plain dates."""

        def __new__(cls, *given: Any, **named: Any) -> Any:
            return real_date(*given, **named)

        @classmethod
        def today(cls) -> Any:
            return real_date.fromtimestamp(moment)

    class HeldDatetime(dt.datetime, metaclass=Meta):
        """``datetime``: makes plain moments."""

        def __new__(cls, *given: Any, **named: Any) -> Any:
            return real_datetime(*given, **named)

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return real_datetime.fromtimestamp(moment, tz)

        @classmethod
        def today(cls) -> Any:
            return real_datetime.fromtimestamp(moment)

        @classmethod
        def utcnow(cls) -> Any:
            return real_datetime.fromtimestamp(moment, dt.UTC).replace(tzinfo=None)

    held: dict[str, Callable[..., Any]] = {
        "time": lambda: moment,
        "time_ns": lambda: round(moment * 1e9),
        "localtime": lambda seconds=None: local(moment if seconds is None else seconds),
        "gmtime": lambda seconds=None: universal(moment if seconds is None else seconds),
        "ctime": lambda seconds=None: ascii_(local(moment if seconds is None else seconds)),
        "strftime": lambda form, given=None: text(form, local(moment) if given is None else given),
        "asctime": lambda given=None: ascii_(local(moment) if given is None else given),
    }
    if get is not None:
        held["clock_gettime"] = lambda clock: moment if clock == time.CLOCK_REALTIME else get(clock)
    for name, function in held.items():
        setattr(time, name, function)
    for name, kind in (("datetime", HeldDatetime), ("date", HeldDate)):
        kind.__name__ = kind.__qualname__ = name
        kind.__module__ = "datetime"
        setattr(dt, name, kind)


def _let_polars_know() -> None:
    """Polars looks the classes up when it first meets a value of each, and keeps what it finds."""
    if (polars := sys.modules.get("polars")) is not None:
        moment = dt.datetime(2000, 1, 1)
        for value in (moment, moment.date(), moment.time(), moment - moment):
            polars.Series([value])


def other_clocks(source: str, module: str = "") -> Iterator[str]:
    """What in *source*, a piece of the project module with the text *module*, asks a clock that can't be held, as it
    is written.
    """
    try:
        tree = ast.parse(source)
        names = _STANDARD | _aliases(ast.parse(module))
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=base, attr=name)) if name in _ASKED:
                if _last(base) not in names:
                    yield ast.unparse(node)
            case ast.Call(args=[ast.Constant(value=str(word)), *_]) if word.lower() in _WORDS:
                if _last(node.func) in ("datetime64", "Timestamp", "to_datetime", "array"):
                    yield ast.unparse(node)
            case ast.Constant(value=str(text)) if (found := _SQL.search(text)) is not None:
                yield f"{found[0]} in a query"
            case _:
                pass


def _aliases(module: ast.Module) -> set[str]:
    """The names by which a module calls the classes of ``datetime``."""
    return {
        alias.asname
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == "datetime" and not node.level
        for alias in node.names
        if alias.asname is not None and alias.name in _STANDARD
    }


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case _:
            return ""
