"""Encodable reports: what a process of the project's code tells as JSON, whatever texts are in it.

Python's texts can hold halves of characters, which no encoding knows: from file names that are no UTF-8, and from
whatever code that decodes with ``surrogateescape``. They are told as escapes.
"""

from __future__ import annotations

from typing import Any

import msgspec


def encode_json(value: object) -> bytes:
    """*value* as JSON; what of its texts can't be encoded is written as ``\\udcff``."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_told(msgspec.to_builtins(value)))


def encodable(text: str) -> str:
    """*text*, with escapes for what can't be encoded."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _told(tree: Any) -> Any:
    match tree:
        case str():
            return encodable(tree)
        case dict():
            return {_told(name): _told(one) for name, one in tree.items()}
        case list() | tuple():
            return [_told(one) for one in tree]
        case _:
            return tree
