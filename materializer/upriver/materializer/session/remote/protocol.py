"""Messages between a client and its server process: questions, answers, and the events of a build, in msgpack.

A question names an operation and carries its arguments as the Struct of :mod:`operation_table`; the answer has the
type that the operation declares. What has another type is refused, and nothing that is read here is code.
"""

from __future__ import annotations

import datetime as dates
import decimal
import uuid
from collections.abc import Callable, Mapping
from typing import IO, Any

import msgspec

from upriver.assets.errors import (
    AssetError,
    BusyError,
    DeclarationError,
    Diagnosis,
    StoreError,
    UpriverError,
    UsageError,
)
from upriver.assets.model import Key, Value
from upriver.materializer.answers import Table
from upriver.materializer.events import Event
from upriver.materializer.session.remote.operation_table import KEPT_BY_CALLER, Operation, operation

_ERRORS: Mapping[str, type[UpriverError]] = {
    one.__name__: one for one in (UsageError, AssetError, StoreError, BusyError, UpriverError)
}
_LENGTH = 8


class Question(Value, frozen=True):
    """The name of an operation, and its arguments."""

    name: str
    arguments: msgspec.Raw


class Stop(Value, frozen=True, tag="stop"):
    """A request to a build: stop."""


class Drop(Value, frozen=True, tag="drop"):
    """A request to a build: leave out *asset*, go on with the rest."""

    asset: Key


class Happened(Value, frozen=True, tag="event"):
    """An event of a build that goes on."""

    event: Event


class Answer(Value, frozen=True, tag="answer"):
    """The end of an operation: its *value*, or an *error* (the name of its class) with its *message* or *diagnoses*."""

    value: msgspec.Raw = msgspec.Raw(b"\xc0")
    error: str = ""
    message: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()


def send(pipe: IO[bytes], message: Question | Stop | Drop | Answer | Happened) -> None:
    """Write *message*. Raises OSError when the other process has ended."""
    text = msgspec.msgpack.encode(message)
    pipe.write(len(text).to_bytes(_LENGTH, "little") + text)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes:
    """Read what :func:`send` has written at the other end. Raises EOFError when that has ended."""
    length = pipe.read(_LENGTH)
    text = pipe.read(int.from_bytes(length, "little"))
    if len(length) < _LENGTH or not text:
        raise EOFError
    return text


def question(asked: Operation, arguments: Mapping[str, object]) -> Question:
    """The question for *asked* with *arguments* by name; what the caller keeps to itself is left out."""
    sent = {name: value for name, value in arguments.items() if name not in KEPT_BY_CALLER}
    return Question(asked.name, msgspec.Raw(msgspec.msgpack.encode(asked.arguments(**sent))))


def read_question(text: bytes) -> tuple[Operation, dict[str, Any]]:
    """The operation that is asked for, and its arguments by name, each of its declared type.

    Raises LookupError for an unknown operation, msgspec.ValidationError for arguments of another type.
    """
    found = msgspec.msgpack.decode(text, type=Question)
    asked = operation(found.name)
    arguments = msgspec.msgpack.decode(found.arguments, type=asked.arguments)
    return asked, {name: getattr(arguments, name) for name in arguments.__struct_fields__}


def answer(value: object) -> Answer:
    """*value* as an answer."""
    if isinstance(value, Table):
        value = msgspec.structs.replace(value, rows=tuple(tuple(map(_wrapped, row)) for row in value.rows))
    return Answer(msgspec.Raw(msgspec.msgpack.encode(value)))


def failure(error: Exception) -> Answer:
    """*error* as an answer: an error of Upriver keeps its class, any other only its message."""
    if isinstance(error, DeclarationError):
        return Answer(error=DeclarationError.__name__, diagnoses=error.diagnoses)
    for name, known in _ERRORS.items():
        if isinstance(error, known):
            return Answer(error=name, message=str(error))
    return Answer(error=RuntimeError.__name__, message=f"{type(error).__name__}: {error}")


def read_answer(asked: Operation, text: bytes) -> object:
    """The value that answers *asked*. Raises the error that is the answer instead."""
    return value_of(asked, msgspec.msgpack.decode(text, type=Answer))


_decode_happened = msgspec.msgpack.Decoder(Happened | Answer).decode
_decode_request = msgspec.msgpack.Decoder(Stop | Drop).decode


def read_happened(text: bytes) -> Happened | Answer:
    """A message of a build server: an event, or in the end its answer."""
    found: Happened | Answer = _decode_happened(text)
    return found


def read_request(text: bytes) -> Stop | Drop:
    """A message to a build server that builds."""
    found: Stop | Drop = _decode_request(text)
    return found


def value_of(asked: Operation, found: Answer) -> object:
    """The value that *found* holds for *asked*. Raises the error that it holds instead."""
    if found.error == DeclarationError.__name__:
        raise DeclarationError(found.diagnoses)
    if found.error:
        raise _ERRORS.get(found.error, RuntimeError)(found.message)
    value: object = msgspec.msgpack.decode(found.value, type=asked.answer, ext_hook=_unwrapped)
    return value


# -- values of tables ----------------------------------------------------------------------------------------
_KINDS: tuple[tuple[type, Callable[[Any], str], Callable[[str], Any]], ...] = (
    (dates.datetime, lambda value: value.isoformat(), dates.datetime.fromisoformat),
    (dates.date, lambda value: value.isoformat(), dates.date.fromisoformat),
    (dates.time, lambda value: value.isoformat(), dates.time.fromisoformat),
    (decimal.Decimal, str, decimal.Decimal),
    (uuid.UUID, str, uuid.UUID),
    (int, str, int),
    (
        dates.timedelta,
        lambda value: f"{value.days} {value.seconds} {value.microseconds}",
        lambda text: dates.timedelta(*map(int, text.split())),
    ),
)
"""Types that msgpack has not, with how they are written and read. The first that fits counts."""

_TUPLE, _PAIRS = 100, 101


def _wrapped(value: Any) -> Any:
    """*value* so that :func:`_unwrapped` gives it back with its type."""
    if value is None or isinstance(value, str | bytes | bool | float):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return value
    if isinstance(value, list):
        return [_wrapped(one) for one in value]
    if isinstance(value, tuple):
        return msgspec.msgpack.Ext(_TUPLE, msgspec.msgpack.encode([_wrapped(one) for one in value]))
    if isinstance(value, dict):
        pairs = [[_wrapped(key), _wrapped(one)] for key, one in value.items()]
        return msgspec.msgpack.Ext(_PAIRS, msgspec.msgpack.encode(pairs))
    for code, (type_, write, _) in enumerate(_KINDS):
        if isinstance(value, type_):
            return msgspec.msgpack.Ext(code, write(value).encode())
    return str(value)


def _unwrapped(code: int, data: memoryview) -> Any:
    if code == _TUPLE:
        return tuple(msgspec.msgpack.decode(data, ext_hook=_unwrapped))
    if code == _PAIRS:
        return dict(msgspec.msgpack.decode(data, ext_hook=_unwrapped))
    return _KINDS[code][2](str(data, "utf-8"))
