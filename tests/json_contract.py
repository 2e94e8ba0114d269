"""The contract of the JSON documents, read from ``docs/json.md``: the shapes that tests hold documents against."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).parents[1] / "docs" / "json.md"
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "text": str,
    "key": str,
    "moment": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "row": dict,
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Section(NamedTuple):
    """One entry of the page: a *shape* where it has one, and the names (fields or words) that it explains."""

    shape: Any
    names: tuple[str, ...]
    text: str


@cache
def chapters() -> Mapping[str, Mapping[str, Section]]:
    """The page: chapters, and in each its sections by name."""
    found: dict[str, dict[str, Section]] = {}
    for chapter in re.split(r"^## ", PAGE.read_text(), flags=re.M)[1:]:
        title, _, body = chapter.partition("\n")
        sections = re.split(r"^### ", body, flags=re.M)[1:]
        found[title] = {
            name.strip("`"): _section(text) for name, _, text in (s.partition("\n") for s in sections)
        }
    return found


def _section(text: str) -> Section:
    block = re.search(r"^```json\n(.*?)^```", text, flags=re.M | re.S)
    bullets = re.findall(r"^- ((?:`\w+`(?:, )?)+):", text, flags=re.M)
    names = tuple(name for bullet in bullets for name in re.findall(r"`(\w+)`", bullet))
    return Section(json.loads(block[1]) if block else None, names, text)


def documents() -> Mapping[str, Section]:
    """The document of each command."""
    return chapters()["Commands"]


def parts() -> Mapping[str, Section]:
    """The shapes that documents share."""
    return chapters()["Parts"]


def words() -> Mapping[str, Section]:
    """The sets of words that documents share."""
    return chapters()["Words"]


def fields_of(shape: Any) -> set[str]:
    """The names of all fields in a shape, without those of the parts that it names."""
    if isinstance(shape, dict):
        return set(shape).union(*map(fields_of, shape.values()))
    if isinstance(shape, list):
        return set().union(*map(fields_of, shape))
    return set()


def check(value: Any, shape: Any, path: str = "$", *, exact: bool = True) -> None:
    """Fail unless *value* has *shape*. With *exact* no object has a field more than its shape."""
    match shape:
        case dict():
            assert isinstance(value, dict), path
            more, less = set(value) - set(shape), set(shape) - set(value)
            assert not less, f"{path}: there is no {less}"
            assert not (exact and more), f"{path}: {more} is not in docs/json.md"
            for key in shape:
                check(value[key], shape[key], f"{path}.{key}", exact=exact)
        case list():
            assert isinstance(value, list), path
            assert shape or not value, path
            for i, item in enumerate(value):
                check(item, shape[0], f"{path}[{i}]", exact=exact)
        case _:
            _check_one_of(value, shape, path, exact=exact)


def _check_one_of(value: Any, shape: str, path: str, *, exact: bool) -> None:
    choices = shape.split(" | ")
    if value is None:
        assert "null" in choices, f"{path}: it is null"
        return
    if shape.startswith("'"):
        assert value in [choice.strip("'") for choice in choices], f"{path}: {value!r}"
        return
    (choice,) = (choice for choice in choices if choice != "null")
    if choice.startswith("["):
        check(value, [choice[1:-1]], path, exact=exact)
    elif choice in parts():
        check(value, parts()[choice].shape, path, exact=exact)
    elif choice in words():
        assert value in words()[choice].names, f"{path}: {value!r} is no {choice}"
    else:
        assert isinstance(value, TYPES[choice]), f"{path}: {value!r}"
        assert isinstance(value, bool) == (choice == "boolean"), f"{path}: {value!r}"
        assert choice != "moment" or MOMENT.fullmatch(str(value)), f"{path}: {value!r}"


def check_document(value: Any, name: str, *, exact: bool = True) -> None:
    """Fail unless *value* is the document *name* of the contract."""
    check(value, documents()[name].shape, exact=exact)
