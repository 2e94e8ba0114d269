"""Docstrings speak of modules and values: the first sentence of a module names what it is."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.guards.imports import PARTS, ROOT

QUESTIONS = re.compile(r"(What|Which|Who|How|Whether|Where|When|From)\b")
"""Words that begin a sentence which says what a module answers, and not what it is."""

BEGINNING = re.compile(r'\A(?:#.*\n)*"""(.*)')
"""The first line of a module's docstring."""

PERSONS = re.compile(
    r"\b(somebody|someone|anybody|anyone|everybody|everyone|nobody|whoever)\b", re.IGNORECASE
)
"""Subjects behind which a process, a module or a value is hidden."""


def product() -> Iterator[Path]:
    """Every file of the product."""
    for part in PARTS:
        yield from (ROOT / part / "upriver").rglob("*.py")


def explanations(path: Path) -> Iterator[str]:
    """The docstrings and comments of a file that names a person anywhere; taking all apart would take seconds."""
    source = path.read_text(encoding="utf-8")
    if not PERSONS.search(source):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
    with path.open("rb") as file:
        yield from (one.string for one in tokenize.tokenize(file.readline) if one.type == tokenize.COMMENT)


def test_a_module_says_first_what_it_is() -> None:
    """A noun of the field, not a question: a newcomer looks for the thing."""
    asking = {
        str(path.relative_to(ROOT)): found[1]
        for path in product()
        if (found := BEGINNING.search(path.read_text(encoding="utf-8"))) and QUESTIONS.match(found[1])
    }
    assert asking == {}


def test_no_explanation_hides_its_subject_behind_a_person() -> None:
    """A process, a module, a reader: named as what it is."""
    hidden = {
        (str(path.relative_to(ROOT)), found[0])
        for path in product()
        for text in explanations(path)
        if (found := PERSONS.search(text))
    }
    assert hidden == set()
