"""What was recorded without Arrow's types stays fresh, unless a recipe was given other values for it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
from tests.materializer.test_broken_declarations import write

from upriver.assets.model import Column
from upriver.lineage.model import Analysis
from upriver.materializer.freshness.decide import schema_from_text, schema_text
from upriver.materializer.model import TYPED, Materialization, Outcome, State
from upriver.materializer.session import Session
from upriver.materializer.state.rows import decode, encode

MODULE = """
import polars as pl
from upriver.assets import asset

@asset
def sizes() -> pl.LazyFrame:
    return pl.LazyFrame({"s": ["M", "S", "L"], "v": [1, 2, 3]}).with_columns(pl.col("s").cast(pl.Enum(["S", "M", "L"])))

@asset
def in_order(sizes: pl.LazyFrame) -> pl.LazyFrame:
    return sizes.sort("s")

@asset
def eager(sizes: pl.DataFrame) -> pl.DataFrame:
    return sizes.sort("s").select("v")

@asset
def plain() -> pl.LazyFrame:
    return pl.LazyFrame({"a": [1]})

@asset
def of_plain(plain: pl.DataFrame) -> pl.DataFrame:
    return plain
"""
FILES = {
    "upriver.toml": "",
    "assets/m.py": MODULE,
    "assets/counted.sql": "select count(*) as n, max(s) as last from sizes",
}


def forget_types(root: Path, binding: str) -> None:
    """Make the records what an earlier version wrote; *binding* is that of the lazy recipe over plain types."""
    connection = sqlite3.connect(root / ".upriver/state.db")
    for seq, body in connection.execute("select seq, body from materializations").fetchall():
        found = decode(body, Materialization)
        bare = tuple(Column(one.name, one.type) for one in found.version.schema)
        reads = tuple(
            msgspec.structs.replace(
                read, schema=schema_text(tuple(Column(c.name, c.type) for c in schema_from_text(read.schema)))
            )
            for read in found.trace.reads
        )
        old = msgspec.structs.replace(
            found,
            version=msgspec.structs.replace(found.version, schema=bare),
            trace=msgspec.structs.replace(
                found.trace,
                reads=reads,
                binding=binding if found.asset == "in_order" else found.trace.binding,
            ),
            engines=tuple(one for one in found.engines if one != TYPED),
        )
        connection.execute("update materializations set body = ? where seq = ?", (encode(old), seq))
    connection.commit()
    connection.close()


def test_only_recipes_that_were_given_other_types_are_made_again(tmp_path: Path) -> None:
    """SQL reads the same values as before, and what holds no such type is not looked at twice."""
    write(tmp_path, FILES)
    session = Session(tmp_path)
    session.build()
    assert {one.state for one in session.status()} == {State.FRESH}
    bare = (Column("s", "VARCHAR"), Column("v", "BIGINT"))
    then = session.context.analyzer().analyze("in_order", {"sizes": bare})
    assert isinstance(then, Analysis)
    session.close()
    forget_types(tmp_path, then.binding)
    session = Session(tmp_path)
    states = {one.asset: one.state for one in session.status()}
    assert {key for key, state in states.items() if state is not State.FRESH} == {"in_order", "eager"}
    made = {one.asset for one in session.build().assets if one.action is Outcome.BUILT}
    assert made == {"in_order", "eager"}
    assert {one.state for one in session.status()} == {State.FRESH}
    session.close()
