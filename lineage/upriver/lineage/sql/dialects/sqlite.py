"""SQLite. What is here was compared with the engine. Columns have the types of their upstreams, so dates are dates."""

from __future__ import annotations

from sqlglot import exp

from upriver.lineage.sql.dialects import common, text
from upriver.lineage.sql.dialects.common_rules import NAMED
from upriver.lineage.sql.dialects.datetime import PERCENT_LITERAL, STRFTIME, format_rule
from upriver.lineage.sql.dialects.rules import Casts, Dialect, Division
from upriver.lineage.sql.dialects.signatures import functions

_SUBSTRING, _SUBSTR = text.substring("error")
_UPPER, _LOWER = "'ABCDEFGHIJKLMNOPQRSTUVWXYZ'", "'abcdefghijklmnopqrstuvwxyz'"
FUNCTIONS = f"""
    abs(num) same = abs({{0}})
    round(num) double = round(cast({{0}} as double), 0)
    upper(text) varchar = translate({{0}}, {_LOWER}, {_UPPER})
    lower(text) varchar = translate({{0}}, {_UPPER}, {_LOWER})
    length(text) int = length({{0}})
    replace(text, text, text) varchar = @replace
    substr(text, int) varchar = @substr
    substr(text, int, int) varchar = @substr
    instr(text, text) int = strpos({{0}}, {{1}})
    total(num) double = coalesce(sum(cast({{0}} as double)), 0.0)
    group_concat(text) varchar = string_agg({{0}}, ',')
    group_concat(text, text) varchar = string_agg({{0}}, {{1}})
    strftime(lit, moment) varchar = @strftime
    date(moment) date = cast({{0}} as date)
    sign(num) int = cast(sign({{0}}) as integer)
"""
DIALECT = Dialect(
    "sqlite",
    "sqlite",
    Division(whole=True, zero="null", as_double=True),
    Casts(
        whole="trunc",
        float_whole="trunc",
        default_decimal=None,
        as_text=frozenset({"int", "text", "date", "null"}),
        from_text=frozenset({"text"}),
    ),
    functions(common.TRIMS, FUNCTIONS),
    (common.KEPT | {"IFNULL", "IIF", "IF"}) - {"CURRENT_DATE", "EXTRACT", "POSITION"},
    named={
        **NAMED,
        "substr": _SUBSTR,
        "strftime": format_rule(
            {code: STRFTIME[code] for code in ("%Y", "%m", "%d", "%H", "%M", "%S", "%j")}
            | {"%w": "cast(extract(dow from {0}) as varchar)"},
            PERCENT_LITERAL,
            pattern_first=True,
        ),
    },
    rules={exp.Substring: _SUBSTRING, exp.Trim: text.trimmed()},
    like="ascii",
    float_literals=True,
    whole_average="float",
)
