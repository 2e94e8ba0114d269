"""JSON of any depth. What is deeper than a recursive codec can go is read and written with a stack of its own."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_TOKEN = re.compile(r'[\[\]{}:,]|"(?:[^"\\]|\\.)*"|[^\s\[\]{}:,"]+')


def decode(text: str) -> Any:
    """The value of a JSON *text* that is known to be valid. Raises what msgspec raises where it is not."""
    try:
        return _decode(text)
    except RecursionError:
        return _decode_deep(text)


def encode(value: Any) -> str:
    """The JSON of *value*, made of dicts with text keys, lists and scalars, as msgspec writes it."""
    try:
        return _encode(value).decode()
    except RecursionError:
        return _encode_deep(value)


def _decode_deep(text: str) -> Any:
    outermost: list[Any] = []
    open_: list[list[Any] | dict[str, Any]] = [outermost]
    keys: list[str | None] = [None]
    for found in _TOKEN.finditer(text):
        token = found.group()
        first = token[0]
        if first in ",:":
            continue
        if first in "]}":
            open_.pop()
            keys.pop()
            continue
        value: Any
        if first == '"':
            value = token[1:-1] if "\\" not in token else _decode(token)
        elif first == "{":
            value = {}
        elif first == "[":
            value = []
        else:
            value = _decode(token)
        inside = open_[-1]
        if isinstance(inside, list):
            inside.append(value)
        elif (key := keys[-1]) is None:
            keys[-1] = value
            continue
        else:
            inside[key] = value
            keys[-1] = None
        if first in "{[":
            open_.append(value)
            keys.append(None)
    return outermost[0]


def _encode_deep(value: Any) -> str:
    written: list[str] = []
    waiting: list[tuple[bool, Any]] = [(False, value)]  # whether a part is text already, and the part
    while waiting:
        done, part = waiting.pop()
        if done:
            written.append(part)
        elif isinstance(part, dict):
            pieces: list[tuple[bool, Any]] = [(True, "{")]
            for name, inner in part.items():
                pieces += [(True, ("," if len(pieces) > 1 else "") + encode(name) + ":"), (False, inner)]
            pieces.append((True, "}"))
            waiting += reversed(pieces)
        elif isinstance(part, list | tuple):
            pieces = [(True, "[")]
            for inner in part:
                pieces += [(True, ",")] * (len(pieces) > 1) + [(False, inner)]
            pieces.append((True, "]"))
            waiting += reversed(pieces)
        else:
            written.append(_encode(part).decode())
    return "".join(written)
