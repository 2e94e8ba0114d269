"""Trust: how well it is known whether what an asset reads from outside has changed. Pure.

Trust is about the edges into the project, and none of it decides freshness: an edge that is only observed is compared
as every other, but something could be missing from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from upriver.assets.model import Asset, Key, PythonRecipe, Source, SystemLocation
from upriver.materializer.answers import AssetTrust
from upriver.materializer.freshness.decide import CONTENTS, ENFORCED, FILE, ISOLATION, MATCHES, STAMPS
from upriver.materializer.model import Materialization, Trust, TrustedEdge
from upriver.materializer.ports import SourceRecord

UNCOVERED = (
    "programs, libraries and settings of the system, Python and its packages, when they are read as data",
    "the project's own code, when native code or a program reads it as data",
    "whether a file is there, how large and how old it is, and where a link leads, when native code or a program asks",
    "clocks, and what the kernel says of the machine (processors, memory, load, host name)",
)
"""What no recipe is kept from reading, and what no trace holds."""

_WORST = list(Trust)


def trust_of(
    asset: Asset,
    record: Materialization | None,
    sources: Mapping[Key, Source],
    seen: Callable[[Key], SourceRecord | None],
    now: float,
) -> AssetTrust:
    """How well what *asset* read when it was last built is known. *seen* gives what was last seen of a source."""
    if record is None:
        return AssetTrust(asset.key, None)
    edges = [
        _of_source(sources[read.upstream], seen(read.upstream), now)
        for read in record.trace.reads
        if read.upstream in sources
    ]
    if isinstance(asset.recipe, PythonRecipe):
        edges += _of_python(asset, dict(record.trace.environment))
    least = max((edge.trust for edge in edges), key=_WORST.index, default=Trust.CONTENT)
    return AssetTrust(asset.key, least, tuple(edges))


def _of_source(source: Source, seen: SourceRecord | None, now: float) -> TrustedEdge:
    if not isinstance(source.location, SystemLocation):
        return TrustedEdge(source.key, Trust.CONTENT, "hashed")
    if seen is None:
        return TrustedEdge(source.key, Trust.DECLARED, "nothing is known of when it was looked at")
    return TrustedEdge(source.key, seen.trust, f"{seen.detail}, {_ago(now - seen.observed)}")


def _ago(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0.0, seconds):.0f} seconds ago"


def _of_python(asset: Asset, environment: Mapping[str, str]) -> list[TrustedEdge]:
    enforced = environment.get(ISOLATION) == ENFORCED
    edges = [
        TrustedEdge("what its code opens", Trust.CONTENT, "the kernel lets it open nothing else")
        if enforced
        else TrustedEdge("what its code opens", Trust.OBSERVED, "it was watched, and not kept from anything")
    ]
    if asset.permissions.network:
        edges.append(TrustedEdge("the network", Trust.DECLARED, "network=True"))
    if asset.permissions.processes and enforced:
        edges.append(
            TrustedEdge("memory shared between processes", Trust.OBSERVED, "processes=True opens /dev/shm")
        )
    for name, value in environment.items():
        if name.startswith(STAMPS):
            path = name.removeprefix(STAMPS)
            edges.append(TrustedEdge(path, Trust.TIME, "stat = true: by the sizes and times of its files"))
        elif name.startswith(FILE) and value.startswith("stamp "):
            edges.append(TrustedEdge(name.removeprefix(FILE), Trust.TIME, "too large to be hashed each time"))
        elif name.startswith((FILE, CONTENTS, MATCHES)):
            edges.append(TrustedEdge(name.partition(":")[2], Trust.CONTENT, "hashed"))
    return edges
