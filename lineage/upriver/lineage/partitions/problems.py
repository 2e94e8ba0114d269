"""Problems between a partitioning and the columns that an asset has."""

from __future__ import annotations

from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.model import Asset, Column, Kind, Schema
from upriver.assets.partitions.calendar import changes_clocks
from upriver.assets.partitions.model import Dimension, Grain
from upriver.lineage.partitions.keys import TIMES, ZONED, is_value_type


def partition_problem(asset: Asset, schema: Schema) -> Diagnosis | None:
    """The first dimension of *asset* that columns *schema* can't be cut by; None when all can."""
    if asset.partition is None:
        return None
    columns = {column.name.casefold(): column for column in schema}
    for one in asset.partition.dimensions:
        column = columns.get(one.by.casefold())
        found: tuple[str, str | None] | None
        if asset.ordered:
            found = ("its rows have an order, `ordered`, which slices can't keep", "leave one of the two out")
        elif asset.kind is Kind.FILE:
            found = ("a file can't be partitioned", "return a table, or leave `partition` out")
        elif column is None:
            names = [column.name for column in schema]
            hint = did_you_mean(one.by, names) or f"its columns are {', '.join(names[:12])}"
            found = (f"{one.by!r} is no output column of {asset.key}", hint)
        else:
            found = _unusable(one, column)
        if found is not None:
            return Diagnosis(
                "bad-partition",
                f"partition: {found[0]}",
                one.place or asset.place,
                hint=found[1],
                key=asset.key,
            )
    return None


def _unusable(one: Dimension, column: Column) -> tuple[str, str | None] | None:
    if one.every is None:
        if is_value_type(column.type):
            return None
        if column.type in TIMES:
            return f"{column.name} is a time ({column.type})", "add `every: day`"
        return (
            f"{column.name} is {column.type}, whose values can't name slices",
            "equal values must be the same value: cast it to a whole number, a decimal or a text",
        )
    if column.type not in TIMES:
        return (
            f"{column.name} is {column.type}, which is no time; `every` needs one",
            f"cast it: {column.name}::date",
        )
    if one.every is Grain.HOUR:
        if column.type == "DATE":
            return f"{column.name} is a DATE, which has no hours", "use `every: day`, or a TIMESTAMP"
        if column.type != ZONED and one.zone is not None and changes_clocks(one.zone):
            return (
                f"{column.name} is a TIMESTAMP without an offset, and in {one.zone} some hours come twice",
                f"make instants of it: {column.name} at time zone '{one.zone}'",
            )
    return None


def split_problem(asset: Asset, schema: Schema) -> Diagnosis | None:
    """As :func:`partition_problem`, for the result of Python code, whose rows are written again by DuckDB."""
    if (problem := partition_problem(asset, schema)) is not None:
        return problem
    lost = [column.name for column in schema if column.logical]
    if asset.partition is None or not lost:
        return None
    return Diagnosis(
        "bad-partition",
        f"partition: the type of {', '.join(lost[:5])} would not survive that the rows are cut into slices",
        asset.partition.dimensions[0].place or asset.place,
        hint="give it a type that DuckDB has, or leave `partition` out",
        key=asset.key,
    )
