"""Memory of verdicts: which of them holds for the contents of now, though they are other versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from upriver.assets.errors import UpriverError
from upriver.assets.model import Check, Key, Predicate, Value
from upriver.assets.project.config import Scalar
from upriver.lineage.model import Footprint
from upriver.materializer.model import Located, Verdict, Version
from upriver.materializer.ports import QualityStore
from upriver.materializer.quality.rules import footprint
from upriver.materializer.quality.verdicts import rule_digest, stands, verdict_id

_PAST = 200
"""So many verdicts of a check are looked through for one on the same contents."""


class Content(Value, frozen=True):
    """One content to be read: its version, and its files where they are now."""

    version: Version
    located: Located


class Fingerprints(Protocol):
    """Fingerprints of what is read of a version (see ``freshness/comparison.py``)."""

    def fingerprint(self, key: Key, version: Version | Located, footprint: Footprint) -> str:
        """The fingerprint of *footprint* in *version* of *key*."""
        ...


class VerdictMemory:
    """Verdicts in *state*, found again by the ids of versions, else by the fingerprints of what a check reads of them.

    A fingerprint costs a pass over the columns. It is taken when it may spare a check: of an asset's earlier content
    (which *earlier* gives, newest first) only when there is another one; of a source, whose files may be gone then, at
    once. *keep* takes what is to be remembered, when that is not to be written at once.
    """

    def __init__(
        self,
        state: QualityStore,
        contents: Fingerprints,
        variables: Mapping[str, Scalar],
        earlier: Callable[[Key], Iterable[Version]],
        keep: Callable[[Mapping[str, Verdict]], None] | None = None,
    ) -> None:
        self._keep = keep or state.remember_verdicts
        self._state = state
        self._contents = contents
        self._variables = variables
        self._earlier = earlier

    def id(self, key: Key, check: Check, contents: Mapping[Key, Content]) -> str:
        """The id of the verdict of *check* on *contents*, by their versions."""
        return self._id(key, check, lambda name, read: contents[name].version.id)

    def of_same(self, key: Key, check: Check, contents: Mapping[Key, Content]) -> Verdict | None:
        """An earlier verdict on contents that are the same in all that the check reads."""
        digest = rule_digest(check, self._variables)
        past = [
            one
            for one in self._state.verdict_history(key, check.name, _PAST)
            if one.rule == digest and stands(one)
        ]
        if not past:
            return None  # there is nothing that a pass over the columns could find
        now = {name: self._subject(key, name, content) for name, content in contents.items()}
        for seen in {one.footprints: one for one in reversed(past)}.values():
            id_ = self._fingerprint_id(key, check, seen, now)
            if id_ is None:
                return None
            found = self._state.verdicts([id_]).get(id_)
            if found is not None and stands(found):
                return found
        # Of the first verdict of all no fingerprint was taken.
        first = past[-1]
        then = self._then(first)
        same = then is not None and self._fingerprint_id(key, check, first, then)
        return first if same and same == self._fingerprint_id(key, check, first, now) else None

    def _subject(self, key: Key, name: Key, content: Content) -> tuple[Version | Located, Version]:
        """What is fingerprinted: what is audited has no name in the store yet."""
        return (content.located if name == key else content.version), content.version

    def _then(self, verdict: Verdict) -> dict[Key, tuple[Version | Located, Version]] | None:
        """The contents that *verdict* is of, None when one of them is not known any more."""
        found: dict[Key, tuple[Version | Located, Version]] = {}
        for name, id_ in verdict.reads:
            version = next((one for one in self._earlier(name) if one.id == id_), None)
            if version is None:
                return None
            found[name] = (version, version)
        return found

    def remember(
        self,
        key: Key,
        found: Mapping[str, Verdict],
        ids: Mapping[str, str],
        contents: Mapping[Key, Content],
        checks: Sequence[Check],
    ) -> None:
        """Keep verdicts by the ids of versions and, where that has to be now, by fingerprints."""
        keep = {ids[name]: verdict for name, verdict in found.items()}
        known = self._state.verdicts(keep)  # what was asked for again on the same versions
        for check in checks:
            verdict = found.get(check.name)
            if verdict is None or ids[check.name] in known:
                continue
            sources = any(
                other != key and not any(True for _ in self._earlier(other)) for other in check.others
            )
            if not sources and not self._state.verdict_history(key, check.name, 1):
                continue
            now = {name: self._subject(key, name, content) for name, content in contents.items()}
            if (id_ := self._fingerprint_id(key, check, verdict, now)) is not None:
                keep[id_] = verdict
        self._keep(keep)

    def _fingerprint_id(
        self, key: Key, check: Check, seen: Verdict, contents: Mapping[Key, tuple[Version | Located, Version]]
    ) -> str | None:
        """The id of a verdict by the fingerprints of what is read: by a function as it was *seen* to read."""
        footprints = dict(seen.footprints)

        def named(name: Key, read: Footprint) -> str:
            subject, version = contents[name]
            found = self._contents.fingerprint(name, subject, footprints.get(name, read))
            # A function may ask for the columns without reading one.
            return f"{found} {version.schema}" if isinstance(check.rule, Predicate) else found

        try:
            return self._id(key, check, named)
        except UpriverError:
            return None  # what can't be read is told by the check itself

    def _id(self, key: Key, check: Check, named: Callable[[Key, Footprint], str]) -> str:
        reads = [(key, named(key, footprint(check.rule, own=True)))]
        reads += [(other, named(other, footprint(check.rule, own=other == key))) for other in check.others]
        return verdict_id(key, rule_digest(check, self._variables), reads)
