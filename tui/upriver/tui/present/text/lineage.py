"""Text tree of a piece of the lineage graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from upriver.lineage.model import EdgeKind
from upriver.materializer.answers import ColumnNode, LineageView, ViewEdge, ViewGroup
from upriver.tui.present.glyphs import HOW
from upriver.tui.present.spans import EMPTY, Line, Page, Span, clip, flowed, line, shown, width, wrap
from upriver.tui.present.text.marks import edge_sign


class Branches(NamedTuple):
    """What trees are drawn with."""

    fork: str = "├─ "
    last: str = "└─ "
    through: str = "│  "
    blank: str = "   "


BRANCHES = Branches()
ROWS = "(rows)"
"""Stands where a column's name would, for the rows of an asset."""
_MOST_NAMES = 6
_DEEPEST = 0.6
"""So much of the page's width the branches of a tree may take; what lies deeper is drawn as a tree of its own."""
_DECIDED_BY = {
    "filter": "filtered by",
    "join": "joined on",
    "group": "grouped by",
    "order": "ordered by",
    "distinct": "distinct on",
}
_DECIDES = {"filter": "filters", "join": "joins", "group": "groups", "order": "orders"}


class _Below(NamedTuple):
    """Stands for the lines of what lies beyond *node*, each after *prefix*."""

    node: ColumnNode
    prefix: Line


class _Tree:
    """Draws one direction of a view from a node. A node drawn before is named again but not opened again."""

    def __init__(self, view: LineageView, *, upstream: bool, page: Page) -> None:
        self.page = page
        self.upstream = upstream
        self.groups: dict[ColumnNode, list[ViewGroup]] = {}
        for group in view.groups:
            for near in group.targets if upstream else group.sources:
                self.groups.setdefault(_bare(near), []).append(group)
        self.types = {_bare(node): node.type for node in view.nodes}
        self.made = {_bare(node): node.expression for node in view.nodes if node.expression}
        self.kinds = {node.asset: node.kind for node in view.nodes}
        self.by_column = _is_by_column(view)
        self.opened: set[ColumnNode] = set()
        self.used: set[str] = set()

    def lines(self, node: ColumnNode) -> list[Line]:
        """What lies beyond *node*, without *node* itself. What would leave the page begins a tree of its own below."""
        drawn: list[Line] = []
        starts = deque([_bare(node)])
        while starts:
            start = starts.popleft()
            if drawn:
                if start in self.opened:
                    continue
                drawn += [EMPTY, line(Span(_name(start, by_column=self.by_column), "bold"))]
            drawn += self._tree(start, starts)
        return drawn

    def _tree(self, start: ColumnNode, later: deque[ColumnNode]) -> Iterator[Line]:
        open_now = [self._below(start, EMPTY)]  # no recursion: chains can be longer than Python's stack
        while open_now:
            match next(open_now[-1], None):
                case None:
                    open_now.pop()
                case _Below(beyond, prefix) if self._too_deep(prefix):
                    later.append(beyond)
                case _Below(beyond, prefix):
                    open_now.append(self._below(beyond, prefix))
                case text:
                    yield text

    def _too_deep(self, prefix: Line) -> bool:
        return self.page.width is not None and width(prefix) > self.page.width * _DEEPEST

    def _edges(self, node: ColumnNode) -> list[ViewEdge]:
        return [
            ViewEdge(far, node, group.kind, group.how, group.expression)
            if self.upstream
            else ViewEdge(node, far, group.kind, group.how, group.expression)
            for group in self.groups.get(node, ())
            for far in (group.sources if self.upstream else group.targets)
        ]

    def _below(self, node: ColumnNode, prefix: Line) -> Iterator[Line | _Below]:
        self.opened.add(node)
        edges = self._edges(node)
        values = _by_far_end([e for e in edges if e.kind is EdgeKind.VALUE], self.upstream)
        decided = _influences([e for e in edges if e.kind is EdgeKind.INFLUENCE], self.upstream)
        self.used |= {edge.how for _, edge in values} | {how for how, _, _ in decided}
        for i, (far, edge) in enumerate(values):
            last = i == len(values) - 1 and not decided
            again = far in self.opened and far in self.groups
            below = line(prefix, Span(BRANCHES.blank if last else BRANCHES.through, "dim"))
            yield line(
                prefix,
                Span(BRANCHES.last if last else BRANCHES.fork, "dim"),
                self._node(far, edge, _said(again=again, later=far in self.groups and self._too_deep(below))),
            )
            if not again:
                if self.upstream and far in self.made:
                    branch = BRANCHES.fork if far in self.groups else BRANCHES.last
                    yield line(below, Span(branch, "dim"), Span(_one_line(self.made[far]), "cyan"))
                if far in self.groups:
                    yield _Below(far, below)
        for i, (how, asset, columns) in enumerate(decided):
            branch = BRANCHES.last if i == len(decided) - 1 else BRANCHES.fork
            yield line(prefix, Span(branch, "dim"), self._influence(how, asset, columns))

    def _node(self, node: ColumnNode, edge: ViewEdge, said: str) -> Line:
        parts: list[Span | str | Line] = []
        if self.by_column:
            parts += [edge_sign(edge.how, self.page), " "]
        parts.append(_name(node, by_column=self.by_column))
        if kind := self.types.get(node):
            parts.append(Span(f"  {kind}", "dim"))
        if not self.by_column and self.kinds.get(node.asset, "table") != "table":
            parts.append(Span(f"  {self.kinds[node.asset]}", "dim"))
        if edge.expression and edge.how != "copy":
            parts.append(_expression(edge.expression))
        if said:
            parts.append(Span(f"  ({said})", "dim"))
        return line(*parts)

    def _influence(self, how: str, asset: str, columns: Sequence[str]) -> Line:
        names = (
            _name(ColumnNode(asset, columns[0] if columns[0] != ROWS else None), by_column=True)
            if len(columns) == 1
            else f"{asset}: {', '.join(columns[:_MOST_NAMES])}"
        )
        if len(columns) > _MOST_NAMES:
            names += f" and {len(columns) - _MOST_NAMES} more"
        words = (_DECIDED_BY if self.upstream else _DECIDES).get(
            how, "decided by" if self.upstream else "decides"
        )
        return line(edge_sign(how, self.page), " ", Span(f"{words} ", "dim"), Span(names, "dim"))


