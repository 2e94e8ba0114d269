"""SQL lineage: what a query reads, what it means, and which column comes from where.

Rooms::

    names       identifiers, literals and the name of an asset's view
    tokens      where words, strings and comments are in a text
    query       a parsed query as a value, and its text with other relation names in it
    parse       text to Query or Diagnosis; DuckDB's own parser decides
    scope       which names of a syntax tree are tables, and which common table expressions
    files       which of them are files, and the table functions that read files
    pivot       queries that DuckDB turns into several statements, made readable for its parser
    canonical   the form that two texts of equal meaning share
    respelling  texts that differ only in what they call their tables
    dialect     other dialects to DuckDB's (the only user of sqlglot)
    binder      Query and schemas to Analysis: DuckDB binds against empty tables
    bind_errors what it says when it can't, as diagnoses
    flow        the values of the walk: sources, columns, relations, scans
    plan_*      the walk over the bound plan: nodes that choose rows, make columns, join; their expressions
    predicate   row filters as text
    risk        what in an expression may fail or is volatile
    ordering    what depends on the order of rows
    findings    from the walk to edges and footprints
    binding     the digest of a bound plan
    select_list the text of each output column, for display
"""
