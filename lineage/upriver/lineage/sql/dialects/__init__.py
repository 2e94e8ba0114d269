"""Queries in other SQL dialects, translated to DuckDB's or refused: nothing is reinterpreted. The only user of sqlglot's translator.

A dialect lists what it can translate: functions by signature, operators by rules. What is not listed is refused, by
name and place. Rooms::

    refusal      why something can't be translated, and where it stands
    kinds        the kinds of types that rules tell apart
    signatures   functions of a dialect and DuckDB's text for each, as a table
    typed        the types of all expressions of a query, from the schemas of its upstreams
    rules        a dialect as a value, and what its rules may ask
    division, casts, comparisons, datetime, patterns, relations, shadowing
                 rules for operators and clauses, each for all dialects
    postgres … spark
                 the dialects
    known        dialects by name
    translation  text to DuckDB's text or a diagnosis
"""
