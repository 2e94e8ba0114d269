"""Unit tests of recipes: rows given, rows expected, declared in YAML files under ``tests/``."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias

from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.model import Key, Place, Value, key_problem
from upriver.assets.project.layout import TESTS

if TYPE_CHECKING:
    import yaml

_OPTIONS = ("asset", "name", "description", "given", "expect", "order", "variables", "clock", "error")
_SKIPPED = frozenset({"__pycache__", "node_modules"})


class Cell(Value, frozen=True):
    """A value as it is written; *text* is None for null. What is *quoted* is text, whatever it looks like."""

    text: str | None
    quoted: bool = False


Given: TypeAlias = "Cell | tuple[Given, ...] | dict[str, Given]"
"""What a row holds in a column: a value, a list of them, or a struct."""


class Row(Value, frozen=True):
    """A row, and where it is written. A column that it does not name is null in it."""

    values: Mapping[str, object]
    place: Place


class Rows(Value, frozen=True):
    """The rows of a table, or the *file* (relative to the project) that holds them."""

    place: Place
    rows: tuple[Row, ...] = ()
    file: str | None = None


class UnitTest(Value, frozen=True):
    """A test of the recipe of *asset*: over the rows *given*, by upstream, it gives the rows *expect*, or fails with an
    *error* that matches. With *ordered* in that order. *variables* are those of the project that are other in it,
    *clock* the moment (seconds since the epoch) that it believes to be now.
    """

    asset: Key
    name: str
    place: Place
    given: dict[Key, Rows] = {}
    expect: Rows | None = None
    ordered: bool = False
    variables: dict[str, str] = {}
    clock: float | None = None
    error: str | None = None


class UnitTestFile(Value, frozen=True):
    """A file of unit tests: what it declares, and what is wrong with the others in it."""

    path: str
    tests: tuple[UnitTest, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()


def unit_test_paths(root: Path) -> Iterator[str]:
    """The YAML files below ``tests/``, sorted, relative to *root*. Links to folders are not followed."""
    for folder, folders, names in os.walk(root / TESTS):
        folders[:] = sorted(one for one in folders if one[0] != "." and one not in _SKIPPED)
        for name in sorted(names):
            if name.endswith((".yaml", ".yml")) and name[0] != ".":
                yield (Path(folder) / name).relative_to(root).as_posix()


def read_unit_tests(root: Path, path: str) -> UnitTestFile | None:
    """The unit tests of the file at *path*; None when it is about something else: no document in it has ``asset:``."""
    try:
        text = (root / path).read_bytes().decode("utf-8").removeprefix("\ufeff")
    except OSError as error:
        said = f"this file can't be read: {error.strerror}"
        return UnitTestFile(path, diagnoses=(Diagnosis("unreadable", said, Place(path)),))
    except UnicodeDecodeError as error:
        said = f"this file is not UTF-8 text: byte {error.object[error.start]:#04x}"
        return UnitTestFile(path, diagnoses=(Diagnosis("not-utf-8", said, Place(path)),))
    return parse_unit_tests(path, text)


def parse_unit_tests(path: str, text: str) -> UnitTestFile | None:
    """As :func:`read_unit_tests`, of a *text*."""
    import yaml

    if not re.search(r"^['\"]?asset['\"]?\s*:", text, re.MULTILINE):
        return None
    try:
        documents = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(path, mark.line + 1, mark.column + 1) if mark is not None else Place(path)
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        return UnitTestFile(
            path, diagnoses=(Diagnosis("bad-test", f"this is not valid YAML: {what}", place),)
        )
    tests: list[UnitTest] = []
    problems: list[Diagnosis] = []
    for number, node in enumerate(documents, 1):
        reader = _Reader(path)
        found = reader.test(node, _stem(path) if len(documents) == 1 else f"{_stem(path)} {number}")
        problems += reader.problems
        if found is not None and not reader.problems:
            tests.append(found)
    names: dict[str, UnitTest] = {}
    for one in tests:
        if (twin := names.setdefault(one.name, one)) is not one:
            said = f"two tests of this file are called {one.name!r}"
            problems.append(Diagnosis("bad-test", said, one.place, (f"the other is at {twin.place}",)))
    return UnitTestFile(path, tuple(tests), tuple(problems))


def _stem(path: str) -> str:
    return PurePosixPath(path).stem


class _Reader:
    """Reads one document, and notes what is wrong with it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._key: Key | None = None
        self.problems: list[Diagnosis] = []

    def test(self, root: yaml.Node, name: str) -> UnitTest | None:
        import yaml

        if not isinstance(root, yaml.MappingNode):
            self._wrong(root, "a unit test is a mapping that begins with `asset: KEY`")
            return None
        fields = self._fields(root)
        if "asset" not in fields:
            self._wrong(root, "it does not say which asset it tests", "begin it with `asset: KEY`")
            return None
        key = self._text(fields["asset"], "asset")
        if key is None or (problem := key_problem(key)):
            self._wrong(fields["asset"], f"{key!r} is no key" + (f": {problem}" if key else ""))
            return None
        self._key = key
        for one in fields:
            if one not in _OPTIONS:
                hint = did_you_mean(one, _OPTIONS) or f"possible are {', '.join(_OPTIONS)}"
                self._wrong(fields[one], f"there is no option {one!r}", hint)
        order = self._text(fields["order"], "order") if "order" in fields else "ignored"
        if order not in ("ignored", "kept"):
            self._wrong(fields["order"], f"order: ignored or kept is expected, not {order!r}")
        if ("expect" in fields) is ("error" in fields):
            said = (
                "one of `expect:` and `error:` is needed"
                if "expect" not in fields
                else "it can't give rows and fail"
            )
            self._wrong(root, said, "`expect:` are the rows, `error:` a pattern of the message")
        error = self._text(fields["error"], "error") if "error" in fields else None
        if error is not None:
            try:
                re.compile(error)
            except re.error as wrong:
                self._wrong(fields["error"], f"error: {error!r} is no regular expression: {wrong}")
        return UnitTest(
            key,
            (self._text(fields["name"], "name") if "name" in fields else None) or name,
            self._place(root),
            self._given(fields.get("given")),
            self._rows(fields["expect"], "expect") if "expect" in fields else None,
            order == "kept",
            self._variables(fields.get("variables")),
            self._clock(fields["clock"]) if "clock" in fields else None,
            error,
        )

    def _fields(self, node: yaml.MappingNode) -> dict[str, yaml.Node]:
        found: dict[str, yaml.Node] = {}
        for name, value in node.value:
            if str(name.value) in found:
                self._wrong(name, f"{name.value!r} is given twice")
            found[str(name.value)] = value
        return found

    def _given(self, node: yaml.Node | None) -> dict[Key, Rows]:
        import yaml

        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self._wrong(node, "given: rows by upstream are expected, such as {raw.orders: [{id: 1}]}")
            return {}
        return {key: self._rows(value, f"given: {key}") for key, value in self._fields(node).items()}

    def _rows(self, node: yaml.Node, what: str) -> Rows:
        import yaml

        place = self._place(node)
        if isinstance(node, yaml.ScalarNode) and not _is_null(node):
            return Rows(place, file=self._file(node, what))
        if not isinstance(node, yaml.SequenceNode):
            said = f"{what}: a list of rows or the path of a CSV file is expected"
            self._wrong(node, said, "no rows are written as []")
            return Rows(place)
        rows = []
        for item in node.value:
            if isinstance(item, yaml.MappingNode):
                values = {name: _cell(value) for name, value in self._fields(item).items()}
                rows.append(Row(values, self._place(item)))
            else:
                self._wrong(item, f"{what}: a row is expected, such as {{id: 1, name: x}}")
        return Rows(place, tuple(rows))

    def _file(self, node: yaml.ScalarNode, what: str) -> str | None:
        """The path as one below the project's root: it is written relative to the test's own folder."""
        written = str(node.value)
        path = os.path.normpath(os.path.join(os.path.dirname(self._path), written))  # noqa: PTH118, PTH120
        if os.path.isabs(path) or path.startswith("..") or "\0" in path:  # noqa: PTH117
            self._wrong(node, f"{what}: {written!r} is not inside the project")
            return None
        return path

    def _variables(self, node: yaml.Node | None) -> dict[str, str]:
        import yaml

        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode) or not all(
            isinstance(value, yaml.ScalarNode) for _, value in node.value
        ):
            self._wrong(node, "variables: values by name are expected, such as {threshold: 3}")
            return {}
        return {name: str(value.value) for name, value in self._fields(node).items()}

    def _clock(self, node: yaml.Node) -> float | None:
        text = self._text(node, "clock") or ""
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            hint = "write it as 2013-01-05 or 2013-01-05 12:00:00; without a zone it is UTC"
            self._wrong(node, f"clock: {text!r} is no moment", hint)
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()

    def _text(self, node: yaml.Node, what: str) -> str | None:
        import yaml

        if not isinstance(node, yaml.ScalarNode) or _is_null(node):
            self._wrong(node, f"{what}: a text is expected")
            return None
        return str(node.value).strip()

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._path, node.start_mark.line + 1, node.start_mark.column + 1)

    def _wrong(self, node: yaml.Node, message: str, hint: str | None = None) -> None:
        self.problems.append(Diagnosis("bad-test", message, self._place(node), hint=hint, key=self._key))


def _is_null(node: yaml.ScalarNode) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


def _cell(node: yaml.Node) -> Given:
    """The value of *node*. Scalars stay as they are written: the type of the column decides what they mean."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        return Cell(None if _is_null(node) else str(node.value), node.style is not None)
    if isinstance(node, yaml.SequenceNode):
        return tuple(_cell(item) for item in node.value)
    return {str(name.value): _cell(value) for name, value in node.value}


def unit_tests(root: Path, paths: Iterable[str] | None = None) -> Iterator[UnitTestFile]:
    """The files of unit tests of the project at *root*, or those among *paths*."""
    for path in unit_test_paths(root) if paths is None else paths:
        found = read_unit_tests(root, path)
        if found is not None:
            yield found
