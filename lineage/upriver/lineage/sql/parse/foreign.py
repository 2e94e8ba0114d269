"""A text in another dialect on its way to the parser: its translation is loaded with the first foreign query."""

from __future__ import annotations

from collections.abc import Mapping

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Place, Schema, Value
from upriver.lineage.sql.text.places import Source


class Translated(Value, frozen=True):
    """A text for DuckDB. *signature* tells what a translated one means in its own dialect, None for DuckDB's own."""

    text: str
    signature: str | None = None


def translated(source: Source, schemas: Mapping[str, Schema] | None) -> Translated | Diagnosis:
    """*source* in DuckDB's SQL; without *schemas* only for what it reads."""
    from upriver.lineage.sql.dialects.translation import translate

    try:
        found = translate(source.text, source.dialect, source.path, source.first_line, schemas)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it must not stop the other texts
        place = Place(source.path or "<query>", source.first_line)
        message = f"the query can't be translated: {type(error).__name__}: {error}".partition("\n")[0]
        hint = "report it with the text of this query; written in DuckDB's SQL, it may be understood"
        return Diagnosis("sql-unsupported", message, place, ("this is a fault of Upriver",), hint)
    return found if isinstance(found, Diagnosis) else Translated(found.text, found.signature)
