"""Declaring of operations: a decorator says which process carries one out, and keeps it from being forgotten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

_Method = TypeVar("_Method", bound=Callable[..., object])


class RunsIn(StrEnum):
    """The process that carries an operation out when a session client is asked for it."""

    CALLER = "caller"
    """The process that asks. For what costs little or lasts as long as the caller looks at it."""
    SESSION_SERVER = "session server"
    """The process that holds the project open (``session/remote/session_server.py``)."""
    BUILD_SERVER = "build server"
    """A process of its own that outlives the caller (``session/remote/build_server.py``)."""


def _declared(method: _Method, runs_in: RunsIn) -> _Method:
    method.__dict__.update(runs_in=runs_in, __isabstractmethod__=True)
    return method


def in_caller(method: _Method) -> _Method:
    """Declare an operation of a table that runs in the process that asks."""
    return _declared(method, RunsIn.CALLER)


def in_session_server(method: _Method) -> _Method:
    """Declare an operation of a table that runs in the session server."""
    return _declared(method, RunsIn.SESSION_SERVER)


def in_build_server(method: _Method) -> _Method:
    """Declare an operation of a table that builds. It has the parameters *on_event* and *cancel*."""
    return _declared(method, RunsIn.BUILD_SERVER)


def operations_of(table: type) -> Mapping[str, RunsIn]:
    """The name of every operation that *table*, a Protocol, or a base of it declares, with the process that carries it
    out. Raises TypeError when one does not say.
    """
    found = {}
    for base in reversed(table.__mro__):
        for name, member in (
            vars(base).items() if base is table or getattr(base, "_is_protocol", False) else ()
        ):
            method = member.fget if isinstance(member, property) else member
            if name.startswith("_") or not callable(method):
                continue
            if not isinstance(runs_in := getattr(method, "runs_in", None), RunsIn):
                raise TypeError(
                    f"operation {name}: a decorator must say where it runs (in_caller, in_session_server, …)"
                )
            found[name] = runs_in
    return found
