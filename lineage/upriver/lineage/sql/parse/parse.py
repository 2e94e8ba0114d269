"""Text to :class:`Query` or :class:`Diagnosis`. DuckDB's own parser decides what a text means.

The parser runs in an in-memory database without access to anything outside, one per thread.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import duckdb
import msgspec

from upriver.assets.errors import Diagnosis, caret_excerpt, did_you_mean
from upriver.assets.model import Key, Place, Schema, Value
from upriver.assets.support.json_trees import decode
from upriver.lineage.sql.parse.canonical import canonical_tokens, canonical_tree, fingerprint
from upriver.lineage.sql.parse.foreign import Translated, translated
from upriver.lineage.sql.parse.pivot import without_dynamic_pivots
from upriver.lineage.sql.parse.query import BoundText, Query
from upriver.lineage.sql.parse.scope import Node, read_names
from upriver.lineage.sql.parse.templates import foreign_syntax
from upriver.lineage.sql.text.places import offset_in_source, place_in_source
from upriver.lineage.sql.text.tokens import Token, significant_end, tokens

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": "1",
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_AT_ONCE = 200
"""So many texts are parsed at once: fewer take longer, more take memory, for a tree is far larger than its text."""
_SERIALIZE = "select json_serialize_sql(unnest($1))"
_local = threading.local()


class Text(Value, frozen=True):
    """An SQL text to parse: *path* and *first_line* say where it stands in the project."""

    text: str
    dialect: str = "duckdb"
    path: str | None = None
    first_line: int = 1


def parse_query(
    text: str, dialect: str = "duckdb", path: str | None = None, first_line: int = 1
) -> Query | Diagnosis:
    """Parse one SELECT-like statement. *first_line* is the line of *path* at which *text* begins."""
    return parse_queries([Text(text, dialect, path, first_line)])[0]


def parse_queries(texts: Iterable[Text]) -> list[Query | Diagnosis]:
    """As :func:`parse_query` for many texts, several times faster than one by one."""
    return _parse_batch(list(texts))


def _parse_batch(sources: list[Text]) -> list[Query | Diagnosis]:
    results: list[Query | Diagnosis | None] = [None] * len(sources)
    executables: list[tuple[int, Translated]] = []
    for index, source in enumerate(sources):
        executable = _executable(source)
        if isinstance(executable, Diagnosis):
            results[index] = executable
        else:
            executables.append((index, executable))
    trees = _serialize([executable.text for _, executable in executables])
    for (index, executable), tree in zip(executables, trees, strict=True):
        results[index] = _read(sources[index], executable, tree)
    return [
        _foreign(source, result) if isinstance(result, Diagnosis) else result
        for source, result in zip(sources, results, strict=True)
        if result is not None
    ]


def _foreign(source: Text, problem: Diagnosis) -> Diagnosis:
    """*problem*, or what is wrong in truth: the text is written for another tool."""
    found = (
        foreign_syntax(source.text) if problem.code == "sql-syntax" or source.dialect != "duckdb" else None
    )
    if found is None:
        return problem
    as_written = Text(source.text, path=source.path, first_line=source.first_line)
    return located("sql-syntax", found.message, as_written, source.text, found.offset, found.hint)


def _read(source: Text, executable: Translated, tree: Node) -> Query | Diagnosis:
    """The query of one syntax *tree*. What goes wrong is told of this text; others go on."""
    try:
        return _Parsing(source, executable).query(tree)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it must not stop the other texts
        place = Place(source.path or "<query>", source.first_line)
        message = f"the query can't be read: {type(error).__name__}: {error}".partition("\n")[0]
        hint = "report it with the text of this query; written in a simpler way, it may be understood"
        return Diagnosis("sql-unsupported", message, place, ("this is a fault of Upriver",), hint)


def _executable(source: Text, schemas: Mapping[str, Schema] | None = None) -> Translated | Diagnosis:
    place = Place(source.path, source.first_line) if source.path else None
    for bad, name in (("\0", "NUL"), ("\ufeff", "byte order mark")):
        if bad in source.text:
            return Diagnosis("sql-syntax", f"the query holds a {name} character", place, hint="remove it")
    try:
        source.text.encode()
    except UnicodeEncodeError as error:
        return Diagnosis("sql-syntax", f"the query is not valid Unicode: {error.reason}", place)
    found: Translated | Diagnosis = Translated(source.text)
    if source.dialect != "duckdb":
        found = translated(source, schemas)
    if isinstance(found, Diagnosis):
        return found
    end = significant_end(found.text)
    if not end:
        return Diagnosis(
            "sql-statement", "there is no query", place, hint="an SQL asset is one SELECT statement"
        )
    return Translated(found.text[:end], found.signature)


def bound_to(query: Query, schemas: Mapping[Key, Schema]) -> Query | Diagnosis:
    """*query*, in another dialect translated with the *schemas* of its upstreams; the same query in DuckDB's.

    What it means does not change with that: its fingerprint stays.
    """
    if query.dialect == "duckdb":
        return query
    read = {reference.key: schemas[reference.key] for reference in query.references}
    read |= {pattern.lower(): schemas[file.key] for file in query.files for pattern in file.patterns}
    return _bound_to(query, tuple(sorted(read.items())))


@lru_cache(maxsize=256)
def _bound_to(query: Query, schemas: tuple[tuple[str, Schema], ...]) -> Query | Diagnosis:
    source = Text(query.text, query.dialect, query.path, query.first_line)
    executable = _executable(source, dict(schemas))
    if isinstance(executable, Diagnosis):
        return executable
    found = _read(source, executable, next(_serialize([executable.text])))
    if isinstance(found, Diagnosis):
        return found
    return msgspec.structs.replace(found, fingerprint=query.fingerprint)


def _serialize(texts: list[str]) -> Iterator[Node]:
    """DuckDB's syntax tree for each text, or its error."""
    for start in range(0, len(texts), _AT_ONCE):
        together = texts[start : start + _AT_ONCE]
        try:
            rows = _connection().execute(_SERIALIZE, [together]).fetchall()
        except duckdb.Error:  # one of them is more than the engine can take: find out which
            yield from map(_serialize_alone, together)
        else:
            yield from (decode(tree) for (tree,) in rows)


