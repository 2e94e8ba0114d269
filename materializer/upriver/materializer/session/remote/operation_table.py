"""The table of operations as the processes need it: the types of arguments and answers, from the signatures.

An operation's arguments travel as one Struct that is made from its signature, and arrive as that Struct: values keep
their types in both directions, and what does not fit is refused with the place in it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, get_type_hints

import msgspec

from upriver.materializer.operation import RunsIn
from upriver.materializer.operations import LAZY_TYPES, ProjectApi, operations

KEPT_BY_CALLER = frozenset({"on_event", "cancel"})
"""The parameters of a build that never travel: the build client calls and watches them."""


class Operation(NamedTuple):
    """One operation: *arguments* is the Struct that holds its arguments, *answer* the type of its answer."""

    name: str
    runs_in: RunsIn
    signature: inspect.Signature
    arguments: type[msgspec.Struct]
    answer: Any

    def bind(self, arguments: Sequence[object], options: Mapping[str, object]) -> dict[str, object]:
        """The arguments of a call by their names, defaults included. Raises TypeError as the call would."""
        bound = self.signature.bind(*arguments, **options)
        bound.apply_defaults()
        return bound.arguments


class _Types(dict[str, object]):
    """The types that signatures name, imported when they are looked up."""

    def __missing__(self, name: str) -> object:
        if name not in LAZY_TYPES:
            raise KeyError(name)
        return getattr(importlib.import_module(LAZY_TYPES[name]), name)


@cache
def operation(name: str) -> Operation:
    """The operation called *name*. Raises LookupError when there is none."""
    runs_in = operations().get(name)
    if runs_in is None:
        raise LookupError(f"there is no operation {name!r}")
    member = inspect.getattr_static(ProjectApi, name)
    method: Any = member.fget if isinstance(member, property) else member
    hints = get_type_hints(method, localns=_Types())
    signature = inspect.signature(method)
    _, *parameters = signature.parameters.values()  # without self
    fields = [
        (one.name, hints[one.name])
        if one.default is one.empty
        else (one.name, hints[one.name], msgspec.field(default=one.default))
        for one in parameters
        if one.name not in KEPT_BY_CALLER and runs_in is not RunsIn.CALLER
    ]
    arguments = msgspec.defstruct(
        f"{name}_arguments", fields, frozen=True, kw_only=True, forbid_unknown_fields=True
    )
    return Operation(name, runs_in, signature.replace(parameters=parameters), arguments, hints["return"])
