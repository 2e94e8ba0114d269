"""The one decision: is this asset fresh, and if not, why? Pure; whatever needs data is asked of a provider.

An asset is fresh when its trace *verifies*: same recipe, same external inputs, and for every upstream the
recorded footprint has today the content that it had. Nothing else (times, neighbours, rebuilds) matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeAlias

import msgspec

from upriver.assets.identity import Node
from upriver.assets.model import Column, Key, Schema, Value
from upriver.materializer.model import (
    PYTHON,
    Cause,
    Materialization,
    Read,
    Reason,
    Reasons,
    State,
    Trace,
    Version,
)

EACH_BUILD = "each build"
"""The environment value that never verifies: what it stands for changes with every build."""

DAY = "day:"
"""Prefix of environment names whose value is today's date."""


VARIABLE = "env:"
"""Prefix of environment names that are environment variables, by a digest of their value."""

FILE = "file:"
"""Prefix of environment names that are files of the project which a recipe read without declaring them."""

KIND = "kind:"
"""Prefix of environment names that are paths of which a recipe asked whether and what something is there."""

LINK = "link:"
"""Prefix of environment names that are paths of which a recipe asked where they lead."""

STAT = "stat:"
"""Prefix of environment names that are paths of which a recipe asked for the size or the time."""

NAMES = "names:"
"""Prefix of environment names that are folders of which a recipe may see all names, however deep."""

LISTING = "listing:"
"""Prefix of environment names that are folders of which a recipe may see the names directly in them."""

MATCHES = "files:"
"""Prefix of environment names that are patterns: a recipe may read all files that they fit, and each counts."""

CONTENTS = "all of:"
"""Prefix of environment names that are paths outside of the project which recipes may read, by their content."""

STAMPS = "stamps of:"
"""Prefix of environment names that are such paths, by the sizes and times of their files."""


ISOLATION = "isolation"
"""The environment name whose value says how an attempt was isolated: it decides nothing but trust."""

ENFORCED = "enforced"
OBSERVED = "observed"


class Subject(Value, frozen=True):
    """What a node is now, as far as it can be known without building anything.

    *recipe* is the fingerprint, *environment* the external inputs declared for it, sorted by name. *ordered* says
    that an asset downstream takes its rows in order, so that the order of what it reads counts as well. *engine* is
    the identity of what would compute it, *fallback* what stands in when that fails: ``last`` or a key. With
    *approval* a person has to approve what it is made from.
    """

    node: Node
    recipe: str
    upstreams: tuple[Node, ...]
    environment: tuple[tuple[str, str], ...] = ()
    ordered: bool = False
    engine: str = PYTHON
    fallback: str | None = None
    approval: bool = False

    @property
    def asset(self) -> Key:
        """The key of the asset that it is about."""
        return self.node.asset


class Settled(Value, frozen=True):
    """An upstream whose content is known now. With *fallback* it is not what it should be: it failed, or was made from
    what had failed, and this is read meanwhile; *of* is the node whose content stands in for it, where that is another.
    """

    version: Version
    fallback: bool = False
    of: Node | None = None


class Unsettled(Value, frozen=True):
    """An upstream that must or may be rebuilt first, or can't be; *state* says which. It is *stuck* when no build
    settles it, because it or something upstream of it is broken.
    """

    state: State
    stuck: bool = False


Upstream: TypeAlias = Settled | Unsettled


class Contents(Protocol):
    """What deciding needs to know of data. Answers must be exact or err towards "different"."""

    def same(self, read: Read, now: Version) -> bool:
        """Whether the footprint of *read* has the same content in *now* as in the version it was read from."""
        ...

    def changed_columns(self, read: Read, now: Version) -> tuple[str, ...]:
        """Which of the columns read differ; empty when that is not known or all of the rows differ."""
        ...

    def describe_change(self, read: Read, now: Version) -> str:
        """A short phrase of facts about the difference, such as ``+12,411 rows``."""
        ...

    def bindings(self, asset: Key, upstreams: Mapping[Key, Schema]) -> tuple[str, ...]:
        """The digests that the recipe bound against these schemas may be recorded by; none when it can't be bound
        without running.
        """
        ...

    def alias_equivalent(self, asset: Key, recipe: str) -> bool:
        """Whether the recipe differs from the one with the fingerprint *recipe* in nothing but how it calls its
        tables, which can matter only if it is bound otherwise.
        """
        ...

    def external(self, name: str) -> str | None:
        """The value now of an external input that a recipe took without declaring it; None when it is unknown."""
        ...


class Verdict(Value, frozen=True):
    """An asset's state and all reasons for it. FRESH has none; PENDING names the upstreams it waits for."""

    state: State
    reasons: Reasons = ()


FRESH = Verdict(State.FRESH)


