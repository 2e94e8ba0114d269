"""Other SQL dialects, translated to DuckDB's. The only user of sqlglot, which is loaded at the first foreign query."""

from __future__ import annotations

from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.model import Place


def transpile(text: str, dialect: str, path: str | None, first_line: int) -> str | Diagnosis:
    """*text* in DuckDB's SQL, or why it can't be translated."""
    import sqlglot
    from sqlglot.errors import ErrorLevel, ParseError, SqlglotError, TokenError, UnsupportedError

    place = Place(path, first_line) if path else None
    known = sorted(name.value for name in sqlglot.Dialects if name.value)
    if dialect not in known:
        return Diagnosis(
            "sql-dialect",
            f"the SQL dialect {dialect!r} is not known",
            place,
            facts=("known dialects: " + ", ".join(known),),
            hint=did_you_mean(dialect, known),
        )
    try:
        translated = sqlglot.transpile(text, read=dialect, write="duckdb", unsupported_level=ErrorLevel.RAISE)
    except ParseError as error:
        detail = error.errors[0] if error.errors else {}
        line, column = int(detail.get("line") or 1), int(detail.get("col") or 1)
        if path:
            place = Place(path, first_line + line - 1, column)
        message = detail.get("description") or "syntax error"
        return Diagnosis("sql-syntax", f"{message} (dialect {dialect})", place)
    except (UnsupportedError, TokenError) as error:
        return Diagnosis(
            "sql-dialect",
            f"the query can't be translated from {dialect} to DuckDB without changing its meaning",
            place,
            facts=(str(error),),
            hint="write this asset in DuckDB's SQL",
        )
    except (SqlglotError, RecursionError) as error:
        return Diagnosis("sql-syntax", f"the query can't be read as {dialect}: {error}", place)
    statements = [statement for statement in translated if statement]
    if len(statements) != 1:
        return Diagnosis(
            "sql-statement",
            f"an SQL asset is one query; here are {len(statements)} statements",
            place,
            hint="make each an asset of its own",
        )
    return statements[0]
