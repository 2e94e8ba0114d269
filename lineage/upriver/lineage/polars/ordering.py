"""Order dependence of Polars expressions: whether a result depends on the order of the rows.

Only what is known not to depend on it is listed: anything else is taken to. Sums and means of floating-point
columns depend on it in their last bits, and which of two equal ones is kept: zeros have signs.
"""

from __future__ import annotations

from enum import Enum

import polars as pl
from polars._plr import PySeries
from polars._typing import PolarsDataType
from polars.datatypes import DataType

from upriver.lineage.polars.tree import Expression, Named


class Shape(Enum):
    """What an expression makes of its rows, as far as their order bears on it."""

    ONE = "one value, the same in any order"
    ROWS = "a value for each row, that stays with its row"
    BAG = "the same values in any order, though not beside the same rows"
    ORDERED = "something that depends on the order"


_ONE_OF_ROWS = frozenset({"min", "max", "n_unique", "count", "median", "item"})
_ONE_FUNCTIONS = (
    frozenset({"null_count", "approx_n_unique", "quantile"})
    | {f"BooleanFunction.{name}" for name in ("Any", "All", "HasNulls", "IsEmpty")}
    | {f"BitwiseFunction.{name}" for name in ("And", "Or", "Xor")}
)
_BAG_FUNCTIONS = frozenset(
    {"unique", "drop_nulls", "drop_nans", "mode", "top_k", "value_counts", "unique_counts"}
)
_ROW_FUNCTIONS_OF_ALL = frozenset({"BooleanFunction.IsUnique", "BooleanFunction.IsDuplicated", "rank"})
_STEADY_RANKS = frozenset({"average", "min", "max", "dense"})
_ROW_FUNCTIONS = frozenset(
    {
        *(
            "abs",
            "cbrt",
            "ceil",
            "clip",
            "cut",
            "erf",
            "erfc",
            "exp",
            "floor",
            "gamma",
            "log",
            "log1p",
            "negate",
        ),
        *("pow", "round", "round_sig_figs", "sign", "sqrt", "truncate", "degrees", "radians", "arctan2"),
        *("sin", "cos", "tan", "cot", "sinh", "cosh", "tanh"),
        *("arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh"),
        *("as_struct", "coalesce", "fill_nan", "fill_null", "hash", "repeat_by", "replace", "replace_strict"),
        *("max_horizontal", "mean_horizontal", "min_horizontal", "sum_horizontal"),
        *(f"BitwiseFunction.{k}{b}" for k in ("Count", "Leading", "Trailing") for b in ("Ones", "Zeros")),
    }
)
_NOT_BY_ROW = frozenset(
    {
        "StringFunction.ConcatVertical",
        "StringFunction.ToDecimal",  # finds the scale from all values
        "ListFunction.Sample",
        "ArrayFunction.Explode",
        "BooleanFunction.IsFirstDistinct",
        "BooleanFunction.IsLastDistinct",
    }
)
_ROW_FAMILIES = (
    "StringFunction.",
    "TemporalFunction.",
    "ListFunction.",
    "ArrayFunction.",
    "StructFunction.",
    "BinaryFunction.",
)
_ROW_BOOLEANS = frozenset(
    f"BooleanFunction.{name}"
    for name in (
        *("IsNull", "IsNotNull", "IsFinite", "IsInfinite", "IsNan", "IsNotNan"),
        *("IsIn", "IsBetween", "IsClose", "Not", "AnyHorizontal", "AllHorizontal"),
    )
)


_KEEPING = frozenset({"min", "max", "median", "quantile", "unique", "mode", "top_k", "value_counts"})
"""Those that give values that they were given, one for several that are equal."""


def ambiguous(dtype: DataType | None) -> bool:
    """Whether values of a type can be equal and yet differ: zeros of both signs, or what is not known."""
    match dtype:
        case None | pl.Float32() | pl.Float64() | pl.Object():
            return True
        case pl.List() | pl.Array():
            return ambiguous(_instance(dtype.inner))
        case pl.Struct():
            return any(ambiguous(_instance(field.dtype)) for field in dtype.fields)
    return False


def _instance(dtype: PolarsDataType) -> DataType:
    return dtype if isinstance(dtype, DataType) else dtype()


def depends_on_order(expressions: tuple[Named, ...], *, beside_rows: bool = False) -> bool:
    """Whether the columns that *expressions* make hold other rows when the input rows come in another order.

    *beside_rows* says that they stand beside columns that stay as they are.
    """
    shapes = [shape(named.expression) for named in expressions]
    if Shape.ORDERED in shapes:
        return True
    # Values that lost their rows can be shuffled against anything that they stand beside.
    return Shape.BAG in shapes and (beside_rows or len([s for s in shapes if s is not Shape.ONE]) > 1)


