"""CAST and TRY_CAST: rounding, shortening, and what text a value becomes."""

from __future__ import annotations

import re

from sqlglot import exp

from upriver.lineage.sql.dialects.division import steadied
from upriver.lineage.sql.dialects.kinds import Kind, digits, has_text, kind_of
from upriver.lineage.sql.dialects.refusal import take_place
from upriver.lineage.sql.dialects.rules import Context
from upriver.lineage.sql.dialects.signatures import duckdb_text, literal_text

_ZONED = re.compile(r":\d{2}(\.\d+)?\s*([+-]|[zZ]|[A-Za-z])")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?")


def cast(node: exp.Expr, context: Context) -> exp.Expr | None:
    """``cast(value as type)``, ``value::type`` and typed literals."""
    assert isinstance(node, exp.Cast)
    value, target = node.this, node.to
    if (
        context.dialect.name == "spark"
        and isinstance(node, exp.TryCast)
        and "TRY" not in context.origin.written(node).upper()
    ):
        strict = exp.Cast(**node.args)  # Spark 4 and later raise where earlier ones gave null
        take_place(strict, node)
        node = strict
    if node.args.get("format") or node.args.get("default"):
        raise context.refuse(node, "with a format")
    to = kind_of(target)
    if to == "zoned" and context.dialect.name in ("mysql", "spark"):
        to = "timestamp"  # an instant that is shown in the zone of the session: the columns that are read have none
    text = literal_text(value)
    if (
        context.dialect.name == "tsql"
        and target.this in (exp.DType.DATETIME, exp.DType.SMALLDATETIME)
        and (text is None or "." in text)
    ):
        raise context.refuse(node, "it rounds to fractions of a second, or to minutes", "cast to datetime2")
    if text is not None:
        return _literal(node, text, to, context)
    if not context.typed:
        return exp.Cast(this=value, to=_plain(target, to, node, context))
    kind = context.known(value, node)
    return _converted(node, value, kind, to, context)


def _literal(node: exp.Cast, text: str, to: Kind | None, context: Context) -> exp.Expr:
    value = node.this
    shapes = {"date": _ISO_DATE, "timestamp": _ISO_MOMENT}
    if to in shapes:
        if not shapes[to].fullmatch(text.strip()):
            raise context.refuse(
                value, f"how {text!r} is read depends on the engine", "write it as '2024-01-31 00:00:00'"
            )
        return exp.Cast(this=value, to=exp.DataType.build(to))
    if to in ("int", "exact", "float"):
        if not re.fullmatch(
            r"[+-]?\d+" if to == "int" else r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text.strip()
        ):
            raise context.refuse(
                value, f"how {text!r} becomes a number depends on the engine", "write the number itself"
            )
        if to not in context.dialect.casts.from_text:
            raise context.refuse(
                node, "how text becomes a number depends on the engine", "write the number itself"
            )
        return exp.Cast(this=value, to=_plain(node.to, to, node, context))
    if to == "bool":
        if text.lower() not in ("true", "false"):
            raise context.refuse(value, f"{text!r} may be no truth value in DuckDB", "write true or false")
        return exp.Cast(this=value, to=exp.DataType.build("boolean"))
    if to == "text":
        return _shortened(node, value, context)
    raise context.refuse(node, f"a literal of type {node.to.sql()} may be read otherwise")


def _plain(target: exp.DataType, to: Kind | None, node: exp.Expr, context: Context) -> exp.DataType:
    """The type of DuckDB for *target*."""
    match to:
        case "exact":
            if target.expressions:
                return exp.DataType.build(target.sql("duckdb"), dialect="duckdb")
            default = context.dialect.casts.default_decimal
            if default is None:
                if (known := digits(node.this.type)) is not None:
                    return exp.DataType.build(f"decimal({known[0]}, {known[1]})", dialect="duckdb")
                if context.typed:
                    raise context.refuse(node, "a decimal without digits", "give the digits: decimal(18, 2)")
                default = (38, 9)
            return exp.DataType.build(f"decimal({default[0]}, {default[1]})", dialect="duckdb")
        case "int":
            if target.this in _UNSIGNED and context.dialect.name != "tsql":
                raise context.refuse(node, "negative numbers wrap around in it")
            wide = _wide(context) or target.this not in _WHOLE
            return exp.DataType.build("bigint" if wide else _WHOLE[target.this], dialect="duckdb")
        case "float":
            return exp.DataType.build(
                "double" if target.this != exp.DType.FLOAT or _wide(context) else "float"
            )
        case "date" | "timestamp" | "text":
            return exp.DataType.build({"text": "varchar"}.get(to, to), dialect="duckdb")
        case "bool":
            return exp.DataType.build("boolean")
        case _:
            raise context.refuse(
                node, f"the type {target.sql(context.dialect.grammar)} is not known to be the same"
            )


_UNSIGNED = (exp.DType.UBIGINT, exp.DType.UINT, exp.DType.USMALLINT, exp.DType.UTINYINT)
_WHOLE = {
    exp.DType.TINYINT: "tinyint", exp.DType.SMALLINT: "smallint", exp.DType.INT: "integer", exp.DType.BIGINT: "bigint",
    exp.DType.UTINYINT: "utinyint",
}  # fmt: skip


def _wide(context: Context) -> bool:
    """Where FLOAT is a double, and every whole number has 64 bits or more."""
    return context.dialect.name in ("bigquery", "snowflake", "sqlite")


