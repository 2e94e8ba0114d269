"""SQL as DuckDB binds it: the bound plan walked to columns, filters, order and volatility."""
