"""Asset names on the command line: finds the asset and the column that ``marts.revenue.total`` means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from upriver.assets.model import Key
from upriver.tui.cli.arguments import WrongUsage, nearest, nearest_name

if TYPE_CHECKING:
    from upriver.materializer.operations import ProjectApi


def asset_named(session: ProjectApi, name: str) -> Key:
    """The key that *name* is, or the only one that ends with it. Raises WrongUsage with the nearest key."""
    return resolve_asset(session.keys(), name)


def resolve_asset(keys: Sequence[Key], name: str) -> Key:
    """As :func:`asset_named`, among *keys*."""
    if name in keys:
        return name
    ends = [key for key in keys if key.endswith("." + name)]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise WrongUsage(f"{name!r} could be {_listed(ends)}", "write the whole key")
    raise WrongUsage(f"there is no asset {name!r}", _nearest_key(keys, name) or "`upriver status` lists them")


def split_column(keys: Sequence[Key], name: str) -> tuple[Key, str | None]:
    """Asset and column of ``ASSET[.COLUMN]``: the longest key that fits wins, what follows is the column."""
    known = set(keys)
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        key = ".".join(parts[:length])
        if key in known:
            return key, ".".join(parts[length:]) or None
    for length in range(len(parts), 0, -1):
        ends = [key for key in keys if key.endswith("." + ".".join(parts[:length]))]
        if len(ends) == 1:
            return ends[0], ".".join(parts[length:]) or None
        if ends:
            raise WrongUsage(f"{'.'.join(parts[:length])!r} could be {_listed(ends)}", "write the whole key")
    hint = _nearest_key(keys, name) or _nearest_key(keys, ".".join(parts[:-1]))
    raise WrongUsage(f"there is no asset {name!r}", hint or "`upriver status` lists them")


def resolve_column(columns: Sequence[str], asset: Key, name: str) -> str:
    """*name* as the table spells it; case does not matter. Raises WrongUsage with the nearest column."""
    if name in columns:
        return name
    same = [column for column in columns if column.lower() == name.lower()]
    if len(same) == 1:
        return same[0]
    hint = nearest(name, columns) or f"it has {_listed(columns)}"
    raise WrongUsage(f"{asset} has no column {name!r}", hint)


def _nearest_key(keys: Sequence[Key], name: str) -> str | None:
    inside = [key for key in keys if key.startswith(f"{name}.")]
    if name and inside:
        return f"it holds {_listed(inside)}: name one of them"
    near = nearest_name(name, keys)
    if near is None:
        # The last part alone is what people remember best.
        by_last_part = {key.rpartition(".")[2]: key for key in keys}
        last_part = nearest_name(name.rpartition(".")[2], by_last_part)
        near = by_last_part[last_part] if last_part else None
    return f"did you mean {near}?" if near else None


def _listed(names: Sequence[str], most: int = 8) -> str:
    told = ", ".join(names[:most])
    return told if len(names) <= most else f"{told} and {len(names) - most:,} more"
