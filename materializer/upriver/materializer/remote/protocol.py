"""Questions to a session in another process and its answers, as bytes: msgpack of the values that both sides know.

What is decoded has the type that its question is answered with, or is refused: nothing that is read here is code.
"""

from __future__ import annotations

import datetime as dates
import decimal
import uuid
from collections.abc import Callable, Mapping, Sequence
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
from upriver.assets.model import Key, Source, Value
from upriver.lineage.refactoring.fix import Fix
from upriver.lineage.refactoring.rename.values import ColumnRenaming, Renaming
from upriver.materializer.answers import (
    AssetStatus,
    BuildResult,
    Comparison,
    Costs,
    Explanation,
    HistoryEntry,
    Impacts,
    LineageView,
    LogLine,
    Plan,
    Profile,
    RunEntry,
    Table,
)
from upriver.materializer.events import Event

ANSWERS: Mapping[str, Any] = {
    "name": str,
    "revision": str,
    "diagnoses": tuple[Diagnosis, ...],
    "sources": tuple[Source, ...],
    "keys": tuple[Key, ...],
    "build": BuildResult,
    "status": tuple[AssetStatus, ...],
    "plan": Plan,
    "why": Explanation,
    "lineage": LineageView,
    "impact": Impacts,
    "dropping": Impacts,
    "columns": tuple[str, ...],
    "sql": Table,
    "preview": Table,
    "profile": Profile,
    "compare": Comparison,
    "recipe_text": tuple[str, str],
    "history": tuple[HistoryEntry, ...],
    "runs": tuple[RunEntry, ...],
    "run": RunEntry,
    "cost": Costs,
    "log": tuple[LogLine, ...],
    "renaming": Renaming,
    "rename": None,
    "column_renaming": ColumnRenaming,
    "rename_column": None,
    "fix": Fix,
    "apply_fix": None,
}
"""What can be asked, and the type of the answer."""

_ARGUMENTS: Mapping[str, Any] = {
    "rename": tuple[Renaming],
    "rename_column": tuple[ColumnRenaming],
    "apply_fix": tuple[Fix],
}
"""The types of arguments that are more than texts, numbers and sequences of them."""

_ERRORS: Mapping[str, type[UpriverError]] = {
    one.__name__: one for one in (UsageError, AssetError, StoreError, BusyError, UpriverError)
}
_LENGTH = 8


class Question(Value, frozen=True):
    """What is asked: a name of :data:`ANSWERS` with its arguments."""

    name: str
    arguments: msgspec.Raw
    options: dict[str, Any]


class Told(Value, frozen=True, tag="told"):
    """What happens in a build, told while it goes on."""

    event: Event


class Answer(Value, frozen=True, tag="answer"):
    """What came of it: *value*, or an *error* (the name of its class) with its *message*, or its *diagnoses*."""

    value: msgspec.Raw = msgspec.Raw(b"\xc0")
    error: str = ""
    message: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()


def send(pipe: IO[bytes], message: Question | Answer | Told) -> None:
    """Write *message*. Raises OSError when nobody reads."""
    text = msgspec.msgpack.encode(message)
    pipe.write(len(text).to_bytes(_LENGTH, "little") + text)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes:
    """What :func:`send` has written at the other end. Raises EOFError when that has ended."""
    length = pipe.read(_LENGTH)
    text = pipe.read(int.from_bytes(length, "little"))
    if len(length) < _LENGTH or not text:
        raise EOFError
    return text


def question(name: str, arguments: Sequence[object], options: Mapping[str, Any]) -> Question:
    """The question as it is sent."""
    return Question(name, msgspec.Raw(msgspec.msgpack.encode(list(arguments))), dict(options))


def read_question(text: bytes) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Name, arguments and options of a question."""
    found = msgspec.msgpack.decode(text, type=Question)
    type_ = _ARGUMENTS.get(found.name, tuple[Any, ...])
    return found.name, msgspec.msgpack.decode(found.arguments, type=type_), found.options


def answer(value: object) -> Answer:
    """*value* as it is sent."""
    if isinstance(value, Table):
        value = msgspec.structs.replace(value, rows=tuple(tuple(map(_wrapped, row)) for row in value.rows))
    return Answer(msgspec.Raw(msgspec.msgpack.encode(value)))


def failure(error: Exception) -> Answer:
    """*error* as it is sent: one of ours as what it is, any other by its words."""
    if isinstance(error, DeclarationError):
        return Answer(error=DeclarationError.__name__, diagnoses=error.diagnoses)
    for name, known in _ERRORS.items():
        if isinstance(error, known):
            return Answer(error=name, message=str(error))
    return Answer(error=RuntimeError.__name__, message=f"{type(error).__name__}: {error}")


def read_answer(name: str, text: bytes) -> Any:
    """The value that answers the question *name*. Raises the error that is the answer instead."""
    return _value(name, msgspec.msgpack.decode(text, type=Answer))


def read_told(text: bytes) -> Told | Answer:
    """What a build tells: an event, or in the end its answer."""
    found: Told | Answer = _decode_told(text)
    return found


def build_result(answer: Answer) -> BuildResult:
    """How the build went. Raises the error that is the answer instead."""
    found: BuildResult = _value("build", answer)
    return found


_decode_told = msgspec.msgpack.Decoder(Told | Answer).decode


def _value(name: str, found: Answer) -> Any:
    if found.error == DeclarationError.__name__:
        raise DeclarationError(found.diagnoses)
    if found.error:
        raise _ERRORS.get(found.error, RuntimeError)(found.message)
    return msgspec.msgpack.decode(found.value, type=ANSWERS[name], ext_hook=_unwrapped)


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
