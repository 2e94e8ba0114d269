"""Amazon Redshift: PostgreSQL's grammar, with other types of results."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects import common, text
from upriver.lineage.sql.dialects.common_rules import NAMED
from upriver.lineage.sql.dialects.datetime import (
    PARTS,
    TO_CHAR,
    TO_CHAR_LITERAL,
    called_part,
    difference,
    format_rule,
    shifted,
    strftime,
    truncated,
)
from upriver.lineage.sql.dialects.rules import Casts, Dialect, Division
from upriver.lineage.sql.dialects.signatures import functions

_SUBSTRING, _SUBSTR = text.substring("error")
_UNITS = ("year", "quarter", "month", "day", "hour", "minute", "second")
FUNCTIONS = """
    floor(int) unknown = {0}
    floor(exact) decimal = floor({0})
    floor(float) double = floor({0})
    ceil(int) unknown = {0}
    ceil(exact) decimal = ceil({0})
    ceil(float) double = ceil({0})
    ceiling(int) unknown = {0}
    ceiling(exact) decimal = ceil({0})
    ceiling(float) double = ceil({0})
    round(int) unknown = {0}
    round(exact) decimal = round({0}, 0)
    round(exact, lit) decimal = @round
    trunc(exact) decimal = trunc({0})
    trunc(float) double = trunc({0})
    greatest(any*) same = @greatest
    least(any*) same = @least
    nvl2(any, any, any) second = if({0} is not null, {1}, {2})
    length(text) int = length({0})
    len(text) int = length({0})
    char_length(text) int = length({0})
    octet_length(text) int = strlen({0})
    substr(text, int) varchar = @substr
    substr(text, int, int) varchar = @substr
    btrim(text) varchar = trim({0}, ' ')
    btrim(text, text) varchar = trim({0}, {1})
    charindex(text, text) int = strpos({1}, {0})
    strpos(text, text) int = strpos({0}, {1})
    concat(any, any) varchar = @concat
    md5(text) varchar = md5({0})
    bool_and(bool) boolean = bool_and({0})
    bool_or(bool) boolean = bool_or({0})
    to_char(moment, lit) varchar = @to_char
    to_char(any, any) varchar = ! only for dates and timestamps
    date_trunc(lit, moment) timestamp = @date_trunc
    date_part(word, moment) int = @date_part
    datediff(word, any, any) bigint = @datediff
    dateadd(word, int, any) timestamp = @dateadd
    last_day(moment) date = last_day({0})
    add_months(any, any) timestamp = ! the last day of a month stays the last day there
    listagg(text, text) varchar = string_agg({0}, {1})
    stddev(num) double = stddev_samp({0})
    variance(num) double = var_samp({0})
"""
DIALECT = Dialect(
    "redshift",
    "redshift",
    Division(whole=True, zero="error"),
    Casts(default_decimal=(18, 0), as_text=frozenset({"int", "exact", "text", "date", "null"})),
    functions(
        common.NUMBERS, common.ROOTS_FAIL, common.TEXT, common.TRIMS, common.LEFT_RIGHT_FAIL, common.PADS, common.STATISTICS, FUNCTIONS
    ),
    common.KEPT | {"NVL", "IFNULL"},
    named={
        **NAMED,
        "substr": _SUBSTR,
        "concat": text.joined_text(nulls="spread", texts=frozenset({"int", "exact", "text", "date", "null"})),
        "to_char": format_rule(
            {**TO_CHAR, "Q": "cast(extract(quarter from {0}) as varchar)", "D": "cast(extract(dow from {0}) + 1 as varchar)",
             "DDD": strftime("%j"), "Day": f"rpad({strftime('%A')}, 9, ' ')", "Month": f"rpad({strftime('%B')}, 9, ' ')"},
            TO_CHAR_LITERAL,
        ),
        "date_trunc": truncated(*_UNITS, "week", date="timestamp"),
        "date_part": called_part,
        "datediff": difference(*_UNITS),
        "dateadd": shifted(*_UNITS, "week"),
    },
    rules={exp.Substring: _SUBSTRING, exp.Trim: text.trimmed(), exp.StrPosition: text.position},
    parts={
        **PARTS,
        "dow": "extract(dow from {0})", "dayofweek": "extract(dow from {0})", "week": "extract(week from {0})",
        "epoch": "cast(floor(extract(epoch from {0})) as bigint)", "date + int": "", "date - date": "",
    },
    escape="\\",
    date_plus_interval="timestamp",
    whole_average="whole",
)  # fmt: skip
