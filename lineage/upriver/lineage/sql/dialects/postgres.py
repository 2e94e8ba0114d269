"""PostgreSQL. What is here was compared with a PostgreSQL 18 whose text is ordered by its bytes (locale ``C``)."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects import common, text
from upriver.lineage.sql.dialects.common_rules import NAMED
from upriver.lineage.sql.dialects.datetime import (
    PARTS,
    POSTGRES_TO_CHAR,
    TO_CHAR_LITERAL,
    called_part,
    format_rule,
    truncated,
)
from upriver.lineage.sql.dialects.patterns import called_replace
from upriver.lineage.sql.dialects.rules import Casts, Dialect, Division
from upriver.lineage.sql.dialects.signatures import functions

_SUBSTRING, _SUBSTR = text.substring("shortened")
FUNCTIONS = """
    floor(int) double = cast({0} as double)
    floor(exact) decimal = floor({0})
    floor(float) double = floor({0})
    ceil(int) double = cast({0} as double)
    ceil(exact) decimal = ceil({0})
    ceil(float) double = ceil({0})
    ceiling(int) double = cast({0} as double)
    ceiling(exact) decimal = ceil({0})
    ceiling(float) double = ceil({0})
    round(int) double = cast({0} as double)
    round(exact) decimal = round({0}, 0)
    round(float) double = round_even({0}, 0)
    round(decimal, lit) decimal = @round
    trunc(int) double = cast({0} as double)
    trunc(exact) decimal = trunc({0})
    trunc(float) double = trunc({0})
    sign(exact) decimal = sign({0})
    sign(num) double = cast(sign({0}) as double)
    power(float, num) double = power({0}, {1})
    power(num, float) double = power({0}, {1})
    power(int, int) double = power({0}, {1})
    power(decimal, decimal) decimal = power({0}, {1})
    exp(exact) decimal = exp({0})
    exp(num) double = exp({0})
    sqrt(exact) decimal = sqrt(if({0} < 0, error('square root of a negative number'), {0}))
    sqrt(num) double = sqrt(if({0} < 0, error('square root of a negative number'), {0}))
    ln(exact) decimal = ln(if({0} <= 0, error('logarithm of zero or less'), {0}))
    ln(num) double = ln(if({0} <= 0, error('logarithm of zero or less'), {0}))
    length(text) int = length({0})
    char_length(text) int = length({0})
    character_length(text) int = length({0})
    octet_length(text) int = strlen({0})
    left(text, int) varchar = left({0}, {1})
    right(text, int) varchar = right({0}, {1})
    lpad(text, int) varchar = lpad({0}, if({1} < 0, 0, {1}), ' ')
    lpad(text, int, text) varchar = lpad({0}, if({1} < 0, 0, {1}), if({2} = '', error('empty fill'), {2}))
    rpad(text, int) varchar = rpad({0}, if({1} < 0, 0, {1}), ' ')
    rpad(text, int, text) varchar = rpad({0}, if({1} < 0, 0, {1}), if({2} = '', error('empty fill'), {2}))
    repeat(text, int) varchar = repeat({0}, {1})
    btrim(text) varchar = trim({0}, ' ')
    btrim(text, text) varchar = trim({0}, {1})
    strpos(text, text) int = strpos({0}, {1})
    starts_with(text, text) boolean = starts_with({0}, {1})
    translate(text, text, text) varchar = translate({0}, {1}, {2})
    ascii(text) int = ascii({0})
    chr(int) varchar = chr({0})
    md5(text) varchar = md5({0})
    substr(text, int) varchar = @substr
    substr(text, int, int) varchar = @substr
    split_part(text, text, int) varchar = split_part({0}, if({1} = '', error('empty separator'), {1}), if({2} = 0, error('field position must not be zero'), {2}))
    concat_ws(text*) varchar = concat_ws({*})
    array_agg(any) varchar[] = array_agg({*})
    to_timestamp(num) timestamptz = to_timestamp({0})
    string_agg(text) varchar = ! DISTINCT in it
    concat(any*) varchar = @concat
    greatest(any*) same = @greatest
    least(any*) same = @least
    string_agg(text, text) varchar = string_agg({*})
    bool_and(bool) boolean = bool_and({0})
    bool_or(bool) boolean = bool_or({0})
    every(bool) boolean = bool_and({0})
    corr(float, float) double = corr({0}, {1})
    to_char(moment, lit) varchar = @to_char
    to_char(any, any) varchar = ! only for dates and timestamps
    date_trunc(lit, moment) timestamp = @date_trunc
    date_part(lit, moment) double = @date_part
    make_date(int, int, int) date = make_date({0}, {1}, {2})
    regexp_replace(text, lit, lit, lit) varchar = @regexp_replace_g
    stddev(float) double = stddev_samp({0})
    stddev(decimal) decimal = stddev_samp({0})
    stddev_samp(float) double = stddev_samp({0})
    stddev_samp(decimal) decimal = stddev_samp({0})
    stddev_pop(float) double = stddev_pop({0})
    stddev_pop(decimal) decimal = stddev_pop({0})
    variance(float) double = var_samp({0})
    variance(decimal) decimal = var_samp({0})
    var_samp(float) double = var_samp({0})
    var_samp(decimal) decimal = var_samp({0})
    var_pop(float) double = var_pop({0})
    var_pop(decimal) decimal = var_pop({0})
"""
POSTGRES_PARTS = {
    **PARTS,
    "dow": "extract(dow from {0})",
    "isodow": "extract(isodow from {0})",
    "week": "extract(week from {0})",
    "isoyear": "extract(isoyear from {0})",
    "epoch": "extract(epoch from {0})",
    "second": "(extract(microseconds from {0}) / 1000000.0)",
    "date + int": "",
    "date - date": "",
    "timestamp - timestamp": "",
}
DIALECT = Dialect(
    "postgres",
    "postgres",
    Division(whole=True, zero="error", as_double=True),
    Casts(
        whole="round",
        float_whole="even",
        cut=True,
        as_text=frozenset({"int", "exact", "text", "date", "timestamp", "bool", "null"}),
        float_decimal=True,
    ),
    functions(common.NUMBERS, common.TEXT, common.TRIMS, FUNCTIONS),
    common.KEPT | {"CURRENT_TIMESTAMP", "NOW", "PERCENTILE_CONT", "PERCENTILE_DISC"},
    named={
        **NAMED,
        "substr": _SUBSTR,
        "to_char": format_rule(POSTGRES_TO_CHAR, TO_CHAR_LITERAL),
        "date_trunc": truncated(
            "year", "quarter", "month", "week", "day", "hour", "minute", "second", date="timestamp"
        ),
        "date_part": called_part,
        "concat": text.joined_text(
            nulls="skipped", texts=frozenset({"int", "exact", "text", "date", "timestamp", "null"})
        ),
        "regexp_replace_g": called_replace,
    },
    rules={exp.Substring: _SUBSTRING, exp.Trim: text.trimmed(), exp.StrPosition: text.position},
    clauses=frozenset({exp.CurrentTimestamp}),
    parts=POSTGRES_PARTS,
    part_type="double",
    escape="\\",
    date_plus_interval="timestamp",
    whole_average="double",
    sum_of_bigint_is_decimal=True,
)
