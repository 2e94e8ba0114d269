"""Options of a reader of text, as a declaration or a query spells them: ``read_csv({files}, delim = ';')`` taken apart.

Values stay SQL text: what was written as data reaches the reader as it was quoted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from upriver.assets.declare.locations import FILES
from upriver.assets.model import FileLocation, Value
from upriver.lineage.sql.text.tokens import Token, tokens

_SPELLINGS = {
    "sep": "delim",
    "delimiter": "delim",
    "separator": "delim",
    "null": "nullstr",
    "date_format": "dateformat",
    "timestamp_format": "timestampformat",
    "dtypes": "types",
    "column_types": "types",
    "column_names": "names",
    "maximum_line_size": "max_line_size",
}
_OWN = frozenset(
    {
        "sample_size",
        "maximum_sample_files",
        "files_to_sniff",
        "store_rejects",
        "rejects_table",
        "rejects_scan",
    }
    | {"rejects_limit", "rejects_line_size_limit", "auto_detect", "parallel", "buffer_size"}
)
"""Options that decide how types are guessed, or where what is wrong is put: here that is settled."""


class Options(Value, frozen=True):
    """A call of a reader. *given* are its options by DuckDB's first name for each, with their values as SQL."""

    function: str
    given: Mapping[str, str]

    def flag(self, name: str) -> bool:
        """Whether an option of yes or no is given as yes."""
        return self.given.get(name, "false").strip().lower() in ("true", "1", "'true'", "'t'")

    def listed(self, *without: str) -> str:
        """The options as arguments, each behind a comma, but for those named."""
        return arguments({name: text for name, text in self.given.items() if name not in without})


def arguments(given: Mapping[str, str]) -> str:
    """*given* as arguments of a call, each behind a comma."""
    return "".join(f", {name} = {text}" for name, text in given.items())


def options_of(location: FileLocation) -> Options:
    """How the files at *location* are declared to be read."""
    if location.scan is None:
        if location.format == "csv":
            return Options("read_csv", {})
        return Options("read_json", {"format": "'newline_delimited'"})
    function, _, rest = location.scan.partition("(")
    given = {}
    for part in _parts(rest):
        name, text = _option(part, rest)
        if name and name not in _OWN:
            given[_SPELLINGS.get(name, name)] = text
    name = function.strip().lower()
    if name in ("read_ndjson", "read_ndjson_auto"):
        given.setdefault("format", "'newline_delimited'")
    return Options("read_csv" if "csv" in name else "read_json", given)


def given_options(location: FileLocation) -> Mapping[str, str]:
    """The options of a reader of our own, as they were given: texts without quotes."""
    if location.scan is None:
        return {}
    rest = location.scan.partition("(")[2]
    found = (_option(part, rest) for part in _parts(rest))
    return {name: text[1:-1].replace("''", "'") if text[:1] == "'" else text for name, text in found if name}


def _parts(rest: str) -> Iterator[list[Token]]:
    """The arguments of the call of which *rest* stands behind its parenthesis, without the files."""
    depth, part = 1, list[Token]()
    for token in tokens(rest):
        depth += (token.text in "([{") - (token.text in ")]}") if token.kind == "other" else 0
        if depth == 0 or (depth == 1 and token.text == ","):
            yield part
            part = []
            if depth == 0:
                return
        else:
            part.append(token)


def _option(part: Iterable[Token], text: str) -> tuple[str, str]:
    """Name and value of one argument; no name for the list of files."""
    first, *others = [*part] or [Token("other", "", 0, 0)]
    if first.kind not in ("word", "quoted") or not others:
        return "", ""
    signs = 0
    while signs < len(others) and others[signs].text in (":", "=", ">"):
        signs += 1
    if not signs or text[first.start : others[-1].end] == FILES or signs == len(others):
        return "", ""
    return first.name.lower(), text[others[signs].start : others[-1].end]


def shaped(location: FileLocation) -> bool:
    """Whether a reader finds out the types of the files at *location*: CSV and JSON, not one value a file."""
    if location.format not in ("csv", "ndjson"):
        return False
    return location.scan is None or "_objects" not in location.scan.partition("(")[0].lower()
