"""The SELECT grammar, one for the command line and the filter line.

::

    SELECT  = TERM …              the union of the terms; of all assets when there is none but exclusions
    TERM    = [!] PART{,PART}     the intersection of the parts; with ! they are taken away
    PART    = [+[N]] WHAT [+[N]]  with N levels of upstream before, of downstream after (all without N)
    WHAT    = key | glob | tag:T | state:S | owner:O | kind:K | col:C
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from upriver.assets.errors import UsageError, did_you_mean
from upriver.assets.model import Asset, Key, PythonRecipe, Source, Value
from upriver.assets.project.layout import ROOM
from upriver.lineage.graph import AssetGraph
from upriver.lineage.project.broken import Broken
from upriver.materializer.model import State

_PART = re.compile(r"(?P<up>\+(?P<up_levels>\d*))?(?P<what>[^+]+?)(?P<down>\+(?P<down_levels>\d*))?")
_KINDS = ("table", "file", "source", "sql", "python")


class Part(Value, frozen=True):
    """One part of a term. *up* and *down* are levels to add; -1 stands for all, 0 for none."""

    field: str  # "key" | "tag" | "state" | "owner" | "kind" | "col"
    pattern: str
    up: int = 0
    down: int = 0


class Term(Value, frozen=True):
    """The intersection of *parts*, added or taken away."""

    parts: tuple[Part, ...]
    exclude: bool = False


@dataclass(frozen=True)
class Scope:
    """What a selection is made from. *broken* are the declarations that can't be used, as they last could be. *states*
    and *columns* are asked for only when a term needs them.
    """

    graph: AssetGraph
    assets: Mapping[Key, Asset]
    sources: Mapping[Key, Source]
    states: Callable[[], Mapping[Key, State]]
    columns: Callable[[], Mapping[Key, Collection[str]]]
    broken: Mapping[Key, Broken] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[Key, ...]:
        """Everything that can be chosen."""
        return (*self.assets, *self.sources, *self.broken)

    def declared(self, key: Key) -> Asset | Source | None:
        """What *key* is, None when that is not known."""
        if (broken := self.broken.get(key)) is not None:
            return broken.declared
        return self.assets.get(key) or self.sources.get(key)


def parse_select(texts: Iterable[str]) -> tuple[Term, ...]:
    """The terms of SELECT. Raises UsageError for what can't be one."""
    terms = []
    for text in texts:
        exclude = text.startswith("!")
        parts = tuple(_parse_part(part, text) for part in text.removeprefix("!").split(","))
        terms.append(Term(parts, exclude))
    return tuple(terms)


def _parse_part(text: str, whole: str) -> Part:
    match = _PART.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{whole!r} selects nothing: write a key, a glob (staging.*), +key, key+, tag:x, state:stale, "
            "owner:x or kind:x"
        )
    field, colon, pattern = match["what"].partition(":")
    if not colon:
        field, pattern = "key", match["what"]
    if field not in ("key", "tag", "state", "owner", "kind", "col"):
        hint = did_you_mean(field, ("tag", "state", "owner", "kind", "col"))
        raise UsageError(f"{whole!r}: {field!r} can't be selected by" + (f"; {hint}" if hint else ""))
    if field == "state" and pattern not in set(State):
        raise UsageError(f"{whole!r}: a state is one of {', '.join(State)}")
    if field == "kind" and pattern not in _KINDS:
        raise UsageError(f"{whole!r}: a kind is one of {', '.join(_KINDS)}")
    return Part(field, pattern, _levels(match, "up"), _levels(match, "down"))


def _levels(match: re.Match[str], side: str) -> int:
    if match[side] is None:
        return 0
    return int(match[f"{side}_levels"]) if match[f"{side}_levels"] else -1


