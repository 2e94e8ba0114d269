"""Derived project as a value: its declarations, its graph, its diagnoses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from upriver.assets.errors import DeclarationError, Diagnosis
from upriver.assets.model import Asset, Check, CodePart, Key, Kind, Place, PythonRecipe, Source, SqlRecipe
from upriver.assets.partitions.model import Dimension
from upriver.assets.project.config import Config
from upriver.assets.project.files import ProjectFiles
from upriver.lineage.graph import AssetGraph
from upriver.lineage.project.broken import Broken
from upriver.lineage.project.manifest import Manifest, load_parts

if TYPE_CHECKING:
    from upriver.lineage.sql.parse.query import Query

CACHE = ".upriver/cache"
"""Where what was derived is kept, below the project root."""


class Project:
    """Project as derived: everything declared, the graph of reads, and the diagnoses.

    *assets* and *sources* can be used, *broken* are the declarations that can't; all three are in *graph*, and no key
    is in two of them. *checks* are those of each asset, from headers and files. *reads* are an asset's upstreams as
    data (of a broken one those that it was last seen to read); *graph* also orders what is only to come after.
    *fingerprints* are of recipes. *refusals*, what is wrong with ``upriver.toml``, make the whole unusable.
    """

    def __init__(
        self,
        root: Path,
        config: Config,
        assets: Mapping[Key, Asset],
        sources: Mapping[Key, Source],
        broken: Mapping[Key, Broken],
        fingerprints: Mapping[Key, str],
        reads: Mapping[Key, tuple[Key, ...]],
        graph: AssetGraph,
        refusals: tuple[Diagnosis, ...],
        diagnoses: tuple[Diagnosis, ...],
        files: ProjectFiles,
        output: str,
        manifest: Manifest,
        checks: Mapping[Key, tuple[Check, ...]] = MappingProxyType({}),
    ) -> None:
        self.root = root
        self.config = config
        self.assets = MappingProxyType(dict(assets))
        self.sources = MappingProxyType(dict(sources))
        self.broken = MappingProxyType(dict(broken))
        self.fingerprints = MappingProxyType(dict(fingerprints))
        self.reads = MappingProxyType(dict(reads))
        self._graph = graph
        self.refusals = refusals
        self.diagnoses = diagnoses
        self.files = files
        self.output = output
        self._queries: dict[Key, Query] = {}
        self.manifest = manifest
        self.checks = MappingProxyType(dict(checks))

    @property
    def identity(self) -> object:
        """Equal for projects that declare the same and have the same problems."""
        return (
            self.assets,
            self.sources,
            self.broken,
            self.fingerprints,
            self.config,
            self.diagnoses,
            self.checks,
        )

    @property
    def graph(self) -> AssetGraph:
        """Who reads whom. Raises DeclarationError with all diagnoses when the project as a whole can't be used."""
        if self.refusals:
            raise DeclarationError(self.diagnoses)
        return self._graph

    def declared(self, key: Key) -> Asset | Source | None:
        """What *key* is declared as; of a broken declaration what it last was, None when that is not known."""
        if (broken := self.broken.get(key)) is not None:
            return broken.declared
        return self.assets.get(key) or self.sources.get(key)

    def is_source(self, key: Key) -> bool:
        """Whether *key* is a source, broken or not."""
        return isinstance(self.declared(key), Source)

    @property
    def readable_sources(self) -> dict[Key, Source]:
        """The sources with what the broken ones were when they could last be read: what is known of them is served."""
        broken = {key: one.declared for key, one in self.broken.items() if isinstance(one.declared, Source)}
        return {**self.sources, **broken}

    def query(self, key: Key) -> Query:
        """The parsed query of a SQL asset."""
        if key not in self._queries:
            from upriver.lineage.sql.parse.parse import parse_query

            asset = self.assets[key]
            assert isinstance(asset.recipe, SqlRecipe)
            recipe = asset.recipe
            query = parse_query(recipe.text, recipe.dialect, asset.place.path, recipe.line)
            if isinstance(query, Diagnosis):
                raise DeclarationError([query])
            self._queries[key] = query
        return self._queries[key]

    def keep_queries(self, queries: Mapping[Key, Query]) -> None:
        """Take over queries that were parsed already."""
        self._queries.update(queries)

    def parse_all(self, keys: Iterable[Key]) -> None:
        """Parse the queries of many SQL assets at once, which is faster than one by one."""
        todo = [
            (key, asset.recipe, asset.place.path)
            for key in keys
            if key not in self._queries and isinstance((asset := self.assets[key]).recipe, SqlRecipe)
        ]
        if not todo:
            return  # nothing to do must not cost the import of DuckDB
        from upriver.lineage.sql.parse.parse import Text, parse_queries

        texts = [Text(r.text, r.dialect, path, r.line) for _, r, path in todo if isinstance(r, SqlRecipe)]
        for (key, _, _), query in zip(todo, parse_queries(texts), strict=True):
            if not isinstance(query, Diagnosis):
                self._queries[key] = query

    def parts(self, key: Key) -> tuple[CodePart, ...]:
        """The code that the recipe of *key* consists of."""
        asset = self.assets[key]
        match asset.recipe:
            case SqlRecipe(text):
                place = Place(asset.place.path, asset.recipe.line)
                return (CodePart(asset.key, place, self.fingerprints[key], text),)
            case PythonRecipe(fingerprint=fingerprint):
                return load_parts(self.root / CACHE).get(fingerprint, ())


def as_declared(asset: Asset, fingerprint: str) -> str:
    """The recipe fingerprint, with what the declaration around the code adds to its meaning.

    The same function over the same upstreams computes something else when they change places.
    """
    facts: list[object] = []
    if isinstance(asset.recipe, PythonRecipe) and asset.recipe.inputs:
        facts.append(["inputs", sorted((one.parameter, one.key or "") for one in asset.recipe.inputs)])
    if isinstance(asset.recipe, PythonRecipe) and asset.recipe.settings:
        facts.append(["settings", asset.recipe.settings])
    if asset.kind is Kind.FILE:
        facts.append(["file", asset.suffix])
    if asset.volatile is not None:
        facts.append(["volatile", asset.volatile])
    if asset.ordered:
        facts.append(["ordered"])
    kept = [[one.by, one.every, one.zone, one.keep] for one in _dimensions(asset) if one.keep is not None]
    if kept:  # nothing else of a partitioning changes what an asset holds
        facts.append(["keep", kept])
    if not facts:
        return fingerprint
    return hashlib.blake2b(msgspec.json.encode([fingerprint, facts]), digest_size=16).hexdigest()


def _dimensions(asset: Asset) -> tuple[Dimension, ...]:
    return asset.partition.dimensions if asset.partition is not None else ()
