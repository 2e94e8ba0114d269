"""Diagrams of lineage are well formed whatever a column is called, and say what it is called."""

from __future__ import annotations

import html
import io
import json
import re

import pytest
from tests.fakes.answers import one_by_one

from upriver.lineage.model import EdgeKind
from upriver.materializer.answers import ColumnNode, LineageView, OpaqueNote, ViewEdge
from upriver.tui.present.console import Console
from upriver.tui.present.json import documents as json_output
from upriver.tui.present.json.values import write_json
from upriver.tui.present.spans import Page, plain, shown
from upriver.tui.present.text.lineage import dot, lineage_lines, mermaid

NAMES = (
    'q"uote', "two words", "pi|pe", "br[ack]et", "{curly}", "(par)", "ünï 漢", "new\nline", "tab\tx", "back\\", "\\N",
    "<b>bold</b>", "semi;colon", "%%{init: {}}%%", "%% note", "end", "subgraph", "style a:#fff;", "classDef x:#abc;", "#35;",
    "`tick`", "-->", "1. one", "- item", "&lt;", "comma,", " ", "\u202egnidaer", "\x1b[31m", "dot.ted", "click n0", "[/x]",
)  # fmt: skip

_MERMAID_LABEL = r'"((?:[\w ._()-]|#\d+;)*)"'
_MERMAID_LINES = (
    r"flowchart LR",
    rf"    subgraph g\d+\[{_MERMAID_LABEL}\]",
    rf"        n\d+\[{_MERMAID_LABEL}\]",
    r"    end",
    r"    n\d+ (?:-->|-\.->) n\d+",
)
_DOT_LABEL = r'"((?:[^"\\\n]|\\\\|\\")*)"'
_DOT_LINES = (
    r"digraph lineage \{",
    r"    rankdir=LR;",
    r"    node \[shape=box\];",
    rf"    n\d+ \[label={_DOT_LABEL}\];",
    r"    n\d+ -> n\d+(?: \[style=dashed\])?;",
    r"\}",
)


@pytest.fixture
def view() -> LineageView:
    """Every hostile name upstream and downstream, and the asset itself as the focus."""
    ups = tuple(ColumnNode("a.up", name, "INTEGER") for name in NAMES)
    downs = tuple(ColumnNode("b.down", name, "INTEGER") for name in NAMES)
    edges = tuple(
        ViewEdge(up, down, kind, "expression")
        for up, down in zip(ups, downs, strict=True)
        for kind in (EdgeKind.VALUE, EdgeKind.INFLUENCE)
    )
    return LineageView(
        ColumnNode("b.down", None), (ColumnNode("b.down", None), *downs, *ups), one_by_one(edges)
    )


def labels(text: str, grammar: tuple[str, ...]) -> list[str]:
    """The labels of a diagram of which every line is in the *grammar*."""
    found = []
    for line in text.splitlines():
        matches = [match for rule in grammar if (match := re.fullmatch(rule, line))]
        assert len(matches) == 1, line
        found += [group for group in matches[0].groups() if group is not None]
    return found


def test_mermaid_labels_are_quoted_and_hold_no_markup(view: LineageView) -> None:
    coded = labels(mermaid(view), _MERMAID_LINES)
    read = [re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label) for label in coded]
    assert read == ["b.down", *map(shown, NAMES), "a.up", *map(shown, NAMES)]


def test_dot_labels_are_quoted_strings(view: LineageView) -> None:
    coded = labels(dot(view), _DOT_LINES)
    read = [html.unescape(re.sub(r"\\(.)", r"\1", label)) for label in coded]
    assert read == [f"{asset}.{shown(name)}" for asset in ("b.down", "a.up") for name in NAMES]


def test_json_keeps_every_name_as_it_is(view: LineageView) -> None:
    written = io.StringIO()
    write_json(Console(written, {}), json_output.lineage(view))
    document = json.loads(written.getvalue())
    assert [node["column"] for node in document["nodes"]] == [None, *NAMES, *NAMES]
    assert {edge["to"]["column"] for edge in document["edges"]} == set(NAMES)


def test_an_asset_is_drawn_by_its_columns_alone_where_these_are_drawn(view: LineageView) -> None:
    assert "(rows)" not in mermaid(view)
    assert 'label="b.down"' not in dot(view)


def test_a_count_is_told_where_no_values_flow() -> None:
    """Beside the column itself, and below it where it is a hop away; the legend explains what is drawn."""
    count = ColumnNode("a", "n", "BIGINT", expression="count(*)  filter (x)")
    twice = ColumnNode("b", "m", "BIGINT")
    source = ColumnNode("raw", "x", "BOOLEAN")
    into = (
        ViewEdge(count, twice, EdgeKind.VALUE, "expression", "n * 2"),
        ViewEdge(source, count, EdgeKind.INFLUENCE, "filter"),
    )
    view = LineageView(twice, (twice, count, source), one_by_one(into))
    assert list(map(plain, lineage_lines(view, Page(None), downstream=False))) == [
        "b.m  BIGINT",
        "comes from",
        "└─ ƒ a.n  BIGINT  n * 2",
        "   ├─ count(*) filter (x)",
        "   └─ ▽ filtered by raw.x",
        "",
        "ƒ expression   ▽ filter",
    ]
    view = LineageView(count, (count, source), one_by_one(into[1:]))
    assert plain(lineage_lines(view, Page(None), downstream=False)[0]) == "a.n  BIGINT  count(*) filter (x)"


def test_what_can_not_be_followed_is_not_called_nothing() -> None:
    column, reader = ColumnNode("raw", "x", "BOOLEAN"), ColumnNode("b", None)
    note = (OpaqueNote("b", "it collects"),)
    below = list(map(plain, lineage_lines(LineageView(column, (column,), (), note), Page(None))))
    assert below[1:3] == ["comes from nothing in this project", "feeds nothing that can be followed"]
    above = list(
        map(plain, lineage_lines(LineageView(reader, (reader,), (), note), Page(None), columns=True))
    )
    assert above[1:3] == ["comes from nothing that can be followed", "feeds nothing"]