def _converted(
    node: exp.Cast, value: exp.Expr, kind: Kind | None, to: Kind | None, context: Context
) -> exp.Expr:
    casts, safe = context.dialect.casts, isinstance(node, exp.TryCast)
    plain = _plain(node.to, to, node, context)
    made = exp.TryCast if safe else exp.Cast
    match kind, to:
        case (
            ("null", _)
            | ("int", "int" | "exact" | "float")
            | ("exact", "exact" | "float")
            | ("float", "float")
        ):
            return made(this=steadied(value, context), to=plain)
        case ("exact", "int"):
            return _whole(node, steadied(value, context), casts.whole, plain, context)
        case ("float", "int"):
            return _whole(node, value, casts.float_whole, plain, context)
        case ("float", "exact"):
            if not casts.float_decimal:
                raise context.refuse(
                    node,
                    "how a double becomes a decimal depends on the engine",
                    "round() it first, and leave it a double",
                )
            return duckdb_text(f"cast(cast({{0}} as varchar) as {plain.sql('duckdb')})", value)
        case ("bool", "int") if context.dialect.exact_text:
            return made(this=value, to=plain)
        case ("bool", "bool") | ("int", "bool"):
            return made(this=value, to=plain)
        case ("text", "int" | "exact" | "float" | "date" | "timestamp") if to in casts.from_text:
            return _from_text(node, value, to, plain, context)
        case ("date", "date" | "timestamp") | ("timestamp", "timestamp" | "date"):
            return made(this=value, to=plain)
        case (_, "text") if kind in casts.as_text and (kind != "exact" or has_text(value.type)):
            return _shortened(node, value, context, kind)
    source = "" if kind is None else f" of a {kind}"
    raise context.refuse(
        node, f"what the cast{source} to {node.to.sql(context.dialect.grammar)} gives differs"
    )


def _whole(
    node: exp.Cast, value: exp.Expr, how: str | None, plain: exp.DataType, context: Context
) -> exp.Expr:
    text = plain.sql("duckdb")
    match how:
        case "round":
            return duckdb_text(f"cast(round({{0}}, 0) as {text})", value)
        case "even":
            return duckdb_text(f"cast(round_even({{0}}, 0) as {text})", value)
        case "trunc":
            return duckdb_text(f"cast(trunc({{0}}) as {text})", value)
        case _:
            raise context.refuse(
                node,
                "how it makes whole numbers is not certain",
                "say it with round(), floor() or trunc() first",
            )


def _from_text(
    node: exp.Cast, value: exp.Expr, to: Kind | None, plain: exp.DataType, context: Context
) -> exp.Expr:
    text = plain.sql("duckdb")
    if not isinstance(node, exp.TryCast):
        match to:
            case "timestamp":
                # DuckDB moves a text with a zone to UTC; others ignore the zone or refuse.
                zoned = _ZONED.pattern.replace("'", "''")
                return duckdb_text(
                    f"cast(if(regexp_matches({{0}}, '{zoned}'), error('text with a time zone: ' || {{0}}), {{0}}) as timestamp)",
                    value,
                )
            case "int":
                return duckdb_text(
                    f"cast(if(regexp_full_match({{0}}, '\\s*[+-]?\\d+\\s*'), {{0}}, error('not a whole number: ' || {{0}})) as {text})",
                    value,
                )
            case "date":
                return duckdb_text(
                    f"cast(if(regexp_full_match({{0}}, '{_ISO_DATE.pattern}'), {{0}}, error('not a date like 2024-01-31: ' || {{0}})) as date)",
                    value,
                )
        return exp.Cast(this=value, to=plain)
    if to == "float":
        return exp.TryCast(this=value, to=plain)
    if to == "int" and context.dialect.name != "snowflake":
        return duckdb_text(
            f"if(regexp_full_match({{0}}, '[+-]?\\d+'), try_cast({{0}} as {text}), null)", value
        )
    if to in ("int", "exact") and context.dialect.name == "snowflake":
        return exp.TryCast(this=value, to=plain)
    raise context.refuse(node, "which texts it can read differs")


def _shortened(node: exp.Cast, value: exp.Expr, context: Context, kind: Kind | None = "text") -> exp.Expr:
    """A cast to text, which may have a length."""
    casts, target = context.dialect.casts, node.to
    made = exp.TryCast if isinstance(node, exp.TryCast) else exp.Cast
    text = made(this=value, to=exp.DataType.build("varchar"))
    length = target.expressions[0].name if target.expressions else None
    if length is None and target.this == exp.DType.CHAR and context.dialect.name not in ("mysql", "sqlite"):
        length = "1"
    if length is None and casts.unsized_cut is not None:
        length = str(casts.unsized_cut)
    if (
        length is None
        or length.lower() == "max"
        or (length == "65535" and context.dialect.name == "redshift")
    ):
        return text
    if (
        not length.isdigit()
        or not casts.cut
        or kind != "text"
        or (target.this in (exp.DType.CHAR, exp.DType.NCHAR) and context.dialect.name != "mysql")
    ):
        if kind == "int" and length.isdigit() and int(length) >= 20:
            return text
        if kind == "date" and length.isdigit() and int(length) >= 10:
            return text
        raise context.refuse(
            node,
            "a text type with a length shortens, pads or fails",
            "cast to text without a length, and use left()",
        )
    return duckdb_text(f"left({{0}}, {int(length)})", text)