def _serialize_alone(text: str) -> Node:
    try:
        rows = _connection().execute(_SERIALIZE, [[text]]).fetchall()
    except duckdb.Error as error:
        message = str(error).partition("\n")[0]
        return {"error": True, "error_type": "parser", "error_message": message}
    tree: Node = decode(rows[0][0])
    return tree


def syntax_tree(text: str) -> Node | None:
    """DuckDB's syntax tree of one statement that it can show as a tree."""
    tree = next(_serialize([text]))
    return None if tree["error"] or len(tree["statements"]) != 1 else tree["statements"][0]


def _connection() -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection | None = getattr(_local, "connection", None)
    if connection is None:
        connection = duckdb.connect(":memory:", config=_SETTINGS)
        connection.execute("pragma disable_optimizer")
        _local.connection = connection
    return connection


class _Parsing:
    """One text on its way to a Query."""

    def __init__(self, source: Text, executable: Translated) -> None:
        self.source = source
        self.signature = executable.signature
        self.executable = executable.text
        self.unedited = BoundText(self.executable, [])
        self.line_starts = [0] + [found.end() for found in re.finditer("\n", self.executable)]

    def query(self, tree: Node) -> Query | Diagnosis:
        if not tree["error"]:
            statements = tree["statements"]
            if len(statements) != 1:
                return self._not_one(len(statements))
            return self._from_tree(statements[0], None)
        if tree["error_type"] == "not implemented":
            return self._not_serializable(tree)
        return self._syntax_error(tree)

    def _from_tree(self, statement: Node, dynamic: str | None) -> Query | Diagnosis:
        names = read_names(statement, self.executable, self.unedited.from_byte, self.place)
        if names.problems:
            problem = names.problems[0]
            return self._diagnosis(problem.code, problem.message, problem.offset, problem.hint)
        text = self.executable
        canonical = canonical_tokens(text) if dynamic else canonical_tree(statement, text)
        if self.signature:
            canonical = f"{self.signature}\n{canonical}"
        return Query(
            text=self.source.text,
            executable=self.executable,
            fingerprint=fingerprint(canonical),
            references=tuple(names.references),
            files=tuple(names.files),
            qualifiers=names.qualifiers(self.executable),
            unfollowed=tuple(dict.fromkeys(names.unfollowed)),
            dynamic=dynamic,
            dialect=self.source.dialect,
            path=self.source.path,
            first_line=self.source.first_line,
        )

    def _not_one(self, count: int) -> Diagnosis:
        message = f"an SQL asset is one query; here are {count} statements"
        second = next((t.end for t in tokens(self.executable) if t.text == ";"), None)
        return self._diagnosis("sql-statement", message, second, "make each an asset of its own")

    def _not_serializable(self, tree: Node) -> Query | Diagnosis:
        """What DuckDB can parse and not serialize: statements of other kinds, and PIVOT without its list of values."""
        try:
            statements = duckdb.extract_statements(self.executable)
        except duckdb.Error as error:  # a statement that only the parser knows
            message = str(error).partition("\n")[0]
            return self._diagnosis("sql-unsupported", f"DuckDB can't analyse the query: {message}", 0)
        if len(statements) != 1:
            return self._not_one(len(statements))
        kind = statements[0].type.name
        if kind == "MULTI":
            masked = without_dynamic_pivots(self.executable)
            tree = next(_serialize([masked])) if masked is not None else tree
            if not tree["error"]:
                cause = "PIVOT without a list of values: the columns depend on the data"
                return self._from_tree(tree["statements"][0], cause)
        if kind in ("SELECT", "MULTI"):
            return self._diagnosis(
                "sql-unsupported", f"DuckDB can't analyse the query: {tree['error_message']}", 0
            )
        message = f"an SQL asset is one query; this is {_article(kind)} statement"
        return self._diagnosis(
            "sql-statement", message, 0, "write the SELECT only; Upriver stores its result"
        )

    def _syntax_error(self, tree: Node) -> Diagnosis:
        offset = self.unedited.from_byte(int(tree["position"])) if "position" in tree else None
        message: str = tree["error_message"]
        return self._diagnosis("sql-syntax", message, offset, _syntax_hint(self.executable, offset))

    def _diagnosis(self, code: str, message: str, offset: int | None, hint: str | None = None) -> Diagnosis:
        return located(code, message, self.source, self.executable, offset, hint)

    def place(self, offset: int) -> Place:
        """The place of *offset* of the executable text in the user's file."""
        if self.source.dialect != "duckdb":
            return place_in_source(self.source, self.executable, offset)
        line = bisect_right(self.line_starts, offset)
        start = self.line_starts[line - 1]
        return Place(self.source.path or "<query>", self.source.first_line + line - 1, offset - start + 1)


