"""Dialects as values, and what their rules may ask about a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlglot import exp

from upriver.lineage.sql.dialects.kinds import Kind, accepts, kind_of
from upriver.lineage.sql.dialects.refusal import Origin, Refused
from upriver.lineage.sql.dialects.signatures import Signature, duckdb_text, literal_text, word

PREFIX = "upriver__"
"""Put before the name of a function that a dialect's table knows, so that sqlglot makes nothing of it by itself."""


@dataclass(frozen=True)
class Casts:
    """What CAST does. *whole* and *float_whole* say how decimals and doubles become whole numbers: ``round`` half away from zero,
    ``even`` half to even, ``trunc``, None when that is not certain. *default_decimal* is DECIMAL without digits. *cut* says that a text type with a length
    shortens. *as_text* are the kinds whose text is DuckDB's.
    """

    whole: str | None = None
    float_whole: str | None = None
    default_decimal: tuple[int, int] | None = None
    cut: bool = False
    unsized_cut: int | None = None
    as_text: frozenset[str] = frozenset({"int", "text", "date", "null"})
    float_decimal: bool = False
    from_text: frozenset[str] = frozenset({"int", "exact", "float", "date", "timestamp", "text"})


@dataclass(frozen=True)
class Division:
    """What ``/`` does. *whole* says that whole numbers give a whole one, *scale* the digits after the point for decimals (None
    when they can't be told: then they are divided as doubles if *as_double*), *whole_as_double* that whole numbers are
    divided as doubles, *zero* what division by zero gives, *float_zero* what it gives for doubles.
    """

    whole: bool
    zero: str
    as_double: bool = False
    whole_as_double: bool = False
    scale: Callable[[tuple[int, int], tuple[int, int]], int] | None = None
    float_zero: str | None = None


@dataclass(frozen=True)
class Dialect:
    """What of a dialect can be translated. *grammar* is its name in sqlglot.

    *kept* are functions that mean the same in DuckDB, *functions* those with a text of their own, *rules* what is done
    about other nodes. *exact_text* is False where text is compared by a collation that is not known. *escape* is the
    default escape character of LIKE. *float_literals* says that ``0.1`` is a double. *clauses* are node classes that only some dialects may use.
    *date_plus_interval* and *whole_average* say what a date plus days and an average of whole numbers are.
    """

    name: str
    grammar: str
    division: Division
    casts: Casts
    functions: Mapping[str, tuple[Signature, ...]]
    kept: frozenset[str]
    named: Mapping[str, FunctionRule] = field(default_factory=dict)
    rules: Mapping[type[exp.Expr], Rule] = field(default_factory=dict)
    clauses: frozenset[type[exp.Expr]] = frozenset()
    parts: Mapping[str, str] = field(default_factory=dict)
    part_type: str = "bigint"
    exact_text: bool = True
    escape: str | None = None
    like: str = "exact"
    float_literals: bool = False
    plus_joins_text: bool = False
    date_plus_interval: str = "date"
    whole_average: str = "float"
    sum_of_bigint_is_decimal: bool = False


class Context:
    """A translation under way. *typed* says that the types of columns are known."""

    def __init__(self, dialect: Dialect, origin: Origin, *, typed: bool) -> None:
        self.dialect = dialect
        self.origin = origin
        self.typed = typed

    def kind(self, node: exp.Expr) -> Kind | None:
        """The kind of what *node* gives, None when it is not known."""
        if isinstance(node, exp.Null):
            return "null"
        if isinstance(node, exp.Paren | exp.Distinct | exp.Ordered | exp.Order | exp.Alias) and not node.type:
            inner = node.expressions[0] if isinstance(node, exp.Distinct) else node.this
            return self.kind(inner)
        return kind_of(node.type)

    def known(self, node: exp.Expr, about: exp.Expr) -> Kind | None:
        """The kind of *node*; refuses *about* when the types of columns are known and this one is not."""
        kind = self.kind(node)
        if kind is None and self.typed:
            raise self.unknown_type(node, about)
        return kind

    def unknown_type(self, node: exp.Expr, about: exp.Expr) -> Refused:
        """The refusal of *about*, whose meaning depends on the unknown type of *node*."""
        name = self.origin.written(about)
        return Refused(
            about,
            f"what {name!r} means in {self.dialect.name} depends on the type of {_shown(node, self.dialect)}, which is not known here",
            f"give it a type with cast({_shown(node, self.dialect)} as …)",
            about_types=True,
        )

    def refuse(self, node: exp.Expr, why: str, hint: str | None = None) -> Refused:
        """The refusal of *node*, with its name as the user wrote it."""
        name = self.origin.written(node)
        return Refused(node, f"{name!r} of {self.dialect.name} is not translated to DuckDB: {why}", hint)