def decide(
    subject: Subject,
    record: Materialization | None,
    upstreams: Mapping[Node, Upstream],
    contents: Contents,
    *,
    today: str,
    artifact_there: bool,
) -> Verdict:
    """FRESH, STALE, PENDING or MISSING for one node, with every reason.

    *upstreams* holds each upstream of *subject*. *today* is what a recipe that asks for the date would be
    told. Failures and blocking are layered over this by the caller: they concern the last attempt, not
    freshness.
    """
    if record is None:
        return Verdict(State.MISSING, (Reason(Cause.MISSING, subject.asset, detail="never built"),))
    if not artifact_there:
        detail = "its artifact is gone from the store"
        return Verdict(State.MISSING, (Reason(Cause.MISSING, subject.asset, detail=detail),))

    alias_equivalent = record.trace.recipe != subject.recipe and contents.alias_equivalent(
        subject.asset, record.trace.recipe
    )
    reasons = list(own_reasons(subject, record.trace, contents, today, alias_equivalent=alias_equivalent))
    if not reasons and not alias_equivalent and _reads_the_same(subject, record.trace, upstreams):
        return FRESH
    waiting: list[Reason] = []
    reads = {read.node: _as_needed(subject, read) for read in record.trace.reads}
    if not reasons and (lost := reads.keys() - set(subject.upstreams)):
        gone = ", ".join(map(str, sorted(lost)))
        reasons.append(Reason(Cause.RECIPE, subject.asset, detail=f"no longer reads {gone}"))
    for node in subject.upstreams:
        match upstreams[node]:
            case Unsettled(state):
                waiting.append(Reason(Cause.UPSTREAM, node.asset, detail=state.value))
            case Settled(version):
                if read := reads.get(node):
                    reasons += _read_reasons(read, version, contents)
                elif not any(reason.kind is Cause.RECIPE for reason in reasons):
                    # An upstream that the trace does not mention: resolution changed under an equal recipe.
                    reasons.append(Reason(Cause.RECIPE, subject.asset, detail=f"now reads {node}"))
    if not reasons and not waiting:
        reasons += _binding_reasons(
            subject, record.trace, reads, upstreams, contents, alias_equivalent=alias_equivalent
        )
    if reasons:
        return Verdict(State.STALE, (*reasons, *waiting))
    if waiting:
        return Verdict(State.PENDING, tuple(waiting))
    return FRESH


def _reads_the_same(subject: Subject, trace: Trace, upstreams: Mapping[Node, Upstream]) -> bool:
    """Whether every upstream is, by name, the content that was read: then there is nothing to compare."""
    if len(trace.reads) != len(subject.upstreams):
        return False
    for node, read in zip(subject.upstreams, trace.reads, strict=True):
        if read.upstream != node.asset or read.partition != node.partition:
            return False
        now = upstreams[node]
        if isinstance(now, Unsettled) or now.version.id != read.version:
            return False
        # The same bytes may be known better than when they were read: with types that were dropped then.
        if _tells_logical_types(now.version.schema) and schema_text(now.version.schema) != read.schema:
            return False
    return True


def verifies(
    subject: Subject,
    trace: Trace,
    upstreams: Mapping[Node, Upstream],
    contents: Contents,
    *,
    today: str,
) -> bool:
    """Whether an earlier trace would produce today's content: all upstreams settled and nothing differs."""
    if next(own_reasons(subject, trace, contents, today), None) is not None:
        return False
    reads = {read.node: _as_needed(subject, read) for read in trace.reads}
    if reads.keys() != set(subject.upstreams):
        return False
    for node, read in reads.items():
        upstream = upstreams[node]
        if isinstance(upstream, Unsettled) or not contents.same(read, upstream.version):
            return False
    return not _binding_reasons(subject, trace, reads, upstreams, contents, alias_equivalent=False)


def _as_needed(subject: Subject, read: Read) -> Read:
    """*read* with the order of rows in it, when the asset's own order is read downstream."""
    if not subject.ordered or read.footprint.ordered or read.footprint.columns == ():
        return read
    # What order a join leaves its rows in can depend on rows that find no partner.
    predicate = None if read.footprint.holds_keys else read.footprint.predicate
    footprint = msgspec.structs.replace(read.footprint, predicate=predicate, ordered=True)
    return msgspec.structs.replace(read, footprint=footprint, fingerprint=None)


