"""The layout of text files: those that are laid out alike are read by one call, and all of them become one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from upriver.assets.model import Column
from upriver.lineage.sql.names import quote
from upriver.materializer.ports.connector import Shape
from upriver.materializer.sources import csv_files, json_files
from upriver.materializer.sources.options import Options
from upriver.materializer.sources.shape import NOTHING, matched


class TextFile(NamedTuple):
    """A file with the shape that was found in it. *shown* is how it is told: its path in the project."""

    path: str
    shown: str
    shape: Shape


def relation(files: Sequence[TextFile], shape: Shape, options: Options) -> str:
    """The table expression that reads *files* as *shape*: one call for neighbours that are laid out alike."""
    runs: list[tuple[TextFile, list[str]]] = []
    for file in files:
        if runs and _alike(runs[-1][0].shape, file.shape):
            runs[-1][1].append(file.path)
        else:
            runs.append((file, [file.path]))
    parts = [_part(first, paths, shape, options) for first, paths in runs]
    return f"({' union all by name '.join(parts)})"


def _part(file: TextFile, paths: list[str], shape: Shape, options: Options) -> str:
    csv = options.function == "read_csv"
    there = matched(shape.columns, file.shape.columns, by_name=file.shape.header is not False)
    wanted = {there[one.name].name: one.type for one in shape.columns if one.name in there}
    layout = tuple(Column(one.name, wanted.get(one.name, one.type)) for one in file.shape.columns)
    if csv:
        apart = msgspec.structs.replace(
            file.shape, date_format=shape.date_format, timestamp_format=shape.timestamp_format
        )
        scan = csv_files.reading(paths, options, apart, layout)
    else:
        scan = json_files.reading(paths, options, layout)
    selected = []
    for one in shape.columns:
        if one.name not in there or (one.type == NOTHING and not csv):
            type = "" if one.type == NOTHING else f"::{one.type}"
            selected.append(f"null{type} as {quote(one.name)}")
        else:
            selected.append(f"{quote(there[one.name].name)} as {quote(one.name)}")
    read = [one.name for one in layout if csv or one.type != NOTHING]
    rest = f", * exclude ({', '.join(map(quote, read))})" if read and _adds_columns(paths, options) else ""
    return f"select {', '.join(selected)}{rest} from {scan}"


def _adds_columns(paths: list[str], options: Options) -> bool:
    """Whether the reader adds columns: of a file's name, or of folders such as ``year=2024``."""
    asked = {"filename", "file_row_number", "hive_partitioning", "hive_types"} & options.given.keys()
    return bool(asked) or any("=" in part for part in paths[0].split("/")[:-1])


def _alike(one: Shape, other: Shape) -> bool:
    """Whether two files can be read by one call: taken apart alike, with the same names in the same order."""
    names, others = ([column.name for column in shape.columns] for shape in (one, other))
    return names == others and _apart(one) == _apart(other)


def _apart(shape: Shape) -> Shape:
    return msgspec.structs.replace(shape, columns=(), date_format=None, timestamp_format=None)