def _name(node: ColumnNode, *, by_column: bool) -> str:
    if node.column is not None:
        return f"{node.asset}.{node.column}"
    return f"{node.asset} {ROWS}" if by_column else node.asset


def _is_by_column(view: LineageView) -> bool:
    """Whether nodes without a column stand for the rows of an asset beside its columns, not for all of it."""
    return any(node.column is not None for node in view.nodes)


def _said(*, again: bool, later: bool) -> str:
    return "see above" if again else "see below" if later else ""


def _expression(text: str) -> Span:
    return Span(f"  {_one_line(text)}", "cyan")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _bare(node: ColumnNode) -> ColumnNode:
    """The node without what is only known of it in one place."""
    return ColumnNode(node.asset, node.column)


def _by_far_end(edges: Sequence[ViewEdge], upstream: bool) -> list[tuple[ColumnNode, ViewEdge]]:
    ends: dict[ColumnNode, ViewEdge] = {}
    for edge in edges:
        ends.setdefault(_bare(edge.source if upstream else edge.target), edge)
    return list(ends.items())


def _influences(edges: Sequence[ViewEdge], upstream: bool) -> list[tuple[str, str, list[str]]]:
    """Influence edges in groups: how, the far asset, its columns."""
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for edge in edges:
        far = edge.source if upstream else edge.target
        groups.setdefault((edge.how, far.asset), {})[far.column or ROWS] = None
    return [(how, asset, list(columns)) for (how, asset), columns in groups.items()]


def lineage_lines(
    view: LineageView,
    page: Page,
    *,
    upstream: bool = True,
    downstream: bool = True,
    columns: bool = False,
) -> list[Line]:
    """The focus, what it comes from and what it feeds."""
    lines: list[Line] = []
    used: set[str] = set()
    for number, focus in enumerate(_foci(view, columns)):
        if number:
            lines.append(EMPTY)
        known = next((node for node in view.nodes if _bare(node) == _bare(focus)), focus)
        head: list[Span | str | Line] = [
            Span(_name(focus, by_column=_is_by_column(view)), "bold"),
            Span(f"  {known.type}" if known.type else "", "dim"),
        ]
        if known.expression:
            head.append(_expression(known.expression))
        lines.append(line(*head))
        for wanted, up, title, nothing in (
            (upstream, True, "comes from", "comes from nothing in this project"),
            (downstream, False, "feeds", "feeds nothing"),
        ):
            if not wanted:
                continue
            tree = _Tree(view, upstream=up, page=page)
            drawn = tree.lines(focus)
            if any((note.asset == focus.asset) == up for note in view.opaque):
                nothing = f"{title} nothing that can be followed"
            lines.append(line(Span(title if drawn else nothing, "dim")))
            lines += drawn
            used |= tree.used
    if legend := _legend(view, used, page):
        lines += [EMPTY, *legend]
    if view.opaque:
        lines.append(EMPTY)
        for note in view.opaque:
            text = f"{note.asset}: columns are not followed through it: {note.cause}"
            first, *others = wrap(text, page.room(2))
            lines += [line(edge_sign("opaque", page), " ", first), *(line("  ", other) for other in others)]
    return lines if page.width is None else [clip(text, page.width) for text in lines]