def own_reasons(
    subject: Subject, trace: Trace, contents: Contents, today: str, *, alias_equivalent: bool = False
) -> Iterator[Reason]:
    """Reasons that lie in the asset itself: its code, what it takes from outside, volatile functions."""
    if trace.recipe != subject.recipe and not alias_equivalent:
        yield Reason(Cause.RECIPE, subject.asset, detail="its code changed")
    engine = trace.computed_by(python=subject.engine == PYTHON)
    rewritten = trace.recipe != subject.recipe and PYTHON in (engine, subject.engine)
    if engine != subject.engine and not rewritten:  # a query rewritten in Python is told by its code
        yield Reason(Cause.ENGINE, subject.asset, detail=f"computed by {engine}, now {subject.engine}")
    if trace.left:
        slices = f"{trace.left:,} slice{'' if trace.left == 1 else 's'}"
        yield Reason(Cause.PARTITION, subject.asset, detail=f"{slices} not built")
    for upstream in trace.tolerated:
        yield Reason(Cause.TOLERATED, upstream, detail="lacked slices that had failed")
    then = dict(trace.environment)
    now = dict(subject.environment)
    for name, value in trace.environment:
        if name == ISOLATION:
            continue
        if value == EACH_BUILD:
            yield Reason(Cause.VOLATILE, subject.asset, detail=f"{name} differs at every build")
        elif name.startswith(DAY):
            if value != today:
                detail = f"{name.removeprefix(DAY)} was {value}, now {today}"
                yield Reason(Cause.VOLATILE, subject.asset, detail=detail)
        else:
            found = now[name] if name in now else contents.external(name)
            if found != value:
                detail = _environment_change(name, value, found)
                yield Reason(Cause.ENVIRONMENT, subject.asset, detail=detail)
    for name in now.keys() - then.keys():
        yield Reason(Cause.ENVIRONMENT, subject.asset, detail=f"now depends on {name}")


def _environment_change(name: str, then: str, now: str | None) -> str:
    if name.startswith(VARIABLE):
        # The values are digests of something that may be secret: only the name is told.
        return f"environment variable {name.removeprefix(VARIABLE)} changed"
    if name.startswith(KIND):
        return f"{name.removeprefix(KIND)} was {then}, now {now}"
    if name.startswith(LINK):
        return f"{name.removeprefix(LINK)} was {then}, now {now}"
    if name.startswith(STAT):
        return f"the size or time of {name.removeprefix(STAT)}, which it asks for, changed"
    if name.startswith(NAMES):
        return f"what there is in {name.removeprefix(NAMES)}, which it lists, changed"
    if name.startswith(LISTING):
        return f"what there is in {name.removeprefix(LISTING)}, which it lists, changed"
    if name.startswith(MATCHES):
        return f"one of the files {name.removeprefix(MATCHES)}, which it reads, changed"
    if name.startswith((CONTENTS, STAMPS)):
        return f"{name.partition(':')[2]}, which it may read, changed"
    if name.startswith(FILE):
        return f"{name.removeprefix(FILE)}, which it reads without declaring it, changed"
    return f"{name} was {then}, now {now if now is not None else 'not set'}"


def _read_reasons(read: Read, now: Version, contents: Contents) -> list[Reason]:
    if read.version == now.id:
        return []
    present = {column.name for column in now.schema}
    lost = tuple(name for name in read.footprint.columns or () if name not in present)
    if lost and now.schema:
        return [Reason(Cause.SCHEMA, read.upstream, lost, "no longer there")]
    if contents.same(read, now):
        return []
    columns = contents.changed_columns(read, now)
    return [Reason(Cause.DATA, read.upstream, columns, contents.describe_change(read, now))]


def _binding_reasons(
    subject: Subject,
    trace: Trace,
    reads: Mapping[Node, Read],
    upstreams: Mapping[Node, Upstream],
    contents: Contents,
    *,
    alias_equivalent: bool,
) -> list[Reason]:
    """A changed schema may change what a name means (``select *``, natural joins, an unqualified name), and so may
    another name of a table.
    """
    settled = {node: upstreams[node] for node in subject.upstreams}
    versions = {node: upstream.version for node, upstream in settled.items() if isinstance(upstream, Settled)}
    schemas = {node.asset: version.schema for node, version in versions.items()}
    differing = [
        node.asset
        for node, read in reads.items()
        if (read.version != versions[node].id or _tells_logical_types(versions[node].schema))
        and schema_text(versions[node].schema) != read.schema
    ]
    if not differing and not alias_equivalent:
        return []
    if trace.binding and trace.binding in contents.bindings(subject.asset, schemas):
        return []
    if alias_equivalent:
        return [Reason(Cause.RECIPE, subject.asset, detail="its code changed")]
    detail = "its columns changed, and with them what is read"
    return [Reason(Cause.SCHEMA, key, detail=detail) for key in differing]


def _tells_logical_types(schema: Schema) -> bool:
    return any(column.logical for column in schema)


def schema_text(schema: Schema) -> str:
    """A schema as the compact text that traces hold: equal for equal schemas (names, types, order)."""
    return msgspec.json.encode([column.facts for column in schema]).decode()


def schema_from_text(text: str) -> Schema:
    """The schema behind :func:`schema_text`."""
    return tuple(Column(*facts) for facts in msgspec.json.decode(text, type=list[tuple[str, ...]]))