def shape(expression: Expression) -> Shape:
    """The shape of *expression* over rows in any order."""
    inputs = [shape(inner) for inner in (*expression.inputs, *(e for _, e in expression.deciders))]
    if Shape.ORDERED in inputs:
        return Shape.ORDERED
    match expression.op:
        case "column":
            return Shape.ROWS
        case "literal":
            # A literal series of several values stands beside the rows in their order.
            return Shape.ORDERED if isinstance(expression.options[0], PySeries) else Shape.ONE
        case "len":
            return Shape.ONE
        case "binary" | "ternary":
            return _beside(inputs)
        case "cast":
            # The numbers behind categories are given out in the order of appearance.
            coded = isinstance(expression.inputs[0].dtype, pl.Categorical)
            return Shape.ORDERED if coded and expression.dtype != pl.String else _beside(inputs)
        case "function":
            return _function(expression, inputs)
        case "aggregate":
            return _aggregate(expression)
        case "filter":
            return Shape.BAG if _beside(inputs) in (Shape.ROWS, Shape.ONE) else Shape.ORDERED
        case "sort":
            return Shape.BAG
        case "explode":
            return Shape.BAG
        case "slice" if expression.inputs[0].op == "sort" and not ambiguous(expression.inputs[0].dtype):
            return Shape.BAG
        case "window":
            return _window(expression, inputs)
    return Shape.ORDERED


def _beside(inputs: list[Shape]) -> Shape:
    """Values computed one by one from several inputs."""
    several = [s for s in inputs if s is not Shape.ONE]
    if not several:
        return Shape.ONE
    if Shape.BAG in several:
        return Shape.BAG if len(several) == 1 else Shape.ORDERED
    return Shape.ROWS


def _function(expression: Expression, inputs: list[Shape]) -> Shape:
    name = expression.name
    if name in _KEEPING and ambiguous(expression.inputs[0].dtype):
        return Shape.ORDERED
    if name in _ONE_FUNCTIONS or (name == "product" and _exact(expression.inputs[0])):
        return Shape.ONE
    if name in _BAG_FUNCTIONS:
        # A maintained order of first appearance is no set.
        return Shape.ORDERED if name == "unique" and expression.options[:1] == (True,) else Shape.BAG
    if name in _ROW_FUNCTIONS_OF_ALL:
        steady = name != "rank" or str(expression.options[0]) in _STEADY_RANKS
        return inputs[0] if steady else Shape.ORDERED
    if name == "StringFunction.Strptime" and expression.options[0] is None:
        return Shape.ORDERED  # the format is inferred from the first values
    by_row = name in _ROW_FUNCTIONS or name in _ROW_BOOLEANS or name.startswith(_ROW_FAMILIES)
    return _beside(inputs) if by_row and name not in _NOT_BY_ROW else Shape.ORDERED


def _aggregate(expression: Expression) -> Shape:
    (argument, *_) = expression.inputs
    if expression.name in _KEEPING and ambiguous(argument.dtype):
        return Shape.ORDERED
    if expression.name in _ONE_OF_ROWS:
        return Shape.ONE
    if expression.name == "sum":
        return Shape.ONE if _exact(argument) else Shape.ORDERED
    if expression.name == "mean":
        return Shape.ONE if _small_integer(argument) else Shape.ORDERED
    # A place in values that were sorted by themselves is the same in any order.
    if expression.name in ("implode", "first", "last") and argument.op == "sort":
        return Shape.ORDERED if ambiguous(argument.dtype) else Shape.ONE
    return Shape.ORDERED


def _window(expression: Expression, inputs: list[Shape]) -> Shape:
    if expression.options[0] != "groups_to_rows":
        return Shape.ORDERED
    if any(how == "order" for how, _ in expression.deciders) and inputs[0] is not Shape.ONE:
        return Shape.ORDERED
    if any(s is Shape.BAG for s in inputs):
        return Shape.ORDERED
    return Shape.ROWS


def _exact(argument: Expression) -> bool:
    """Whether adding up the values gives the same in any order, to the last bit."""
    dtype = argument.dtype
    return dtype is not None and (
        dtype.is_integer() or dtype.is_decimal() or isinstance(dtype, pl.Boolean | pl.Duration)
    )


def _small_integer(argument: Expression) -> bool:
    """Whether the sum of the values is exact as a double for as many rows as fit a disk."""
    dtype = argument.dtype
    return isinstance(dtype, pl.Int8 | pl.Int16 | pl.Int32 | pl.UInt8 | pl.UInt16 | pl.UInt32 | pl.Boolean)
