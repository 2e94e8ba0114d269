"""BigQuery. Numbers with a point are doubles, NUMERIC has nine digits after the point."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects import common, text
from upriver.lineage.sql.dialects.common_rules import NAMED
from upriver.lineage.sql.dialects.datetime import (
    PARTS,
    PERCENT_LITERAL,
    STRFTIME,
    difference,
    format_rule,
    parsed,
    shifted,
    strftime,
    truncated,
)
from upriver.lineage.sql.dialects.patterns import called_match, called_replace
from upriver.lineage.sql.dialects.rules import Casts, Dialect, Division
from upriver.lineage.sql.dialects.signatures import functions

_SUBSTRING, _SUBSTR = text.substring("error")
_DATE_UNITS = ("year", "quarter", "month", "day")
_UNITS = (*_DATE_UNITS, "hour", "minute", "second")
FUNCTIONS = """
    div(int, int) bigint = {0} // {1}
    safe_divide(int, int) double = cast({0} as double) / nullif({1}, 0)
    safe_divide(float, num) double = {0} / nullif({1}, 0)
    round(int) double = cast({0} as double)
    round(exact) decimal = round({0}, 0)
    round(float) double = round({0}, 0)
    round(exact, lit) decimal = @round
    round(float, lit) double = @round
    trunc(float) double = trunc({0})
    sign(num) same = cast(sign({0}) as bigint)
    greatest(any*) same = @greatest_null
    least(any*) same = @least_null
    length(text) bigint = length({0})
    char_length(text) bigint = length({0})
    byte_length(text) bigint = strlen({0})
    ltrim(text) varchar = @ltrim_spaces
    rtrim(text) varchar = @rtrim_spaces
    ltrim(text, text) varchar = ltrim({0}, {1})
    rtrim(text, text) varchar = rtrim({0}, {1})
    lpad(text, int, text) varchar = lpad({0}, if({1} < 0, error('negative length'), {1}), {2})
    rpad(text, int, text) varchar = rpad({0}, if({1} < 0, error('negative length'), {1}), {2})
    repeat(text, int) varchar = repeat({0}, if({1} < 0, error('negative repetitions'), {1}))
    starts_with(text, text) boolean = starts_with({0}, {1})
    ends_with(text, text) boolean = ends_with({0}, {1})
    strpos(text, text) bigint = strpos({0}, {1})
    instr(text, text) bigint = strpos({0}, {1})
    substr(text, int) varchar = @substr
    substr(text, int, int) varchar = @substr
    concat(text*) varchar = @concat
    md5(text) blob = unhex(md5({0}))
    sha256(text) blob = unhex(sha256({0}))
    to_hex(other) varchar = lower(hex({0}))
    regexp_contains(text, lit) boolean = @regexp_contains
    regexp_replace(text, lit, lit) varchar = @regexp_replace
    date(int, int, int) date = make_date({0}, {1}, {2})
    date(moment) date = cast({0} as date)
    date_trunc(moment, any) same = @date_trunc
    datetime_trunc(timestamp, any) timestamp = @date_trunc
    date_diff(date, date, word) bigint = @date_diff
    datetime_diff(timestamp, timestamp, word) bigint = @datetime_diff
    date_add(date, any) date = @date_add
    date_sub(date, any) date = @date_sub
    datetime_add(timestamp, any) timestamp = @datetime_add
    datetime_sub(timestamp, any) timestamp = @datetime_sub
    format_date(lit, moment) varchar = @format_date
    format_datetime(lit, timestamp) varchar = @format_date
    parse_date(lit, text) date = @parse_date
    last_day(date) date = last_day({0})
    countif(bool) bigint = count_if({0})
    logical_and(bool) boolean = bool_and({0})
    logical_or(bool) boolean = bool_or({0})
    any_value(any) same = any_value({0})
    string_agg(text) varchar = string_agg({0}, ',')
    string_agg(text, text) varchar = string_agg({*})
    stddev(num) double = stddev_samp({0})
    variance(num) double = var_samp({0})
"""
DIALECT = Dialect(
    "bigquery",
    "bigquery",
    Division(whole=False, zero="error", whole_as_double=True, scale=lambda left, right: 9),
    Casts(whole="round", float_whole="round", default_decimal=(38, 9), as_text=frozenset({"int", "text", "date", "bool", "null"})),
    functions(
        common.NUMBERS, common.ROUND_HALF_AWAY, common.ROOTS_FAIL, common.TEXT, common.LEFT_RIGHT_FAIL, common.STATISTICS, FUNCTIONS
    ),
    common.KEPT | {"IF", "IFNULL", "SAFE_CAST", "CURRENT_TIMESTAMP"},
    named={
        **NAMED,
        "substr": _SUBSTR,
        "ltrim_spaces": text.trimmed_side("ltrim", text.UNICODE_SPACES),
        "rtrim_spaces": text.trimmed_side("rtrim", text.UNICODE_SPACES),
        "concat": text.joined_text(nulls="spread", texts=frozenset({"text", "null"})),
        "regexp_contains": called_match,
        "regexp_replace": called_replace,
        "date_trunc": truncated(*_UNITS),
        "date_diff": difference(*_DATE_UNITS, swapped=True),
        "datetime_diff": difference(*_UNITS, swapped=True),
        "date_add": shifted(*_DATE_UNITS, "week", unit_first=False),
        "date_sub": shifted(*_DATE_UNITS, "week", sign="-", unit_first=False),
        "datetime_add": shifted(*_UNITS, "week", unit_first=False),
        "datetime_sub": shifted(*_UNITS, "week", sign="-", unit_first=False),
        "format_date": format_rule(
            STRFTIME | {"%Q": "cast(extract(quarter from {0}) as varchar)", "%V": strftime("%V"), "%G": strftime("%G"), "%F": strftime("%Y-%m-%d"), "%u": "cast(extract(isodow from {0}) as varchar)", "%w": "cast(extract(dow from {0}) as varchar)"},
            PERCENT_LITERAL,
            pattern_first=True,
        ),
        "parse_date": parsed,
    },
    rules={exp.Substring: _SUBSTRING, exp.Trim: text.trimmed(text.UNICODE_SPACES), exp.StrPosition: text.position},
    clauses=frozenset({exp.CurrentTimestamp}),
    parts={
        **PARTS,
        "dayofweek": "(extract(dow from {0}) + 1)", "dayofyear": "extract(doy from {0})", "isoweek": "extract(week from {0})",
        "isoyear": "extract(isoyear from {0})", "second": "extract(second from {0})",
    },
    escape="\\",
    float_literals=True,
)  # fmt: skip
