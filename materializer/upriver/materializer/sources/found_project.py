"""The project over data that was found: a module of sources, and a staging query for each table."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterable
from functools import cache

from upriver.assets.loading.sql_module import usable
from upriver.lineage.sql.names import quote
from upriver.materializer.sources.found import FoundTable

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_SOURCES = '''\
"""The data that this project reads and does not produce."""

from upriver.assets import source

'''


def project_files(tables: Iterable[FoundTable]) -> dict[str, str]:
    """The modules for *tables*, text by path."""
    found = list(tables)
    sources = _SOURCES + "".join(map(_declaration, found))
    return {
        "assets/sources.py": sources,
        **{f"assets/staging/{one.name}.sql": _staging(one) for one in found},
    }


def _declaration(found: FoundTable) -> str:
    name = f"{found.name}_" if keyword.iskeyword(found.name) or found.name == "source" else found.name
    where = found.paths[0] if len(found.paths) == 1 else list(found.paths)
    arguments = [json.dumps(f"raw.{found.name}"), json.dumps(where, ensure_ascii=False)]
    if found.table is not None:
        arguments.append(f"table={json.dumps(found.table, ensure_ascii=False)}")
    return f"{name} = source({', '.join(arguments)})\n"


def _staging(found: FoundTable) -> str:
    names = _column_names(found)
    described = (
        f"One row per {' and '.join(names[column] for column in found.key)}."
        if found.key
        else (f"The rows of raw.{found.name}.")
    )
    casts = {column.name: column.type for column in found.casts}
    listed = ",\n".join(
        f"    {_column(one.name, names[one.name], casts.get(one.name))}" for one in found.columns
    )
    lines = [
        "/* upriver:",
        f"description: {json.dumps(described, ensure_ascii=False)}",
        "tags: [staging]",
        "*/",
    ]
    if found.key:
        what = " with ".join(names[column] for column in found.key)
        lines.append(
            f"-- {what}: never null and never twice in the {found.rows:,} rows when this was written"
        )
    lines += ["select", listed, f"from raw.{_identifier(found.name)}", ""]
    return "\n".join(lines)


def _column(name: str, new_name: str, type_: str | None) -> str:
    written = _identifier(name)
    if type_ is not None:
        return f"cast({written} as {type_.lower()}) as {_identifier(new_name)}"
    return written if name == new_name else f"{written} as {_identifier(new_name)}"


def _column_names(found: FoundTable) -> dict[str, str]:
    """A name for each column that needs no quotes, where two do not come out alike."""
    wanted = {one.name: usable(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", one.name)) for one in found.columns}
    taken = list(wanted.values())
    return {
        name: new_name if taken.count(new_name) == 1 and new_name != "unnamed" else name
        for name, new_name in wanted.items()
    }


def _identifier(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and name not in _reserved() else quote(name)


@cache
def _reserved() -> frozenset[str]:
    import duckdb

    query = "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
    with duckdb.connect(":memory:") as connection:
        return frozenset(str(word) for (word,) in connection.execute(query).fetchall())
