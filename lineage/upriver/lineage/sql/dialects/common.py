"""Functions that many dialects share: they mean the same in all of them, and in DuckDB."""

from __future__ import annotations

KEPT = frozenset(
    {
        "COUNT", "SUM", "AVG", "MIN", "MAX", "COALESCE", "NULLIF", "CASE", "CAST", "ROW_NUMBER", "RANK", "DENSE_RANK", "LAG",
        "LEAD", "FIRST_VALUE", "LAST_VALUE", "NTILE", "PERCENT_RANK", "CUME_DIST", "EXTRACT", "SUBSTRING", "TRIM",
        "POSITION", "CURRENT_DATE",
    }
)  # fmt: skip
"""What sqlglot reads by itself and DuckDB computes alike; the rules look at its arguments."""

NUMBERS = """
    abs(num) same = abs({0})
    floor(int) same = {0}
    floor(exact) decimal = floor({0})
    floor(float) double = floor({0})
    ceil(int) same = {0}
    ceil(exact) decimal = ceil({0})
    ceil(float) double = ceil({0})
    ceiling(int) same = {0}
    ceiling(exact) decimal = ceil({0})
    ceiling(float) double = ceil({0})
    exp(num) double = exp({0})
    power(float, num) double = power({0}, {1})
    power(num, float) double = power({0}, {1})
    mod(decimal, decimal) same = @mod
"""

ROUND_HALF_AWAY = """
    round(int) same = {0}
    round(exact) decimal = round({0}, 0)
    round(float) double = round({0}, 0)
    round(int, lit) same = @round
    round(exact, lit) decimal = @round
    round(float, lit) double = @round
"""

ROOTS_FAIL = """
    sqrt(num) double = sqrt(if({0} < 0, error('square root of a negative number'), {0}))
    ln(num) double = ln(if({0} <= 0, error('logarithm of zero or less'), {0}))
"""
ROOTS_NULL = """
    sqrt(num) double = sqrt(if({0} < 0, null, {0}))
    ln(num) double = ln(if({0} <= 0, null, {0}))
"""

TEXT = """
    upper(text) varchar = upper({0})
    lower(text) varchar = lower({0})
    replace(text, text, text) varchar = @replace
    reverse(text) varchar = reverse({0})
"""
TRIMS = """
    ltrim(text) varchar = ltrim({0}, ' ')
    rtrim(text) varchar = rtrim({0}, ' ')
    ltrim(text, text) varchar = ltrim({0}, {1})
    rtrim(text, text) varchar = rtrim({0}, {1})
"""
LEFT_RIGHT_EMPTY = """
    left(text, int) varchar = left({0}, if({1} < 0, 0, {1}))
    right(text, int) varchar = right({0}, if({1} < 0, 0, {1}))
"""
LEFT_RIGHT_FAIL = """
    left(text, int) varchar = left({0}, if({1} < 0, error('negative length'), {1}))
    right(text, int) varchar = right({0}, if({1} < 0, error('negative length'), {1}))
"""
PADS = """
    lpad(text, int, text) varchar = lpad({0}, if({1} < 0, 0, {1}), {2})
    rpad(text, int, text) varchar = rpad({0}, if({1} < 0, 0, {1}), {2})
    repeat(text, int) varchar = repeat({0}, {1})
"""

MOMENTS = """
    year(moment) bigint = extract(year from {0})
    quarter(moment) bigint = extract(quarter from {0})
    month(moment) bigint = extract(month from {0})
    day(moment) bigint = extract(day from {0})
    hour(timestamp) bigint = extract(hour from {0})
    minute(timestamp) bigint = extract(minute from {0})
"""

STATISTICS = """
    stddev_samp(num) double = stddev_samp({0})
    stddev_pop(num) double = stddev_pop({0})
    var_samp(num) double = var_samp({0})
    var_pop(num) double = var_pop({0})
"""