def located(
    code: str,
    message: str,
    source: Text | Query,
    executable: str,
    offset: int | None,
    hint: str | None = None,
) -> Diagnosis:
    """A diagnosis at *offset* of *executable*, with the line and a caret under the word there.

    The line is the user's; where a translation can't be followed back, it is the translation's, and that is said.
    """
    if offset is None:
        return Diagnosis(code, message, Place(source.path or "<query>", source.first_line), hint=hint)
    place = place_in_source(source, executable, offset)
    at = offset_in_source(source, executable, offset)
    text, at, facts = (source.text, at, ()) if at is not None else (executable, offset, _TRANSLATED)
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    word = next(iter(tokens(text, at)), None)
    width = len(word.text.partition("\n")[0]) if word is not None else 1
    excerpt = caret_excerpt(text, line, column, width, shown_line=line if facts else place.line)
    return Diagnosis(code, message, place, facts, hint, excerpt)


_TRANSLATED = ("the line shown is of the translation to DuckDB's SQL",)


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"


# fmt: off
_WORDS = (
    "select", "from", "where", "group", "order", "having", "qualify", "limit", "offset", "union",
    "intersect", "except", "with", "recursive", "distinct", "join", "inner", "left", "right", "full",
    "outer", "cross", "natural", "using", "lateral", "between", "exists", "values", "window",
    "partition", "pivot", "unpivot",
)
# fmt: on


_OF_A_STAR = ("exclude", "replace", "rename")


def _syntax_hint(text: str, offset: int | None) -> str | None:
    """Most syntax errors are a mistyped keyword at, or one word before, the place where the parser stopped."""
    if offset is None:
        return None
    before: Token | None = None
    for token in tokens(text):
        if token.start >= offset:
            if token.text.lower() in _OF_A_STAR and before is not None and before.text == ")":
                return f"after * they stand in this order: {', '.join(_OF_A_STAR)}"
            for candidate in (token, before):
                if (
                    candidate is not None
                    and candidate.kind == "word"
                    and candidate.text.lower() not in _WORDS
                ):
                    hint = did_you_mean(candidate.text.lower(), _WORDS)
                    if hint:
                        return hint
            break
        before = token
    return None
