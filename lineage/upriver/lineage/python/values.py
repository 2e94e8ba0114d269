"""Values that code holds on to, written into a digest by content and never by address.

Plain data is written out. Functions, classes, modules and instances of project classes are *linked*: they
are nodes of the graph that :mod:`~upriver.lineage.python.walk` follows. Instances of library classes are
written as what they would pickle to. What has no content to write raises :class:`Unwritable`.
"""

from __future__ import annotations

import contextvars
import copyreg
import enum
import functools
import os
import re
import struct
import types
import warnings
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import PurePath
from typing import Any, Protocol


class Unwritable(Exception):
    """A value whose content can't be read: a connection, a lock, a generator. The message says what it is."""


class Sink:
    """Two digests at once of one piece of the program.

    *linked* names other pieces by their number in the walk, so it identifies the whole graph and survives
    renames of what nothing refers to by name; *own* names them by name, so it tells which piece was edited.
    """

    def __init__(self) -> None:
        self._linked = blake2b(digest_size=16)
        self._own = blake2b(digest_size=16)

    def put(self, data: bytes) -> None:
        """Add *data*, delimited."""
        framed = b"%d:%s" % (len(data), data)
        self._linked.update(framed)
        self._own.update(framed)

    def link(self, number: int, name: str) -> None:
        """Add a reference to another piece."""
        self._linked.update(f"#{number};".encode())
        self._own.update(f"#{name};".encode("utf-8", "surrogatepass"))

    def absorb(self, other: Sink) -> None:
        """Add what was put into *other*."""
        self._linked.update(b"&" + other._linked.digest())
        self._own.update(b"&" + other._own.digest())

    @property
    def linked(self) -> bytes:
        """The digest with links by number."""
        return self._linked.digest()

    @property
    def own(self) -> str:
        """The digest with links by name, in hex."""
        return self._own.hexdigest()


class Linker(Protocol):
    """The walk, as the writer of values sees it."""

    def function(self, sink: Sink, value: types.FunctionType) -> None:
        """Link or name a function written in Python."""
        ...

    def klass(self, sink: Sink, value: type) -> None:
        """Link or name a class."""
        ...

    def module(self, sink: Sink, value: types.ModuleType) -> None:
        """Link or name a module that is used as a value."""
        ...

    def instance(self, sink: Sink, value: object) -> None:
        """Link an instance of a project class."""
        ...

    def external(self, sink: Sink, module: str | None, name: str) -> None:
        """Name something of a library, and note the library's version."""
        ...

    def is_project_class(self, value: type) -> bool:
        """Whether *value* is a class written in the project."""
        ...

    def is_upriver(self, value: type) -> bool:
        """Whether *value* is one of Upriver's own classes."""
        ...

    def anonymous(self, text: str) -> str:
        """*text* without the project's location."""
        ...

    def unordered(self, values: list[object], container: object) -> list[object]:
        """*values* in an order that does not depend on hash seeds."""
        ...


_TYPE_ONLY = frozenset(
    {
        ("_thread", "lock"),
        ("_thread", "RLock"),
        ("_thread", "_local"),
        ("logging", "Logger"),
        ("logging", "RootLogger"),
        ("threading", "Condition"),
        ("threading", "Event"),
        ("threading", "Semaphore"),
        ("threading", "BoundedSemaphore"),
        ("weakref", "WeakKeyDictionary"),
        ("weakref", "WeakValueDictionary"),
        ("weakref", "WeakSet"),
    }
)
"""Library classes whose instances carry nothing that a result should depend on."""

_POLARS_TABLES = frozenset({("polars", "DataFrame"), ("polars", "Series")})
_MEMBER_TYPES = (types.MemberDescriptorType, types.GetSetDescriptorType)
_METHOD_TYPES = (types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType)
_LRU_CACHE = type(functools.lru_cache(lambda: None))
MAX_DEPTH = 150


