"""Parts of dates, their text forms, truncation and differences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from sqlglot import exp

from upriver.lineage.sql.dialects.rules import Context, FunctionRule, function_name, literal_argument
from upriver.lineage.sql.dialects.signatures import chain, duckdb_text, word

PARTS: Mapping[str, str] = {
    "year": "extract(year from {0})",
    "quarter": "extract(quarter from {0})",
    "month": "extract(month from {0})",
    "day": "extract(day from {0})",
    "hour": "extract(hour from {0})",
    "minute": "extract(minute from {0})",
    "doy": "extract(doy from {0})",
}
"""The parts that mean the same in every dialect which has them, with DuckDB's text."""


def extracted(node: exp.Expr, context: Context) -> exp.Expr | None:
    """``extract(part from moment)``."""
    name = word(node.this) or node.this.sql().lower()
    return part_of(node, name, node.expression, context)


def called_part(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
    """``date_part(part, moment)``."""
    return part_of(node, word(arguments[0]) or "", arguments[1], context)


def part_of(node: exp.Expr, name: str, value: exp.Expr, context: Context) -> exp.Expr:
    """The part *name* of *value*, as the dialect counts it."""
    template = context.dialect.parts.get(name)
    if template is None:
        raise context.refuse(node, f"the part {name!r} is counted otherwise, or by settings")
    if context.typed:
        kind = context.known(value, node)
        if kind not in ("date", "timestamp", "null"):
            raise context.refuse(node, f"of a {kind}", "cast it to a date or timestamp")
        if kind == "date" and name.rstrip("s") in ("hour", "minute", "second", "millisecond", "microsecond"):
            raise context.refuse(node, f"the {name} of a date")
    return duckdb_text(template, value)


def truncated(*units: str, date: str = "date") -> FunctionRule:
    """A rule for ``date_trunc(unit, moment)``: *units* are those that start where DuckDB's do, *date* what a date gives;
    ``always`` stands for a date whatever is given."""

    def rule(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
        first, second = arguments
        unit, value = (word(first), second) if word(first) in _ALL_UNITS else (_unit_name(second), first)
        duck = dict(zip(units, units, strict=True)).get(unit or "") or _RENAMED.get(
            (context.dialect.name, unit or "")
        )
        if duck is None:
            raise context.refuse(node, f"the unit {unit!r} starts elsewhere, or by settings")
        kind = context.known(value, node)
        if context.typed and kind not in ("date", "timestamp", "null"):
            raise context.refuse(node, f"of a {kind}", "cast it to a timestamp")
        template = f"date_trunc('{duck}', {{0}})"
        to = "date" if date == "always" or (kind == "date" and date == "date") else "timestamp"
        return duckdb_text(f"cast({template} as {to})" if context.typed else template, value)

    return rule


_RENAMED = {("bigquery", "isoweek"): "week", ("bigquery", "week(monday)"): "week"}
_ALL_UNITS = frozenset(
    {"year", "quarter", "month", "week", "day", "hour", "minute", "second", "yyyy", "mon", "mm", "dd", "isoweek", "isoyear",
     "decade", "century", "millennium", "milliseconds", "microseconds"}
)  # fmt: skip


def _unit_name(node: exp.Expr) -> str | None:
    if isinstance(node, exp.Func | exp.WeekStart):
        return node.sql().lower()
    return word(node)


def difference(*units: str, elapsed: bool = False, swapped: bool = False) -> FunctionRule:
    """A rule for ``datediff(unit, from, to)``: boundaries that are crossed, or whole units that have *elapsed*. *swapped* is
    ``date_diff(to, from, unit)``.
    """

    def rule(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
        if swapped:
            end, start, unit_node = arguments
        else:
            unit_node, start, end = arguments
        unit = _UNIT_SHORTS.get(word(unit_node) or "", word(unit_node) or "")
        if unit not in units:
            raise context.refuse(
                node, f"the unit {unit or unit_node.sql()!r} is counted otherwise, or by settings"
            )
        check_moments(node, [start, end], context)
        return duckdb_text(
            f"date_{'sub' if elapsed else 'diff'}('{unit}', {{0}}, {{1}})", moment(start), moment(end)
        )

    return rule


_UNIT_SHORTS = {
    "yyyy": "year", "yy": "year", "years": "year", "qq": "quarter", "q": "quarter", "qtr": "quarter", "quarters": "quarter",
    "mm": "month", "mon": "month", "months": "month", "dd": "day", "d": "day", "days": "day", "hh": "hour", "hours": "hour",
    "mi": "minute", "n": "minute", "minutes": "minute", "ss": "second", "s": "second", "seconds": "second", "weeks": "week",
}  # fmt: skip


def check_moments(node: exp.Expr, values: list[exp.Expr], context: Context) -> None:
    """Refuse *node* unless *values* are dates or timestamps without a zone."""
    if not context.typed:
        return
    for value in values:
        if isinstance(value, exp.Literal) and value.is_string:
            if not re.fullmatch(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?", value.name):
                raise context.refuse(value, "how this text is read as a date depends on the engine")
        elif context.known(value, node) not in ("date", "timestamp", "null"):
            raise context.refuse(node, f"of a {context.kind(value)}", "cast it to a date or timestamp")


def moment(value: exp.Expr) -> exp.Expr:
    """*value*, a text as the timestamp that it says."""
    if isinstance(value, exp.Literal) and value.is_string:
        return duckdb_text("cast({0} as timestamp)", value)
    return value


def shifted(*units: str, sign: str = "+", unit_first: bool = True) -> FunctionRule:
    """A rule for ``dateadd(unit, count, moment)``, which gives a date for a date as long as the unit is a day or more."""

    def rule(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
        if unit_first:
            unit_node, count, value = arguments
            unit = _UNIT_SHORTS.get(word(unit_node) or "", word(unit_node) or "")
        else:
            value, interval = arguments
            if not isinstance(interval, exp.Interval) or interval.unit is None or interval.this is None:
                raise context.refuse(node, "only with an interval of one unit")
            count, unit = interval.this, str(interval.unit.name).lower()
            unit = _UNIT_SHORTS.get(unit, unit)
            if isinstance(count, exp.Literal) and count.is_string:
                if not re.fullmatch(r"-?\d+", count.name):
                    raise context.refuse(node, "only with a whole number of units")
                count = (
                    exp.Literal.number(count.name)
                    if not count.name.startswith("-")
                    else exp.Neg(this=exp.Literal.number(count.name[1:]))
                )
        if unit not in units:
            raise context.refuse(node, f"the unit {unit!r} is counted otherwise, or by settings")
        check_moments(node, [value], context)
        if isinstance(value, exp.Literal) and context.dialect.name in ("mysql", "sqlite"):
            raise context.refuse(node, "of a text it gives a text", "write date '2024-01-31'")
        literal = isinstance(count.this if isinstance(count, exp.Neg) else count, exp.Literal)
        if context.typed and not literal and context.known(count, node) not in ("int", "null"):
            raise context.refuse(node, "only with a whole number of units")
        dated = context.kind(value) == "date"
        if (
            dated
            and unit in ("hour", "minute", "second")
            and context.dialect.name not in ("snowflake", "redshift")
        ):
            raise context.refuse(node, f"a date moved by {unit}s", "cast it to a timestamp first")
        function = (
            "to_months(3 * cast({1} as integer))"
            if unit == "quarter"
            else f"to_{unit}s(cast({{1}} as {_COUNTS[unit]}))"
        )
        template = f"{{0}} {sign} {function}"
        if dated and unit not in ("hour", "minute", "second"):
            to = "timestamp" if context.dialect.name in _TIMESTAMPS_OF_DATES else "date"
            template = f"cast({template} as {to})"
        return duckdb_text(template, moment(value), count)

    return rule


_TIMESTAMPS_OF_DATES = frozenset({"redshift"})
_COUNTS = {
    "year": "integer", "quarter": "integer", "month": "integer", "week": "integer", "day": "integer", "hour": "bigint",
    "minute": "bigint", "second": "double",
}  # fmt: skip


def interval(node: exp.Expr, context: Context) -> exp.Expr | None:
    """``interval '1 day'`` and ``interval 1 day``: one whole number of one unit."""
    assert isinstance(node, exp.Interval)
    if function_name(node.parent) is not None:
        return None  # the function's rule reads it
    unit = None if node.unit is None else str(node.unit.name).lower().rstrip("s")
    count = node.this
    text = count.name if isinstance(count, exp.Literal) else None
    if unit not in ("year", "quarter", "month", "week", "day", "hour", "minute", "second"):
        raise context.refuse(node, "only intervals of one unit")
    if text is not None and not re.fullmatch(r"\s*-?\d+\s*", text):
        raise context.refuse(node, "only a whole number of one unit")
    if text is None:
        if context.typed and context.known(count, node) != "int":
            raise context.refuse(node, "only a whole number of one unit")
        number = count
    else:
        number = exp.Literal.number(text.strip().lstrip("-"))
        number = exp.Neg(this=number) if text.strip().startswith("-") else number
    made = (
        "to_months(3 * cast({0} as integer))"
        if unit == "quarter"
        else f"to_{unit}s(cast({{0}} as {_COUNTS[unit]}))"
    )
    moved = duckdb_text(made, number)
    moved.meta[UNIT] = unit
    return moved


UNIT = "upriver_unit"
"""Where a translated interval keeps its unit."""


# -- text forms ----------------------------------------------------------------------------------------------

FormatPieces: TypeAlias = "dict[str, str]"


def formatted(
    node: exp.Expr, value: exp.Expr, pattern: str, pieces: FormatPieces, context: Context, literal: str
) -> exp.Expr:
    """*value* in the form of *pattern*: its *pieces* are DuckDB texts, *literal* matches what stands for itself."""
    parts: list[exp.Expr] = []
    position, plain = 0, ""
    names = sorted(pieces, key=len, reverse=True)
    while position < len(pattern):
        name = next((one for one in names if pattern.startswith(one, position)), None)
        found = None if name is not None else re.compile(literal).match(pattern, position)
        if name is None and (found is None or not found[0]):
            raise context.refuse(
                node,
                f"the pattern {pattern[position:]!r} has no equal",
                "compose it of parts with known forms",
            )
        if name is not None:
            if plain:
                parts.append(exp.Literal.string(plain))
                plain = ""
            parts.append(duckdb_text(pieces[name], value.copy() if parts else value))
            position += len(name)
        elif found is not None:
            plain += found.groupdict().get("text") or found[0]
            position = found.end()
    if plain or not parts:
        parts.append(exp.Literal.string(plain))
    if len(parts) == 1 and isinstance(parts[0], exp.Literal):
        raise context.refuse(node, "a pattern without a part")
    return exp.Paren(this=chain(exp.DPipe, parts)) if len(parts) > 1 else parts[0]


def format_rule(pieces: FormatPieces, literal: str, *, pattern_first: bool = False) -> FunctionRule:
    """A rule for ``to_char(moment, pattern)``."""

    def rule(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
        pattern = literal_argument(node, 0 if pattern_first else 1, context)
        value = arguments[1 if pattern_first else 0]
        check_moments(node, [value], context)
        return formatted(node, moment(value), pattern, pieces, context, literal)

    return rule


def strftime(code: str) -> str:
    """DuckDB's text for one code of strftime."""
    return f"strftime({{0}}, '{code}')"


STRFTIME: FormatPieces = {
    code: strftime(code)
    for code in ("%Y", "%m", "%d", "%H", "%M", "%S", "%b", "%B", "%a", "%A", "%y", "%j", "%I", "%p")
}
TO_CHAR: FormatPieces = {
    "YYYY": strftime("%Y"), "YY": strftime("%y"), "MM": strftime("%m"), "DD": strftime("%d"), "HH24": strftime("%H"),
    "HH12": strftime("%I"), "MI": strftime("%M"), "SS": strftime("%S"), "Mon": strftime("%b"),
    "MON": f"upper({strftime('%b')})",
}  # fmt: skip
"""What to_char writes the same way in PostgreSQL, Redshift and Snowflake."""
POSTGRES_TO_CHAR: FormatPieces = TO_CHAR | {
    "yyyy": strftime("%Y"), "mm": strftime("%m"), "dd": strftime("%d"), "hh24": strftime("%H"), "mi": strftime("%M"),
    "ss": strftime("%S"), "HH": strftime("%I"), "mon": f"lower({strftime('%b')})",
    "Month": f"rpad({strftime('%B')}, 9, ' ')", "MONTH": f"rpad(upper({strftime('%B')}), 9, ' ')",
    "month": f"rpad(lower({strftime('%B')}), 9, ' ')", "FMMonth": strftime("%B"), "FMMONTH": f"upper({strftime('%B')})",
    "FMmonth": f"lower({strftime('%B')})", "Day": f"rpad({strftime('%A')}, 9, ' ')",
    "DAY": f"rpad(upper({strftime('%A')}), 9, ' ')", "day": f"rpad(lower({strftime('%A')}), 9, ' ')",
    "FMDay": strftime("%A"), "FMDAY": f"upper({strftime('%A')})", "FMday": f"lower({strftime('%A')})",
    "Dy": strftime("%a"), "DY": f"upper({strftime('%a')})", "dy": f"lower({strftime('%a')})", "DDD": strftime("%j"),
    "D": "cast(extract(dow from {0}) + 1 as varchar)", "ID": "cast(extract(isodow from {0}) as varchar)",
    "Q": "cast(extract(quarter from {0}) as varchar)", "IW": strftime("%V"), "IYYY": strftime("%G"), "AM": strftime("%p"),
    "PM": strftime("%p"), "am": f"lower({strftime('%p')})", "pm": f"lower({strftime('%p')})", "MS": "lpad(cast(extract(milliseconds from {0}) % 1000 as varchar), 3, '0')",
    "FMDD": "cast(extract(day from {0}) as varchar)", "FMMM": "cast(extract(month from {0}) as varchar)",
}  # fmt: skip
TO_CHAR_LITERAL = r"[-/.,: _;]|\"(?P<text>[^\"\\]*)\""


MYSQL_FORMAT: FormatPieces = {
    "%Y": strftime("%Y"), "%y": strftime("%y"), "%m": strftime("%m"), "%d": strftime("%d"), "%H": strftime("%H"),
    "%i": strftime("%M"), "%s": strftime("%S"), "%S": strftime("%S"), "%b": strftime("%b"), "%M": strftime("%B"),
    "%a": strftime("%a"), "%W": strftime("%A"), "%j": strftime("%j"), "%p": strftime("%p"), "%h": strftime("%I"),
    "%I": strftime("%I"), "%T": strftime("%H:%M:%S"), "%e": "cast(extract(day from {0}) as varchar)",
    "%c": "cast(extract(month from {0}) as varchar)",
}  # fmt: skip
"""What DATE_FORMAT writes in MySQL and Trino."""
PERCENT_LITERAL = r"[^%]"
SNOWFLAKE_TO_CHAR: FormatPieces = {
    spelled: text
    for name, text in {
        "YYYY": strftime("%Y"), "YY": strftime("%y"), "MMMM": strftime("%B"), "MM": strftime("%m"), "MON": strftime("%b"),
        "DD": strftime("%d"), "DY": strftime("%a"), "HH24": strftime("%H"), "HH12": strftime("%I"), "MI": strftime("%M"),
        "SS": strftime("%S"), "AM": strftime("%p"), "PM": strftime("%p"),
    }.items()
    for spelled in (name, name.lower(), name.capitalize())
}  # fmt: skip
"""Letter case makes no difference in Snowflake's formats."""
JAVA_FORMAT: FormatPieces = {
    "yyyy": strftime("%Y"), "MMMM": strftime("%B"), "MMM": strftime("%b"), "MM": strftime("%m"), "dd": strftime("%d"),
    "HH": strftime("%H"), "mm": strftime("%M"), "ss": strftime("%S"), "EEEE": strftime("%A"), "EEE": strftime("%a"),
    "yy": strftime("%y"),
}  # fmt: skip
"""What date_format writes in Spark."""
JAVA_LITERAL = r"[-/.,: _]|'(?P<text>[^']+)'"


def parsed(node: exp.Anonymous, arguments: list[exp.Expr], context: Context) -> exp.Expr:
    """``parse_date(format, text)`` with the codes of strptime; a text that does not fit is an error."""
    pattern = literal_argument(node, 0, context)
    if not re.fullmatch(r"(%[Ymd]|[-/. ])+", pattern):
        raise context.refuse(node, f"the pattern {pattern!r} may read other texts")
    return duckdb_text("cast(strptime({1}, {0}) as date)", *arguments)
