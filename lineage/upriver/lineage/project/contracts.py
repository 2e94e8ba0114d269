"""Contracts: what an asset promises of its columns, held against the columns that it has or would have."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.model import (
    AcceptedValues,
    Asset,
    Check,
    Matches,
    Newest,
    NotNull,
    Range,
    Relationship,
    Schema,
    Unique,
)


def contract_problem(asset: Asset, checks: Iterable[Check], schema: Schema) -> Diagnosis | None:
    """The first promise of *asset* that columns *schema* don't keep, or column of its *checks* that is not there."""
    there = {column.name.lower(): column for column in schema}
    names = [column.name for column in schema]
    for promised in asset.quality.columns:
        column = there.get(promised.name.lower())
        if column is None:
            return Diagnosis(
                "contract",
                f"{asset.key} has no column {promised.name!r}, which its contract promises",
                promised.place,
                (f"it has {_listed(names)}",),
                did_you_mean(promised.name, names),
                key=asset.key,
            )
        if promised.type is None or promised.type.upper() == column.type:
            continue
        wanted = canonical_type(promised.type)
        if wanted is None:
            return Diagnosis(
                "contract", f"{promised.type!r}, promised of {promised.name}, is no type of DuckDB", promised.place,
                key=asset.key,
            )  # fmt: skip
        if wanted != column.type:
            return Diagnosis(
                "contract",
                f"{asset.key}.{column.name} is {column.type}; its contract promises {wanted}",
                promised.place,
                hint=f"cast it, {column.name}::{wanted}, or change the contract",
                key=asset.key,
            )
    if asset.quality.closed:
        promised_names = {one.name.lower() for one in asset.quality.columns}
        more = [name for name in names if name.lower() not in promised_names]
        if more:
            return Diagnosis(
                "contract",
                f"{asset.key} has columns that its closed contract does not have: {_listed(more)}",
                asset.quality.columns[0].place if asset.quality.columns else asset.place,
                hint="leave them out, add them to `columns:`, or open the contract",
                key=asset.key,
            )
    for check in checks:
        for name in _columns(check):
            if name.lower() not in there:
                return Diagnosis(
                    "bad-check",
                    f"the check {check.name} is about a column {name!r}, which {asset.key} does not have",
                    check.place,
                    (f"it has {_listed(names)}",),
                    did_you_mean(name, names),
                    key=asset.key,
                )
    return None


def _columns(check: Check) -> tuple[str, ...]:
    match check.rule:
        case Unique(columns=columns):
            return columns
        case NotNull() | AcceptedValues() | Range() | Matches() | Relationship() | Newest():
            return (check.rule.column,)
        case _:
            return ()


@lru_cache(maxsize=512)
def canonical_type(text: str) -> str | None:
    """A type as DuckDB spells it, ``DECIMAL(18,2)`` for ``numeric(18, 2)``; None for what is no type."""
    import duckdb

    try:
        return str(duckdb.sqltype(text))
    except Exception:  # noqa: BLE001 -- whatever it says of the text, it is no type
        return None


def _listed(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
