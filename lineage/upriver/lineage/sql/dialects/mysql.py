"""MySQL, with its default SQL mode. Text is compared by the collation of the database: see *exact_text*."""

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
)
from upriver.lineage.sql.dialects.rules import Casts, Dialect, Division
from upriver.lineage.sql.dialects.signatures import functions

_SUBSTRING, _SUBSTR = text.substring("empty")
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
_TEXTS = frozenset({"int", "exact", "text", "date", "null"})
FUNCTIONS = """
    round(int) same = {0}
    round(exact) decimal = round({0}, 0)
    round(int, lit) same = @round
    round(exact, lit) decimal = @round
    sign(num) int = cast(sign({0}) as integer)
    power(num, num) double = power({0}, {1})
    pow(num, num) double = power({0}, {1})
    greatest(any*) same = @greatest_null
    least(any*) same = @least_null
    length(text) bigint = strlen({0})
    octet_length(text) bigint = strlen({0})
    char_length(text) bigint = length({0})
    character_length(text) bigint = length({0})
    ucase(text) varchar = upper({0})
    lcase(text) varchar = lower({0})
    ltrim(text) varchar = ltrim({0}, ' ')
    rtrim(text) varchar = rtrim({0}, ' ')
    substr(text, int) varchar = @substr
    substr(text, int, int) varchar = @substr
    mid(text, int, int) varchar = @substr
    lpad(text, int, text) varchar = lpad({0}, if({1} < 0, null, {1}), {2})
    rpad(text, int, text) varchar = rpad({0}, if({1} < 0, null, {1}), {2})
    repeat(text, int) varchar = repeat({0}, {1})
    instr(text, text) bigint = @instr
    locate(text, text) bigint = @locate
    concat(any*) varchar = @concat
    concat_ws(text*) varchar = concat_ws({*})
    md5(text) varchar = md5({0})
    dayofmonth(moment) bigint = extract(day from {0})
    dayofweek(moment) bigint = extract(dow from {0}) + 1
    weekday(moment) bigint = extract(isodow from {0}) - 1
    dayofyear(moment) bigint = extract(doy from {0})
    weekofyear(moment) bigint = extract(week from {0})
    second(timestamp) bigint = extract(second from {0})
    dayname(moment) varchar = strftime({0}, '%A')
    monthname(moment) varchar = strftime({0}, '%B')
    last_day(moment) date = last_day({0})
    date(moment) date = cast({0} as date)
    datediff(moment, moment) bigint = date_diff('day', cast({1} as date), cast({0} as date))
    timestampdiff(word, any, any) bigint = @timestampdiff
    date_add(date, any) date = @date_add
    date_add(timestamp, any) timestamp = @date_add
    date_sub(date, any) date = @date_sub
    date_sub(timestamp, any) timestamp = @date_sub
    adddate(moment, any) same = @date_add
    subdate(moment, any) same = @date_sub
    date_format(moment, lit) varchar = @date_format
    any_value(any) same = any_value({0})
    std(num) double = stddev_pop({0})
    stddev(num) double = stddev_pop({0})
    variance(num) double = var_pop({0})
"""
DIALECT = Dialect(
    "mysql",
    "mysql",
    Division(whole=False, zero="null", scale=lambda left, right: left[1] + 4),
    Casts(
        whole="round",
        default_decimal=(10, 0),
        cut=True,
        as_text=_TEXTS,
        from_text=frozenset({"date", "timestamp", "text"}),
    ),
    functions(
        common.NUMBERS, common.ROOTS_NULL, common.TEXT, common.LEFT_RIGHT_EMPTY, common.MOMENTS, common.STATISTICS, FUNCTIONS
    ),
    common.KEPT | {"IF", "IFNULL"},
    named={
        **NAMED,
        "substr": _SUBSTR,
        "instr": text.by_bytes("strpos({0}, {1})"),
        "locate": text.by_bytes("strpos({1}, {0})"),
        "concat": text.joined_text(nulls="spread", texts=_TEXTS),
        "timestampdiff": difference("week", "day", "hour", "minute", "second", elapsed=True),
        "date_add": shifted(*_UNITS, unit_first=False),
        "date_sub": shifted(*_UNITS, sign="-", unit_first=False),
        "date_format": format_rule(MYSQL_FORMAT, PERCENT_LITERAL),
    },
    rules={exp.Substring: _SUBSTRING, exp.Trim: text.trimmed(sets=False), exp.StrPosition: text.position},
    parts={**PARTS, "second": "extract(second from {0})"},
    exact_text=False,
    escape="\\",
    whole_average="plus 4",
)  # fmt: skip
