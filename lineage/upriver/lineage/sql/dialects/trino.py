"""Trino and Presto."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects import common, text
from upriver.lineage.sql.dialects.common_rules import NAMED
from upriver.lineage.sql.dialects.datetime import (
    MYSQL_FORMAT,
    PARTS,
    PERCENT_LITERAL,
    difference,
    format_rule,
    shifted,
    truncated,
)
from upriver.lineage.sql.dialects.patterns import called_match, called_replace
from upriver.lineage.sql.dialects.rules import Casts, Dialect, Division
from upriver.lineage.sql.dialects.signatures import functions

_SUBSTRING, _SUBSTR = text.substring("empty")
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
FUNCTIONS = """
    power(num, num) double = power({0}, {1})
    pow(num, num) double = power({0}, {1})
    sqrt(num) double = sqrt({0})
    truncate(float) double = trunc({0})
    truncate(exact) decimal = trunc({0})
    sign(int) same = sign({0})
    greatest(any*) same = @greatest_null
    least(any*) same = @least_null
    length(text) bigint = length({0})
    substr(text, int) varchar = @substr
    substr(text, int, int) varchar = @substr
    ltrim(text) varchar = @ltrim_spaces
    rtrim(text) varchar = @rtrim_spaces
    lpad(text, int, text) varchar = lpad({0}, if({1} < 0, error('negative length'), {1}), {2})
    rpad(text, int, text) varchar = rpad({0}, if({1} < 0, error('negative length'), {1}), {2})
    strpos(text, text) bigint = strpos({0}, {1})
    starts_with(text, text) boolean = starts_with({0}, {1})
    split_part(text, text, int) varchar = if({2} < 1, error('index of a part below 1'), if({2} > len(string_split({0}, {1})), null, split_part({0}, {1}, {2})))
    concat(text*) varchar = @concat
    concat_ws(text*) varchar = concat_ws({*})
    regexp_like(text, lit) boolean = @regexp_like
    regexp_replace(text, lit) varchar = @regexp_replace
    regexp_replace(text, lit, lit) varchar = @regexp_replace
    day_of_week(moment) bigint = extract(isodow from {0})
    dow(moment) bigint = extract(isodow from {0})
    day_of_month(moment) bigint = extract(day from {0})
    day_of_year(moment) bigint = extract(doy from {0})
    doy(moment) bigint = extract(doy from {0})
    week(moment) bigint = extract(week from {0})
    week_of_year(moment) bigint = extract(week from {0})
    year_of_week(moment) bigint = extract(isoyear from {0})
    yow(moment) bigint = extract(isoyear from {0})
    second(timestamp) bigint = extract(second from {0})
    last_day_of_month(moment) date = last_day({0})
    date(moment) date = cast({0} as date)
    date_trunc(lit, moment) same = @date_trunc
    date_diff(lit, moment, moment) bigint = @date_diff
    date_add(lit, int, date) date = @date_add
    date_add(lit, int, timestamp) timestamp = @date_add
    date_format(moment, lit) varchar = @date_format
    count_if(bool) bigint = count_if({0})
    bool_and(bool) boolean = bool_and({0})
    bool_or(bool) boolean = bool_or({0})
    every(bool) boolean = bool_and({0})
    arbitrary(any) same = any_value({0})
    any_value(any) same = any_value({0})
    array_agg(any) varchar[] = array_agg({*})
    stddev(num) double = stddev_samp({0})
    variance(num) double = var_samp({0})
"""
DIALECT = Dialect(
    "trino",
    "trino",
    Division(whole=True, zero="error", float_zero="inf", scale=lambda left, right: max(left[1], right[1])),
    Casts(
        whole="round",
        float_whole="round",
        default_decimal=(38, 0),
        cut=True,
        as_text=frozenset({"int", "exact", "text", "date", "bool", "null"}),
    ),
    functions(
        common.NUMBERS, common.ROUND_HALF_AWAY, common.TEXT, common.MOMENTS, common.STATISTICS, FUNCTIONS
    ),
    common.KEPT | {"IF", "CURRENT_TIMESTAMP"},
    named={
        **NAMED,
        "substr": _SUBSTR,
        "ltrim_spaces": text.trimmed_side("ltrim", text.JAVA_SPACES),
        "rtrim_spaces": text.trimmed_side("rtrim", text.JAVA_SPACES),
        "concat": text.joined_text(nulls="spread", texts=frozenset({"text", "null"})),
        "regexp_like": called_match,
        "regexp_replace": called_replace,
        "date_trunc": truncated(*_UNITS),
        "date_diff": difference("week", "day", "hour", "minute", "second", elapsed=True),
        "date_add": shifted(*_UNITS),
        "date_format": format_rule(MYSQL_FORMAT, PERCENT_LITERAL),
    },
    rules={
        exp.Substring: _SUBSTRING,
        exp.Trim: text.trimmed(text.JAVA_SPACES),
        exp.StrPosition: text.position,
    },
    clauses=frozenset({exp.CurrentTimestamp}),
    parts={
        **PARTS,
        "dow": "extract(isodow from {0})",
        "day_of_week": "extract(isodow from {0})",
        "week": "extract(week from {0})",
        "day_of_year": "extract(doy from {0})",
        "yow": "extract(isoyear from {0})",
        "second": "extract(second from {0})",
    },
)
