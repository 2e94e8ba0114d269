"""Generated projects: what the benchmarks measure on."""

from __future__ import annotations

import random
from pathlib import Path


def layered_sql(
    root: Path, assets: int, *, layers: int = 10, columns: int = 3, rows: int = 20, seed: int = 7
) -> None:
    """A SQL project of *assets* tiny tables in *layers* layers; each reads one to three of the layer above.

    The first layer reads a CSV source of *rows* rows, so that orchestration dominates.
    """
    choose = random.Random(seed)
    folder = root / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    (root / "upriver.toml").write_text('[project]\nname = "layered"\n')
    names = ["id", *(f"c{n}" for n in range(1, columns))]
    (root / "data").mkdir(exist_ok=True)
    lines = [",".join(names)]
    # Each id once: a join on ids that repeat has more rows with each layer, and the benchmark would measure those.
    lines += [
        ",".join(str(n) for n in (row, *(choose.randrange(100) for _ in names[1:]))) for row in range(rows)
    ]
    (root / "data" / "base.csv").write_text("\n".join(lines) + "\n")
    per_layer = -(-assets // layers)
    above: list[str] = []
    made = 0
    for layer in range(layers):
        here: list[str] = []
        (folder / f"l{layer}").mkdir(exist_ok=True)
        for number in range(min(per_layer, assets - made)):
            name = f"l{layer}.t{number}"
            (folder / f"l{layer}" / f"t{number}.sql").write_text(_query(choose, above, names))
            here.append(name)
            made += 1
        above = here


def _query(choose: random.Random, above: list[str], names: list[str]) -> str:
    if not above:
        picked = ", ".join(f"{name} + {choose.randrange(9)} as {name}" for name in names[1:])
        return f"select id, {picked}\nfrom 'data/base.csv'\n"
    reads = choose.sample(above, k=min(len(above), choose.choice((1, 1, 2, 3))))
    if len(reads) == 1:
        picked = ", ".join(f"{name} * 2 as {name}" for name in names[1:])
        return f"select id, {picked}\nfrom {reads[0]}\nwhere id >= {choose.randrange(5)}\n"
    tables = [f"a{n}" for n in range(len(reads))]
    picked = ", ".join(f"{choose.choice(tables)}.{name}" for name in names[1:])
    joins = "".join(
        f"\njoin {read} as {alias} using (id)" for read, alias in zip(reads[1:], tables[1:], strict=True)
    )
    return f"select distinct id, {picked}\nfrom {reads[0]} as a0{joins}\n"


LENGTH = 10
"""Assets of one of :func:`polars_chains`."""


def polars_chains(root: Path, chains: int) -> None:
    """*chains* modules of :data:`LENGTH` lazy Polars assets, each reading the one before."""
    (root / "assets").mkdir(parents=True)
    (root / "upriver.toml").write_text('[project]\nname = "chains"\n')
    for chain in range(chains):
        parts = ["import polars as pl\n\nfrom upriver.assets import asset\n"]
        for number in range(LENGTH):
            reads = f"c{chain}_{number - 1}: pl.LazyFrame" if number else ""
            before = f"c{chain}_{number - 1}" if number else CHAIN_START
            parts.append(
                f"\n\n@asset\ndef c{chain}_{number}({reads}) -> pl.LazyFrame:\n"
                f"    return {before}.{chain_step(number)}\n"
            )
        (root / "assets" / f"chain{chain}.py").write_text("".join(parts))


CHAIN_START = 'pl.LazyFrame({"id": range(20)})'
"""What the first asset of a chain is made of, as Python code."""


def chain_step(number: int) -> str:
    """What the asset *number* of a chain does, as Python code."""
    return f'with_columns((pl.col("id") * {number + 2} % 7).alias("v{number}"))'


def chain_script(chains: int, target: Path) -> str:
    """A program that computes, writes and syncs what :func:`polars_chains` declares, in one process."""
    return f"""import os

import polars as pl

TARGET = {str(target)!r}
STEPS = [
{"".join(f"    lambda frame: frame.{chain_step(number)},{chr(10)}" for number in range(LENGTH))}]


def written(frame, name):
    path = os.path.join(TARGET, name + ".parquet")
    frame.sink_parquet(path)
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    return pl.scan_parquet(path)


if __name__ == "__main__":
    os.makedirs(TARGET, exist_ok=True)
    for chain in range({chains}):
        frame = {CHAIN_START}
        for number, step in enumerate(STEPS):
            frame = written(step(frame), f"c{{chain}}_{{number}}")
"""
