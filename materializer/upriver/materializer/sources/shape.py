"""Shapes of text sources compared: what fits, what is wider without loss, and what is something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from upriver.assets.model import Column
from upriver.materializer.ports.connector import Shape

NOTHING = '"NULL"'
"""The type of a column without a value."""

_INTEGERS = (
    "TINYINT",
    "UTINYINT",
    "SMALLINT",
    "USMALLINT",
    "INTEGER",
    "UINTEGER",
    "BIGINT",
    "UBIGINT",
    "HUGEINT",
)


class Retyped(NamedTuple):
    """A column that was of type *then*; *file* holds it as *now*, which *then* can't hold, nor be widened to."""

    file: str
    column: str
    then: str
    now: str


class Merged(NamedTuple):
    """A shape with what a file adds to it; *added*, *widened* and *retyped* say how, *missing* what the file lacks."""

    columns: tuple[Column, ...]
    added: tuple[str, ...]
    widened: tuple[tuple[str, str, str], ...]
    missing: tuple[str, ...]
    retyped: tuple[Retyped, ...]


def merge(then: tuple[Column, ...], now: tuple[Column, ...], file: str, *, by_name: bool) -> Merged:
    """The columns *then* with those that *file* has *now*, in the order in which they were first seen.

    Names are compared as SQL does; without names (*by_name*) places are.
    """
    found = matched(then, now, by_name=by_name)
    columns: list[Column] = []
    widened: list[tuple[str, str, str]] = []
    retyped: list[Retyped] = []
    missing = tuple(column.name for column in then if column.name not in found)
    for column in then:
        seen = found.get(column.name)
        wide = column.type if seen is None else wider(column.type, seen.type)
        if wide is None:
            assert seen is not None
            retyped.append(Retyped(file, column.name, column.type, seen.type))
        elif wide != column.type:
            widened.append((column.name, column.type, wide))
        columns.append(Column(column.name, column.type if wide is None else wide))
    taken = {column.name for column in found.values()}
    added = tuple(column for column in now if column.name not in taken)
    return Merged((*columns, *added), tuple(c.name for c in added), tuple(widened), missing, tuple(retyped))


def matched(then: Iterable[Column], now: Iterable[Column], *, by_name: bool) -> Mapping[str, Column]:
    """The column of *now* that is each of *then*, by the latter's name, where there is one."""
    if not by_name:
        return {one.name: other for one, other in zip(then, now, strict=False)}
    exact = {column.name: column for column in now}
    loose = {column.name.casefold(): column for column in now}
    found = {}
    for one in then:
        if (other := exact.get(one.name) or loose.get(one.name.casefold())) is not None:
            found[one.name] = other
    return found


def wider(then: str, now: str) -> str | None:
    """The type that holds every value of both without changing one; None when there is none."""
    if then == now or now == NOTHING:
        return then
    if then == NOTHING:
        return now
    if then in ("VARCHAR", "JSON") and _scalar(now):
        return then  # kept as it is written
    if then in _INTEGERS and now in _INTEGERS:
        return max(then, now, key=_INTEGERS.index) if _signed_alike(then, now) else "HUGEINT"
    for one, other in ((then, now), (now, then)):
        if one == "DATE" and other == "TIMESTAMP":
            return other
        if one in _INTEGERS and other in ("DOUBLE", "FLOAT"):
            return "DOUBLE"
        if one in _INTEGERS and other.startswith("DECIMAL("):
            return "DOUBLE" if other != "DECIMAL(38,0)" else other
    return _nested(then, now)


def _scalar(type: str) -> bool:
    return not type.endswith("]") and not type.startswith(("STRUCT(", "MAP("))


def _signed_alike(one: str, other: str) -> bool:
    return one.startswith("U") == other.startswith("U")


def _nested(then: str, now: str) -> str | None:
    import duckdb

    if _scalar(then) or _scalar(now):
        return None
    one, other = duckdb.sqltype(then), duckdb.sqltype(now)
    if one.id != other.id:
        return None
    if one.id == "list":
        inner = wider(str(one.children[0][1]), str(other.children[0][1]))
        return None if inner is None else f"{inner}[]"
    if one.id == "map":
        parts = [wider(str(a[1]), str(b[1])) for a, b in zip(one.children, other.children, strict=True)]
        return None if None in parts else f"MAP({parts[0]}, {parts[1]})"
    if one.id != "struct":
        return None
    fields = {str(name): str(type) for name, type in one.children}
    seen = {str(name): str(type) for name, type in other.children}
    if not fields.keys() <= seen.keys():
        return None
    merged = {name: wider(type, seen[name]) for name, type in fields.items()}
    if None in merged.values():
        return None
    merged.update({name: type for name, type in seen.items() if name not in merged})
    return f"STRUCT({', '.join(f'{_quoted(name)} {type}' for name, type in merged.items())})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def digest(shape: Shape) -> str:
    """A short name of *shape*: what was read with another one is read again."""
    import hashlib

    return hashlib.blake2b(msgspec.json.encode(shape), digest_size=8).hexdigest()
