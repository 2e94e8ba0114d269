"""Snowflake, with its default parameters (WEEK_START 0, WEEK_OF_YEAR_POLICY 0, ISO formats of dates)."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects import common, text
from upriver.lineage.sql.dialects.common_rules import NAMED
from upriver.lineage.sql.dialects.datetime import (
    PARTS,
    SNOWFLAKE_TO_CHAR,
    called_part,
    difference,
    format_rule,
    shifted,
    truncated,
)
from upriver.lineage.sql.dialects.patterns import called_full_match, called_replace
from upriver.lineage.sql.dialects.rules import Casts, Dialect, Division
from upriver.lineage.sql.dialects.signatures import functions

_SUBSTRING, _SUBSTR = text.substring("empty")
_UNITS = ("year", "quarter", "month", "day", "hour", "minute", "second")
_TEXTS = frozenset({"int", "exact", "text", "date", "bool", "null"})
FUNCTIONS = """
    trunc(exact) decimal = trunc({0})
    trunc(float) double = trunc({0})
    sign(num) int = cast(sign({0}) as integer)
    square(float) double = {0} * {0}
    zeroifnull(num) same = coalesce({0}, 0)
    nullifzero(num) same = nullif({0}, 0)
    nvl2(any, any, any) second = if({0} is not null, {1}, {2})
    equal_null(any, any) boolean = {0} is not distinct from {1}
    greatest(any*) same = @greatest_null
    least(any*) same = @least_null
    length(text) bigint = length({0})
    len(text) bigint = length({0})
    substr(text, int) varchar = @substr
    substr(text, int, int) varchar = @substr
    charindex(text, text) bigint = strpos({1}, {0})
    contains(text, text) boolean = contains({0}, {1})
    startswith(text, text) boolean = starts_with({0}, {1})
    endswith(text, text) boolean = ends_with({0}, {1})
    split_part(text, text, int) varchar = split_part({0}, if({1} = '', error('empty separator'), {1}), if({2} = 0, 1, {2}))
    concat(any*) varchar = @concat
    md5(text) varchar = md5({0})
    md5_hex(text) varchar = md5({0})
    sha2(text) varchar = sha256({0})
    to_char(moment, lit) varchar = @to_char
    to_varchar(moment, lit) varchar = @to_char
    to_char(any, any) varchar = ! only for dates and timestamps
    to_date(date) date = {0}
    to_date(timestamp) date = cast({0} as date)
    to_date(any*) date = ! which texts it reads depends on settings; cast a text like 2024-01-31
    dayofweek(moment) bigint = extract(dow from {0})
    dayofweekiso(moment) bigint = extract(isodow from {0})
    dayofmonth(moment) bigint = extract(day from {0})
    dayofyear(moment) bigint = extract(doy from {0})
    week(moment) bigint = extract(week from {0})
    weekofyear(moment) bigint = extract(week from {0})
    weekiso(moment) bigint = extract(week from {0})
    second(timestamp) bigint = extract(second from {0})
    monthname(moment) varchar = strftime({0}, '%b')
    dayname(moment) varchar = strftime({0}, '%a')
    last_day(moment) date = last_day({0})
    add_months(any, any) date = ! the last day of a month stays the last day there
    datediff(word, any, any) bigint = @datediff
    timestampdiff(word, any, any) bigint = @datediff
    dateadd(word, int, date) date = @dateadd
    dateadd(word, int, any) timestamp = @dateadd
    timestampadd(word, int, date) date = @dateadd
    timestampadd(word, int, any) timestamp = @dateadd
    date_trunc(word, any) same = @date_trunc
    date_part(word, any) bigint = @date_part
    count_if(bool) bigint = count_if({0})
    boolor_agg(bool) boolean = bool_or({0})
    booland_agg(bool) boolean = bool_and({0})
    any_value(any) same = any_value({0})
    listagg(text) varchar = coalesce(string_agg({0}, ''), '')
    listagg(text, text) varchar = coalesce(string_agg({0}, {1}), '')
    median(float) double = median({0})
    regexp_like(text, lit) boolean = @full_match
    rlike(text, lit) boolean = @full_match
    regexp_replace(text, lit) varchar = @regexp_replace
    regexp_replace(text, lit, lit) varchar = @regexp_replace
    stddev(num) double = stddev_samp({0})
    variance(num) double = var_samp({0})
"""
DIALECT = Dialect(
    "snowflake",
    "snowflake",
    Division(whole=False, zero="error", scale=lambda left, right: max(left[1], min(left[1] + 6, 12))),
    Casts(whole="round", float_whole="round", default_decimal=(38, 0), as_text=_TEXTS),
    functions(
        common.NUMBERS, common.ROUND_HALF_AWAY, common.ROOTS_FAIL, common.TEXT, common.TRIMS, common.LEFT_RIGHT_EMPTY,
        common.PADS, common.MOMENTS, common.STATISTICS, FUNCTIONS,
    ),
    common.KEPT | {"IFF", "NVL", "IFNULL", "TRY_CAST", "CURRENT_TIMESTAMP"},
    named={
        **NAMED,
        "substr": _SUBSTR,
        "concat": text.joined_text(nulls="spread", texts=_TEXTS),
        "to_char": format_rule(SNOWFLAKE_TO_CHAR, r"[-/.,: _]|\"(?P<text>[^\"]*)\""),
        "datediff": difference(*_UNITS),
        "dateadd": shifted(*_UNITS, "week"),
        "date_trunc": truncated(*_UNITS, "week"),
        "date_part": called_part,
        "full_match": called_full_match,
        "regexp_replace": called_replace,
    },
    rules={exp.Substring: _SUBSTRING, exp.Trim: text.trimmed(), exp.StrPosition: text.position},
    clauses=frozenset({exp.CurrentTimestamp}),
    parts={
        **PARTS,
        "dayofweek": "extract(dow from {0})", "dow": "extract(dow from {0})", "dayofweekiso": "extract(isodow from {0})",
        "week": "extract(week from {0})", "weekiso": "extract(week from {0})", "dayofyear": "extract(doy from {0})",
        "second": "extract(second from {0})", "date - date": "",
    },
    whole_average="snowflake",
)  # fmt: skip
