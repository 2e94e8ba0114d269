"""Names to keys: which upstreams a recipe reads, and a diagnosis for every name that means nothing or two
things.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType

import msgspec

from upriver.assets.errors import Diagnosis, correction_of, did_you_mean
from upriver.assets.model import Asset, FileLocation, Input, Key, PythonRecipe, Source
from upriver.lineage.project.manifest import SqlModule
from upriver.lineage.sql.parse.query import FileRead

_NOTHING: Mapping[Key, str | None] = MappingProxyType({})


class Names:
    """All keys of a project, those of broken declarations included, and the ways in which a parameter can mean one.

    *unread* are the texts of modules that could not be loaded, by the key that stands for each; None is a text that is
    not known either.
    """

    def __init__(self, keys: Iterable[Key], unread: Mapping[Key, str | None] = _NOTHING) -> None:
        self.keys = frozenset(keys)
        self._unread = unread

    @cached_property
    def _by_parameter(self) -> dict[str, set[Key]]:
        found: defaultdict[str, set[Key]] = defaultdict(set)
        for key in self.keys:
            parts = key.split(".")
            for start in range(len(parts)):
                found["_".join(parts[start:])].add(key)
        return dict(found)

    def of_parameter(self, name: str, own: Key) -> set[Key]:
        """The keys that parameter *name* of asset *own* can mean: the key itself, else those that end in it.

        ``orders`` means ``orders`` or the only ``….orders``; ``raw_orders`` also ``raw.orders``.
        """
        if name in self.keys and name != own:
            return {name}
        return self._by_parameter.get(name, set()) - {own}

    def missing(self, name: str) -> bool:
        """Whether *name*, a key or a parameter, surely means nothing."""
        return name not in self.keys and not self.perhaps(name)

    def perhaps(self, name: str) -> frozenset[Key]:
        """The keys that stand for the modules which may declare what *name* means.

        To report what a broken module would have declared would bury one mistake under its consequences. It may
        declare whatever its text names.
        """
        if not self._unread or name in self.keys:
            return frozenset()
        words = name.rpartition(".")[2].split("_")
        # raw_orders can mean raw.orders, and a loop may have put the key together.
        ends = "|".join(re.escape("_".join(words[start:])) for start in range(len(words)))
        named = re.compile(rf"\b({ends})\b")
        return frozenset(key for key, text in self._unread.items() if text is None or named.search(text))

    def suggestion(self, name: str) -> str | None:
        """The nearest key, as a hint."""
        return did_you_mean(name, self.keys)


def resolve_python(asset: Asset, recipe: PythonRecipe, names: Names) -> tuple[Asset, list[Diagnosis]]:
    """*asset* with the key of every input filled in."""
    inputs: list[Input] = []
    problems: list[Diagnosis] = []
    for one in recipe.inputs:
        if one.key is not None:
            if names.missing(one.key):
                problems.append(
                    Diagnosis(
                        "unknown-upstream",
                        f"{asset.key}: parameter {one.parameter!r} is to read {one.key!r}, which is no asset or source",
                        asset.place,
                        hint=names.suggestion(one.key),
                        key=asset.key,
                    )
                )
            inputs.append(one)
            continue
        found = names.of_parameter(one.parameter, asset.key)
        if len(found) == 1:
            inputs.append(msgspec.structs.replace(one, key=next(iter(found))))
        elif found or not names.perhaps(one.parameter):
            problems.append(_unresolved(asset, one, found, names))
        else:
            inputs.append(one)
    return msgspec.structs.replace(
        asset, recipe=msgspec.structs.replace(recipe, inputs=tuple(inputs))
    ), problems


def _unresolved(asset: Asset, one: Input, found: Collection[Key], names: Names) -> Diagnosis:
    if found:
        return Diagnosis(
            "ambiguous-upstream",
            f"{asset.key}: parameter {one.parameter!r} can mean {' or '.join(sorted(found))}",
            asset.place,
            hint=f'say which: @asset(inputs={{"{one.parameter}": "{sorted(found)[0]}"}})',
            key=asset.key,
        )
    return Diagnosis(
        "unknown-upstream",
        f"{asset.key}: parameter {one.parameter!r} matches no asset or source",
        asset.place,
        hint=names.suggestion(one.parameter)
        or f'name it: @asset(inputs={{"{one.parameter}": "some.key"}}), or declare a source',
        key=asset.key,
    )


def check_mentions(module: SqlModule, names: Names) -> list[Diagnosis]:
    """A diagnosis for every table name of a query that is no key."""
    asset = module.asset
    assert asset is not None
    problems = []
    for mention in module.mentions:
        if mention.key == asset.key:
            problems.append(
                Diagnosis(
                    "cycle",
                    f"{asset.key} reads itself",
                    mention.place,
                    hint="an asset is computed from its upstreams alone; split it, or read the source of its rows",
                    key=asset.key,
                )
            )
        elif names.missing(mention.key):
            problems.append(
                Diagnosis(
                    "unknown-upstream",
                    f"{asset.key} reads {mention.key!r}, which is no asset or source",
                    mention.place,
                    hint=names.suggestion(mention.key)
                    or "declare it: source(...) in a Python module under assets/",
                    key=asset.key,
                    correction=correction_of(mention.key, names.keys - {asset.key}),
                )
            )
    return problems


def file_source(read: FileRead) -> Source:
    """The source that a file read in a query becomes by itself."""
    location = FileLocation(read.patterns, read.format, read.scan)
    description = f"Read as {read.call} in a query."
    return Source(read.key, location, read.place, description=description, derived=True)
