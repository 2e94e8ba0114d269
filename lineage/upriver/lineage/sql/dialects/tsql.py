"""Transact-SQL of SQL Server. Text is compared by the collation of the database: see *exact_text*."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects import common, text
from upriver.lineage.sql.dialects.common_rules import NAMED
from upriver.lineage.sql.dialects.datetime import PARTS, called_part, difference, shifted
from upriver.lineage.sql.dialects.rules import Casts, Dialect, Division
from upriver.lineage.sql.dialects.signatures import functions

_SUBSTRING, _SUBSTR = text.substring("shortened")
_UNITS = ("year", "quarter", "month", "day", "hour", "minute", "second")
FUNCTIONS = """
    sqrt(num) double = sqrt(if({0} < 0, error('square root of a negative number'), {0}))
    log(num) double = ln(if({0} <= 0, error('logarithm of zero or less'), {0}))
    round(int, lit) same = @round
    round(exact, lit) decimal = @round
    sign(int) same = sign({0})
    square(num) double = cast({0} as double) * {0}
    len(text) int = length(rtrim({0}, ' '))
    ltrim(text) varchar = ltrim({0}, ' ')
    rtrim(text) varchar = rtrim({0}, ' ')
    replace(text, text, text) varchar = @replace_bytes
    charindex(text, text) int = @charindex
    replicate(text, int) varchar = if({1} < 0, null, repeat({0}, {1}))
    concat(any*) varchar = @concat
    concat_ws(text*) varchar = concat_ws({*})
    isnull(int, int) same = coalesce({0}, {1})
    isnull(float, num) same = coalesce({0}, cast({1} as double))
    isnull(text, text) varchar = coalesce({0}, {1})
    isnull(date, date) date = coalesce({0}, {1})
    isnull(timestamp, timestamp) timestamp = coalesce({0}, {1})
    datediff(word, any, any) int = @datediff
    dateadd(word, int, date) date = @dateadd
    dateadd(word, int, any) timestamp = @dateadd
    datepart(word, any) int = @datepart
    year(moment) int = extract(year from {0})
    month(moment) int = extract(month from {0})
    day(moment) int = extract(day from {0})
    eomonth(moment) date = last_day({0})
    datefromparts(int, int, int) date = make_date({0}, {1}, {2})
    count_big(any) bigint = count({0})
    string_agg(text, text) varchar = string_agg({0}, {1})
    stdev(num) double = stddev_samp({0})
    stdevp(num) double = stddev_pop({0})
    var(num) double = var_samp({0})
    varp(num) double = var_pop({0})
    greatest(any*) same = @greatest
    least(any*) same = @least
"""
DIALECT = Dialect(
    "tsql",
    "tsql",
    Division(whole=True, zero="error"),
    Casts(
        whole="trunc",
        float_whole="trunc",
        default_decimal=(18, 0),
        cut=True,
        unsized_cut=30,
        as_text=frozenset({"int", "text", "date", "null"}),
    ),
    functions(
        common.NUMBERS,
        "upper(text) varchar = upper({0})\nlower(text) varchar = lower({0})\nreverse(text) varchar = reverse({0})",
        common.LEFT_RIGHT_FAIL,
        FUNCTIONS,
    ),
    (common.KEPT | {"IIF", "TRY_CAST"}) - {"EXTRACT", "POSITION", "CURRENT_DATE"},
    named={
        **NAMED,
        "substr": _SUBSTR,
        "replace_bytes": text.by_bytes("replace({0}, {1}, {2})"),
        "charindex": text.by_bytes("strpos({1}, {0})"),
        "concat": text.joined_text(nulls="skipped", texts=frozenset({"int", "text", "date", "null"})),
        "datediff": difference(*_UNITS),
        "dateadd": shifted(*_UNITS, "week"),
        "datepart": called_part,
    },
    rules={exp.Substring: _SUBSTRING, exp.Trim: text.trimmed()},
    parts={
        **PARTS,
        "dayofyear": "extract(doy from {0})",
        "iso_week": "extract(week from {0})",
        "isowk": "extract(week from {0})",
        "second": "extract(second from {0})",
    },
    exact_text=False,
    plus_joins_text=True,
    whole_average="whole",
)