class ValueWriter:
    """Writes values into a sink. One per sink and moment: it remembers what it is inside of."""

    def __init__(self, linker: Linker, sink: Sink) -> None:
        self._linker = linker
        self._sink = sink
        self._inside: dict[int, int] = {}

    def write(self, value: object) -> None:
        """Write *value*; raises Unwritable when its content can't be told."""
        kind = type(value)
        if kind in _ATOMS:
            self._atom(value)
            return
        depth = self._inside.get(id(value))
        if depth is not None:
            self._sink.put(f"cycle {depth}".encode())
            return
        if len(self._inside) > MAX_DEPTH:
            raise Unwritable(f"a {kind.__name__} nested more than {MAX_DEPTH} deep")
        self._inside[id(value)] = len(self._inside)
        try:
            self._compound(value, kind)
        finally:
            del self._inside[id(value)]

    def _atom(self, value: object) -> None:
        put = self._sink.put
        match value:
            case str():
                put(b"str " + self._linker.anonymous(value).encode("utf-8", "surrogatepass"))
            case float():
                put(b"float " + struct.pack("<d", value))
            case bytes() | bytearray():
                put(type(value).__name__.encode() + b" " + value)
            case _:
                put(f"{type(value).__name__} {value!r}".encode())

    def _all(self, tag: bytes, *values: object) -> None:
        self._sink.put(b"%s %d" % (tag, len(values)))
        for value in values:
            self.write(value)

    def _mapping(self, tag: bytes, value: Mapping[Any, Any]) -> None:
        self._sink.put(b"%s %d" % (tag, len(value)))
        for key, item in value.items():
            self.write(key)
            self.write(item)

    def _compound(self, value: Any, kind: type) -> None:
        linker, sink = self._linker, self._sink
        if kind in (list, tuple):
            self._all(kind.__name__.encode(), *value)
        elif kind in (dict, types.MappingProxyType):
            self._mapping(b"dict", value)
        elif kind in (set, frozenset):
            self._all(kind.__name__.encode(), *linker.unordered(list(value), value))
        elif isinstance(value, types.FunctionType):
            linker.function(sink, value)
        elif isinstance(value, types.ModuleType):
            linker.module(sink, value)
        elif isinstance(value, type) and not isinstance(value, types.GenericAlias):
            linker.klass(sink, value)
        elif not self._callable(value, kind):
            self._object(value, kind)

    def _callable(self, value: Any, kind: type) -> bool:
        """Write the kinds of callables and descriptors that Python itself makes."""
        match value:
            case types.MethodType():
                self._all(b"method", value.__func__, value.__self__)
            case types.BuiltinMethodType() if isinstance(value.__self__, types.ModuleType | None):
                self._linker.external(self._sink, value.__module__, value.__qualname__)
            case types.BuiltinMethodType() | types.MethodWrapperType():
                self._all(b"bound", value.__name__, value.__self__)
            case property():
                self._all(b"property", value.fget, value.fset, value.fdel)
            case staticmethod() | classmethod():
                self._all(kind.__name__.encode(), value.__func__)
            case functools.cached_property():
                self._all(b"cached_property", value.func)
            case functools.singledispatchmethod():
                self._all(b"singledispatchmethod", value.func, value.dispatcher)
            case _ if isinstance(value, _LRU_CACHE):
                self._all(b"lru_cache", value.__wrapped__, value.cache_parameters())
            case _ if isinstance(value, _METHOD_TYPES):
                self._all(b"descriptor", value.__objclass__, value.__name__)
            case _ if isinstance(value, _MEMBER_TYPES):
                self._sink.put(b"member " + value.__name__.encode())
            case _:
                return False
        return True

    def _object(self, value: Any, kind: type) -> None:
        linker, sink = self._linker, self._sink
        top, _, _ = kind.__module__.partition(".")
        if linker.is_upriver(kind):
            # An asset called as a function stands for that function; other declarations for their key.
            wrapped = getattr(value, "__wrapped__", None)
            self._all(b"upriver", wrapped if callable(wrapped) else str(getattr(value, "key", "")))
        elif isinstance(value, enum.Enum):
            self._all(b"enum", kind, value.name, value.value)
        elif isinstance(value, PurePath):
            self._all(b"path", kind.__name__, linker.anonymous(value.as_posix()))
        elif isinstance(value, re.Pattern):
            self._all(b"pattern", value.pattern, value.flags)
        elif kind is contextvars.ContextVar:
            # What it is where it was never set, and what importing has set it to.
            self._all(b"context variable", value.name, _held_in(contextvars.Context(), value), _held(value))
        elif (kind.__module__, kind.__name__) in _TYPE_ONLY:
            linker.external(sink, kind.__module__, kind.__qualname__)
        elif isinstance(value, os._Environ):
            linker.external(sink, "os", "environ")  # what is read of it is noted when the recipe runs
        elif linker.is_project_class(kind):
            linker.instance(sink, value)
        elif isinstance(value, types.CodeType | types.FrameType | types.GeneratorType | types.CoroutineType):
            raise Unwritable(f"a {kind.__name__}")
        elif (top, kind.__name__) in _POLARS_TABLES:
            self._all(b"polars", kind, _arrow_bytes(value))
        else:
            self._reduced(value, kind)

    def _reduced(self, value: object, kind: type) -> None:
        try:
            reducer: Callable[[object], Any] | None = copyreg.dispatch_table.get(kind)
            with warnings.catch_warnings(action="ignore"):  # Python is to stop reducing what itertools makes
                state = reducer(value) if reducer is not None else value.__reduce_ex__(2)
        except Exception as error:  # whatever a library's own pickling raises, it means "can't"
            raise Unwritable(f"a {kind.__module__}.{kind.__qualname__} ({error})") from error
        if isinstance(state, str):
            self._linker.external(self._sink, getattr(value, "__module__", kind.__module__), state)
            return
        made_by, arguments, *rest = state
        self._all(b"object", kind, made_by, arguments)
        for place, part in enumerate(rest):
            # After the state, which may be anything, come iterators of list items and of dict items.
            self.write(list(part) if place in (1, 2) and part is not None else part)


_ATOMS = frozenset(
    {type(None), bool, int, float, complex, str, bytes, bytearray, type(...), type(NotImplemented), range}
)


def _held_in(context: contextvars.Context, variable: contextvars.ContextVar[Any]) -> list[Any]:
    return context.run(_held, variable)


def _held(variable: contextvars.ContextVar[Any]) -> list[Any]:
    """What *variable* gives here, or nothing where that is an error."""
    try:
        return [variable.get()]
    except LookupError:
        return []


def _arrow_bytes(value: Any) -> bytes:
    from io import BytesIO

    frame = value.to_frame() if hasattr(value, "to_frame") else value
    out = BytesIO()
    frame.rechunk().write_ipc(out)
    return out.getvalue()
