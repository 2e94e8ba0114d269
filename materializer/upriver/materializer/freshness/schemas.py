"""Schemas: the columns of every asset, known without running anything where that is possible."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from upriver.assets.errors import Diagnosis, UpriverError
from upriver.assets.identity import Node
from upriver.assets.model import Key, Schema, SqlRecipe
from upriver.lineage.model import Analysis
from upriver.materializer.context import Context
from upriver.materializer.freshness.observe import SourceViews
from upriver.materializer.sources.registry import source_schema

_MANY = 64
"""So many queries are bound by several threads; fewer are done before the threads have begun."""
_BINDERS = 4


class Schemas:
    """The columns of every asset, known without running anything where that is possible.

    A source's come from what was last seen of it, or from a look at its beginning; an asset's from binding
    its recipe, or from its last materialization when it can't be bound without running. Those of a broken declaration
    are not known: what was built of it before need not be what it will be.

    Without *binding*, no source is looked at that never was, and recipes are bound only as earlier commands did.
    """

    def __init__(self, context: Context, views: SourceViews, *, binding: bool = True) -> None:
        self._binding = binding
        self._context = context
        self._project = context.project(refresh=False)
        self._views = views
        self._records = context.state.current(context.environment)
        self._known: dict[Key, Schema | None] = {}
        self._analyses: dict[Key, Analysis | Diagnosis] = {}

    def take(self, known: Mapping[Key, Schema]) -> None:
        """Believe these: what is up to date has the columns that it was built with."""
        self._known.update(known)

    def of(self, key: Key) -> Schema | None:
        """The columns of *key*; None when they can't be known before it is built, empty for a file."""
        if key in self._known:
            return self._known[key]
        for one in self._unknown_ancestors([key]):
            self._known[one] = self._find(one)
        return self._known[key]

    def find(self, keys: Collection[Key]) -> None:
        """Find the columns of many assets together, those of each layer at the same time."""
        order = self._unknown_ancestors(keys)
        threads = min(_BINDERS, os.cpu_count() or 1)
        if len(order) < _MANY or threads == 1:
            return  # each is found when it is asked for
        from concurrent.futures import ThreadPoolExecutor

        depth: dict[Key, int] = {}
        layers: list[list[Key]] = []
        for key in order:
            depth[key] = 1 + max((depth[up] for up in self._project.reads[key] if up in depth), default=-1)
            if depth[key] == len(layers):
                layers.append([])
            layers[depth[key]].append(key)
        with ThreadPoolExecutor(threads, thread_name_prefix="binder") as pool:
            for layer in layers:
                queries = [key for key in layer if self._is_query(key)]
                self._known.update(zip(queries, pool.map(self._find, queries), strict=True))
                for key in layer:
                    if key not in self._known:
                        self._known[key] = self._find(key)

    def _is_query(self, key: Key) -> bool:
        return key in self._project.assets and isinstance(self._project.assets[key].recipe, SqlRecipe)

    def _unknown_ancestors(self, keys: Iterable[Key]) -> tuple[Key, ...]:
        seen = {key for key in keys if key not in self._known}
        waiting = list(seen)
        while waiting:
            for up in self._project.reads[waiting.pop()]:
                if up not in seen and up not in self._known:
                    seen.add(up)
                    waiting.append(up)
        return self._project.graph.sort(seen)

    def upstreams(self, key: Key) -> dict[Key, Schema] | None:
        """The columns of everything *key* reads; None when some can't be known."""
        found: dict[Key, Schema] = {}
        for up in self._project.reads[key]:
            schema = self.of(up)
            if schema is None:
                return None
            found[up] = schema
        return found

    def problem(self, key: Key) -> Diagnosis | None:
        """Why the recipe of *key* can't be bound; None when it can, or when that is not known."""
        found = self.analysis(key)
        return found if isinstance(found, Diagnosis) else None

    def recalled(self, key: Key) -> Diagnosis | None:
        """As :meth:`problem`, as far as an earlier command has found it."""
        upstreams = self.upstreams(key)
        found = None if upstreams is None else self._context.analyzer().recall(key, upstreams)
        return found if isinstance(found, Diagnosis) else None

    def analysis(self, key: Key) -> Analysis | Diagnosis | None:
        """The recipe of *key* bound to the columns of its upstreams; None when these are not known, or not needed."""
        self.of(key)
        return self._analyses.get(key)

    def _find(self, key: Key) -> Schema | None:
        if key in self._project.sources:
            return self._source(key)
        if key in self._project.broken:
            return None
        upstreams = self.upstreams(key)
        if upstreams is not None:
            analyzer = self._context.analyzer()
            found = analyzer.analyze(key, upstreams) if self._binding else analyzer.recall(key, upstreams)
            if found is not None:
                self._analyses[key] = found
            if isinstance(found, Diagnosis):
                return None
            if found is not None and found.schema is not None:
                return found.schema
        record = self._records.get(Node(key))
        if record is not None and record.trace.recipe == self._project.fingerprints[key]:
            return record.version.schema
        return None

    def _source(self, key: Key) -> Schema | None:
        known = self._views.sources.known(key)
        try:
            if known is not None:
                return self._views.sources.version(key).schema
            return source_schema(self._context.root, self._project.sources[key]) if self._binding else None
        except (UpriverError, OSError):  # told when it is read
            return None
