"""The yardstick: a plain DuckDB script that writes the same tables to Parquet, without any orchestrator."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

_BODY = '''
"""{count} tables to Parquet, in order."""

import os

import duckdb

QUERIES = {queries}


def main(sync):
    connection = duckdb.connect()
    for schema in {schemas!r}:
        connection.execute(f"create schema {{schema}}")
    for key, query in {views!r}.items():
        connection.execute(f"create view {{key}} as {{query}}")
    for key, query in QUERIES:
        path = os.path.join({target!r}, key + ".parquet")
        connection.execute(f"copy ({{query}}) to '{{path}}' (format parquet)")
        if sync:
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        connection.execute(f"create view {{key}} as from '{{path}}'")


os.chdir({root!r})
os.makedirs({target!r}, exist_ok=True)
main({sync})
'''


def write_script(
    path: Path,
    root: Path,
    queries: Sequence[tuple[str, str]],
    target: Path,
    *,
    sync: bool,
    views: Mapping[str, str] | None = None,
) -> None:
    """A script at *path* that makes *queries* (pairs of key and text, in order), reading from *root*, into *target*.

    *views* are what the sources are called, and the queries that read them.
    With *sync* it waits until each file is on the disk, as a tool that promises durability has to.
    """
    schemas = sorted({key.split(".")[0] for key in [*dict(queries), *(views or {})]})
    listed = "[\n" + "".join(f"    {pair!r},\n" for pair in queries) + "]"
    text = textwrap.dedent(_BODY).lstrip()
    path.write_text(
        text.format(
            count=len(queries),
            queries=listed,
            schemas=schemas,
            views=dict(views or {}),
            target=str(target),
            root=str(root),
            sync=sync,
        )
    )


def sql_assets(root: Path) -> list[tuple[str, str]]:
    """Key and text of the generated project's queries; its file names are in an order that builds."""
    assets = root / "assets"
    found = [path.relative_to(assets) for path in assets.rglob("*.sql")]
    ordered = sorted(found, key=lambda path: (path.parent, int("".join(filter(str.isdigit, path.stem)) or 0)))
    return [(".".join(path.with_suffix("").parts), (assets / path).read_text().strip()) for path in ordered]