def _legend(view: LineageView, used: set[str], page: Page) -> list[Line]:
    """The signs that the trees use, in words."""
    if not _is_by_column(view):
        return []
    parts = [line(edge_sign(how, page), Span(f" {how}", "dim")) for how in HOW if how in used]
    return flowed(parts, page.width)


def _foci(view: LineageView, columns: bool) -> list[ColumnNode]:
    if view.focus.column is not None or not columns:
        return [view.focus]
    own = [node for node in view.nodes if node.asset == view.focus.asset and node.column is not None]
    return [*own, view.focus]


def mermaid(view: LineageView) -> str:
    """The view as a Mermaid flow chart; influence is dashed."""
    names = _numbered(view)
    out = ["flowchart LR"]
    by_column = _is_by_column(view)
    groups: dict[str, list[ColumnNode]] = {}
    for node in names:
        groups.setdefault(node.asset, []).append(node)
    for number, (asset, nodes) in enumerate(groups.items()):
        if not by_column and all(node.column is None for node in nodes):
            out += [f"    {names[node]}[{_mermaid_text(asset)}]" for node in nodes]
            continue
        out.append(f"    subgraph g{number}[{_mermaid_text(asset)}]")
        out += [f"        {names[node]}[{_mermaid_text(node.column or ROWS)}]" for node in nodes]
        out.append("    end")
    for source, target, kind in _pairs(view):
        arrow = "-->" if kind is EdgeKind.VALUE else "-.->"
        out.append(f"    {names[source]} {arrow} {names[target]}")
    return "\n".join(out) + "\n"


def dot(view: LineageView) -> str:
    """The view for Graphviz; influence is dashed."""
    names = _numbered(view)
    out = ["digraph lineage {", "    rankdir=LR;", "    node [shape=box];"]
    for node, name in names.items():
        label = _name(node, by_column=_is_by_column(view))
        out.append(f"    {name} [label={_dot_text(label)}];")
    for source, target, kind in _pairs(view):
        style = "" if kind is EdgeKind.VALUE else " [style=dashed]"
        out.append(f"    {names[source]} -> {names[target]}{style};")
    return "\n".join([*out, "}"]) + "\n"


def _numbered(view: LineageView) -> dict[ColumnNode, str]:
    """What is drawn, and how it is called there. An asset whose columns are drawn needs no node of its own."""
    ends = dict.fromkeys(_bare(end) for group in view.groups for end in (*group.sources, *group.targets))
    by_column = {node.asset for node in view.nodes if node.column is not None}
    nodes = [
        node
        for node in (*map(_bare, view.nodes), *ends)
        if node.column is not None or node.asset not in by_column or node in ends
    ]
    return {node: f"n{i}" for i, node in enumerate(dict.fromkeys(nodes or [_bare(view.focus)]))}


def _pairs(view: LineageView) -> Iterator[tuple[ColumnNode, ColumnNode, EdgeKind]]:
    """Edges once each; where a value flows, its influence need not be drawn as well."""
    for target, edges in groupby(view.each_edge(), lambda edge: edge.target):
        kinds: dict[ColumnNode, EdgeKind] = {}
        for edge in edges:
            source = _bare(edge.source)
            if kinds.get(source) is not EdgeKind.VALUE:
                kinds[source] = edge.kind
        for source, kind in kinds.items():
            yield source, _bare(target), kind


def _mermaid_text(text: str) -> str:
    """A quoted label; everything that Mermaid might read as markup becomes a character code."""
    safe = "".join(c if c.isalnum() or c in " ._-()" else f"#{ord(c)};" for c in shown(text))
    return f'"{safe}"'


def _dot_text(text: str) -> str:
    """A quoted label, in which Graphviz would read backslashes and character references."""
    escaped = shown(text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{escaped}"'