Rule: TypeAlias = "Callable[[exp.Expr, Context], exp.Expr | None]"
FunctionRule: TypeAlias = "Callable[[exp.Anonymous, list[exp.Expr], Context], exp.Expr]"


def _shown(node: exp.Expr, dialect: Dialect) -> str:
    text = node.sql(dialect=dialect.grammar).replace(PREFIX.upper(), "").replace(PREFIX, "")
    return text if len(text) <= 40 else f"{text[:39]}…"


def function_name(node: exp.Expr | None) -> str | None:
    """The name of a function that the dialect's table knows, in capitals."""
    if isinstance(node, exp.Anonymous) and str(node.this).lower().startswith(PREFIX):
        return str(node.this)[len(PREFIX) :].upper()
    return None


def call_type(dialect: Dialect, node: exp.Expr) -> exp.DataType:
    """The type of what a function gives."""
    signature = _signature(dialect, node)
    unknown = exp.DataType.build(exp.DType.UNKNOWN)
    if signature is None:
        return unknown
    if signature.result in ("same", "second"):
        index = int(signature.result == "second")
        first = node.expressions[index] if len(node.expressions) > index else None
        first = first.expressions[0] if isinstance(first, exp.Distinct) else first
        return first.type.copy() if first is not None and first.type is not None else unknown
    if signature.result in ("unknown", "decimal"):  # DuckDB would give a decimal digits
        return exp.DataType.build(signature.result)
    return exp.DataType.build(signature.result, dialect="duckdb")


def _signature(dialect: Dialect, node: exp.Expr, *, typed: bool = True) -> Signature | None:
    name = function_name(node)
    for signature in dialect.functions.get(name or "", ()):
        if signature.takes(len(node.expressions)) and all(
            _fits(signature.wanted(index), argument, typed=typed, ruled=signature.rule is not None)
            for index, argument in enumerate(node.expressions)
        ):
            return signature
    return None


def _fits(wanted: str, argument: exp.Expr, *, typed: bool, ruled: bool) -> bool:
    inner = argument.expressions[0] if isinstance(argument, exp.Distinct) else argument
    inner = inner.this if isinstance(inner, exp.Order) else inner
    match wanted:
        case "lit":
            return isinstance(inner, exp.Literal)
        case "word":
            return word(inner) is not None
        case _:
            if (
                isinstance(inner, exp.Literal)
                and inner.is_string
                and wanted in ("date", "timestamp", "moment")
            ):
                return ruled or not typed  # a rule looks at the text
            kind = "null" if isinstance(inner, exp.Null) else kind_of(inner.type)
            return accepts(wanted, kind) or (kind is None and not typed)


def translate_call(node: exp.Expr, context: Context) -> exp.Expr:
    """A function of the dialect's table, as DuckDB's text for it."""
    dialect, name = context.dialect, function_name(node)
    assert isinstance(node, exp.Anonymous)
    signatures = dialect.functions[name or ""]
    arguments = list(node.expressions)
    by_count = [one for one in signatures if one.takes(len(arguments))]
    if not by_count:
        raise context.refuse(
            node, f"it is not known with {len(arguments)} argument{'' if len(arguments) == 1 else 's'}"
        )
    signature = _signature(dialect, node, typed=context.typed)
    refused = next((one for one in by_count if one.refusal is not None), None)
    if refused is not None and (signature is None or signature.refusal is not None):
        raise context.refuse(node, refused.refusal or "")
    if signature is None:
        for index, argument in enumerate(arguments):
            if all(one.wanted(index) not in ("any", "lit", "word") for one in by_count):
                context.known(argument, node)
        kinds = ", ".join(context.kind(argument) or "unknown" for argument in arguments)
        raise context.refuse(node, f"not for arguments of these kinds ({kinds})")
    if signature.rule is not None:
        return dialect.named[signature.rule](node, arguments, context)
    template = signature.template
    if "{*}" in template:
        return exp.Anonymous(this=template.partition("(")[0], expressions=arguments)
    return duckdb_text(template, *arguments)


def literal_argument(node: exp.Anonymous, index: int, context: Context) -> str:
    """The text of a literal argument; refuses the function when it is computed."""
    text = literal_text(node.expressions[index])
    if text is None:
        raise context.refuse(node, "only with a literal pattern, because the pattern decides what it means")
    return text