def select(texts: Sequence[str], scope: Scope) -> frozenset[Key]:
    """The keys (assets and sources) that SELECT means. Raises UsageError when a term matches nothing known."""
    terms = parse_select(texts)
    only_exclusions = all(term.exclude for term in terms)
    chosen = set(scope.keys) if only_exclusions else set()
    for term in terms:
        matched = frozenset.intersection(*(_match(part, scope) for part in term.parts))
        chosen = chosen - matched if term.exclude else chosen | matched
    return frozenset(chosen)


def _match(part: Part, scope: Scope) -> frozenset[Key]:
    found = frozenset(_matching(part, scope))
    found |= _spread(found, part.up, scope.graph.upstreams)
    return found | _spread(found, part.down, scope.graph.downstreams)


def _spread(start: frozenset[Key], levels: int, step: Callable[[Key], tuple[Key, ...]]) -> frozenset[Key]:
    seen, edge = set(start), set(start)
    while edge and levels != 0:
        edge = {other for key in edge for other in step(key)} - seen
        seen |= edge
        levels -= 1
    return frozenset(seen)


def _matching(part: Part, scope: Scope) -> Iterable[Key]:
    keys = scope.keys
    pattern = part.pattern
    match part.field:
        case "key":
            return _by_key(pattern, keys)
        case "tag":
            return _bearing("tag", pattern, {key: one.tags for key, one in _declared(scope)})
        case "owner":
            owners = {key: one.owner for key, one in _declared(scope)}
            return _bearing("owner", pattern, {key: (owner,) for key, owner in owners.items() if owner})
        case "kind":
            return [key for key in keys if _is_kind(pattern, key, scope)]
        case "state":
            return [key for key, state in scope.states().items() if state == pattern]
        case _:
            return [
                key for key, names in scope.columns().items() if pattern.lower() in {n.lower() for n in names}
            ]


def _declared(scope: Scope) -> Iterator[tuple[Key, Asset | Source]]:
    for key in scope.keys:
        if (found := scope.declared(key)) is not None:
            yield key, found


def _bearing(field: str, name: str, names: Mapping[Key, Collection[str]]) -> list[Key]:
    """The keys with *name*. A name that none has is a slip of the pen, not a selection of nothing."""
    found = [key for key, its in names.items() if name in its]
    if not found:
        hint = did_you_mean(name, sorted({one for its in names.values() for one in its}))
        raise UsageError(f"no asset or source has the {field} {name!r}" + (f"; {hint}" if hint else ""))
    return found


def _is_kind(kind: str, key: Key, scope: Scope) -> bool:
    asset = scope.declared(key)
    if asset is None or isinstance(asset, Source):
        return asset is not None and kind == "source"
    if kind in ("sql", "python"):
        return isinstance(asset.recipe, PythonRecipe) == (kind == "python")
    return asset.kind == kind


def _by_key(pattern: str, keys: Collection[Key]) -> list[Key]:
    if any(char in pattern for char in "*?["):
        found = [key for key in keys if fnmatchcase(key, pattern)]
        if not found:
            raise UsageError(f"no asset or source matches {pattern!r}")
        return found
    if pattern in keys:
        return [pattern]
    hint = _meant_by(pattern, keys)
    raise UsageError(f"there is no asset or source {pattern!r}" + (f"; {hint}" if hint else ""))


def _meant_by(pattern: str, keys: Collection[Key]) -> str | None:
    """What *pattern*, which is no key, was probably meant to select."""
    as_key = pattern.removeprefix(f"{ROOM}/").replace("/", ".").rstrip(".")
    for ending in (".sql", ".py"):
        as_key = as_key.removesuffix(ending)
    inside = [key for key in keys if key.startswith(f"{as_key}.")]
    if inside:
        count = "the one in it" if len(inside) == 1 else f"the {len(inside):,} in it"
        return f"did you mean '{as_key}.*', {count}?"
    if as_key != pattern and as_key in keys:
        return f"assets are selected by their keys: did you mean {as_key!r}?"
    ends = [key for key in keys if key.endswith(f".{as_key}")]
    if ends:
        return f"did you mean {' or '.join(repr(key) for key in sorted(ends)[:3])}?"
    return did_you_mean(pattern, keys)
