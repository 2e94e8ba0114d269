"""Templates and statements of other tools in what should be a query: Jinja, and ``MODEL (…)`` blocks.

Looked for only in a text that does not parse: two braces may also stand in a query of DuckDB.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from upriver.lineage.sql.text.tokens import tokens


class Foreign(NamedTuple):
    """What was found at *offset*: a sentence, and what is written here instead."""

    offset: int
    message: str
    hint: str


_OPENING = ("{{", "{%", "{#")
_CALL = re.compile(r"\{\{-?\s*(?:\w+\.)?(\w+)\s*(?:\(([^)]*)\))?")
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_BLOCKS = ("model", "audit", "metric")
_HEADER = "options stand in the header, `/* upriver:`, below it one `name: value` a line, then `*/`"
_WRITE_OUT = "a query is no template: write it out, or compute the asset in Python"


def foreign_syntax(text: str) -> Foreign | None:
    """The first template or block of another tool in *text*, None when there is none."""
    first = True
    for token in tokens(text):
        if first and token.text.lower() in _BLOCKS and text[token.end :].lstrip().startswith("("):
            name = token.text.upper()
            message = f"{name} (…) is a statement of SQLMesh; an SQL asset is one query"
            more = "; the name is the path of the file, and how it is stored needs no word"
            return Foreign(token.start, message, _HEADER + more if name == "MODEL" else _WRITE_OUT)
        first = False
        if token.text == "{" and text[token.start : token.start + 2] in _OPENING:
            shown = _shown(text, token.start)
            return Foreign(
                token.start, f"{shown} is Jinja, which is not expanded here", _meant(text, token.start)
            )
    return None


def _shown(text: str, start: int) -> str:
    """The template at *start*, as far as it stands in one line."""
    line = text[start:].partition("\n")[0]
    closing = re.search(r"[}%#]\}", line)
    shown = line[: closing.end()] if closing else line.rstrip()
    return shown if len(shown) <= 60 else f"{shown[:57]}…"


def _meant(text: str, start: int) -> str:
    call = _CALL.match(text, start)
    if call is None:
        return _WRITE_OUT
    names = [one or other for one, other in _QUOTED.findall(call[2] or "")]
    match call[1].lower():
        case "ref":
            which = (
                f"{names[-1]}, or with its folder, such as staging.{names[-1]}" if names else "staging.orders"
            )
            return f"an asset is read by its key: from {which}"
        case "source":
            return f"a source is read by its key: from {'.'.join(names) if names else 'raw.orders'}"
        case "config":
            return _HEADER
        case "var":
            name = names[0] if names else "name"
            return f"a variable is read by getvariable('{name}'); its value stands in [variables] of upriver.toml"
        case "env_var":
            return "a query reads no environment variable: put the value into [variables] of upriver.toml"
        case "this" | "is_incremental":
            return "write the whole query: what has not changed is not built again"
        case _:
            return _WRITE_OUT
