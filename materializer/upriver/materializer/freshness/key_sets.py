"""Key sets: narrows what was read by a semi-join to the rows whose keys there were, as constants in the row filter.

The keys are those of the moment. The upstream that they are of is read, too: when they change, that tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from upriver.assets.model import Key
from upriver.lineage.model import KEYS_OF, Footprint, Footprints, KeyFilter
from upriver.lineage.sql.names import literal, quote
from upriver.materializer.freshness.fingerprint import relation
from upriver.materializer.model import Located

if TYPE_CHECKING:
    import duckdb

MOST_KEYS = 1_000
_MOST_ROWS = 200_000
_LONGEST = 32_000
"""What is small: beyond it, all rows count, which is right as well and costs no look."""


def narrowed(
    reads: Footprints,
    filters: Sequence[KeyFilter],
    located: Callable[[Key], Located],
    cursor: Callable[[], duckdb.DuckDBPyConnection],
) -> Footprints:
    """*reads* with what *filters* leave out, where there are few keys.

    An upstream whose own footprint is narrowed gives no keys: so no two of them rest on each other.
    """
    found = dict(reads)
    for one in filters:
        read, by = found.get(one.upstream), found.get(one.by)
        if read is None or by is None or by.holds_keys or one.by_column not in (by.columns or ()):
            continue
        text = _condition(one, by, located(one.by), cursor)
        if text is not None:
            both = text if read.predicate is None else f"({read.predicate}) AND {text}"
            found[one.upstream] = msgspec.structs.replace(read, predicate=both)
    return tuple((key, found[key]) for key, _ in reads)


def _condition(
    one: KeyFilter, by: Footprint, version: Located, cursor: Callable[[], duckdb.DuckDBPyConnection]
) -> str | None:
    import duckdb

    if version.rows is None or version.rows > _MOST_ROWS:
        return None
    column = quote(one.by_column)
    where = f"{column} is not null" + (f" and ({by.predicate}\n)" if by.predicate is not None else "")
    query = (
        f"select distinct cast(cast({column} as {one.type}) as varchar) as key from {relation(version)} "
        f"where {where} limit {MOST_KEYS + 1}"
    )
    connection = cursor()
    try:
        keys = sorted(key for (key,) in connection.execute(query).fetchall())
    except duckdb.Error:  # its reader has met it, or will
        return None
    finally:
        connection.close()
    if len(keys) > MOST_KEYS or any("\0" in key for key in keys):
        return None
    listed = ", ".join(f"cast({literal(key)} as {one.type})" for key in keys)
    among = f"{one.operand} IN ({listed})" if keys else "false"
    text = f"({among}{f' OR {one.operand} IS NULL' if one.nulls else ''} {KEYS_OF}{one.by} */)"
    return text if len(text) <= _LONGEST else None
