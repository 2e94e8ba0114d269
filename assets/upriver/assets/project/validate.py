"""Checks that need the whole project: keys declared twice, and settings that ``upriver.toml`` must have."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.model import Asset, Key, Kind, Sink, Source, SystemLocation, TableLocation
from upriver.assets.project.config import CONFIG, Config

_ENGINE_SCHEMAS = frozenset({"information_schema", "memory", "pg_catalog", "system", "temp", "warehouse"})


def check_keys(assets: Iterable[Asset], sources: Iterable[Source]) -> tuple[Diagnosis, ...]:
    """A diagnosis for each key that is declared more than once, or that the query engine keeps for itself."""
    diagnoses: list[Diagnosis] = []
    first: dict[Key, Asset | Source] = {}
    everything: list[Asset | Source] = [*assets, *sources]
    for declared in sorted(everything, key=_order):
        # In the warehouse, key `a` is the view `main.a`.
        name = declared.key.removeprefix("main.") if declared.key.count(".") == 1 else declared.key
        known = first.setdefault(name, declared)
        if known is not declared:
            diagnoses.append(_twice(known, declared))
            if known.key != declared.key:  # each has its own name, and neither can be used
                diagnoses.append(_twice(declared, known))
        schema, dot, _ = declared.key.partition(".")
        if dot and schema in _ENGINE_SCHEMAS:
            message = (
                f"the key {declared.key!r} can't begin with {schema!r}, which names something of DuckDB's own"
            )
            diagnoses.append(Diagnosis("reserved-key", message, declared.place, key=declared.key))
    return tuple(diagnoses)


def _order(declared: Asset | Source) -> tuple[str, int]:
    return declared.place.path, declared.place.line


def _twice(first: Asset | Source, second: Asset | Source) -> Diagnosis:
    if first.key != second.key:
        message = f"{second.key!r} and {first.key!r} are the same name in a query"
    elif isinstance(first, Source) == isinstance(second, Source):
        message = f"{second.key!r} is declared twice"
    else:
        message = f"{second.key!r} is declared as an asset and as a source"
    fact = f"the other declaration is at {first.place}"
    return Diagnosis("duplicate-key", message, second.place, (fact,), "rename one of them", key=second.key)


def check_connections(sources: Iterable[Source], config: Config) -> tuple[Diagnosis, ...]:
    """Diagnoses for sources of connections that there are not, or that can't have them."""
    found = []
    for source in sources:
        location = source.location
        if not isinstance(location, SystemLocation):
            continue
        connection = config.connections.get(location.connection)
        if connection is None:
            hint = did_you_mean(location.connection, config.connections)
            said = f"source {source.key!r}: there is no connection {location.connection!r}"
            hint = hint or f'declare it in {CONFIG}: [connections.{location.connection}] url = "…"'
        elif connection.database and (location.patterns or location.version):
            said = f"source {source.key!r}: {connection.url} is a database: name a table= or a query= of it"
            hint = "a version= of the past is kept by lakes" if location.version else None
        else:
            continue
        found.append(Diagnosis("bad-source", said, source.place, hint=hint, key=source.key))
    return tuple(found)


def of_database(source: Source, config: Config) -> Source:
    """*source*, as one of the database file where its connection is no more than that."""
    location = source.location
    known = config.connections.get(location.connection) if isinstance(location, SystemLocation) else None
    if not isinstance(location, SystemLocation) or known is None or not known.database:
        return source
    found = TableLocation(known.database, known.scheme, location.table, location.query)
    return msgspec.structs.replace(source, location=found)


def check_settings(assets: Iterable[Asset], config: Config) -> tuple[Diagnosis, ...]:
    """A diagnosis for each pool and variable that an asset names and ``upriver.toml`` does not have."""
    diagnoses = []
    for asset in assets:
        wanted = [("variables", name) for name in asset.variables]
        wanted += [("pools", asset.execution.pool)] if asset.execution.pool else []
        for section, name in wanted:
            known: Iterable[str] = config.pools
            if section == "variables":  # the letter case of a variable's name means nothing in SQL
                known, name = [variable.lower() for variable in config.variables], name.lower()
            if name not in known:
                message = f"asset {asset.key!r}: {CONFIG} has no {name!r} in [{section}]"
                value = "2" if section == "pools" else '"…"'
                hint = did_you_mean(name, known) or f"add `{name} = {value}` to [{section}]"
                diagnoses.append(Diagnosis("unknown-setting", message, asset.place, hint=hint, key=asset.key))
        if asset.sink is not None and (problem := _no_sink(asset, asset.sink, config)) is not None:
            diagnoses.append(problem)
    return tuple(diagnoses)


def _no_sink(asset: Asset, sink: Sink, config: Config) -> Diagnosis | None:
    hint = None
    if sink.connection not in config.connections:
        said = f"{CONFIG} has no connection {sink.connection!r}"
        hint = did_you_mean(sink.connection, config.connections) or f"declare [connections.{sink.connection}]"
    elif asset.kind is Kind.FILE:
        said = "a file is no table"
    elif asset.partition is not None:
        said = "an asset that is cut into slices can't be written elsewhere yet"
    else:
        return None
    return Diagnosis(
        "unknown-setting", f"asset {asset.key!r}: sink: {said}", asset.place, hint=hint, key=asset.key
    )
