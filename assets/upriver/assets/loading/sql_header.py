"""The YAML header of a SQL module: finding it in the text, and reading its options with their places."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from upriver.assets.declare.checks import read_quality
from upriver.assets.declare.options import NESTED, QUALITY, SQL_OPTIONS, Options, read_options
from upriver.assets.declare.partition import read_partition
from upriver.assets.declare.rules import Path
from upriver.assets.declare.sink import read_sink
from upriver.assets.errors import Diagnosis, caret_excerpt
from upriver.assets.model import Key, Place, Value

if TYPE_CHECKING:
    import yaml

_LEAD = re.compile(r"(?:\s++|--[^\n]*+)*+")
_OPENING = re.compile(r"/\*\s*upriver\s*:")
_LATER_OPENING = re.compile(r"^[ \t]*/\*\s*upriver\s*:", re.MULTILINE)
_LINE_COMMENT = re.compile(
    r"^[ \t]*--+[ \t]*(upriver)[ \t]*:[ \t]*(?:\r?$|\{|[a-z_]+[ \t]*[:=])", re.MULTILINE | re.IGNORECASE
)
_NEARLY = re.compile(r"/\*+[\s*]*([A-Za-z_]+)[ \t]*(:?)")
_SHAPE = "write `/* upriver:`, below it one `name: value` a line, then `*/`"


class Header(Value, frozen=True):
    """What stands between ``/* upriver:`` and ``*/``: its text, and where that text and the query begin."""

    text: str
    start: int
    body: int


class HeaderError(Exception):
    """The header can't be used. *diagnosis* says why."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.message)
        self.diagnosis = diagnosis


def find_header(path: str, text: str) -> Header | None:
    """The header of a module, or None when it has none.

    Only blank lines and line comments may stand before it. Raises HeaderError when there is something that
    was surely meant to be a header: unclosed, misspelt, in line comments, or further down.
    """
    lead = _LEAD.match(text)
    start = lead.end() if lead else 0
    opening = _OPENING.match(text, start)
    if commented := _LINE_COMMENT.search(text):
        message = "the header is a block comment; this line comment is not read"
        raise HeaderError(_at(path, text, commented.start(1), message, hint=_SHAPE))
    if opening is None:
        nearly = _NEARLY.match(text, start)
        if nearly and _meant(nearly[1], bool(nearly[2])):
            raise HeaderError(_at(path, text, nearly.start(1), "this is nearly a header", hint=_SHAPE))
        _refuse_later(path, text, start, "the header must come first, before the query and other comments")
        return None
    end = text.find("*/", opening.end())
    if end < 0:
        raise HeaderError(_at(path, text, start, "the header is never closed", hint="close it with */"))
    _refuse_later(path, text, end + 2, "this is a second header; put everything in the first one")
    return Header(text[opening.end() : end], opening.end(), end + 2)


def _meant(word: str, colon: bool) -> bool:
    if word.lower() == "upriver":
        return True
    return colon and difflib.SequenceMatcher(None, word.lower(), "upriver").ratio() > 0.85


