"""SQL lineage: what a query reads, what it means, and which column comes from where.

Rooms, each of which imports only those above it::

    names              identifiers, literals and the name of an asset's view
    text               where words, strings and comments are; the text of each output column, for display
    dialects           queries in other dialects, translated to DuckDB's or refused
    parse              text to Query or Diagnosis: DuckDB's own parser decides
      parse, query     one text to a parsed query as a value, and its text with other relation names in it
      scope, files     which names of a syntax tree are tables, which are files or common table expressions
      pivot            queries that DuckDB turns into several statements, made readable for its parser
      canonical        the form that two texts of equal meaning share
      foreign          a text in another dialect on its way to the parser
    plan               Query and schemas to Analysis: DuckDB binds against empty tables
      binder           the way from a query to its analysis; bind_errors: what binding says when it can't, as diagnoses
      flow, shape      values of the walk: sources, columns, relations, scans; widths of nodes, filters
      predicate, volatility, ordering, operands
                       what expressions mean: row filters as text, what may fail or is volatile, what depends on
                       the order of rows, which operands flow into a value and which decide it
      context          the state of one walk, and how expressions add to it
      rows, columns, joins, scans
                       handlers of plan nodes
      walk             calls the handlers, with a stack of its own
      findings, digest from the walk to edges and footprints; the digest of a bound plan
      prune            a bound plan without the columns that nothing reads
    alias_equivalence  texts that differ only in what they call their tables
"""
