"""Spark SQL with ANSI mode, the default since Spark 4. What is here was compared with a Spark 4.3."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects import common, text
from upriver.lineage.sql.dialects.common_rules import NAMED
from upriver.lineage.sql.dialects.datetime import (
    JAVA_FORMAT,
    JAVA_LITERAL,
    PARTS,
    format_rule,
    truncated,
)
from upriver.lineage.sql.dialects.patterns import called_match, called_replace
from upriver.lineage.sql.dialects.rules import Casts, Dialect, Division
from upriver.lineage.sql.dialects.signatures import functions

_SUBSTRING, _SUBSTR = text.substring("empty")
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
_TEXTS = frozenset({"int", "exact", "text", "date", "bool", "null"})
FUNCTIONS = """
    sqrt(num) double = sqrt({0})
    ln(num) double = ln(if({0} <= 0, null, {0}))
    power(num, num) double = power({0}, {1})
    pow(num, num) double = power({0}, {1})
    sign(num) double = cast(sign({0}) as double)
    signum(num) double = cast(sign({0}) as double)
    ceil(float) bigint = cast(ceil({0}) as bigint)
    floor(float) bigint = cast(floor({0}) as bigint)
    ceil(exact) decimal = ceil({0})
    floor(exact) decimal = floor({0})
    ceil(int) same = {0}
    floor(int) same = {0}
    greatest(any*) same = @greatest
    least(any*) same = @least
    nvl2(any, any, any) second = if({0} is not null, {1}, {2})
    length(text) int = length({0})
    char_length(text) int = length({0})
    len(text) int = length({0})
    octet_length(text) int = strlen({0})
    ucase(text) varchar = upper({0})
    lcase(text) varchar = lower({0})
    ltrim(text) varchar = ltrim({0}, ' ')
    ltrim(text, text) varchar = ltrim({1}, {0})
    rtrim(text) varchar = rtrim({0}, ' ')
    rtrim(text, text) varchar = rtrim({1}, {0})
    btrim(text) varchar = trim({0}, ' ')
    substr(text, int) varchar = @substr
    substr(text, int, int) varchar = @substr
    instr(text, text) int = strpos({0}, {1})
    locate(text, text) int = strpos({1}, {0})
    startswith(text, text) boolean = starts_with({0}, {1})
    endswith(text, text) boolean = ends_with({0}, {1})
    contains(text, text) boolean = contains({0}, {1})
    concat(any*) varchar = @concat
    concat_ws(text*) varchar = concat_ws({*})
    translate(text, text, text) varchar = translate({0}, {1}, {2})
    ascii(text) int = if({0} = '', 0, ascii({0}))
    md5(text) varchar = md5({0})
    regexp_replace(text, lit, lit) varchar = @regexp_replace
    regexp_like(text, lit) boolean = @regexp_like
    dayofmonth(moment) int = extract(day from {0})
    dayofweek(moment) int = extract(dow from {0}) + 1
    weekday(moment) int = extract(isodow from {0}) - 1
    dayofyear(moment) int = extract(doy from {0})
    weekofyear(moment) int = extract(week from {0})
    second(timestamp) int = extract(second from {0})
    last_day(moment) date = last_day({0})
    datediff(moment, moment) int = date_diff('day', cast({1} as date), cast({0} as date))
    date_diff(moment, moment) int = date_diff('day', cast({1} as date), cast({0} as date))
    date_add(moment, int) date = cast({0} as date) + cast({1} as integer)
    date_sub(moment, int) date = cast({0} as date) - cast({1} as integer)
    add_months(moment, int) date = cast(cast({0} as date) + to_months(cast({1} as integer)) as date)
    to_date(moment) date = cast({0} as date)
    make_date(int, int, int) date = make_date({0}, {1}, {2})
    date_trunc(lit, moment) timestamp = @date_trunc
    trunc(moment, lit) date = @trunc
    date_format(moment, lit) varchar = @date_format
    explode(list) unknown = unnest({0})
    count_if(bool) bigint = count_if({0})
    bool_and(bool) boolean = bool_and({0})
    bool_or(bool) boolean = bool_or({0})
    every(bool) boolean = bool_and({0})
    some(bool) boolean = bool_or({0})
    stddev(num) double = stddev_samp({0})
    variance(num) double = var_samp({0})
"""
DIALECT = Dialect(
    "spark",
    "spark",
    Division(whole=False, zero="error", whole_as_double=True),
    Casts(whole="trunc", float_whole="trunc", default_decimal=(10, 0), as_text=_TEXTS, float_decimal=True),
    functions(
        common.NUMBERS, common.ROUND_HALF_AWAY, common.TEXT, common.LEFT_RIGHT_EMPTY, common.PADS, common.MOMENTS,
        common.STATISTICS, FUNCTIONS,
    ),
    common.KEPT | {"IF", "NVL", "IFNULL", "TRY_CAST"},
    named={
        **NAMED,
        "substr": _SUBSTR,
        "concat": text.joined_text(nulls="spread", texts=_TEXTS),
        "regexp_replace": called_replace,
        "regexp_like": called_match,
        "date_trunc": truncated(*_UNITS, date="timestamp"),
        "trunc": truncated("year", "quarter", "month", "week", date="always"),
        "date_format": format_rule(JAVA_FORMAT, JAVA_LITERAL),
    },
    rules={exp.Substring: _SUBSTRING, exp.Trim: text.trimmed(), exp.StrPosition: text.position},
    parts={
        **PARTS,
        "dow": "(extract(dow from {0}) + 1)", "dayofweek": "(extract(dow from {0}) + 1)",
        "week": "extract(week from {0})", "second": "(extract(microseconds from {0}) / 1000000.0)", "date + int": "",
    },
    escape="\\",
)  # fmt: skip
