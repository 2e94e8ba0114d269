"""Values as JSON can hold them, and the one way in which a document is written."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec

from upriver.tui.present.console import Console

# Characters above ASCII that a terminal may act on; inside JSON strings they can always be written as \u….
_UNSAFE = re.compile(
    "[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


_AT_ONCE = 2000
"""So many items of an array are encoded together: a long one is never whole in memory."""


class Listed:
    """An array in a document, at its top level, whose *items* are made while they are written."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = iter(items)

    def pieces(self) -> Iterator[str]:
        """The text of the array."""
        separator = "["
        while piece := list(islice(self._items, _AT_ONCE)):
            yield separator
            yield _text(piece)[1:-1]
            separator = ","
        yield "[]" if separator == "[" else "]"

    def all(self) -> list[Any]:
        """All items at once."""
        return list(self._items)


def write_json(console: Console, document: Any, *, line: bool = False) -> None:
    """Write one document: indented for people at a terminal, else (or with *line*) on one line."""
    listed = isinstance(document, dict) and any(isinstance(value, Listed) for value in document.values())
    if listed and console.terminal:
        document = {name: v.all() if isinstance(v, Listed) else v for name, v in document.items()}
    elif listed:
        separator = "{"
        for name, value in document.items():
            console.raw(f"{separator}{_text(name)}:")
            for piece in value.pieces() if isinstance(value, Listed) else (_text(value),):
                console.raw(piece)
                if console.closed:  # no reader is left: the rest need not be made
                    return
            separator = ","
        console.raw("}\n")
        return
    console.raw(_text(document, indent=2 if console.terminal and not line else None) + "\n")


def _text(document: Any, *, indent: int | None = None) -> str:
    try:
        encoded = msgspec.json.encode(document)
    except UnicodeEncodeError:  # a file name that is no Unicode
        encoded = msgspec.json.encode(plain(document))
    if indent is not None:
        encoded = msgspec.json.format(encoded, indent=indent)
    return _UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], encoded.decode("utf-8"))


def plain(value: Any) -> Any:
    """A value of a table or a document as JSON can hold it.

    Decimals and integers keep every digit; NaN and infinities become null; bytes become hexadecimal; dates
    and times ISO 8601; durations seconds; the keys of a map become text.
    """
    match value:
        case None | bool():
            return value
        case str():
            # A file name that is no Unicode holds lone surrogates, which JSON can't carry.
            return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
        case float():
            return value if math.isfinite(value) else None
        case int():
            return value if -(2**63) <= value < 2**64 else msgspec.Raw(str(value).encode())
        case Decimal():
            return msgspec.Raw(format(value, "f").encode()) if value.is_finite() else None
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case UUID():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case msgspec.Raw():
            return value
        case dict():
            return {_map_key(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case _:
            return str(value)


def _map_key(key: Any) -> str:
    return key if isinstance(key, str) else str(key)


def instant(seconds: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 in UTC, to the microsecond: ``2026-01-31T09:05:00.123456Z``."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
