"""DuckDB's binder errors as diagnoses: in the words of the project, at the place in the user's file."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from upriver.assets.errors import Diagnosis, correction_of, did_you_mean
from upriver.assets.model import Key, Schema
from upriver.lineage.sql.parse.parse import located
from upriver.lineage.sql.parse.query import BoundText, Query
from upriver.lineage.sql.plan.flow import Node
from upriver.lineage.sql.text.tokens import tokens

_COLUMN = re.compile(
    r'(?:Referenced column|column|Table ".*?" does not have a column named) "(?P<name>[^"]+)"'
)
_TYPE_WORDS = (
    "No function matches",
    "Could not choose a best candidate",
    "Cannot compare",
    "Cannot combine types",
    "type mismatch",
    "Unimplemented type for cast",
    "Could not convert",
    "explicit type cast",
    "Cannot mix values",
)


def unknown_upstream(query: Query, schemas: Mapping[Key, Schema]) -> Diagnosis | None:
    """A diagnosis for the first table that is unknown, None when all are known."""
    for reference in query.references:
        if reference.key not in schemas:
            message = f"there is no asset or source {reference.key!r}"
            hint = did_you_mean(reference.key, schemas)
            found = _at(query, "unknown-table", message, reference.start, hint)
            return msgspec.structs.replace(found, correction=correction_of(reference.key, schemas))
    for file in query.files:
        if file.key not in schemas:
            message = f"the schema of {', '.join(file.patterns)} is not known"
            return _at(query, "unknown-table", message, file.start, None)
    return None


def bind_diagnosis(error: Node, query: Query, bound: BoundText, schemas: Mapping[Key, Schema]) -> Diagnosis:
    """What DuckDB said about *bound*, for the text that the user wrote."""
    message, *more = str(error["error_message"]).split("\n")
    message = message.removeprefix("Binder Error: ").removeprefix("Catalog Error: ")
    offset = bound.origin(bound.from_byte(int(error["position"]))) if "position" in error else None
    facts = tuple(line.strip() for line in more if line.strip() and not line.startswith("LINE"))
    column = _unknown_column(error)
    if column is not None:
        return _column_diagnosis(column, message, offset, query, schemas)
    code, hint = "type-error" if any(word in message for word in _TYPE_WORDS) else "sql-binding", None
    if error.get("error_type") == "catalog" and "Function" in str(error.get("type", "")):
        code, hint = "unknown-function", did_you_mean(str(error.get("name")), _candidates(error))
        message, facts = f"there is no function {error.get('name')!r}", ()
    elif message.startswith("Referenced table"):
        code = "unknown-table"
        named = re.search(r'"([^"]+)"', message)
        aliases = [r.alias or r.parts[-1] for r in query.references] + [
            f.alias or f.name for f in query.files
        ]
        hint = did_you_mean(named.group(1), aliases) if named else None
    elif "does not exist on" in message:
        code = "unknown-column"
    found = _at(query, code, message, offset, hint)
    return _with_facts(found, facts)


def run_diagnosis(message: str, query: Query, bound: BoundText) -> Diagnosis | None:
    """What DuckDB said while it ran *bound*, at its place in the text that the user wrote; None if it names none.

    DuckDB shows a line, with ``...`` for what it leaves out on either side, and a caret under it. The statement that
    ran may hold more lines than *bound*, so the line is looked for by its text.
    """
    shown = _SHOWN.search(message)
    if shown is None:
        return None
    piece = shown["piece"].removesuffix("...")
    cut = len(piece) - len(piece.removeprefix("..."))
    piece, caret = piece[cut:], len(shown["caret"]) - len(shown["label"]) - cut
    found = [at.start() for at in re.finditer(re.escape(piece), bound.text)] if piece.strip() else []
    if not found or not 0 <= caret <= len(piece):
        return None
    # Of lines that are alike, the one whose number is nearest to the one told.
    wanted = int(shown["line"])
    offset = min(found, key=lambda at: abs(bound.text.count("\n", 0, at) + 2 - wanted)) + caret
    said = message[: shown.start()].strip()
    return _at(query, "sql-run", said, bound.origin(offset), None)


_SHOWN = re.compile(r"^(?P<label>LINE (?P<line>\d+): )(?P<piece>.*)\n(?P<caret> *)\^", re.MULTILINE)


def _candidates(error: Node) -> list[str]:
    return str(error.get("candidates", "")).split(",")


def _unknown_column(error: Node) -> str | None:
    message = str(error["error_message"])
    if "rowid" in message and error.get("name") == "rowid":
        return "rowid"
    if error.get("error_subtype") == "COLUMN_NOT_FOUND" or "does not have a column" in message:
        name = error.get("name")
        found = _COLUMN.search(message)
        return str(name) if name else found.group("name") if found else None
    return None


def _column_diagnosis(
    column: str, message: str, offset: int | None, query: Query, schemas: Mapping[Key, Schema]
) -> Diagnosis:
    """An unknown column: of which upstream, when that is certain, and what is near in all of them."""
    name = column.rpartition(".")[2]
    if offset is None:
        offset = _place_of_word(query.executable, name)
    upstream = _upstream_of(query, offset, column)
    keys = query.keys()
    pool = (upstream,) if upstream is not None else keys
    known = [column.name for key in pool for column in schemas.get(key, ())]
    anywhere = [column.name for key in keys for column in schemas.get(key, ())]
    elsewhere = name.lower() in (other.lower() for other in anywhere)
    hint = None if elsewhere else did_you_mean(name, known) or did_you_mean(name, anywhere)
    if upstream is not None:
        message = f"upstream {upstream} has no column {name!r}"
    elif elsewhere:
        message = f"there is no column {name!r} where this is read"
    elif column != "rowid":
        message = f"no upstream has a column {name!r}"
    facts = tuple(
        f"{key} has: {', '.join(c.name for c in schemas[key])}" for key in pool[:3] if schemas.get(key)
    )
    found = _with_facts(_at(query, "unknown-column", message, offset, hint), facts)
    return found if offset is None else msgspec.structs.replace(found, correction=correction_of(name, known))


def _upstream_of(query: Query, offset: int | None, column: str) -> Key | None:
    """The upstream that a column was asked of: by its qualifier, or because the query reads only one."""
    names = {(r.alias or r.parts[-1]).lower(): r.key for r in query.references}
    names |= {r.key: r.key for r in query.references if r.alias is None}
    names |= {(f.alias or f.name).lower(): f.key for f in query.files}
    qualifier = column.rpartition(".")[0].lower() or _qualifier_at(query.executable, offset)
    if qualifier:
        return names.get(qualifier)
    has_subqueries = len(re.findall(r"\b(?:select|from)\b", query.executable, re.IGNORECASE)) > 2
    keys = query.keys()
    return keys[0] if len(keys) == 1 and not has_subqueries else None


def _qualifier_at(text: str, offset: int | None) -> str:
    """The dotted part before the last of the name at *offset*."""
    if offset is None:
        return ""
    parts: list[str] = []
    for index, token in enumerate(tokens(text, offset)):
        if index % 2 == 0 and token.kind in ("word", "quoted"):
            parts.append(token.name.lower())
        elif index % 2 == 0 or token.text != ".":
            break
    return ".".join(parts[:-1])


def _place_of_word(text: str, name: str) -> int | None:
    return next(
        (t.start for t in tokens(text) if t.kind in ("word", "quoted") and t.name.lower() == name.lower()),
        None,
    )


def _with_facts(diagnosis: Diagnosis, facts: tuple[str, ...]) -> Diagnosis:
    return msgspec.structs.replace(diagnosis, facts=(*facts, *diagnosis.facts))


def _at(query: Query, code: str, message: str, offset: int | None, hint: str | None) -> Diagnosis:
    return located(code, message, query, query.executable, offset, hint)
