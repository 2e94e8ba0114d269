"""The filter line: the command line's SELECT grammar, where a plain word is any part of a key.

Words narrow: ``orders pay`` are the keys with both in them. Terms of the grammar add to each other, a comma narrows
them, ``!`` takes away: ``tag:daily tag:hourly pay !raw`` are those of either tag with ``pay`` in their key, but none
with ``raw``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from upriver.assets.errors import UsageError
from upriver.assets.model import Key
from upriver.materializer.answers import AssetStatus
from upriver.materializer.selection import Part, Term, parse_select


class Unanswered(Exception):
    """A term needs what only the session knows; *columns* are the names asked for."""

    def __init__(self, columns: frozenset[str]) -> None:
        super().__init__()
        self.columns = columns


def matching(
    text: str,
    keys: Sequence[Key],
    statuses: Mapping[Key, AssetStatus],
    with_column: Mapping[str, Collection[Key]] | None = None,
) -> Sequence[Key]:
    """Those of *keys* (in their order) that the filter line *text* lets through.

    *with_column* are the assets that have a column, by its name. Raises UsageError for what can't be read,
    and Unanswered for columns that are not in *with_column*.
    """
    words = text.split()
    if not words:
        return keys
    if len(words) == 1 and words[0].replace("_", "").isalnum():
        word = words[0].lower()  # what is typed first and most: no grammar in it
        return [key for key in keys if word in key]
    terms = parse_select(words)
    known = with_column or {}
    asked = {part.pattern for term in terms for part in term.parts if part.field == "col"}
    if unknown := asked - known.keys():
        raise Unanswered(frozenset(unknown))
    narrowing = [term.parts[0].pattern.lower() for term in terms if _is_word(term)]
    terms = tuple(term for term in terms if not _is_word(term))
    chosen: set[Key] | None = set(keys) if all(term.exclude for term in terms) else None
    for term in terms:
        found = set.intersection(*(_match(part, keys, statuses, known) for part in term.parts))
        if chosen is None:
            chosen = found
        elif term.exclude:
            chosen -= found
        else:
            chosen |= found
    assert chosen is not None
    return [key for key in keys if key in chosen and all(word in key for word in narrowing)]


def problem(text: str) -> str | None:
    """Why *text* can't be read, or None."""
    try:
        parse_select(text.split())
    except UsageError as error:
        return str(error)
    return None


def _is_word(term: Term) -> bool:
    """Whether it is a piece of a key and nothing else."""
    first, *others = term.parts
    spreads = term.exclude or first.up != 0 or first.down != 0
    return not others and first.field == "key" and not spreads and not set(first.pattern) & set("*?[")


def _match(
    part: Part,
    keys: Sequence[Key],
    statuses: Mapping[Key, AssetStatus],
    with_column: Mapping[str, Collection[Key]],
) -> set[Key]:
    if part.field == "col":
        found = set(with_column[part.pattern])
    elif part.field == "key":
        found = _by_key(part.pattern.lower(), keys)
    else:
        test = _TESTS[part.field]
        found = {key for key in keys if test(statuses[key], part.pattern)}
    up = _spread(found, part.up, lambda key: statuses[key].upstreams)
    return found | up | _spread(found, part.down, lambda key: statuses[key].downstreams)


def _by_key(pattern: str, keys: Sequence[Key]) -> set[Key]:
    if any(character in pattern for character in "*?["):
        return {key for key in keys if fnmatchcase(key, pattern)}
    containing = {key for key in keys if pattern in key}
    return {pattern} if pattern in containing else containing


_TESTS: Mapping[str, Callable[[AssetStatus, str], bool]] = {
    "state": lambda status, value: status.state == value,
    "tag": lambda status, value: value in status.tags,
    "owner": lambda status, value: status.owner == value,
    "kind": lambda status, value: value in (status.kind, status.engine),
}


def _spread(start: set[Key], levels: int, step: Callable[[Key], tuple[Key, ...]]) -> set[Key]:
    """What lies within *levels* steps of *start* (-1: any number)."""
    seen, edge = set(start), set(start)
    while edge and levels != 0:
        edge = {other for key in edge for other in step(key)} - seen
        seen |= edge
        levels -= 1
    return seen