def _refuse_later(path: str, text: str, start: int, message: str) -> None:
    later = _LATER_OPENING.search(text, start)
    if later:
        raise HeaderError(_at(path, text, text.index("/*", later.start()), message))


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of *offset* in *text*."""
    line_start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - line_start + 1


def _at(path: str, text: str, offset: int, message: str, hint: str | None = None) -> Diagnosis:
    line, column = position(text, offset)
    return Diagnosis(
        "bad-header", message, Place(path, line, column), hint=hint, excerpt=_shown(text, line, column)
    )


def _shown(text: str, line: int, column: int) -> str:
    return caret_excerpt(text.replace("\r", ""), line, column)


class Fields(NamedTuple):
    """What a header gives by name: the nodes of the values, the marks of the names, and what is wrong."""

    values: dict[str, yaml.Node]
    names: dict[str, yaml.Mark]
    problems: list[Diagnosis]


def place_in(path: str, text: str, header: Header, mark: yaml.Mark | None) -> Place:
    """The place in the module *text* of a *mark* in its header."""
    # By offset: YAML counts other line ends than we do, and its end of the text is in the line below.
    offset = min(mark.index, len(header.text.rstrip())) if mark else 0
    return Place(path, *position(text, header.start + offset))


def read_fields(path: str, text: str, header: Header, key: Key | None) -> Fields:
    """The fields of *header* of the module *text*."""
    import yaml

    def place(mark: yaml.Mark | None) -> Place:
        return place_in(path, text, header, mark)

    def problem(message: str, at: Place, hint: str | None = None) -> Diagnosis:
        return Diagnosis("bad-header", message, at, hint=hint, key=key)

    fields = Fields({}, {}, [])
    try:
        root = _compose(header.text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = place(mark)
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        found = problem(f"the header is not valid YAML: {what}", at, _yaml_hint(header.text))
        context, begin = getattr(error, "context", None), getattr(error, "context_mark", None)
        if context and begin and begin.line != (mark.line if mark else -1):
            found = msgspec.structs.replace(found, facts=(f"{context} that begins at {place(begin)}",))
        fields.problems.append(found)
        root = None
    if isinstance(root, yaml.MappingNode):
        for name_node, node in root.value:
            name = str(name_node.value)
            if name in fields.values:
                fields.problems.append(problem(f"{name!r} is given twice", place(name_node.start_mark)))
            fields.values[name] = node
            fields.names[name] = name_node.start_mark
    elif root is not None and plain(root) is not None:
        fields.problems.append(problem("the header has no options in it", place(root.start_mark), _SHAPE))
    return fields


def read_header(path: str, text: str, header: Header, key: Key | None) -> tuple[Options, list[Diagnosis]]:
    """The options in *header* of the module *text*, and everything that is wrong with them."""
    fields = read_fields(path, text, header, key)

    def place(name: str) -> Place:
        mark = fields.values[name].start_mark if name in SQL_OPTIONS else fields.names[name]
        return place_in(path, text, header, mark)

    given = {name: plain(node) for name, node in fields.values.items() if name not in NESTED}
    options, problems = read_options(given, SQL_OPTIONS, place, key)
    quality = {name: node for name, node in fields.values.items() if name in QUALITY}
    if quality:
        promised, wrong = read_quality(
            {name: deep(node) for name, node in quality.items()},
            lambda path_: place_in(path, text, header, _node_at(quality, path_).start_mark),
            options.key or key,
        )
        options, problems = msgspec.structs.replace(options, quality=promised), [*problems, *wrong]
    if (node := fields.values.get("partition")) is not None:
        partition, wrong = read_partition(
            deep(node),
            lambda path_: place_in(path, text, header, _node_at({"partition": node}, path_).start_mark),
            options.key or key,
        )
        options, problems = msgspec.structs.replace(options, partition=partition), [*problems, *wrong]
    if (written := fields.values.get("sink")) is not None:
        sink, wrong = read_sink(
            deep(written),
            lambda path_: place_in(path, text, header, _node_at({"sink": written}, path_).start_mark),
            options.key or key,
        )
        options, problems = msgspec.structs.replace(options, sink=sink), [*problems, *wrong]
    return options, [with_excerpt(found, text) for found in [*fields.problems, *problems]]


def _compose(text: str) -> yaml.Node | None:
    import yaml

    loader = getattr(
        yaml, "CSafeLoader", yaml.SafeLoader
    )  # the one in C is ten times faster, where it was built
    return yaml.compose(text, Loader=loader)


def plain(node: yaml.Node, nested: bool = False) -> object:
    """Scalars as they are written (``no`` stays ``"no"``, ``1.10`` stays ``"1.10"``): the readers decide."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [] if nested else [plain(item, nested=True) for item in node.value]
    return {} if nested else {str(name.value): plain(value, nested=True) for name, value in node.value}


def deep(node: yaml.Node) -> object:
    """A tree of YAML as plain values; scalars as they are written."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [deep(item) for item in node.value]
    return {str(name.value): deep(value) for name, value in node.value}


def _node_at(roots: Mapping[str, yaml.Node], path: Path) -> yaml.Node:
    """The node that stands at *path*, or the nearest above it; of a pair in a mapping its name."""
    import yaml

    node = shown = roots[str(path[0])]
    for part in path[1:]:
        if isinstance(node, yaml.MappingNode):
            found = next(((name, value) for name, value in node.value if name.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = (node.value[part], node.value[part])
        else:
            found = None
        if found is None:
            break
        shown, node = found
    return shown


def _yaml_hint(text: str) -> str | None:
    if re.search(r"^[ ]*\*", text, re.MULTILINE):
        return "leave out the * at the start of lines"
    if re.search(r"^[ ]*\t", text, re.MULTILINE):
        return "YAML is indented with spaces, not tabs"
    if re.search(r"^[^:\n'\"]+:[^'\"\n]+:\s", text, re.MULTILINE):
        return "put text with a colon in it in quotes"
    return None


def with_excerpt(diagnosis: Diagnosis, text: str) -> Diagnosis:
    place = diagnosis.place
    if place is None or place.column is None:
        return diagnosis
    return msgspec.structs.replace(diagnosis, excerpt=_shown(text, place.line, place.column))
