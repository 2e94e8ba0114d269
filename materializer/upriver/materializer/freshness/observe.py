"""Observation: what a decision about freshness looks at - declarations, records, failures, sources, contents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from upriver.assets.errors import Diagnosis, UpriverError
from upriver.assets.identity import Node
from upriver.assets.model import Key
from upriver.lineage.project.project import Project
from upriver.materializer.context import Context
from upriver.materializer.freshness.comparison import LiveContents, contents_of
from upriver.materializer.freshness.decide import Settled, Unsettled, Upstream
from upriver.materializer.freshness.earlier_types import with_types
from upriver.materializer.model import Failure, Materialization, State
from upriver.materializer.ports import SourceMisfit, SourceMissing
from upriver.materializer.sources.observe import Sources, sources_of
from upriver.materializer.sources.systems.looking import Asking
from upriver.materializer.storage.locator import Locator


class SourceViews:
    """Sources as upstreams; remembers why one has no content."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.problems: dict[Key, str] = {}
        self.missing: set[Key] = set()
        self.misfits: dict[Key, tuple[Diagnosis, ...]] = {}
        """Those that are there, but not as they were."""

    def upstream(self, key: Key) -> Upstream:
        """What *key* holds now; unsettled when it can't be read."""
        try:
            version = self.sources.version(key)
        except SourceMissing as error:
            self.problems[key] = str(error)
            self.missing.add(key)
        except SourceMisfit as misfit:
            self.problems[key] = str(misfit)
            self.misfits[key] = misfit.diagnoses
            return Unsettled(State.BROKEN, stuck=True)
        except UpriverError as error:
            self.problems[key] = str(error)
        else:
            self.problems.pop(key, None)
            self.misfits.pop(key, None)
            return Settled(version)
        return Unsettled(State.MISSING)

    def absence(self, key: Key) -> str | None:
        """Why *key* has no content although nothing is known to be broken; None when it has, or is."""
        return None if key in self.misfits else self.problems.get(key)

    def renew(self, key: Key) -> None:
        """Look at *key* again: another build may have seen it change."""
        with suppress(UpriverError):  # told when it is asked for
            self.sources.renew(key)
            return
        self.sources.forget(key)

    def sizes(self, keys: Iterable[Key]) -> dict[Key, int]:
        """The bytes of those sources among *keys* that were ever looked at."""
        known = {key: self.sources.known(key) for key in keys}
        return {key: record.version.bytes for key, record in known.items() if record is not None}


@dataclass(frozen=True)
class Observation:
    """A project as it is now, before anything is decided. *order* is topological and complete: all upstreams are in it.

    Contents and sources are looked at when a decision first asks for them.
    """

    project: Project
    order: tuple[Key, ...]
    records: Mapping[Node, Materialization]
    failures: Mapping[Node, Failure]
    contents: LiveContents
    views: SourceViews
    locator: Locator
    present: Collection[str]
    """The ids of those *records* whose artifacts were found: for every asset at every command, so together."""

    def is_new(self, node: Node) -> bool:
        """Whether no record tells what *node* reads, because its recipe is another now."""
        record = self.records.get(node)
        return record is None or record.trace.recipe != self.project.fingerprints[node.asset]

    def artifact_there(self, record: Materialization) -> bool:
        """Whether the artifact of *record* is in the store; of one that may be taken again, whether it is sound."""
        return record.id in self.present or self.locator.sound(record.version)


def observe(
    context: Context,
    *,
    among: Collection[Key] | None = None,
    verify: bool = False,
    asking: Asking = Asking.NEVER,
) -> Observation:
    """Observe the assets *among* (complete with their upstream; None: all). Raises DeclarationError.

    With *verify* every byte of sources is hashed, whatever their stamps say. *asking* says when systems are asked.
    """
    project = context.project(refresh=False)
    graph = project.graph
    records = with_types(context.state.current(context.environment), project, context.locator)
    contents = contents_of(context)
    contents.expect(read for record in records.values() for read in record.trace.reads)
    views = SourceViews(sources_of(context, verify=verify, asking=asking))
    declared = project.sources
    contents.keep_while(
        lambda key, version: key not in declared or views.sources.unchanged_since_look(key, version)
    )
    order = tuple(graph.order if among is None else graph.sort(among))
    inside = set(order)
    views.sources.expect(inside)
    asked = {record.id: record.version for node, record in records.items() if node.asset in inside}
    return Observation(
        project=project,
        order=order,
        records=records,
        failures=context.state.failures(context.environment),
        contents=contents,
        views=views,
        locator=context.locator,
        present=context.locator.those_there(asked).keys(),
    )
