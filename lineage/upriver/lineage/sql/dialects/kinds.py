"""Kinds of types: what the rules of translation tell apart."""

from __future__ import annotations

from typing import Literal, TypeAlias

from sqlglot import exp

Kind: TypeAlias = Literal[
    "int",
    "exact",
    "float",
    "text",
    "date",
    "timestamp",
    "zoned",
    "time",
    "bool",
    "interval",
    "list",
    "null",
    "other",
]
"""``exact`` is a decimal, ``timestamp`` one without and ``zoned`` one with a time zone."""

T = exp.DType
_KINDS: dict[exp.DType, Kind] = {
    **dict.fromkeys(exp.DataType.INTEGER_TYPES, "int"),
    **dict.fromkeys((T.DECIMAL, T.BIGDECIMAL, T.UDECIMAL, T.MONEY, T.SMALLMONEY), "exact"),
    **dict.fromkeys((T.DOUBLE, T.FLOAT, T.UDOUBLE), "float"),
    **dict.fromkeys(exp.DataType.TEXT_TYPES, "text"),
    T.ENUM: "text",
    **dict.fromkeys((T.DATE, T.DATE32), "date"),
    **dict.fromkeys(
        (
            T.TIMESTAMP, T.TIMESTAMPNTZ, T.DATETIME, T.DATETIME2, T.SMALLDATETIME, T.TIMESTAMP_S, T.TIMESTAMP_MS,
            T.TIMESTAMP_NS,
        ),
        "timestamp",
    ),
    **dict.fromkeys((T.TIMESTAMPTZ, T.TIMESTAMPLTZ), "zoned"),
    **dict.fromkeys((T.TIME, T.TIMETZ), "time"),
    T.BOOLEAN: "bool",
    **dict.fromkeys((T.INTERVAL,), "interval"),
    **dict.fromkeys((T.ARRAY, T.LIST), "list"),
    T.NULL: "null",
}  # fmt: skip


def kind_of(type_: exp.DataType | None) -> Kind | None:
    """The kind of a type, None when the type is not known."""
    if type_ is None or type_.this in (T.UNKNOWN, T.USERDEFINED):
        return None
    return _KINDS.get(type_.this, "other")


_GROUPS: dict[str, frozenset[str]] = {
    "num": frozenset({"int", "exact", "float"}),
    "decimal": frozenset({"int", "exact"}),
    "moment": frozenset({"date", "timestamp"}),
}


def accepts(wanted: str, kind: Kind | None) -> bool:
    """Whether an argument of *kind* is *wanted*: a kind, a group of kinds (``num``, ``decimal``, ``moment``), or ``any``."""
    return wanted == "any" or kind == "null" or kind in _GROUPS.get(wanted, (wanted,))


def digits(type_: exp.DataType | None) -> tuple[int, int] | None:
    """Precision and scale of a whole number or decimal, None when they are not known."""
    kind = kind_of(type_)
    if kind == "int":
        return 19, 0
    if kind != "exact" or type_ is None or len(type_.expressions) != 2:
        return None
    precision, scale = (int(parameter.name) for parameter in type_.expressions)
    return precision, scale


def has_text(type_: exp.DataType | None) -> bool:
    """Whether DuckDB writes a decimal as others do: its digits are known, and one before the point is among them."""
    known = digits(type_)
    return known is not None and known[0] > known[1]
